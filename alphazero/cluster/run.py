"""A training run whose games come from a cluster's workers. The loop, the store and the directory are those of every run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import torch

from alphazero._core import GameRecord
from alphazero.cluster.connect import Head, HeadLostError, connected
from alphazero.cluster.fleet import Fleet
from alphazero.cluster.intake import Intake, is_full_disk
from alphazero.cluster.learners import SharedLearner
from alphazero.cluster.messages import Orders, identity
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.evaluators import Evaluator
from alphazero.machine import cores
from alphazero.runs import RunDirectory
from alphazero.training.background_rating import BackgroundRating
from alphazero.training.loop import MOST_BEHIND, Run
from alphazero.training.selfplay import plan_run
from alphazero.training.swap import WeightsSwap

FIRST_SECONDS = 300.0  # that the first worker may take to play
AGAIN = MOST_BEHIND // 2  # steps that are due when workers that rested play again


class ClusterSwap(WeightsSwap):
    """Hands weights over once the workers have taken over the last ones."""

    def __init__(self, wanted: Callable[[], bool]):
        super().__init__()
        self._wanted = wanted

    def offer(self, swap: Callable[[], None]) -> None:
        """Calls swap() if there are new weights, and workers for them."""
        if self.stale and self._wanted():
            super().offer(swap)


class ClusterRun(Run):
    """A run with workers. Nothing of it is kept in the cluster: the same call resumes it with any number of workers."""

    def __init__(self, config: Config, directory: Path, device: str, out: TextIO | None, head: Head):
        super().__init__(config, directory, device, out)
        self.head = head
        self.identity = identity(config)
        self.intake = Intake(self.store, self.identity.config, self._seen)
        if config.cluster.learners > 1:
            self.learner = SharedLearner(self.trainer, self.store, config, directory, self.progress.note)
        self._held = False  # workers rest, because training is behind
        self._full = ""  # what could not be written the last time

    def _make_evaluator(self) -> tuple[Evaluator | None, float]:
        return None, 1.0  # networks are evaluated by the workers

    def _seen(self, variant: int, record: GameRecord) -> None:
        if variant == 0:
            self.report.game(record)

    def _begin_selfplay(self) -> None:
        self.plan = plan_run(self.config, self.game, gpu=self.device.type == "cuda")
        self.fleet = Fleet(
            self.config,
            self.intake,
            self.head,
            identity=self.identity,
            device=self.asked_device,
            weights=self.learner.snapshot(),
            orders=Orders(self.simulations(), self._resign),
            note=self.progress.note,
        )
        self.selfplay = self.fleet
        self.swap = ClusterSwap(self.fleet.wants_weights)
        end = time.monotonic() + FIRST_SECONDS  # the budget's minutes begin with the first worker
        with self._signals_stop_it():
            while not self.fleet.playing and not self.stopping:
                self.fleet.look()
                if time.monotonic() > end:
                    raise UserError(
                        f"no worker plays after {FIRST_SECONDS:.0f} seconds: the cluster has no free place for one of "
                        f"{self.config.cluster.cores or 1} cores; `alphazero doctor --ray ADDRESS` shows what it has"
                    )

    def _batch_size(self) -> int:
        """That of this machine: workers of other machines may have another, and tell their own rates."""
        return self.plan.batch_size

    def _loop(self, rating: BackgroundRating | None) -> None:
        try:
            super()._loop(rating)
        except HeadLostError:
            self.save()
            raise

    def _play(self) -> None:
        if not self._held:
            super()._play()

    def _share_cores(self, due: int) -> None:
        """Workers rest while training is far behind: what they play meanwhile would be played by old weights."""
        if due > MOST_BEHIND and not self._held:
            self._held = True
            self.fleet.rest()
        elif due <= AGAIN:
            self._held = False
        if self.device.type == "cpu":
            threads = cores() if self._held else max(1, cores() // 2)
            if threads != torch.get_num_threads():
                torch.set_num_threads(threads)

    def _play_no_more(self) -> None:
        """A match that rates a checkpoint here: the workers have cores of their own."""

    def _end_selfplay(self) -> None:
        self.fleet.finish()

    # --- a disk that is full for a while ---

    def _save_when_due(self) -> None:
        with self._patience():
            super()._save_when_due()

    def _log(self, rates: dict[str, float]) -> None:
        with self._patience():
            super()._log(rates)

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """A full disk is told once, and not the end: games wait with the workers meanwhile."""
        try:
            yield
        except UserError as error:
            if not is_full_disk(error):
                raise
            if not self._full:
                self.progress.note(f"warning: {error}; tried again until there is room")
            self._full = str(error)
            self._saved = (self._saved[0], time.perf_counter())
            return
        self._full = ""


def train(
    config: Config,
    directory: Path,
    device: str = "auto",
    out: TextIO | None = None,
    *,
    ray: str = "local",
    callback: Callable[[Run], bool] | None = None,
) -> Run:
    """Begins, resumes or extends the run in `directory` with `cluster.workers` workers. ray: as connected() takes it."""
    if ray == "local" and config.cluster.workers * max(1, config.cluster.cores) > cores():
        raise UserError(
            f"cluster.workers: {config.cluster.workers} workers of {max(1, config.cluster.cores)} cores are more than this "
            f"machine's {cores()} cores; use fewer, or join a cluster (--ray ADDRESS)"
        )
    with RunDirectory(directory).exclusive(), connected(ray) as head:
        run = ClusterRun(config, directory, device, out, head)
        run.callback = callback
        run.train()
    return run
