"""Numbers as people type them, on a command line or in a list of anchors: read within bounds, or refused in a few words."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

from alphazero.text import shown

Value = TypeVar("Value", int, float)

MOST_GAMES = 1_000_000  # of a match: what is to be played is listed in memory
MOST_ELO = 100_000  # beyond any rating there is

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


elo = number(-MOST_ELO, MOST_ELO)
