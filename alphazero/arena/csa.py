"""Shogi games as CSA 2.2, the computer shogi association's text format, several to a file."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alphazero.arena.seats import Thought

START = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1"
NAMES = {"P": "FU", "L": "KY", "N": "KE", "S": "GI", "G": "KI", "B": "KA", "R": "HI", "K": "OU"}
PROMOTED = {"P": "TO", "L": "NY", "N": "NK", "S": "NG", "B": "UM", "R": "RY"}
RESULTS = {1: "win for Sente", 0: "draw", -1: "win for Gote"}
# How a game ended, by the side to move; a player who stops playing for another reason is said in a comment.
ENDINGS = {
    "checkmate": "%TSUMI",
    "repetition": "%SENNICHITE",
    "declaration": "%KACHI",
    "resignation": "%TORYO",
    "time_forfeit": "%TIME_UP",
    "illegal_move": "%ILLEGAL_MOVE",
    "max_plies": "%JISHOGI",
}

Squares = dict[str, str]  # "7g" to "P", "+p": SFEN's letters


def board(sfen: str) -> Squares:
    """Where the pieces of an SFEN stand."""
    squares = {}
    for rank, row in zip("abcdefghi", sfen.split()[0].split("/"), strict=True):
        file = 9
        for cell in re.findall(r"\+?.", row):
            if cell.isdigit():
                file -= int(cell)
            else:
                squares[f"{file}{rank}"] = cell
                file -= 1
    return squares


def _name(piece: str) -> str:
    return PROMOTED[piece[1].upper()] if piece[0] == "+" else NAMES[piece.upper()]


def _number(square: str) -> str:
    return square[0] + str("abcdefghi".index(square[1]) + 1)


def _start(sfen: str) -> list[str]:
    if sfen.split()[:3] == START.split()[:3]:
        return ["PI", "+"]
    squares = board(sfen)
    lines = []
    for rank in range(9):
        row = f"P{rank + 1}"
        for file in range(9, 0, -1):
            piece = squares.get(f"{file}{'abcdefghi'[rank]}")
            row += " * " if piece is None else ("+" if piece[-1].isupper() else "-") + _name(piece)
        lines.append(row)
    for sign, in_hand in (("+", str.isupper), ("-", str.islower)):
        held = re.findall(r"(\d*)([A-Za-z])", sfen.split()[2])
        pieces = "".join(f"00{NAMES[p.upper()]}" * int(n or 1) for n, p in held if in_hand(p))
        if pieces:
            lines.append(f"P{sign}{pieces}")
    return [*lines, "+" if sfen.split()[1] == "b" else "-"]


def text(
    moves: Sequence[str],
    *,
    white: str,
    black: str,
    value: int,
    reason: str = "",
    start: str = "",
    event: str = "alphazero",
    number: int = 0,
    time_control: str = "-",
    thoughts: Sequence[Thought] = (),
) -> str:
    """One game as CSA, ended by the line `/` that separates games. white is the first player (Sente), as elsewhere here.

    Evaluations are comments as floodgate has them: `'** 123`, in centipawns for Sente.
    """
    sfen = start or START
    squares = board(sfen)
    sente = sfen.split()[1] == "b"
    lines = ["V2.2", f"N+{white}", f"N-{black}", f"$EVENT:{event} {number + 1}"]
    lines.append(f"$START_TIME:{datetime.date.today().strftime('%Y/%m/%d')}")
    if time_control != "-":
        lines.append(f"'time control {time_control}")
    lines += _start(sfen)
    for i, move in enumerate(moves):
        to = move[2:4]
        if move[1] == "*":
            piece, origin = move[0], "00"
        else:
            piece, origin = squares.pop(move[:2]), _number(move[:2])
            if move.endswith("+"):
                piece = f"+{piece}"
        squares[to] = piece.upper() if sente else piece.lower()
        lines.append(f"{'+' if sente else '-'}{origin}{_number(to)}{_name(piece)}")
        if i < len(thoughts):
            thought = thoughts[i]
            lines.append(f"T{round(thought.seconds)}")
            if thought.centipawns is not None:
                lines.append(f"'** {round(thought.centipawns if sente else -thought.centipawns)}")
        sente = not sente
    ending = ENDINGS.get(reason)
    if reason == "perpetual_check":  # the side that gave check has lost; the sign is the loser's
        ending = f"%{'+' if value < 0 else '-'}ILLEGAL_ACTION"
    lines.append(ending or "%CHUDAN")
    return "\n".join([*lines, f"'{reason.replace('_', ' ')}, {RESULTS[value]}", "/", ""])
