"""A session's current line as a file: SGF, PGN, KIF, CSA, or moves as text for a game that has no format."""

from __future__ import annotations

from alphazero.errors import UserError
from alphazero.formats import csa, kif, pgn, sgf
from alphazero.formats.game_text import GameText
from alphazero.text import shown
from alphazero.web.session import Session, sides_of

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
    )
    if form == "pgn":
        return pgn.write(told, chess960=bool(game.options["chess960"]))
    if form == "csa":
        return csa.write(told)
    if form == "kifu":
        return kif.write(told)
    if form == "txt":
        return " ".join([*([f"{told.start} moves"] if told.start else []), *moves]) + "\n"
    words = [*told.start.split(), *(word for move in moves for word in move.split())]
    result = "" if ended is None else sgf.result_text(*_in_order(ended))
    return sgf.write(game.position(), words, black=told.first, white=told.second, result=result)


def _end_of(session: Session) -> tuple[int, str, float | None] | None:
    """How the line ends, where it does."""
    line = session.line()
    last = line[-1] if line else session.root
    if last.number in session.ends:
        ended = session.ends[last.number]
        return ended.value, ended.reason, ended.score
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
