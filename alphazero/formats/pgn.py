"""Chess games as PGN, with clocks, evaluations and how they ended. SAN comes from python-chess (extra "chess")."""

from __future__ import annotations

import datetime
import io
import re
from typing import TYPE_CHECKING

from alphazero.errors import UserError
from alphazero.formats import pgn_variations
from alphazero.formats.game_text import GameText, clean, decode
from alphazero.formats.game_tree import GameTree
from alphazero.formats.remarks import OURS, without_ours

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


VALUES = {"1-0": 1, "0-1": -1, "1/2-1/2": 0, "1/2": 0, "½-½": 0}
ENDED = (*WORDS, "stalemate", "insufficient", "threefold", "fifty", "max_plies")
SAID = {reason.replace("_", " "): reason for reason in ENDED}  # what the last comment says of the end
FORFEITS = {word: reason for reason, word in WORDS.items() if word not in ("normal", "adjudication")}


def available() -> bool:
    """Whether python-chess is installed."""
    try:
        import chess.pgn  # noqa: F401
    except ImportError:
        return False
    return True


def _needed() -> None:
    if not available():
        raise UserError("PGN needs python-chess: pip install 'alphazero-engine[chess]'")


def write(game: GameText, chess960: bool = False) -> str:
    """One game as PGN. UserError where python-chess is missing."""
    _needed()
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
    if game.tree is not None:
        pgn_variations.add(record, game.tree)
    reason = game.reason.replace("_", " ")
    if not without_ours(node.comment).endswith(reason):
        ours = OURS.search(node.comment)  # before it: the moves of its better line would go on with the word
        place = len(node.comment) if ours is None else ours.start()
        node.comment = f"{node.comment[:place]} {reason} {node.comment[place:].strip()}".strip()
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


def value_of(tag: str) -> int | None:
    """White's result by the tag Result, in the spellings that files have; None where it tells of none."""
    return VALUES.get(tag.replace(" ", "").replace("\u2013", "-"))


def read(data: bytes | str, where: str = "PGN", variations: bool = False) -> list[GameText]:
    """The games of a file in UTF-8 or Latin-1: their main lines, and their trees where `variations` are asked for. What cannot
    be read of one is in its warnings.

    UserError where there is no game in it at all, or python-chess is missing. `games` is faster, and does without.
    """
    _needed()
    found = [_game(line, tags, one, variations) for line, tags, one in whole(decode(data, where, "latin-1"))]
    if not found:
        raise UserError(f'{where}: no PGN game in it (tags as [White "A"] or moves as 1. e4 are expected)')
    return found


def parse(text: str) -> chess.pgn.Game | None:
    """One game, by python-chess; what is wrong with it is in its `errors`, and nowhere else.

    A start position that chess has not and Chess960 has is one of that, whatever the tags say.
    """
    game = _parse(text)
    if game is None or game.headers.is_chess960() or variant_of(game) or not _is_960(game.headers.get("FEN", "")):
        return game
    return _parse(f'[Variant "Chess960"]\n{text}')


def _is_960(fen: str) -> bool:
    """Whether the castling rights of a start position are those of Chess960 alone."""
    import chess

    try:
        usual, new = (chess.Board(fen or None, chess960=each).status() for each in (False, True))
    except ValueError:  # no position at all
        return False
    return bool(usual & ~new & chess.STATUS_BAD_CASTLING_RIGHTS)


def variant_of(game: chess.pgn.Game) -> str:
    """The name of a game that is neither chess nor Chess960; "" for those."""
    import chess

    try:
        known = game.headers.variant() is chess.Board
    except ValueError:
        known = False
    return "" if known else game.headers["Variant"]


def _parse(text: str) -> chess.pgn.Game | None:
    import chess.pgn

    class Builder(chess.pgn.GameBuilder[chess.pgn.Game]):
        def handle_error(self, error: Exception) -> None:  # python-chess logs it, too
            self.game.errors.append(error)

        def end_variation(self) -> None:
            if len(self.variation_stack) > 1:
                super().end_variation()
            else:  # python-chess falls over it
                self.handle_error(ValueError("a ')' without its '('"))

    return chess.pgn.read_game(io.StringIO(text), Visitor=Builder)


def _game(line: int, tags: dict[str, str], text: str, variations: bool) -> GameText:
    import chess.pgn

    value = value_of(tags.get("Result", ""))
    reason = "unfinished" if value is None else FORFEITS.get(tags.get("Termination", ""), "")
    game = GameText(tags.get("White", ""), tags.get("Black", ""), value=value, reason=reason, line=line, game="chess")
    node: chess.pgn.GameNode | None = parse(text)
    if not isinstance(node, chess.pgn.Game):
        game.warnings.append("no game")
        return game
    if variant := variant_of(node):
        game.warnings.append(f"line {line}: {variant} is neither chess nor Chess960: its moves are left out")
        return game
    if value is None and (value := value_of(node.headers.get("Result", ""))) is not None:  # it stands after the moves
        game.value, game.reason = value, FORFEITS.get(tags.get("Termination", ""), "")
    game.start = node.headers.get("FEN", "")
    game.chess960 = node.headers.is_chess960()
    game.tree = pgn_variations.read(node) if variations else None
    game.warnings += [f"line {line}: {' '.join(str(error).split())}" for error in node.errors]
    while node is not None:
        if node.comment:
            game.comments[len(game.moves)] = node.comment
        game.variations += max(0, len(node.variations) - 1)
        if (child := node.next()) is not None:
            if (seconds := child.emt()) is not None:
                game.seconds[len(game.moves)] = seconds
            game.moves.append(child.move.uci())
        node = child
    if game.tree is not None and value is not None:
        _take_ending(game.tree, game)
    return game


def _take_ending(tree: GameTree, game: GameText) -> None:
    """A last comment that says no more than how the game ended becomes that: it is written anew."""
    last = tree.nodes[([0, *tree.main()])[-1]]
    word = re.sub(r"\[%[^\]]*\]", "", without_ours(last.comment)).strip()
    if word in SAID:
        last.comment = " ".join(last.comment.replace(word, "", 1).split())
        game.reason = SAID[word]


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


def whole(text: str) -> list[tuple[int, dict[str, str], str]]:
    """The same; of a file with one game its whole text, as a comment may stand before the moves."""
    found = list(games(text))
    return [(line, tags, text) for line, tags, _ in found] if len(found) == 1 else found


def headers(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The tags of each game of a file that has any, with the line where the game begins."""
    return ((line, tags) for line, tags, _ in games(text) if tags)
