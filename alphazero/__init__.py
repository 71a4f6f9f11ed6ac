"""AlphaZero for Go and other board games: rules, search, self-play training, play and ratings.

import alphazero as az
game = az.Game("go", board_size=9)
position = game.position()
player = az.load("runs/quickstart")
"""

from __future__ import annotations

import os

# GNU OpenMP's threads spin for milliseconds before they sleep. Where something else uses a core, the thread they wait for does
# not run meanwhile, and a small network on a CPU gets 50 times slower. A short spin costs little and avoids that. It has to be
# said before torch is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from alphazero.core_choice import load_core

load_core()

from alphazero._core import __version__
from alphazero.game import Game, IllegalMove, Outcome, Position, games
from alphazero.headers import get_cmake_dir, get_include
from alphazero.player import Evaluation, Player, load
from alphazero.research import BatchSearch, read_games, search_batch, self_play, train
from alphazero.search import MoveStats, Search, SearchResult

__all__ = [
    "BatchSearch",
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
    "get_cmake_dir",
    "get_include",
    "load",
    "read_games",
    "search_batch",
    "self_play",
    "train",
]
