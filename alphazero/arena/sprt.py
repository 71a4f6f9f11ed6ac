"""The sequential probability ratio test: play until it is known whether A is stronger than B by this much.

What is tested is A's mean score: s0 under H0, s1 under H1, which elo0 and elo1 mean on the ratings' own scale (logistic Elo
of the expected score; draws do not stretch it, and normalised Elo is something else). Colour-swapped pairs count as one
observation of 0, 1/4, 1/2, 3/4 or 1 (pentanomial), which takes out the opening's and the colour's share of the variance. Games
without a partner count as one each (trinomial), those with A first and those with A second apart: between them stands the
first-move advantage, which is fitted under either hypothesis as the ratings fit it. The log likelihood ratio is the generalised
one (Van den Bergh, "A practical introduction to the GSPRT"): the likelihood of the counts under the distribution of mean s1
that fits them best, over the same for s0. The usual short formula, with the variance as observed, is its limit for s1 near s0;
with wide hypotheses it decides too early.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from alphazero.arena.fit import PRIOR_ADVANTAGE
from alphazero.arena.ratings import ELO, expected_score, units
from alphazero.formats.results import Result

F64 = NDArray[np.float64]
SCORES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # of an observation
MOST_ELO = 2000.0  # of a hypothesis: beyond, a mean score is 0 or 1 but for a hundred-thousandth
LEAST_ELO = 0.01  # between the hypotheses: what billions of games could tell
SEEN = 1e-3  # the count of a score that did not occur yet: it may still


class Verdict(TypedDict):
    """What a test says of the games so far; verdict: "H0", "H1" or "continue"."""

    llr: float
    lower: float
    upper: float
    verdict: str
    games: int
    pairs: int


def bounds(alpha: float, beta: float) -> tuple[float, float]:
    """Wald's: H0 is accepted at the lower, H1 at the upper log likelihood ratio."""
    return math.log(beta / (1.0 - alpha)), math.log((1.0 - beta) / alpha)


def log_likelihood_ratio(counts: F64, elo0: float, elo1: float) -> F64:
    """Of H1 to H0. counts: [..., 5], how often each of SCORES occurred; returns [...], a test each."""
    ratio: F64 = _log_likelihood(counts, expected_score(elo1)) - _log_likelihood(counts, expected_score(elo0))
    return ratio


def _log_likelihood(counts: F64, mean: float | F64) -> F64:
    """Of the counts [..., 5] under the distribution of this mean that fits them best, over that of any mean: [...], <= 0.

    Each count is divided by 1 + t (score - mean), where t solves sum n (score - mean) / (1 + t (score - mean)) = 0, which
    falls in t: Newton's method, halving where it leaves the bracket. mean: one for all, or [...].
    """
    # The five scores first: what is long is then contiguous.
    n = np.ascontiguousarray(np.moveaxis(np.maximum(np.asarray(counts, np.float64), SEEN), -1, 0))
    mean = np.broadcast_to(np.asarray(mean, np.float64), n.shape[1:])
    off = SCORES.reshape(5, *[1] * (n.ndim - 1)) - mean
    low, high = -1.0 / (1.0 - mean), 1.0 / mean
    t = np.zeros(n.shape[1:])
    for _ in range(100):
        parts = off / (1.0 + t * off)
        terms = n * parts
        value, slope = terms.sum(0), (terms * parts).sum(0)
        low, high = np.where(value > 0.0, t, low), np.where(value > 0.0, high, t)
        trial = t + value / slope
        trial = np.where((trial <= low) | (trial >= high), (low + high) / 2.0, trial)
        moved = float(np.abs(trial - t).max(initial=0.0))
        t = trial
        if moved < 1e-9:
            break
    likelihood: F64 = -(n * np.log1p(t * off)).sum(0)
    return likelihood


