"""Options as UCI and USI list and set them: what a GUI may change of an engine, how its values are read and checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alphazero.search_settings import SearchField, SettingValue

YES, NO = ("true", "1", "on", "yes"), ("false", "0", "off", "no")


def whole(text: str) -> int | None:
    """A number as programs write it, its fraction cut off; None where it is none."""
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return int(max(-1e15, min(1e15, number))) if math.isfinite(number) else None


class ProtocolError(Exception):
    """A command that makes no sense; its text goes to the GUI as `info string error: ...`."""


@dataclass(frozen=True)
class Option:
    """One option of an engine as both protocols list and set it. apply gets a bool, an int, a float or a text."""

    name: str
    kind: str  # check, spin, string, number (a string to GUIs), combo, button
    default: object
    apply: Callable[[Any], None]
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        if self.kind == "button":
            return f"option name {self.name} type button"
        default = str(self.default).lower() if self.kind == "check" else self.default
        text = f"option name {self.name} type {'string' if self.kind == 'number' else self.kind} default {default}"
        if self.kind == "spin":
            text += f" min {self.low} max {self.high}"
        return text + "".join(f" var {choice}" for choice in self.choices)

    def set(self, value: str) -> str:
        """Checks a value and applies it; returns what there is to say about it. ProtocolError says what would be right."""
        match self.kind:
            case "check":
                if value.lower() not in YES + NO:
                    raise ProtocolError(f"{self.name} must be true or false, got '{value}'")
                self.apply(value.lower() in YES)
            case "spin":
                number = whole(value)
                if number is None:
                    raise ProtocolError(f"{self.name} must be a whole number in {self.low}..{self.high}, got '{value}'")
                within = int(max(self.low, min(self.high, number)))
                self.apply(within)
                if within != number:
                    return f"{self.name} must be in {self.low}..{self.high}: {within} is taken for {number}"
            case "number":
                try:
                    real = float(value)
                except ValueError:
                    real = math.nan
                if not self.low <= real <= self.high:
                    raise ProtocolError(f"{self.name} must be a number in {self.low}..{self.high}, got '{value}'")
                self.apply(real)
            case "combo":
                if value.lower() not in self.choices:
                    raise ProtocolError(f"{self.name} must be {' or '.join(self.choices)}, got '{value}'")
                self.apply(value.lower())
            case _:
                self.apply(value)
        return ""


def of_field(row: SearchField, value: SettingValue, apply: Callable[[Any], None]) -> Option:
    """The option that sets this setting of a search."""
    if row.choices:
        return Option(row.option, "combo", value, apply, choices=row.choices)
    if isinstance(row.default, bool):
        return Option(row.option, "check", value, apply)
    if isinstance(row.default, int):
        return Option(row.option, "spin", value, apply, int(row.low), int(row.high))
    return Option(row.option, "number", f"{value:g}", apply, row.low, row.high)
