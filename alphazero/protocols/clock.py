"""Time for a move from the time that is left. Knows no game and no protocol."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """One side's time: main time, then byo-yomi periods of `byoyomi_seconds` for `byoyomi_moves` moves each (Canadian)."""

    main_seconds: float = 0.0
    byoyomi_seconds: float = 0.0
    byoyomi_moves: int = 0
    increment_seconds: float = 0.0
    moves_left: int = 0  # of the running byo-yomi period; 0: main time runs
    moves_to_go: int = 0  # until main time is refilled; 0: never
    margin_seconds: float = 0.1  # lost to the wire on every move

    def budget(self, ply: int, expected_plies: float) -> float:
        """Seconds to think about the next move of a game that will last about `expected_plies` plies."""
        if self.moves_left > 0:
            share = self.main_seconds / self.moves_left
        else:
            ahead = max(10.0, (expected_plies - ply) / 2.0)
            if self.moves_to_go > 0:
                ahead = min(ahead, self.moves_to_go + 0.5)  # the half: never the whole clock on the last move
            share = self.main_seconds / ahead + 0.8 * self.increment_seconds
            if self.byoyomi_moves > 0:
                share = max(share, self.byoyomi_seconds / self.byoyomi_moves)
                share = min(share, self.main_seconds + self.byoyomi_seconds / self.byoyomi_moves)
            else:
                most = 0.5 if self.moves_to_go != 1 else 0.9
                share = min(share, most * self.main_seconds + self.increment_seconds)
                share = min(share, self.main_seconds)  # the increment comes after the move
        return max(0.01, share - self.margin_seconds)

    def spend(self, seconds: float) -> None:
        """Takes a finished move's time off, for controllers that never say what is left."""
        self.main_seconds -= seconds
        if self.moves_left > 0:
            self.moves_left -= 1
            if self.moves_left == 0:
                self._start_period()
        elif self.main_seconds <= 0.0 and self.byoyomi_moves > 0:
            self._start_period()
        else:
            self.main_seconds += self.increment_seconds
        self.main_seconds = max(0.0, self.main_seconds)

    def _start_period(self) -> None:
        self.main_seconds, self.moves_left = self.byoyomi_seconds, self.byoyomi_moves
