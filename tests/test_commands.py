"""The command line as a user meets it: whole runs, and what is said of mistakes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import alphazero as az
from alphazero import checkpoint, pretrained
from alphazero._core import GameRecord
from alphazero.cli import COMMANDS, main
from alphazero.config import TrainingConfig
from alphazero.training.replay import Replay, chunk_paths, read_chunk
from alphazero.training.trainer import Trainer

TINY = """
game: {name: connect4}
network: {blocks: 1, channels: 8, value_hidden: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 16, batch_size: 16}
replay: {window_min: 500, min_positions: 100, chunk_games: 8}
training: {batch_size: 32, budget_games: 60, checkpoint_every: 10}
rating: {checkpoints: 3, games: 4, simulations: 4, opponents: [random, "mcts:5"]}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of 60 games, trained and rated."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "tiny.yaml").write_text(TINY)
    assert main(["train", str(folder / "tiny.yaml"), "--run", str(folder / "run")]) == 0
    return folder / "run"


def test_a_run_directory_holds_what_it_should(run):
    names = {path.name for path in run.iterdir()}
    assert {"config.yaml", "checkpoints", "replay", "tb", "elo.json", "elo.png", "log.jsonl"} - names <= {"log.jsonl"}
    meta = checkpoint.read_meta(checkpoint.resolve(run))
    assert {"game", "options", "network", "steps", "games", "positions", "seconds", "version"} <= meta.keys()
    elo = json.loads((run / "elo.json").read_text())
    assert elo["anchor"] == "step-0"
    named = {player["name"] for player in elo["players"]}
    assert {"step-0", f"step-{meta['steps']}", "random", "mcts:5"} <= named


def test_a_run_of_before_is_rated_without_the_keys_that_went(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "old")
    config = tmp_path / "old" / "config.yaml"
    config.write_text(config.read_text().replace("network:\n", "network:\n  tower: residual\n"))
    assert main(["tournament", str(tmp_path / "old"), "rating.checkpoints=2", "rating.games=2"]) == 0
    capsys.readouterr()
    assert main(["tournament", str(tmp_path / "old"), "rating.opponents=[nobody]"]) == 2
    assert "rating.opponents[0]" in capsys.readouterr().err


def test_one_network_learns_on_boards_of_several_sizes(tmp_path):
    config = tmp_path / "sizes.yaml"
    config.write_text(
        TINY.replace("name: connect4", "name: go, options: {board_size: 5, max_plies: 40}")
        .replace("batch_size: 16}", "batch_size: 16, variants: [{share: 0.25, board_size: 4, max_plies: 24}]}")
        .replace("budget_games: 60", "budget_evaluations: 12000")
    )
    assert main(["train", str(config), "--run", str(tmp_path / "run"), "--no-rating"]) == 0
    meta = checkpoint.read_meta(checkpoint.resolve(tmp_path / "run"))
    assert meta["steps"] > 10
    assert 12000 <= meta["evaluations"] < 14000
    sizes = {}
    for folder, size in (("replay", 5), ("replay/board_size-4-max_plies-24", 4)):
        headers = [read_chunk(path).header for path in chunk_paths(tmp_path / "run" / folder)]
        assert {header["options"]["board_size"] for header in headers} == {size}
        sizes[size] = sum(header["positions"] for header in headers)
    assert sum(sizes.values()) == meta["positions"]
    assert 0.15 < sizes[4] / sum(sizes.values()) < 0.4  # a quarter of the evaluations; games end when they end
    before = meta["evaluations"]
    more = ["train", str(config), "training.budget_evaluations=14000", "--run", str(tmp_path / "run"), "--no-rating"]
    assert main(more) == 0
    assert checkpoint.read_meta(checkpoint.resolve(tmp_path / "run"))["evaluations"] > before


def test_a_run_begun_before_a_head_was_invented_goes_on(run, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(run, old)
    folder = checkpoint.resolve(old)
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if not name.startswith(("reply", "plies_left"))}
    assert len(kept) == len(weights) - 4
    save_file(kept, folder / "model.safetensors")
    meta = json.loads((folder / "meta.json").read_text())
    for key in ("reply", "plies_left"):
        del meta["network"][key]
    (folder / "meta.json").write_text(json.dumps(meta))
    loaded = checkpoint.load(folder)
    assert not loaded.network.config.reply
    trainer = Trainer(loaded.network, TrainingConfig(), "cpu")
    trainer.steps = int(meta["steps"])
    torch.save(trainer.state_dict(), folder / "trainer.pt")
    call = ["train", str(run.parent / "tiny.yaml"), "training.budget_games=120", "--run", str(old), "--no-rating"]
    assert main(call) == 0
    assert checkpoint.read_meta(checkpoint.resolve(old))["steps"] > meta["steps"]


