"""What comes from outside the core: games of installed packages, found when their name is asked for, and a user's modules.

A package names its games in the entry point group `alphazero.games`: the game's name, and a function without arguments that
returns the path of a library of games (cpp/bind/library.h). Ours does so for OpenSpiel's games. docs/add-game.md shows one.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from alphazero._core import Game, Pool, games, load_games
from alphazero.errors import UserError

GROUP = "alphazero.games"


def names() -> list[str]:
    """The games that installed packages name, whether they were loaded or not."""
    return sorted({each.name for each in entry_points(group=GROUP)} - set(games()))


def load(name: str) -> None:
    """Brings the game `name` into the core, where a package has it. Called by the core for a name that it does not know.

    UserError says in one line what keeps the package's game from being loaded.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            _load(entry)
            return


def look_in_this_folder() -> None:
    """Has Python look for modules in the current folder, too, after all other places: the user names one of theirs
    (rules=module:Class, network.kind=module:Class). Until then it is left out, so that no file there passes for a package.
    """
    with suppress(OSError):  # the folder is gone
        here = str(Path.cwd())
        if not {"", here} & set(sys.path):
            sys.path.append(here)


def check_pool(game: Game) -> None:
    """ValueError where the game's rules are for the single search alone (games/game.h): no self-play, training or matches."""
    layout = {"games_in_flight": 1, "batch_size": 1, "threads": 0, "games": 1}
    Pool(game, layout, [{"evaluator": 0, "simulations": 1}]).close()


def _load(entry: EntryPoint) -> None:
    package = entry.dist.name if entry.dist else entry.value
    try:
        path = entry.load()()
        if path is not None:  # None: it loaded its library itself
            load_games(str(path))
    except UserError:
        raise
    except Exception as error:  # whatever the package does wrong, it is told in a line that names it
        raise UserError(f"game '{entry.name}' of the package {package}: {error or type(error).__name__}") from error
    if entry.name not in games():
        raise UserError(f"game '{entry.name}' of the package {package}: its library has no game of this name")
