"""Games and positions: the compiled rules under their public names."""

from __future__ import annotations

from collections.abc import Mapping

from alphazero._core import Game, IllegalMove, Outcome, Position
from alphazero._core import games as of_the_core
from alphazero.errors import UserError
from alphazero.outside import look_in_this_folder
from alphazero.outside import names as from_outside
from alphazero.text import did_you_mean, shown

OptionValue = int | float | bool | str

NAMES = {  # of games for people, the best known first
    "go": "Go",
    "chess": "Chess",
    "shogi": "Shogi",
    "connect4": "Connect Four",
    "minishogi": "Minishogi",
    "gardner": "Gardner minichess",
}

__all__ = ["Game", "IllegalMove", "OptionValue", "Outcome", "Position", "games", "in_words", "make"]


FAMILIES = {"open_spiel": "game", "python": "rules"}  # each is many games; this option says which


def games() -> list[str]:
    """The names of the games that need no option: the core's own, and those that installed packages bring."""
    return [name for name in (*of_the_core(), *from_outside()) if name not in FAMILIES]


def make(name: str, options: Mapping[str, OptionValue] | None = None) -> Game:
    """The game `name` with these options: what `Game(name, **options)` gives, for options that come as a dict.

    ValueError names an option that the game does not have; UserError suggests a game for a mistyped name, and says where
    a game of a package comes from that is not installed.
    """
    options = dict(options or {})
    for key in ("self", "name"):  # parameters of Game itself, which Python would take them for
        if key in options:
            raise ValueError(f"{name}: unknown option '{key}'; options are: {', '.join(sorted(Game(name).options))}")
    if name == "python":
        look_in_this_folder()
    try:
        return Game(name, **options)
    except ValueError:
        known = [*games(), *FAMILIES]
        if name in known:
            raise
        every = [f"'{each}'" for each in games()]
        every += [f"'{each}' (option {option} says which)" for each, option in FAMILIES.items()]
        hint = did_you_mean(name, known) or "; a game from outside needs its package installed"
        raise UserError(f"unknown game {shown(name)}; games are: {', '.join(every)}{hint}") from None


def in_words(game: Game) -> str:
    """A game for a heading, such as "Go 9x9, komi 7" or "Chess960"."""
    options = game.options
    if game.name == "go":
        return f"Go {options['board_size']}x{options['board_size']}, komi {float(options['komi']):g}"
    return "Chess960" if options.get("chess960") else NAMES.get(game.name, game.name)
