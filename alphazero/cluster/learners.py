"""A learner whose steps several processes share. The first one is the training process; it begins the others, and begins
them anew where one dies: training then goes on from the newest checkpoint.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from torch import multiprocessing

from alphazero import checkpoint
from alphazero.cluster.ranks import READY, Member, Shared, leave, serve
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.machine import cores
from alphazero.training.learner import Learner
from alphazero.training.store import ReplayStore
from alphazero.training.trainer import Trainer

MOST_FAILURES = 3  # in a row, without a step in between
BEGIN_SECONDS = 180.0  # that the other processes may take to load PyTorch and the weights
END_SECONDS = 10.0  # that a process may take to end


class SharedLearner(Learner):
    """Takes steps with `cluster.learners` processes. run: the directory whose checkpoints training goes on from."""

    def __init__(
        self, trainer: Trainer, store: ReplayStore, config: Config, run: Path, note: Callable[[str], None]
    ) -> None:
        super().__init__(trainer, store, config)
        self.count = config.cluster.learners
        if config.training.batch_size % self.count:
            raise UserError(
                f"cluster.learners: {self.count} processes cannot share a batch of {config.training.batch_size} evenly; "
                "change training.batch_size"
            )
        gpus = torch.cuda.device_count()
        if trainer.device.type == "cuda" and gpus < self.count:
            raise UserError(f"cluster.learners: {self.count} processes need a GPU each; this machine has {gpus}")
        self.run, self.note = run, note
        self.processes: list[BaseProcess] = []
        self._shared: Shared | None = None
        self._folder: Path | None = None
        self._failures = 0

    def step(self, progress: float) -> dict[str, torch.Tensor]:
        """One training step by all processes; its figures are those of the whole batch."""
        while True:
            try:
                shared = self._shared or self._begin()
                batch = self.prefetch.batch(self.trainer.steps)
                shared.send(batch, progress)
                figures = self.trainer.step(batch, progress)
                self._failures = 0
                return figures
            except RuntimeError as error:
                self._again(error)

    def close(self) -> None:
        """Ends the other processes."""
        super().close()
        if self._shared is not None and all(process.is_alive() for process in self.processes):
            with suppress(RuntimeError):  # one died meanwhile
                self._shared.send_end()
        self._end()

    def _begin(self) -> Shared:
        self._folder = Path(tempfile.mkdtemp(prefix="alphazero-learners-"))
        # In a file: as an argument it fills the pipe, and start() waits forever for a process that died before reading it.
        state = self._folder / "state.pt"
        torch.save(self.trainer.state_dict(), state)
        context = multiprocessing.get_context("spawn")
        gpu = self.trainer.device.type == "cuda"
        threads = max(1, cores() // (2 * self.count))

        def member(rank: int) -> Member:
            device = f"cuda:{rank}" if gpu else "cpu"
            return Member(rank, self.count, str(self._folder / "meeting") if self._folder else "", device, threads)

        for rank in range(1, self.count):
            args = (member(rank), self.trainer.network.describe(), self.config.training, str(state))
            process = context.Process(target=serve, args=args, daemon=True, name=f"learner-{rank}")
            process.start()
            self.processes.append(process)
        self._wait_until_they_are_there(self._folder)
        self._shared = Shared(self.trainer, member(0))
        return self._shared

    def _wait_until_they_are_there(self, folder: Path) -> None:
        """Before the meeting, which would wait a minute for one that died on its way. RuntimeError: one did."""
        end = time.monotonic() + BEGIN_SECONDS
        while len([*folder.glob(f"{READY}*")]) < self.count - 1:
            if not all(process.is_alive() for process in self.processes) or time.monotonic() > end:
                raise RuntimeError("a learner ended before its first step")
            time.sleep(0.02)

    def _again(self, error: RuntimeError) -> None:
        """A process died or hangs in the middle of a step, of which nothing is known: back to the newest checkpoint."""
        for process in self.processes:
            process.join(0.5 / self.count)  # its connection breaks a moment before it is seen to be gone
        dead = [process.name for process in self.processes if not process.is_alive()]
        self._failures += 1
        self._end()
        if self._failures > MOST_FAILURES:
            raise UserError(f"training steps fail with cluster.learners: {self.count}: {error}") from error
        newest = checkpoint.latest(self.run)
        if newest is None:
            raise UserError(
                f"{self.run}: {', '.join(dead) or 'a learner'} is gone, before the first checkpoint"
            ) from error
        self.trainer.load_state_dict(checkpoint.load_trainer(newest))
        self.note(f"{', '.join(dead) or 'a learner'} is gone: training goes on from step {self.trainer.steps:,}")

    def _end(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        leave(self.trainer)  # also where the meeting itself failed
        for process in self.processes:
            process.join(END_SECONDS if self._failures == 0 else 0.0)
            if process.is_alive():
                process.kill()
                process.join()
        self.processes = []
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
