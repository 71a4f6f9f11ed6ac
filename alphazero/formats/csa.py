"""Shogi games as CSA, the computer shogi association's text format, several to a file: written as 2.2, read as V1 to V3."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

from alphazero.errors import UserError
from alphazero.formats.game_text import GameText, clean, decode
from alphazero.formats.shogi import (
    LEFT_OUT,
    MOST_HANDS,
    RANKS,
    START,
    Hands,
    ShogiReading,
    Squares,
    add_to_hand,
    board,
    ended_by,
    hands,
    sfen_of,
    spoken,
    steps,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {"P": "FU", "L": "KY", "N": "KE", "S": "GI", "G": "KI", "B": "KA", "R": "HI", "K": "OU"}
PROMOTED = {"P": "TO", "L": "NY", "N": "NK", "S": "NG", "B": "UM", "R": "RY"}
PIECES = {name: piece for piece, name in NAMES.items()} | {name: f"+{piece}" for piece, name in PROMOTED.items()}
# How a game ended, by the side to move, as a reader understands who won. cshogi knows no winner by %TSUMI: the mated side
# resigns, as in floodgate's files. The last comment says in words what happened.
LOST = {"time_forfeit": "%TIME_UP", "illegal_move": "%ILLEGAL_MOVE"}
DRAWN = {"repetition": "%SENNICHITE", "max_plies": "%JISHOGI", "impasse": "%JISHOGI"}
# What a file's ending says of the side to move, and our word for it.
ENDINGS = {
    "TORYO": ("loss", "resignation"),
    "TSUMI": ("loss", "checkmate"),
    "TIME_UP": ("loss", "time_forfeit"),
    "ILLEGAL_MOVE": ("loss", "illegal_move"),
    "KACHI": ("win", "declaration"),
    "SENNICHITE": ("draw", "repetition"),
    "OUTE_SENNICHITE": ("win", "perpetual_check"),  # the check that repeated was given by the last move
    "JISHOGI": ("draw", "impasse"),
    "HIKIWAKE": ("draw", "agreement"),
    "MAX_MOVES": ("draw", "max_plies"),
    "CHUDAN": ("", "unfinished"),
    "MATTA": ("", "unfinished"),
    "FUZUMI": ("", "unfinished"),
    "ERROR": ("", "unfinished"),
}
MOVE = re.compile(r"([+-])([0-9]{2})([0-9]{2})([A-Z]{2})")


def _name(piece: str) -> str:
    return PROMOTED[piece[1].upper()] if piece[0] == "+" else NAMES[piece.upper()]


def _number(square: str) -> str:
    return square[0] + str(RANKS.index(square[1]) + 1)


def _start(sfen: str) -> list[str]:
    if sfen.split()[:3] == START.split()[:3]:
        return ["PI", "+"]
    squares = board(sfen)
    lines = []
    for rank in range(9):
        row = f"P{rank + 1}"
        for file in range(9, 0, -1):
            piece = squares.get(f"{file}{RANKS[rank]}")
            row += " * " if piece is None else ("+" if piece[-1].isupper() else "-") + _name(piece)
        lines.append(row)
    for sign, in_hand in (("+", str.isupper), ("-", str.islower)):
        pieces = "".join(f"00{NAMES[p.upper()]}" * n for p, n in hands(sfen).items() if in_hand(p))
        if pieces:
            lines.append(f"P{sign}{pieces}")
    return [*lines, "+" if sfen.split()[1] == "b" else "-"]


def _ending(reason: str, value: int | None, sente: bool) -> str:
    """The line that ends a game, sente being to move: one by which readers know who won."""
    if value is None:
        return "%CHUDAN"
    if value == 0:
        return DRAWN.get(reason, "%HIKIWAKE")
    won = (value > 0) == sente
    if reason == "declaration" and won:
        return "%KACHI"
    if won or reason == "perpetual_check":  # the sign is the loser's, whoever is to move
        return f"%{'-' if value > 0 else '+'}ILLEGAL_ACTION"
    return LOST.get(reason, "%TORYO")


def write(game: GameText) -> str:
    """One game as CSA. Games after the first of a file begin with the line `/`, which separates games: no reader sees an
    empty game after the last.

    Evaluations are comments as floodgate has them: `'** 123`, in centipawns for Sente.
    """
    sfen = game.start or START
    sente = (sfen.split()[1] == "b") == (len(game.moves) % 2 == 0)  # to move at the end
    lines = ["V2.2", f"N+{clean(game.first)}", f"N-{clean(game.second)}", f"$EVENT:{game.title} {game.number + 1}"]
    lines.append(f"$START_TIME:{datetime.date.today().strftime('%Y/%m/%d')}")
    if game.time_control:
        lines.append(f"'time control {clean(game.time_control)}")
    lines += _start(sfen)
    said = spoken(GameText(moves=game.moves, tree=game.tree), sfen)  # what movers say has a form of its own
    lines += [f"'{each}" for each in said.get(0, ())]
    for i, step in enumerate(steps(sfen, game.moves, game.thoughts)):
        origin = _number(step.origin) if step.origin else "00"
        lines.append(f"{'+' if step.sente else '-'}{origin}{_number(step.to)}{_name(step.after)}")
        if i < len(game.thoughts):
            lines.append(f"T{round(game.thoughts[i].seconds)}")
        if step.comment is not None:
            lines.append(f"'** {step.comment}")
        lines += [f"'{each}" for each in said.get(i + 1, ())]
    lines.append(_ending(game.reason, game.value, sente))
    lines.append(f"'{ended_by(game)}")
    if left_out := 0 if game.tree is None else len(list(game.tree.lines())) - 1:
        lines.insert(1, f"'{left_out} {LEFT_OUT}")
    return "\n".join([*lines, ""])


SEPARATOR = "/\n"  # between the games of a file


def read(data: bytes | str, where: str = "CSA") -> list[GameText]:
    """The games of a file in UTF-8, cp932 or with a BOM. What cannot be read of a game is in its warnings.

    UserError where there is no game in it at all.
    """
    games = [_game(lines) for lines in _blocks(decode(data, where))]
    if not games:
        raise UserError(
            f"{where}: no CSA game in it (a start position, PI or P1 to P9, or moves as +7776FU are expected)"
        )
    return games


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """The numbered statements of each game; what holds nothing but comments and headers is none."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*text.split("\n"), "/"], 1):
        line = line.rstrip()
        if line == "/":
            if any(statement[:1] in "+-%P" for _, statement in block):
                yield block
            block = []
        elif line[:1] in ("'", "N", "$", "P"):
            block.append((number, line))
        else:
            block += [(number, statement.strip()) for statement in line.split(",") if statement.strip()]


