"""Every kind of player keeps to one contract of search(): how it ends, what it may consider, and what it refuses."""

from __future__ import annotations

import threading

import pytest
import torch

import alphazero as az
from alphazero.config import NetworkConfig
from alphazero.evaluators import make_evaluator
from alphazero.network import Network, shape_of
from alphazero.player import NetworkPlayer, load
from alphazero.search_settings import MOST_SIMULATIONS

KINDS = ["uniform", "random", "mcts:40", "network"]
GAME = az.Game("go", board_size=5)


@pytest.fixture(params=KINDS)
def player(request):
    if request.param != "network":
        return load(request.param, game=GAME)
    torch.manual_seed(0)
    network = Network(shape_of(GAME), NetworkConfig(blocks=1, channels=8)).eval()
    meta = {"game": "go", "options": dict(GAME.options), "steps": 0}
    return NetworkPlayer("network", GAME, make_evaluator(network, "torch"), meta)


def test_it_makes_so_many_simulations_and_plays_a_legal_move(player):
    position = GAME.position("C3 D3")
    found = player.search(position, 30)
    assert found.best_move in position.legal_moves()
    assert {each.move for each in found.moves} == set(position.legal_moves())
    assert found.simulations == (1 if player.name == "random" else 30)
    assert sum(each.visits for each in found.moves) >= found.simulations - 1


def test_it_stops_when_it_is_told_to(player):
    asked = threading.Event()

    def stop() -> bool:
        asked.set()
        return True

    found = player.search(GAME.position(), MOST_SIMULATIONS, should_stop=stop)
    assert found.simulations < 100_000
    assert asked.is_set() or player.name == "random"  # it has moved before anyone could ask


def test_it_stops_when_its_seconds_are_over_without_a_number_of_simulations(player):
    found = player.search(GAME.position(), seconds=0.05)
    assert 1 <= found.simulations < MOST_SIMULATIONS
    assert 1 <= player.search(GAME.position(), seconds=0.0).simulations < 100_000


def test_it_stops_when_whoever_is_told_of_its_progress_has_seen_enough(player):
    told = []

    def enough(result: az.search.SearchResult) -> bool:
        told.append(result)
        return True

    found = player.search(GAME.position(), MOST_SIMULATIONS, on_progress=enough, progress_every=0.0)
    assert len(told) == (0 if player.name == "random" else 1)
    assert found.simulations < 100_000


def test_it_considers_the_moves_that_it_is_told_to(player):
    found = player.search(GAME.position(), 20, only=["B2", "D4"])
    assert found.best_move in ("B2", "D4")
    with pytest.raises(ValueError, match="Z9"):
        player.search(GAME.position(), 20, only=["Z9"])


def test_it_refuses_a_setting_that_nobody_knows_and_one_that_cannot_be(player):
    with pytest.raises(ValueError, match="unknown setting 'should_stopp'"):
        player.search(GAME.position(), 5, should_stopp=lambda: True)
    with pytest.raises(ValueError, match="c_init must be a number from 0 to 1000"):
        player.search(GAME.position(), 5, c_init=-1.0)


def test_it_refuses_a_game_that_is_over_or_another(player):
    with pytest.raises(ValueError, match="the game is over"):
        player.search(GAME.position("pass pass"), 5)
    with pytest.raises(ValueError, match="the position is of"):
        player.search(az.Game("go", board_size=7).position(), 5)
    with pytest.raises(ValueError, match="simulations must be >= 1"):
        player.search(GAME.position(), 0)
