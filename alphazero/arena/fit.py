"""The fit of ratings to games: the penalised quasi-likelihood, where it is greatest, and how sure that is.

What is fitted, and why so, is told in `ratings`. All here is in log odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphazero.formats.results import Result

F64 = NDArray[np.float64]
Ints = NDArray[np.intp]
PRIOR_DRAWS = 1.0  # imaginary draws of each player against the mean of the field
PRIOR_ADVANTAGE = 2.0  # standard deviation of the first-move advantage, in log odds
PRIOR_SPREAD = 1.0  # weight of what is expected of the variance, in units of p (1 - p): four even games


@dataclass(frozen=True)
class Games:
    """Games as columns, [G] each."""

    first: Ints  # player
    second: Ints
    score: F64  # of the first: 1, 1/2 or 0
    unit: Ints  # which of the units that are independent

    @staticmethod
    def of(units: Sequence[Sequence[Result]], index: Mapping[str, int]) -> Games:
        """units: games that depend on one another, together."""
        rows = [
            (index[game["first"]], index[game["second"]], float(game["result"]), number)
            for number, unit in enumerate(units)
            for game in unit
        ]
        first, second, score, unit = np.array(rows, np.float64).reshape(-1, 4).T
        return Games(first.astype(np.intp), second.astype(np.intp), score, unit.astype(np.intp))


def sigmoid(d: F64) -> F64:
    """Never quite 0 or 1, so that no variance is."""
    out: F64 = 1.0 / (1.0 + np.exp(-np.clip(d, -30.0, 30.0)))
    return out


class _Likelihood:
    """The penalised quasi-likelihood of parameters x: a strength a player, then the first-move advantage. d = a @ x.

    held: strengths that are known, by player. Where the games cannot tell the advantage from the strengths, as when one player
    always moved first, `told` is False and the games say nothing of it.
    """

    def __init__(self, players: int, games: Games, held: Mapping[int, float]):
        self.players = players
        self.held = held
        self.size = players + 1
        # Cells: who moved first against whom.
        cells, self.cell = np.unique(games.first * players + games.second, return_inverse=True)
        first, second = cells // players, cells % players
        self.n = np.bincount(self.cell, minlength=len(cells)).astype(np.float64)
        self.points = np.bincount(self.cell, games.score, len(cells))
        a = np.zeros((len(cells), self.size))
        a[np.arange(len(cells)), first] += 1.0
        a[np.arange(len(cells)), second] -= 1.0
        off = a[:, :-1] @ np.linalg.lstsq(a[:, :-1], np.ones(len(cells)))[0] - 1.0
        self.told = bool(np.abs(off).max(initial=0.0) > 1e-6)
        a[:, -1] = float(self.told)
        self.a = a
        self.free = np.array([i for i in range(self.size) if i not in held], np.intp)
        self.centre = np.eye(self.size)
        self.centre[:-1, :-1] -= 1.0 / players

    def start(self) -> F64:
        """Parameters to begin with: what is known, 0 else."""
        x = np.zeros(self.size)
        for player, strength in self.held.items():
            x[player] = strength
        return x

    def prior(self, x: F64) -> tuple[float, F64, F64]:
        """Its log density, gradient and curvature. The field's mean is pinned to 0 where nobody's rating is known."""
        s = (self.centre @ x)[:-1]
        p = sigmoid(s)
        precision = 1.0 / PRIOR_ADVANTAGE**2
        value = -PRIOR_DRAWS * 0.5 * float((np.logaddexp(0.0, s) + np.logaddexp(0.0, -s)).sum())
        value -= 0.5 * precision * float(x[-1] ** 2)
        gradient = self.centre @ np.append(PRIOR_DRAWS * (0.5 - p), -precision * x[-1])
        curvature = self.centre @ np.diag(np.append(PRIOR_DRAWS * p * (1.0 - p), precision)) @ self.centre
        if not self.held:
            value -= 0.5 * float(x[:-1].sum()) ** 2 / self.players
            gradient[:-1] -= x[:-1].sum() / self.players
            curvature[:-1, :-1] += 1.0 / self.players
        return value, gradient, curvature

    def at(self, x: F64) -> tuple[float, F64, F64]:
        """Value, gradient and curvature."""
        d = self.a @ x
        p = sigmoid(d)
        value, gradient, curvature = self.prior(x)
        value -= float((self.points * np.logaddexp(0.0, -d) + (self.n - self.points) * np.logaddexp(0.0, d)).sum())
        gradient = gradient + self.a.T @ (self.points - self.n * p)
        return value, gradient, curvature + self.a.T @ (self.a * (self.n * p * (1.0 - p))[:, None])


def fit(players: int, games: Games, held: Mapping[int, float]) -> tuple[F64, F64, F64]:
    """(parameters, covariance, inverse curvature): a strength a player and the first-move advantage.

    held: strengths that are known, by player; their rows of the covariance are 0. An advantage that the games cannot tell is
    held at 0 and keeps the variance of its prior.
    """
    likelihood = _Likelihood(players, games, held)
    x, curvature = _maximum(likelihood)
    size, a, free = likelihood.size, likelihood.a, np.ix_(likelihood.free, likelihood.free)
    inverse = np.zeros((size, size))
    inverse[free] = np.linalg.inv(curvature[free])
    p = sigmoid(a @ x)
    leverage = p * (1.0 - p) * np.einsum("ci,ij,cj->c", a, inverse, a)
    spread = _spread(games, p[likelihood.cell], leverage[likelihood.cell], players)
    spread[-1] *= likelihood.told
    spread[:, -1] *= likelihood.told
    covariance = inverse @ (spread + likelihood.prior(x)[2]) @ inverse
    return x, (covariance + covariance.T) / 2.0, inverse


def _maximum(likelihood: _Likelihood) -> tuple[F64, F64]:
    """Newton's method: the parameters where the likelihood is greatest, and its curvature there."""
    free = likelihood.free
    x = likelihood.start()
    value, gradient, curvature = likelihood.at(x)
    for _ in range(200):
        step = np.zeros(likelihood.size)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        scale = 1.0
        while True:
            trial = x + scale * step
            new = likelihood.at(trial)
            if new[0] >= value - 1e-12 or scale < 1e-6:
                break
            scale /= 2
        x, (value, gradient, curvature) = trial, new
        if np.abs(scale * step).max() < 1e-10:
            break
    return x, curvature


def _spread(games: Games, p: F64, leverage: F64, players: int) -> F64:
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
