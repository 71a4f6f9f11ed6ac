"""Time for a move from the time that is left, and from what the search finds. Knows no game and no protocol."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from alphazero.search import SearchResult

LEAST_SECONDS = 0.001  # the shortest thought: one look of the network
HURRIED_SECONDS = 0.005  # a move that has no more is hurried: batches, and all around them, take longer
USUAL_LAG_SECONDS = 0.03  # a move's loss to the wire and to a busy machine, kept back for the moves to come
LONGEST_GAME_MOVES = 200  # moves of one side that the reserve for that lag lasts for, at most
LEAST_MOVES_AHEAD = 4.0  # that time is kept for where a search is in doubt
LOOK_SECONDS = 0.05  # between two looks at what a search has found, at most, where somebody watches
LOOKS = 10  # at what a search has found, in a move's usual time


@dataclass
class Clock:
    """One side's time: main time, then byo-yomi periods of `byoyomi_seconds` for `byoyomi_moves` moves each.

    That is Canadian byo-yomi. With `byoyomi_moves` 1 it is Japanese byo-yomi too: a period that was not used up is there
    again for the next move, and how many of them are left changes no budget.
    """

    main_seconds: float = 0.0
    byoyomi_seconds: float = 0.0
    byoyomi_moves: int = 0
    increment_seconds: float = 0.0
    moves_left: int = 0  # of the running byo-yomi period; 0: main time runs
    moves_to_go: int = 0  # until main time is refilled; 0: never
    margin_seconds: float = 0.1  # kept free on the clock, at least: the longest delay of the wire
    most_main_seconds: float = math.inf  # an increment fills main time up to here
    most_move_seconds: float = math.inf
    usual_lag_seconds: float = USUAL_LAG_SECONDS  # what most moves lose to the wire, and to a busy machine
    worst_lag_seconds: float = 0.0  # kept free likewise, where it was measured (see Lag)

    @staticmethod
    def overtime(main: float, period: float, moves: int) -> Clock:
        """Main time and then periods of `moves` moves; without main time the first period runs from the start."""
        if period <= 0.0 or moves <= 0:
            return Clock(main)
        if main <= 0.0:
            return Clock(period, period, moves, moves_left=moves)
        return Clock(main, period, moves)

    @property
    def kept_seconds(self) -> float:
        """What is kept free on the clock."""
        return max(self.margin_seconds, self.worst_lag_seconds)

    @property
    def lag_seconds(self) -> float:
        """What a usual move loses between two thoughts."""
        return min(self.kept_seconds, self.usual_lag_seconds)

    def budget(self, ply: int, expected_plies: float, stretch: float = 1.0) -> float:
        """Seconds to think about the next move of a game that will last about `expected_plies` plies.

        stretch: how many times the usual share this move may have. Time that would be lost when it is not used is used
        whatever the stretch. Never more than there is, less the margin. Where the increment does not pay for the lag, time for
        the lag of a game twice as long is kept back, or of LONGEST_GAME_MOVES more moves: a clock that falls below that falls
        by the lag alone.
        """
        if self.moves_left == 1:
            share = self.main_seconds - self.kept_seconds
        elif self.moves_left > 1:
            # Never more than the mean: without a word from the controller, when a period began is a guess.
            share = self.main_seconds * min(1.0, stretch) / self.moves_left - self.kept_seconds
        elif self.byoyomi_moves > 0:
            period = self.byoyomi_seconds / self.byoyomi_moves
            share = max(self.main_seconds / self._moves_ahead(ply, expected_plies, stretch), period)
            share = min(share, self.main_seconds + period) - self.kept_seconds
        else:
            lasting = min(self.moves_to_go or LONGEST_GAME_MOVES, LONGEST_GAME_MOVES, max(expected_plies, ply))
            share = self._main_share(self._moves_ahead(ply, expected_plies, stretch), lasting)
        return max(LEAST_SECONDS, min(share, self.most_move_seconds - self.kept_seconds))

    def _moves_ahead(self, ply: int, expected_plies: float, stretch: float) -> float:
        ahead = max(10.0, (expected_plies - ply) / 2.0)
        if self.moves_to_go > 0:
            ahead = min(ahead, self.moves_to_go + 0.5)  # the half: never the whole clock on the last move
        return min(ahead, max(LEAST_MOVES_AHEAD, ahead / stretch)) if stretch > 1.0 else ahead / stretch

    def _main_share(self, ahead: float, lasting: float) -> float:
        """A share of main time for each of `ahead` moves. lasting: for how many the reserve is."""
        lag, gain = self.lag_seconds, self.increment_seconds
        reserve = lasting * max(0.0, lag + LEAST_SECONDS - gain)
        # The increment comes after the move: most of it is spent in advance, but never the last of the clock.
        largest = 0.9 * self.main_seconds
        if self.moves_to_go != 1:
            largest = min(largest, 0.5 * self.main_seconds + gain)
        return min(
            self.main_seconds / ahead + 0.8 * gain - lag,
            max(0.0, self.main_seconds - reserve) / ahead + 0.8 * max(0.0, gain - lag),
            largest - self.kept_seconds,
        )

    def tell(self, seconds: float, count: int) -> None:
        """Takes over what a controller says is left: for `count` moves of byo-yomi (0: main time runs).

        Where each period is for one move, `count` is the number of periods left. A period holds no more time than it has,
        whatever the controller adds to it.
        """
        self.main_seconds, self.moves_left = max(0.0, seconds), count
        if count > 0 and self.byoyomi_moves > 0:
            self.main_seconds = min(self.main_seconds, self.byoyomi_seconds)
            self.moves_left = 1 if self.byoyomi_moves == 1 else count

    def spend(self, seconds: float) -> None:
        """Takes a finished move's time off, for controllers that never say what is left."""
        self.main_seconds -= seconds
        if self.moves_left == 0 and self.main_seconds < 0.0 and self.byoyomi_moves > 0:
            # The period began during the move, which is the first of its moves.
            self.main_seconds, self.moves_left = self.byoyomi_seconds + self.main_seconds, self.byoyomi_moves
        if self.moves_left > 0:
            self.moves_left -= 1
            if self.moves_left == 0:
                self.main_seconds, self.moves_left = self.byoyomi_seconds, self.byoyomi_moves
            if self.byoyomi_moves > 0:
                # When the controller's period began is a guess: in no row of moves may the average be over a period's.
                share = self.byoyomi_seconds / self.byoyomi_moves
                self.main_seconds = min(self.main_seconds, share * self.moves_left)
        else:
            self.main_seconds = min(self.main_seconds + self.increment_seconds, self.most_main_seconds)
        self.main_seconds = max(0.0, self.main_seconds)


