"""Position.cells(): what stands where, for every game, beside boards that others keep."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

import alphazero as az
from alphazero.arena.go_score import area_margin
from alphazero.formats.go import stones_of

Cells = NDArray[np.int8]

CHESS = "pnbrqk"
SHOGI = "plnsbrgk"
OPTIONS = [
    ("connect4", {}),
    ("go", {"board_size": 5, "max_plies": 80}),
    ("go", {"board_size": 13, "max_plies": 80, "ko": "simple"}),
    ("chess", {"max_plies": 80}),
    ("gardner", {"max_plies": 80}),
    ("shogi", {"max_plies": 80}),
    ("minishogi", {"max_plies": 80}),
]
EVERY = pytest.mark.parametrize(
    "name, options", OPTIONS, ids=[f"{name}{o.get('board_size', '')}" for name, o in OPTIONS]
)


def _random_game(game: az.Game, seed: int, plies: int = 80) -> list[str]:
    """Moves of one random game, of which the last need not end it."""
    return game.position().random_playout(seed)[1][:plies]


def _of_fen(rows: str, letters: str, width: int) -> Cells:
    """The board field of a FEN or SFEN, read by hand: capitals are the first player's, "+" promotes."""
    board = []
    for row in rows.split("/"):
        line: list[int] = []
        promoted = 0
        for c in row:
            if c == "+":
                promoted = 8
            elif c.isdigit():
                line += [0] * int(c)
            else:
                kind = letters.index(c.lower()) + 1 + promoted
                line.append(kind if c.isupper() else -kind)
                promoted = 0
        assert len(line) == width
        board.append(line)
    return np.array(board, np.int8)


def _of_diagram(position: az.Position, letters: str) -> Cells:
    """The board of a diagram: only single letters and dots between the coordinates."""
    _, height, width = position.game.planes_shape
    rows = []
    for line in position.diagram.splitlines():
        marks = [c for c in line if c in letters + letters.upper() + "."]
        if len(marks) == width:
            rows.append([0 if c == "." else 1 if c == letters.upper()[0] else -1 for c in marks])
    return np.array(rows[:height], np.int8)


@EVERY
def test_cells_are_int8_of_the_boards_size_and_hold_all_that_both_sides_have(name, options):
    game = az.Game(name, **options)
    position = game.position()
    for move in _random_game(game, 1):
        position.play(move)
        cells = position.cells()
        assert cells.dtype == np.int8 and cells.shape == game.planes_shape[1:]
        own, other = (1, -1) if position.turn == 0 else (-1, 1)
        planes = position.planes()
        kinds = {"chess": 6, "gardner": 6, "shogi": 14, "minishogi": 10}.get(name, 1)
        turned = name in ("chess", "gardner", "shogi", "minishogi") and position.turn == 1
        view = (cells[::-1] if "shogi" not in name else cells[::-1, ::-1]) if turned else cells
        assert np.array_equal(planes[:kinds].sum(0) > 0, view * own > 0)
        assert np.array_equal(planes[kinds : 2 * kinds].sum(0) > 0, view * other > 0)


@EVERY
def test_undo_brings_the_cells_back_and_a_copy_and_the_text_have_the_same(name, options):
    game = az.Game(name, **options)
    position = game.position()
    seen = [position.cells()]
    for move in _random_game(game, 2):
        position.play(move)
        seen.append(position.cells())
        assert np.array_equal(position.copy().cells(), seen[-1])
        assert np.array_equal(game.position(position.text).cells(), seen[-1])
    while len(seen) > 1:
        seen.pop()
        position.undo()
        assert np.array_equal(position.cells(), seen[-1])


@EVERY
def test_cells_are_the_callers_own(name, options):
    position = az.Game(name, **options).position()
    before = position.cells()
    position.cells()[:] = 77
    assert np.array_equal(position.cells(), before)


