"""Levels of strength for people, 1 to 10: how many simulations, how flat the priors, how freely the move is drawn.

A weaker level searches less and plays more of what it thinks little of; it errs as a beginner does, by overlooking, and not by
blunders on purpose. 10 is full strength. tools/calibrate_levels.py measures what a level is worth; docs/levels.md has the figures.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from alphazero.search import SearchResult
from alphazero.search_settings import SettingValue

MOST = 10


@dataclass(frozen=True)
class Level:
    """How a level plays.

    simulations: a move's, 0: no bound of its own. flatness: the priors' temperature; 0: as always. freedom: the temperature of
    the drawn move, in visits; 0: the best.
    """

    simulations: int
    flatness: float
    freedom: float

    def settings(self) -> dict[str, SettingValue]:
        """The settings of its searches that differ from full strength's."""
        return {"policy_temperature": self.flatness} if self.flatness else {}


USUAL = (
    Level(10, 8.0, 4.0),
    Level(12, 4.0, 2.0),
    Level(16, 3.0, 1.5),
    Level(20, 2.5, 1.2),
    Level(24, 2.0, 1.0),
    Level(32, 1.6, 0.8),
    Level(48, 1.4, 0.6),
    Level(80, 0.0, 0.4),
    Level(160, 0.0, 0.2),
    Level(0, 0.0, 0.0),
)
# By game, for the shipped network, spaced by tournaments. USUAL for all others.
LADDERS: dict[str, tuple[Level, ...]] = {
    "chess": (
        Level(27, 1.85, 0.93),
        Level(33, 1.62, 0.8),
        Level(46, 1.47, 0.62),
        Level(60, 0.0, 0.48),
        Level(78, 0.0, 0.36),
        Level(102, 0.0, 0.268),
        Level(151, 0.0, 0.165),
        Level(186, 0.0, 0.13),
        Level(230, 0.0, 0.1),
        Level(0, 0.0, 0.0),
    ),
    "go": (
        Level(10, 5.0, 2.5),
        Level(13, 3.0, 1.55),
        Level(16, 2.35, 1.12),
        Level(18, 1.85, 0.85),
        Level(21, 1.45, 0.66),
        Level(29, 0.0, 0.33),
        Level(48, 0.0, 0.14),
        Level(88, 0.0, 0.06),
        Level(170, 0.0, 0.03),
        Level(0, 0.0, 0.0),
    ),
    "shogi": (
        Level(8, 8.0, 4.0),
        Level(18, 3.3, 0.98),
        Level(20, 2.85, 0.8),
        Level(23, 2.5, 0.63),
        Level(28, 2.04, 0.463),
        Level(36, 0.0, 0.29),
        Level(46, 0.0, 0.195),
        Level(60, 0.0, 0.125),
        Level(78, 0.0, 0.075),
        Level(0, 0.0, 0.0),
    ),
}
# By game: Elo of each level over random, and the half-width of its 95 % interval against level 5. Level 10 by as many simulations
# as docs/levels.md tells.
ELO: dict[str, tuple[tuple[int, int], ...]] = {
    "chess": (
        (901, 99),
        (1029, 89),
        (1258, 75),
        (1469, 69),
        (1650, 0),
        (1841, 63),
        (2018, 69),
        (2101, 68),
        (2223, 84),
        (2406, 117),
    ),
    "shogi": (
        (769, 138),
        (909, 130),
        (1035, 130),
        (1167, 111),
        (1399, 0),
        (1602, 105),
        (1753, 124),
        (1927, 143),
        (2128, 239),
        (2295, 459),
    ),
}


def ladder(game: str) -> tuple[Level, ...]:
    """The levels of a game, the weakest first."""
    return LADDERS.get(game, USUAL)


def level_of(number: int, game: str) -> Level:
    """ValueError: no such level."""
    if not 1 <= number <= MOST:
        raise ValueError(f"a level is a number from 1 to {MOST}, got {number}")
    return ladder(game)[number - 1]


def draw(result: SearchResult, freedom: float, draws: random.Random) -> str:
    """A move in proportion to visits ** (1 / freedom); a win that is seen is taken, and a loss that is seen is not."""
    if not freedom or result.proof == "win":
        return result.best_move
    moves = [each for each in result.moves if each.visits and (each.proof != "loss" or result.proof == "loss")]
    most = max((each.visits for each in moves), default=0)
    if not most:
        return result.best_move
    return draws.choices([each.move for each in moves], [(each.visits / most) ** (1.0 / freedom) for each in moves])[0]


def elo_range(game: str) -> tuple[int, int]:
    """The weakest and the strongest level's Elo; (0, 3000) where the levels of the game were not measured."""
    known = ELO.get(game)
    return (known[0][0], known[-1][0]) if known else (0, 3000)


def nearest(game: str, elo: int) -> int:
    """The level whose Elo is nearest to this; by equal steps over the range where they were not measured."""
    known = ELO.get(game)
    if known:
        return 1 + min(range(MOST), key=lambda i: abs(known[i][0] - elo))
    low, high = elo_range(game)
    return max(1, min(MOST, 1 + round((MOST - 1) * (elo - low) / (high - low))))
