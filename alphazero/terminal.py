"""Tables and facts on standard output: drawn by rich to fit a terminal, plain lines where there is none.

Scripts read the plain lines, so their form is fixed. rich is imported when something is drawn: engines never load it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

GAP = 2  # blanks between columns


@dataclass(frozen=True)
class Column:
    """A column of a table. Its cells may be longer than `width`."""

    title: str
    width: int = 0  # at least, in characters
    right: bool = True  # numbers are aligned to the right
    drop: int = 0  # in a terminal that is too narrow, columns with the largest number go first, those with 0 stay
    least: int = (
        0  # of the first column, whose cells may be folded: no column is dropped while it has so many characters
    )


@dataclass(frozen=True)
class Table:
    """Cells of text under titles. plain: the lines where there is no terminal, if they differ from padded columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    plain: str | None = None
    header: bool = True

    def __str__(self) -> str:
        """The plain lines."""
        if self.plain is not None:
            return self.plain
        titles = [[column.title for column in self.columns]] if self.header else []
        return "\n".join(self._line(cells) for cells in [*titles, *self.rows])

    def _line(self, cells: Sequence[str]) -> str:
        padded = [
            f"{cell:>{column.width}}" if column.right else f"{cell:<{column.width}}"
            for column, cell in zip(self.columns, cells, strict=True)
        ]
        return (" " * GAP).join(padded).rstrip()


def opened(out: TextIO | None) -> TextIO:
    """The stream, or one that goes nowhere: Python has None for a standard stream that was closed (`2>&-`)."""
    return out if out is not None else Path(os.devnull).open("w")


def is_terminal(out: TextIO) -> bool:
    """Whether somebody reads this on a screen."""
    return out.isatty()


def moves_cursor(out: TextIO) -> bool:
    """Whether what was written can be written over."""
    return is_terminal(out) and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def width(out: TextIO) -> int:
    """Columns of the terminal; COLUMNS, where it is set, comes first, as for other programs."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and 0 < int(given) < 100_000:
        return int(given)
    return _size(out)[0] or 80


def height(out: TextIO) -> int:
    """Lines of the terminal."""
    return _size(out)[1] or 24


def _size(out: TextIO) -> tuple[int, int]:
    try:
        found = os.get_terminal_size(out.fileno())
    except (OSError, ValueError):  # not a file of the system
        return (0, 0)
    return found.columns, found.lines


def show(table: Table, out: TextIO | None = None) -> None:
    """Prints a table."""
    out = opened(out or sys.stdout)
    if is_terminal(out):
        out.write(drawn(table, out))
    else:
        print(table, file=out)
    out.flush()


def fact(label: str, text: str, *, pad: int = 11, out: TextIO | None = None) -> None:
    """Prints a label and what there is to say, broken into lines beside the label where the terminal is narrow."""
    out = opened(out or sys.stdout)
    if is_terminal(out):
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=max(1, min(max(pad, len(label)), width(out) // 3)), overflow="fold")
        grid.add_column(overflow="fold")
        grid.add_row(Text(label, "bold"), Text(text))
        out.write(render(grid, out))
    else:
        print(f"{label:<{pad}} {text}", file=out)
    out.flush()


def say(text: str, out: TextIO | None = None) -> None:
    """Prints lines, broken between words where the terminal is narrower."""
    out = opened(out or sys.stdout)
    out.write(wrapped(text, out) if is_terminal(out) else f"{text}\n")
    out.flush()


def wrapped(text: str, out: TextIO) -> str:
    """Lines that fit the terminal, each with its line end."""
    from rich.text import Text

    return render(Text(text, overflow="fold"), out)


def drawn(table: Table, out: TextIO) -> str:
    """The table as it stands on the terminal, in several blocks of columns where it is too wide for one."""
    return "".join(render(block, out) for block in _blocks(table, width(out) - 1))


def render(what: RenderableType, out: TextIO) -> str:
    """Lines for the terminal behind `out`, none as wide as the terminal: a full line would end in an empty one on some."""
    console = _console(out)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


def _console(out: TextIO) -> Console:
    from rich.console import Console

    room = max(1, width(out) - 1)  # without a height, too, rich would take a dumb terminal for one of 80 columns
    return Console(file=out, width=room, height=height(out), highlight=False, markup=False, emoji=False)


def _blocks(table: Table, room: int) -> list[RenderableType]:
    """rich's tables, no line longer than `room`: columns are dropped, then the first is folded, then the rest is cut in blocks."""
    from rich.cells import cell_len

    def needs(index: int) -> int:
        column = table.columns[index]
        words = max(map(cell_len, column.title.split()), default=0) if table.header else 0
        return max(column.width, words, *(cell_len(row[index]) for row in table.rows), 1)

    needed = [needs(index) for index in range(len(table.columns))]
    least = min(needed[0], table.columns[0].least or 16)
    kept = list(range(len(table.columns)))

    def taken(columns: Sequence[int]) -> int:
        return sum(needed[index] + GAP for index in columns)

    while least + taken(kept[1:]) > room and any(table.columns[index].drop for index in kept):
        kept.remove(max(kept, key=lambda index: table.columns[index].drop))
    first = max(1, min(needed[0], max(room - taken(kept[1:]), min(least, room // 4))))
    blocks: list[list[int]] = [[]]
    for index in kept[1:]:
        if blocks[-1] and first + taken([*blocks[-1], index]) > room:
            blocks.append([])
        blocks[-1].append(index)
    return [_block(table, [0, *block], [first, *(needed[i] for i in block)]) for block in blocks]


def _block(table: Table, columns: Sequence[int], widths: Sequence[int]) -> RenderableType:
    from rich.table import Table as RichTable
    from rich.text import Text

    block = RichTable(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_header=table.header, header_style="bold")
    for index, columns_width in zip(columns, widths, strict=True):
        column = table.columns[index]
        block.add_column(
            Text(column.title), width=columns_width, justify="right" if column.right else "left", overflow="fold"
        )
    for row in table.rows:
        block.add_row(*(Text(row[index]) for index in columns))
    return block
