"""SGF, the file format of Go: the main line of a game in, a game out (specification: FF[4], red-bean.com/sgf).

Files of real programs break its rules in many ways. What can be read is read, with a warning where a reader might be misled;
UserError is for what cannot. The bytes are `sgf_text`'s, the tree is `sgf_tree`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import AnyStr

from alphazero._core import Game, GameRecord, Position
from alphazero.errors import UserError
from alphazero.formats import go_rules
from alphazero.formats.game_text import GameText, Warnings
from alphazero.formats.go import PositionText, Stone, play_colour, rows_of, stones_in, stones_of
from alphazero.formats.sgf_text import source
from alphazero.formats.sgf_tree import Node, collection, parse_nodes
from alphazero.formats.sgf_values import escape, komi_of, point_of, points, size_of, value_of, vertex_of
from alphazero.game import OptionValue, make

OUR_NAME = "alphazero"  # AP of what we write, whose komi may be any number
FORFEITS = {"R": "resignation", "T": "time_forfeit", "F": "forfeit"}  # by what follows RE's "+"
OF_THE_GAME = ("SZ", "KM", "RU", "HA", "GM")  # properties that belong to the root


@dataclass
class Stage:
    """Moves from a start position: of the empty board, or of a set-up."""

    start: str = ""  # a position's text, without komi
    moves: list[Stone] = field(default_factory=list)

    def words(self, moves: int | None = None) -> list[str]:
        """The position's text after so many moves, as words. A move out of turn has its side before it."""
        words = self.start.split()
        turn = "W" if words[-1:] == ["w"] else "B"
        for colour, vertex in self.moves[:moves]:
            words += [vertex] if colour == turn else [colour.lower(), vertex]
            turn = "W" if colour == "B" else "B"
        return words


@dataclass
class SgfGame:
    """The main line of a game: its size, komi, start position and moves as (colour "B" or "W", vertex or "pass")."""

    size: int = 19
    komi: float = 0.0  # as the rules count it, whatever unit the file uses; 0 where it names none
    has_komi: bool = False
    rules: str = ""  # RU as the file has it
    start: str = ""  # text of the last position that is set up, without komi; "": the empty board, Black to move
    moves: list[Stone] = field(default_factory=list)  # from `start` on
    earlier: list[Stage] = field(default_factory=list)  # what came before a set-up in the middle of the game
    warnings: Warnings = field(default_factory=Warnings)  # what was read differently from how it is written
    properties: dict[str, list[str]] = field(default_factory=dict)  # of the root node
    where: str = "SGF"  # the file's name, for errors

    @property
    def length(self) -> int:
        """All moves of the main line, those before the last set-up included."""
        return sum(len(stage.moves) for stage in self.earlier) + len(self.moves)

    def stage(self, moves: int | None = None) -> tuple[Stage, int]:
        """The set-up that holds after so many moves of the main line (None: all), and how many come after it."""
        left = self.length if moves is None else max(0, min(moves, self.length))
        for stage in self.earlier:
            if left < len(stage.moves):
                return stage, left
            left -= len(stage.moves)
        return Stage(self.start, self.moves), left

    def position_text(self, moves: int | None = None) -> str:
        """The text of the position after so many moves of the main line (None: all), without komi."""
        stage, count = self.stage(moves)
        return " ".join(stage.words(count))


# --- From nodes to a game ---


def parse(data: str | bytes, where: str = "SGF") -> SgfGame:
    """The main line of the first game in a file's bytes (or text)."""
    game = SgfGame(where=where)
    file = source(data)
    if file.warning:
        game.warnings.append(file.warning)
    nodes = parse_nodes(file, where, game.warnings)
    for name, values in nodes[0]:
        game.properties.setdefault(name, []).extend(values)
    first = {
        name: (values, number) for number, node in reversed(list(enumerate(nodes))) for name, values in node if values
    }
    for name in OF_THE_GAME:
        if name in first and first[name][1] > 0:
            game.warnings.append(f"{name} stands in node {first[name][1] + 1}, not in the first")
    told = {name: first[name][0][0].strip() if name in first else "" for name in OF_THE_GAME}
    if unicodedata.normalize("NFKC", told["GM"]).strip("\0 ").lower() not in ("", "1", "go", "weiqi", "baduk", "围棋"):
        raise UserError(f"{where}: not a game of Go (GM[{told['GM']}])")
    game.size = size_of(told["SZ"], where)
    game.rules = told["RU"]
    if "KM" in first:
        ours = game.properties.get("AP") == [OUR_NAME]
        komi, warning = komi_of(told["KM"], literally=ours)
        game.komi, game.has_komi = komi or 0.0, komi is not None
        game.warnings += [warning] if warning else []
    _Reading(game).nodes(nodes)
    handicap = re.match(r"[0-9]{1,3}", told["HA"])
    if (
        handicap
        and int(handicap[0]) > 1
        and not any("/" in stage.start for stage in (*game.earlier, Stage(game.start)))
    ):
        game.warnings.append(f"HA[{told['HA']}], but no handicap stones are set up")
    return game


