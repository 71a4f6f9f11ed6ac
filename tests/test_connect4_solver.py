"""The Connect Four solver that judges the networks: itself judged by brute force and by known facts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from test_search import minimax

import alphazero as az

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from connect4_solver import solve


def test_late_positions_agree_with_brute_force():
    game = az.Game("connect4")
    checked = 0
    for seed in range(60):
        moves = game.position().random_playout(seed)[1]
        if len(moves) < 34:
            continue
        position = game.position("".join(moves[:30]))
        assert solve(position.text) == minimax(position)
        checked += 1
    assert checked > 5


def test_wins_in_one_and_forced_losses_are_seen():
    assert solve("aabbcc") == 1
    assert solve("dcddcc" + "e") in (-1, 0, 1)
    assert solve("ddcc" + "e") == -1  # three in a row open on both sides


def test_games_that_are_over_and_illegal_moves_are_refused():
    with pytest.raises(ValueError, match="over"):
        solve("aabbccd")
    with pytest.raises(ValueError, match="illegal"):
        solve("aaaaaaa")
