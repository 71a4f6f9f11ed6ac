"""Between a pool and its evaluators: takes batches, has them answered, hands the answers back.

An evaluator on the processor answers at once. One on a device takes a batch and answers later, so several are under way: the
device works on one while the next is filled and sent (`PipelinedEvaluator`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from alphazero._core import Batch, Pool
from alphazero.errors import UserError
from alphazero.evaluators.base import Evaluator, PipelinedEvaluator

POLL_SECONDS = 0.0005  # between looks at a device that works: short beside a batch, long beside a look


def batch_layout(evaluators: Sequence[Evaluator]) -> dict[str, Any]:
    """The pool's settings that these evaluators ask for: packed batches where all of them expand planes themselves."""
    packed = len(evaluators) > 0 and all(isinstance(each, PipelinedEvaluator) for each in evaluators)
    return {"packed": packed}


class Feed:
    """Answers the batches of `pool`; `evaluators` by the numbers that its players give them, `names` for errors likewise."""

    def __init__(self, pool: Pool, evaluators: Sequence[Evaluator], packed: bool = False, *, names: Sequence[str] = ()):
        self.pool = pool
        self.evaluators = evaluators
        self.names = names
        self.packed = packed
        self._under_way: deque[tuple[Batch, PipelinedEvaluator, Any]] = deque()

    def step(self, seconds: float = 0.5) -> bool:
        """Moves at most one batch on; waits up to `seconds` for it. False: there was none to take and none under way."""
        batch = self._while_under_way() if self._under_way else self.pool.next_batch(seconds)
        if batch is None:
            return self._finish_oldest()
        evaluator = self.evaluators[batch.evaluator]
        if not self.packed:
            self._finish(batch, evaluator.evaluate(self.pool.planes(batch)))
            return True
        assert isinstance(evaluator, PipelinedEvaluator)
        bits, scalars = self.pool.packed(batch)
        ticket = evaluator.submit(bits, scalars, self.pool.legal(batch), self.pool.legal_count(batch), self.pool.board)
        self._under_way.append((batch, evaluator, ticket))
        if len(self._under_way) >= evaluator.lanes:
            self._finish_oldest()
        return True

    def _while_under_way(self) -> Batch | None:
        """A full batch, or None once the oldest one under way is done or every game waits for an answer: what is half full
        fills up when that answer comes."""
        _, evaluator, ticket = self._under_way[0]
        while True:
            batch = self.pool.next_batch(POLL_SECONDS, partial=False)
            if batch is not None or evaluator.ready(ticket) or self.pool.all_parked:
                return batch

    def abandon(self) -> None:
        """Before the pool is closed: takes back what is under way, so that the evaluators can serve others."""
        while self._under_way:
            _, evaluator, ticket = self._under_way.popleft()
            evaluator.collect(ticket)

    def drain(self) -> None:
        """Answers all that is under way."""
        while self._finish_oldest():
            pass

    def _finish_oldest(self) -> bool:
        if not self._under_way:
            return False
        batch, evaluator, ticket = self._under_way.popleft()
        self._finish(batch, evaluator.collect(ticket), gathered=True)
        return True

    def _finish(self, batch: Batch, answer: tuple[Any, Any], gathered: bool = False) -> None:
        """Hands an answer to the pool; one that it cannot use is told with the player's name, not the evaluator's number."""
        try:
            self.pool.finish(batch, *answer, gathered=gathered)
        except ValueError as error:
            if not self.names:
                raise
            raise UserError(
                str(error).replace(f"evaluator {batch.evaluator}", self.names[batch.evaluator], 1)
            ) from error
