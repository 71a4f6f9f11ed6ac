"""A program on a terminal of a given size: what it wrote, and what stands on the screen in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from dataclasses import dataclass

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def cells(line: str) -> int:
    """Columns that a line takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@dataclass
class Screen:
    """What a program wrote to its terminal. columns: the terminal's width."""

    written: str
    columns: int
    code: int

    @property
    def lines(self) -> list[str]:
        """Every line as it was written, without colours and cursor movements."""
        return ESCAPE.sub("", self.written).replace("\r", "").split("\n")

    @property
    def widest(self) -> int:
        return max(cells(line) for line in self.lines)

    def final(self) -> list[str]:
        """The lines of the screen at the end (one of endless height), blank ones left out."""
        rows, row = [""], 0
        for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\n)", self.written.replace("\r", "")):
            if part == "\n":
                row += 1
                rows += [""] * (row - len(rows) + 1)
            elif part.startswith("\x1b["):
                if part.endswith("A"):
                    row -= int(part[2:-1])
                    assert row >= 0
                elif part.endswith("J"):
                    rows = [*rows[:row], ""]
                else:
                    assert part.endswith("m"), f"{part!r} is no colour"
            else:
                rows[row] += part
        return [line.rstrip() for line in rows if line.strip()]


def on_a_terminal(*words: str, columns: int = 80, lines: int = 24, stdout: bool = True, **variables: str) -> Screen:
    """Runs Python with these arguments on a terminal. stdout: False where standard output goes elsewhere (a pipe)."""
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", **variables}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *words],
        stdin=theirs,
        stdout=theirs if stdout else subprocess.DEVNULL,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not data:
            break
        written += data
    os.close(ours)
    return Screen(written.decode(), columns, process.wait(60))
