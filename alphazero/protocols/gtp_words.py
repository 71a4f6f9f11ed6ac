"""Arguments of GTP commands: colours, vertices, numbers and times as controllers write them. GtpError where one is none."""

from __future__ import annotations

import re

from alphazero.formats.sgf_values import COLUMNS


class GtpError(Exception):
    """A command that fails: its text is the reply after `?`."""


def colour_of(word: str) -> str:
    colours = {"b": "B", "black": "B", "w": "W", "white": "W"}
    if word.lower() not in colours:
        raise GtpError("syntax error")
    return colours[word.lower()]


def need(arguments: list[str], count: int) -> None:
    if len(arguments) < count:
        raise GtpError("syntax error")


def number_of(arguments: list[str]) -> int:
    need(arguments, 1)
    if not re.fullmatch(r"[0-9]{1,9}", arguments[0]):
        raise GtpError("syntax error")
    return int(arguments[0])


def seconds_of(word: str) -> float:
    """A time, zero or more."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]*)?|\.[0-9]+", word):
        raise GtpError("syntax error")
    return float(word)


def vertex_of(word: str, size: int) -> str:
    """A point of the board as the rules write it, "D4"; no pass."""
    name = word.upper()
    if re.fullmatch(r"[A-HJ-T][0-9]{1,2}", name):
        point = f"{name[0]}{int(name[1:])}"
        if point[0] in COLUMNS[:size] and 1 <= int(point[1:]) <= size:
            return point
    raise GtpError("syntax error")
