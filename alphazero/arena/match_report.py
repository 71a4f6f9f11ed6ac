"""What a match of two players says: points, Elo with its interval, pairs, and the test where one was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alphazero.arena import ratings
from alphazero.arena.sprt import PairScores, Verdict
from alphazero.formats.results import Result
from alphazero.text import clean


@dataclass(frozen=True)
class MatchReport:
    """A match from A's side; the interval bounds 95 %."""

    a: str
    b: str
    wins: int
    draws: int
    losses: int
    elo: float
    low: float
    high: float
    los: float  # likelihood that A is the stronger
    pairs: PairScores  # pentanomial counts and normalised Elo
    as_first: tuple[int, int, int]  # A's wins, draws, losses where it moved first; the others are from moving second
    sprt: Verdict | None = None  # what the test says, where one was asked for

    def as_json(self) -> dict[str, object]:
        """The object that `alphazero match --json` prints; with "sprt" where a test was asked for.

        "pentanomial": pairs in which A had 0, 1/2, 1, 3/2, 2 points; "nelo": normalised Elo, null where it is not defined.
        """
        out: dict[str, object] = {
            name: getattr(self, name) for name in ("wins", "draws", "losses", "elo", "low", "high", "los")
        }
        out |= {"pentanomial": self.pairs.pentanomial, "nelo": self.pairs.nelo}
        return out if self.sprt is None else {**out, "sprt": self.sprt}

    def as_text(self) -> str:
        games = self.wins + self.draws + self.losses
        win, draw, loss = self.as_first
        return (
            f"{clean(self.a)} against {clean(self.b)}: +{self.wins} ={self.draws} -{self.losses} in {games} games "
            f"(moving first +{win} ={draw} -{loss}, second +{self.wins - win} ={self.draws - draw} -{self.losses - loss})\n"
            f"Elo difference {self.elo:+.0f} [{self.low:+.0f}, {self.high:+.0f}] (95 %), likelihood of superiority {self.los:.1%}\n"
            + self.pairs.as_text()
            + (
                ""
                if self.sprt is None
                else f"\nSPRT: {self.sprt['verdict']} after {self.sprt['pairs']} pairs, LLR {self.sprt['llr']:.2f} in "
                f"[{self.sprt['lower']:.2f}, {self.sprt['upper']:.2f}]"
            )
        )


def report(results: Iterable[Result], a: str, b: str) -> MatchReport:
    """What these games say of A against B."""
    results = list(results)
    points = [r["result"] if r["first"] == a else 1 - r["result"] for r in results]
    rated = ratings.rate(results, anchor=b)
    elo, low, high = rated.difference(a, b)
    wins, draws = points.count(1), points.count(0.5)
    first = [r["result"] for r in results if r["first"] == a]
    as_first = (first.count(1), first.count(0.5), first.count(0))
    scored = PairScores.of(results, a, b)
    return MatchReport(a, b, wins, draws, len(points) - wins - draws, elo, low, high, rated.los(a, b), scored, as_first)
