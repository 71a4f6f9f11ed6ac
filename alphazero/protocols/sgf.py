"""SGF, the file format of Go: the main line of a game in, a game out (specification: FF[4], red-bean.com/sgf)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from alphazero._core import Game, GameRecord, Position
from alphazero.errors import UserError
from alphazero.game import make

LETTERS = "abcdefghijklmnopqrstuvwxyz"
COLUMNS = "ABCDEFGHJKLMNOPQRST"
Node = dict[str, list[str]]
TOKEN = re.compile(r"\s*(?:([();])|([A-Za-z]+)|\[((?:[^\]\\]|\\.)*)\])", re.DOTALL)


@dataclass
class SgfGame:
    """The main line of a game: its size, komi, and moves as (colour "B" or "W", vertex or "pass")."""

    size: int = 19
    komi: float = 0.0
    setup: list[tuple[str, str]] = field(default_factory=list)  # stones placed before the first move
    moves: list[tuple[str, str]] = field(default_factory=list)
    to_move: str = ""  # "B" or "W" where the file says who begins after the set-up (PL)
    properties: Node = field(default_factory=dict)  # of the root node
    where: str = "SGF"  # the file's name, for errors


def parse_nodes(text: str, where: str = "SGF") -> list[Node]:
    """The nodes of the first game's main line. UserError names the offset of what is wrong."""
    at = text.find("(")
    if at < 0:
        raise UserError(f"{where}: no game in it: '(' is missing")
    nodes: list[Node] = []
    depth = 0
    closed = False  # a variation of the main line ended: what follows it is a side line
    name = ""
    while True:
        match = TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            problem = f"unexpected '{rest[0]}'" if rest else "ends inside a game"
            raise UserError(f"{where}: {problem} at offset {len(text) - len(rest)}")
        at = match.end()
        mark, ident, value = match.groups()
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
            closed = True
            if depth == 0:
                if not nodes:
                    raise UserError(f"{where}: the game has no nodes")
                return nodes
        elif closed:
            continue
        elif mark == ";":
            nodes.append({})
            name = ""
        elif ident is not None:
            name = "".join(c for c in ident if c.isupper())
        else:
            if not nodes or not name:
                raise UserError(f"{where}: a value without a property at offset {match.start()}")
            value = re.sub(r"\\\r?\n", "", value)  # an escaped line break is no character
            nodes[-1].setdefault(name, []).append(re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL))


def collection(text: str) -> list[tuple[int, str]]:
    """The games of a file, as (line of its first character, from 1, text of the game). What is not closed is one, too."""
    games: list[tuple[int, str]] = []
    depth, begin, at = 0, 0, 0
    for match in re.finditer(r"[()]|\[(?:[^\]\\]|\\.)*\]?", text, re.DOTALL):
        if match[0] == "(":
            begin, depth = (match.start(), 1) if depth == 0 else (begin, depth + 1)
        elif match[0] == ")" and depth > 0:
            depth -= 1
            if depth == 0:
                at = match.end()
                games.append((text.count("\n", 0, begin) + 1, text[begin:at]))
    if depth > 0:
        games.append((text.count("\n", 0, begin) + 1, text[begin:]))
    return games


def vertex_of(point: str, size: int, where: str) -> str:
    """An SGF point as a GTP vertex; "" and, up to 19x19, "tt" are passes."""
    if point == "" or (point == "tt" and size <= 19):
        return "pass"
    if len(point) != 2 or any(c not in LETTERS[:size] for c in point):
        raise UserError(f"{where}: '{point}' is no point of a {size}x{size} board")
    return f"{COLUMNS[LETTERS.index(point[0])]}{size - LETTERS.index(point[1])}"


def points(values: list[str], size: int, where: str) -> list[str]:
    """Vertices of a list of points, rectangles such as "aa:cc" included."""
    out = []
    for value in values:
        first, colon, last = value.partition(":")
        if not colon:
            out.append(vertex_of(value, size, where))
            continue
        known = len(first) == len(last) == 2 and all(c in LETTERS[:size] for c in first + last)
        if not known or first[0] > last[0] or first[1] > last[1]:
            raise UserError(f"{where}: '{value}' is no rectangle of points of a {size}x{size} board")
        for y in range(LETTERS.index(first[1]), LETTERS.index(last[1]) + 1):
            for x in range(LETTERS.index(first[0]), LETTERS.index(last[0]) + 1):
                out.append(vertex_of(LETTERS[x] + LETTERS[y], size, where))
    return out


