"""The networks that come with the package: small, documented, and worth playing against."""

from __future__ import annotations

import json

import pytest

import alphazero as az
from alphazero import pretrained
from alphazero.cli import main


@pytest.mark.parametrize("game", pretrained.games())
def test_each_is_small_and_has_a_card(game):
    folder = pretrained.FOLDER / game
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 5_000_000
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["game"] == game
    card = (folder / "README.md").read_text()
    for said in ("self-play games", "network evaluations of self-play", "hours", "hardware", "## Strength", "```yaml"):
        assert said in card


@pytest.mark.parametrize("game", pretrained.games())
def test_each_wins_every_game_against_random(game, capsys):
    assert main(["match", f"pretrained:{game}", "random", "--games", "6", "--simulations", "32", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wins"] == 6


@pytest.mark.parametrize("game", pretrained.games())
def test_each_is_the_default_of_its_protocol(game):
    assert pretrained.default_model(game) == f"pretrained:{game}"
    assert az.load(f"pretrained:{game}").game.name == game
