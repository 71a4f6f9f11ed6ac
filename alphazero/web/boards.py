"""Boards of all games as SVG: one renderer, from Position.cells() and a few facts about each game.

A cell has its name as `data-cell`: "e4" (chess), "5e" (shogi), "D4" (Go), "a" (a column of Connect Four). Pieces in hand
that the side to move may drop have `data-drop`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from alphazero.formats import shogi as shogi_files
from alphazero.formats.sgf_values import COLUMNS
from alphazero.game import Game, Position
from alphazero.web import shapes
from alphazero.web.html import tag
from alphazero.web.session import sides_of

CELL = 60  # units of a square
MARGIN = 26  # around the squares, for coordinates
F32 = NDArray[np.float32]
STARS = {9: (2, 4, 6), 13: (3, 6, 9), 19: (3, 9, 15)}  # by the board's size: where points are marked
MOST_ARROWS = 5


@dataclass(frozen=True)
class Face:
    """How a game's board is named and drawn. kind: "chess", "shogi", "go", "columns" or "points" (a game without a face)."""

    game: Game
    kind: str
    height: int
    width: int

    @staticmethod
    def of(game: Game) -> Face:
        _, height, width = game.planes_shape
        kinds = {
            "chess": "chess",
            "gardner": "chess",
            "shogi": "shogi",
            "minishogi": "shogi",
            "go": "go",
            "connect4": "columns",
        }
        return Face(game, kinds.get(game.name, "points"), height, width)

    @property
    def moves_by(self) -> str:
        """What a move names: "pair" (from, to), "cell"."""
        return "pair" if self.kind in ("chess", "shogi") else "cell"

    def column(self, column: int) -> str:
        if self.kind == "shogi":
            return str(self.width - column)
        letters = COLUMNS if self.kind == "go" else "abcdefghijklmnopqrstuvwxyz"
        return letters[column] if column < len(letters) else f"{column + 1}."

    def row(self, row: int) -> str:
        return "abcdefghi"[row] if self.kind == "shogi" else str(self.height - row)

    def name(self, row: int, column: int) -> str:
        """A cell's name in moves."""
        return self.column(column) if self.kind == "columns" else self.column(column) + self.row(row)

    def cell(self, name: str) -> tuple[int, int] | None:
        """The row and column of a cell's name; a column of Connect Four is its top."""
        for column in range(self.width):
            if name.startswith(self.column(column)):
                if self.kind == "columns":
                    return 0, column
                for row in range(self.height):
                    if name == self.name(row, column):
                        return row, column
        return None

    def cells_of(self, move: str) -> list[tuple[int, int]]:
        """Where a move begins and ends; one cell for a drop or a stone, none for a pass."""
        move = move.rpartition(" ")[2]
        names = [move]
        if self.moves_by == "pair":
            names = [move[2:4]] if "*" in move else [move[:2], move[2:4]]
        return [found for name in names if (found := self.cell(name)) is not None]

    def place(self, row: int, column: int, flipped: bool) -> tuple[float, float]:
        """The upper left corner of a square."""
        if flipped and self.kind != "columns":
            row, column = self.height - 1 - row, self.width - 1 - column
        return MARGIN + CELL * column, MARGIN + CELL * row

    def describe(self, code: int) -> str:
        """A piece in words; "" for none."""
        if not code:
            return "empty"
        side = sides_of(self.game)[code < 0]
        names = shapes.CHESS_NAMES if self.kind == "chess" else shapes.SHOGI_NAMES if self.kind == "shogi" else {}
        thing = names.get(abs(code), "stone" if self.kind == "go" else "piece")
        return f"{side} {thing}"


