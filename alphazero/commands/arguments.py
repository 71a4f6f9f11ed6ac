"""Numbers on a command line: `type=whole(1, 100)` refuses anything else in a few words, before anything is loaded."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

from alphazero._core import search_bounds
from alphazero.text import shown

Value = TypeVar("Value", int, float)

# What a machine can serve at all.
MOST_GAMES = 1_000_000  # of a match: what is to be played is listed in memory
MOST_SIMULATIONS = int(search_bounds()["simulations"][1])
MOST_PLIES = 10_000
MOST_ELO = 100_000  # beyond any rating there is
MOST_AT_A_TIME = 256  # games with engines or clocks; each may be two processes

# Plain digits only: int() and float() read other scripts, underscores and blanks, too. Nor more digits than any bound.
WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""
    return _within(int, WHOLE, "a whole number", low, high)


def number(low: float, high: float) -> Callable[[str], float]:
    """A number from `low` to `high`."""
    return _within(float, NUMBER, "a number", low, high)


def _within(
    kind: Callable[[str], Value], form: re.Pattern[str], called: str, low: float, high: float
) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        if not form.fullmatch(text):
            raise argparse.ArgumentTypeError(f"must be {called}, got {shown(text)}")
        value = kind(text)
        if not low <= value <= high:
            bound = f">= {low:.12g}" if value < low else f"<= {high:.12g}"
            raise argparse.ArgumentTypeError(f"must be {bound}, got {text if len(text) <= 40 else shown(text)}")
        return value

    return read


games = whole(1, MOST_GAMES)
simulations = whole(1, MOST_SIMULATIONS)
plies = whole(0, MOST_PLIES)
seed = whole(0, 2**31)  # as in a configuration
elo = number(-MOST_ELO, MOST_ELO)
share = number(1e-9, 0.5)  # of errors that a test may make
