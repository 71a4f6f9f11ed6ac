"""Elo ratings from a graph of games: an Elo difference is an expected score, however many games are drawn.

With d = elo_first + advantage - elo_second, the first player's expected score is 1 / (1 + 10^(-d / 400)). The ratings are those
under which every player's expected points are the points it has (Bradley and Terry on points; Wedderburn's quasi-likelihood
1974). Draws enter the variance, not the scale: a model with a parameter for draws, as Davidson's, puts a draw between a
win and a loss on a scale of its own, and its Elo differences are then not those of the expected score.

A weak prior keeps every answer finite: each player has one imaginary draw against a player of the field's mean strength.
The first-move advantage has a standard deviation of 350 Elo around 0.

Intervals bound 95 %. Their covariance is the sandwich H^-1 J H^-1: H is the curvature, J the variance of the points, taken
from the residuals of colour-swapped pairs, whose two games share an opening. Where there is little to take it from (`fit`)
it tends to that of games without draws: a single game, a 100 % score and a graph in pieces keep wide, honest intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from alphazero.arena.fit import F64, Games, fit
from alphazero.formats.results import Result, players_of

ELO = 400.0 / math.log(10.0)  # Elo points in one unit of log odds
MODEL = (
    "expected score 1 / (1 + 10^(-d / 400)), draws as half points (quasi-likelihood), with first-move advantage; "
    "one imaginary draw a player; 95 % intervals from the variance of colour-swapped pairs"
)
NORMAL = 1.959964  # standard deviations on either side that hold 95 %


def expected_score(elo: float) -> float:
    """The mean score of a player who is `elo` points stronger."""
    return 1.0 / (1.0 + math.pow(10.0, -min(10_000.0, max(-10_000.0, elo)) / 400.0))


class RatedPlayer(TypedDict):
    """A player of elo.json, rounded."""

    name: str
    elo: float
    low: float
    high: float
    games: int
    score: float


class _Summary(TypedDict):
    players: list[RatedPlayer]
    model: str
    anchor: str
    first_advantage: float


class Summary(_Summary, total=False):
    """The object of elo.json, with what `alphazero elo --json` adds."""

    los: list[list[float]]
    bootstrap: dict[str, list[float]]


@dataclass(frozen=True)
class PlayerRating:
    """A player's rating; low and high bound 95 %; score is the share of points, in [0, 1]."""

    name: str
    elo: float
    low: float
    high: float
    games: int
    score: float


@dataclass(frozen=True)
class Ratings:
    """Ratings of all players, strongest first, and what they were fitted with."""

    players: list[PlayerRating]
    model: str
    anchor: str
    first_advantage: float  # Elo that moving first is worth
    first_low: float  # bounds of its 95 % interval
    first_high: float
    _index: dict[str, int]
    _elo: F64
    _covariance: F64  # of the ratings, Elo^2
    _curvature: F64  # its inverse, Elo^2

    def difference(self, a: str, b: str) -> tuple[float, float, float]:
        """(Elo of a over b, its lower and its upper 95 % bound)."""
        i, j = self._index[a], self._index[b]
        mean = float(self._elo[i] - self._elo[j])
        variance = self._covariance[i, i] + self._covariance[j, j] - 2.0 * self._covariance[i, j]
        spread = NORMAL * math.sqrt(max(0.0, float(variance)))
        return mean, mean - spread, mean + spread

    def los(self, a: str, b: str) -> float:
        """Likelihood of superiority: the probability that a is stronger than b, in [0, 1]."""
        mean, low, _ = self.difference(a, b)
        sigma = (mean - low) / NORMAL
        if sigma == 0.0:  # both ratings are known
            return 0.5 if mean == 0.0 else float(mean > 0.0)
        return 0.5 * (1.0 + math.erf(mean / sigma / math.sqrt(2.0)))

    def los_matrix(self) -> list[list[float]]:
        """los(a, b) for every two players, a by row and b by column, in the order of `players`."""
        return [[self.los(a.name, b.name) for b in self.players] for a in self.players]

    def planned(self, names: Sequence[str]) -> F64:
        """The inverse curvature for these players in Elo^2, their common level left out: their covariance without draws.

        What games to come are planned by. The covariance itself holds the chance of the residuals seen so far.
        """
        rows = [self._index[name] for name in names]
        centre = np.eye(len(rows)) - 1.0 / len(rows)
        covariance: F64 = centre @ self._curvature[np.ix_(rows, rows)] @ centre
        return covariance

    def elo_of(self, name: str) -> float:
        """A player's rating."""
        return float(self._elo[self._index[name]])

    def to_json(self) -> Summary:
        """The object that elo.json holds."""
        return {
            "players": [
                {
                    "name": p.name,
                    "elo": round(p.elo, 1),
                    "low": round(p.low, 1),
                    "high": round(p.high, 1),
                    "games": p.games,
                    "score": round(p.score, 4),
                }
                for p in self.players
            ],
            "model": self.model,
            "anchor": self.anchor,
            "first_advantage": round(self.first_advantage, 1),
        }


