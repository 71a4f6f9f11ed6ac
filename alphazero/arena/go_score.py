"""Tromp-Taylor area of a Go board, as it stands or after dead stones are taken off."""

from __future__ import annotations

from collections.abc import Collection

from alphazero.formats.go import PositionText
from alphazero.formats.sgf_values import COLUMNS
from alphazero.game import Position

Point = tuple[int, int]  # row from the top, column


def area_margin(position: Position, dead: Collection[str] = ()) -> float:
    """Black's area less White's less komi, with the stones on the vertices `dead` ("D4") taken off first.

    Empty points count for a colour that alone they reach. Vertices without a stone are ignored.
    """
    cells = position.cells()
    size = len(cells)
    off = {vertex.upper() for vertex in dead}
    stones: dict[Point, int] = {
        (row, column): int(cells[row, column])
        for row, column in zip(*map(list, cells.nonzero()), strict=True)
        if f"{COLUMNS[column]}{size - row}" not in off
    }
    margin = sum(stones.values())
    seen: set[Point] = set()
    for point in ((row, column) for row in range(size) for column in range(size)):
        if point in stones or point in seen:
            continue
        region: list[Point] = [point]
        reached: set[int] = set()
        seen.add(point)
        for row, column in region:  # grows while it is walked
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if near in stones:
                    reached.add(stones[near])
                elif near not in seen and 0 <= near[0] < size and 0 <= near[1] < size:
                    seen.add(near)
                    region.append(near)
        if len(reached) == 1:
            margin += len(region) * reached.pop()
    own_komi = PositionText.parse(position.text.split()).komi
    return margin - (float(position.game.options["komi"]) if own_komi is None else own_komi)
