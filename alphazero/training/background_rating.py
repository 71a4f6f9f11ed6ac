"""Ratings while a run trains: the newest checkpoint against the last ones rated, in a stated share of the machine's time.

The run's loop calls work() between two batches of self-play. While it plays, self-play waits for its answers and its threads
sleep; while it does not, its own games wait in the same way. So the share of the loop's time is the share of the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alphazero import checkpoint
from alphazero.arena import ratings
from alphazero.arena.match import Entrant, Pairing, Table, colour_balanced, entrant
from alphazero.arena.openings import random_openings
from alphazero.arena.registry import Search
from alphazero.config import RatingConfig
from alphazero.formats.results import Result, append_results, read_results
from alphazero.game import Game

LAST = 2  # so many of the last rated checkpoints does a new one meet
SLICE_SECONDS = 0.05  # work is done in pieces of about this length, so that it is not all waking and parking
LOOK_SECONDS = 1.0  # between looks for a new checkpoint


@dataclass(frozen=True)
class Rated:
    """The newest rated checkpoint: Elo above the run's first with its 95 % interval, games in all, share of time used."""

    step: int
    elo: float
    low: float
    high: float
    games: int
    share: float

    def values(self) -> dict[str, float]:
        """As TensorBoard and log.jsonl name them."""
        return {f"rating/{name}": getattr(self, name) for name in ("elo", "low", "high", "games", "share")}


class BackgroundRating:
    """Rates the checkpoints of the run in `directory` as they come; results go into rating/during.jsonl.

    search: how all networks search, as a player's settings. `config.during` is the share of time, in (0, 1).
    setup_seconds: what a match is expected to cost before its first move; learned from then on. A match begins when there is
    that much in the account, so only a machine that got slower takes more than its share, and pays it back.
    """

    def __init__(
        self,
        directory: Path,
        game: Game,
        config: RatingConfig,
        search: Search,
        device: str,
        seed: int,
        setup_seconds: float = 1.0,
    ):
        self.directory = directory
        self.game = game
        self.config = config
        self.search = search
        self.device = device
        self.seed = seed
        self.file = directory / "rating" / "during.jsonl"
        self.file.parent.mkdir(exist_ok=True)
        self.results = read_results([self.file]) if self.file.exists() else []
        self.spent = 0.0  # seconds in work()
        self._begin = time.perf_counter()
        self._setup_seconds = setup_seconds
        self._next_look = 0.0
        self._entrants: dict[int, Entrant] = {}
        self._table: Table | None = None
        self._pairings: list[Pairing] = []
        self._players: list[int] = []  # steps, the newest first

    def share(self) -> float:
        """Of the time since the beginning, spent here."""
        return self.spent / max(1e-9, time.perf_counter() - self._begin)

    def work(
        self, should_stop: Callable[[], bool] = lambda: False, begins: Callable[[], object] = lambda: None
    ) -> Rated | None:
        """Plays on if there is time in the account for it, and returns; a rating where a match came to its end. begins() is
        called where it does: what else uses the cores has to rest.
        """
        begin = time.perf_counter()
        allowed = self.config.during * (begin - self._begin) - self.spent
        rated = None
        if self._table is None:
            if allowed >= self._setup_seconds and begin >= self._next_look:
                self._next_look = begin + LOOK_SECONDS
                seated = self._next_match()
                seconds = time.perf_counter() - begin
                self.spent += seconds
                self._setup_seconds = seconds if seated else self._setup_seconds
            return None
        if allowed < SLICE_SECONDS:
            return None
        begins()
        while time.perf_counter() - begin < allowed and not should_stop():
            going = self._table.step()
            self._take()
            if not going:
                rated = self._finish()
                break
        if self._table is not None:
            self._table.rest()
        self.spent += time.perf_counter() - begin
        return rated

    def close(self) -> None:
        """Leaves the match under way; its games that are over are kept."""
        if self._table is not None:
            self._table.close()
            self._table = None

    def _next_match(self) -> bool:
        """Seats the newest checkpoint and the last rated ones; False where the newest is rated already."""
        steps = checkpoint.steps(self.directory)
        played: dict[str, int] = {}
        for game in self.results:
            for name in (game["first"], game["second"]):
                played[name] = played.get(name, 0) + 1
        rated = [s for s in steps if s == steps[0] or played.get(f"step-{s}", 0) >= self.config.games]
        if not steps or steps[-1] in rated:
            return False
        self._players = [steps[-1], *rated[-LAST:]]
        self._entrants = {step: self._entrants.get(step) or self._load(step) for step in self._players}
        self._pairings = []
        for other in range(1, len(self._players)):
            starts = random_openings(
                self.game,
                (self.config.games + 1) // 2,
                self.config.opening_plies,
                self.seed + len(self.results) + other,
            )
            self._pairings += colour_balanced(0, other, starts, first_pair=len(self._pairings))
        self._table = Table(
            self.game,
            [self._entrants[step] for step in self._players],
            dict(enumerate(self._pairings)),
            seed=self.seed + len(self.results),
        )
        return True

    def _load(self, step: int) -> Entrant:
        path = str(self.directory / "checkpoints" / str(step))
        return entrant(path, self.game, self.device, self.search, name=f"step-{step}")

    def _take(self) -> None:
        assert self._table is not None
        fresh: list[Result] = []
        for record in self._table.take_finished():
            pairing = self._pairings[record.number]
            fresh.append(
                {
                    "first": f"step-{self._players[pairing.first]}",
                    "second": f"step-{self._players[pairing.second]}",
                    "result": (record.value + 1) / 2,
                    "opening": pairing.opening,
                    "plies": record.plies,
                }
            )
        if fresh:
            self.results += fresh
            append_results(self.file, fresh)

    def _finish(self) -> Rated:
        self.close()
        first = f"step-{checkpoint.steps(self.directory)[0]}"
        rated = ratings.rate(self.results, anchor=first, players=[first])
        newest = next(p for p in rated.players if p.name == f"step-{self._players[0]}")
        return Rated(self._players[0], newest.elo, newest.low, newest.high, len(self.results), self.share())
