"""The networks that come with the package: small, documented, and worth playing against."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import alphazero as az
from alphazero import pretrained
from alphazero.arena.match import Entrant, _pool_player
from alphazero.cli import main
from alphazero.config import load_config
from alphazero.training.run import train


@pytest.mark.parametrize("game", pretrained.games())
def test_each_is_small_and_has_a_card(game):
    folder = pretrained.FOLDER / game
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 5_000_000
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["game"] == game
    card = (folder / "README.md").read_text()
    for said in (
        "self-play games",
        "network evaluations of self-play",
        "| time |",
        "hardware",
        "## Strength",
        "```yaml",
    ):
        assert said in card


@pytest.mark.parametrize("game", pretrained.games())
def test_each_wins_every_game_against_random(game, capsys):
    assert main(["match", f"pretrained:{game}", "random", "--games", "6", "--simulations", "32", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wins"] == 6


@pytest.mark.parametrize("game", pretrained.games())
def test_each_is_the_default_of_its_protocol(game):
    assert pretrained.default_model(game) == f"pretrained:{game}"
    assert az.load(f"pretrained:{game}").game.name == game


def test_priors_are_flatter_than_the_networks_under_puct_alone():
    """In searches of its own, in the pool's games, and unless something else is asked for."""
    player = az.load("pretrained:chess")
    position = player.game.position()
    as_it_is = player.evaluate(position).priors

    def priors(**settings) -> dict[str, float]:
        return {m.move: m.prior for m in player.search(position, 4, **settings).moves}

    def flattened(temperature: float) -> object:
        weights = {move: p ** (1 / temperature) for move, p in as_it_is.items()}
        return pytest.approx({move: w / sum(weights.values()) for move, w in weights.items()}, rel=0.02, abs=1e-4)

    for kind, temperature in (("puct", player.meta["policy_temperature"]), ("gumbel", 1.0)):
        assert priors(kind=kind) == flattened(temperature)
        assert _pool_player(Entrant("it", player, {"kind": kind}), [], [])["policy_temperature"] == temperature
    assert player.meta["policy_temperature"] > 1.2
    assert priors(policy_temperature=3.0) == flattened(3.0)
    asked = Entrant("it", player, {"kind": "puct", "policy_temperature": 3.0})
    assert _pool_player(asked, [], [])["policy_temperature"] == 3.0


def test_a_run_is_shipped_with_its_card_and_without_its_limit_of_plies(tmp_path):
    (tmp_path / "run.yaml").write_text(
        "game: {name: gardner, options: {max_plies: 20}}\n"
        "network: {blocks: 1, channels: 8, value_hidden: 8}\n"
        "search: {simulations: 4, policy_temperature: 1.7}\n"
        "selfplay: {games_in_flight: 8, batch_size: 8}\n"
        "replay: {window_min: 200, min_positions: 50}\n"
        "training: {batch_size: 16, budget_games: 10}\n"
    )
    train(load_config(tmp_path / "run.yaml", []), tmp_path / "run", "cpu")
    tool = Path(__file__).parent.parent / "tools" / "ship.py"
    words = [str(tmp_path / "run"), "--into", str(tmp_path), "--hardware", "one core", "--result", "nobody: 0 of 0"]
    subprocess.run([sys.executable, str(tool), *words], check=True, capture_output=True, timeout=120)
    folder = tmp_path / "alphazero" / "pretrained" / "gardner"
    shipped = az.load(str(folder))
    assert shipped.game.options["max_plies"] == 0
    assert shipped.search_settings()["policy_temperature"] == 1.7
    assert az.load(str(tmp_path / "run")).search_settings()["policy_temperature"] == 1.7
    card = (folder / "README.md").read_text()
    for said in ("max_plies 20 (lifted for play)", "| hardware | one core |", "- nobody: 0 of 0", "  max_plies: 20"):
        assert said in card


@pytest.mark.parametrize("temperature", [0, -1.0, "hot", 1000.0])
def test_a_bad_value_temperature_is_one_line(tmp_path, temperature, capsys):
    assert main(["play", "--model", str(copied(tmp_path, value_temperature=temperature)), "--game", "chess"]) == 2
    said = capsys.readouterr().err
    assert "'value_temperature' must be a number from 0.01 to 100" in said and said.count("\n") == 1


def copied(tmp_path, **meta: object):
    """The shipped chess network with other facts in its meta.json."""
    folder = tmp_path / "tuned"
    shutil.copytree(pretrained.FOLDER / "chess", folder)
    file = folder / "meta.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **meta}))
    return folder


def test_settings_for_play_of_a_checkpoint_hold_for_puct_where_nothing_else_is_asked_for(tmp_path):
    player = az.load(copied(tmp_path, play={"c_init": 1.75, "lcb": 2.0}))
    assert {name: player.search_settings()[name] for name in ("c_init", "lcb")} == {"c_init": 1.75, "lcb": 2.0}
    assert player.search_settings(c_init=0.5)["c_init"] == 0.5
    assert "lcb" not in player.search_settings(kind="gumbel")


@pytest.mark.parametrize(
    ("play", "message"),
    [
        ({"c_int": 1.0}, "c_int"),
        ({"c_init": -1.0}, "c_init must be a number from 0 to 1000"),
        ([1], "'play' must be settings"),
        (3, "'play' must be settings"),
    ],
)
def test_bad_settings_for_play_are_one_line(tmp_path, play, message, capsys):
    assert main(["play", "--model", str(copied(tmp_path, play=play)), "--game", "chess"]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and "meta.json" in said
