"""Remarks on the moves of a game, written into the file that the game came from: everything else of it stays as it is.

SGF: C (comment), V (Black's expected result), BM, DO or TE (how bad, or good), LB for the better move. PGN: `[%eval]`,
NAGs and variations, through python-chess. KIF and CSA: lines with `*` and `'`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from alphazero.formats import csa, kif, pgn
from alphazero.formats.sgf_text import Source, begin, source
from alphazero.formats.sgf_values import escape

NAGS = {"?!": 6, "?": 2, "??": 4}
SGF_MARKS = {"?!": "DO[]", "?": "BM[1]", "??": "BM[2]"}


@dataclass(frozen=True)
class Remark:
    """What is written beside a move. win_rate, centipawns: the first player's, after the move."""

    text: str
    mark: str = ""  # "?!", "?", "??"
    win_rate: float = 0.5
    centipawns: int | None = None
    better: list[str] = field(
        default_factory=list
    )  # the line that was better, its first move first; none: the move was


@dataclass
class _Node:
    """What a node has already, while its tokens are read."""

    number: int = 0  # of its move; 0: it has none
    names: set[str] = field(default_factory=set)
    comment_end: int = 0  # where the text of its C ends; 0: it has none


def into_sgf(data: bytes | str, remarks: Mapping[int, Remark]) -> str:
    """The first game's main line with remarks by the number of the move, from 1; the tree and all properties are kept.

    A comment that is there stays, with the remark below it. The text is UTF-8, and CA says so.
    """
    file = source(data)
    foreign = file.codec not in ("utf-8", "")
    text = file.data.decode(file.codec if foreign else "utf-8", "replace")
    file = Source(text.encode("utf-8"), "utf-8")  # offsets are those of UTF-8
    raw = file.data
    edits: list[tuple[int, int, str]] = []  # what stands from here to there becomes this
    opened: list[int] = []
    node, name, moves, nodes = _Node(), "", 0, 0

    def close(at: int) -> None:
        nonlocal node
        if node.number in remarks:
            edits.extend(_sgf_remark(remarks[node.number], node, at))
        node = _Node()

    for token in file.tokens(max(0, begin(raw))):
        if token.kind in "();":
            close(token.at)
        if token.kind == "(":
            opened.append(nodes)
        elif token.kind == ")":
            if (opened.pop() if opened else 0) < nodes or not opened:
                break
        elif token.kind == ";":
            nodes += 1
        elif token.kind == "name":
            name = token.content.decode("latin-1")
            node.names.add(name)
        elif token.kind == "value":
            if name in ("B", "W") and token.content.strip().lower() != b"resign":
                moves += 1
                node.number = moves
            elif name == "C":
                node.comment_end = token.at + len(token.content)
            elif name == "CA":
                edits.append((token.at, token.at + len(token.content), "UTF-8"))
            name = name if name in ("AB", "AW", "AE") else ""
    else:
        close(len(raw))  # the file ends inside the game
    out, last = [], 0
    for start, end, new in sorted(edits):
        out += [raw[last:start], new.encode("utf-8")]
        last = end
    return b"".join([*out, raw[last:]]).decode("utf-8")


def _sgf_remark(remark: Remark, node: _Node, at: int) -> list[tuple[int, int, str]]:
    """A remark as edits of a node that ends at this offset."""
    added = "" if "V" in node.names else f"V[{100.0 * (2.0 * remark.win_rate - 1.0):.1f}]"
    if remark.mark and not node.names & {"BM", "DO", "IT", "TE"}:
        added += SGF_MARKS[remark.mark]
    if not node.comment_end:
        return [(at, at, f"{added}C[{escape(remark.text)}]")]
    edits = [(node.comment_end, node.comment_end, f"\n{escape(remark.text)}")]
    return [*edits, (at, at, added)] if added else edits


def into_pgn(text: str, remarks: Mapping[int, Remark]) -> str:
    """One game's main line with remarks by the number of the move; variations and other comments are kept."""
    import chess.engine
    import chess.pgn

    game = chess.pgn.read_game(io.StringIO(text))
    if game is None:
        return text
    for number, node in enumerate(list(game.mainline()), 1):
        remark = remarks.get(number)
        if remark is None:
            continue
        if remark.mark:
            node.nags.add(NAGS[remark.mark])
        if remark.centipawns is not None:
            node.set_eval(chess.engine.PovScore(chess.engine.Cp(remark.centipawns), chess.WHITE))
        node.comment = f"{node.comment} {remark.text}".strip()
        parent, added = node.parent, False
        line: chess.pgn.GameNode = parent
        for move in remark.better[:6]:
            found = chess.Move.from_uci(move)
            if found not in line.board().legal_moves or (not added and parent.has_variation(found)):
                break
            line, added = line.add_variation(found), True
    return f"{game}\n\n"


def into_kif(text: str, remarks: Mapping[int, Remark]) -> str:
    """Lines with `*` below the moves of the main line."""
    out, number = [], 0
    for line in text.split("\n"):
        out.append(line)
        if line.translate(kif.PLAIN).lstrip().startswith("変化"):
            number = 1 << 30  # side lines follow
        elif kif.MOVE.match(line.translate(kif.PLAIN)) is not None:
            number += 1
            if number in remarks:
                ending = "\r" if line.endswith("\r") else ""
                out += [f"*{said}{ending}" for said in remarks[number].text.split("\n")]
    return "\n".join(out)


def into_csa(text: str, remarks: Mapping[int, Remark]) -> str:
    """Lines with `'` below the moves, and floodgate's `'** CENTIPAWNS LINE`, for Sente."""
    lines = text.split("\n")
    out, number = [], 0
    for i, line in enumerate(lines):
        out.append(line)
        if csa.MOVE.fullmatch(line.strip()) is not None:
            number += 1
        elif not re.fullmatch(r"T[0-9.]+", line.strip()):
            continue
        follows = lines[i + 1].strip() if i + 1 < len(lines) else ""
        if number not in remarks or re.fullmatch(r"T[0-9.]+", follows):
            continue
        remark = remarks[number]
        if remark.centipawns is not None:
            out.append(f"'** {remark.centipawns}")
        out += [f"'{said}" for said in remark.text.split("\n")]
    return "\n".join(out)


def pgn_games(text: str) -> list[str]:
    """The texts of a file's games."""
    return [one for _, _, one in pgn.games(text)]