def _unpaired(first: F64, second: F64, difference: F64, elo: float) -> float:
    """Log likelihood of games without a partner if A is `elo` stronger, with the first-move advantage that suits them best.

    first, second: [5], A's scores as first and as second player. difference: [5], how often the games of a pair gave A
    0, 1/4, 1/2, 3/4 or 1 = (1 + score as first - score as second) / 2: pairs tell the advantage too. Its prior is that of the
    ratings. Where it cannot be told, A having moved first (or second) always, it is 0, as there.
    """
    told = difference.sum() > 0 or (first.sum() > 0 and second.sum() > 0)
    span = 4.0 * PRIOR_ADVANTAGE * float(told)  # log odds
    around = 0.0
    while True:  # a finer grid about the best: the curve may have two tops while it is wide
        advantage = around + span * np.linspace(-1.0, 1.0, 65)
        as_first = 1.0 / (1.0 + np.exp(-(elo / ELO + advantage)))
        as_second = 1.0 / (1.0 + np.exp(-(elo / ELO - advantage)))
        value = -0.5 * (advantage / PRIOR_ADVANTAGE) ** 2
        for counts, mean in ((first, as_first), (second, as_second), (difference, (1.0 + as_first - as_second) / 2.0)):
            if counts.sum() > 0:
                value += _log_likelihood(np.tile(counts, (65, 1)), mean)
        around = float(advantage[value.argmax()])
        span /= 16.0
        if span < 1e-6:
            return float(value.max())


def mean_and_variance(counts: F64) -> tuple[float, float]:
    """Of one observation, from the counts of SCORES; half a 0 and half a 1 more keep the variance from 0."""
    n = np.asarray(counts, np.float64)
    mean = float(n @ SCORES / n.sum())
    weights = n + np.array([0.5, 0.0, 0.0, 0.0, 0.5])
    return mean, float(weights @ (SCORES - mean) ** 2 / weights.sum())


def expected_length(
    score: float, variance: float, elo0: float, elo1: float, alpha: float = 0.05, beta: float = 0.05
) -> float:
    """How many observations (pairs, or single games) the test takes on average where A's true mean score is `score`.

    Wald (1947): the ratio walks with drift m = (s1 - s0) (2 score - s0 - s1) / (2 variance) and variance v = (s1 - s0)^2 /
    variance a step; with h = -2 m / v it leaves [L, U] upwards with probability p = (1 - exp(h L)) / (exp(h U) - exp(h L)),
    after (p U + (1 - p) L) / m steps (-L U / v where m = 0). The last step overshoots by 0.583 sqrt(v) on average
    (Siegmund 1985, chapter X): L and U are taken that much wider. variance: of one observation.
    """
    s0, s1 = expected_score(elo0), expected_score(elo1)
    step = (s1 - s0) ** 2 / variance
    drift = (s1 - s0) * (2.0 * score - s0 - s1) / (2.0 * variance)
    lower, upper = bounds(alpha, beta)
    lower, upper = lower - 0.583 * math.sqrt(step), upper + 0.583 * math.sqrt(step)
    h = -2.0 * drift / step
    if abs(h) * (upper - lower) < 1e-6:
        return -lower * upper / step
    if h > 0.0:  # both forms are the same; each keeps its powers below 1
        up = (math.exp(-h * upper) - math.exp(h * (lower - upper))) / (1.0 - math.exp(h * (lower - upper)))
    else:
        up = (1.0 - math.exp(-h * lower)) / (1.0 - math.exp(h * (upper - lower)))
    return (up * upper + (1.0 - up) * lower) / drift


def tallies(results: Iterable[Result], a: str, b: str) -> dict[str, F64]:
    """The games of A with B as counts of SCORES, [5] each.

    pairs: A's mean score in a colour-swapped pair; difference: (1 + score as first - score as second) / 2 in a pair; first,
    second: A's score as first and as second player in games without a partner.
    """
    scores: dict[str, list[float]] = {"pairs": [], "difference": [], "first": [], "second": []}
    for unit in _units(results, a, b):
        mine = [points(game, a) for game in unit]
        if len(unit) == 2:
            as_first, as_second = mine if unit[0]["first"] == a else mine[::-1]
            scores["pairs"].append((as_first + as_second) / 2.0)
            scores["difference"].append((1.0 + as_first - as_second) / 2.0)
        else:
            scores["first" if unit[0]["first"] == a else "second"] += mine
    return {name: counts_of(each) for name, each in scores.items()}