def test_a_network_that_comes_along_plays_where_no_model_is_named(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert pretrained.default_model("connect4") == "uniform"
    with pytest.raises(checkpoint.CheckpointError, match="pretrained:connect4: no such network; there are: none"):
        az.load("pretrained:connect4")
    shutil.copytree(checkpoint.resolve(run), tmp_path / "connect4")
    assert pretrained.games() == ["connect4"]
    player = az.load("pretrained:connect4")
    assert player.game == az.Game("connect4")
    assert player.meta["steps"] == checkpoint.read_meta(checkpoint.resolve(run))["steps"]
    assert main(["match", "pretrained:connect4", "random", "--games", "4", "--simulations", "8"]) == 0
    assert "pretrained:connect4/step-" in capsys.readouterr().out
    monkeypatch.setattr("builtins.input", lambda prompt: "quit")
    assert main(["play"]) == 0
    assert "against pretrained:connect4" in capsys.readouterr().out
    with pytest.raises(checkpoint.CheckpointError, match="pretrained:chess: no such network; there are: connect4"):
        az.load("pretrained:chess")


def test_a_second_call_resumes_and_a_larger_budget_extends(run, capsys):
    before = checkpoint.read_meta(checkpoint.resolve(run))
    config = run.parent / "tiny.yaml"
    assert main(["train", str(config), "--run", str(run), "--no-rating"]) == 0
    assert "training budget reached" in capsys.readouterr().err
    assert checkpoint.read_meta(checkpoint.resolve(run)) == before
    assert main(["train", str(config), "training.budget_games=90", "--run", str(run), "--no-rating"]) == 0
    assert f"at step {before['steps']}" in capsys.readouterr().err
    after = checkpoint.read_meta(checkpoint.resolve(run))
    assert after["steps"] > before["steps"]
    assert after["games"] >= 90


def test_matches_between_checkpoints_print_the_agreed_object(run, capsys, tmp_path):
    arguments = ["match", str(run), "random", "--games", "4", "--simulations", "8", "--json", "--out", str(tmp_path)]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    assert first.keys() == {"wins", "draws", "losses", "elo", "low", "high", "los", "pentanomial", "nelo"}
    assert first["wins"] + first["draws"] + first["losses"] == 4
    lines = (tmp_path / "results.jsonl").read_text()
    (tmp_path / "results.jsonl").write_text("".join(lines.splitlines(keepends=True)[:2]))
    assert main(arguments) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["wins"] + again["draws"] + again["losses"] == 4
    resumed = (tmp_path / "results.jsonl").read_text().splitlines()
    assert resumed[:2] == lines.splitlines()[:2]

    def games(text):  # the moves may differ: a network's last bits depend on what shares its batch
        return sorted((g["game"], g["first"], g["second"], g["opening"]) for g in map(json.loads, text))

    assert games(resumed) == games(lines.splitlines())


def test_info_replay_perft_and_selfplay_say_what_they_should(run, capsys, tmp_path):
    assert main(["info", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["game"] == "connect4"
    assert main(["replay", str(run), "--export", str(tmp_path / "games"), "--last", "3"]) == 0
    assert "all checksums good" in capsys.readouterr().out
    assert len(list((tmp_path / "games").iterdir())) == 3
    assert main(["perft", "connect4", "4", "--divide"]) == 0
    assert "2401 nodes" in capsys.readouterr().out
    assert (
        main(
            [
                "selfplay",
                "uniform",
                "--game",
                "go",
                "--option",
                "board_size=4",
                "--games",
                "3",
                "--simulations",
                "4",
                "--out",
                str(tmp_path / "s"),
            ]
        )
        == 0
    )
    assert "3 games" in capsys.readouterr().out
    assert main(["replay", str(tmp_path / "s"), "--export", str(tmp_path / "sgf")]) == 0
    files = list((tmp_path / "sgf").iterdir())
    assert len(files) == 3 and all(path.read_text().startswith("(;GM[1]") for path in files)


def test_selfplay_that_is_interrupted_ends_its_lanes_and_keeps_its_games(run, monkeypatch, tmp_path):
    monkeypatch.setattr("alphazero.machine.cores", lambda: 3)
    add = Replay.add

    def add_and_interrupt(replay: Replay, record: GameRecord) -> None:
        add(replay, record)
        raise KeyboardInterrupt

    monkeypatch.setattr(Replay, "add", add_and_interrupt)
    words = [
        "selfplay",
        str(run),
        "--games",
        "500",
        "--simulations",
        "4",
        "--out",
        str(tmp_path / "s"),
        "--device",
        "cpu",
    ]
    assert main(words) == 130
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane-")]
    monkeypatch.undo()
    assert main(["replay", str(tmp_path / "s"), "--export", str(tmp_path / "games")]) == 0
    assert len(list((tmp_path / "games").iterdir())) == 1


def test_a_person_can_play(run, capsys, monkeypatch):
    words = iter(["moves", "hint", "zz", "d", "undo", "undo", "d", "resign"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(words))
    assert main(["play", "--model", str(run), "--simulations", "5"]) == 0
    shown = capsys.readouterr().out
    assert "a b c d e f g" in shown
    assert "'zz' is no column" in shown
    assert "You resign" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert "example: alphazero " + command in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nowhere.yaml"], "nowhere.yaml: cannot read the configuration"),
        (["train", "{tiny}", "search.sims=3", "--run", "{tmp}/x"], "unknown key search.sims"),
        (["train", "{tiny}", "game.options={rows: 3}", "--run", "{tmp}/x"], "unknown option 'rows'"),
        (["train", "{tiny}", "--run", "/proc/nothing/here"], "cannot write the run directory"),
        (["train", "{tiny}", "game.name=go", "--run", "{run}"], "begun with another game"),
        (["info", "{tmp}/nothing"], "no such checkpoint or run directory"),
        (["play", "--model", "nosuch"], "no such checkpoint"),
        (["gtp", "--model", "{run}"], "GTP is for Go"),
        (["match", "{run}", "nosuch"], "nosuch: no such checkpoint"),
        (["match", "{run}", "random", "--games", "0"], "--games must be >= 1, got 0"),
        (["match", "random", "mcts:10"], "pass --game"),
        (["match", "random", "mcts:x", "--game", "connect4"], "mcts:N needs a number"),
        (["match", "{run}", "random", "--game", "go"], "plays connect4, not go"),
        (["elo", "{tmp}/none.jsonl"], "no such file"),
        (["perft", "chequers", "2"], "unknown game 'chequers'; games are:"),
        (["perft", "go", "2", "--option", "board_size=30"], "board_size must be an integer in 2..19, got 30"),
        (["perft", "go", "2", "--option", "board_size=1"], "got 1"),
        (["perft", "connect4", "-1"], "DEPTH must be >= 0"),
        (["replay", "{tmp}"], "no replay chunks here"),
        (["bench", "everything"], "unknown WHAT 'everything'"),
        (["tournament", "{tmp}"], "not a run directory"),
        (["export", "{tmp}/nothing"], "no such checkpoint or run directory"),
        (["play", "--game", "go", "--option", "name=9"], "go: unknown option 'name'; options are: board_size, "),
        (["perft", "chess", "1", "--option", "self=1"], "chess: unknown option 'self'; options are: "),
        (["export", "{run}", "--out", "/proc/nothing/x.onnx"], "/proc/nothing/x.onnx: cannot write"),
    ],
)
def test_a_users_mistake_gets_one_line_and_exit_2(run, tmp_path, capsys, arguments, message):
    places = {"tiny": str(run.parent / "tiny.yaml"), "tmp": str(tmp_path), "run": str(run)}
    capsys.readouterr()
    assert main([a.format(**places) if "{" in a and ": " not in a else a for a in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("alphazero: ")
    assert error.count("\n") == 1


def test_an_exported_network_says_what_the_player_says(run, tmp_path, capsys):
    import numpy as np
    import onnxruntime

    assert main(["export", str(run), "--out", str(tmp_path / "net.onnx")]) == 0
    assert "wdl" in capsys.readouterr().out
    player = az.load(run, device="torch")
    position = player.game.position()
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    logits, wdl = session.run(["policy", "wdl"], {"planes": position.planes()[None]})
    evaluation = player.evaluate(position)
    weights = np.exp(logits[0][position.policy_indices()])
    assert np.allclose(weights / weights.sum(), list(evaluation.priors.values()), atol=0.01)
    assert np.allclose(wdl[0], evaluation.wdl, atol=0.01)


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_any_instant_a_run_goes_on_without_loss_or_repetition(tmp_path, kills):
    config = tmp_path / "tiny.yaml"
    config.write_text(TINY.replace("budget_games: 60", "budget_games: 100000"))
    directory = tmp_path / "run"
    command = [sys.executable, "-m", "alphazero", "train", str(config), "--run", str(directory)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    kept: dict[str, bytes] = {}
    step = 0
    rng = random.Random(kills)
    for _ in range(kills):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        )
        games = len(chunk_paths(directory / "replay"))
        deadline = time.time() + 60
        while len(chunk_paths(directory / "replay")) <= games and time.time() < deadline:
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, 1.5))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert "warning" not in errors
        for name, data in kept.items():
            assert (directory / "replay" / name).read_bytes() == data
        paths = chunk_paths(directory / "replay")
        assert len(paths) > games
        kept = {path.name: path.read_bytes() for path in paths}
        numbers = [number for path in paths for number in read_chunk(path).header["numbers"]]
        assert len(numbers) == len(set(numbers))
        newest = checkpoint.latest(directory)
        assert newest is not None
        assert checkpoint.load(newest).meta["steps"] >= step
        step = checkpoint.read_meta(newest)["steps"]
    assert step > 0