def parse(text: str, where: str = "SGF") -> SgfGame:
    """The main line of the first game in `text`."""
    nodes = parse_nodes(text, where)
    root = nodes[0]
    game = SgfGame(properties=root, where=where)
    try:
        game.size = int(root.get("SZ", ["19"])[0])
        game.komi = float(root.get("KM", ["0"])[0] or 0)
    except ValueError as error:
        raise UserError(f"{where}: SZ and KM must be numbers (SZ a square board)") from error
    if not math.isfinite(game.komi):
        raise UserError(f"{where}: KM must be a number, got {root['KM'][0]}")
    if root.get("GM", ["1"])[0].strip() not in ("", "1"):
        raise UserError(f"{where}: not a game of Go (GM[{root['GM'][0]}])")
    if not 2 <= game.size <= 19:
        raise UserError(f"{where}: SZ must be 2 to 19, got {game.size}")
    for node in nodes:
        if "AE" in node:
            raise UserError(f"{where}: takes stones off the board (AE), which no moves can do")
        for colour, name in (("B", "AB"), ("W", "AW")):
            if name in node:
                if game.moves:
                    raise UserError(f"{where}: stones are set up in the middle of the game")
                game.setup += [(colour, v) for v in points(node[name], game.size, where)]
        if "PL" in node and not game.moves:
            game.to_move = node["PL"][0].strip()[:1].upper()
            if game.to_move not in ("B", "W"):
                raise UserError(f"{where}: PL must be B or W, got '{node['PL'][0]}'")
        for colour in ("B", "W"):
            if colour in node:
                game.moves.append((colour, vertex_of(node[colour][0].strip(), game.size, where)))
    return game


def read(path: Path) -> SgfGame:
    """Reads a file. UserError names it and what is wrong."""
    try:
        return parse(path.read_text("utf-8-sig", errors="replace"), str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from error


def point_of(vertex: str, size: int) -> str:
    """A GTP vertex as an SGF point."""
    if vertex.lower() == "pass":
        return ""
    return LETTERS[COLUMNS.index(vertex[0].upper())] + LETTERS[size - int(vertex[1:])]


def escape(text: str) -> str:
    """Text as an SGF value."""
    return text.replace("\\", "\\\\").replace("]", "\\]")


def split_komi(words: list[str]) -> tuple[float | None, list[str]]:
    """The words of a Go position's text as (the komi that they begin with, None where there is none; the moves)."""
    if words and words[0].startswith("komi="):
        return float(words[0].removeprefix("komi=")), words[1:]
    return None, words


def write(
    position: Position,
    moves: list[str],
    *,
    black: str = "",
    white: str = "",
    result: str = "",
    event: str = "",
    number: str = "",
    comment: str = "",
) -> str:
    """A game as SGF; moves alternate, Black first, and may begin with a komi of their own, as a position's text does.

    number: the round of the event.
    """
    size = int(position.game.options["board_size"])
    own_komi, moves = split_komi(moves)
    komi = float(position.game.options["komi"]) if own_komi is None else own_komi
    head = f"(;GM[1]FF[4]CA[UTF-8]AP[alphazero]SZ[{size}]KM[{komi:g}]RU[Tromp-Taylor]"
    for name, value in (
        ("PB", black),
        ("PW", white),
        ("RE", result),
        ("EV", event),
        ("RO", number),
        ("GC", comment),
    ):
        head += f"{name}[{escape(value)}]" if value else ""
    return head + "\n" + "".join(f";{'BW'[i % 2]}[{point_of(m, size)}]" for i, m in enumerate(moves)) + ")\n"


ENDINGS = {"resign": "R", "resignation": "R", "time_forfeit": "T", "illegal_move": "F", "engine_failure": "F"}


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


def position_of(sgf: SgfGame, **options: object) -> Position:
    """The final position of a game, set-up stones as moves with the other side passing in between."""
    return play_out(sgf, make("go", {**options, "board_size": sgf.size, "komi": sgf.komi}).position())


def play_out(sgf: SgfGame, position: Position) -> Position:
    """Plays a game on from the start position given, which it changes and returns. UserError names an illegal move."""
    for number, (colour, vertex) in enumerate(sgf.setup + sgf.moves, 1 - len(sgf.setup)):
        try:
            play_colour(position, colour, vertex)
        except ValueError as error:
            what = f"move {number}" if number > 0 else "set-up stone"
            raise UserError(f"{sgf.where}: {what}, {colour} {vertex}: {error}") from error
    if not sgf.moves and sgf.to_move and "BW"[position.turn] != sgf.to_move:
        position.play("pass")
    return position


def plies_before_moves(sgf: SgfGame) -> list[int]:
    """The ply before each of the game's moves (its own pass counted with it) in the position that play_out gives."""
    plies, ply = [], 0
    for number, (colour, _) in enumerate(sgf.setup + sgf.moves):
        if number >= len(sgf.setup):
            plies.append(ply)
        ply += 1 + ("BW"[ply % 2] != colour)
    return plies


def play_colour(position: Position, colour: str, vertex: str) -> None:
    """Plays for a colour ("B" or "W"); where it is not its turn, the other passes first. IllegalMove leaves all as it was."""
    passed = "BW"[position.turn] != colour
    if passed:
        position.play("pass")
    try:
        position.play(vertex)
    except ValueError:
        if passed:
            position.undo()
        raise