class _Start:
    """A start position while its lines come."""

    def __init__(self) -> None:
        self.squares: Squares = {}
        self.held: Hands = {}
        self.given = False  # by P lines; else it is the usual start

    def add(self, line: str) -> None:
        """A line PI, P1 to P9, P+ or P-. ValueError where it is none."""
        self.given = True
        rest = line[2:]
        if line.startswith("PI"):
            self.squares = board(START)
            for square, piece in re.findall(r"([0-9]{2})([A-Z]{2})", rest):
                if self.squares.pop(_square(square), "").upper() != PIECES.get(piece):
                    raise ValueError(f"'{square}{piece}' is not there to be taken off")
        elif line[1:2] and line[1] in "123456789":
            cells = [rest[i : i + 3] for i in range(0, len(rest), 3)]
            for file, cell in zip(range(9, 0, -1), cells, strict=False):
                if cell.strip() in ("*", ""):
                    continue
                piece = PIECES[cell[1:]]
                self.squares[f"{file}{RANKS[int(line[1]) - 1]}"] = piece if cell[0] == "+" else piece.lower()
        elif line[1:2] in ("+", "-"):
            sente = line[1] == "+"
            for square, name in re.findall(r"([0-9]{2})([A-Z]{2})", rest):
                if name == "AL":
                    self._rest_to_hand(sente)
                    continue
                piece = PIECES[name] if sente else PIECES[name].lower()
                if square == "00":
                    add_to_hand(self.held, piece)
                else:
                    self.squares[_square(square)] = piece
        else:
            raise ValueError("no such line")

    def _rest_to_hand(self, sente: bool) -> None:
        """All that is neither on the board nor in a hand (AL)."""
        used = [piece[-1].upper() for piece in self.squares.values()]
        for piece, most in MOST_HANDS.items():
            left = most - used.count(piece) - self.held.get(piece, 0) - self.held.get(piece.lower(), 0)
            if left > 0:
                add_to_hand(self.held, piece if sente else piece.lower(), left)

    def sfen(self, sente: bool) -> str:
        return sfen_of(self.squares if self.given else board(START), self.held, sente)


