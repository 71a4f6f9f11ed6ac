"""Which file the games of a match or a replay go into: PGN for chess, CSA for shogi."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alphazero.arena import csa, pgn
from alphazero.errors import UserError
from alphazero.game import Game


def file_name(game: Game) -> str | None:
    """The name of the file that holds many games in the game's usual format; None where there is none (or no writer for it)."""
    if game.name == "chess" and pgn.available():
        return "games.pgn"
    return "games.csa" if game.name == "shogi" else None


def text(game: Game, moves: list[str], **about: Any) -> str:
    """One game in that format. about: white and black (names of the first and the second player), value, reason, start, ..."""
    if game.name == "chess":
        return pgn.text(moves, chess960=bool(game.options["chess960"]), **about)
    return csa.text(moves, **about)


def append(path: Path, game_text: str) -> None:
    """Adds a game to such a file."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(game_text)
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error
