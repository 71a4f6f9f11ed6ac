"""What people's programs and files really sent, word for word, and their sisters; what tests of a subject hold stands there."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tomllib
import torch
from dialogue import Program
from safetensors.torch import load_file, save_file
from tiny import tiny_file

import alphazero as az
from alphazero import checkpoint
from alphazero.cli import main
from alphazero.config import load_config
from alphazero.training.replay import chunk_paths
from alphazero.training.run import Run

ROOT = Path(__file__).parents[1]


# --- USI ---


@pytest.mark.parametrize(
    ("game", "position"),
    [
        ("shogi", "position sfen 9/9 b - 1"),
        ("shogi", "position sfen"),
        ("shogi", "position fen 4k3/8/8/8/8/8/8/4K3 w - - 0 1"),
        ("shogi", "position moves 7g7f"),
        ("minishogi", "position sfen r1sgG/5/PBr1p/k3b/K1S2 b - 13"),
    ],
)
def test_a_usi_position_that_cannot_be_read_leaves_none_and_go_resigns(usi, game, position):
    d = usi(game)
    d.send("position startpos", position)
    d.until("info string error")
    for go in ("go nodes 10", "go btime 1000 wtime 1000 byoyomi 100", "go movetime 20 foo"):
        d.send(go)
        assert d.answers() == ["bestmove resign"]
    d.send("go mate 100")
    assert d.until("checkmate")[-1] == "checkmate timeout"
    d.send("position startpos", "go nodes 10")
    assert d.answers()[0].split()[1] in az.Game(game).position().legal_moves()


@pytest.mark.parametrize(
    "go",
    ["go nodes 10.5", "go byoyomi 50 foo", "go searchmoves 7g7e 7g7f nodes 20", "go rtime 1 nodes 5", "go byoyomi ²"],
)
def test_every_usi_go_is_answered_once_with_a_legal_move(usi, go):
    d = usi()
    d.send("position startpos", go)
    if go == "go byoyomi ²":
        d.send("stop")
    (answer,) = d.answers()
    assert answer.split()[1] in az.Game("shogi").position().legal_moves()


@pytest.mark.parametrize("go", ["go mate", "go mate infinite", "go mate ten", "go mate -5"])
def test_go_mate_that_finds_no_mate_or_no_time_is_answered(usi, go):
    d = usi()
    d.send("position startpos", go, "stop")
    assert d.until("checkmate", seconds=5)[-1] in ("checkmate timeout", "checkmate nomate")


def test_usi_options_between_position_and_go_keep_the_position(usi):
    d = usi()
    after = az.Game("shogi").position()
    after.play("7g7f")
    for option in ("USI_Hash value 32", "USI_Ponder value 1", "MultiPV value 500", "WeightsFile value uniform"):
        d.send("position startpos moves 7g7f", f"setoption name {option}", "go nodes 10")
        assert d.answers()[0].split()[1] in after.legal_moves()


def test_a_pass_is_read_in_analysis_and_gives_the_other_side_the_move(usi):
    d = usi()
    d.send("position startpos moves 7g7f pass 2g2f", "d", "go nodes 10")
    assert " w " in d.until("sfen")[-1]
    assert (
        d.answers()[0].split()[1]
        in az.Game("shogi")
        .position("lnsgkgsnl/1r5b1/ppppppppp/9/9/2P4P1/PP1PPPP1P/1B5R1/LNSGKGSNL w - 1")
        .legal_moves()
    )


def test_hands_in_any_order_and_problems_without_the_attackers_king_are_read_by_the_engine(usi):
    d = usi()
    d.send("position sfen 7nk/9/8G/9/9/9/9/9/K8 b PPG 1", "d")
    assert "G2P" in d.until("sfen")[-1]
    d.send("position sfen 7nk/9/8G/9/9/9/9/9/9 b P2G 1", "go mate 2000")
    assert d.until("checkmate")[-1] == "checkmate G*1b"


def test_a_position_whose_king_can_be_taken_is_refused_in_python_too():
    for text in ("r1sgG/5/PBr1p/k3b/K1S2 b - 13", "4k/5/5/5/K3R b - 1", "k3r/5/5/5/4K w - 1"):
        with pytest.raises(ValueError, match="in check"):
            az.Game("minishogi").position(text)
    with pytest.raises(ValueError, match="no check against the side that just moved"):
        az.Game("chess").position("4k3/8/8/8/8/8/8/4R1K1 w - - 0 1")


# --- programs ---


@pytest.mark.parametrize(
    ("name", "sent", "answer"), [("uci", "uci", "uciok"), ("usi", "usi", "usiok"), ("gtp", "name", "=")]
)
def test_a_gui_may_start_a_file_without_arguments(name, sent, answer):
    with (ROOT / "pyproject.toml").open("rb") as file:
        scripts = tomllib.load(file)["project"]["scripts"]
    module, _, function = scripts[f"alphazero-{name}"].partition(":")
    with Program(code=f"import sys; from {module} import {function}; sys.exit({function}())") as d:
        d.send(sent)
        d.until(answer)
        d.quit()


@pytest.mark.parametrize(
    ("arguments", "sent", "seen"),
    [
        (["gtp", "--model", "mcts:100000000"], "name\ngenmove b", "="),
        (["play", "--model", "mcts:100000000", "--game", "go", "--colour", "second"], "", " 9 "),
    ],
    ids=["gtp", "play"],
)
def test_ctrl_c_while_a_rollout_player_thinks_ends_the_program(arguments, sent, seen):
    with Program(*arguments) as d:
        d.send(sent)
        d.until(seen)
        d.process.send_signal(signal.SIGINT)
        assert d.ended(10) in (0, 130)
        assert "Traceback" not in "".join(d.complaints)


@pytest.mark.parametrize("command", ["uci", "usi", "gtp"])
def test_quit_takes_next_to_no_processor_time(command):
    ticks = os.sysconf("SC_CLK_TCK")

    def used(pid: int) -> float:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / ticks

    with Program(command, "--model", "uniform") as d:
        d.send({"gtp": "name"}.get(command, "isready"))
        d.until("=" if command == "gtp" else "readyok")
        if command == "gtp":
            assert d.line() == ""
        before = used(d.process.pid)
        d.send("quit")
        _, status, usage = os.wait4(d.process.pid, 0)
        d.process.returncode = os.waitstatus_to_exitcode(status)
        assert d.process.returncode == 0
        assert usage.ru_utime + usage.ru_stime - before < 0.1 + 2 / ticks


# --- players ---


@pytest.mark.parametrize("text", ["uniform", "mcts:20"])
def test_one_player_searched_from_four_threads_works_or_says_so(text):
    player = az.load(text, game=az.Game("connect4"))
    with pytest.raises(ValueError, match="no search to draw a move from"):
        player.sample_move(1.0)
    said: list[BaseException | None] = []

    def search() -> None:
        try:
            for _ in range(20):
                player.search(player.game.position(), 50)
            said.append(None)
        except RuntimeError as error:
            said.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 4
    assert all(error is None or "in use by another thread" in str(error) for error in said)
    assert player.search(player.game.position(), 10).best_move


# --- training ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    assert main(["train", str(tiny_file(folder)), "--run", str(folder / "run"), "--no-rating"]) == 0
    return folder / "run"


def one_line(capsys) -> str:
    told = capsys.readouterr().err
    assert told.startswith("alphazero: ") and told.count("\n") == 1, told
    return told


@pytest.mark.parametrize(
    "override",
    [
        "rating.opponents=[5]",
        'rating.opponents=["mtcs:100"]',
        "rating.opponents=[null]",
        'rating.opponents=["mcts:99999999999"]',
        "training.learning_rate=1e3",
        "search.c_visit=.inf",
        "search.c_scale=1e38",
        "search.noise_alpha=.inf",
        "search.c_init=1e9",
        "search.virtual_loss=1e9",
        "seed=-1",
        "seed=99999999999999999999",
        "selfplay.threads=999999",
        "selfplay=" + "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_a_run_cannot_use_is_refused_before_it_begins(tmp_path, capsys, override):
    assert main(["train", str(tiny_file(tmp_path)), override, "--run", str(tmp_path / "run")]) == 2
    assert len(one_line(capsys)) < 300
    assert not (tmp_path / "run").exists()


def test_the_first_number_that_a_trainer_types_is_a_number(trained, tmp_path):
    call = ["train", str(trained.parent / "tiny.yaml"), "training.learning_rate=1e-3", "--run", str(tmp_path / "run")]
    assert main([*call, "--no-rating"]) == 0
    assert "learning_rate: 0.001" in (tmp_path / "run" / "config.yaml").read_text()


def spoilt(run: Path, to: Path, value: float) -> Path:
    """A copy of the run whose networks have this in all their weights: those that play and the trainer's averaged ones."""
    shutil.copytree(run, to)
    for path in (to / "checkpoints").glob("*/*"):
        if path.name == "model.safetensors":
            save_file({name: fill(tensor, value) for name, tensor in load_file(path).items()}, path)
        if path.name == "trainer.pt":
            state = torch.load(path, weights_only=True)
            state["averaged"] = {name: fill(tensor, value) for name, tensor in state["averaged"].items()}
            torch.save(state, path)
    return to


