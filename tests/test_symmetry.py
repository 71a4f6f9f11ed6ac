"""The root seen through all symmetries of the board."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import alphazero as az

MOVES = {"go": ["C3", "B2", "D4", "pass", "A1"], "connect4": list("dcaad"), "chess": ["e2e4", "c7c5"]}


def network(game: az.Game):
    """Pseudo-random, but fixed for each board: logits by policy index, values as win / draw / loss."""

    def evaluate(planes, legal):
        draws = [np.random.default_rng(list(hashlib.sha256(board.tobytes()).digest())) for board in planes]
        logits = np.stack([draw.standard_normal(game.policy_size) for draw in draws])
        return logits, np.stack([draw.dirichlet([1, 1, 1]) for draw in draws])

    return evaluate


def played(game: az.Game, symmetry: int) -> az.Position:
    """The position after MOVES, each turned by the symmetry."""
    straight, turned = game.position(), game.position()
    for move in MOVES[game.name]:
        index = dict(zip(straight.legal_moves(), straight.policy_indices().tolist(), strict=True))[move]
        there = dict(zip(turned.policy_indices().tolist(), turned.legal_moves(), strict=True))
        turned.play(there[game.map_policy(symmetry, index)])
        straight.play(move)
    return turned


@pytest.mark.parametrize("name, options", [("go", {"board_size": 5}), ("connect4", {}), ("chess", {})])
def test_the_root_is_evaluated_through_all_symmetries_where_asked(name, options):
    game = az.Game(name, **options)
    evaluate = network(game)
    rows = []

    def counted(planes, legal):
        rows.append(len(planes))
        return evaluate(planes, legal)

    search = az.Search(game, counted, root_symmetries=True)
    search.search(played(game, 0), 40)
    assert rows[0] == game.symmetries and all(n == 1 for n in rows[1:])
    rows.clear()
    search.search(played(game, 0), 40)
    assert all(n == 1 for n in rows), "a kept root is not evaluated again"


@pytest.mark.parametrize("name, options", [("go", {"board_size": 5}), ("connect4", {})])
def test_a_turned_board_has_the_turned_priors_and_the_same_value(name, options):
    game = az.Game(name, **options)
    evaluate = network(game)

    def root(position: az.Position, **settings: bool) -> tuple[dict[str, float], float]:
        found = az.Search(game, evaluate, **settings).search(position, 1)
        return {m.move: m.prior for m in found.moves}, found.network_value

    straight = played(game, 0)
    prior, value = root(straight, root_symmetries=True)
    assert sum(prior.values()) == pytest.approx(1.0, abs=1e-3)
    assert prior != root(straight)[0]
    for symmetry in range(1, game.symmetries):
        turned = played(game, symmetry)
        there = dict(zip(turned.policy_indices().tolist(), turned.legal_moves(), strict=True))
        other, other_value = root(turned, root_symmetries=True)
        assert other_value == pytest.approx(value, abs=1e-5)
        for move, index in zip(straight.legal_moves(), straight.policy_indices().tolist(), strict=True):
            assert other[there[game.map_policy(symmetry, index)]] == pytest.approx(prior[move], rel=2e-3)
