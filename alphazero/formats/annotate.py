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


def into_sgf(data: bytes | str, remarks: Mapping[int, Remark], size: int) -> str:
    """The first game's main line with remarks by the number of the move, from 1; the tree and all properties are kept."""
    file = source(data)
    text = file.data.decode("utf-8" if file.codec in ("utf-8", "") else file.codec, "replace")
    if file.codec not in ("utf-8", "") or isinstance(data, bytes):  # offsets are those of UTF-8
        file = Source(text.encode("utf-8"), "utf-8")
    raw = file.data
    places: list[tuple[int, str]] = []
    depth_of: list[int] = []
    moves = 0
    in_move, nodes = False, 0
    pending: int | None = None

    def close(at: int) -> None:
        nonlocal pending
        if pending is not None and pending in remarks:
            places.append((at, _sgf_remark(remarks[pending])))
        pending = None

    for token in file.tokens(max(0, begin(raw))):
        if token.kind == "(":
            close(token.at)
            depth_of.append(nodes)
        elif token.kind == ")":
            close(token.at)
            if (depth_of.pop() if depth_of else 0) < nodes or not depth_of:
                break
        elif token.kind == ";":
            close(token.at)
            nodes += 1
        elif token.kind == "name":
            in_move = token.content.decode("latin-1") in ("B", "W")
        elif token.kind == "value" and in_move:
            moves += 1
            pending, in_move = moves, False
    else:
        close(len(raw))  # the file ends inside the game
    out, last = [], 0
    for at, remark in places:
        out += [raw[last:at], remark.encode("utf-8")]
        last = at
    return b"".join([*out, raw[last:]]).decode("utf-8")


def _sgf_remark(remark: Remark) -> str:
    return f"V[{100.0 * (2.0 * remark.win_rate - 1.0):.1f}]{SGF_MARKS.get(remark.mark, '')}C[{escape(remark.text)}]"


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
