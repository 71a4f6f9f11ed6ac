"""How much of its budget a run has spent: the learning rate, schedules and the end of the run follow from it."""

from __future__ import annotations

import time
from collections import Counter

from alphazero.config import TrainingConfig
from alphazero.training.selfplay import GameSource
from alphazero.training.store import ReplayStore


class Budget:
    """The limits of `training.budget_*`, and what has been spent: the run's clock, its games and its evaluations.

    seconds, evaluations: spent by earlier processes, as the last checkpoint counted them.
    """

    def __init__(self, config: TrainingConfig, store: ReplayStore, *, seconds: float = 0.0, evaluations: int = 0):
        self.config = config
        self.seconds = seconds
        self.source: GameSource | None = None  # what plays; it goes on telling what it counted once it is closed
        self._store = store
        # What the checkpoint counted and no stored game tells of: the games that were under way then.
        self._of_unfinished = max(0, evaluations - store.evaluations_before)
        self._begin = time.perf_counter()

    def start_clock(self) -> None:
        """The run's time in this process counts from now."""
        self._begin = time.perf_counter()

    def elapsed(self) -> float:
        """Seconds spent on this run, earlier processes included."""
        return self.seconds + time.perf_counter() - self._begin

    def played(self) -> Counter[str]:
        """What the pools have counted in this process."""
        return self.source.counts() if self.source is not None else Counter()

    @property
    def evaluations(self) -> int:
        """Positions that the network evaluated for self-play, earlier processes included."""
        return self._store.evaluations_before + self._of_unfinished + self.played()["evaluations"]

    def out_of_time(self) -> bool:
        """Whether the minutes are spent."""
        minutes = self.config.budget_minutes
        return bool(minutes) and self.elapsed() >= 60.0 * minutes

    def fraction(self) -> float:
        """The largest spent share of any limit, in [0, 1]; 0 where there is none."""
        limits = self.config
        parts = [
            (self.elapsed() / 60.0, limits.budget_minutes),
            (self._store.games, limits.budget_games),
            (self._store.positions, limits.budget_positions),
            # Counting them asks every pool, so nobody does it for nothing.
            (self.evaluations if limits.budget_evaluations else 0, limits.budget_evaluations),
        ]
        return min(1.0, max((used / limit for used, limit in parts if limit), default=0.0))
