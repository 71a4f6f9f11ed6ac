"""A game judged move by move: what each move was worth, what would have been best, and what the mistake cost.

All positions of a game are searched side by side, so that they share batches; those around a move that seems to be a mistake are
searched again, longer. A move's loss is the mover's expected result before it, less that after it, in [0, 1]; a draw counts as a
half.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from alphazero._core import Position
from alphazero.many_searches import ManySearches
from alphazero.player import NetworkPlayer
from alphazero.search import Limits, SearchResult

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

    simulations: of a position on average, at most. Half of them look at all positions, the others at those where the first
    look saw a mistake; it is as large as both say at least. UserError where the network's answers are no numbers.
    """
    temperature = player.meta.get("value_temperature", 1.0)
    first = max(1, simulations // 2)
    searches = Searches(player, positions, threads, on_progress)
    try:
        searches.look(range(len(positions)), first)
        lost = {
            i: judged(searches, i, move, temperature).loss
            for i, move in enumerate(moves)
            if searches.found[i] is not None
        }
        doubted = [i for i, loss in lost.items() if loss >= DOUBT]
        again = [i for i in sorted({*doubted, *(i + 1 for i in doubted)}) if searches.found[i] is not None]
        if again:
            share = (simulations - first) * len(positions) // len(again)
            searches.look(again, max(first, min(MOST_TIMES * simulations, share)))
    finally:
        searches.close()
    return [judged(searches, i, moves[i], temperature, most=loss) for i, loss in lost.items()]


def judged(searches: Searches, index: int, move: str, temperature: float, most: float = 1.0) -> Judged:
    """What is known of the move that was played in the position of this index; most: that it can have lost, as known before."""
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
    rate, best_rate = win_rate(value, temperature), win_rate(before.value, temperature)
    if move == best:
        best_rate = max(best_rate, rate)
    loss = 0.0 if move == best else min(most, max(0.0, best_rate - rate))
    line = before.pv
    return Judged(index + 1, position.turn, move, rate, best, best_rate, line, loss, mark_of(loss), wdl, score)


def win_rate(value: float, temperature: float) -> float:
    """The expected result in [0, 1] that a value in [-1, 1] stands for in games of strong play.

    A network's values are those of its training: quick games, in which a lead is lost again more often. temperature: by which
    the logit of the value is divided (Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2), as fitted for
    the network by tools/fit_value_temperature.py.
    """
    rate = (1.0 + value) / 2.0
    if not 0.0 < rate < 1.0:
        return min(1.0, max(0.0, rate))
    return 1.0 / (1.0 + math.exp(math.log((1.0 - rate) / rate) / temperature))


class Searches:
    """The positions of a game, and what a search of each has found so far: None where the game is over."""

    def __init__(
        self,
        player: NetworkPlayer,
        positions: Sequence[Position],
        threads: int,
        on_progress: Callable[[int, int], None] | None = None,
    ):
        self.positions = positions
        self.found: list[SearchResult | None] = [None] * len(positions)
        self._searches = ManySearches(player, threads=threads, heads=player.game.has_ownership)
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._failures: list[Exception] = []
        self._done = self._of = 0

    def look(self, indices: Sequence[int], simulations: int) -> None:
        """Searches the positions of these indices anew, side by side."""
        self._of += len(indices)
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
            self._done += 1
            if self._on_progress is not None:
                self._on_progress(self._done, self._of)


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