LEAST_LAG_SECONDS = 0.005  # that is counted with, however quick the wire was
MOST_LAG_SECONDS = 1.0  # what is more is no lag, but a clock that was set


class Lag:
    """What a move loses to the wire, the GUI and a busy machine, measured from the clock that each `go` of a game tells.

    The worst of late is kept free; the mean is what each of the moves to come will lose.
    """

    def __init__(self) -> None:
        self.worst_seconds: float | None = None  # of late; None: nothing was measured
        self.mean_seconds = 0.0  # of late
        self._next_ply = -1  # of this side's next move
        self._main_seconds = 0.0  # that it should have then

    def after(self, clock: Clock, ply: int, seconds: float) -> None:
        """A move at this ply took so long, as far as it was meant to."""
        self._next_ply = ply + 2
        self._main_seconds = min(clock.main_seconds + clock.increment_seconds - seconds, clock.most_main_seconds)

    def tell(self, clock: Clock, ply: int) -> None:
        """Has the clock of the move at this ply keep free what moves lose: more than its margin, or less than is usual."""
        if ply == self._next_ply and clock.byoyomi_moves == 0:
            lost = self._main_seconds - clock.main_seconds
            if abs(lost) <= MOST_LAG_SECONDS:
                lost = max(0.0, lost)
                # One move that lost half a second must not have the next ones keep back half of the clock.
                usual = min(lost, 3.0 * (USUAL_LAG_SECONDS if self.worst_seconds is None else self.mean_seconds) + 0.05)
                self.mean_seconds += (usual - self.mean_seconds) * (1.0 if self.worst_seconds is None else 0.1)
                self.worst_seconds = max(0.9 * (self.worst_seconds or 0.0), lost)
        if self.worst_seconds is not None:
            clock.worst_lag_seconds = 1.5 * self.worst_seconds
            clock.usual_lag_seconds = max(LEAST_LAG_SECONDS, 1.2 * self.mean_seconds)


