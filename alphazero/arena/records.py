"""Which file the games of a match or a replay go into: PGN for chess, CSA for shogi, SGF for Go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from alphazero.errors import UserError
from alphazero.formats import csa, pgn
from alphazero.formats.game_text import clean
from alphazero.game import Game
from alphazero.protocols import sgf

FILES = {"shogi": "games.csa", "go": "games.sgf"}


def file_name(game: Game) -> str | None:
    """The name of the file that holds many games in the game's usual format; None where there is none (or no writer for it)."""
    if game.name == "chess" and pgn.available():
        return "games.pgn"
    return FILES.get(game.name)


def text(game: Game, moves: list[str], *, score: float | None = None, note: str = "", **about: Any) -> str:
    """One game in that format. about: white and black (names of the first and the second player), value, reason, start, ...

    score and note (Black's margin, what else there is to say) are for Go.
    """
    if game.name == "chess":
        return pgn.text(moves, chess960=bool(game.options["chess960"]), **about)
    if game.name == "shogi":
        return csa.text(moves, **about)
    reason = about.get("reason", "").replace("_", " ")
    return sgf.write(
        game.position(),
        [*about.get("start", "").split(), *moves],
        black=clean(about["white"]),
        white=clean(about["black"]),
        result=sgf.result_text(about["value"], score, about.get("reason", "")),
        event=clean(about.get("event", "alphazero")),
        number=str(about.get("number", 0) + 1),
        comment=clean(f"{reason}: {note}" if note else reason),
    )


def append(path: Path, game_text: str) -> int:
    """Adds a game to such a file; returns the file's bytes then."""
    try:
        with path.open("ab") as file:
            between = csa.SEPARATOR if path.suffix == ".csa" and file.tell() > 0 else ""
            file.write((between + game_text).encode())
            file.flush()
            return file.tell()
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error


def joined(game: Game, texts: list[str]) -> str:
    """These games as one file."""
    return (csa.SEPARATOR if game.name == "shogi" else "").join(texts)


def cut(path: Path, size: int) -> None:
    """Takes off what a killed match wrote after its last counted game: all past `size` bytes."""
    try:
        if path.exists() and path.stat().st_size > size:
            os.truncate(path, size)
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error