def board(
    position: Position,
    *,
    flipped: bool = False,
    last: str = "",
    numbers: Mapping[str, int] | None = None,
    area: bool = False,
    active: bool = True,
) -> str:
    """The board, and the pieces in hand around it.

    last: the move that led here, marked. numbers: written on cells, such as those of a line's moves. area: whose each point is
    (Go). active: cells answer clicks.
    """
    try:
        cells = position.cells()
    except ValueError:  # a game of OpenSpiel: what stands where is known to it alone, which draws itself as text
        return tag("pre", str(position))
    face = Face.of(position.game)
    marked = face.cells_of(last) if last else []
    if face.kind == "columns" and last:
        marked = [_top(cells, marked[0][1])]
    parts = [_ground(face, flipped)]
    if face.kind == "columns":
        parts += [_column(face, cells, column, marked, active) for column in range(face.width)]
    else:
        king = (1 if position.turn == 0 else -1) * {"chess": 6, "shogi": 8}.get(face.kind, 0)
        checked = king if king and position.in_check else 0
        parts += [
            _cell(face, int(cells[row, column]), row, column, flipped, (row, column) in marked, checked, active)
            for row in range(face.height)
            for column in range(face.width)
        ]
    if area:
        parts.append(_areas(face, position.ownership().astype(np.float32), flipped, final=True))
    for name, number in (numbers or {}).items():
        parts.append(_number(face, name, number, flipped))
    width, height = CELL * face.width + 2 * MARGIN, CELL * face.height + 2 * MARGIN
    svg = (
        f'<svg class="board {face.kind}" viewBox="0 0 {width} {height}" role="group" aria-label="{escape(position.game.name)} board">'
        f'{"".join(parts)}<g id="overlay" class="overlay"></g></svg>'
    )
    if face.kind != "shogi":
        return svg
    above, below = (0, 1) if flipped else (1, 0)
    return _hand(position, above, flipped, active) + svg + _hand(position, below, flipped, active)


def _top(cells: NDArray[np.int8], column: int) -> tuple[int, int]:
    """The highest piece of a column."""
    return int((cells[:, column] != 0).argmax()), column


def _ground(face: Face, flipped: bool) -> str:
    """What lies below the pieces: squares or lines, and coordinates."""
    width, height = CELL * face.width, CELL * face.height
    out = [
        f'<rect class="ground" x="{MARGIN - 6}" y="{MARGIN - 6}" width="{width + 12}" height="{height + 12}" rx="6"/>'
    ]
    if face.kind == "go":
        low, right, bottom = MARGIN + CELL / 2, MARGIN + width - CELL / 2, MARGIN + height - CELL / 2
        lines = "".join(f"M{low} {low + CELL * i}H{right}" for i in range(face.height))
        lines += "".join(f"M{low + CELL * i} {low}V{bottom}" for i in range(face.width))
        out.append(f'<path class="lines" d="{lines}"/>')
        stars = STARS.get(face.width, ())
        out += [
            f'<circle class="star" cx="{low + CELL * i}" cy="{low + CELL * j}" r="6"/>' for i in stars for j in stars
        ]
    elif face.kind == "shogi":
        lines = "".join(f"M{MARGIN} {MARGIN + CELL * i}H{MARGIN + width}" for i in range(face.height + 1))
        lines += "".join(f"M{MARGIN + CELL * i} {MARGIN}V{MARGIN + height}" for i in range(face.width + 1))
        out.append(f'<path class="lines" d="{lines}"/>')
    for column in range(face.width):
        across, _ = face.place(0, column, flipped)
        under = MARGIN - 9 if face.kind == "shogi" else MARGIN + height + 20
        out.append(f'<text class="coordinate" x="{across + CELL / 2}" y="{under}">{face.column(column)}</text>')
    for row in range(face.height if face.kind != "columns" else 0):
        _, down = face.place(row, 0, flipped)
        beside = MARGIN + width + 15 if face.kind == "shogi" else 11
        out.append(f'<text class="coordinate" x="{beside}" y="{down + CELL / 2 + 5}">{face.row(row)}</text>')
    return "".join(out)


def _piece(face: Face, code: int, flipped: bool) -> str:
    if not code:
        return ""
    if face.kind == "chess":
        return shapes.chess_piece(abs(code), code > 0)
    if face.kind == "shogi":
        return shapes.shogi_piece(abs(code), code > 0, upright=(code > 0) != flipped)
    if face.kind == "go":
        return shapes.stone("stone-black" if code > 0 else "stone-white")
    return shapes.stone("disc-first" if code > 0 else "disc-second")


