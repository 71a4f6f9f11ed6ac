"""The learner: the trainer, the batches it draws from the store, and when a step is due."""

from __future__ import annotations

import torch

from alphazero.config import Config
from alphazero.machine import drawing_threads
from alphazero.training.prefetch import Batch, Prefetch
from alphazero.training.snapshot import Snapshot
from alphazero.training.store import Drawing, ReplayStore
from alphazero.training.trainer import Trainer

AHEAD = 2  # batches drawn before they are asked for, where a device learns meanwhile


class Learner:
    """Takes training steps as games pay for them. Their learning rate is Trainer.learning_rate's."""

    def __init__(self, trainer: Trainer, store: ReplayStore, config: Config):
        self.trainer = trainer
        self.store = store
        self.config = config
        gpu = trainer.device.type == "cuda"
        self._drawing: Drawing = {
            "symmetry": True,
            "value_blend": config.training.value_blend,
            "surprise": config.replay.surprise,
            "reply": trainer.network.config.reply,
            "packed": gpu,
            "threads": drawing_threads(gpu=gpu),
        }
        self.prefetch = Prefetch(self.draw, ahead=AHEAD if gpu else 0)

    @property
    def steps(self) -> int:
        """Training steps so far."""
        return self.trainer.steps

    def due(self) -> int:
        """Steps that the positions made so far have paid for."""
        unpaid = self.store.samples_allowed() - self.trainer.samples
        return max(0, int(unpaid / self.config.training.batch_size))

    def ready(self) -> bool:
        """Whether the next step's batch is there; where not, it is being drawn from now on."""
        return self.prefetch.ready(self.trainer.steps)

    def step(self, progress: float) -> dict[str, torch.Tensor]:
        """One training step; its figures, as Trainer.step gives them. progress: the spent share of the budget."""
        return self.trainer.step(self.prefetch.batch(self.trainer.steps), progress)

    def draw(self, step: int) -> Batch:
        """The batch of this step: the same step of the same games gives the same batch."""
        seed = self.config.seed * 1_000_003 + step
        arrays = self.store.draw(self.config.training.batch_size, seed, self._drawing)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def snapshot(self) -> Snapshot:
        """A copy of the averaged weights, which play."""
        return Snapshot.of(self.trainer.averaged, self.trainer.steps)

    def close(self) -> None:
        """Ends what draws ahead."""
        self.prefetch.close()
