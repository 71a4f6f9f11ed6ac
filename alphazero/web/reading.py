"""What a person pastes or uploads, as a game: FEN, SFEN, moves, SGF, PGN, KIF, CSA.

UserError says in one line what cannot be read. Nothing that is read here is markup: pages escape it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from alphazero.errors import UserError
from alphazero.formats import csa, go_rules, kif, pgn, sgf
from alphazero.formats.game_text import GameText, clean, decode, listing
from alphazero.formats.sgf_values import value_of
from alphazero.game import Game, OptionValue, make
from alphazero.text import clean as one_line
from alphazero.text import shown
from alphazero.web.session import after, replay

MOST_BYTES = 4 << 20  # of a file: a game has some kilobytes
MOST_MOVES = 5000
GO_KOMI = 7.0  # where a file names none


@dataclass(frozen=True)
class Loaded:
    """A game as it was read. moves are legal; what came after an illegal one is left out, with a warning."""

    game: Game
    start: str
    moves: list[str]
    names: tuple[str, str] = ("", "")
    value: int | None = None  # +1, 0, -1 for the first player, where the file says who won
    reason: str = ""
    comments: dict[int, str] = field(default_factory=dict)  # by the number of moves before it
    warnings: list[str] = field(default_factory=list)


def read(data: bytes, game: Game) -> Loaded:
    """A game in any of the formats; a bare position or bare moves are read as those of `game`."""
    if len(data) > MOST_BYTES:
        raise UserError(f"{len(data):,} bytes are too much for a game: at most {MOST_BYTES:,}")
    if not data.strip():
        raise UserError("nothing to read: paste or choose a game or a position")
    kind = _kind_of(data)
    if kind == "sgf":
        return _sgf(data)
    text = decode(data, "the text", "latin-1" if kind == "pgn" else "cp932")
    if kind == "pgn":
        return _played(pgn.read(text, "the text")[0], "chess", _is_960(text))
    if kind in ("kif", "csa"):
        told = (kif.read if kind == "kif" else csa.read)(text, "the text")[0]
        return _played(told, told.game, False)
    return _position(" ".join(text.split()), game)


def _kind_of(data: bytes) -> str:
    head = data[:4000]
    if re.match(rb"[^A-Za-z]{0,64}\(\s*;", head):
        return "sgf"
    if re.search(rb'^\s*\[\s*\w+\s+"', head, re.MULTILINE) or re.match(rb"\s*1\s?\.\s*\S", head):
        return "pgn"
    if re.search(rb"^(PI|P1|V2|\$EVENT|N\+|'CSA)", head, re.MULTILINE):
        return "csa"
    words = ("手合割", "手数", "先手：", "後手：", "開始日時", "# ----")
    if any(word.encode(codec) in head for word in words for codec in ("utf-8", "cp932")) or head.startswith(b"#KIF"):
        return "kif"
    return "text"


def _is_960(text: str) -> bool:
    return re.search(r'\[\s*Variant\s+"(Chess960|Fischerandom)"', text[:20_000], re.IGNORECASE) is not None


def _sgf(data: bytes) -> Loaded:
    found = sgf.parse(data, "the SGF")
    rules, told = go_rules.by_sgf(found.rules)
    options: dict[str, OptionValue] = {
        **rules,
        "board_size": found.size,
        "komi": found.komi if found.has_komi else GO_KOMI,
    }
    game = make("go", options)
    stage, count = found.stage()
    position = game.position(stage.start) if stage.start else game.position()
    moves: list[str] = []
    warnings = [*found.warnings, *filter(None, [told])]
    if found.earlier:
        warnings.append("stones are set up in the middle of the game: what came before is left out")
    for colour, vertex in stage.moves[: min(count, MOST_MOVES)]:
        move = vertex if "BW"[position.turn] == colour else f"{colour.lower()} {vertex}"
        try:
            position = after(position, move)
        except ValueError as error:
            warnings.append(f"move {len(moves) + 1}: {error}; it and what follows are left out")
            break
        moves.append(move)
    texts = {key: clean(" ".join((found.properties.get(key) or [""])[0].split())) for key in ("PB", "PW", "RE")}
    value = value_of(texts["RE"])
    reason = sgf.FORFEITS.get(texts["RE"].partition("+")[2][:1].upper(), "")
    return Loaded(game, stage.start, moves, (texts["PB"], texts["PW"]), value, reason, {}, warnings)


def _played(told: GameText, name: str, chess960: bool) -> Loaded:
    options: dict[str, OptionValue] = {"chess960": True} if chess960 else {}
    game = make(name, options)
    try:
        position = game.position(told.start) if told.start else game.position()
    except ValueError:
        if name != "chess":
            raise
        game = make(name, {"chess960": True})
        position = game.position(told.start)
    moves: list[str] = []
    warnings = list(told.warnings)
    for move in told.moves[:MOST_MOVES]:
        try:
            position.play(move)
        except ValueError as error:
            warnings.append(f"move {len(moves) + 1}: {error}; it and what follows are left out")
            break
        moves.append(move)
    names = (clean(told.first), clean(told.second))
    comments = {number: text[:2000] for number, text in told.comments.items()}
    return Loaded(game, told.start, moves, names, told.value, told.reason, comments, warnings)


def _position(text: str, game: Game) -> Loaded:
    """One line: a position's text, by this game or by the game that it looks like; "startpos moves ..." as engines have it."""
    text = re.sub(r"^position ", "", text)
    text = re.sub(r"^(fen|sfen) ", "", text)
    start, _, after_start = text.partition(" moves ")
    start = "" if start == "startpos" else start
    if len(text) > 20_000:
        raise UserError("a position or a line of moves has at most 20,000 characters")
    readings = [(one, start, after_start.split()) for one in (game, *_looks_like(start))]
    if not after_start:
        readings.append((game, "", start.split()))  # moves alone
    failure: ValueError | None = None
    for one, begin, moves in readings:
        try:
            replay(one, begin, moves)
        except ValueError as error:
            failure = failure or error
            continue
        if moves or one.name not in ("go", "connect4"):
            return Loaded(one, begin, moves)
        return _listed(one, begin)
    raise UserError(f"{shown(text)} cannot be read as a game or a position: {failure}")


def _looks_like(start: str) -> list[Game]:
    board = start.split(" ")[0]
    if board.count("/") == 7:
        return [make("chess"), make("chess", {"chess960": True})]
    if board.count("/") == 8:
        return [make("shogi")]
    return [make("minishogi"), make("gardner")] if board.count("/") == 4 else []


def _listed(game: Game, text: str) -> Loaded:
    """Moves of Go or Connect Four, which a position's text holds: as moves, so that they can be taken back."""
    words = list(text) if game.name == "connect4" and " " not in text else text.split()
    start: list[str] = []
    while words and (words[0].startswith("komi=") or "/" in words[0] or words[0] in ("b", "w")) and game.name == "go":
        start.append(words.pop(0))
    if any(word in ("b", "w") for word in words) and game.name == "go":  # out of turn
        return Loaded(game, text, [])
    return Loaded(game, " ".join(start), words)


def told(warnings: list[str]) -> str:
    """Warnings on one line."""
    return listing([one_line(each, 200) for each in warnings])
