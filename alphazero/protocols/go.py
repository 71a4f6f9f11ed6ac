"""The words of `go`: from what a GUI says about time, depth and moves to the limits of a search.

Unknown words are skipped, and so are numbers that cannot be read and root moves that are not legal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from alphazero._core import Position
from alphazero.protocols.analysis import GoLimits
from alphazero.protocols.clock import Clock
from alphazero.protocols.options import whole

UNREAD = GoLimits(simulations=1000, seconds=1.0)  # of a `go` whose limits cannot be read: soon, for somebody waits

FLAGS = frozenset({"infinite", "ponder"})
NUMBERS = frozenset({"depth", "nodes", "mate", "movetime", "perft"})


@dataclass
class GoWords:
    """What a `go` asks for, as it is written."""

    numbers: dict[str, int] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    moves: list[str] = field(default_factory=list)  # of searchmoves
    named: bool = False  # whether a limit is named, even where its number cannot be read

    @classmethod
    def read(cls, words: list[str], clock_words: frozenset[str]) -> GoWords:
        result = cls()
        number_words = clock_words | NUMBERS
        rest = list(words)
        while rest:
            word = rest.pop(0).lower()
            if word in FLAGS:
                result.flags.add(word)
            elif word == "searchmoves":
                while rest and rest[0].lower() not in number_words | FLAGS:
                    result.moves.append(rest.pop(0))
            elif word in number_words:
                result.named = True
                number = whole(rest[0]) if rest else None
                if number is not None:
                    result.numbers[word] = number
                    rest.pop(0)
                elif rest and rest[0].lower() not in number_words | FLAGS | {"searchmoves"}:
                    rest.pop(0)
        return result

    def clock(self, mine: str, overhead_seconds: float) -> Clock | None:
        """The clock of the side to move, whose letter is `mine`."""
        if f"{mine}time" not in self.numbers and "byoyomi" not in self.numbers:
            return None

        def seconds(word: str) -> float:
            return max(0.0, self.numbers.get(word, 0) / 1000.0)

        return Clock(
            seconds(f"{mine}time"),
            byoyomi_seconds=seconds("byoyomi"),
            byoyomi_moves=1 if self.numbers.get("byoyomi", 0) > 0 else 0,
            increment_seconds=seconds(f"{mine}inc"),
            moves_to_go=max(0, self.numbers.get("movestogo", 0)),
            margin_seconds=overhead_seconds,
        )

    def limits(self, mine: str, overhead_seconds: float, only: tuple[str, ...]) -> GoLimits:
        """Those that can be read. only: the legal ones of the moves."""
        numbers = self.numbers
        seconds = None
        if "movetime" in numbers:
            seconds = max(0.001, numbers["movetime"] / 1000.0 - min(overhead_seconds, 0.02))
        return GoLimits(
            simulations=max(1, numbers["nodes"]) if "nodes" in numbers else None,
            seconds=seconds,
            clock=self.clock(mine, overhead_seconds),
            depth=max(1, numbers["depth"]) if "depth" in numbers else None,
            mate=max(1, numbers["mate"]) if "mate" in numbers else None,
            infinite="infinite" in self.flags,
            ponder="ponder" in self.flags,
            only=only,
        )


def legal(root: Position, asked: Iterable[str]) -> tuple[str, ...]:
    """Those of the moves that are legal, as the rules write them."""
    result: dict[str, None] = {}
    after = {}
    for move in root.legal_moves():
        position = root.copy()
        position.play(move)
        after[position.text] = move
    for text in asked:
        position = root.copy()
        try:
            position.play(text)
        except ValueError:
            continue
        result[after[position.text]] = None
    return tuple(result)