def _units(results: Iterable[Result], a: str, b: str) -> list[list[Result]]:
    """The games of A with B by pairs; where they do not say which are ("pair"), two in a row with colours swapped are one."""
    games = [game for game in results if {game["first"], game["second"]} == {a, b}]
    return units([{**game, "pair": game.get("pair", "consecutive")} for game in games])


def points(game: Result, a: str) -> float:
    """What this game of A's gave it: 1, 1/2 or 0."""
    return float(game["result"]) if game["first"] == a else 1.0 - float(game["result"])


@dataclass(frozen=True)
class PairScores:
    """How a match went by pairs: what openings and colours add to the variance is not in it.

    pentanomial: how many colour-swapped pairs gave A 0, 1/2, 1, 3/2, 2 points; games without a partner are not counted.
    nelo: normalised Elo, (mean score - 1/2) / (standard deviation of a game's score) * 800 / ln 10, the deviation from the
    variance of pairs (of single games where there are no pairs), as fishtest and fastchess define it: what decides how
    long a test takes. None where all scores are the same and not 1/2.
    """

    pentanomial: list[int]
    nelo: float | None

    @staticmethod
    def of(results: Iterable[Result], a: str, b: str) -> PairScores:
        grouped = [[points(game, a) for game in unit] for unit in _units(results, a, b)]
        pairs = [unit for unit in grouped if len(unit) == 2]
        chosen = pairs or grouped
        size = len(chosen[0]) if chosen else 1
        scores = np.array([sum(each) / size for each in chosen])
        edge = float(scores.mean()) - 0.5 if chosen else 0.0
        deviation = math.sqrt(size) * float(scores.std()) if chosen else 0.0
        nelo = 2.0 * ELO * edge / deviation if deviation > 0.0 else 0.0 if edge == 0.0 else None
        return PairScores([int(n) for n in counts_of([sum(each) / 2.0 for each in pairs])], nelo)

    def as_text(self) -> str:
        told = "not defined: every score is the same" if self.nelo is None else f"{self.nelo:+.1f}"
        shown = ", ".join(str(n) for n in self.pentanomial)
        return f"pairs with 0, 1/2, 1, 3/2, 2 points (pentanomial): [{shown}]; normalised Elo {told}"


def counts_of(scores: Iterable[float]) -> F64:
    """[5]: how often each of SCORES occurs."""
    counts = np.zeros(5)
    for score in scores:
        counts[round(4.0 * score)] += 1.0
    return counts


