"""What a network said of the leaves of a search, summed by root move: draws, the score, plies to the end, ownership."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alphazero.weights import SCORE_SCALE

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Bool = NDArray[np.bool_]
SUMMED = ("score", "plies_left", "ownership")  # heads
MOST_LOG_PLIES = 10.0  # a plies-left head that says more says nothing


class Rows:
    """How what a network says of a leaf beside policy and value is kept: a row of numbers, the share of draws first.

    heads: the names of those that are kept; board: height and width of the network's planes.
    """

    def __init__(self, heads: Sequence[str], board: tuple[int, int]):
        self._shapes: dict[str, tuple[int, ...]] = {
            name: board if name == "ownership" else () for name in SUMMED if name in heads
        }
        self.width = 1 + sum(math.prod(shape) for shape in self._shapes.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self._shapes == other._shapes

    def written(self, wdl: F32, heads: dict[str, F32]) -> F32:
        """Rows [n, width] of leaves."""
        n = len(wdl)
        return np.concatenate(
            [wdl[:, 1:2], *(heads[name].reshape(n, -1) for name in self._shapes)], 1, dtype=np.float32
        )

    def read(self, rows: F32) -> tuple[F32, dict[str, F32]]:
        """(draws [n], heads) as they were written."""
        heads, at = {}, 1
        for name, shape in self._shapes.items():
            size = math.prod(shape)
            heads[name] = rows[:, at : at + size].reshape(-1, *shape)
            at += size
        return rows[:, 0], heads


class LeafSums:
    """Sums for the side to move at the root, by index of the root move in legal order; the last are the root's own."""

    def __init__(self, moves: int):
        self._moves = moves
        self._count = np.zeros(moves + 1)
        self._draw = np.zeros(moves + 1)
        self._heads: dict[str, NDArray[np.float64]] = {}
        self._squares: dict[str, NDArray[np.float64]] = {}

    @property
    def empty(self) -> bool:
        return not self._count.any()

    def add(self, moves: I32, plies: I32, own: Bool, draws: F32, heads: dict[str, F32]) -> None:
        """Leaves [n] by their root moves (-1: the root), plies below the root, and whether the root's side is to move there.

        draws [n], shares, and heads, in the units of alphazero.heads, are for the side to move at the leaf.
        """
        np.add.at(self._count, moves, 1.0)
        np.add.at(self._draw, moves, draws)
        side = np.where(own, 1.0, -1.0)
        if "score" in heads:
            score = heads["score"] * side * SCORE_SCALE
            self._add(self._heads, "score", moves, score)
            self._add(self._squares, "score", moves, score * score)
        if "plies_left" in heads:
            self._add(
                self._heads, "plies_left", moves, np.expm1(np.clip(heads["plies_left"], 0.0, MOST_LOG_PLIES)) + plies
            )
        if "ownership" in heads:
            self._add(self._heads, "ownership", moves, heads["ownership"] * side[:, None, None])

    def _add(self, sums: dict[str, NDArray[np.float64]], name: str, moves: I32, values: NDArray[np.floating]) -> None:
        if name not in sums:
            sums[name] = np.zeros((self._moves + 1, *values.shape[1:]))
        if values.ndim == 1:
            np.add.at(sums[name], moves, values)
            return
        # A product: add.at over boards takes ten times as long, a tenth of what the network takes.
        behind, which = np.unique(moves, return_inverse=True)
        chosen = np.zeros((len(behind), len(moves)), values.dtype)
        chosen[which, np.arange(len(moves))] = 1.0
        sums[name][behind] += (chosen @ values.reshape(len(moves), -1)).reshape(-1, *values.shape[1:])

    def draws(self) -> float | None:
        """The mean share of draws in all leaves; None where none was evaluated."""
        return self._mean(self._draw)

    def number(self, name: str) -> float | None:
        """Likewise of a head that says a number."""
        return self._mean(self._heads[name]) if name in self._heads else None

    def spread(self, name: str) -> float | None:
        """The standard deviation of what the leaves said."""
        mean, square = self.number(name), self._mean(self._squares[name]) if name in self._squares else None
        return None if mean is None or square is None else math.sqrt(max(0.0, square - mean * mean))

    def mean(self, name: str) -> F32 | None:
        """Likewise of a head that says a number for each cell."""
        count = self._count.sum()
        return (self._heads[name].sum(0) / count).astype(np.float32) if name in self._heads and count else None

    def by_move(self) -> list[tuple[float | None, float | None, F32 | None]]:
        """Draws, score and ownership behind each root move, all at once: a move of shogi can be one of hundreds."""
        told: list[tuple[float | None, float | None, F32 | None]] = [(None, None, None)] * self._moves
        score, ownership = self._heads.get("score"), self._heads.get("ownership")
        for move in np.flatnonzero(self._count[: self._moves]).tolist():
            count = self._count[move]
            told[move] = (
                float(self._draw[move] / count),
                None if score is None else float(score[move] / count),
                None if ownership is None else (ownership[move] / count).astype(np.float32),
            )
        return told

    def _mean(self, sums: NDArray[np.float64]) -> float | None:
        count = self._count.sum()
        return float(sums.sum() / count) if count else None


def wdl_of(value: float, draw: float | None) -> tuple[float, float, float] | None:
    """Win, draw and loss that have this value and, as far as it allows, this share of draws; None where that is not known."""
    if draw is None:
        return None
    draw = max(0.0, min(draw, 1.0 - abs(value)))
    return (1.0 - draw + value) / 2.0, draw, (1.0 - draw - value) / 2.0


def certain(proof: str) -> tuple[float, float, float] | None:
    """Win, draw and loss of what is proven."""
    return {"win": (1.0, 0.0, 0.0), "draw": (0.0, 1.0, 0.0), "loss": (0.0, 0.0, 1.0)}.get(proof)
