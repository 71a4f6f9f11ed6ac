"""Remarks on the moves of an SGF file: everything else of it stays as it is.

C (comment); V (the score for Black, as FF[4] has it for Go); SBKV (Black's win rate in percent, of which Sabaki draws its graph);
DO and BM (how bad); LB where the better move would have been. What an earlier review wrote is replaced: its remark in C tells
which values are its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alphazero.formats import sgf
from alphazero.formats.remarks import Remark, ours, without_ours
from alphazero.formats.sgf_text import Source, begin, source
from alphazero.formats.sgf_tree import name_of
from alphazero.formats.sgf_values import escape, point_of

MARKS = {"?!": ("DO", ""), "?": ("BM", "1"), "??": ("BM", "2")}
JUDGEMENTS = {"BM", "DO", "IT", "TE"}  # a node has one of these at most
ROOT = re.compile(rb"\(?[\s\0]*;")
BETTER = "A"  # the label of the better move

Edit = tuple[int, int, str]  # what stands from here to there becomes this


@dataclass
class _Property:
    start: int  # of its name
    end: int = 0  # after its last value
    values: list[tuple[int, int]] = field(default_factory=list)  # where their texts are


@dataclass
class _Node:
    """What a node has, while its tokens are read."""

    number: int = 0  # of its move; 0: it has none
    properties: dict[str, _Property] = field(default_factory=dict)


def properties(remark: Remark, size: int) -> dict[str, str]:
    """What a remark adds to a node beside C: values by their names, unescaped."""
    black = remark.win_rate if remark.side == "Black" else 1.0 - remark.win_rate
    found = {} if remark.score is None else {"V": f"{round(remark.score, 1) + 0.0:.1f}"}
    found["SBKV"] = f"{100 * black:.1f}"
    if remark.mark:
        name, value = MARKS[remark.mark]
        found[name] = value
        if remark.better and remark.better[0] != "pass":
            found["LB"] = f"{point_of(remark.better[0], size)}:{BETTER}"
    return found


def into_sgf(data: bytes | str, remarks: Mapping[int, Remark]) -> str:
    """The first game's main line with remarks by the number of the move, from 1; the tree and all properties are kept.

    A comment that is there stays, with the remark below it. The text is UTF-8, and CA says so where the file had
    another encoding or CA.
    """
    size = sgf.parse(data).size
    file = source(data)
    foreign = file.codec not in ("utf-8", "")
    text = file.data.decode(file.codec if foreign else "utf-8", "replace")
    raw = text.encode("utf-8")
    edits: list[Edit] = []
    named = isinstance(data, str) or data.endswith(raw)  # where the bytes stay as they are, nothing needs to be said
    for node, end in _main_line(Source(raw, "utf-8")):  # offsets are those of UTF-8
        if "CA" in node.properties:
            edits += [(*value, "UTF-8") for value in node.properties["CA"].values]
            named = True
        if node.number:
            edits += _edits(raw, node, remarks.get(node.number), size, end)
    if not named and (root := ROOT.match(raw, max(0, begin(raw)))) is not None:
        edits.append((root.end(), root.end(), "CA[UTF-8]"))
    out, last = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        out += [raw[last:start], new.encode("utf-8")]
        last = end
    return b"".join([*out, raw[last:]]).decode("utf-8")


def _main_line(file: Source) -> Iterator[tuple[_Node, int]]:
    """The nodes of the first game's main line, each with the offset where it ends."""
    opened: list[int] = []
    node, name, moves, nodes = _Node(), "", 0, 0
    for token in file.tokens(max(0, begin(file.data))):
        if token.kind in "();":
            yield node, token.at
            node, name = _Node(), ""
        if token.kind == "(":
            opened.append(nodes)
        elif token.kind == ")":
            if (opened.pop() if opened else 0) < nodes or not opened:
                return
        elif token.kind == ";":
            nodes += 1
        elif token.kind == "name":
            name = name_of(token.content.decode("latin-1"))
            if name:
                node.properties.setdefault(name, _Property(token.at))
        elif token.kind == "value" and name:
            if name in ("B", "W") and token.content.strip().lower() != b"resign":
                moves += 1
                node.number = moves
            end = token.at + len(token.content)
            node.properties[name].values.append((token.at, end))
            node.properties[name].end = end + 1
    yield node, len(file.data)  # the file ends inside the game


def _edits(raw: bytes, node: _Node, remark: Remark | None, size: int, end: int) -> list[Edit]:
    """What puts a remark in the place of an earlier one of ours; `end` is the node's."""
    there = node.properties

    def text(place: tuple[int, int]) -> str:
        return raw[place[0] : place[1]].decode("utf-8", "replace")

    comment = there["C"].values[0] if "C" in there and there["C"].values else None
    said = text(comment) if comment is not None else ""
    earlier = ours(said)
    known, new = (properties(each, size) if each is not None else {} for each in (earlier, remark))
    edits: list[Edit] = []
    kept = set()  # of other people
    for name in {*known, *there} & {"V", "SBKV", "LB", *JUDGEMENTS}:
        values = there[name].values if name in there else []
        own = [value for value in values if name in known and text(value) == known[name]]
        if own and name in JUDGEMENTS and "SBKV" in there and there[name].start < there["SBKV"].start:
            own = []  # ours come last
        if len(own) < len(values):
            kept.add(name)
            edits += [(start - 1, stop + 1, "") for start, stop in own]
        elif values:
            edits.append((there[name].start, there[name].end, ""))
    added = ""
    for name, value in new.items():
        if name == "LB" and name in kept:
            last = there[name].end
            if not any(text(each).partition(":")[0] == value.partition(":")[0] for each in there[name].values):
                edits.append((last, last, f"[{value}]"))
        elif name not in kept and not (name in JUDGEMENTS and kept & JUDGEMENTS):
            added += f"{name}[{value}]"
    rest = without_ours(said)
    line = escape(remark.text) if remark is not None else ""
    if rest and comment is not None and (line or earlier is not None):
        edits.append((*comment, "\n".join(filter(None, (rest, line)))))
        line = ""
    elif earlier is not None:
        edits.append((there["C"].start, there["C"].end, ""))
    added += f"C[{line}]" if line else ""
    return [*edits, (end, end, added)] if added else edits
