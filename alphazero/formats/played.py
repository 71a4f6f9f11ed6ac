"""A game that was read, played through by the rules that its file names: for the page and for commands."""

from __future__ import annotations

from collections.abc import Iterator

from alphazero.errors import UserError
from alphazero.formats.game_text import GameText
from alphazero.game import Game, Position, make


def begin(told: GameText, where: str) -> tuple[Game, Position]:
    """The game and its start position. UserError: the file has one that the rules do not know."""
    game = make(told.game, {"chess960": True} if told.chess960 else {})
    try:
        return game, game.position(told.start) if told.start else game.position()
    except ValueError as error:
        raise UserError(f"{where}: start position: {error}") from error


def positions(told: GameText, start: Position, most: int) -> Iterator[Position]:
    """The positions after each of the moves, `most` at most; told.warnings gets the first that is illegal, and the end there."""
    position = start.copy()
    for number, move in enumerate(told.moves[:most], 1):
        try:
            position.play(move)
        except ValueError as error:
            told.warnings.append(f"move {number}: {error}; it and what follows are left out")
            return
        yield position.copy()
