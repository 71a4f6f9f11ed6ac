"""The workers of a run, as the training process has them: begun, asked for games, replaced where they die.

Each worker is a Ray actor that the training process replaces itself (Ray would restart it with the numbers of its first
games). A call is always under way to each worker: `exchange`, which brings chunks and counts and says what is stored. Every
message that comes may be the last of a process, or of one that was replaced: the intake decides what counts.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from alphazero.cluster.connect import Head, first_line, nodes
from alphazero.cluster.intake import Intake, is_full_disk
from alphazero.cluster.messages import Answer, Chunk, ChunkRefusedError, Hello, Identity, Orders, Start, mismatch
from alphazero.cluster.pace import Pace
from alphazero.cluster.places import Place, find_places
from alphazero.cluster.slots import Ray, Slot, Stuck, figures_of, told_of
from alphazero.cluster.worker import Worker, weights_of
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.machine import Plan, cores
from alphazero.training.selfplay import Finished
from alphazero.training.snapshot import Snapshot

WEIGHTS_SECONDS = 1.0  # between new weights for the workers, at least
SLOW_SECONDS = 10.0  # a worker that takes longer over new weights is not waited for
LOOK_SECONDS = 2.0  # between looks for places
FULL_SECONDS = 2.0  # between tries to write to a full disk
SILENT_SECONDS = 20.0  # without an answer: told
LOST_SECONDS = 120.0  # without an answer: replaced
BEGIN_SECONDS = 300.0  # that a worker may take to begin: backends are compiled and measured
END_SECONDS = 30.0  # that workers may take to hand over their last games
TAKE_SECONDS = 0.2  # of a step that go into storing games
WAIT_SECONDS = 0.05  # of a step in which nothing comes


class Fleet:
    """Plays through workers; a GameSource. The games of a chunk are in the store once step() returns."""

    steps_at_once = 2  # half a second's worth on a processor: then the games that came meanwhile are stored

    def __init__(
        self,
        config: Config,
        intake: Intake,
        head: Head,
        *,
        identity: Identity,
        device: str,
        plan: Plan,
        weights: Snapshot,
        orders: Orders,
        note: Callable[[str], None],
    ):
        import ray

        self._ray: Ray = ray
        self._actor = ray.remote(Worker)
        self.config = config
        self.intake = intake
        self.head = head
        self.identity = identity
        self.device = "auto" if device.startswith("cuda") else device  # not every machine of a cluster has a GPU
        self.plan = plan  # of this machine: workers of others have another, and tell their own rates
        self.note = note
        self.orders = orders
        self.slots = [Slot(number) for number in range(1, config.cluster.workers + 1)]
        # So many messages a second in all that a thousand workers leave the training process its time.
        self.poll_seconds = max(0.25, 0.02 * len(self.slots))
        self._stuck: Stuck | None = None
        self._refused: dict[str, str] = {}  # nodes whose program does not fit, and why
        self._next_look = 0.0
        self._told_waiting = False
        self._closed = False
        self._pace = Pace()
        self._learning = False  # training has steps to take, and waits for no message
        self._put(weights)

    # --- what the run asks for ---

    @property
    def batch_size(self) -> int:
        """That of this machine."""
        return self.plan.batch_size

    def counts(self) -> Counter[str]:
        """What all workers have counted in this process's time, those that died included."""
        total: Counter[str] = Counter()
        for slot in self.slots:
            total.update(slot.counts())
        return total

    def step(self) -> list[Finished]:
        """Stores what came, and begins workers; waits a moment for something. Its games are stored: it hands out none."""
        if self.orders.resting and not self._pace.resting:
            self._order(replace(self.orders, resting=False))
        self.look(0.0 if self._learning else WAIT_SECONDS)
        return []

    def load(self, weights: Snapshot) -> None:
        """Has all workers play with these weights soon."""
        self._pace.learned(weights.step - self._step, time.monotonic() - self._put_at)
        self._put(weights)
        for slot in self.slots:
            if slot.stage == "playing":
                slot.actor.load.remote(self._weights)

    def wants_weights(self) -> bool:
        """Whether the workers have taken over the last weights, but for slow ones."""
        since = time.monotonic() - self._put_at
        playing = [slot for slot in self.slots if slot.stage == "playing"]
        return since >= WEIGHTS_SECONDS and (
            since >= SLOW_SECONDS or all(slot.answer.version >= self._step for slot in playing)
        )

    def set_simulations(self, simulations: int) -> None:
        """So many simulations a move from now on."""
        self._order(replace(self.orders, simulations=simulations))

    def set_resignation(self, threshold: float) -> None:
        """Resign below this value from now on; -1: never."""
        self._order(replace(self.orders, resignation=threshold))

    def make_room(self, due: int, *, behind: bool) -> int:
        """Workers rest while training is behind: what they play meanwhile would be played by old weights."""
        self._learning = due > 0
        rest = self._pace.rest(due)
        if rest:
            self._order(replace(self.orders, resting=True))
        return cores() if rest and self.plan.trainer_threads else self.plan.trainer_threads

    def leave_cores(self) -> None:
        """The workers' cores are theirs."""

    def finish(self) -> None:
        """Ends the games, and stores all that were finished."""
        playing = [slot for slot in self.slots if slot.stage == "playing"]
        self._closed = True  # from now on nobody is replaced
        calls = [slot.actor.finish.remote() for slot in playing]
        end = time.monotonic() + END_SECONDS
        self._ray.wait(calls, num_returns=len(calls), timeout=END_SECONDS) if calls else None
        for slot in playing:
            slot.last = False
        while time.monotonic() < end and any(slot.stage == "playing" and not slot.last for slot in playing):
            self.look()

    def close(self) -> None:
        """Ends the workers; what was counted stays."""
        self._closed = True
        for slot in self.slots:
            if self.head.lost:
                slot.actor = None  # it ends by itself, and nobody can be told
            self._end(slot)

    def figures(self) -> dict[str, float]:
        """Of each worker, by TensorBoard's names."""
        return figures_of(self.slots, self._step)

    def told(self) -> list[str]:
        """The same in a few words."""
        return [told_of(self.slots, self._step)]

    @property
    def playing(self) -> int:
        """Workers that play."""
        return sum(slot.stage == "playing" for slot in self.slots)

    # --- messages ---

    def look(self, wait: float = WAIT_SECONDS) -> None:
        """Takes what came, tells of what did not, and fills empty places. wait: seconds for something to come."""
        self.head.mind()
        if self._stuck is not None:
            self._unstick()
        calls = {slot.call: slot for slot in self.slots if slot.call is not None}
        if calls:
            ready, _ = self._ray.wait(list(calls), num_returns=1, timeout=0.0 if self._stuck is not None else wait)
            if ready:  # and others that are there, the oldest first
                ready, _ = self._ray.wait(list(calls), num_returns=len(calls), timeout=0.0)
            begin = time.monotonic()
            for call in sorted(ready, key=lambda each: calls[each].called):
                self._take(calls[call], call)
                if time.monotonic() - begin > TAKE_SECONDS or self._stuck is not None:
                    break  # training has its turn; who is not heard plays no further than it may
        else:
            time.sleep(wait)
        now = time.monotonic()
        for slot in self.slots:
            self._mind(slot, now)
        if not self._closed and now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._place(now)

    def _take(self, slot: Slot, call: Ray) -> None:
        slot.call = None
        try:
            said = self._ray.get(call)
        except self._ray.exceptions.ActorUnavailableError:
            slot.call_again = time.monotonic() + 1.0  # of a connection that broke; its process may well live
            return
        except UserError as error:
            self._lost(slot, first_line(getattr(error, "cause", error)))
            return
        except self._ray.exceptions.RayTaskError as error:  # a fault of ours
            self._lost(slot, f"it failed: {first_line(error.cause)}")
            return
        except self._ray.exceptions.RayError as error:
            self._lost(slot, f"its process is gone ({type(error).__name__})")
            return
        if slot.silent:
            slot.silent = False
            self.note(f"worker {slot.worker} ({slot.host}) answers again after {slot.quiet():.0f} seconds")
        slot.heard = time.monotonic()
        if slot.stage == "introducing":
            self._introduced(slot, *said)
        elif slot.stage == "beginning":
            self._begun(slot, said)
        else:
            self._answered(slot, said)

    def _introduced(self, slot: Slot, version: str, code: str, host: str, pid: int) -> None:
        slot.host, slot.pid = host, pid
        difference = mismatch(replace(self.identity, version=version, code=code), self.identity)
        if difference:
            assert slot.place is not None
            self._refused[slot.place.node] = difference
            self.note(f"worker {slot.worker} on {host} is refused: {difference}")
            self._end(slot)
            return
        assert slot.place is not None
        start = Start(
            slot.worker,
            slot.incarnation,
            self.config,
            self.identity,
            self.device,
            slot.place.cores,
            self.intake.begin(slot.worker, slot.incarnation),
            self.orders,
        )
        slot.stage = "beginning"
        slot.orders, slot.version_sent = self.orders, self._step
        slot.call = slot.actor.begin.remote(start, self._weights)

    def _begun(self, slot: Slot, hello: Hello) -> None:
        slot.stage = "playing"
        slot.answer = Answer(version=slot.version_sent)
        slot.began = time.monotonic()
        again = f", restart {slot.restarts}" if slot.restarts else ""
        self.note(f"worker {slot.worker} plays on {hello.host}: {hello.layout}{again}")
        if slot.orders != self.orders:  # given while it began
            slot.actor.follow.remote(self.orders)
        if slot.version_sent != self._step:
            slot.actor.load.remote(self._weights)
        self._ask(slot)

    def _answered(self, slot: Slot, answer: Answer) -> None:
        slot.answer = answer
        for number in range(len(answer.chunks)):
            if not self._store(slot, answer, number):
                return
        if not slot.actor:  # refused
            return
        slot.last = self._closed and not answer.waiting
        if not slot.last:
            self._ask(slot)

    def _ask(self, slot: Slot) -> None:
        seconds = 0.0 if self._closed else self.poll_seconds
        slot.call = slot.actor.exchange.remote(self.intake.stored(slot.worker), seconds)
        slot.called = time.monotonic()

    def _store(self, slot: Slot, answer: Answer, number: int) -> bool:
        """Stores a chunk; False where that has to wait for room on the disk."""
        chunk: Chunk = answer.chunks[number]
        evaluations = [
            sum(each) for each in zip(*(s.evaluations() for s in self.slots if s.evaluations()), strict=True)
        ]
        try:
            if self.intake.take(chunk, evaluations):
                slot.chunk_seconds = time.time() - chunk.sealed
            self.intake.settle()
        except ChunkRefusedError as error:
            self._lost(slot, str(error))
        except UserError as error:
            if not is_full_disk(error):
                raise
            if self._stuck is None:
                self.note(f"warning: {error}; games wait until there is room")
            self._stuck = Stuck(slot, answer, number, time.monotonic() + FULL_SECONDS)
            return False
        return True

    def _unstick(self) -> None:
        """Tries again to store what the disk had no room for."""
        stuck = self._stuck
        assert stuck is not None
        if time.monotonic() < stuck.again:
            time.sleep(WAIT_SECONDS)
            return
        for number in range(stuck.chunk, len(stuck.answer.chunks)):
            if not self._store(stuck.slot, stuck.answer, number):
                return
        self._stuck = None
        self.note(f"there is room again: the games of worker {stuck.slot.worker} are stored")
        if stuck.slot.actor is not None:
            self._ask(stuck.slot)

    # --- processes ---

    def _place(self, now: float) -> None:
        """Begins workers that are missing, where there are places."""
        missing = [slot for slot in self.slots if slot.stage == "empty" and now >= slot.next_try]
        if not missing:
            return
        taken = [slot.place for slot in self.slots if slot.place is not None]
        able = [node for node in nodes() if node.id not in self._refused]
        if not able and self._refused and not taken:
            raise UserError(f"no worker can be begun: {next(iter(self._refused.values()))}")
        wanted = self.config.cluster
        found = find_places(able, taken, len(missing), cores=wanted.cores, gpus=wanted.gpus)
        for slot, place in zip(missing, found, strict=False):
            self._start(slot, place)
        if len(found) < len(missing) and not self._told_waiting:
            self._told_waiting = True
            self.note(
                f"{len(taken) + len(found)} of {len(self.slots)} workers have a place; the others begin when machines join"
            )

    def _start(self, slot: Slot, place: Place) -> None:
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(place.node, soft=False)
        slot.place, slot.host = place, place.host
        slot.incarnation += 1
        slot.stage = "introducing"
        slot.actor = self._actor.options(
            num_cpus=len(place.cores),
            num_gpus=place.gpus,
            max_restarts=0,
            max_concurrency=4,  # exchange waits while weights and orders come
            scheduling_strategy=strategy,
        ).remote()
        slot.call = slot.actor.introduce.remote()
        slot.called = slot.heard = time.monotonic()

    def _mind(self, slot: Slot, now: float) -> None:
        """Asks again after a broken connection; tells of silence, and replaces who is silent for long."""
        if slot.stage == "empty":
            return
        if slot.call_again and now >= slot.call_again and slot.call is None:
            slot.call_again = 0.0
            if slot.stage != "playing":
                self._lost(slot, "its connection broke before it played")
                return
            self._ask(slot)
        if self._stuck is not None and self._stuck.slot is slot:
            return
        if slot.call is None and not slot.call_again:
            return
        if slot.quiet() >= (LOST_SECONDS if slot.stage == "playing" else BEGIN_SECONDS):
            self._lost(slot, f"no answer for {slot.quiet():.0f} seconds")
        elif slot.stage == "playing" and slot.quiet() >= SILENT_SECONDS and not slot.silent:
            slot.silent = True
            self.note(
                f"worker {slot.worker} ({slot.host}) has not answered for {slot.quiet():.0f} seconds; waiting for it"
            )

    def _lost(self, slot: Slot, reason: str) -> None:
        """A worker is gone, or as good as: its games that were not sent are lost, and another process takes its place."""
        slot.fail()
        if slot.failures > 5 and not self.playing and not self._closed:
            raise UserError(f"worker {slot.worker} ({slot.host}) failed {slot.failures} times as it began: {reason}")
        if not self._closed:
            self.note(f"worker {slot.worker} ({slot.host}) is lost: {reason}; it is begun anew")
        self._end(slot)

    def _end(self, slot: Slot) -> None:
        if slot.actor is not None:
            self._ray.kill(slot.actor)
        if self._stuck is not None and self._stuck.slot is slot:
            self._stuck = None
        slot.clear()

    # --- orders and weights ---

    def _order(self, orders: Orders) -> None:
        if orders == self.orders:
            return
        self.orders = orders
        for slot in self.slots:
            if slot.stage == "playing":
                slot.actor.follow.remote(orders)

    def _put(self, weights: Snapshot) -> None:
        self._weights = self._ray.put(weights_of(weights))
        self._step = weights.step
        self._put_at = time.monotonic()
