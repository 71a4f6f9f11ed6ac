"""Progress of long work: a few lines of a terminal that are written over, plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from alphazero import terminal
from alphazero.terminal import Table

BAR = 40  # characters of a bar at most


def clock(seconds: float) -> str:
    """Seconds as 1:02:03 or 2:03."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


class Progress:
    """Writes to standard error, so that standard output stays for results.

    In a terminal the newest table and the newest line stand at the bottom, and the next ones are drawn over them. The cursor
    waits on the empty line below: whatever else is printed, and however the program ends, no half line stays.
    """

    def __init__(self, out: TextIO | None = None):
        self._out = terminal.opened(out or sys.stderr)
        self._live = terminal.moves_cursor(self._out)
        self._table: Table | None = None
        self._line = ""  # drawn
        self._height = 0  # lines that can be drawn over

    def line(self, *, fraction: float, seconds: float, parts: list[str]) -> None:
        """Shows how far the work is: the share done, time spent and left, and the given figures."""
        left = clock(seconds * (1.0 / fraction - 1.0)) if fraction > 0.0 else "?"
        share, times = f"{100 * fraction:3.0f}%", f"{clock(seconds)} (left {left})"
        if self._live:
            self._line = self._bar(share, fraction, times) + self._figures(parts)
            self._draw()
        else:
            self._write(f"{share} {times}  " + "  ".join(parts))

    def count(self, what: str, done: int, total: int) -> None:
        """Shows how many of some games are done."""
        if self._live:
            self._line = self._bar(what, done / max(1, total), f"{done:,} of {total:,} games")
            self._draw()
        else:
            self._write(f"{what}: {done} of {total} games")

    def show(self, table: Table) -> None:
        """Shows a table, in place of the one before."""
        if self._live:
            self._table = table
            self._draw()
        elif terminal.is_terminal(self._out):
            terminal.show(table, self._out)
        else:
            self._write(str(table))

    def note(self, text: str) -> None:
        """Writes a line that stays."""
        self._out.write(self._erased())
        self._write(text)
        if self._table is not None or self._line:
            self._draw()

    def _write(self, text: str) -> None:
        self._out.write(terminal.wrapped(text, self._out) if terminal.is_terminal(self._out) else text + "\n")
        self._out.flush()

    def _erased(self) -> str:
        """What takes the drawn lines off the screen."""
        lines, self._height = self._height, 0
        return f"\r\x1b[{lines}A\x1b[J" if lines else ""

    def _draw(self) -> None:
        lines = self._line.splitlines(keepends=True)
        if self._table is not None:
            # What has scrolled out of the screen cannot be written over.
            above = max(0, terminal.height(self._out) - 1 - len(lines))
            lines = terminal.drawn(self._table, self._out).splitlines(keepends=True)[:above] + lines
        self._out.write(self._erased() + "".join(lines))  # at once, so that nothing flickers
        self._out.flush()
        self._height = len(lines)

    def _bar(self, before: str, fraction: float, after: str) -> str:
        """A line with a bar, or without one in a terminal that has no room for it."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table as Grid
        from rich.text import Text

        room = terminal.width(self._out) - 1 - len(before) - len(after) - 2
        if room < 4:
            return terminal.wrapped(f"{before} {after}", self._out)
        grid = Grid.grid(padding=(0, 1, 0, 0))
        done = min(1.0, max(0.0, fraction))
        bar = ProgressBar(
            total=1.0, completed=done, width=min(BAR, room), complete_style="cyan", finished_style="green"
        )
        grid.add_row(Text(before, "bold"), bar, Text(after))
        return terminal.render(grid, self._out)

    def _figures(self, parts: Sequence[str]) -> str:
        """The figures, as many on a line as fit."""
        room = terminal.width(self._out) - 1
        lines: list[str] = []
        for part in parts:
            if lines and len(lines[-1]) + 2 + len(part) <= room:
                lines[-1] += f"  {part}"
            else:
                lines.append(part)
        return terminal.wrapped("\n".join(lines), self._out)
