"""Rates of a run between two looks: evaluations, samples and games."""

from __future__ import annotations

import time

from alphazero.training.selfplay import GameSource
from alphazero.training.store import ReplayStore
from alphazero.training.trainer import Trainer


class Meter:
    """Rates since the last look, of what plays, what learns and what is stored."""

    def __init__(self, source: GameSource, trainer: Trainer, store: ReplayStore):
        self._source, self._trainer, self._store = source, trainer, store
        self._look()

    def seconds(self) -> float:
        """Since the last look."""
        return time.perf_counter() - self._when

    def read(self) -> dict[str, float]:
        """The rates between the last look and now, which is the last look from then on."""
        when, played, samples, games = self._when, self._played, self._samples, self._games
        self._look()
        seconds = self._when - when
        evaluations, hits, batches = (
            self._played[name] - played[name] for name in ("evaluations", "cache_hits", "batches")
        )
        return {
            "evaluations_per_second": evaluations / seconds,
            "cache_hit_share": hits / max(1, hits + evaluations),
            "samples_per_second": (self._samples - samples) / seconds,
            "games_per_hour": (self._games - games) * 3600.0 / seconds,
            "batch_fill": evaluations / max(1, batches) / self._source.batch_size,
        }

    def _look(self) -> None:
        self._when = time.perf_counter()
        self._played = self._source.counts()
        self._samples = self._trainer.samples
        self._games = self._store.games
