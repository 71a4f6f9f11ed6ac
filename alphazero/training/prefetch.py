"""Training batches drawn ahead of the trainer: on CUDA a thread draws the next ones while the device learns from this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

Batch = dict[str, Tensor]


class Prefetch:
    """Batches by step number. `draw(step)` makes one; with `ahead` > 0 the next ones are made in a thread, in pinned memory.

    Ahead means from the replay as it stood a few steps ago, so a run that must repeat bit by bit (on the processor) draws
    with ahead = 0, when a batch is asked for.
    """

    def __init__(self, draw: Callable[[int], Batch], ahead: int):
        self._draw = draw
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(1, "prefetch") if ahead else None
        self._waiting: deque[tuple[int, Future[Batch]]] = deque()

    def ready(self, step: int) -> bool:
        """Whether batch(step) would come at once; where not, it is being drawn from now on."""
        if self._pool is None:
            return True
        self._begin(step, self._pool)
        return self._waiting[0][1].done()

    def batch(self, step: int) -> Batch:
        """The batch of this step; an error of draw() is raised here."""
        if self._pool is None:
            return self._draw(step)
        self._begin(step, self._pool)
        return self._waiting.popleft()[1].result()

    def _begin(self, step: int, pool: ThreadPoolExecutor) -> None:
        """Has this step's batch drawn, and those after it; it is the first that waits."""
        while self._waiting and self._waiting[0][0] != step:
            self._waiting.popleft()
        first = self._waiting[-1][0] + 1 if self._waiting else step
        for later in range(first, step + self._ahead + 1):
            self._waiting.append((later, pool.submit(self._pinned, later)))

    def close(self) -> None:
        """Drops what waits and ends the thread."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._waiting.clear()

    def _pinned(self, step: int) -> Batch:
        batch = self._draw(step)
        return {name: tensor.pin_memory() for name, tensor in batch.items()} if torch.cuda.is_available() else batch
