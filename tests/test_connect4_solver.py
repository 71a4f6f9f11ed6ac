"""The Connect Four solver that judges the networks: itself judged by brute force and by known facts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from connect4_exact import late_positions, minimax

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from connect4_solver import solve


def test_late_positions_agree_with_brute_force():
    checked = 0
    for position in late_positions(range(60), plies=30):
        assert solve(position.text) == minimax(position)
        checked += 1
    assert checked > 5


def test_wins_in_one_and_forced_losses_are_seen():
    assert solve("aabbcc") == 1
    assert solve("dcddcc" + "e") == 1  # far from its end
    assert solve("ddcc" + "e") == -1  # three in a row open on both sides


def test_games_that_are_over_and_illegal_moves_are_refused():
    with pytest.raises(ValueError, match="over"):
        solve("aabbccd")
    with pytest.raises(ValueError, match="illegal"):
        solve("aaaaaaa")
