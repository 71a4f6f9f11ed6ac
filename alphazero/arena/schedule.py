"""Which games a tournament is made of: round robin, gauntlet, and a ladder that plays where a game says most.

Round robin and gauntlet follow from the arguments alone. The ladder goes in rounds, and each round's pairings follow from
the results of the rounds before it and the seed (which names the openings): whoever has the results file can go on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from alphazero.arena.match import Pairing, colour_balanced
from alphazero.arena.ratings import ELO, Ratings, expected_score, rate
from alphazero.formats.results import Result

Form = Literal["round-robin", "gauntlet", "ladder"]
Starts = Callable[[int, int, int, int], list[str]]  # (player, player, how many, round) -> openings, as text


def round_robin(players: int, games: int, starts: Starts) -> list[Pairing]:
    """Every player against every other, `games` games each, colours balanced."""
    return _schedule(list(itertools.combinations(range(players), 2)), games, starts)


def gauntlet(players: int, games: int, starts: Starts) -> list[Pairing]:
    """The first player against every other."""
    return _schedule([(0, other) for other in range(1, players)], games, starts)


def ladder(
    names: Sequence[str],
    rounds: int,
    games: int,
    starts: Starts,
    play: Callable[[list[Pairing]], list[Result]],
) -> list[Result]:
    """Plays the rounds of a ladder; each has as many pairings as fill all chairs, `games` games each.

    play(schedule) plays what is missing of a schedule that grows, and returns the results of all of it in order.
    """
    schedule: list[Pairing] = []
    results: list[Result] = []
    for number in range(rounds):
        pairs = informative_pairs(names, results, max(1, len(names) // 2), games)
        schedule += _schedule(pairs, games, starts, number, len(schedule))
        results = play(schedule)
    return results


def informative_pairs(names: Sequence[str], results: Sequence[Result], count: int, games: int) -> list[tuple[int, int]]:
    """The `count` pairings from which `games` games each are expected to teach most, chosen one after another.

    With C the covariance of the ratings without draws (their common level left out) and a = e_i - e_j, n games of information w each
    take n w |C a|^2 / (1 + n w a'Ca) off the sum of all variances (Sherman and Morrison): most for players whose ratings
    are uncertain and near one another, as w is that of a game at the fitted difference, p (1 - p). After
    each choice C is what it will be. Among equals the players nearest in the list meet first.
    """
    rated = rate(results, players=names)
    covariance = rated.planned(names)
    chosen: list[tuple[int, int]] = []
    for _ in range(count):
        total = float(np.trace(covariance))
        best: tuple[tuple[float, int, int], int, int, float] | None = None
        for i, j in itertools.combinations(range(len(names)), 2):
            information = games * game_information(rated, names[i], names[j])
            moved = covariance[:, i] - covariance[:, j]
            spread = float(moved[i] - moved[j])
            gain = information * float(moved @ moved) / (1.0 + information * spread)
            key = (-round(gain / total, 6), j - i, i)  # rounded: sums in another order must not choose otherwise
            if best is None or key < best[0]:
                best = (key, i, j, information)
        if best is None:
            break
        _, i, j, information = best
        moved = covariance[:, i] - covariance[:, j]
        covariance = covariance - information * np.outer(moved, moved) / (1.0 + information * (moved[i] - moved[j]))
        chosen.append((i, j))
    return chosen


def game_information(rated: Ratings, a: str, b: str) -> float:
    """Information on the difference of two ratings in a game without draws, in Elo^-2; the mean of both colours.

    Draws multiply it, and the covariance's inverse, by much the same for all, and so do not change what is chosen.
    """
    difference = rated.elo_of(a) - rated.elo_of(b)
    total = 0.0
    for advantage in (rated.first_advantage, -rated.first_advantage):
        p = expected_score(difference + advantage)
        total += p * (1.0 - p)
    return total / 2.0 / ELO**2


def _schedule(
    pairs: Sequence[tuple[int, int]], games: int, starts: Starts, number: int = 0, begin: int = 0
) -> list[Pairing]:
    schedule: list[Pairing] = []
    for a, b in pairs:
        openings = starts(a, b, (games + 1) // 2, number)
        schedule += colour_balanced(a, b, openings, first_pair=begin + len(schedule))[:games]
    return schedule
