"""The variations of a KIF file (変化), read; kif.py writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alphazero.errors import UserError
from alphazero.formats import kif
from alphazero.formats.game_tree import GameTree
from alphazero.formats.shogi import without_ending

BEGINS = re.compile(r"\s*変化:\s*([0-9]{1,4})")
MOST = 500  # variations that are read


def read(text: str) -> GameTree:
    """The tree of one game. A variation leaves the line above it at the move that it names."""
    tree = GameTree()
    for number, (first, lines) in enumerate(_lines(text)):
        if number > MOST:
            tree.leave_out("side lines, of which there are too many")
            break
        try:
            game = kif.read("\n".join(lines))[0]
        except UserError:
            continue
        found = [0, *tree.add_line(game.moves)]
        for after, comment in sorted(game.comments.items()):
            if first - 1 < after < len(found) or after == number == 0:
                tree.say(found[after], without_ending(comment))
        if number and game.warnings:
            tree.leave_out("moves of side lines that cannot be")
    return tree


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The main line and each variation, from the start position on, with the number of its first own move."""
    head: list[str] = []
    moves: list[list[str]] = []  # each with what stands below it
    first = 1
    in_head = True
    for line in text.split("\n"):
        plain = line.translate(kif.PLAIN)
        if (begins := BEGINS.match(plain)) is not None:
            yield first, head + [each for move in moves for each in move]
            first, in_head = max(1, int(begins[1])), False
            moves = moves[: first - 1]
        elif kif.MOVE.match(plain) is not None:
            moves.append([line])
        elif moves and line[:1] == "*":
            moves[-1].append(line)
        elif in_head and not moves:
            head.append(line)
    yield first, head + [each for move in moves for each in move]
