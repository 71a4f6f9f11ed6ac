"""The sequential probability ratio test: play until it is known whether A is stronger than B by this much.

The log likelihood ratio is the generalised one for the mean score of H0 against H1 with the variance as observed (Van den
Bergh, "A practical introduction to the GSPRT"): N ((s1 - s0) (2 mean - s0 - s1)) / (2 variance). Colour-swapped pairs count
as one observation (pentanomial), which takes out the opening's and the colour's share of the variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


def expected_score(elo: float) -> float:
    """The mean score of a player who is `elo` points stronger."""
    return 1.0 / (1.0 + math.pow(10.0, -elo / 400.0))


def observations(results: Iterable[Mapping[str, Any]], a: str, b: str) -> tuple[list[float], int, int]:
    """A's score a pair (mean of the two games) and a game that has no partner; how many games, how many pairs."""
    waiting: dict[Any, tuple[str, float]] = {}
    scores: list[float] = []
    games = pairs = 0
    for game in results:
        if {game["first"], game["second"]} != {a, b}:
            continue
        games += 1
        score = float(game["result"]) if game["first"] == a else 1.0 - float(game["result"])
        key = game.get("pair", "consecutive")
        if key in waiting and waiting[key][0] != game["first"]:
            scores.append((waiting.pop(key)[1] + score) / 2.0)
            pairs += 1
        else:
            if key in waiting:
                scores.append(waiting[key][1])
            waiting[key] = (str(game["first"]), score)
    return scores + [score for _, score in waiting.values()], games, pairs


def sprt(
    results: Iterable[Mapping[str, Any]],
    a: str,
    b: str,
    elo0: float = 0.0,
    elo1: float = 10.0,
    alpha: float = 0.05,
    beta: float = 0.05,
) -> dict[str, Any]:
    """H0: A is elo0 stronger than B; H1: elo1. alpha, beta: the rates of wrongly accepting H1, H0.

    Returns {"llr", "lower", "upper", "verdict": "H0" | "H1" | "continue", "games", "pairs"}. ValueError for bad bounds.
    """
    if not elo0 < elo1:
        raise ValueError(f"sprt: elo0 must be below elo1, got {elo0:g} and {elo1:g}")
    if not (0.0 < alpha < 0.5 and 0.0 < beta < 0.5):
        raise ValueError(f"sprt: alpha and beta must be between 0 and 0.5, got {alpha:g} and {beta:g}")
    scores, games, pairs = observations(results, a, b)
    if games == 0:
        raise ValueError(f"sprt: no games between '{a}' and '{b}'")
    lower, upper = math.log(beta / (1.0 - alpha)), math.log((1.0 - beta) / alpha)
    n = len(scores)
    mean = sum(scores) / n
    # Half a win and half a loss more keep the variance from 0 while all games end alike.
    variance = (sum((s - mean) ** 2 for s in scores) + 0.5 * ((1.0 - mean) ** 2 + mean**2)) / (n + 1.0)
    s0, s1 = expected_score(elo0), expected_score(elo1)
    llr = n * (s1 - s0) * (2.0 * mean - s0 - s1) / (2.0 * variance)
    verdict = "H1" if llr >= upper else "H0" if llr <= lower else "continue"
    return {
        "llr": round(llr, 4),
        "lower": round(lower, 4),
        "upper": round(upper, 4),
        "verdict": verdict,
        "games": games,
        "pairs": pairs,
    }
