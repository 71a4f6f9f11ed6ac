"""A match with engines, killed at any instant and called again: every game is in the results and in its record file once, and
no process is left behind."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_double import alive

from alphazero.arena import records
from alphazero.formats import sgf
from alphazero.formats.sgf_tree import collection

DOUBLE = Path(__file__).parent / "engine_double.py"


def numbers(out: Path) -> list[int]:
    lines = (out / "results.jsonl").read_text().splitlines() if (out / "results.jsonl").exists() else []
    return [json.loads(line)["game"] for line in lines if line.endswith("}")]


def double(protocol: str, game: str, numbers: Path) -> str:
    """An engine that starts a child in its group and one in a session of its own; their numbers are in the file."""
    limit = "{nodes=1}" if protocol == "uci" else ""
    return f"{protocol}:{sys.executable} {DOUBLE} {protocol} {game} spawn 0 {numbers}{limit}"


CALL = [sys.executable, "-m", "alphazero", "match"]
KINDS = {"gtp": ("go", ["--option", "board_size=9"]), "uci": ("chess", [])}
SIGNALS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}


@pytest.mark.parametrize("protocol", KINDS)
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])  # each costs a start of Python
def test_killed_at_any_instant_a_match_goes_on_without_loss_or_repetition(tmp_path, protocol, kills):
    """By SIGKILL, SIGTERM and SIGINT in turn. Each time nothing is left of the engines, nor of what they started."""
    game, options = KINDS[protocol]
    started, out = tmp_path / "processes", tmp_path / "match"
    games = 10 * kills
    call = [*CALL, double(protocol, game, started), "random", "--game", game, *options, "--games", str(games)]
    call += ["--max-plies", "40", "--concurrency", "2", "--out", str(out)]
    draw = random.Random(kills)
    seen = 0
    for kill in range(kills):
        before = len(numbers(out))
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wanted = draw.randint(0, 5)  # 0: while the engines start
        while process.poll() is None and (
            len(numbers(out)) < before + wanted or not started.exists() or len(started.read_text().split()) <= seen
        ):
            time.sleep(0.01)
        time.sleep(0.05 * draw.random())
        number = list(SIGNALS)[(kill + (protocol == "uci")) % 3]  # in the quick variants, too, each comes once
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == SIGNALS[number], "the match ended before it could be killed, or otherwise"
        assert "Traceback" not in errors, errors
        _wait_until_gone(started)
        seen = len(started.read_text().split())
    assert seen >= 4 * kills
    last = subprocess.run([*call, "--json"], capture_output=True, text=True, check=True)
    report = json.loads(last.stdout)
    assert report["wins"] + report["draws"] + report["losses"] == games
    assert sorted(numbers(out)) == list(range(games))
    assert _rounds(out, game) == [number + 1 for number in numbers(out)]
    assert not alive(started), "the match has ended, and its engines with it"


def _wait_until_gone(started: Path) -> None:
    """SIGKILL leaves the ending to the guards, which takes them a moment."""
    end = time.monotonic() + 10
    while left := alive(started):
        assert time.monotonic() < end, f"left running: {left}"
        time.sleep(0.01)


def _rounds(out: Path, game: str) -> list[int]:
    """The numbers of the games in the record file, in its order."""
    if game == "go":
        games = collection((out / "games.sgf").read_text())
        return [int(sgf.parse(text).properties["RO"][0]) for _, text in games]
    pytest.importorskip("chess", reason="python-chess writes PGN; it comes with the extra 'test'")
    return [int(number) for number in re.findall(r'^\[Round "(\d+)"\]', (out / "games.pgn").read_text(), re.MULTILINE)]


def test_a_match_that_dies_while_its_engine_starts_leaves_nothing(tmp_path):
    """Its engine never answers; SIGKILL meets the match in the handshake."""
    started = tmp_path / "processes"
    engine = f"uci:sh -c 'echo $$ > {started}; exec sleep 3600'{{nodes=1}}"
    process = subprocess.Popen([*CALL, engine, "random", "--game", "chess", "--games", "2"])
    while not started.exists() or not started.read_text().strip():
        time.sleep(0.01)
    process.kill()
    process.wait()
    _wait_until_gone(started)


def test_a_guard_that_is_killed_takes_its_engine_along(tmp_path):
    from alphazero.protocols.process import EngineProcess

    engine = EngineProcess(["sh", "-c", "echo $$; exec sleep 3600"])
    (tmp_path / "number").write_text(engine.line(time.monotonic() + 30) or "")
    assert alive(tmp_path / "number")
    engine._process.kill()
    _wait_until_gone(tmp_path / "number")
    engine.end(1)


def test_sigterm_to_the_guard_ends_the_engine_and_its_children(tmp_path):
    """As systemd and batch systems do, which send it to every process they know of."""
    from alphazero.protocols.process import EngineProcess

    engine = EngineProcess(["sh", "-c", "trap '' TERM; sleep 3600 & setsid sleep 3600 & echo $$ $! ready; wait"])
    (tmp_path / "numbers").write_text((engine.line(time.monotonic() + 30) or "").removesuffix(" ready"))
    assert len(alive(tmp_path / "numbers")) == 2
    engine._process.terminate()
    assert engine.status(seconds=10) == 137
    assert not alive(tmp_path / "numbers")
    engine.end(1)


def test_a_record_whose_result_a_kill_prevented_is_taken_off(tmp_path):
    path = tmp_path / "games.sgf"
    end = records.append(path, "(;B[aa])\n")
    records.append(path, "(;B[b")
    records.cut(path, end)
    assert path.read_text() == "(;B[aa])\n"
    records.cut(path, 100)
    assert path.read_text() == "(;B[aa])\n"
