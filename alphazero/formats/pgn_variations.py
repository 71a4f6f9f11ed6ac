"""The variations, comments and marks of a PGN file, in and out."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from alphazero.formats.game_text import EVENT
from alphazero.formats.game_tree import GameTree
from alphazero.formats.remarks import SIGNED

if TYPE_CHECKING:
    import chess.pgn

NAGS = {"?!": 6, "?": 2, "??": 4}
REPLACED = {"Event": EVENT, "Site": "-", "Date": ""}  # tags that are written anew, by what is ours; Date: today
MARKS = {number: mark for mark, number in NAGS.items()}


def _today() -> str:
    return datetime.date.today().strftime("%Y.%m.%d")


def read(game: chess.pgn.Game) -> GameTree:
    """The tree of a game."""
    tree = GameTree()
    for name, value in game.headers.items():
        if name in REPLACED and value not in ("", "?", "-", "????.??.??", REPLACED[name] or _today()):
            tree.leave_out(name)
    stack: list[tuple[chess.pgn.GameNode, int]] = [(game, 0)]
    while stack:
        node, number = stack.pop()
        begins = node.starting_comment if node.parent is not None else ""
        tree.say(number, " ".join(filter(None, ("" if begins == SIGNED else begins, node.comment))))
        for nag in node.nags:
            if nag in MARKS:
                tree.nodes[number].mark = MARKS[nag]
            else:
                tree.leave_out(f"${nag}")
        children = [(child, tree.add_line([child.move.uci()], number)) for child in node.variations]
        stack += [(child, found[0]) for child, found in reversed(children) if found]
    return tree


def add(game: chess.pgn.Game, tree: GameTree) -> None:
    """Puts a tree into a game that holds its main line at most."""
    import chess

    nodes: dict[int, chess.pgn.GameNode] = {0: game}
    for number, told in enumerate(tree.nodes):
        if number:
            move = chess.Move.from_uci(told.move)
            parent = nodes[told.parent]
            nodes[number] = parent.variation(move) if parent.has_variation(move) else parent.add_variation(move)
        node = nodes[number]
        node.comment = " ".join(filter(None, (node.comment, *told.comment.splitlines())))
        if told.mark:
            node.nags.add(NAGS[told.mark])
