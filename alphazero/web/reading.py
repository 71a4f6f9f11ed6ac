"""What a person pastes or uploads, as a game: FEN, SFEN, moves, SGF, PGN, KIF, CSA.

UserError says in one line what cannot be read. Nothing that is read here is markup: pages escape it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from alphazero.errors import UserError
from alphazero.formats import csa, go_rules, kif, kif_variations, pgn, played, sgf, sgf_variations
from alphazero.formats.game_text import GameText, clean, decode, listing, parts
from alphazero.formats.game_tree import GameTree
from alphazero.formats.kinds import kind_of
from alphazero.formats.remarks import ours, without_ours
from alphazero.formats.sgf_tree import collection
from alphazero.formats.shogi import without_ending
from alphazero.game import Game, OptionValue, Position, make
from alphazero.text import clean as one_line
from alphazero.text import shown
from alphazero.web.session import Node, Session, after, replay, sides_of

MOST_BYTES = 4 << 20  # of a file: a game has some kilobytes
MOST_MOVES = 5000
MOST_REPLAYED = 200_000  # moves that are played to stand where each variation begins
MOST_COMMENT = 2000  # characters
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
    margin: float | None = None  # the first player's, in points, where the file says it
    tree: GameTree | None = None  # the legal moves, with variations, comments and marks; None: moves alone
    warnings: list[str] = field(default_factory=list)


def read(data: bytes, game: Game) -> Loaded:
    """A game in any of the formats; a bare position or bare moves are read as those of `game`."""
    if len(data) > MOST_BYTES:
        raise UserError(f"{len(data):,} bytes are too much for a game: at most {MOST_BYTES:,}")
    if not data.strip():
        raise UserError("nothing to read: paste or choose a game or a position")
    kind = kind_of(data)
    if kind == "sgf":
        return _sgf(data)
    text = decode(data, "the text", "latin-1" if kind == "pgn" else "cp932")
    if kind == "pgn":
        games = [one for _, _, one in pgn.whole(text)]
        told = pgn.read(games[0] if games else text, "the text", variations=True)[0]
        return _played(told, told.tree, len(games))
    if kind in ("kif", "csa"):
        every = (kif.read if kind == "kif" else csa.read)(text, "the text")
        first = parts(text, [game.line for game in every])[0]
        return _played(every[0], kif_variations.read(first) if kind == "kif" else _line_of(every[0]), len(every))
    return _position(" ".join(text.split()), game)


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
        if position.outcome is not None:
            warnings.append(f"the game is over after move {len(moves)}; what follows is left out")
            break
        move = vertex if "BW"[position.turn] == colour else f"{colour.lower()} {vertex}"
        try:
            position = after(position, move)
        except ValueError as error:
            warnings.append(f"move {len(moves) + 1}: {error}; it and what follows are left out")
            break
        moves.append(move)
    tree = _legal(sgf_variations.read(data, found), game.position(stage.start) if stage.start else game.position())
    warnings += _left_out(tree, len(collection(data)))
    text = sgf.text_of(found)
    names = (clean(text.first), clean(text.second))
    return Loaded(game, stage.start, moves, names, text.value, text.reason, text.score, tree, warnings)


def _played(told: GameText, tree: GameTree | None, games: int) -> Loaded:
    game, start = played.begin(told, "the text")
    moves: list[str] = []
    for move, position in zip(told.moves, played.positions(told, start, MOST_MOVES), strict=False):
        moves.append(move)
        if position.outcome is not None and len(moves) < len(told.moves):
            told.warnings.append(f"the game is over after move {len(moves)}; what follows is left out")
            break
    tree = _legal(tree if tree is not None else GameTree(), start)
    names = (clean(told.first), clean(told.second))
    warnings = [*told.warnings, *_left_out(tree, games)]
    return Loaded(game, told.start, moves, names, told.value, told.reason, None, tree, warnings)


def _line_of(told: GameText) -> GameTree:
    """A game without variations as a tree."""
    tree = GameTree()
    for number, at in enumerate([0, *tree.add_line(told.moves)]):
        tree.say(at, without_ending(told.comments.get(number, "")))
    return tree


def _legal(tree: GameTree, start: Position) -> GameTree:
    """The tree without what cannot be played."""
    illegal: set[int] = set()
    stack = [(0, start)]
    while stack:
        number, position = stack.pop()
        if number:
            try:
                if position.outcome is not None:
                    raise ValueError("the game is over")
                position = after(position, tree.nodes[number].move)
            except ValueError:
                illegal.add(number)
                continue
        first, *others = tree.nodes[number].children or [0]
        stack += [(first, position)] if first else []
        stack += [(child, position.copy()) for child in others]  # before the first, which changes the position
    found = GameTree()
    found.left_out = dict(tree.left_out)
    main = set(tree.main())
    numbers = {0: 0}
    for number, node in enumerate(tree.nodes):
        if number in illegal and number not in main:
            found.leave_out("side lines with an illegal move")
        if number and (number in illegal or node.parent not in numbers):
            continue
        at = numbers[number] = found.add(numbers[node.parent], node.move) if number else 0
        found.nodes[at].comment, found.nodes[at].mark = node.comment, node.mark
        if len(node.comment) > MOST_COMMENT:
            _cut(found, at)
    return found


def _cut(tree: GameTree, at: int) -> None:
    """Cuts a long comment; a remark of ours in it stays."""
    node = tree.nodes[at]
    theirs, remark = without_ours(node.comment), ours(node.comment)
    if len(theirs) > MOST_COMMENT:
        tree.leave_out(f"comments beyond {MOST_COMMENT:,} characters")
        node.comment = theirs[:MOST_COMMENT] + (f"\n{remark.text}" if remark is not None else "")


def _left_out(tree: GameTree, games: int) -> list[str]:
    """What of the file is not taken over."""
    found = [f"the first of {games} games is shown"] if games > 1 else []
    if tree.left_out:
        found.append(f"not taken over: {', '.join(list(tree.left_out)[:8])}")
    return found


def add_variations(session: Session, loaded: Loaded) -> None:
    """Puts the variations, comments and marks of a game into a session that stands at the end of its main line, and leaves it
    there.
    """
    tree = loaded.tree
    if tree is None:
        return
    nodes: dict[int, Node] = {0: session.root}
    replayed = 0
    for line in tree.lines():
        begins = nodes.get(tree.nodes[line[0]].parent) if line else None
        replayed += begins.depth if begins is not None else 0
        if begins is None or replayed > MOST_REPLAYED:
            continue
        session.go(begins.number)
        for number in line:
            if session.ended is not None:
                break
            session.play(tree.nodes[number].move)
            nodes[number] = session.current
    for number, node in nodes.items():
        _say(session.game, node, tree.nodes[number].comment, tree.nodes[number].mark)
    if len(nodes) < len(tree.nodes):
        loaded.warnings.append(f"{len(tree.nodes) - len(nodes)} moves of side lines are left out")
    session.go(0)
    for move in loaded.moves:  # played again, so that the main line is the one that goes on
        if session.ended is None:
            session.play(move)


def _say(game: Game, node: Node, comment: str, mark: str) -> None:
    """A comment and a mark. A remark of ours among them becomes what the review had found."""
    node.comment, node.mark = without_ours(comment), mark
    remark = ours(comment)
    if remark is not None and remark.side in sides_of(game):
        node.win_rate = remark.win_rate if remark.side == sides_of(game)[0] else 1.0 - remark.win_rate
        node.score, node.better, node.loss = remark.score, remark.better, remark.loss
        node.mark = remark.mark or mark


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
