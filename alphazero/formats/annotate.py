"""Remarks on the moves of a game, written into the file that the game came from: everything else of it stays as it is.

PGN: comments, `[%eval]`, NAGs and variations, through python-chess. KIF and CSA: lines with `*` and `'`. What an earlier review
wrote is replaced. SGF has a file of its own, annotate_sgf.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from alphazero.formats import csa, kif, pgn
from alphazero.formats.pgn_variations import NAGS
from alphazero.formats.remarks import LONGEST_LINE, OURS, SIGNED, Remark, ours, without_ours

if TYPE_CHECKING:
    import chess.pgn

JUDGEMENTS = frozenset(range(1, 7))  # the NAGs of which a move has one: !, ?, !!, ??, !?, ?!
OUR_EVAL = re.compile(rf"{OURS.pattern}\s*\[%eval")  # that of others stands before our words
LAST = 1 << 30  # no game has so many moves


def into_pgn(text: str, remarks: Mapping[int, Remark]) -> str:
    """One game's main line with remarks by the number of the move; variations and other comments are kept."""
    game = pgn.parse(text)
    if game is None:
        return text
    for number, node in enumerate(list(game.mainline()), 1):
        for other in list(node.parent.variations[1:]):
            if other.starting_comment == SIGNED and _untouched(other):
                node.parent.remove_variation(other)
        remark_pgn(node, remarks.get(number))
        if (remark := remarks.get(number)) is not None and remark.better:
            _add_better(node.parent, remark.better)
    return f"{game}\n\n"


def remark_pgn(node: chess.pgn.ChildNode, remark: Remark | None) -> None:
    """Puts a remark on a move, in the place of an earlier one of ours."""
    import chess
    import chess.engine

    earlier = ours(node.comment)
    if earlier is not None:
        node.nags.discard(NAGS.get(earlier.mark, 0))
        if OUR_EVAL.search(node.comment):
            node.set_eval(None)
        node.comment = without_ours(node.comment)
    if remark is None:
        return
    if remark.mark and not node.nags & JUDGEMENTS:
        node.nags.add(NAGS[remark.mark])
    node.comment = f"{node.comment} {remark.text}".strip()
    if remark.centipawns is not None and node.eval() is None:
        node.set_eval(chess.engine.PovScore(chess.engine.Cp(remark.centipawns), chess.WHITE))


def _add_better(parent: chess.pgn.GameNode, moves: list[str]) -> None:
    """A variation with the better line, unless its first move is in the file already."""
    import chess

    line, added = parent, False
    for move in moves[:LONGEST_LINE]:
        found = chess.Move.from_uci(move)
        if found not in line.board().legal_moves or (not added and parent.has_variation(found)):
            return
        line = line.add_variation(found, starting_comment="" if added else SIGNED)
        added = True


def _untouched(node: chess.pgn.ChildNode) -> bool:
    """Whether nobody has added to a line that was ours."""
    at: chess.pgn.GameNode | None = node
    while at is not None:
        if at.comment or at.nags or len(at.variations) > 1:
            return False
        at = at.next()
    return True


def into_kif(text: str, remarks: Mapping[int, Remark]) -> str:
    """Lines with `*` below the moves of the main line."""
    out, number = [], 0
    for line in text.split("\n"):
        plain = line.translate(kif.PLAIN)
        said = _without_ours(line, "*") if number < LAST else line
        if said is None:
            continue
        out.append(said)
        if plain.lstrip().startswith("変化"):
            number = LAST  # side lines follow
        elif kif.MOVE.match(plain) is not None:
            number += 1
            if number in remarks:
                out.append(f"*{remarks[number].text}")
    return "\n".join(out)


def into_csa(text: str, remarks: Mapping[int, Remark]) -> str:
    """Lines with `'` below the moves, and floodgate's `'** CENTIPAWNS`, for Sente, where the file has none of that move."""
    out: list[str] = []
    number = 0
    lines = _csa_lines(text)
    for i, line in enumerate(lines):
        out.append(line)
        number += _is_move(line)
        if not _is_move(line) or number not in remarks:
            continue
        told = remarks[number]
        after = next((n for n in range(i + 1, len(lines)) if lines[n][:1] != "'"), len(lines))
        if told.centipawns is not None and not any(each.startswith("'**") for each in lines[i + 1 : after]):
            out.append(f"'** {told.centipawns}")
        out.append(f"'{told.text}")
    return "\n".join(out)


def _csa_lines(text: str) -> list[str]:
    """The lines without our remarks. A move begins one, with the time that it took: commas may join what stands on a line."""
    lines: list[str] = []
    for line in text.split("\n"):
        said = _without_ours(line, "'")
        if said is None:
            if lines and re.fullmatch(r"'\*\* -?[0-9]+", lines[-1].rstrip()):
                lines.pop()  # what we said with it
            continue
        words = [said] if said[:1] in ("'", "N", "$", "P") else said.split(",")
        for i, word in enumerate(words):
            if re.fullmatch(r"T[0-9.]+", word.strip()) and lines and _is_move(lines[-1]):
                lines[-1] += f"{',' if i else chr(10)}{word}"
            else:
                lines.append(word)
    return lines


def _is_move(line: str) -> bool:
    return csa.MOVE.fullmatch(re.split(r"[,\n]", line)[0].strip()) is not None


def _without_ours(line: str, sign: str) -> str | None:
    """A line of a comment without our remark, None where nothing is left of it; other lines as they are."""
    if line[:1] != sign:
        return line
    said = without_ours(line)
    return None if said == sign and line.rstrip() != sign else said


def pgn_games(text: str) -> list[str]:
    """The texts of a file's games."""
    return [one for _, _, one in pgn.whole(text)]
