"""A measured figure, and what is measured: the games and networks by the names that figures carry."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphazero.config import NetworkConfig
from alphazero.game import Game, OptionValue, make

if TYPE_CHECKING:
    from alphazero.network import Network

BOARDS: dict[str, tuple[str, dict[str, OptionValue]]] = {
    "chess": ("chess", {}),
    "shogi": ("shogi", {}),
    "go9": ("go", {"board_size": 9}),
    "go19": ("go", {"board_size": 19}),
    "connect4": ("connect4", {}),
}
NETS = [
    ("4x32", "connect4", 4, 32),
    ("5x64", "go9", 5, 64),
    ("5x64", "chess", 5, 64),
]  # (name, board, blocks, channels)


@dataclass(frozen=True)
class Figure:
    """A measured number: n runs, their median, least and greatest."""

    name: str
    value: float
    unit: str
    n: int
    median: float
    min: float
    max: float


def measure(name: str, unit: str, repeat: int, once: Callable[[], float]) -> Figure:
    """Runs `once` `repeat` times; the figure is the median."""
    return figure_of(name, unit, [once() for _ in range(repeat)])


def figure_of(name: str, unit: str, values: list[float]) -> Figure:
    """The figure that these runs make."""
    median = statistics.median(values)
    return Figure(name, median, unit, len(values), median, min(values), max(values))


def rate(work: Callable[[], int], seconds: float) -> float:
    """How much `work` gets done a second: it returns how much it did, and is called until the time is up."""
    done, begin = 0, time.perf_counter()
    while (used := time.perf_counter() - begin) < seconds or done == 0:
        done += work()
    return done / used


def board(label: str) -> Game:
    """The game that a figure's name means."""
    name, options = BOARDS[label]
    return make(name, options)


def network(label: str, blocks: int, channels: int) -> Network:
    """An untrained network for a board."""
    from alphazero.network import Network, shape_of

    return Network(shape_of(board(label)), NetworkConfig(blocks=blocks, channels=channels))
