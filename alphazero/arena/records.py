"""Which file the games of a match or a replay go into: PGN for chess, CSA for shogi, SGF for Go."""

from __future__ import annotations

import os
from pathlib import Path

from alphazero.errors import UserError
from alphazero.formats import csa, pgn, sgf
from alphazero.formats.game_text import GameText, clean
from alphazero.game import Game

FILES = {"shogi": "games.csa", "go": "games.sgf"}


def file_name(game: Game) -> str | None:
    """The name of the file that holds many games in the game's usual format; None where there is none (or no writer for it)."""
    if game.name == "chess" and pgn.available():
        return "games.pgn"
    return FILES.get(game.name)


def games_file(results: Path, game: Game) -> Path | None:
    """The file for the games beside a file of results; None where the game has no such format."""
    name = file_name(game)
    if name is None:
        return None
    return results.with_name(name.replace("games", results.stem.replace("results", "games"), 1))


def write(game: Game, told: GameText) -> str:
    """One game in that format."""
    if game.name == "chess":
        return pgn.write(told, chess960=bool(game.options["chess960"]))
    if game.name == "shogi":
        return csa.write(told)
    reason = told.reason.replace("_", " ")
    return sgf.write(
        game.position(),
        [*told.start.split(), *told.moves],
        black=clean(told.first),
        white=clean(told.second),
        result="" if told.value is None else sgf.result_text(told.value, told.score, told.reason),
        event=told.title,
        number=str(told.number + 1),
        comment=clean(f"{reason}: {told.note}" if told.note else reason),
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
