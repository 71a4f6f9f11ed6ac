"""Shogi's board as its files need it: pieces by square and in hand, moves in and out of a file's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from alphazero.formats.game_text import GameText, Thought, clean
from alphazero.game import Game, Position

START = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1"
MINISHOGI_START = "rbsgk/4p/5/P4/KGSBR b - 1"
RANKS = "abcdefghi"
MOST_HANDS = {"P": 18, "L": 4, "N": 4, "S": 4, "G": 4, "B": 2, "R": 2}  # pieces of each kind in a set
RESULTS = {1: "win for Sente", 0: "draw", -1: "win for Gote", None: "unfinished"}

Squares = dict[str, str]  # "7g" to "P", "+p": SFEN's letters
Hands = dict[str, int]  # "P" (Sente's), "p" (Gote's) to how many


def board(sfen: str) -> Squares:
    """Where the pieces of an SFEN stand, on a board of any size."""
    squares = {}
    rows = sfen.split()[0].split("/")
    for rank, row in zip(RANKS, rows, strict=False):
        file = len(rows)
        for cell in re.findall(r"\+?.", row):
            if cell.isdigit():
                file -= int(cell)
            else:
                squares[f"{file}{rank}"] = cell
                file -= 1
    return squares


def hands(sfen: str) -> Hands:
    """Pieces in hand of an SFEN."""
    return {piece: int(count or 1) for count, piece in re.findall(r"(\d*)([A-Za-z])", sfen.split()[2])}


def sfen_of(squares: Squares, held: Hands, sente: bool, size: int = 9) -> str:
    """The SFEN of a position."""
    rows = []
    for rank in RANKS[:size]:
        row = "".join(squares.get(f"{file}{rank}", ".") for file in range(size, 0, -1))
        rows.append(re.sub(r"\.+", lambda gap: str(len(gap[0])), row))
    order = sorted((p for p in held if held[p] > 0), key=lambda p: (p.islower(), "RBGSNLP".index(p.upper())))
    in_hand = "".join(f"{held[p] if held[p] > 1 else ''}{p}" for p in order)
    return f"{'/'.join(rows)} {'b' if sente else 'w'} {in_hand or '-'} 1"


@dataclass(frozen=True)
class Step:
    """A move of a game that is written: whose it is and what makes it."""

    move: str
    sente: bool
    piece: str  # as it stood before the move, or is dropped: SFEN's letters
    origin: str  # "" for a drop
    to: str
    comment: int | None  # centipawns for Sente, where the mover said what it thinks

    @property
    def after(self) -> str:
        """The piece as it stands afterwards."""
        return f"+{self.piece}" if self.move.endswith("+") else self.piece


def steps(sfen: str, moves: Iterable[str], thoughts: Sequence[Thought]) -> Iterator[Step]:
    """The moves of a legal game from a position."""
    squares = board(sfen)
    sente = sfen.split()[1] == "b"
    for i, move in enumerate(moves):
        origin, to = ("" if move[1] == "*" else move[:2]), move[2:4]
        piece = squares.pop(origin) if origin else move[0]
        said = thoughts[i].centipawns if i < len(thoughts) else None
        step = Step(move, sente, piece, origin, to, None if said is None else round(said if sente else -said))
        yield step
        squares[to] = step.after.upper() if sente else step.after.lower()
        sente = not sente


def spoken(game: GameText, sfen: str) -> dict[int, list[str]]:
    """The lines of comments of a game that is written, by the number of moves before them: the tree's, and what movers said."""
    found: dict[int, list[str]] = {}
    for step, number in zip(steps(sfen, game.moves, game.thoughts), count(1), strict=False):
        if step.comment is not None:
            found[number] = [str(step.comment)]
    if game.tree is not None:
        for number, at in enumerate([0, *game.tree.main()]):
            found.setdefault(number, []).extend(game.tree.nodes[at].comment.splitlines())
    return found


