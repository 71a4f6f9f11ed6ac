"""The program as a process among others: Ctrl-C at any moment, streams that are closed, full or of another alphabet."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | {
    "OMP_NUM_THREADS": "1"
}
ALPHAZERO = [sys.executable, "-m", "alphazero"]


@pytest.fixture
def results(tmp_path) -> str:
    file = tmp_path / "results.jsonl"
    games = [{"first": "先手 ½", "second": "b", "result": 1}, {"first": "b", "second": "先手 ½", "result": 0.5}]
    file.write_text("".join(json.dumps(game) + "\n" for game in games))
    return str(file)


def shell(line: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash in which $az is the program with these arguments."""
    words = shlex.join([*ALPHAZERO, *arguments])
    return subprocess.run(
        ["bash", "-c", line.replace("$az", words)],
        env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
    )


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and the complaints of a program that gets a Ctrl-C."""
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=20)
    return process.returncode, complaints


def started(*words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words,
        env=ENVIRONMENT | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize(
    "command", [["doctor"], ["export", "pretrained:chess", "--out", "x.onnx"], ["uci"]], ids=" ".join
)
def test_ctrl_c_while_a_library_is_imported_ends_the_program_whatever_the_library_does_with_it(command, tmp_path):
    """torch's C++ aborts, or the interrupt is lost and the program goes on."""
    library = "print('torch is here', flush=True)\ntry:\n    input()\nexcept KeyboardInterrupt:\n    pass\n"
    (tmp_path / "torch.py").write_text(library)
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    with started(*ALPHAZERO, *command, PYTHONPATH=paths, XDG_CACHE_HOME=str(tmp_path)) as process:
        if command == ["uci"]:
            print("isready", file=process.stdin, flush=True)
        assert process.stdout.readline() == "torch is here\n"
        code, complaints = interrupted(process)
        assert code == 130 and "Traceback" not in complaints


@pytest.mark.parametrize("game, depth", [("chess", "20"), ("go", "9"), ("connect4", "30")])
def test_ctrl_c_ends_a_count_of_move_sequences(game, depth):
    code = "import sys; from alphazero.cli import main; print('begins', flush=True); sys.exit(main())"
    with started(sys.executable, "-c", code, "perft", game, depth, "--divide") as process:
        process.stdout.readline()
        select.select([process.stdout], [], [], 0.5)  # in the middle of a count
        assert interrupted(process) == (130, "")


def test_a_program_started_to_ignore_ctrl_c_ignores_it():
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from alphazero.cli import uci; uci()"
    with started(sys.executable, "-c", code) as process:
        for _ in range(2):
            print("uci", file=process.stdin, flush=True)
            assert "uciok\n" in iter(process.stdout.readline, "")
            process.send_signal(signal.SIGINT)
        print("quit", file=process.stdin, flush=True)
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    "closing, words",
    [
        ("<&-", "play --model uniform --game connect4"),
        (">&-", "play --model uniform --game connect4"),
        ("2>&-", "play --model uniform --game connect4"),
        ("<&- >&- 2>&-", "play --model uniform --game connect4"),
        ("<&-", "uci --model uniform"),
        (">&-", "uci --model uniform"),
        ("2>&-", "match random random --game connect4 --games 2"),
    ],
)
def test_streams_that_are_closed_are_none_to_fail_on(closing, words):
    done = shell(f"$az {closing}", *words.split())
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr


def test_what_cannot_be_written_is_told_in_one_line(results):
    done = shell("$az > /dev/full", "elo", results)
    assert (done.returncode, done.stderr) == (2, "alphazero: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_has_read_enough_is_no_error(results, lines):
    done = shell(f"set -o pipefail; $az | head -n {lines}", "elo", results)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_letters_that_the_terminal_does_not_have_are_escaped(results, encoding):
    done = shell("$az", "elo", results, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "\\u5148\\u624b" in done.stdout


@pytest.mark.parametrize("go", ["go infinite", "go movetime 1000000"])
def test_an_engine_whose_gui_is_gone_ends_its_search_without_a_word(go):
    with started(*ALPHAZERO, "uci", "--model", "uniform") as process:
        print(f"position startpos\n{go}", file=process.stdin, flush=True)
        process.stdout.readline()
        process.stdout.close()
        process.stdin.close()
        assert process.wait(20) == 0
        assert len(process.stderr.read().splitlines()) == 1, "who plays, and no more"
