"""AlphaZero for Go and other board games: rules, search, self-play training, play and ratings.

import alphazero as az
game = az.Game("go", board_size=9)
position = game.position()
player = az.load("runs/quickstart")
"""

from __future__ import annotations

from alphazero._core import __version__
from alphazero.game import Game, IllegalMove, Outcome, Position, games
from alphazero.player import Evaluation, Player, load
from alphazero.search import MoveStats, Search, SearchResult

__all__ = [
    "Evaluation",
    "Game",
    "IllegalMove",
    "MoveStats",
    "Outcome",
    "Player",
    "Position",
    "Search",
    "SearchResult",
    "__version__",
    "games",
    "load",
]
