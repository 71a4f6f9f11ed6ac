"""The core lists moves in arrays of a fixed length: no position that is read has more. Proven here, and tried at the records.

A bound for shogi: let S be the kinds in hand. A kind of S can be dropped on at most the squares where it can be dropped on an
empty board, and a piece on the board takes its square from every kind of S. It moves at most as on an empty board. So there are
at most drops(S) + the sum over the other pieces of max(0, max over squares of (moves there - kinds of S that could be dropped
there)) moves, whatever stands in the way of what.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from pathlib import Path

import pytest

import alphazero as az

GAMES = Path(__file__).parents[1] / "games"


def room(header: str, name: str) -> int:
    """The length of the array, as the core has it."""
    found = re.search(rf"constexpr int {name} = (\d+);", (GAMES / header).read_text())
    assert found is not None
    return int(found[1])


def placement(size: int, pieces: dict[tuple[int, int], str]) -> str:
    """SFEN's first field, of pieces by (row, column)."""
    rows = ["".join(pieces.get((row, column), ".") for column in range(size)) for row in range(size)]
    return re.sub(r"\.+", lambda gap: str(len(gap[0])), "/".join(rows))


def king_squares(size: int) -> list[tuple[int, int]]:
    """Three squares that no line joins: one of them is in no move's way. A position needs a king."""
    return [(0, 0), (0, size - 1), (size - 1, 1)]


@cache
def moves_alone(game: str, size: int, piece: str, at: tuple[int, int]) -> int:
    """Moves of a piece on an empty board."""
    found = set()
    own = f"{size - at[1]}{chr(ord('a') + at[0])}"
    for king in {*king_squares(size)} - {at} if piece != "K" else [at]:
        text = f"{placement(size, {king: 'K', at: piece})} b - 1"
        found |= {move for move in az.Game(game).position(text).legal_moves() if move.startswith(own)}
    return len(found)


@cache
def drops(game: str, size: int, kind: str) -> frozenset[tuple[int, int]]:
    """Where a kind can be dropped on an empty board."""
    found = set()
    for king in king_squares(size):
        for move in az.Game(game).position(f"{placement(size, {king: 'K'})} b {kind} 1").legal_moves():
            if "*" in move:
                found.add((ord(move[3]) - ord("a"), size - int(move[2])))
    return frozenset(found)


@pytest.mark.parametrize(
    ("game", "size", "pieces"),
    [
        ("shogi", 9, {"P": 18, "L": 4, "N": 4, "S": 4, "G": 4, "B": 2, "R": 2}),
        ("minishogi", 5, {"P": 2, "S": 2, "G": 2, "B": 2, "R": 2}),
    ],
)
def test_no_position_of_shogi_has_more_moves_than_there_is_room_for(game, size, pieces):
    squares = list(itertools.product(range(size), range(size)))

    most_of = {
        kind: {
            at: max(moves_alone(game, size, each, at) for each in (kind, f"+{kind}")[: 1 + (kind not in "GK")])
            for at in squares
        }
        for kind in (*pieces, "K")
    }
    assert max(most_of["R"].values()) == (32 if game == "shogi" else 16)
    assert len(drops(game, size, "P")) == size * (size - 1)
    bound = 0
    for held in itertools.chain.from_iterable(itertools.combinations(pieces, n) for n in range(len(pieces) + 1)):
        taken = {at: sum(at in drops(game, size, kind) for kind in held) for at in squares}
        total = sum(len(drops(game, size, kind)) for kind in held)
        for kind, count in {**pieces, "K": 1}.items():
            gain = max(most_of[kind][at] - taken[at] for at in squares)
            total += max(0, gain) * (count - (kind in held))
        bound = max(bound, total)
    assert bound <= room("shogi/board.h", "kMostMoves")
    if game == "shogi":
        assert bound >= 593, "the record is a position, so no bound lies below it"
    with pytest.raises(ValueError, match="at most 2 of R"):
        az.Game(game).position(f"{placement(size, {(0, 0): 'R', (4, 4): 'K'})} b 2R 1")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("R8/2K1S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1", 593),  # the record
        ("R8/4S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1", None),  # without a king of its own
        ("R8/2K1S1SS1/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1", None),  # without the other side's
    ],
)
def test_the_positions_of_shogi_with_the_most_moves_are_listed_whole_and_searched(text, count):
    game = az.Game("shogi")
    position = game.position(text)
    moves = position.legal_moves()
    assert len(set(moves)) == len(moves) == len(position.policy_indices()) == position.perft(1)
    assert count in (None, len(moves))
    search = az.Search(game, lambda planes, legal: ([[0.0] * len(each) for each in legal], [0.0] * len(planes)))
    assert search.search(position, 700).best_move in moves


@pytest.mark.parametrize(("game", "size"), [("chess", 8), ("gardner", 5)])
def test_no_position_of_chess_has_more_moves_than_there_is_room_for(game, size):
    """A side has at most 2 * size pieces, each of them at most a queen in the middle, and its king may castle twice."""
    queen = {8: 27, 5: 16}[size]
    assert (2 * size - 1) * queen + 8 + 2 <= room("chess/chess.h", "kMaxMoves")
    row = "Q" * size
    rest = "/".join([str(size)] * (size - 3))
    with pytest.raises(ValueError, match=f"at most {2 * size} pieces"):
        az.Game(game).position(f"{row}/{row}/{rest}/k{size - 2}K w - - 0 1")


def test_the_position_of_chess_with_the_most_moves_is_listed_whole():
    position = az.Game("chess").position("R6R/3Q4/1Q4Q1/4Q3/2Q4Q/Q4Q2/pp1Q4/kBNN1KB1 w - - 0 1")
    assert len(set(position.legal_moves())) == position.perft(1) == 218, "Petrovic's record"
