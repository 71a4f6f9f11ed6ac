"""Levels of strength for people, 1 to 10: how many simulations, how flat the priors, how freely the move is drawn.

A weaker level searches less and plays more of what it thinks little of; it errs as a beginner does, by overlooking, and not by
blunders on purpose. 10 is full strength. What a level is worth in Elo is not measured yet: tools/calibrate_levels.py does it.
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
# By game, where the shipped network's levels were spaced by tournaments, for even steps; what they are worth in Elo was not
# measured. USUAL for all others.
LADDERS: dict[str, tuple[Level, ...]] = {
    "chess": (
        Level(10, 8.0, 4.0),
        Level(13, 3.6, 1.8),
        Level(20, 2.5, 1.2),
        Level(22, 2.2, 1.1),
        Level(25, 2.0, 1.0),
        Level(30, 1.7, 0.85),
        Level(36, 1.55, 0.75),
        Level(43, 1.5, 0.65),
        Level(52, 1.4, 0.55),
        Level(0, 0.0, 0.0),
    ),
}
# By game: Elo of each level and the half-width of its 95 % interval.
ELO: dict[str, tuple[tuple[int, int], ...]] = {}


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
