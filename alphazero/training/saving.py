"""A run's checkpoints as it writes them: when one is due, and what it says of the run."""

from __future__ import annotations

import time
from pathlib import Path

from alphazero import checkpoint
from alphazero._core import Game, __version__
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.runs.meta import BeganFrom, Meta
from alphazero.training.budget import Budget
from alphazero.training.store import ReplayStore
from alphazero.training.trainer import Trainer

SAVE_SECONDS = 300.0  # between checkpoints, at most


class Checkpoints:
    """Writes the checkpoints of the run in a directory. began_from, lessons: see Origin."""

    def __init__(
        self,
        directory: Path,
        game: Game,
        config: Config,
        *,
        trainer: Trainer,
        store: ReplayStore,
        budget: Budget,
        began_from: BeganFrom | None,
        lessons: int,
    ):
        self.directory = directory
        self._trainer, self._store, self._budget = trainer, store, budget
        self.lessons = lessons
        self._every = config.training.checkpoint_every
        self._last_step, self._last_seconds = trainer.steps, time.perf_counter()
        self._fixed: Meta = {
            "game": game.name,
            "options": game.options,
            "reuse": config.replay.reuse,
            "simulations": config.search.simulations,
            "policy_temperature": config.search.policy_temperature,
            "version": __version__,
        }
        if began_from:
            self._fixed["began_from"] = began_from

    def save(self) -> Path:
        """Writes a checkpoint of the current step."""
        self.require_numbers()
        spent = self._budget
        counted: Meta = {
            "steps": self._trainer.steps,
            "games": self._store.games,
            "positions": self._store.positions,
            "paid": self._store.paid,
            "evaluations": spent.evaluations,
            "seconds": round(spent.elapsed(), 3),
        }
        if self.lessons:
            counted["lessons"] = self.lessons
        return checkpoint.save(self.directory, self._trainer, {**self._fixed, **counted})

    def save_when_due(self) -> None:
        """After `training.checkpoint_every` steps, and after SAVE_SECONDS in any case."""
        steps = self._trainer.steps - self._last_step
        if steps >= self._every or time.perf_counter() - self._last_seconds > SAVE_SECONDS:
            self.save()
            self._last_step = self._trainer.steps
            self.put_off()

    def put_off(self) -> None:
        """The next one for want of steps is due SAVE_SECONDS from now."""
        self._last_seconds = time.perf_counter()

    def require_numbers(self) -> None:
        """Before weights are played with or saved: UserError where training has made them something else."""
        if all(bool(tensor.isfinite().all()) for tensor in self._trainer.averaged.state_dict().values()):
            return
        saved = [step for step in checkpoint.steps(self.directory) if step < self._trainer.steps]
        raise UserError(
            f"{self.directory}: the weights are no longer numbers at step {self._trainer.steps:,}, and were not saved: "
            f"the same call goes on from step {saved[-1] if saved else 0:,}; give it a lower training.learning_rate"
        )
