"""Time for a move from the time that is left. Knows no game and no protocol."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_SECONDS = 0.001  # the shortest thought: one look of the network
USUAL_LAG_SECONDS = 0.03  # a move's loss to the wire and to a busy machine, kept back for the moves to come
LONGEST_GAME_MOVES = 200  # moves of one side that the reserve for that lag lasts for


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
    margin_seconds: float = 0.1  # kept free on every move: the longest delay of the wire
    most_main_seconds: float = math.inf  # an increment fills main time up to here
    most_move_seconds: float = math.inf

    @staticmethod
    def overtime(main: float, period: float, moves: int) -> Clock:
        """Main time and then periods of `moves` moves; without main time the first period runs from the start."""
        if period <= 0.0 or moves <= 0:
            return Clock(main)
        if main <= 0.0:
            return Clock(period, period, moves, moves_left=moves)
        return Clock(main, period, moves)

    @property
    def lag_seconds(self) -> float:
        """What a usual move loses between two thoughts."""
        return min(self.margin_seconds, USUAL_LAG_SECONDS)

    def budget(self, ply: int, expected_plies: float) -> float:
        """Seconds to think about the next move of a game that will last about `expected_plies` plies.

        Never more than there is, less the margin. Where the increment does not pay for the lag, time for the lag of
        LONGEST_GAME_MOVES more moves is kept back: a clock that falls below that falls by the lag alone.
        """
        if self.moves_left > 0:
            share = self.main_seconds / self.moves_left - self.margin_seconds
        elif self.byoyomi_moves > 0:
            period = self.byoyomi_seconds / self.byoyomi_moves
            share = max(self.main_seconds / self._moves_ahead(ply, expected_plies), period)
            share = min(share, self.main_seconds + period) - self.margin_seconds
        else:
            share = self._main_share(self._moves_ahead(ply, expected_plies))
        return max(LEAST_SECONDS, min(share, self.most_move_seconds - self.margin_seconds))

    def _moves_ahead(self, ply: int, expected_plies: float) -> float:
        ahead = max(10.0, (expected_plies - ply) / 2.0)
        # The half: never the whole clock on the last move.
        return min(ahead, self.moves_to_go + 0.5) if self.moves_to_go > 0 else ahead

    def _main_share(self, ahead: float) -> float:
        lag, gain = self.lag_seconds, self.increment_seconds
        moves = min(self.moves_to_go or LONGEST_GAME_MOVES, LONGEST_GAME_MOVES)
        reserve = moves * max(0.0, lag + LEAST_SECONDS - gain)
        # The increment comes after the move: most of it is spent in advance, but never the last of the clock.
        largest = 0.9 * self.main_seconds
        if self.moves_to_go != 1:
            largest = min(largest, 0.5 * self.main_seconds + gain)
        return min(
            self.main_seconds / ahead + 0.8 * gain - self.margin_seconds,
            max(0.0, self.main_seconds - reserve) / ahead + 0.8 * max(0.0, gain - lag),
            largest - self.margin_seconds,
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
