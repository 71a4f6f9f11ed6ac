"""Game options given on a command line as KEY=VALUE."""

from __future__ import annotations

import yaml

from alphazero.config import parse_yaml
from alphazero.errors import UserError
from alphazero.game import Game, OptionValue, make
from alphazero.text import shown


def parse_options(pairs: list[str]) -> dict[str, OptionValue]:
    """["board_size=9", "ko=simple"] as a dict; values are read as YAML scalars."""
    options: dict[str, OptionValue] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UserError(f"--option {shown(pair)}: expected KEY=VALUE, e.g. board_size=9")
        try:
            read = parse_yaml(value)
        except yaml.YAMLError as error:
            raise UserError(f"--option {shown(pair)}: the value cannot be read") from error
        if not isinstance(read, (bool, int, float, str)):
            raise UserError(f"--option {shown(pair)}: the value must be true, false, a number or text")
        options[key] = read
    return options


def game_from(name: str, pairs: list[str]) -> Game:
    """The game `name` with options given as KEY=VALUE."""
    return make(name, parse_options(pairs))
