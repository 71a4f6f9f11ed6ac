"""What an engine says of its search in UCI's and USI's `info` lines, read field by field.

Nothing an engine writes is an error here: what cannot be read says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
CENTIPAWNS = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
MATE = re.compile(r"([+-]?)([0-9]{0,5})", re.ASCII)
WON = 32_000.0  # centipawns of a mate whose length the engine does not say


@dataclass
class Info:
    """The best line's last exact score, for the side to move, and how far the search went."""

    value: float | None = None  # centipawns; None: nothing said, or a mate
    mate: int | None = None  # moves; negative: gets mated, and so does 0
    depth: int | None = None
    nodes: int | None = None

    def read(self, line: str) -> None:
        """Takes one line in. Other lines than the first (`multipv`), bounds and `info string` leave the score as it was."""
        words = line.split()
        if words[:1] != ["info"]:
            return
        fields: dict[str, tuple[str, str]] = {}
        bound = False
        for index, word in enumerate(words):
            if word == "string":  # the rest is text
                break
            bound = bound or word in ("lowerbound", "upperbound")
            if word in ("multipv", "score", "depth", "nodes"):
                following = [*words[index + 1 : index + 4], "", "", ""]
                if word == "score" and following[0] in ("lowerbound", "upperbound"):  # some say it before the number
                    following = following[1:]
                fields[word] = (following[0], following[1])
        if (nodes := _whole(fields.get("nodes"))) is not None:
            self.nodes = nodes
        if "multipv" in fields and _whole(fields["multipv"]) != 1:
            return
        if (depth := _whole(fields.get("depth"))) is not None and not bound:
            self.depth = depth
        if "score" in fields and not bound:
            self._score(*fields["score"])

    def _score(self, kind: str, number: str) -> None:
        if kind == "cp" and CENTIPAWNS.fullmatch(number):
            self.value, self.mate = float(number), None
        elif kind == "mate" and number and (found := MATE.fullmatch(number)):
            sign, digits = found[1], found[2]
            if digits.strip("0"):
                self.value, self.mate = None, int(sign + digits)
            elif sign == "+":  # USI's `mate +`: won, nobody says how soon
                self.value, self.mate = WON, None
            elif sign == "-" and not digits:
                self.value, self.mate = -WON, None
            else:  # `mate 0` and `mate -0`: mated already
                self.value, self.mate = None, 0


def _whole(field: tuple[str, str] | None) -> int | None:
    return int(field[0]) if field is not None and WHOLE.fullmatch(field[0]) else None
