"""A training run whose games come from a cluster's workers. The loop, the store and the directory are those of every run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

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
from alphazero.training.learner import Learner
from alphazero.training.run import Run
from alphazero.training.selfplay import GameSource, plan_run
from alphazero.training.swap import WeightsSwap

FIRST_SECONDS = 300.0  # that the first worker may take to play


class ClusterSwap(WeightsSwap):
    """Hands weights over once the workers have taken over the last ones."""

    def __init__(self, wanted: Callable[[], bool]):
        super().__init__()
        self._wanted = wanted

    def due(self) -> bool:
        """Whether there are new weights, and workers for them."""
        return super().due() and self._wanted()


class ClusterRun(Run):
    """A run with workers. Nothing of it is kept in the cluster: the same call resumes it with any number of workers."""

    def __init__(self, config: Config, directory: Path, device: str, out: TextIO | None, head: Head):
        super().__init__(config, directory, device, out)
        self.head = head
        self.identity = identity(config)
        self.intake = Intake(self.store, self.identity.config, self._seen)
        self.evaluator_seconds = 1.0  # a match that rates a checkpoint makes the first ones of this process
        self._full = ""  # what could not be written the last time

    def _make_evaluator(self) -> Evaluator | None:
        return None  # networks are evaluated by the workers

    def _make_learner(self) -> Learner:
        if self.config.cluster.learners == 1:
            return super()._make_learner()
        return SharedLearner(self.trainer, self.store, self.config, self.directory.path, self.progress.note)

    def _seen(self, variant: int, record: GameRecord) -> None:
        if variant == 0:
            self.report.game(record)

    def _make_source(self) -> GameSource:
        plan = plan_run(self.config, self.game, gpu=self.device.type == "cuda")
        self.fleet = Fleet(
            self.config,
            self.intake,
            self.head,
            identity=self.identity,
            device=self.asked_device,
            plan=plan.machine,
            weights=self.learner.snapshot(),
            orders=Orders(self.schedule.simulations(self.budget.fraction()), self.schedule.resignation),
            note=self.progress.note,
        )
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
        return self.fleet

    def train(self) -> None:
        """As every run does; what was learned is saved where the cluster is lost."""
        try:
            super().train()
        except HeadLostError:
            self.checkpoints.save()
            raise

    @contextmanager
    def patience(self, *, proof: bool = False) -> Iterator[None]:
        """A full disk is told once, and not the end: games wait with the workers meanwhile."""
        try:
            yield
        except UserError as error:
            if not is_full_disk(error):
                raise
            if not self._full:
                self.progress.note(f"warning: {error}; tried again until there is room")
            self._full = str(error)
            self.checkpoints.put_off()
            return
        if self._full and proof:
            self.progress.note("there is room again: checkpoints and figures are written")
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
