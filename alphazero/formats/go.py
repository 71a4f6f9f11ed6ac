"""Go's board as its files need it: stones by vertex, and a position's text in parts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alphazero.formats.sgf_values import COLUMNS
from alphazero.game import Position

Stone = tuple[str, str]  # colour "B" or "W", and vertex ("D4", for a move also "pass")


def rows_of(stones: dict[str, str], size: int) -> str:
    """Stones by vertex ("D4" to "B" or "W") as the rows of a position's text, the top one first."""
    rows = []
    for row in range(size, 0, -1):
        letters = "".join({"B": "X", "W": "O"}.get(stones.get(f"{column}{row}", ""), ".") for column in COLUMNS[:size])
        rows.append(re.sub(r"\.+", lambda gap: str(len(gap[0])), letters))
    return "/".join(rows)


def stones_in(rows: str) -> dict[str, str]:
    """The stones in the rows of a position's text, by vertex. As the rules read them: two digits are one gap where it fits."""
    stones = {}
    lines = rows.split("/")
    for row, line in zip(range(len(lines), 0, -1), lines, strict=True):
        column = 0
        for word in re.findall(r"[1-9][0-9]|.", line):
            if word.isdigit():
                column += (
                    int(word) if len(word) == 1 or column + int(word) <= len(lines) else int(word[0]) + int(word[1])
                )
            else:
                if word != ".":
                    stones[f"{COLUMNS[column]}{row}"] = "B" if word in "xX" else "W"
                column += 1
    return stones


def stones_of(position: Position) -> dict[str, str]:
    """The stones on the board, by vertex."""
    cells = position.cells()
    return {
        f"{COLUMNS[column]}{len(cells) - row}": colour
        for stone, colour in ((1, "B"), (-1, "W"))
        for row, column in zip(*(cells == stone).nonzero(), strict=True)
    }


@dataclass
class PositionText:
    """The text of a Go position in parts: the komi of its own, if any; the set-up, if any; who begins; what is played."""

    komi: float | None
    rows: str
    turn: str  # "B" or "W": who is to move at the start
    moves: list[Stone]
    to_move: str  # "B" or "W": who is to move at the end

    @classmethod
    def parse(cls, words: list[str]) -> PositionText:
        """From the words of the text."""
        komi, rows = None, ""
        words = list(words)
        if words and words[0].startswith("komi="):
            komi = float(words.pop(0).removeprefix("komi="))
        if words and "/" in words[0]:
            rows = words.pop(0)
        begins = turn = words.pop(0).upper() if words and words[0] in ("b", "w") else "B"
        moves = []
        for word in words:
            if word in ("b", "w"):
                turn = word.upper()
            else:
                moves.append((turn, word))
                turn = "W" if turn == "B" else "B"
        return cls(komi, rows, begins, moves, turn)


def play_colour(position: Position, colour: str, vertex: str) -> Position:
    """The position after a move of a colour ("B" or "W"), in turn or out of it; the one given stays as it is."""
    if "BW"[position.turn] != colour:
        position = position.game.position(f"{position.text} {colour.lower()}")
    else:
        position = position.copy()
    position.play(vertex)
    return position
