"""One position seen through all symmetries of its game, as one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alphazero._core import Game

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


@lru_cache(maxsize=16)
def tables(game: Game) -> tuple[I32, I32]:
    """(cells [S, H * W], policy [S, P]): where each symmetry takes a cell and a policy index."""
    _, height, width = game.planes_shape
    kinds = range(game.symmetries)
    cells = [[game.map_cell(s, cell) for cell in range(height * width)] for s in kinds]
    policy = [[game.map_policy(s, index) for index in range(game.policy_size)] for s in kinds]
    return np.array(cells, np.int32), np.array(policy, np.int32)


def turned(game: Game, planes: F32, symmetry: int) -> F32:
    """Planes [C, H, W] as a symmetry of the board has them."""
    out = np.empty_like(planes)
    out.reshape(len(planes), -1)[:, tables(game)[0][symmetry]] = planes.reshape(len(planes), -1)
    return out


def turned_back(game: Game, cells: F32, symmetry: int) -> F32:
    """A value for each cell [H, W] of the turned board, on the board as it is."""
    back: F32 = cells.reshape(-1)[tables(game)[0][symmetry]].reshape(cells.shape)
    return back


def averaged(
    game: Game, evaluator: Callable[[F32, list[I32]], tuple[F32 | Sequence[F32], F32]], planes: F32, legal: I32
) -> tuple[F32, float]:
    """(log probabilities [L] of the legal moves, value): the mean over all symmetries of a position's evaluations.

    planes: [C, H, W]; legal: [L] policy indices. Probabilities and values are averaged, as KataGo does at the root
    (rootNumSymmetriesToSample).
    """
    cells, policy = tables(game)
    indices = [np.ascontiguousarray(policy[s][legal]) for s in range(len(cells))]
    logits, values = evaluator(np.stack([turned(game, planes, s) for s in range(len(cells))]), indices)
    shares = np.zeros(len(legal))
    for row, own in zip(logits, indices, strict=True):
        found = np.asarray(row, np.float64)
        found = found if found.shape == own.shape != (game.policy_size,) else found[own]
        weights = np.exp(found - found.max())
        shares += weights / weights.sum()
    value = np.asarray(values, np.float64)
    value = value[:, 0] - value[:, 2] if value.ndim == 2 else value
    return np.log(np.maximum(shares / len(cells), 1e-30)).astype(np.float32), float(value.mean())
