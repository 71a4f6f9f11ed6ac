"""log.jsonl as columns of numbers: its lines are parsed once, and curves are thinned to what a graph can show."""

from __future__ import annotations

import json
import math
from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

AXES = {"minutes": "minutes", "games": "games", "steps": "training steps"}
LOSSES = {"train/policy_loss": "Policy loss", "train/value_loss": "Value loss"}
PLOTS = {  # beside Elo and losses: the log's figure and its title
    "speed/evaluations_per_second": "Evaluations a second",
    "selfplay/game_length": "Game length in plies",
    "selfplay/draws": "Share of draws",
    "train/policy_entropy": "Policy entropy in nats",
}
RATING = ("rating/elo", "rating/low", "rating/high")
DRAWN = (*LOSSES, *PLOTS, *RATING)
TOLD = ("train/learning_rate", "selfplay/evaluations", "replay/games", "replay/positions")  # the newest value is used
MOST_POINTS = 600  # of a curve: about one for each pixel
MOST_VALUE = 1e15  # of a figure; beyond it a run has diverged
MOST_WARNED = 40  # newest lines whose warnings are told
F64 = NDArray[np.float64]
Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Line:
    """A line of log.jsonl: seconds and step, and the figures that are used. odd: those that are no numbers that can be drawn."""

    seconds: float
    step: int
    figures: dict[str, float]
    warnings: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rating:
    """A checkpoint's Elo above the run's first, with its 95 % interval."""

    step: int
    seconds: float
    elo: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Told:
    """What a log has told so far. It never changes, so any thread may draw it. Equal: the same object."""

    curves: Mapping[tuple[str, str], Curve] = field(default_factory=dict)  # by figure and axis
    ratings: tuple[Rating, ...] = ()
    places: Curve = ()  # steps, and the games that were played then
    newest: Mapping[str, float] = field(default_factory=dict)  # the newest value of each figure
    lines: int = 0
    seconds: float = 0.0
    step: int = 0
    warnings: tuple[str, ...] = ()
    unread: int = 0  # lines that are no lines of a log
    odd: tuple[str, ...] = ()  # figures of the newest line that cannot be drawn


def number(value: object, most: float = MOST_VALUE) -> float | None:
    """A JSON value as a number that can be drawn; None where it is none: a text, true, NaN, or beyond `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        read = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return read if math.isfinite(read) and abs(read) <= most else None


def read_line(text: bytes) -> Line | None:
    """A line of log.jsonl; None where it is none."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict):
        return None
    seconds, step = number(read.get("seconds")), number(read.get("step"))
    if seconds is None or step is None or seconds < 0 or step < 0:
        return None
    figures = {key: value for key in (*DRAWN, *TOLD) if (value := number(read.get(key))) is not None}
    odd = tuple(key for key in (*DRAWN, *TOLD) if key in read and key not in figures)
    warnings = read.get("warnings")
    told = tuple(str(each)[:500] for each in warnings[:MOST_WARNED]) if isinstance(warnings, list) else ()
    return Line(seconds, int(step), figures, told, odd)


class Log:
    """The lines of a log, a column a figure; NaN where a line lacks it."""

    def __init__(self) -> None:
        self._x = {axis: array("d") for axis in AXES}
        self._columns = {key: array("d") for key in DRAWN}
        self._newest: dict[str, float] = {}
        self._warnings: deque[tuple[str, ...]] = deque(maxlen=MOST_WARNED)
        self._last: Line | None = None
        self._unread = 0

    def add(self, text: bytes) -> None:
        """Takes a line's bytes."""
        line = read_line(text)
        if line is None:
            self._unread += bool(text.strip())
            return
        self._newest |= line.figures
        x = {
            "minutes": line.seconds / 60.0,
            "steps": float(line.step),
            "games": self._newest.get("replay/games", 0.0),
        }
        for axis, column in self._x.items():
            column.append(x[axis])
        for key, column in self._columns.items():
            column.append(line.figures.get(key, math.nan))
        self._warnings.append(line.warnings)
        self._last = line

    def told(self) -> Told:
        """What can be drawn of it."""
        if self._last is None:
            return Told(unread=self._unread)
        x = {axis: np.array(column) for axis, column in self._x.items()}
        values = {key: np.array(column) for key, column in self._columns.items()}
        curves = {}
        for key in (*LOSSES, *PLOTS):
            there = np.flatnonzero(~np.isnan(values[key]))
            there = there[kept(values[key][there])]
            for axis in AXES:
                curves[key, axis] = curve(x[axis][there], values[key][there])
        some = kept(x["games"])
        return Told(
            curves,
            _ratings(x, values),
            curve(x["steps"][some], x["games"][some]),
            dict(self._newest),
            len(x["steps"]),
            self._last.seconds,
            self._last.step,
            tuple(warning for each in self._warnings for warning in each)[-3:],
            self._unread,
            self._last.odd,
        )


def _ratings(x: Mapping[str, F64], values: Mapping[str, F64]) -> tuple[Rating, ...]:
    """Those told while the run trained."""
    elo, low, high = (values[key] for key in RATING)
    rated = np.flatnonzero(~np.isnan(elo + low + high))
    return tuple(
        Rating(int(x["steps"][i]), 60.0 * float(x["minutes"][i]), float(elo[i]), float(low[i]), float(high[i]))
        for i in rated[-MOST_POINTS:]
    )


def kept(y: F64, most: int = MOST_POINTS) -> NDArray[np.intp]:
    """Which points of a curve are drawn, at most so many: its ends, and the lowest and highest of each stretch."""
    count = len(y)
    if count <= most:
        return np.arange(count)
    wide = -(-count // (most // 2 - 1))
    stretches = np.pad(y, (0, -count % wide), mode="edge").reshape(-1, wide)
    begins = np.arange(0, count, wide)
    both = np.concatenate((begins + stretches.argmin(1), begins + stretches.argmax(1), [0, count - 1]))
    return np.unique(np.minimum(both, count - 1))


def curve(x: F64, y: F64) -> Curve:
    """Points of two columns."""
    return tuple(zip(x.tolist(), y.tolist(), strict=True))