def _cell(face: Face, code: int, row: int, column: int, flipped: bool, marked: bool, checked: int, active: bool) -> str:
    name = face.name(row, column)
    x, y = face.place(row, column, flipped)
    classes = "cell" + (" dark" if (row + column) % 2 else " light") + (" last" if marked else "")
    classes += " check" if checked and code == checked else ""
    role = ' role="button" tabindex="-1"' if active else ' role="img"'
    mark = ""
    if marked and face.kind in ("go", "points"):
        mark = f'<circle class="last-stone {"on-black" if code > 0 else "on-white"}" cx="30" cy="30" r="11"/>'
    return (
        f'<g class="{classes}" data-cell="{name}"{role} aria-label="{name}, {face.describe(code)}" transform="translate({x} {y})">'
        f'<rect width="{CELL}" height="{CELL}"/>{_piece(face, code, flipped)}{mark}</g>'
    )


def _column(face: Face, cells: NDArray[np.int8], column: int, marked: Sequence[tuple[int, int]], active: bool) -> str:
    x, top = face.place(0, column, False)
    told = [face.describe(int(code)) for code in cells[::-1, column] if code]
    discs = []
    for row in range(face.height):
        code = int(cells[row, column])
        ring = '<circle class="last-disc" cx="30" cy="30" r="14"/>' if (row, column) in marked else ""
        hole = '<circle class="hole" cx="30" cy="30" r="25"/>' if not code else _piece(face, code, False)
        discs.append(f'<g transform="translate(0 {CELL * row})">{hole}{ring}</g>')
    role = ' role="button" tabindex="-1"' if active else ' role="img"'
    label = f"column {face.column(column)}, {', '.join(told) or 'empty'}"
    return (
        f'<g class="cell column" data-cell="{face.column(column)}"{role} aria-label="{label}" transform="translate({x} {top})">'
        f'<rect width="{CELL}" height="{CELL * face.height}"/>{"".join(discs)}</g>'
    )


def _hand(position: Position, side: int, flipped: bool, active: bool) -> str:
    """The pieces in hand of a side; those of the side to move can be dropped."""
    face = Face.of(position.game)
    held = shogi_files.hands(position.text)
    name = sides_of(position.game)[side]
    pieces = []
    for letter, kind in sorted(shapes.SHOGI_KINDS.items(), key=lambda each: -each[1]):
        count = held.get(letter if side == 0 else letter.lower(), 0)
        if not count:
            continue
        drop = f' data-drop="{letter}"' if side == position.turn and active else " disabled"
        picture = shapes.shogi_piece(kind, side == 0, upright=(side == 0) != flipped)
        pieces.append(
            f'<button type="button" class="held"{drop} aria-label="{count} {face.describe(kind if side == 0 else -kind)} in hand">'
            f'<svg viewBox="0 0 60 60" aria-hidden="true">{picture}</svg><span>{count}</span></button>'
        )
    inside = "".join(pieces) or '<span class="none">nothing</span>'
    return (
        f'<div class="hand" role="group" aria-label="{name}, in hand"><span class="whose">{name}</span>{inside}</div>'
    )


def _number(face: Face, name: str, number: int, flipped: bool) -> str:
    found = face.cell(name)
    if found is None:
        return ""
    x, y = face.place(*found, flipped)
    return f'<text class="number" x="{x + CELL / 2}" y="{y + CELL / 2 + 8}">{number}</text>'