LEFT_OUT = "side lines are left out: CSA has none"  # after their number
ENDED = re.compile(rf"[a-z0-9 ]*, (?:{'|'.join(RESULTS.values())})|[0-9]+ {LEFT_OUT}")


def ended_by(game: GameText) -> str:
    """The comment that says how a game ended."""
    return f"{clean(game.reason.replace('_', ' '))}, {RESULTS[game.value]}"


def without_ending(comment: str) -> str:
    """A comment without the lines that say how the game ended, or that side lines are left out: they are written anew."""
    return "\n".join(line for line in comment.splitlines() if not ENDED.fullmatch(line))


def add_to_hand(held: Hands, piece: str, count: int = 1) -> None:
    """Puts pieces into a hand, unpromoted. ValueError for more than a set has."""
    number = held.get(piece, 0) + count
    if number > MOST_HANDS.get(piece.upper(), 0):
        raise ValueError(f"{number} of {piece} in hand")
    held[piece] = number


class ShogiReading:
    """The board of a game while its file is read: moves go in as the file names them, legal ones come out as USI.

    After the first move that cannot be, the rest of the game is only counted: `turn` goes on, `into.moves` does not.
    """

    def __init__(self, into: GameText, sfen: str):
        self.into = into
        self.size = len(sfen.split()[0].split("/"))
        into.game = "minishogi" if self.size == 5 else "shogi"
        self.squares = board(sfen)
        self.sente = sfen.split()[1] == "b"
        self.listed = 0  # moves that the file lists, legal or not
        self.broken = False
        self.illegal_by_sente: bool | None = None  # whose move was the first that cannot be
        usual = MINISHOGI_START if self.size == 5 else START
        into.start = "" if sfen.split()[:3] == usual.split()[:3] else sfen
        self.position: Position | None = None  # None: legality is not checked
        try:
            self.position = Game(into.game).position(sfen)
        except ValueError as error:
            into.warnings.append(f"start position: {error}")

    def play(self, origin: str, to: str, piece: str, promotes: bool | None, line: int) -> None:
        """A move of `piece` ("P", "+P"), from "" for a drop. promotes None: `piece` is what stands there afterwards."""
        self.listed += 1
        if not self.broken:
            problem = self._play(origin, to, piece, promotes)
            if problem:
                self.broken = True
                self.illegal_by_sente = self.sente
                self.into.warnings.append(
                    f"line {line}: move {self.listed}: {problem}; it and what follows are left out"
                )
        self.sente = not self.sente

    def _play(self, origin: str, to: str, piece: str, promotes: bool | None) -> str:
        """ "" where the move was made, else what is wrong with it."""
        if not origin:
            usi = f"{piece}*{to}"
        else:
            standing = self.squares.get(origin)
            if standing is None or standing[-1].isupper() != self.sente:
                return f"no piece of the side to move stands on {origin}"
            if promotes is None:
                promotes = piece != standing.upper()
                piece = piece.removeprefix("+") if promotes else piece
            if piece != standing.upper():
                return f"{standing.upper()} stands on {origin}, not {piece}"
            usi = f"{origin}{to}{'+' if promotes else ''}"
        if self.position is not None:
            if self.position.outcome is not None:  # players went on, as they may after a fourth repetition
                self.position = None
            else:
                try:
                    self.position.play(usi)
                except ValueError as error:
                    return str(error)
        moved = self.squares.pop(origin) if origin else piece
        moved = f"+{moved}" if promotes else moved
        self.squares[to] = moved.upper() if self.sente else moved.lower()
        self.into.moves.append(usi)
        return ""

    def end(self, kind: str, reason: str) -> None:
        """The end by the side to move: kind "win", "loss", "draw" or "" (unfinished)."""
        side = 1 if self.sente else -1
        self.into.value = {"win": side, "loss": -side, "draw": 0}.get(kind)
        self.into.reason = reason
