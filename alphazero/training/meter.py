"""Rates of a run between two looks: evaluations, samples and games."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Totals:
    """What has been counted by a moment. played: as the pools count it."""

    seconds: float  # of perf_counter
    played: Counter[str]
    steps: int
    games: int

    @classmethod
    def now(cls, played: Counter[str], steps: int, games: int) -> Totals:
        """The totals at this moment."""
        return cls(time.perf_counter(), played, steps, games)


class Meter:
    """Rates since the last look."""

    def __init__(self, begin: Totals, sample_size: int, batch_size: int):
        """sample_size: samples in a training step. batch_size: positions in a full batch of self-play."""
        self._last = begin
        self._sample_size = sample_size
        self._batch_size = batch_size

    def seconds(self) -> float:
        """Since the last look."""
        return time.perf_counter() - self._last.seconds

    def read(self, now: Totals) -> dict[str, float]:
        """The rates between the last look and `now`, which is the last look from then on."""
        last, self._last = self._last, now
        seconds = now.seconds - last.seconds
        evaluations, hits, batches = (
            now.played[name] - last.played[name] for name in ("evaluations", "cache_hits", "batches")
        )
        return {
            "evaluations_per_second": evaluations / seconds,
            "cache_hit_share": hits / max(1, hits + evaluations),
            "samples_per_second": (now.steps - last.steps) * self._sample_size / seconds,
            "games_per_hour": (now.games - last.games) * 3600.0 / seconds,
            "batch_fill": evaluations / max(1, batches) / self._batch_size,
        }