class Looks(TypedDict, total=False):
    """Arguments of a player's search: who looks at what it finds."""

    should_stop: Callable[[], bool]
    on_progress: Callable[[SearchResult], bool] | None
    progress_every: float


class Pace:
    """When a search on a clock ends: at the move's usual share of the time, sooner where it is sure, later in doubt.

    expected_plies() says how long the whole game will last; it is not asked where no time is left to share out. begin: when
    the clock began to run (time.perf_counter()); since when the search runs may be longer, where it pondered. drawn: the move
    is drawn from the visits of many simulations, as a level's: it is never hurried.
    """

    def __init__(
        self,
        clock: Clock,
        ply: int,
        expected_plies: Callable[[], float],
        begin: float | None = None,
        *,
        drawn: bool = False,
    ):
        self._clock = clock
        self._ply = ply
        self._begin = time.perf_counter() if begin is None else begin
        self._value: float | None = None  # at the first look
        # However short the game will be. Then one simulation is all that a move is worth: more would cost more than a short
        # increment brings.
        self.hurried = not drawn and clock.budget(ply, ply) <= HURRIED_SECONDS
        self._expected_plies = ply if self.hurried else expected_plies()
        self.usual_seconds = clock.budget(ply, self._expected_plies)
        self.seconds = self.usual_seconds  # what the search may take, as it looks now

    @property
    def look_every(self) -> float:
        """Seconds between two looks."""
        return max(0.01, self.usual_seconds / LOOKS)

    def limits(self, watch: Callable[[SearchResult], bool] | None = None) -> Looks:
        """For a search that begins now; `watch` may end it, too."""
        searched_from = time.perf_counter()

        def look(result: SearchResult) -> bool:
            sure = self.look(result, time.perf_counter() - searched_from)
            return (watch is not None and watch(result)) or sure

        every = self.look_every if watch is None else min(self.look_every, LOOK_SECONDS)
        return {"should_stop": self.is_late, "on_progress": look, "progress_every": every}

    def is_late(self) -> bool:
        return time.perf_counter() - self._begin >= self.seconds

    @property
    def overrun_seconds(self) -> float:
        """How much longer than it was meant to the move has taken: what a busy machine lets the ends of a search cost."""
        return max(0.0, time.perf_counter() - self._begin - self.seconds)

    def spend(self, lag: Lag) -> None:
        """Takes the move, which is over, off a clock whose controller may never say what is left."""
        spent = time.perf_counter() - self._begin
        lag.after(self._clock, self._ply, min(spent, self.seconds))
        self._clock.spend(spent + self._clock.lag_seconds)

    def look(self, result: SearchResult, searched_seconds: float) -> bool:
        """Judges the search anew. True: it is over, since no other move can overtake the best one in the time left.

        searched_seconds: since the search began.
        """
        if self._value is None:
            self._value = result.value
        gone = time.perf_counter() - self._begin
        # Never less than has gone by: time that was thought on purpose is no lag (see overrun_seconds).
        self.seconds = max(gone, self._clock.budget(self._ply, self._expected_plies, doubt(result, self._value)))
        left = self.seconds - gone
        if len(result.moves) < 2:
            return True
        lead = result.moves[0].visits - result.moves[1].visits
        return searched_seconds > 0.0 and lead > max(0.0, left) * result.simulations / searched_seconds


def doubt(result: SearchResult, first_value: float) -> float:
    """How many times the usual time a search deserves, from 0.6 (one move has nearly all visits) to 2.5.

    Three signs of doubt: the second move has as many visits as the first; another move than the most visited has the better
    value; the value has fallen since the first look (Stockfish and lc0 judge by such signs, too).
    """
    if len(result.moves) < 2:
        return 1.0
    best, second = result.moves[0], result.moves[1]
    stretch = 0.6 + 0.8 * second.visits / max(1, best.visits)
    if any(m.q > best.q and m.visits >= 0.1 * best.visits for m in result.moves[1:]):
        stretch *= 1.3
    fall = max(0.0, first_value - result.value)
    return min(2.5, stretch * (1.0 + min(0.5, 2.0 * fall)))
