"""Between a pool and its evaluators: takes batches, has them answered, hands the answers back.

A device takes a batch and answers later, so several are under way: it works on one while the next is filled and sent
(`PipelinedEvaluator`). On the processor each core is such a device: as many threads as there are lanes take a batch each and
answer it on a core of their own; between two batches they move the games on. Other evaluators answer at once, in the thread that asks.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Literal, cast

from alphazero._core import Batch, Pool
from alphazero.errors import UserError
from alphazero.evaluators.base import F32, Bfloat16Evaluator, Evaluator, LanedEvaluator, PipelinedEvaluator

POLL_SECONDS = 0.0005  # between looks at a device that works: short beside a batch, long beside a look
STEP_SECONDS = 0.01  # a step where lanes do the work: nothing that is looked at in between is in more of a hurry


# How a pool's batches hold positions, as the pool and its Feed are told: planes of numbers, or bits that a device expands.
Layout = Literal["float32", "bfloat16", "packed"]


def batch_layout(evaluators: Sequence[Evaluator]) -> Layout:
    """The least that all of these evaluators take."""
    if not evaluators:
        return "float32"
    if all(isinstance(each, PipelinedEvaluator) for each in evaluators):
        return "packed"
    takes_bf16 = all(isinstance(each, Bfloat16Evaluator) and each.takes_bf16 for each in evaluators)
    return "bfloat16" if takes_bf16 else "float32"


def lanes_for(evaluators: Sequence[Evaluator], count: int) -> int:
    """How many threads answer batches side by side, and has the evaluators make room for them; 1 where one cannot."""
    laned = [each for each in evaluators if isinstance(each, LanedEvaluator)]
    if count < 2 or not laned or len(laned) < len(evaluators):
        return 1
    for each in laned:
        each.set_lanes(count)
    return count


class Feed:
    """Answers the batches of `pool`; `evaluators` by the numbers that its players give them, `names` for errors likewise.

    lanes: threads that do so from the first step() on, until drain() or abandon(); 1: step() itself does. `active` of them
    take batches, so that others can have the cores of the rest.
    """

    def __init__(
        self,
        pool: Pool,
        evaluators: Sequence[Evaluator],
        layout: Layout = "float32",
        lanes: int = 1,
        *,
        names: Sequence[str] = (),
    ):
        self.pool = pool
        self.evaluators = evaluators
        self.names = names
        self.packed = layout == "packed"
        self.lanes = 1 if self.packed else lanes
        self._under_way: deque[tuple[Batch, PipelinedEvaluator, object]] = deque()
        self.active = self.lanes
        self._threads: list[threading.Thread] = []
        self._change = threading.Condition()  # of `active` and _resting
        self._resting = threading.Event()  # lanes end
        self._look = threading.Event()  # the games are over, or a lane has failed
        self._failure: BaseException | None = None

    def step(self, seconds: float = 0.5) -> bool:
        """Moves at most one batch on; waits up to `seconds` for it. False: there was none to take and none under way.

        With lanes, waits a moment in which they move on. An error of theirs is raised here.
        """
        if self.lanes > 1:
            return self._step_of_lanes(seconds)
        batch = self._while_under_way() if self._under_way else self.pool.next_batch(seconds)
        if batch is None:
            return self._finish_oldest()
        evaluator = self.evaluators[batch.evaluator]
        if not self.packed:
            self._finish(batch, evaluator.evaluate(self._planes(batch)))
            return True
        assert isinstance(evaluator, PipelinedEvaluator)
        bits, scalars = self.pool.packed(batch)
        ticket = evaluator.submit(bits, scalars, self.pool.legal(batch), self.pool.legal_count(batch), self.pool.board)
        self._under_way.append((batch, evaluator, ticket))
        if len(self._under_way) >= evaluator.lanes:
            self._finish_oldest()
        return True

    def _planes(self, batch: Batch) -> F32:
        """In bfloat16 only where the evaluators take it: batch_layout() has asked them."""
        return cast(F32, self.pool.planes(batch))

    def _step_of_lanes(self, seconds: float) -> bool:
        if not self._threads:
            self._begin_lanes()
        self._look.wait(min(seconds, STEP_SECONDS))
        if self._failure is not None:
            self._rest()
            failure, self._failure = self._failure, None
            raise failure
        return not self.pool.done

    def _begin_lanes(self) -> None:
        self._resting.clear()
        for i in range(self.lanes):
            thread = threading.Thread(target=self._lane, args=(i,), name=f"lane-{i}")
            try:
                thread.start()
            except RuntimeError as error:  # no further thread is to be had here: fewer do as well
                if not self._threads:
                    raise UserError("this machine gives no thread to answer batches with") from error
                break
            self._threads.append(thread)

    def use(self, lanes: int) -> None:
        """So many lanes take batches from now on; the others finish what they are at."""
        if lanes != self.active:
            with self._change:
                self.active = lanes
                self._change.notify_all()

    def _lane(self, index: int) -> None:
        """Answers batches until it is time to rest."""
        try:
            # An error between two steps may leave nobody to end the lanes: they do not outlive the program's main thread.
            while not self._resting.is_set() and threading.main_thread().is_alive():
                if index >= self.active:
                    with self._change:
                        self._change.wait_for(lambda: index < self.active or self._resting.is_set(), timeout=0.1)
                    continue
                batch = self.pool.next_batch(0.1, shared=True)
                if batch is not None:
                    evaluator = self.evaluators[batch.evaluator]
                    assert isinstance(evaluator, LanedEvaluator)
                    self._finish(batch, evaluator.evaluate_in_lane(self._planes(batch)))
                else:
                    if self.pool.done:
                        self._look.set()
                    self._resting.wait(0.002)  # such as for finished games to be taken
        except BaseException as error:  # told by step(), whatever it is
            self._failure = error
            self._resting.set()
            self._look.set()

    def _rest(self) -> None:
        """Ends the lanes, each with the answer that it is at."""
        with self._change:
            self._resting.set()
            self._change.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

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
        self._rest()
        while self._under_way:
            _, evaluator, ticket = self._under_way.popleft()
            evaluator.collect(ticket)

    def drain(self) -> None:
        """Answers all that is under way; with lanes, nothing more goes out until the next step()."""
        self._rest()
        while self._finish_oldest():
            pass

    def _finish_oldest(self) -> bool:
        if not self._under_way:
            return False
        batch, evaluator, ticket = self._under_way.popleft()
        self._finish(batch, evaluator.collect(ticket), gathered=True)
        return True

    def _finish(self, batch: Batch, answer: tuple[F32, F32], gathered: bool = False) -> None:
        """Hands an answer to the pool; one that it cannot use is told with the player's name, not the evaluator's number."""
        try:
            self.pool.finish(batch, *answer, gathered=gathered)
        except ValueError as error:
            if not self.names:
                raise
            raise UserError(
                str(error).replace(f"evaluator {batch.evaluator}", self.names[batch.evaluator], 1)
            ) from error
