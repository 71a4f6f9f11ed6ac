"""A session as a file: SGF, PGN, KIF, CSA, or moves as text for a game that has no format.

The current line is the game; the rest of the tree are variations, which CSA has not. Moves as text have no comments either.
"""

from __future__ import annotations

from alphazero.errors import UserError
from alphazero.formats import csa, kif, pgn, sgf, sgf_variations
from alphazero.formats.game_text import GameText
from alphazero.formats.game_tree import GameTree
from alphazero.formats.remarks import Remark
from alphazero.game import Game
from alphazero.text import shown
from alphazero.web.session import Node, Session, sides_of

FORMATS = {
    "go": ("sgf",),
    "chess": ("pgn",),
    "shogi": ("kifu", "csa"),
    "minishogi": ("kifu",),
}


def formats(name: str) -> tuple[str, ...]:
    """The formats of a game's files, the usual one first."""
    found = FORMATS.get(name, ("txt",))
    return ("txt",) if found == ("pgn",) and not pgn.available() else found


def write(session: Session, form: str) -> str:
    """The text of the file. UserError: the game has no such format."""
    game = session.game
    if form not in formats(game.name):
        raise UserError(f"{shown(form)} is no format of {game.name}: {', '.join(formats(game.name))}")
    line = session.line()
    moves = [node.move for node in line]
    ended = _end_of(session)
    told = GameText(
        first=_name(session, 0),
        second=_name(session, 1),
        start=session.setup.start,
        moves=moves,
        value=None if ended is None else ended[0],
        reason="" if ended is None else ended[1],
        score=None if ended is None else ended[2],
        game=game.name,
        tree=_tree(session),
    )
    if form == "pgn":
        return pgn.write(told, chess960=bool(game.options["chess960"]))
    if form == "csa":
        return csa.write(told)
    if form == "kifu":
        return kif.write(told)
    if form == "txt":
        return " ".join([*([f"{told.start} moves"] if told.start else []), *moves]) + "\n"
    result = "" if ended is None else sgf.result_text(*_in_order(ended))
    start = session.positions([])[0]
    head = sgf.write(start, told.start.split(), black=told.first, white=told.second, result=result)
    assert told.tree is not None
    body = sgf_variations.body(told.tree, int(game.options["board_size"]), "BW"[start.turn])
    return f"{head.removesuffix(chr(10)).removesuffix(')')}{body})\n"


def _tree(session: Session) -> GameTree:
    """The session's moves, comments and marks; the current line is the main one. Where it ends, nothing goes on: a file would take
    what was tried there for moves of the game.
    """
    tree = GameTree()
    line = session.line()
    last = line[-1] if line else session.root
    first = {id(node) for node in line}
    stack = [(session.root, 0, session.positions([])[0].turn)]
    while stack:
        node, at, turn = stack.pop()
        colour, _, _ = node.move.rpartition(" ")
        player = "bw".index(colour) if colour else turn  # who made the move: in these games, players alternate
        tree.nodes[at].comment = _comment(session.game, node, player)
        tree.nodes[at].mark = node.mark
        children = [] if node is last else sorted(node.children, key=lambda child: id(child) not in first)
        numbered = [(child, tree.add_line([child.move], at)) for child in children]
        following = 1 - player if at else player
        stack += [(child, found[0], following) for child, found in reversed(numbered) if found]
    return tree


def _comment(game: Game, node: Node, player: int) -> str:
    """A node's comment, with what a search or a review found below it. player: who made its move."""
    if node.win_rate is None or node.parent is None:
        return node.comment
    rate = node.win_rate if player == 0 else 1.0 - node.win_rate
    score = node.score if game.name == "go" else None
    mark = node.mark if node.loss > 0 else ""  # another one is the file's
    remark = Remark(sides_of(game)[player], rate, score, None, mark, node.loss, node.better)
    return "\n".join(filter(None, (node.comment, remark.text)))


def _end_of(session: Session) -> tuple[int, str, float | None] | None:
    """How the line ends, where it does."""
    line = session.line()
    last = line[-1] if line else session.root
    if last.number in session.ends:
        ended = session.ends[last.number]
        return ended.value, ended.reason, ended.told if ended.score is None else ended.score
    outcome = session.positions(line)[-1].outcome
    return None if outcome is None else (outcome.value, outcome.reason, outcome.score)


def _in_order(ended: tuple[int, str, float | None]) -> tuple[int, float | None, str]:
    value, reason, score = ended
    return value, score, reason


def _name(session: Session, side: int) -> str:
    """A player's name: as a file or the opponent has it, else the side's."""
    setup = session.setup
    if setup.names[side]:
        return setup.names[side]
    if not setup.opponent:
        return sides_of(session.game)[side]
    return "person" if side == setup.person else f"alphazero {setup.opponent}"