def load(path: Path) -> SgfGame:
    """The first game of a file. UserError names it and what is wrong."""
    try:
        return parse(path.read_bytes(), str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from error


def read(data: AnyStr, where: str = "SGF") -> list[GameText]:
    """The games of a file: their main lines. What cannot be read of one is in its warnings.

    Moves are the words of a position's text: one out of turn has its side, "b" or "w", before it. UserError where there is no
    game in it at all.
    """
    games = [_text(line, one) for line, one in collection(data)]
    if not games:
        raise UserError(f"{where}: no game in it: '(' is missing")
    return games


def _text(line: int, data: str | bytes) -> GameText:
    try:
        return text_of(parse(data, f"line {line}"), line)
    except UserError as error:
        game = GameText(line=line, game="go")
        game.warnings.append(str(error))
        return game


def text_of(record: SgfGame, line: int = 1) -> GameText:
    """A game that was read, as every format tells it; its start is without komi."""
    game = GameText(line=line, game="go")
    told = {key: " ".join((values or [""])[0].split()) for key, values in record.properties.items()}
    game.first, game.second, game.event = told.get("PB", ""), told.get("PW", ""), told.get("EV", "")
    game.start = record.start
    game.moves = Stage(record.start, record.moves).words()[len(record.start.split()) :]
    game.warnings += record.warnings
    if record.earlier:
        game.warnings.append(f"stones are set up after {record.length - len(record.moves)} moves, which are left out")
    said = told.get("RE", "")
    game.value = value_of(said)
    game.reason = "unfinished" if game.value is None else FORFEITS.get(said.partition("+")[2][:1].upper(), "")
    margin = re.fullmatch(r"[BW]\+([0-9]{1,4}(?:\.[0-9]{1,4})?)", said)
    if margin is not None and game.value is not None:
        game.score = game.value * float(margin[1])
    return game


class _Reading:
    """Nodes as stages: each set-up begins a new one, from the board that it changes."""

    def __init__(self, game: SgfGame):
        self.game = game
        self.stages: list[Stage] = [Stage()]
        self.board: dict[str, str] | None = {}  # stones of the set-up being read; None: moves came since
        self.turn = ""  # "B" or "W" where the file says who moves next
        self.waiting = ""  # who did not make the last move before the set-up

    def nodes(self, nodes: list[Node]) -> None:
        game = self.game
        for number, node in enumerate(nodes, 1):
            setup = [(name, values) for name, values in node if name in ("AB", "AW", "AE")]
            moves = [(name, values) for name, values in node if name in ("B", "W") and values]
            if setup and moves:
                game.warnings.append(f"node {number} sets stones up and has a move: both are taken, in this order")
            if setup:
                self.set_up(setup)
            for name, values in node:
                if name == "PL" and values:
                    if not moves or setup:
                        self.side(values[-1])
                    else:
                        game.warnings.append(f"node {number} has a move and PL, which its colour tells")
            if sum(len(values) for _, values in moves) > 1:
                game.warnings.append(f"node {number} has several moves")
            for colour, values in moves:
                for value in values:
                    self.move(colour, value)
        self.close("")
        last = self.stages.pop()
        game.start, game.moves, game.earlier = last.start, last.moves, self.stages

    def begin(self) -> dict[str, str]:
        """The board for a set-up here."""
        if self.board is None:
            self.board = self.stones()
            self.stages.append(Stage())
        return self.board

    def set_up(self, setup: Node) -> None:
        game = self.game
        for name, values in setup:
            for vertex in points(values, game.size, game.where, game.warnings):
                board = self.begin()
                board.pop(vertex, None)
                if name != "AE":
                    board[vertex] = name[1]

    def side(self, value: str) -> None:
        text = value.replace("\0", "").strip().lower()
        side = {"b": "B", "1": "B", "黑": "B", "黒": "B", "w": "W", "2": "W", "白": "W"}.get(text[:1], "")
        if side:
            self.begin()
            self.turn = side
        elif text:
            self.game.warnings.append(f"PL[{value[:20]}] is no side: B or W")

    def move(self, colour: str, value: str) -> None:
        if value.strip().lower() == "resign":
            self.game.warnings.append(f"{colour}[{value.strip()}] is no move, and left out")
            return
        vertex = vertex_of(value, self.game.size, self.game.where, self.game.warnings)
        self.close(colour)
        self.stages[-1].moves.append((colour, vertex))
        self.waiting = "W" if colour == "B" else "B"

    def close(self, mover: str) -> None:
        """Ends a set-up. The side to move is the one that the file names, else the one that moves, else the usual one."""
        if self.board is None:
            return
        stage = self.stages[-1]
        handicap = set(self.board.values()) == {"B"}
        turn = self.turn or mover or self.waiting or ("W" if handicap else "B")
        if self.board or len(self.stages) > 1:
            stage.start = f"{rows_of(self.board, self.game.size)} {turn.lower()}"
        elif self.turn == "W":
            stage.start = "w"
        self.board, self.turn = None, ""

    def stones(self) -> dict[str, str]:
        """The stones on the board after the moves so far. Superko is no matter: a set-up ends the history."""
        go = make("go", {"board_size": self.game.size, "ko": "simple", "suicide": True})
        last = self.stages[-1]
        so_far = SgfGame(start=last.start, moves=last.moves, earlier=self.stages[:-1], where=self.game.where)
        return stones_of(play_out(so_far, go))


# --- Playing a game through ---


def position_of(sgf: SgfGame, **options: OptionValue) -> Position:
    """The final position of a game, under its own komi."""
    return play_out(sgf, make("go", {**options, "board_size": sgf.size, "komi": sgf.komi}))


def play_out(sgf: SgfGame, go: Game | Position, moves: int | None = None) -> Position:
    """The position after so many moves of the main line (None: all). UserError names an illegal move by its number.

    go: the game by whose rules they are played, or a position of that game.
    """
    game = go.game if isinstance(go, Position) else go
    try:
        return game.position(sgf.position_text(moves))
    except ValueError:
        for _ in positions(sgf, game, moves):  # ends at what is wrong, and names it
            pass
        raise


def positions(sgf: SgfGame, go: Game | Position, moves: int | None = None) -> Iterator[Position]:
    """The positions that lead to the one after so many moves: the last set-up's, then one after each of its moves."""
    game = go.game if isinstance(go, Position) else go
    stage, count = sgf.stage(moves)
    before = (sgf.length if moves is None else max(0, min(moves, sgf.length))) - count
    try:
        position = game.position(stage.start)
    except ValueError as error:
        raise UserError(f"{sgf.where}: set-up{f' after move {before}' if before else ''}: {error}") from error
    yield position
    for number, (colour, vertex) in enumerate(stage.moves[:count], before + 1):
        try:
            position = play_colour(position, colour, vertex)
        except ValueError as error:
            raise UserError(f"{sgf.where}: move {number}, {colour} {vertex}: {error}") from error
        yield position


# --- Writing ---


def write(
    position: Position,
    moves: list[str] | None = None,
    *,
    black: str = "",
    white: str = "",
    result: str = "",
    event: str = "",
    number: str = "",
    comment: str = "",
) -> str:
    """A game as SGF.

    position: names the game. moves: the words of a position's text, which may hold a komi, a set-up and sides to move; None
    takes those of `position`. number: the round of the event.
    """
    game = position.game
    size = int(game.options["board_size"])
    text = PositionText.parse(position.text.split() if moves is None else moves)
    komi = float(game.options["komi"]) if text.komi is None else text.komi
    stones = stones_in(text.rows) if text.rows else {}
    placed = {colour: [v for v in stones if stones[v] == colour] for colour in "BW"}
    handicap = len(placed["B"]) if not placed["W"] and text.turn == "W" and len(placed["B"]) > 1 else 0
    head = f"(;GM[1]FF[4]CA[UTF-8]AP[{OUR_NAME}]SZ[{size}]KM[{Decimal(repr(komi)):f}]RU[{go_rules.sgf_name(game.options)}]".replace(
        ".0]", "]"
    )
    for name, value in (
        ("HA", str(handicap or "")),
        ("PB", black),
        ("PW", white),
        ("RE", result),
        ("EV", event),
        ("RO", number),
        ("GC", comment),
    ):
        head += f"{name}[{escape(value)}]" if value else ""
    for colour in "BW":
        if placed[colour]:
            head += f"A{colour}" + "".join(f"[{point_of(vertex, size)}]" for vertex in placed[colour])
    if text.rows or text.turn == "W":
        head += f"PL[{text.turn}]"
    body = "".join(f";{colour}[{point_of(vertex, size)}]" for colour, vertex in text.moves)
    if text.moves and text.to_move == text.moves[-1][0]:
        body += f";PL[{text.to_move}]"  # the side that moved last is to move again
    return f"{head}\n{body})\n"


ENDINGS = {
    "resign": "R",
    "resignation": "R",
    "time_forfeit": "T",
    "forfeit": "F",
    "illegal_move": "F",
    "engine_failure": "F",
}


def result_text(value: int, score: float | None, reason: str) -> str:
    """A result as SGF's RE: "B+12.5", "W+R" (resigned), "B+T" (on time), "B+F" (forfeit), "0"."""
    if value == 0:
        return "0"
    return f"{'B' if value > 0 else 'W'}+{ENDINGS.get(reason) or (f'{abs(score):g}' if score is not None else '')}"


def from_record(game: Game, record: GameRecord) -> str:
    """A self-play game as SGF."""
    result = result_text(record.value, record.score, record.reason)
    name = f"alphazero step {record.version}"
    moves = [*record.start.split(), *record.moves(game)]
    return write(game.position(), moves, black=name, white=name, result=result)
