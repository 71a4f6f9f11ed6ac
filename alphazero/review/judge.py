"""A game judged move by move: what each move was worth, what would have been best, and what the mistake cost.

All positions of a game are searched side by side, so that they share batches. A move's loss is the mover's expected result before
it, less that after it, in [0, 1]; a draw counts as a half.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alphazero._core import Position
from alphazero.many_searches import ManySearches
from alphazero.player import NetworkPlayer
from alphazero.search import Limits, SearchResult

# The least loss that gets a mark: as much of a win as most players call by these names.
INACCURACY, MISTAKE, BLUNDER = 0.05, 0.10, 0.20
MARKS = ((BLUNDER, "??"), (MISTAKE, "?"), (INACCURACY, "?!"))


@dataclass(frozen=True)
class Judged:
    """A move of the game. Win rates and scores are the mover's."""

    number: int  # from 1
    player: int  # 0: who moves first in the usual start
    move: str
    win_rate: float  # after the move
    best: str  # the move that the search prefers
    best_win_rate: float  # with it
    line: list[str]  # that is expected after the best move, itself first
    loss: float
    mark: str  # "", "?!", "?" or "??"
    wdl: tuple[float, float, float] | None  # after the move
    score: float | None  # after the move, in points


def mark_of(loss: float) -> str:
    """ "", "?!", "?" or "??"."""
    return next((mark for least, mark in MARKS if loss >= least), "")


def review(
    player: NetworkPlayer,
    positions: Sequence[Position],
    moves: Sequence[str],
    *,
    simulations: int,
    threads: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Judged]:
    """Judges the moves of a game; positions: before each move, and after the last. on_progress(done, of) is called as they are.

    UserError where the network's answers are no numbers.
    """
    found = search_all(player, positions, simulations=simulations, threads=threads, on_progress=on_progress)
    judged = []
    for i, move in enumerate(moves):
        before, after = found[i], found[i + 1]
        if before is None:
            break  # the rules say that the game was over
        position = positions[i + 1]
        own = -1.0 if position.turn != positions[i].turn else 1.0
        outcome = position.outcome
        if outcome is not None:
            value = float(outcome.value) * (1.0 if positions[i].turn == 0 else -1.0)
            wdl: tuple[float, float, float] | None = (float(value > 0), float(value == 0), float(value < 0))
            score = None if outcome.score is None else outcome.score * (1.0 if positions[i].turn == 0 else -1.0)
        else:
            assert after is not None
            value = own * after.value
            wdl = after.wdl if after.wdl is None or own > 0 else (after.wdl[2], after.wdl[1], after.wdl[0])
            score = None if after.score is None else own * after.score
        rate, best_rate = (1.0 + value) / 2.0, (1.0 + before.value) / 2.0
        best = before.best_move
        loss = 0.0 if move == best else max(0.0, best_rate - rate)
        judged.append(
            Judged(
                i + 1,
                positions[i].turn,
                move,
                rate,
                best,
                max(best_rate, rate) if move == best else best_rate,
                before.pv,
                loss,
                mark_of(loss),
                wdl,
                score,
            )
        )
    return judged


def search_all(
    player: NetworkPlayer,
    positions: Sequence[Position],
    *,
    simulations: int,
    threads: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[SearchResult | None]:
    """What a search of each position finds, side by side; None where the game is over."""
    found: list[SearchResult | None] = [None] * len(positions)
    failures: list[Exception] = []
    lock = threading.Lock()
    done = 0

    def keep(index: int) -> Callable[[SearchResult | None, Exception | None], None]:
        def take(result: SearchResult | None, error: Exception | None) -> None:
            nonlocal done
            with lock:
                found[index] = result
                if error is not None:
                    failures.append(error)
                done += 1
                if on_progress is not None:
                    on_progress(done, len(positions))

        return take

    searches = ManySearches(player, threads=threads, heads=player.game.has_ownership)
    try:
        for index, position in enumerate(positions):
            if position.outcome is None:
                searches.submit(position, Limits(simulations), keep(index))
            else:
                keep(index)(None, None)
        searches.wait()
    finally:
        searches.close()
    if failures:
        raise failures[0]
    return found


@dataclass(frozen=True)
class Summary:
    """A player's game in numbers."""

    moves: int
    mean_loss: float
    inaccuracies: int
    mistakes: int
    blunders: int


def summary(judged: Sequence[Judged], player: int) -> Summary:
    """Of the moves of one player."""
    own = [each for each in judged if each.player == player]
    marks = [each.mark for each in own]
    mean = sum(each.loss for each in own) / len(own) if own else 0.0
    return Summary(len(own), mean, marks.count("?!"), marks.count("?"), marks.count("??"))
