"""Games and positions: the compiled rules under their public names."""

from __future__ import annotations

from typing import Any

from alphazero._core import Game, IllegalMove, Outcome, Position, games

__all__ = ["Game", "IllegalMove", "Outcome", "Position", "games", "make"]


def make(name: str, options: dict[str, Any] | None = None) -> Game:
    """The game `name` with these options: what `Game(name, **options)` gives, for options that come as a dict.

    ValueError names an option that the game does not have.
    """
    options = options or {}
    for key in ("self", "name"):  # parameters of Game itself, which Python would take them for
        if key in options:
            raise ValueError(f"{name}: unknown option '{key}'; options are: {', '.join(sorted(Game(name).options))}")
    return Game(name, **options)
