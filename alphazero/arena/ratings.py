"""Elo ratings by maximum likelihood over the graph of games, with draws and the first player's advantage.

The model is Davidson's (1970) with a first-move term: with d = (elo_first + advantage - elo_second) ln 10 / 400,

    P(first wins) : P(draw) : P(second wins)  =  exp(d / 2) : nu : exp(-d / 2),

so that without draws it is the usual Elo curve. Davidson rather than BayesElo's rule because the expected score stays a
sufficient statistic: a player's rating depends on points and opponents alone, and the likelihood is concave.

A weak prior keeps every answer finite: each player has one imaginary draw against a player of the field's mean strength,
which leaves a single game, a 100 % score and a graph in pieces with wide, honest intervals. Intervals bound 95 % and come
from the inverse Hessian of the log posterior, relative to the anchor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
ELO = 400.0 / math.log(10.0)  # Elo points in one unit of log odds
PRIOR_DRAWS = 1.0  # imaginary draws of each player against the mean of the field
MODEL = "Davidson 1970 with first-move advantage; one imaginary draw a player"


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
    draw_parameter: float  # Davidson's nu; 0 where no game was drawn
    _index: dict[str, int]
    _elo: F64
    _covariance: F64  # of the ratings, Elo^2

    def difference(self, a: str, b: str) -> tuple[float, float, float]:
        """(Elo of a over b, its lower and its upper 95 % bound)."""
        i, j = self._index[a], self._index[b]
        mean = float(self._elo[i] - self._elo[j])
        variance = self._covariance[i, i] + self._covariance[j, j] - 2.0 * self._covariance[i, j]
        spread = 1.959964 * math.sqrt(max(0.0, float(variance)))
        return mean, mean - spread, mean + spread

    def los(self, a: str, b: str) -> float:
        """Likelihood of superiority: the probability that a is stronger than b, in [0, 1]."""
        mean, low, _ = self.difference(a, b)
        sigma = (mean - low) / 1.959964
        return 0.5 if sigma == 0.0 else 0.5 * (1.0 + math.erf(mean / sigma / math.sqrt(2.0)))

    def los_matrix(self) -> list[list[float]]:
        """los(a, b) for every two players, a by row and b by column, in the order of `players`."""
        return [[self.los(a.name, b.name) for b in self.players] for a in self.players]

    def covariance(self, names: Sequence[str]) -> F64:
        """Of these players' ratings in Elo^2, their common level left out."""
        rows = [self._index[name] for name in names]
        centre = np.eye(len(rows)) - 1.0 / len(rows)
        covariance: F64 = centre @ self._covariance[np.ix_(rows, rows)] @ centre
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
    counts: dict[tuple[str, str], list[float]] = {}
    for game in results:
        cell = counts.setdefault((str(game["first"]), str(game["second"])), [0.0, 0.0, 0.0])
        cell[{1.0: 0, 0.5: 1, 0.0: 2}[float(game["result"])]] += 1.0
    if not counts and not players:
        raise ValueError("elo: no games to rate")
    names = sorted({name for pair in counts for name in pair} | set(players))
    index = {name: i for i, name in enumerate(names)}
    known = dict(fixed) if fixed else {} if anchor is None else {anchor: anchor_elo}
    for name in known:
        if name not in index:
            raise ValueError(f"elo: the anchor '{name}' played no game; players are: {', '.join(names)}")
    first = np.array([index[a] for a, _ in counts], np.intp)
    second = np.array([index[b] for _, b in counts], np.intp)
    table = np.array(list(counts.values())).reshape(-1, 3)  # [pairs, 3] wins, draws, losses of the first
    middle = sum(known.values()) / max(1, len(known))
    held = {index[name]: (elo - middle) / ELO for name, elo in known.items()} if len(known) > 1 else {}
    x, covariance, has_draws = _fit(len(names), first, second, table, held)

    games = np.zeros(len(names))
    points = np.zeros(len(names))
    np.add.at(games, first, table.sum(1))
    np.add.at(games, second, table.sum(1))
    np.add.at(points, first, table @ [1.0, 0.5, 0.0])
    np.add.at(points, second, table @ [0.0, 0.5, 1.0])
    elo = ELO * x[: len(names)]
    own = ELO**2 * covariance[: len(names), : len(names)]
    zero = index[next(iter(known))] if known else int(np.argmin(elo))
    level = known.get(names[zero], 0.0)
    elo = elo - elo[zero] + level
    advantage = ELO * float(x[-2])
    spread = 1.959964 * ELO * math.sqrt(max(0.0, float(covariance[-2, -2])))
    rated = Ratings(
        [],
        MODEL,
        ", ".join(known) if known else names[zero],
        advantage,
        advantage - spread,
        advantage + spread,
        math.exp(x[-1]) if has_draws else 0.0,
        index,
        elo,
        own,
    )
    rows = []
    for name, i in index.items():
        mean, low, high = (level + bound for bound in rated.difference(name, names[zero]))
        rows.append(PlayerRating(name, mean, low, high, int(games[i]), float(points[i] / max(1.0, games[i]))))
    rows.sort(key=lambda p: -p.elo)
    return replace(rated, players=rows)


