"""A game with its variations: what files hold beside the moves that were played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MOST_NODES = 10_000  # of a tree that is read: what comes then is left out


@dataclass
class TreeNode:
    """A move and what is said of it; the first child goes on with the line."""

    move: str
    parent: int
    comment: str = ""
    mark: str = ""  # "?!", "?" or "??"
    children: list[int] = field(default_factory=list)


class GameTree:
    """Moves by number; number 0 is the start, which has none. left_out: what of the file is not here, in words."""

    def __init__(self) -> None:
        self.nodes = [TreeNode("", -1)]
        self.left_out: dict[str, int] = {}  # how often

    def add(self, parent: int, move: str) -> int:
        """The number of a move after another, which is new or there already; 0 where the tree is full."""
        known = next((child for child in self.nodes[parent].children if self.nodes[child].move == move), 0)
        if known or len(self.nodes) > MOST_NODES:
            return known
        self.nodes.append(TreeNode(move, parent))
        self.nodes[parent].children.append(len(self.nodes) - 1)
        return len(self.nodes) - 1

    def add_line(self, moves: Iterable[str], at: int = 0) -> list[int]:
        """The numbers of moves, one after the other, as far as the tree takes them."""
        found = []
        for move in moves:
            at = self.add(at, move)
            if not at:
                self.leave_out("moves, of which there are too many")
                break
            found.append(at)
        return found

    def say(self, number: int, comment: str) -> None:
        """Adds a comment to a move's."""
        node = self.nodes[number]
        node.comment = "\n".join(filter(None, (node.comment, comment)))

    def leave_out(self, what: str) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + 1

    def main(self) -> list[int]:
        """The main line, without the start."""
        found, at = [], 0
        while self.nodes[at].children:
            at = self.nodes[at].children[0]
            found.append(at)
        return found

    def lines(self) -> Iterator[list[int]]:
        """The main line, and each variation from its first move on: those of a line follow it, the latest in it first."""
        stack = [0]
        while stack:
            line = [stack.pop()]
            while self.nodes[line[-1]].children:
                line.append(self.nodes[line[-1]].children[0])
            for number in line:
                stack += self.nodes[number].children[:0:-1]
            yield line[1:] if line[0] == 0 else line

    def depth(self, number: int) -> int:
        """Moves from the start to this one."""
        depth = 0
        while number:
            number, depth = self.nodes[number].parent, depth + 1
        return depth

    def path(self, number: int) -> list[str]:
        """The moves from the start to this one."""
        found = []
        while number:
            found.append(self.nodes[number].move)
            number = self.nodes[number].parent
        return found[::-1]
