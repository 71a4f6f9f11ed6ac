"""Elo ratings from a graph of games: an Elo difference is an expected score, however many games are drawn.

With d = elo_first + advantage - elo_second, the first player's expected score is 1 / (1 + 10^(-d / 400)). The ratings are those
under which every player's expected points are the points it has (Bradley and Terry on points; Wedderburn's quasi-likelihood
1974). Draws enter the variance, not the scale: a model with a parameter for draws, as Davidson's, puts a draw between a
win and a loss on a scale of its own, and its Elo differences are then not those of the expected score.

A weak prior keeps every answer finite: each player has one imaginary draw against a player of the field's mean strength.
The first-move advantage has a standard deviation of 350 Elo around 0.

Intervals bound 95 %. Their covariance is the sandwich H^-1 J H^-1: H is the curvature, J the variance of the points, taken
from the residuals of colour-swapped pairs, whose two games share an opening. Where there is little to take it from (`_spread`)
it tends to that of games without draws: a single game, a 100 % score and a graph in pieces keep wide, honest intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Ints = NDArray[np.intp]
ELO = 400.0 / math.log(10.0)  # Elo points in one unit of log odds
PRIOR_DRAWS = 1.0  # imaginary draws of each player against the mean of the field
PRIOR_ADVANTAGE = 2.0  # standard deviation of the first-move advantage, in log odds
PRIOR_SPREAD = 1.0  # weight of what is expected of the variance, in units of p (1 - p): four even games
MODEL = (
    "expected score 1 / (1 + 10^(-d / 400)), draws as half points (quasi-likelihood), with first-move advantage; "
    "one imaginary draw a player; 95 % intervals from the variance of colour-swapped pairs"
)
NORMAL = 1.959964  # standard deviations on either side that hold 95 %


def expected_score(elo: float) -> float:
    """The mean score of a player who is `elo` points stronger."""
    return 1.0 / (1.0 + math.pow(10.0, -min(10_000.0, max(-10_000.0, elo)) / 400.0))


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

    def to_json(self) -> dict[str, Any]:
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
    results: Iterable[Mapping[str, Any]],
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
    names = sorted({str(game[side]) for game in games for side in ("first", "second")} | set(players))
    index = {name: i for i, name in enumerate(names)}
    known = dict(fixed) if fixed else {} if anchor is None else {anchor: anchor_elo}
    for name in known:
        if name not in index:
            raise ValueError(f"elo: the anchor '{name}' played no game; players are: {', '.join(names)}")
    played = _Games.of(games, index)
    middle = sum(known.values()) / max(1, len(known))
    held = {index[name]: (elo - middle) / ELO for name, elo in known.items()} if len(known) > 1 else {}
    x, covariance, inverse = _fit(len(names), played, held)

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


def units(results: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Games that depend on one another, together: the two of a colour-swapped pair ("pair"); all others alone.

    A third game with the number of a pair (files of two matches in a row) begins the next pair.
    """
    out: list[list[Mapping[str, Any]]] = []
    waiting: dict[Any, list[Mapping[str, Any]]] = {}
    for game in results:
        key = (game.get("pair"), frozenset((game["first"], game["second"])))
        if key in waiting and waiting[key][0]["first"] != game["first"]:
            waiting.pop(key).append(game)
            continue
        out.append([game])
        if game.get("pair") is not None:
            waiting[key] = out[-1]
    return out


@dataclass(frozen=True)
class _Games:
    """Games as columns, [G] each."""

    first: Ints  # player
    second: Ints
    score: F64  # of the first: 1, 1/2 or 0
    unit: Ints  # which of units()

    @staticmethod
    def of(results: Sequence[Mapping[str, Any]], index: Mapping[str, int]) -> _Games:
        rows = [
            (index[str(game["first"])], index[str(game["second"])], float(game["result"]), number)
            for number, unit in enumerate(units(results))
            for game in unit
        ]
        first, second, score, unit = np.array(rows, np.float64).reshape(-1, 4).T
        return _Games(first.astype(np.intp), second.astype(np.intp), score, unit.astype(np.intp))


def _sigmoid(d: F64) -> F64:
    """Never quite 0 or 1, so that no variance is."""
    out: F64 = 1.0 / (1.0 + np.exp(-np.clip(d, -30.0, 30.0)))
    return out


