"""What is said of a move in a file: the words, and how they are found again when the file is annotated anew."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from alphazero.game import Game

SIDES = {
    "go": ("Black", "White"),
    "chess": ("White", "Black"),
    "gardner": ("White", "Black"),
    "shogi": ("Sente", "Gote"),
    "minishogi": ("Sente", "Gote"),
    "connect4": ("Red", "Yellow"),
}
OF_OTHERS = ("First", "Second")
EVERY_SIDE = dict.fromkeys(side for sides in (*SIDES.values(), OF_OTHERS) for side in sides)
SIGNED = "alphazero"  # begins each remark: so it is told from what people wrote
LONGEST_LINE = 6  # moves of a better line
OURS = re.compile(
    rf"\s?{SIGNED}:\s(?P<side>{'|'.join(EVERY_SIDE)})\s(?P<rate>[0-9]{{1,3}}\.[0-9])\s%"
    r"(?:,\s(?P<leads>[BW])\+(?P<lead>[0-9]{1,4}\.[0-9]))?"
    r"(?:;\s(?P<mark>\?\?|\?!|\?)\slost\s(?P<loss>[0-9]{1,3}\.[0-9])\s%"
    r"(?:;\sbetter:(?P<line>(?:\s[A-Za-z0-9*+=]{1,6}){1,6})(?:\s\((?P<best>[0-9]{1,3}\.[0-9])\s%\))?)?)?"
)


def sides_of(game: Game) -> tuple[str, str]:
    """The names of the first and the second player."""
    return SIDES.get(game.name, OF_OTHERS)


@dataclass(frozen=True)
class Remark:
    """What is written beside a move. Win rates are the mover's, from 0 to 1."""

    side: str  # the mover, "Black"
    win_rate: float  # after the move
    score: float | None = None  # Black's lead in points: Go
    centipawns: int | None = None  # the first player's
    mark: str = ""  # "?!", "?", "??"
    loss: float = 0.0  # what a marked move cost, from 0 to 1
    better: list[str] = field(default_factory=list)  # the line that was better than a marked move, its first move first
    better_rate: float | None = None  # with it

    @property
    def text(self) -> str:
        """One line, from which `ours` reads the remark back."""
        text = f"{SIGNED}: {self.side} {100 * self.win_rate:.1f} %"
        if self.score is not None:
            text += f", {'B' if self.score >= 0 else 'W'}+{abs(self.score):.1f}"
        if self.mark:
            text += f"; {self.mark} lost {100 * self.loss:.1f} %"
            if self.better:
                best = f" ({100 * self.better_rate:.1f} %)" if self.better_rate is not None else ""
                text += f"; better: {' '.join(self.better[:LONGEST_LINE])}{best}"
        return text


def ours(comment: str) -> Remark | None:
    """The last remark of ours in a comment, as far as its words tell it; None where there is none."""
    every = list(OURS.finditer(comment))
    if not every:
        return None
    found = every[-1]
    score = None
    if found["lead"]:
        score = float(found["lead"]) * (1.0 if found["leads"] == "B" else -1.0) + 0.0
    best = float(found["best"]) / 100.0 if found["best"] else None
    line = (found["line"] or "").split()
    loss = float(found["loss"] or 0.0) / 100.0
    return Remark(found["side"], float(found["rate"]) / 100.0, score, None, found["mark"] or "", loss, line, best)


def without_ours(comment: str) -> str:
    """A comment without our remarks; one that has none stays as it is."""
    return OURS.sub("", comment).strip() if OURS.search(comment) else comment
