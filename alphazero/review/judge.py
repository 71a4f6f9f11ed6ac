"""A game judged move by move: what each move was worth, what would have been best, and what the mistake cost.

All positions of a game are searched side by side, so that they share batches; those around a move that seems to be a mistake are
searched again, longer. A move's loss is the mover's expected result before it, less that after it, in [0, 1]; a draw counts as a
half. It is judged by strong play (see `expected`), where win rates are the network's own.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from alphazero._core import Position
from alphazero.many_searches import ManySearches
from alphazero.player import NetworkPlayer
from alphazero.search import Limits, SearchResult
from alphazero.search_settings import MOST_SIMULATIONS

# The least loss that gets a mark: as much of a win as most players call by these names.
INACCURACY, MISTAKE, BLUNDER = 0.05, 0.10, 0.20
MARKS = ((BLUNDER, "??"), (MISTAKE, "?"), (INACCURACY, "?!"))
DOUBT = 0.03  # a move that seems to lose so much is looked at again
MOST_TIMES = 8  # then as many simulations as were asked for, at most


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

    def at_most(self, loss: float) -> Judged:
        """The same move, that has lost no more."""
        least = min(self.loss, loss)
        return replace(self, loss=least, mark=mark_of(least))


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
    on_progress: Callable[[float], None] | None = None,
) -> list[Judged]:
    """Judges the moves of a game; positions: before each move, and after the last.

    on_progress: called from the search's threads with the share of the work that is done; 1.0 comes last, and once.
    simulations: of a position on average, at most. Half of them look at all positions, the others at those where the first
    look saw a mistake; it is as large as both say at least. UserError where the network's answers are no numbers.
    """
    temperature = player.meta.get("value_temperature", 1.0)
    # What was played on after the rules had ended the game is not judged.
    end = next((i for i, position in enumerate(positions) if position.outcome is not None), len(moves))
    positions, moves = positions[: end + 1], moves[:end]
    searches = Searches(player, positions, threads, on_progress or (lambda share: None))

    def all_judged() -> list[Judged]:
        return [judged(searches, i, move, temperature) for i, move in enumerate(moves)]

    try:
        first = max(1, simulations // 2)
        searches.look(range(len(positions)), first, until=0.5)
        seen = all_judged()
        doubted = {i for i, each in enumerate(seen) if each.loss >= DOUBT}
        again = {i for d in doubted for i in (d, d + 1) if searches.found[i] is not None}
        share = (simulations - first) * len(positions) // max(1, len(again | {i + 1 for i in again}))
        if again and share >= first:
            longer = min(MOST_TIMES * simulations, share, MOST_SIMULATIONS)
            searches.look(sorted(again), longer, until=0.9)
            # Now it may be seen that the answer to a mistake was one, too: then what it led to is looked at as long.
            late = {i for i, each in enumerate(all_judged()) if i in again - doubted and each.loss >= DOUBT}
            searches.look(sorted(i + 1 for i in late if i + 1 not in again), longer, until=0.99)
            seen = [
                new if i in late else new.at_most(old.loss)
                for i, (old, new) in enumerate(zip(seen, all_judged(), strict=True))
            ]
    finally:
        searches.close()
    searches.on_progress(1.0)
    return seen


def judged(searches: Searches, index: int, move: str, temperature: float) -> Judged:
    """What the searches so far say of the move that was played in the position of this index."""
    before, after = searches.found[index], searches.found[index + 1]
    assert before is not None
    position, following = searches.positions[index], searches.positions[index + 1]
    outcome = following.outcome
    wdl: tuple[float, float, float] | None
    if outcome is not None:
        own = 1.0 if position.turn == 0 else -1.0
        value = own * outcome.value
        wdl = (float(value > 0), float(value == 0), float(value < 0))
        score = None if outcome.score is None else own * outcome.score
    else:
        assert after is not None
        own = 1.0 if following.turn == position.turn else -1.0
        value = own * after.value
        wdl = after.wdl if after.wdl is None or own > 0 else (after.wdl[2], after.wdl[1], after.wdl[0])
        score = None if after.score is None else own * after.score
    best = before.best_move
    best_value = max(before.value, value) if move == best else before.value
    loss = 0.0 if move == best else max(0.0, expected(best_value, temperature) - expected(value, temperature))
    rate, best_rate = (1.0 + value) / 2.0, (1.0 + best_value) / 2.0
    return Judged(index + 1, position.turn, move, rate, best, best_rate, before.pv, loss, mark_of(loss), wdl, score)


def expected(value: float, temperature: float) -> float:
    """The result in [0, 1] that a value in [-1, 1] stands for in games of strong play.

    A network's values are those of its training: quick games, in which a lead is lost again more often. temperature: by which
    the logit of the value is divided (Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2), as fitted for
    the network by tools/fit_value_temperature.py.
    """
    rate = min(1.0, max(0.0, (1.0 + value) / 2.0))
    if rate in (0.0, 1.0):
        return rate
    logit = math.log(rate / (1.0 - rate)) / temperature
    return 0.5 + 0.5 * math.tanh(0.5 * logit)


class Searches:
    """The positions of a game, and what a search of each has found so far: None where the game is over."""

    def __init__(
        self, player: NetworkPlayer, positions: Sequence[Position], threads: int, on_progress: Callable[[float], None]
    ):
        self.positions = positions
        self.found: list[SearchResult | None] = [None] * len(positions)
        self.on_progress = on_progress
        self._searches = ManySearches(player, threads=threads, heads=player.game.has_ownership)
        self._lock = threading.Lock()
        self._failures: list[Exception] = []
        self._share = self._step = 0.0  # of the whole work: done, and done by each search of this look

    def look(self, indices: Sequence[int], simulations: int, *, until: float) -> None:
        """Searches the positions of these indices anew, side by side; until: the share of the whole work that is done then."""
        self._step = (until - self._share) / max(1, len(indices))
        for index in indices:
            take = partial(self._take, index)
            if self.positions[index].outcome is None:
                self._searches.submit(self.positions[index], Limits(simulations), take)
            else:
                take(None, None)
        self._searches.wait()
        if self._failures:
            raise self._failures[0]

    def close(self) -> None:
        self._searches.close()

    def _take(self, index: int, result: SearchResult | None, error: Exception | None) -> None:
        with self._lock:
            self.found[index] = result
            if error is not None:
                self._failures.append(error)
            self._share += self._step
            self.on_progress(self._share)


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
