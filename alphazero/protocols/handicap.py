"""Where the stones of a Go handicap lie: the fixed points of the GTP specification, and a free choice that goes on from them."""

from __future__ import annotations

import math

from alphazero.formats.sgf_values import COLUMNS
from alphazero.protocols.gtp_words import GtpError


def handicap_points(size: int) -> list[str]:
    """The fixed handicap points in the order of the GTP specification, section 4.1.1."""
    if size < 7:
        return []
    low = 3 if size < 13 else 4
    columns = COLUMNS
    a, m, z = columns[low - 1], columns[size // 2], columns[size - low]
    r, s, t = low, size // 2 + 1, size + 1 - low
    corners = [f"{a}{r}", f"{z}{t}", f"{a}{t}", f"{z}{r}"]
    if size % 2 == 0 or size == 7:
        return corners
    return [*corners, f"{a}{s}", f"{z}{s}", f"{m}{r}", f"{m}{t}", f"{m}{s}"]


def handicap_set(count: int, size: int) -> list[str]:
    points = handicap_points(size)
    if not 2 <= count <= len(points):
        raise GtpError("invalid number of stones")
    if count <= 4:
        return points[:count]
    chosen = points[:4] + (points[4:6] if count >= 6 else []) + (points[6:8] if count >= 8 else [])
    return chosen + (points[8:9] if count % 2 else [])


def free_handicap_set(count: int, size: int) -> list[str]:
    """As many points as asked: the fixed ones first, then always one that is farthest from all stones.

    Such points lie on the third line or above while there are some, then on the second, then on the edge.
    """
    fixed = handicap_points(size)
    chosen = handicap_set(min(count, len(fixed)), size) if fixed else []
    middle = (size + 1) / 2
    distance = dict.fromkeys(((c, r) for r in range(1, size + 1) for c in range(1, size + 1)), math.inf)

    def rank(point: tuple[int, int]) -> tuple[int, float, float, tuple[int, int]]:
        line = min(*point, size + 1 - point[0], size + 1 - point[1], 3)
        return line, distance[point], -math.dist(point, (middle, middle)), point

    for number in range(count):
        if number == len(chosen):
            column, row = max(distance, key=rank)
            chosen.append(f"{COLUMNS[column - 1]}{row}")
        placed = (COLUMNS.index(chosen[number][0]) + 1, int(chosen[number][1:]))
        distance.pop(placed)
        for point in distance:
            distance[point] = min(distance[point], math.dist(point, placed))
    return chosen
