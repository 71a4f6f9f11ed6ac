"""Game options given on a command line as KEY=VALUE."""

from __future__ import annotations

from typing import Any

import yaml

from alphazero.errors import UserError
from alphazero.game import Game, make


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """["board_size=9", "ko=simple"] as a dict; values are read as YAML scalars."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UserError(f"--option {pair}: expected KEY=VALUE, e.g. board_size=9")
        options[key] = yaml.safe_load(value)
    return options


def game_from(name: str, pairs: list[str]) -> Game:
    """The game `name` with options given as KEY=VALUE."""
    return make(name, parse_options(pairs))