@pytest.mark.parametrize("chess960", [False, True])
def test_chess_has_the_pieces_of_python_chess(chess960):
    chess = pytest.importorskip("chess")
    game = az.Game("chess", chess960=chess960)
    rng = random.Random(3)
    for number in rng.sample(range(960), 6) if chess960 else [518] * 6:
        board = chess.Board.from_chess960_pos(number) if chess960 else chess.Board()
        position = game.position(board.fen())
        for _ in range(120):
            truth = np.zeros((8, 8), np.int8)
            for square, piece in board.piece_map().items():
                truth[7 - square // 8, square % 8] = piece.piece_type * (1 if piece.color else -1)
            assert np.array_equal(position.cells(), truth), board.fen()
            if position.outcome is not None:
                break
            move = rng.choice(position.legal_moves())
            position.play(move)
            board.push_uci(move)


def test_shogi_has_the_pieces_of_cshogi():
    cshogi = pytest.importorskip("cshogi")
    game = az.Game("shogi")
    promoted = 0
    for seed in range(8):
        board, position = cshogi.Board(), game.position()
        for move in _random_game(game, seed, 300):
            position.play(move)
            board.push_usi(move)
            pieces = np.array(board.pieces).reshape(9, 9)[::-1].T  # by file from 1, then by rank; Gote's 16 more
            truth = np.where(pieces >= 16, -(pieces - 16), pieces)
            assert np.array_equal(position.cells(), truth), position.text
            promoted += int((abs(truth) > 8).sum())
    assert promoted > 0


@pytest.mark.parametrize(
    "name, letters, width", [("gardner", CHESS, 5), ("chess", CHESS, 8), ("minishogi", SHOGI, 5), ("shogi", SHOGI, 9)]
)
def test_boards_of_fen_and_sfen_are_read_row_by_row_as_written(name, letters, width):
    game = az.Game(name, max_plies=300)
    for seed in range(5):
        position = game.position()
        for move in _random_game(game, seed, 300):
            position.play(move)
            assert np.array_equal(position.cells(), _of_fen(position.text.split()[0], letters, width)), position.text


def test_go_has_the_stones_of_a_board_kept_by_hand():
    """Captures come from flood fills here, so only moves and the rule that a chain without liberties goes are shared."""
    for size, seed in ((3, 1), (5, 2), (9, 3), (13, 4)):
        game = az.Game("go", board_size=size, max_plies=150)
        position, board = game.position(), np.zeros((size, size), np.int8)
        for move in _random_game(game, seed, 150):
            colour = 1 if position.turn == 0 else -1
            position.play(move)
            if move != "pass":
                point = (size - int(move[1:]), "ABCDEFGHJKLMNOPQRST".index(move[0]))
                board[point] = colour
                for near in _around(point, size):
                    if board[near] == -colour:
                        _take_if_dead(board, near)
            assert np.array_equal(position.cells(), board), position.text


def _around(point: tuple[int, int], size: int) -> list[tuple[int, int]]:
    row, column = point
    near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [(r, c) for r, c in near if 0 <= r < size and 0 <= c < size]


def _take_if_dead(board: Cells, start: tuple[int, int]) -> None:
    chain = [start]
    for point in chain:  # grows while it is walked
        for near in _around(point, len(board)):
            if board[near] == 0:
                return
            if board[near] == board[start] and near not in chain:
                chain.append(near)
    for point in chain:
        board[point] = 0


def test_go_stones_that_are_set_up_stand_in_their_rows_whoever_is_to_move():
    truth = np.array([[0, 0, 0, 0], [1, 0, 0, -1], [0, 1, -1, 0], [0, 0, 0, 1]], np.int8)
    for side in "bw":
        position = az.Game("go", board_size=4).position(f"4/X2O/1XO1/3X {side}")
        assert np.array_equal(position.cells(), truth)
        assert stones_of(position) == {"A3": "B", "B2": "B", "D1": "B", "D3": "W", "C2": "W"}
        assert area_margin(position) == 3 - 2 - 7.0
        assert area_margin(position, ["d1"]) == area_margin(position, ["D1", "A1"]) == 2 - 2 - 7.0


def test_connect_four_stones_pile_up_from_the_last_row():
    position = az.Game("connect4").position("ddcf")
    truth = np.zeros((6, 7), np.int8)
    truth[5, [2, 3]], truth[4, 3], truth[5, 5] = 1, -1, -1
    assert np.array_equal(position.cells(), truth)


@pytest.mark.parametrize(
    "name, options, letters", [("connect4", {}, "xo"), ("go", {"board_size": 7, "max_plies": 60}, "xo")]
)
def test_the_first_row_and_column_are_those_of_the_diagram(name, options, letters):
    game = az.Game(name, **options)
    position = game.position()
    for move in _random_game(game, 4):
        position.play(move)
        assert np.array_equal(position.cells(), _of_diagram(position, letters)), position.diagram
