"""Connect Four against a reference of a few lines."""

from __future__ import annotations

import random

import numpy as np
import pytest

import alphazero as az


class Reference:
    """Columns as strings of X and O, bottom first."""

    def __init__(self):
        self.columns = [""] * 7
        self.winner = None

    def at(self, c, r):
        return self.columns[c][r : r + 1] if 0 <= c < 7 and r >= 0 else ""

    def legal(self):
        return [] if self.winner else ["abcdefg"[c] for c in range(7) if len(self.columns[c]) < 6]

    def play(self, move, stone):
        c = "abcdefg".index(move)
        r = len(self.columns[c])
        self.columns[c] += stone
        for dc, dr in ((1, 0), (0, 1), (1, 1), (1, -1)):
            for start in range(-3, 1):
                if all(self.at(c + (start + i) * dc, r + (start + i) * dr) == stone for i in range(4)):
                    self.winner = stone


def test_random_games_agree_with_the_reference():
    game = az.Game("connect4")
    for seed in range(200):
        rng = random.Random(seed)
        position, reference = game.position(), Reference()
        trail = []
        while position.outcome is None:
            assert position.legal_moves() == reference.legal()
            assert position.policy_indices().tolist() == ["abcdefg".index(m) for m in reference.legal()]
            own, other = ("X", "O") if position.turn == 0 else ("O", "X")
            planes = position.planes()
            for c in range(7):
                for r in range(6):
                    assert planes[0, 5 - r, c] == (reference.at(c, r) == own)
                    assert planes[1, 5 - r, c] == (reference.at(c, r) == other)
            assert (planes[2] == position.turn).all()
            trail.append((position.text, position.key))
            move = rng.choice(reference.legal())
            reference.play(move, own)
            position.play(move)
        if reference.winner:
            assert (position.outcome.value, position.outcome.reason) == (
                (1, -1)[reference.winner == "O"],
                "four_in_a_row",
            )
            assert position.legal_moves() == []
        else:
            assert (position.outcome.value, position.outcome.reason) == (0, "full_board")
        assert game.position(position.text).key == position.key
        for text, key in reversed(trail):
            position.undo()
            assert (position.text, position.key) == (text, key)


def test_perft_gives_the_known_counts():
    position = az.Game("connect4").position()
    assert [position.perft(d) for d in range(8)] == [1, 7, 49, 343, 2401, 16807, 117649, 823536]


def test_mirrored_moves_give_mirrored_planes():
    game = az.Game("connect4")
    plain, mirrored = game.position("aabdc"), game.position("ggfde")
    assert np.array_equal(plain.planes()[:, :, ::-1], mirrored.planes())
    assert [game.map_policy(1, i) for i in range(7)] == [6, 5, 4, 3, 2, 1, 0]
    assert game.map_cell(1, 8) == 12


@pytest.mark.parametrize(
    ("text", "move", "message"),
    [("", "h", "no column"), ("", "dd", "no column"), ("aaaaaa", "a", "is full"), ("abababa", "c", "over")],
)
def test_bad_moves_say_why(text, move, message):
    position = az.Game("connect4").position(text)
    with pytest.raises(az.IllegalMove, match=message):
        position.play(move)


def test_bad_text_and_options_are_named():
    with pytest.raises(ValueError, match="move 3: 'x' is no column"):
        az.Game("connect4").position("abx")
    with pytest.raises(ValueError, match="unknown option 'rows'; this game has none"):
        az.Game("connect4", rows=8)
    with pytest.raises(
        ValueError, match=r"unknown game 'connectfour'; games are: 'chess', 'gardner', 'connect4', 'go'"
    ):
        az.Game("connectfour")
