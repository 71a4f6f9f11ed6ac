"""How much of its budget a run has spent: the learning rate, schedules and the end of the run follow from it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from alphazero.config import TrainingConfig


@dataclass
class Budget:
    """The limits of `training.budget_*`, and the clock of the run.

    seconds: spent on the run by earlier processes.
    """

    config: TrainingConfig
    seconds: float = 0.0
    _begin: float = field(default_factory=time.perf_counter)

    def start_clock(self) -> None:
        """The run's time in this process counts from now."""
        self._begin = time.perf_counter()

    def elapsed(self) -> float:
        """Seconds spent on this run, earlier processes included."""
        return self.seconds + time.perf_counter() - self._begin

    @property
    def counts_evaluations(self) -> bool:
        """Whether evaluations are limited. Counting them asks every pool, so nobody does it for nothing."""
        return bool(self.config.budget_evaluations)

    def out_of_time(self) -> bool:
        """Whether the minutes are spent."""
        minutes = self.config.budget_minutes
        return bool(minutes) and self.elapsed() >= 60.0 * minutes

    def fraction(self, *, games: int, positions: int, evaluations: int) -> float:
        """The largest spent share of any limit, in [0, 1]; 0 where there is none."""
        limits = self.config
        parts = [
            (self.elapsed() / 60.0, limits.budget_minutes),
            (games, limits.budget_games),
            (positions, limits.budget_positions),
            (evaluations, limits.budget_evaluations),
        ]
        return min(1.0, max((used / limit for used, limit in parts if limit), default=0.0))
