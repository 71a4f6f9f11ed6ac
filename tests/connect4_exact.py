"""Shared by the tests: late positions of Connect Four, and their exact results by brute force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import alphazero as az


def late_positions(seeds: Iterable[int], plies: int) -> Iterator[az.Position]:
    """Positions after so many plies of those of the random games that last four more or longer."""
    game = az.Game("connect4")
    for seed in seeds:
        moves = game.position().random_playout(seed)[1]
        if len(moves) >= plies + 4:
            yield game.position("".join(moves[:plies]))


def minimax(position: az.Position) -> int:
    """The exact result for the side to move, in {-1, 0, 1}."""
    if position.outcome is not None:
        return position.outcome.value if position.turn == 0 else -position.outcome.value
    best = -1
    for move in position.legal_moves():
        position.play(move)
        best = max(best, -minimax(position))
        position.undo()
        if best == 1:
            break
    return best
