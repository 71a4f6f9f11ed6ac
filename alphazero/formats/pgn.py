"""Chess games as PGN, with clocks, evaluations and how they ended. SAN comes from python-chess (extra "chess")."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

from alphazero.errors import UserError
from alphazero.formats.game_text import GameText, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    import chess
    import chess.engine
    import chess.pgn

    from alphazero.formats.game_text import Thought

RESULTS = {1: "1-0", 0: "1/2-1/2", -1: "0-1", None: "*"}
WORDS = {
    "checkmate": "normal",
    "time_forfeit": "time forfeit",
    "illegal_move": "rules infraction",
    "engine_failure": "abandoned",
    "resignation": "normal",
    "adjudication": "adjudication",
}


def available() -> bool:
    """Whether python-chess is installed."""
    try:
        import chess.pgn  # noqa: F401
    except ImportError:
        return False
    return True


def write(game: GameText, chess960: bool = False) -> str:
    """One game as PGN. UserError where python-chess is missing."""
    if not available():
        raise UserError("PGN needs python-chess: pip install 'alphazero[chess]'")
    import chess
    import chess.pgn

    record = chess.pgn.Game()
    record.setup(chess.Board(game.start or chess.STARTING_FEN, chess960=chess960))
    record.headers.update(
        Event=_escaped(game.title),
        Site="-",
        Date=datetime.date.today().strftime("%Y.%m.%d"),
        Round=str(game.number + 1),
        White=_escaped(clean(game.first)),
        Black=_escaped(clean(game.second)),
        Result=RESULTS[game.value],
        TimeControl=game.time_control or "-",
        Termination=WORDS.get(game.reason, "normal"),
    )
    if chess960:
        record.headers["Variant"] = "Chess960"
    node: chess.pgn.GameNode = record
    for i, move in enumerate(game.moves):
        node = child = node.add_variation(chess.Move.from_uci(move))
        if i < len(game.thoughts):
            _annotate(child, game.thoughts[i])
    if game.reason:
        node.comment = f"{node.comment} {game.reason.replace('_', ' ')}".strip()
    return str(record) + "\n\n"


def _annotate(node: chess.pgn.ChildNode, thought: Thought) -> None:
    """What the mover said of its move, and the time it took, as the comments that GUIs read."""
    import chess.engine

    if thought.mate is not None or thought.centipawns is not None:
        score = (
            chess.engine.Mate(thought.mate)
            if thought.mate is not None
            else chess.engine.Cp(round(thought.centipawns or 0))
        )
        node.set_eval(chess.engine.PovScore(score, node.parent.board().turn), thought.depth)
    node.set_emt(thought.seconds)
    if thought.clock is not None:
        node.set_clock(max(0.0, thought.clock))


def _escaped(value: str) -> str:
    """A tag's value as the standard has it (section 7); python-chess writes what it is given."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


# One game's text is tags, then moves. In moves, { } and ; hold comments, in which a '[' begins no tag.
TOKEN = re.compile(
    r'\[\s*(?P<tag>\w{1,255})\s+"(?P<value>(?:[^"\\\n]|\\.){0,5000})"\s*\]|\{[^}]*\}?|(?:;|^%)[^\n]*|[^\s\[{;]+|[\[;]',
    re.MULTILINE,
)


def games(text: str) -> Iterator[tuple[int, dict[str, str], str]]:
    """The games of a file, as (line, from 1; tags; the text of the whole game), one after the other, as they are asked for."""
    tags: dict[str, str] = {}
    begin, line, counted_to, moves, ended = -1, 1, 0, False, False
    for token in TOKEN.finditer(text):
        if token[0][0] in "{;%":
            continue
        # A tag after moves, or twice, begins another game, as does anything after a result.
        if ended or (token["tag"] is not None and (moves or token["tag"] in tags)):
            yield line, tags, text[begin : token.start()]
            tags, begin, moves = {}, -1, False
        moves = moves or token["tag"] is None
        ended = token[0] in ("1-0", "0-1", "1/2-1/2", "*")
        if begin < 0:
            begin = token.start()
            line += text.count("\n", counted_to, begin)
            counted_to = begin
        if token["tag"] is not None:
            tags[token["tag"]] = re.sub(r"\\(.)", r"\1", token["value"])
    if begin >= 0:
        yield line, tags, text[begin:]


def headers(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The tags of each game of a file that has any, with the line where the game begins."""
    return ((line, tags) for line, tags, _ in games(text) if tags)
