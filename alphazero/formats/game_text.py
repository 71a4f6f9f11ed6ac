"""What a game's file holds, read or to be written; the bytes of such files as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from alphazero import text
from alphazero.errors import UserError
from alphazero.formats.game_tree import GameTree

LONGEST_NAME = 200  # characters
LONGEST_WARNING = 300
EVENT = "alphazero"  # of a game that has no other


@dataclass(frozen=True)
class Thought:
    """A move and what its player said of it, from the mover's side."""

    move: str
    centipawns: float | None = None
    mate: int | None = None
    depth: int | None = None
    seconds: float = 0.0
    clock: float | None = None  # left after the move
    side: int = 0  # who moved: 0 the first player, 1 the other; some games let a player move twice


class Warnings(list[str]):
    """What could not be read, a line each: what they quote of a file may hold line ends and control characters."""

    def append(self, warning: str) -> None:
        super().append(text.clean(warning, LONGEST_WARNING))

    def extend(self, warnings: Iterable[str]) -> None:
        for warning in warnings:
            self.append(warning)

    def __iadd__(self, warnings: Iterable[str]) -> Warnings:  # type: ignore[misc, override]  # list's takes any list
        self.extend(warnings)
        return self


@dataclass
class GameText:
    """A game as its file tells it. first is the player who moves first from the usual start (White, Sente, Black in Go)."""

    first: str = ""
    second: str = ""
    start: str = ""  # position as text, "" for the game's usual start
    moves: list[str] = field(default_factory=list)
    value: int | None = None  # +1, 0, -1 for the first player; None: the file does not say who won
    reason: str = ""  # how it ended, in this package's words where there is one
    game: str = "shogi"
    chess960: bool = False  # of a game of chess: its rules are those of Chess960
    # Written where a format has a place for it:
    event: str = ""
    number: int = 0  # from 0
    time_control: str = ""  # as --tc has it
    thoughts: Sequence[Thought] = ()  # of the moves, in order
    score: float | None = None  # Go: Black's margin
    note: str = ""  # what else there is to say of its end
    tree: GameTree | None = None  # the moves with variations and comments; None: moves alone
    # Read, where the file has it:
    seconds: dict[int, float] = field(default_factory=dict)  # by the move's number from 0
    comments: dict[int, str] = field(default_factory=dict)  # by the number of moves before it
    variations: int = 0  # side lines that were left out
    warnings: Warnings = field(default_factory=Warnings)  # what could not be read
    line: int = 1  # of the file, where the game begins

    @property
    def title(self) -> str:
        """The event, as a line of a file may have it."""
        return clean(self.event or EVENT)


def clean(name: str) -> str:
    """A name or title for one line of a file: no control characters, at most LONGEST_NAME characters."""
    return text.clean(name, LONGEST_NAME)


def read_bytes(path: Path, what: str) -> bytes:
    """A file's bytes; UserError says why `what` cannot be read from it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot read {what}: {error.strerror}") from error


def decode(data: bytes | str, where: str, otherwise: str = "cp932") -> str:
    """Text of a file in UTF-8 (with or without a BOM) or, where it is not that, in the encoding `otherwise`.

    Line ends become "\\n". Bytes that belong to neither encoding become U+FFFD.
    """
    if isinstance(data, str):
        text = data
    else:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:1000]:
            raise UserError(f"{where}: UTF-16 or no text at all; save it as UTF-8")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            as_other, as_utf8 = data.decode(otherwise, "replace"), data.decode("utf-8-sig", "replace")
            text = as_utf8 if as_utf8.count("\ufffd") < as_other.count("\ufffd") else as_other
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def listing(warnings: Iterable[str], most: int = 3) -> str:
    """The first few of many warnings, on one line."""
    each = list(warnings)
    return "; ".join(each[:most]) + (f"; and {len(each) - most} more" if len(each) > most else "")


def parts(text: str, lines: Sequence[int]) -> list[str]:
    """A file's text cut where its games begin, at these lines (from 1): joined by line ends, the parts are the text."""
    each = text.split("\n")
    cuts = [0, *(line - 1 for line in lines[1:]), len(each)]
    return ["\n".join(each[begin:end]) for begin, end in pairwise(cuts)]