@dataclass(frozen=True)
class Sprt:
    """The hypotheses and error rates of a test. ValueError for bad ones.

    H0: A is elo0 stronger than B; H1: elo1, both logistic Elo of the expected score, as ratings are. alpha, beta: the rates of
    wrongly accepting H1, H0.
    """

    elo0: float = 0.0
    elo1: float = 10.0
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        if not self.elo0 < self.elo1:
            raise ValueError(f"sprt: elo0 must be below elo1, got {self.elo0:g} and {self.elo1:g}")
        if self.elo0 < -MOST_ELO or self.elo1 > MOST_ELO:
            raise ValueError(
                f"sprt: elo0 and elo1 must be in {-MOST_ELO:g}..{MOST_ELO:g}, got {self.elo0:g} and {self.elo1:g}"
            )
        if self.elo1 - self.elo0 < LEAST_ELO:
            raise ValueError(
                f"sprt: elo1 must be at least {LEAST_ELO:g} above elo0, got {self.elo0:.12g} and {self.elo1:.12g}"
            )
        if not (0.0 < self.alpha < 0.5 and 0.0 < self.beta < 0.5):
            raise ValueError(f"sprt: alpha and beta must be between 0 and 0.5, got {self.alpha:g} and {self.beta:g}")

    def verdict(self, llr: float) -> str:
        """ "H0", "H1", or "continue"."""
        lower, upper = bounds(self.alpha, self.beta)
        return "H1" if llr >= upper else "H0" if llr <= lower else "continue"

    def judge(self, results: Iterable[Result], a: str, b: str) -> Verdict:
        """{"llr", "lower", "upper", "verdict": "H0" | "H1" | "continue", "games", "pairs"} of all these games of A with B.

        Where they are numbered pairs and their test was decided before the last, it is that verdict: games that were under
        way then take nothing from it, as in the match that played them.
        """
        results = list(results)
        decided = self._decided(results, a, b)
        if decided is not None:
            return decided
        counts = tallies(results, a, b)
        alone = (counts["first"], counts["second"], counts["difference"])
        pairs, single = int(counts["pairs"].sum()), int(alone[0].sum() + alone[1].sum())
        if pairs + single == 0:
            raise ValueError(f"sprt: no games between '{a}' and '{b}'")
        llr = float(log_likelihood_ratio(counts["pairs"], self.elo0, self.elo1)) if pairs else 0.0
        if single:
            llr += _unpaired(*alone, self.elo1) - _unpaired(*alone, self.elo0)
        lower, upper = bounds(self.alpha, self.beta)
        return {
            "llr": round(llr, 4),
            "lower": round(lower, 4),
            "upper": round(upper, 4),
            "verdict": self.verdict(llr),
            "games": 2 * pairs + single,
            "pairs": pairs,
        }

    def _decided(self, results: Iterable[Result], a: str, b: str) -> Verdict | None:
        """The first verdict, where pairs are numbered from 0 and no number names a third game."""
        games = [game for game in results if {game["first"], game["second"]} == {a, b}]
        if not all(isinstance(game.get("pair"), int) for game in games):
            return None
        if len({(game["pair"], game["first"]) for game in games}) < len(games):
            return None
        test = PairwiseTest(self, a)
        return test.as_json() if any(test.add(game) != "continue" for game in games) else None

    def lengths(self, results: Iterable[Result], a: str, b: str) -> tuple[float, float, float]:
        """Observations that the test takes on average if H0, if H1 is true, and in the worst case halfway between.

        With the variance of an observation as these games have it.
        """
        counts = tallies(results, a, b)
        _, spread = mean_and_variance(counts["pairs"] + counts["first"] + counts["second"])
        s0, s1 = expected_score(self.elo0), expected_score(self.elo1)
        about = (self.elo0, self.elo1, self.alpha, self.beta)
        return (
            expected_length(s0, spread, *about),
            expected_length(s1, spread, *about),
            expected_length((s0 + s1) / 2.0, spread, *about),
        )


class PairwiseTest:
    """The test while games come in: pairs are judged one by one, in the order of their numbers, once both games are over.

    In that order, because games under way at once end shortest first: to judge them as they end would favour the player who
    wins quickly. What the first verdict was stays.
    """

    def __init__(self, sprt: Sprt, a: str):
        self.sprt = sprt
        self.a = a
        self.llr = 0.0
        self.verdict = "continue"
        self.pairs = 0
        self._counts = np.zeros(5)
        self._waiting: dict[int, list[float]] = {}

    def add(self, game: Result) -> str:
        """Takes a game with its "pair", a number from 0; returns the verdict so far."""
        score = float(game["result"])
        self._waiting.setdefault(int(game["pair"]), []).append(score if game["first"] == self.a else 1.0 - score)
        while self.verdict == "continue" and len(self._waiting.get(self.pairs, ())) == 2:
            self._counts += counts_of([sum(self._waiting.pop(self.pairs)) / 2.0])
            self.pairs += 1
            self.llr = float(log_likelihood_ratio(self._counts, self.sprt.elo0, self.sprt.elo1))
            self.verdict = self.sprt.verdict(self.llr)
        return self.verdict

    def as_json(self) -> Verdict:
        """The object that Sprt.judge() gives, of the pairs judged so far."""
        lower, upper = bounds(self.sprt.alpha, self.sprt.beta)
        return {
            "llr": round(self.llr, 4),
            "lower": round(lower, 4),
            "upper": round(upper, 4),
            "verdict": self.verdict,
            "games": 2 * self.pairs,
            "pairs": self.pairs,
        }


def sprt(
    results: Iterable[Result],
    a: str,
    b: str,
    elo0: float = 0.0,
    elo1: float = 10.0,
    alpha: float = 0.05,
    beta: float = 0.05,
) -> Verdict:
    """What Sprt(elo0, elo1, alpha, beta) says of these games of A with B."""
    return Sprt(elo0, elo1, alpha, beta).judge(results, a, b)