def _fit(players: int, games: _Games, held: Mapping[int, float]) -> tuple[F64, F64, F64]:
    """Newton's method on the penalised quasi-likelihood. Returns (parameters, covariance, inverse curvature).

    Parameters: a strength a player and the first-move advantage, in log odds. held: strengths that are known, by player; their
    rows of the covariance are 0. Where the games cannot tell the advantage from the strengths, as when one player
    always moved first, it is held at 0 and keeps the variance of its prior.
    """
    size = players + 1
    # Cells: who moved first against whom.
    cells, cell = np.unique(games.first * players + games.second, return_inverse=True)
    first, second = cells // players, cells % players
    n = np.bincount(cell, minlength=len(cells)).astype(np.float64)
    points = np.bincount(cell, games.score, len(cells))
    a = np.zeros((len(cells), size))  # d = a @ x
    a[np.arange(len(cells)), first] += 1.0
    a[np.arange(len(cells)), second] -= 1.0
    told = bool(np.abs(a[:, :-1] @ np.linalg.lstsq(a[:, :-1], np.ones(len(cells)))[0] - 1.0).max(initial=0.0) > 1e-6)
    a[:, -1] = float(told)
    x = np.zeros(size)
    for player, strength in held.items():
        x[player] = strength
    free = np.ix_(*2 * [[i for i in range(size) if i not in held]])
    centre = np.eye(size)
    centre[:-1, :-1] -= 1.0 / players

    def prior(x: F64) -> tuple[float, F64, F64]:
        """Its log density, gradient and curvature. The field's mean is pinned to 0 where nobody's rating is known."""
        s = (centre @ x)[:-1]
        p = _sigmoid(s)
        precision = 1.0 / PRIOR_ADVANTAGE**2
        value = -PRIOR_DRAWS * 0.5 * float((np.logaddexp(0.0, s) + np.logaddexp(0.0, -s)).sum())
        value -= 0.5 * precision * float(x[-1] ** 2)
        gradient = centre @ np.append(PRIOR_DRAWS * (0.5 - p), -precision * x[-1])
        curvature = centre @ np.diag(np.append(PRIOR_DRAWS * p * (1.0 - p), precision)) @ centre
        if not held:
            value -= 0.5 * float(x[:-1].sum()) ** 2 / players
            gradient[:-1] -= x[:-1].sum() / players
            curvature[:-1, :-1] += 1.0 / players
        return value, gradient, curvature

    def parts(x: F64) -> tuple[float, F64, F64]:
        d = a @ x
        p = _sigmoid(d)
        value, gradient, curvature = prior(x)
        value -= float((points * np.logaddexp(0.0, -d) + (n - points) * np.logaddexp(0.0, d)).sum())
        gradient = gradient + a.T @ (points - n * p)
        return value, gradient, curvature + a.T @ (a * (n * p * (1.0 - p))[:, None])

    value, gradient, curvature = parts(x)
    for _ in range(200):
        step = np.zeros(size)
        step[free[0].ravel()] = np.linalg.solve(curvature[free], gradient[free[0].ravel()])
        scale = 1.0
        while True:
            trial = x + scale * step
            new = parts(trial)
            if new[0] >= value - 1e-12 or scale < 1e-6:
                break
            scale /= 2
        x, (value, gradient, curvature) = trial, new
        if np.abs(scale * step).max() < 1e-10:
            break
    inverse = np.zeros((size, size))
    inverse[free] = np.linalg.inv(curvature[free])
    p = _sigmoid(a @ x)
    leverage = p * (1.0 - p) * np.einsum("ci,ij,cj->c", a, inverse, a)
    spread = _spread(games, p[cell], leverage[cell], players)
    spread[-1] *= told
    spread[:, -1] *= told
    covariance = inverse @ (spread + prior(x)[2]) @ inverse
    return x, (covariance + covariance.T) / 2.0, inverse


def _spread(games: _Games, p: F64, leverage: F64, players: int) -> F64:
    """J: the covariance of the score equations [players + 1, players + 1] from the residuals.

    p, leverage: [G], the expected score of the first, and what share of its own residual a game has taken by being fitted.

    Between two players the residuals of a unit add up to two numbers: points more than expected of the player with the lower
    index, and of whoever moved first. S, their sums of squares and products, is what is seen; T is the sum of p (1 - p). Seen
    variance counts for as much as there is of it:

    - two players' S is mixed T : PRIOR_SPREAD with what all games together say of their p (1 - p), though with no less than
      the variance that scores of 0, 1/2 and 1 of this mean must have: a one-sided score leaves no room for draws;
    - the whole is mixed T : PRIOR_SPREAD with the variance of games without draws.
    """
    size = players + 1
    if len(p) == 0:
        return np.zeros((size, size))
    low, high = np.minimum(games.first, games.second), np.maximum(games.first, games.second)
    meetings, meeting = np.unique(low * players + high, return_inverse=True)
    sides = np.stack([np.where(games.first == low, 1.0, -1.0), np.ones(len(p))], 1)  # [G, 2]
    variance = p * (1.0 - p)

    def total(values: F64, groups: Ints, count: int) -> F64:
        out = np.zeros((count, *values.shape[1:]))
        np.add.at(out, groups, values)
        return out

    residual = (games.score - p) / np.sqrt(1.0 - leverage)
    units = int(games.unit.max()) + 1
    seen = total(sides * residual[:, None], games.unit, units)  # [U, 2]
    of_unit = np.zeros(units, np.intp)
    of_unit[games.unit] = meeting
    s = total(seen[:, :, None] * seen[:, None, :], of_unit, len(meetings))  # [M, 2, 2]
    t = total(variance, meeting, len(meetings))
    pooled = (seen**2).sum(0) / t.sum()  # [2]: of variance / p (1 - p)
    both = sides[:, :, None] * sides[:, None, :] * variance[:, None, None]
    binomial = total(both, meeting, len(meetings))
    least = np.abs(p - 0.5) / np.maximum(p, 1.0 - p)
    scale = np.sqrt(np.maximum(pooled, least[:, None]))
    expected = total(both * scale[:, :, None] * scale[:, None, :], meeting, len(meetings))
    weight = (t / (t + PRIOR_SPREAD))[:, None, None]
    each = weight * s + (1.0 - weight) * expected
    share = t.sum() / (t.sum() + PRIOR_SPREAD)
    each = share * each + (1.0 - share) * binomial
    basis = np.zeros((len(meetings), 2, size))
    rows = np.arange(len(meetings))
    basis[rows, 0, meetings // players] = 1.0
    basis[rows, 0, meetings % players] = -1.0
    basis[rows, 1, -1] = 1.0
    spread: F64 = np.einsum("mai,mab,mbj->ij", basis, each, basis, optimize=True)
    return spread


def bootstrap(
    results: Sequence[Mapping[str, Any]],
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