def rate(
    results: Iterable[Result],
    anchor: str | None = None,
    anchor_elo: float = 0.0,
    *,
    fixed: Mapping[str, float] | None = None,
    players: Sequence[str] = (),
) -> Ratings:
    """Ratings from games {"first": NAME, "second": NAME, "result": first player's score, 1, 0.5 or 0}.

    anchor: the player whose rating is `anchor_elo` by definition (default: the weakest). fixed: several such players with
    their known ratings, in place of `anchor`. players: further names to rate, though no game of theirs is there yet.
    ValueError: no games, an unknown anchor.
    """
    games = list(results)
    if not games and not players:
        raise ValueError("elo: no games to rate")
    names = sorted(players_of(games) | set(players))
    index = {name: i for i, name in enumerate(names)}
    known = dict(fixed) if fixed else {} if anchor is None else {anchor: anchor_elo}
    for name in known:
        if name not in index:
            raise ValueError(f"elo: the anchor '{name}' played no game; players are: {', '.join(names)}")
    played = Games.of(units(games), index)
    middle = sum(known.values()) / max(1, len(known))
    held = {index[name]: (elo - middle) / ELO for name, elo in known.items()} if len(known) > 1 else {}
    x, covariance, inverse = fit(len(names), played, held)

    count = np.bincount(played.first, minlength=len(names)) + np.bincount(played.second, minlength=len(names))
    points = np.bincount(played.first, played.score, len(names)) + np.bincount(
        played.second, 1.0 - played.score, len(names)
    )
    elo = ELO * x[:-1]
    zero = index[next(iter(known))] if known else int(np.argmin(elo))
    level = known.get(names[zero], 0.0)
    elo = elo - elo[zero] + level
    advantage = ELO * float(x[-1])
    spread = NORMAL * ELO * math.sqrt(float(covariance[-1, -1]))
    rated = Ratings(
        [],
        MODEL,
        ", ".join(known) if known else names[zero],
        advantage,
        advantage - spread,
        advantage + spread,
        index,
        elo,
        ELO**2 * covariance[:-1, :-1],
        ELO**2 * inverse[:-1, :-1],
    )
    rows = []
    for name, i in index.items():
        mean, low, high = (level + bound for bound in rated.difference(name, names[zero]))
        rows.append(PlayerRating(name, mean, low, high, int(count[i]), float(points[i] / max(1, count[i]))))
    rows.sort(key=lambda p: -p.elo)
    return replace(rated, players=rows)


def units(results: Iterable[Result]) -> list[list[Result]]:
    """Games that depend on one another, together: the two of a colour-swapped pair ("pair"); all others alone.

    A third game with the number of a pair (files of two matches in a row) begins the next pair.
    """
    out: list[list[Result]] = []
    waiting: dict[tuple[int | str | None, frozenset[str]], list[Result]] = {}
    for game in results:
        key = (game.get("pair"), frozenset((game["first"], game["second"])))
        if key in waiting and waiting[key][0]["first"] != game["first"]:
            waiting.pop(key).append(game)
            continue
        out.append([game])
        if game.get("pair") is not None:
            waiting[key] = out[-1]
    return out


def bootstrap(
    results: Sequence[Result],
    samples: int,
    seed: int = 0,
    anchor: str | None = None,
    fixed: Mapping[str, float] | None = None,
) -> dict[str, tuple[float, float]]:
    """95 % intervals by resampling: a check of the covariance's. {name: (low, high)}.

    What is drawn are colour-swapped pairs where the games say which ("pair"): their two games depend on one another.
    Without an anchor, the one that `rate` takes for all the games is kept.
    """
    rng = np.random.default_rng(seed)
    if anchor is None and not fixed:
        anchor = rate(results).anchor
    groups = units(results)
    draws: dict[str, list[float]] = {}
    for _ in range(samples):
        chosen = [game for i in rng.integers(0, len(groups), len(groups)) for game in groups[i]]
        try:
            rated = rate(chosen, anchor, fixed=fixed)
        except ValueError:  # the anchor was not drawn
            continue
        for player in rated.players:
            draws.setdefault(player.name, []).append(player.elo)
    return {name: (float(np.quantile(x, 0.025)), float(np.quantile(x, 0.975))) for name, x in draws.items()}
