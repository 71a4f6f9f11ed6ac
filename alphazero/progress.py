"""Progress of long work in the terminal: one live line on a screen, plain lines in a log."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO


def clock(seconds: float) -> str:
    """Seconds as 1:02:03 or 2:03."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


class Progress:
    """Writes to standard error, so that standard output stays for results."""

    def __init__(self, out: TextIO | None = None):
        self._out = out or sys.stderr
        self._live = self._out.isatty()
        self._width = 0

    def line(self, *, fraction: float, seconds: float, parts: list[str]) -> None:
        """Shows how far the work is: the share done, time spent and left, and the given figures."""
        left = clock(seconds * (1.0 / fraction - 1.0)) if fraction > 0.0 else "?"
        text = f"{100 * fraction:3.0f}% {clock(seconds)} (left {left})  " + "  ".join(parts)
        if self._live:
            text = text[: max(20, shutil.get_terminal_size().columns - 1)]  # a line that wraps cannot be written over
            self._out.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._out.write(text + "\n")
        self._out.flush()

    def note(self, text: str) -> None:
        """Writes a line that stays."""
        if self._live and self._width:
            self._out.write("\n")
            self._width = 0
        self._out.write(text + "\n")
        self._out.flush()
