"""Time controls as they are written on the command line, and the clocks they set."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alphazero.errors import UserError
from alphazero.protocols.clock import Clock
from alphazero.text import shown

MOST_SECONDS = 86_400


@dataclass(frozen=True)
class TimeControl:
    """`MOVES/SECONDS+INCREMENT`, or `SECONDSbBYOYOMI`; without MOVES the seconds are for the whole game."""

    seconds: float
    increment: float = 0.0
    moves: int = 0
    byoyomi: float = 0.0  # seconds for every move after the main time

    @staticmethod
    def parse(text: str) -> TimeControl:
        number = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"  # ASCII digits, and not more of them than any clock has
        match = re.fullmatch(rf"(?:([0-9]{{1,4}})/)?{number}(?:\+{number}|b{number})?", text.strip())
        if match is None or float(match[2]) + float(match[4] or 0) <= 0 or match[1] == "0":
            raise UserError(
                "--tc: expected SECONDS+INCREMENT, MOVES/SECONDS+INCREMENT or SECONDSbBYOYOMI, as in 10+0.1 or 60b5, "
                f"got {shown(text)}"
            )
        if max(float(match[i] or 0) for i in (2, 3, 4)) > MOST_SECONDS:
            raise UserError(f"--tc: at most {MOST_SECONDS:,} seconds (a day), got {shown(text)}")
        return TimeControl(float(match[2]), float(match[3] or 0), int(match[1] or 0), float(match[4] or 0))

    def __str__(self) -> str:
        ending = f"b{self.byoyomi:g}" if self.byoyomi else f"+{self.increment:g}"
        return f"{f'{self.moves}/' if self.moves else ''}{self.seconds:g}{ending}"

    def clock(self) -> Clock:
        """A side's clock at the start of a game."""
        return Clock(
            self.seconds,
            byoyomi_seconds=self.byoyomi,
            byoyomi_moves=1 if self.byoyomi else 0,
            increment_seconds=self.increment,
            moves_to_go=self.moves,
        )

    def spend(self, clock: Clock, seconds: float) -> float:
        """Takes a move's time off a clock; returns the seconds by which it was too long (0: in time)."""
        over = seconds - clock.main_seconds - clock.byoyomi_seconds
        if over > 0:
            return over
        clock.main_seconds = max(0.0, clock.main_seconds - seconds) + clock.increment_seconds
        if clock.moves_to_go > 0:
            clock.moves_to_go -= 1
            if clock.moves_to_go == 0:
                clock.moves_to_go = self.moves
                clock.main_seconds += self.seconds
        return 0.0
