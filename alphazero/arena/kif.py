"""A shogi game as KIF, the format of Japanese GUIs (Kifu for Windows, ShogiGUI, lishogi): one game a file, UTF-8."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphazero.arena.csa import RESULTS
from alphazero.arena.game_text import START, board
from alphazero.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alphazero.arena.seats import Thought

FILES = "１２３４５６７８９"
RANKS = "一二三四五六七八九"
NUMBERS = (
    "",
    "",
    *RANKS[1:],
    "十",
    "十一",
    "十二",
    "十三",
    "十四",
    "十五",
    "十六",
    "十七",
    "十八",
)  # of pieces in hand
NAMES = {"P": "歩", "L": "香", "N": "桂", "S": "銀", "G": "金", "B": "角", "R": "飛", "K": "玉"}
PROMOTED = {"P": "と", "L": "成香", "N": "成桂", "S": "成銀", "B": "馬", "R": "龍"}
IN_DIAGRAM = {**PROMOTED, "L": "杏", "N": "圭", "S": "全"}  # one character a piece
# What stands in the place of the last move, by how the game ended.
ENDINGS = {
    "checkmate": "詰み",
    "repetition": "千日手",
    "declaration": "入玉勝ち",
    "resignation": "投了",
    "resign": "投了",
    "time_forfeit": "切れ負け",
    "illegal_move": "反則負け",
    "max_plies": "持将棋",
}


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
    """The game as a KIF file. white is the first player (Sente), as elsewhere here. Evaluations are comments, in
    centipawns for Sente.
    """
    sfen = start or START
    squares = board(sfen)
    sente = sfen.split()[1] == "b"
    lines = ["# KIF version=2.0 encoding=UTF-8", f"棋戦：{event} {number + 1}"]
    lines.append(f"開始日時：{datetime.date.today().strftime('%Y/%m/%d')}")
    if time_control != "-":
        lines.append(f"持ち時間：{time_control}")
    lines += ["手合割：平手"] if sfen.split()[:3] == START.split()[:3] else diagram(sfen)
    lines += [f"先手：{white}", f"後手：{black}", "手数----指手---------消費時間--"]
    spent = [0.0, 0.0]
    last = ""
    for i, move in enumerate(moves):
        to = move[2:4]
        where = "同　" if to == last else FILES[int(to[0]) - 1] + RANKS["abcdefghi".index(to[1])]
        if move[1] == "*":
            piece, how = move[0], "打"
        else:
            piece = squares.pop(move[:2])
            origin = f"({move[0]}{'abcdefghi'.index(move[1]) + 1})"
            how = ("成" if move.endswith("+") else "") + origin
        lines.append(f"{i + 1:4} {where}{_name(piece, PROMOTED)}{how}{_time(thoughts, i, spent)}")
        if i < len(thoughts) and (centipawns := thoughts[i].centipawns) is not None:
            lines.append(f"*{round(centipawns if sente else -centipawns)}")
        if move.endswith("+"):
            piece = f"+{piece}"
        squares[to] = piece.upper() if sente else piece.lower()
        last, sente = to, not sente
    ending = ENDINGS.get(reason, "中断")
    if reason == "perpetual_check":  # the side that gave check has lost; the word is the side to move's
        ending = "反則勝ち" if (value > 0) == sente else "反則負け"
    lines.append(f"{len(moves) + 1:4} {ending}")
    return "\n".join([*lines, f"*{reason.replace('_', ' ')}, {RESULTS[value]}", ""])


def write(folder: Path, moves: Sequence[str], *, number: int = 0, **about: Any) -> None:
    """Writes the game as `folder`/00000001.kif, named by its number; arguments as of text()."""
    path = folder / f"{number + 1:08d}.kif"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text(moves, number=number, **about), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error


def diagram(sfen: str) -> list[str]:
    """The lines that set up a position: Gote's hand, the board, Sente's hand, and whose turn it is."""
    squares = board(sfen)
    lines = [f"後手の持駒：{_hand(sfen, str.islower)}", "  ９ ８ ７ ６ ５ ４ ３ ２ １", "+---------------------------+"]
    for rank in "abcdefghi":
        row = ""
        for file in range(9, 0, -1):
            piece = squares.get(f"{file}{rank}")
            row += " ・" if piece is None else (" " if piece[-1].isupper() else "v") + _name(piece, IN_DIAGRAM)
        lines.append(f"|{row}|{RANKS['abcdefghi'.index(rank)]}")
    lines += ["+---------------------------+", f"先手の持駒：{_hand(sfen, str.isupper)}"]
    return lines if sfen.split()[1] == "b" else [*lines, "後手番"]


def _name(piece: str, promoted: dict[str, str]) -> str:
    return promoted[piece[1].upper()] if piece[0] == "+" else NAMES[piece.upper()]


def _hand(sfen: str, of_side: object) -> str:
    held = re.findall(r"(\d*)([A-Za-z])", sfen.split()[2])
    pieces = [NAMES[p.upper()] + NUMBERS[int(n or 1)] for n, p in held if of_side(p)]  # type: ignore[operator]
    return "　".join(pieces) or "なし"


def _time(thoughts: Sequence[Thought], i: int, spent: list[float]) -> str:
    """A move's time and its side's in all, where times are known."""
    if i >= len(thoughts):
        return ""
    seconds = thoughts[i].seconds
    spent[i % 2] += seconds
    total = int(spent[i % 2])
    return (
        f"   ({int(seconds) // 60:2}:{int(seconds) % 60:02}/{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02})"
    )