def _fit(
    players: int, first: NDArray[np.intp], second: NDArray[np.intp], table: F64, held: Mapping[int, float]
) -> tuple[F64, F64, bool]:
    """Newton's method on the log posterior. Returns (parameters, covariance, whether draws were seen).

    Parameters: a strength a player, the first-move advantage (both in log odds), ln nu. Without draws nu is held at 0;
    with one colour only for every pairing the advantage is tied to 0 by its prior. held: strengths that are known, by player;
    their rows of the covariance are 0.
    """
    size = players + 2
    has_draws = bool(table[:, 1].sum() > 0)
    rows = len(table)
    a = np.zeros((rows, size))  # d = a @ x
    a[np.arange(rows), first] += 1.0
    a[np.arange(rows), second] -= 1.0
    a[:, players] = 1.0
    n = table.sum(1)
    centre = np.eye(players) - 1.0 / players
    x = np.zeros(size)
    for player, strength in held.items():
        x[player] = strength
    free = np.array([i for i in range(size) if i not in held])
    x[-1] = math.log(max(0.05, 2.0 * table[:, 1].sum() / max(1.0, n.sum()))) if has_draws else -40.0
    hessian = np.eye(size)

    def parts(x: F64) -> tuple[float, F64, F64]:
        d = a @ x
        up, down, nu = np.exp(np.minimum(d, 600) / 2), np.exp(np.minimum(-d, 600) / 2), math.exp(x[-1])
        total = up + down + nu
        win, draw, loss = up / total, nu / total, down / total
        value = float((table[:, 0] * np.log(win) + table[:, 2] * np.log(loss)).sum())
        if has_draws:
            value += float((table[:, 1] * np.log(draw)).sum())
        score = (table[:, 0] - table[:, 2]) / 2 - n * (win - loss) / 2
        gradient = a.T @ score
        curve = n * ((win + loss) - (win - loss) ** 2) / 4
        negative = a.T @ (a * curve[:, None])
        if has_draws:
            gradient[-1] += float((table[:, 1] - n * draw).sum())
            cross = -n * draw * (win - loss) / 2
            negative[-1, :] += a.T @ cross
            negative[:, -1] += a.T @ cross
            negative[-1, -1] += float((n * draw * (1 - draw)).sum())
        # The prior: a draw of each player against the mean, in the model without draws two half points.
        s = centre @ x[:players]
        p = 1.0 / (1.0 + np.exp(-s))
        value -= float(PRIOR_DRAWS * 0.5 * (np.logaddexp(0.0, s) + np.logaddexp(0.0, -s)).sum())
        gradient[:players] += centre.T @ (PRIOR_DRAWS * (0.5 - p))
        negative[:players, :players] += centre.T @ (centre * (PRIOR_DRAWS * p * (1 - p))[:, None])
        negative[:players, :players] += 1e-9 / players  # the common level is free: pin it
        value -= 0.5 * float(x[players] ** 2) / 4.0  # the advantage: standard deviation 2 in log odds, 350 Elo
        gradient[players] -= x[players] / 4.0
        negative[players, players] += 0.25
        if not has_draws:
            negative[-1, -1] = 1.0
            gradient[-1] = 0.0
        else:  # nu within a factor of e^4 or so
            value -= 0.5 * float((x[-1] / 4.0) ** 2)
            gradient[-1] -= x[-1] / 16.0
            negative[-1, -1] += 1.0 / 16.0
        return value, gradient, negative

    value, gradient, hessian = parts(x)
    for _ in range(200):
        step = np.zeros(size)
        step[free] = np.linalg.lstsq(hessian[np.ix_(free, free)], gradient[free], rcond=1e-12)[0]
        scale = 1.0
        while True:
            trial = x + scale * step
            new = parts(trial)
            if new[0] >= value - 1e-12 or scale < 1e-6:
                break
            scale /= 2
        x, (value, gradient, hessian) = trial, new
        if np.abs(scale * step).max() < 1e-10:
            break
    covariance: F64 = np.zeros((size, size))
    covariance[np.ix_(free, free)] = np.linalg.pinv(hessian[np.ix_(free, free)], rcond=1e-12)
    return x, covariance, has_draws


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
    units: dict[Any, list[Mapping[str, Any]]] = {}
    for number, game in enumerate(results):
        both = tuple(sorted((str(game["first"]), str(game["second"]))))
        units.setdefault((game["pair"], both) if "pair" in game else number, []).append(game)
    groups = list(units.values())
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