def fill(tensor: torch.Tensor, value: float) -> torch.Tensor:
    return torch.full_like(tensor, value) if tensor.dtype.is_floating_point else tensor


@pytest.mark.parametrize("value", [1e20, 3e38, float("nan"), float("inf")])
def test_a_run_does_not_go_on_with_averaged_weights_that_are_no_network(trained, tmp_path, capsys, value):
    run = spoilt(trained, tmp_path / "run", value)
    call = ["train", str(trained.parent / "tiny.yaml"), "training.budget_games=48", "--run", str(run), "--no-rating"]
    assert main(call) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"alphazero: {run}") and "evaluator" not in told


@pytest.mark.parametrize("value", [1e20, 3e38])
@pytest.mark.parametrize(
    "call",
    [
        ["match", "random", "{net}", "--games", "2"],
        ["match", "{net}", "random", "--games", "2", "--tc", "5"],
        ["match", "{net}", "random", "--games", "2", "--search", "gumbel"],
        ["tournament", "{net}", "random", "uniform", "--games", "2"],
        ["selfplay", "{net}", "--games", "2", "--out", "{out}"],
        ["scaling", "{net}", "--to", "2", "--games", "2", "--out", "{out}"],
    ],
    ids=" ".join,
)
def test_a_network_whose_answers_are_no_numbers_is_named(trained, tmp_path, capsys, call, value):
    run = spoilt(trained, tmp_path / "spoilt", value)
    assert main([word.format(net=run, out=tmp_path / "out") for word in call]) == 2
    told = one_line(capsys)
    assert "spoilt" in told and "evaluator" not in told