def _areas(face: Face, owned: F32, flipped: bool, *, final: bool = False) -> str:
    """Whose each cell is: squares that are as large as it is sure. owned: [H, W], 1 the first player's."""
    out = []
    for row in range(face.height):
        for column in range(face.width):
            sure = float(owned[row, column])
            if abs(sure) < 0.08:
                continue
            x, y = face.place(row, column, flipped)
            size = 22.0 if final else 8.0 + 20.0 * abs(sure)
            side = "area-first" if sure > 0 else "area-second"
            out.append(
                f'<rect class="{side}" x="{x + (CELL - size) / 2:.1f}" y="{y + (CELL - size) / 2:.1f}" '
                f'width="{size:.1f}" height="{size:.1f}"/>'
            )
    return f'<g class="areas">{"".join(out)}</g>'


# --- what a search has found, over the board ---


@dataclass(frozen=True)
class Shown:
    """A move to be shown: its share of the visits and what is written beside it."""

    move: str
    share: float
    label: str


def candidates(game: Game, moves: Sequence[Shown], flipped: bool) -> str:
    """Moves as arrows or discs, the first one brightest."""
    face = Face.of(game)
    out = []
    for rank, each in reversed(list(enumerate(moves[:MOST_ARROWS] if face.moves_by == "pair" else moves))):
        centres = [(x + CELL / 2, y + CELL / 2) for x, y in (face.place(*c, flipped) for c in face.cells_of(each.move))]
        kind = "best" if rank == 0 else "other"
        if len(centres) == 2:
            out.append(_arrow(centres[0], centres[1], kind, each.share))
        if centres:
            x, y = centres[-1]
            if len(centres) == 1:
                out.append(f'<circle class="candidate {kind}" cx="{x}" cy="{y}" r="{17 + 10 * each.share:.1f}"/>')
                out.append(f'<text class="label" x="{x}" y="{y + 5}">{escape(each.label)}</text>')
            elif rank < 3:
                out.append(f'<text class="label arrow-label" x="{x}" y="{y + 5}">{escape(each.label)}</text>')
    return "".join(out)


def _arrow(start: tuple[float, float], end: tuple[float, float], kind: str, share: float) -> str:
    (x0, y0), (x1, y1) = start, end
    length = max(1.0, float(np.hypot(x1 - x0, y1 - y0)))
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    width = 4.0 + 9.0 * share
    head = 12.0 + width
    neck = length - head

    def point(along: float, aside: float) -> str:
        return f"{x0 + dx * along - dy * aside:.1f} {y0 + dy * along + dx * aside:.1f}"

    half = width / 2
    path = f"M{point(14, half)}L{point(neck, half)}L{point(neck, head / 2)}L{point(length - 2, 0)}"
    path += f"L{point(neck, -head / 2)}L{point(neck, -half)}L{point(14, -half)}Z"
    return f'<path class="arrow {kind}" d="{path}"/>'


def heat(game: Game, priors: Mapping[str, float], flipped: bool) -> str:
    """A policy as heat: each cell as strong as the moves to it are likely."""
    face = Face.of(game)
    sums: dict[tuple[int, int], float] = {}
    for move, share in priors.items():
        found = face.cells_of(move)
        if found:
            sums[found[-1]] = sums.get(found[-1], 0.0) + share
    most = max(sums.values(), default=1.0)
    tall = face.height if face.kind == "columns" else 1
    out = []
    for cell, share in sums.items():
        x, y = face.place(*cell, flipped)
        strength = 0.75 * (share / most) ** 0.6
        if strength > 0.05:
            out.append(
                f'<rect class="heat" x="{x}" y="{y}" width="{CELL}" height="{CELL * tall}" opacity="{strength:.2f}"/>'
            )
            if share >= 0.01:
                out.append(f'<text class="label" x="{x + CELL / 2}" y="{y + CELL / 2 + 5}">{100 * share:.0f}</text>')
    return "".join(out)


def ownership(game: Game, owned: Sequence[Sequence[float]], flipped: bool) -> str:
    """Whose each point will be; owned: [H, W], 1 the first player's."""
    return _areas(Face.of(game), np.asarray(owned, np.float32), flipped)


def hint(game: Game, move: str, flipped: bool) -> str:
    """One move that is suggested."""
    return candidates(game, [Shown(move, 0.5, "")], flipped)
