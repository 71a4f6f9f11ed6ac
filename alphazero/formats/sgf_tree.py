"""The tree of an SGF file: its games one by one, and the nodes of a game's main line."""

from __future__ import annotations

import codecs
from typing import AnyStr

from alphazero.errors import UserError
from alphazero.formats.sgf_text import Source, begin, source

Node = list[tuple[str, list[str]]]  # properties in the file's order, each with its values
SMALL_NAMES = {"b": "B", "w": "W", "ab": "AB", "aw": "AW", "ae": "AE", "pl": "PL", "sz": "SZ", "km": "KM"}
TWO_LETTERS = {"AB", "AW", "AE", "PL", "SZ", "KM", "GM", "HA", "RU"}  # of a name that a space cuts in two


def parse_nodes(data: str | bytes | Source, where: str = "SGF", warnings: list[str] | None = None) -> list[Node]:
    """The nodes of the first game's main line. UserError where there are none; `warnings` gets what is odd about the text."""
    warnings = [] if warnings is None else warnings
    file = data if isinstance(data, Source) else source(data)
    at = begin(file.data)
    if at < 0:
        raise UserError(f"{where}: no game in it: '(' is missing")
    if file.data[:at].strip():
        warnings.append("text before the game is skipped")
    nodes: list[Node] = []
    opened: list[int] = []  # how many nodes there were at each parenthesis that is open
    name = ""
    values: list[str] | None = None  # of the property being read; None: a value has no property
    odd: dict[str, int] = {}
    for token in file.tokens(at):
        kind = token.kind
        if kind == "(":
            opened.append(len(nodes))
        elif kind == ")":
            if (opened.pop() if opened else 0) < len(nodes):
                break  # the first variation ends, and with it the main line
            if not opened:
                break
        elif kind == ";":
            nodes.append([])
        elif kind == "name":
            name, values = name_of(token.content.decode(), name if values == [] else ""), []
            if not nodes:
                odd.setdefault("a node without its ';'", token.at)
                nodes.append([])
            if name:
                if nodes[-1] and not nodes[-1][-1][1]:
                    nodes[-1].pop()  # half of a name, or a property without a value
                nodes[-1].append((name, values))
        elif kind == "value":
            if values is None:
                odd.setdefault("a value without a property", token.at)
            else:
                values.append(file.text(token.content))
        elif kind == "cut":
            odd.setdefault("the file ends inside a value, which is left out", token.at)
        else:
            odd.setdefault(f"unexpected {token.content.decode('latin-1')!a}", token.at)
        if kind in "();":
            values = None
    else:
        if opened and not odd.keys() & {"the file ends inside a value, which is left out"}:
            warnings.append("the file ends inside the game")
    warnings += [f"{what} at offset {offset}" for what, offset in odd.items()]
    if not nodes:
        raise UserError(f"{where}: the game has no nodes")
    return nodes


def parse_tree(file: Source) -> list[tuple[int, Node]]:
    """All nodes of the first game, parents first, each with the number of its parent: -1 for the root."""
    found: list[tuple[int, Node]] = []
    opened: list[int] = []
    last = -1
    values: list[str] | None = None
    for token in file.tokens(max(0, begin(file.data))):
        if token.kind == "(":
            opened.append(last)
        elif token.kind == ")":
            if len(opened) < 2:
                break
            last = opened.pop()
        elif token.kind == ";" or (token.kind == "name" and not found):
            found.append((last, []))
            last = len(found) - 1
        if token.kind in "();":
            values = None
        elif token.kind == "name":
            values = []
            if name := name_of(token.content.decode()):
                found[-1][1].append((name, values))
        elif token.kind == "value" and values is not None:
            values.append(file.text(token.content))
    return found


def name_of(ident: str, before: str = "") -> str:
    """A property's name: FF[1] to FF[3] write small letters between the capitals. before: a name just read, without values."""
    if ident.islower():
        return SMALL_NAMES.get(ident, "")
    name = "".join(c for c in ident if not c.islower())
    return before + name if before + name in TWO_LETTERS and len(before) == 1 else name


def collection(data: AnyStr) -> list[tuple[int, AnyStr]]:
    """The games of a file, as (line of its first character, from 1, the game). What is not closed is one, too."""
    file = source(data)
    raw = file.data
    first = begin(raw)
    if first < 0:
        return []
    games: list[tuple[int, int]] = []
    depth, start = 0, first
    for token in file.tokens(first):
        if token.kind == "(":
            start, depth = (token.at, 1) if depth == 0 else (start, depth + 1)
        elif token.kind == ")" and depth > 0:
            depth -= 1
            if depth == 0:
                games.append((start, token.at + 1))
    if depth > 0 or not games:
        games.append((start, len(raw)))
    line_end = b"\n" if b"\n" in raw else b"\r"
    found: list[tuple[int, AnyStr]] = []
    line, at = 1, 0
    for start, end in games:
        line += raw.count(line_end, at, start)
        at = start
        one = raw[start:end]
        if isinstance(data, str):
            found.append((line, one.decode()))
        else:  # each game is read alone: a BOM tells it what is known of the file
            found.append((line, codecs.BOM_UTF8 + one if file.codec == "utf-8" and not one.isascii() else one))
    return found