@pytest.mark.parametrize(
    "meta", ["null", "", "[]", "5", '{"game": 5}', "[" * 100_000, "{\n", '{"game": "go"}', "\xff"], ids=range(9)
)
def test_a_checkpoint_whose_facts_cannot_be_read_is_one_line_everywhere(trained, tmp_path, capsys, meta):
    folder = tmp_path / "broken"
    shutil.copytree(checkpoint.resolve(trained), folder)
    (folder / "meta.json").write_text(meta, "latin-1")
    for call in (
        ["info", str(folder)],
        ["match", str(folder), "random", "--games", "2"],
        ["tournament", str(folder), "random", "--games", "2"],
        ["export", str(folder)],
        ["gtp", "--model", str(folder)],
        ["uci", "--model", str(folder)],
        ["usi", "--model", str(folder)],
        ["play", "--model", str(folder)],
        ["selfplay", str(folder), "--games", "1", "--out", str(tmp_path / "out")],
        ["scaling", str(folder), "--to", "2", "--games", "2", "--out", str(tmp_path / "scaling")],
    ):
        capsys.readouterr()
        assert main(call) == 2, call
        assert str(folder) in one_line(capsys)


# --- files ---


@pytest.mark.parametrize(
    "content",
    ["", "null", "[]", "{}", '{"players": 5}', '{"players": [5]}', '{"players": [{}]}', "[" * 100_000, "\xff",
     '{"players": [{"name": 5, "elo": 1, "low": 0, "high": 2}]}', '{"players": [{"name": "a", "elo": "x"}]}', "{\n\n!"],
    ids=range(12),
)  # fmt: skip
def test_ratings_of_a_run_that_cannot_be_read_are_one_line(trained, tmp_path, capsys, content):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / "elo.json").write_text(content, "latin-1")
    capsys.readouterr()
    assert main(["info", str(run)]) == 2
    assert str(run / "elo.json") in one_line(capsys)


def test_a_torn_line_that_is_nested_without_end_does_not_stop_a_match(tmp_path, capsys):
    call = [
        "match",
        "uniform",
        "random",
        "--game",
        "connect4",
        "--games",
        "2",
        "--simulations",
        "2",
        "--out",
        str(tmp_path),
    ]
    assert main(call) == 0
    for torn in ("[" * 100_000, '{"game": ' + "[" * 100_000):
        with (tmp_path / "results.jsonl").open("a") as file:
            file.write(torn)
        assert main(call) in (0, 2)
        assert "Traceback" not in capsys.readouterr().err


def test_self_play_into_the_games_of_a_run_that_trains_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    run = Run(load_config(tiny_file(tmp_path)), tmp_path / "run", "cpu", io.StringIO())
    call = ["selfplay", "uniform", "--game", "connect4", "--games", "2", "--simulations", "2"]
    with Program(*call, "--out", str(tmp_path / "run" / "replay")) as d:
        assert d.ended() == 2
    (told,) = d.complaints
    assert "another process writes games into this store" in told
    assert run.store.games == 0


def test_two_self_plays_into_one_place_are_one_or_refused(trained, tmp_path, capsys):
    call = ["selfplay", "uniform", "--game", "connect4", "--games", "4", "--simulations", "2", "--out"]
    out = tmp_path / "games"
    assert main([*call, str(out)]) == 0
    first = subprocess.Popen(
        [sys.executable, "-m", "alphazero", *call[:4], "--games", "1000000", *call[6:], str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        before = len(chunk_paths(out))
        while len(chunk_paths(out)) == before and first.poll() is None:
            time.sleep(0.02)
        assert first.poll() is None
        capsys.readouterr()
        assert main([*call, str(out)]) == 2
        assert "another process writes games into this store" in one_line(capsys)
    finally:
        first.kill()
        first.wait()
    assert main([*call, str(out)]) == 0
    assert main(["replay", str(out)]) == 0
    assert "all checksums good" in capsys.readouterr().out