def _square(number: str) -> str:
    """ "77" as "7g"; ValueError for what is not on the board."""
    if "0" in number:
        raise ValueError(f"'{number}' is no square")
    return number[0] + RANKS[int(number[1]) - 1]


def _game(lines: list[tuple[int, str]]) -> GameText:
    game = GameText(line=lines[0][0])
    start = _Start()
    reading: ShogiReading | None = None
    unread = False  # a line that may have been a move: whose turn it is at the end, nobody knows
    for number, line in lines:
        try:
            if line[0] == "'":
                said = line.lstrip("'")
                before = game.comments.get(len(game.moves))
                game.comments[len(game.moves)] = said if before is None else f"{before}\n{said}"
            elif line[:2] == "N+":
                game.first = line[2:].strip()
            elif line[:2] == "N-":
                game.second = line[2:].strip()
            elif line[0] in "V$":
                continue
            elif line[0] == "P":
                start.add(line)
            elif line in ("+", "-"):
                reading = ShogiReading(game, start.sfen(line == "+"))
            elif line[0] == "T":
                if game.moves and reading is not None and not reading.broken:
                    game.seconds.setdefault(len(game.moves) - 1, float(line[1:]))
            elif (move := MOVE.fullmatch(line)) is not None:
                if reading is None:
                    reading = ShogiReading(game, start.sfen(move[1] == "+"))
                _move(reading, move, number)
                unread = False
            elif line[0] == "%":
                _end(reading or ShogiReading(game, start.sfen(True)), line[1:].strip())
                if unread and game.value and line[1:2] not in ("+", "-"):
                    game.value = None
                    raise ValueError("who won depends on a line that is not understood")
            else:
                unread = True
                raise ValueError("not understood")
        except (ValueError, KeyError) as error:
            why = "no such piece" if isinstance(error, KeyError) else str(error)
            game.warnings.append(f"line {number}: '{clean(line)[:40]}': {why}")
    if reading is None and start.given:
        ShogiReading(game, start.sfen(True))
    return game


def _move(reading: ShogiReading, move: re.Match[str], number: int) -> None:
    if (move[1] == "+") != reading.sente and not reading.broken:
        reading.broken = True
        reading.into.warnings.append(
            f"line {number}: '{move[0]}': the other side is to move; it and what follows are left out"
        )
    reading.sente = move[1] == "+"
    origin = "" if move[2] == "00" else _square(move[2])
    reading.play(origin, _square(move[3]), PIECES[move[4]], None, number)


def _end(reading: ShogiReading, word: str) -> None:
    if word in ("+ILLEGAL_ACTION", "-ILLEGAL_ACTION"):  # the sign is the loser's
        reading.end("loss" if (word[0] == "+") == reading.sente else "win", "illegal_move")
        return
    if word not in ENDINGS:
        raise ValueError("no ending that is known")
    kind, reason = ENDINGS[word]
    if word == "ILLEGAL_MOVE" and reading.illegal_by_sente is not None:  # it is in the file, and its mover lost
        reading.sente = reading.illegal_by_sente
    reading.end(kind, reason)
