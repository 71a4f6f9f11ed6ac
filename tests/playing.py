"""Games move by move, told as they end."""

from __future__ import annotations

from alphazero.arena import clocked


def play(game, entrants, pairings, on_game, **settings) -> None:
    """on_game(number, PlayedGame) for each game that clocked.play hands out."""
    for number, played in clocked.play(game, entrants, pairings, **settings):
        on_game(number, played)
