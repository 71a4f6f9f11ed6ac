"""The variations, comments and marks of an SGF file, in and out."""

from __future__ import annotations

from alphazero.errors import UserError
from alphazero.formats.annotate_sgf import JUDGEMENTS, MARKS, properties
from alphazero.formats.game_tree import GameTree
from alphazero.formats.remarks import ours
from alphazero.formats.sgf import SgfGame
from alphazero.formats.sgf_text import source
from alphazero.formats.sgf_tree import Node, parse_tree
from alphazero.formats.sgf_values import escape, point_of, vertex_of

SET_UP = {"AB", "AW", "AE"}
READ = {"B", "W", "C", "PL", "MN", *SET_UP}  # what has a place in the tree, or says what moves say


class _Reading:
    """The tree while nodes are read. Moves of before the last set-up of the main line are not in it."""

    def __init__(self, record: SgfGame):
        self.record = record
        self.tree = GameTree()
        self.turn = {0: "W" if record.start.split()[-1:] == ["w"] else "B"}  # who is to move after a move
        self.earlier = record.length - len(record.moves)  # moves of the main line that are still to be skipped

    def node(self, at: int, node: Node, is_main: bool) -> int | None:
        """Where a node stands that follows the one at `at`; None: its line is left out from here on."""
        if not is_main and (self.earlier or any(name in SET_UP for name, _ in node)):
            self.tree.leave_out("side lines of before a set-up, or with one")
            return None
        for name, values in node:
            for value in values if name in ("B", "W") else ():
                if value.strip().lower() == "resign":
                    continue
                if is_main and self.earlier:
                    self.earlier -= 1
                    continue
                found = self.move(at, name, value)
                if found is None:
                    return None
                at = found
        self.say(at, node)
        return at

    def move(self, at: int, colour: str, value: str) -> int | None:
        try:
            vertex = vertex_of(value, self.record.size, self.record.where)
        except UserError:
            self.tree.leave_out("moves that cannot be read")
            return None
        word = vertex if colour == self.turn[at] else f"{colour.lower()} {vertex}"
        found = self.tree.add_line([word], at)
        if not found:
            return None
        self.turn[found[0]] = "W" if colour == "B" else "B"
        return found[0]

    def say(self, at: int, node: Node) -> None:
        """A node's comment and mark, and what of it has no place."""
        told = {name: values[0] if values else "" for name, values in node}
        comment = told.get("C", "")
        self.tree.say(at, comment)
        if "DO" in told:
            self.tree.nodes[at].mark = "?!"
        elif "BM" in told:
            self.tree.nodes[at].mark = "??" if told["BM"].strip() == "2" else "?"
        remark = ours(comment)
        known = {} if remark is None else properties(remark, self.record.size)
        for name in told:
            if at and name not in READ and name not in ("DO", "BM") and told[name] != known.get(name):
                self.tree.leave_out(name)


def read(data: bytes | str, record: SgfGame) -> GameTree:
    """The tree of the first game of a file, from the last set-up of its main line on. record: that main line."""
    nodes = parse_tree(source(data))
    reading = _Reading(record)
    children: dict[int, int] = {}  # the first one of a node
    for i, (parent, _) in enumerate(nodes):
        children.setdefault(parent, i)
    at: dict[int, int | None] = {-1: 0}
    main = -1  # the last node of the main line so far
    for i, (parent, node) in enumerate(nodes):
        before = at[parent]
        is_main = parent == main and children[parent] == i
        main = i if is_main else main
        at[i] = None if before is None else reading.node(before, node, is_main)
    return reading.tree


def body(tree: GameTree, size: int, turn: str) -> str:
    """The moves of a tree as nodes, to follow the root of a file. turn: "B" or "W", who is to move at its start."""
    out = [_said(tree, 0, size)]
    turns = {0: turn}
    stack: list[int | str] = _after(tree, 0)
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
            continue
        colour, _, vertex = tree.nodes[item].move.rpartition(" ")
        colour = colour.upper() or turns[tree.nodes[item].parent]
        turns[item] = "W" if colour == "B" else "B"
        out.append(f";{colour}[{point_of(vertex, size)}]{_said(tree, item, size)}")
        stack += _after(tree, item)
    return "".join(out)


def _after(tree: GameTree, number: int) -> list[int | str]:
    """What follows a node, the last thing first: its child, or its children in parentheses."""
    children = tree.nodes[number].children
    if len(children) < 2:
        return [*children]
    return [each for child in reversed(children) for each in (")", child, "(")]


def _said(tree: GameTree, number: int, size: int) -> str:
    """A node's properties beside its move."""
    node = tree.nodes[number]
    remark = ours(node.comment) if number else None
    found = {} if remark is None else properties(remark, size)
    if node.mark and not found.keys() & JUDGEMENTS:
        name, value = MARKS[node.mark]
        found[name] = value
    if node.comment:
        found["C"] = node.comment
    return "".join(f"{name}[{escape(value) if name == 'C' else value}]" for name, value in found.items())
