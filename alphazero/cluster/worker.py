"""A worker: self-play in a process of its own, which holds nothing that cannot be lost.

A thread plays and collects finished games. The training process asks for them (`exchange`), hands over weights (`load`) and
says how to play (`follow`); each call comes in a thread of its own and never waits for a batch. Nothing here knows Ray, which
makes an actor of the class (fleet.py).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter, deque
from pathlib import Path

import torch

from alphazero._core import __version__
from alphazero.cluster.messages import (
    Answer,
    Chunk,
    Hello,
    Orders,
    Start,
    Weights,
    code_digest,
    digest_of,
    identity,
    mismatch,
    pack,
)
from alphazero.errors import UserError
from alphazero.evaluators import make_evaluator
from alphazero.evaluators.choose import lane_seconds
from alphazero.game import make
from alphazero.machine import cores
from alphazero.training.selfplay import Finished, SelfPlay, plan_run, variants_of
from alphazero.training.snapshot import Snapshot
from alphazero.training.swap import WeightsSwap

# Chunks that nobody has stored: a worker whose training process is away or far behind stops there. Of Connect Four, two cores
# fill so many in a minute and a half.
MOST_KEPT = 32
MOST_KEPT_BYTES = 64 << 20
MOST_SENT_BYTES = 8 << 20  # in an answer: the training process stores one in well under a second
MOST_CHUNK_BYTES = 4 << 20  # a chunk is sealed early at this size
IDLE_SECONDS = 0.1  # between looks while there is nothing to play
LONGEST_END_SECONDS = 10.0  # until the pool's threads have read the last answers


def snapshot_of(weights: Weights, device: str) -> Snapshot:
    """The weights as tensors on a device. They are copied: what comes through shared memory cannot be written to."""
    tensors = {name: torch.from_numpy(array.copy()).to(device) for name, array in weights.arrays.items()}
    return Snapshot(weights.step, weights.description, tensors)


def weights_of(snapshot: Snapshot) -> Weights:
    """A snapshot as it travels."""
    arrays = {name: tensor.cpu().numpy() for name, tensor in snapshot.tensors.items()}
    return Weights(snapshot.step, snapshot.description, arrays)


class Worker:
    """Plays from begin() on."""

    def __init__(self) -> None:
        self._change = threading.Condition()  # of what stands below
        self._kept: deque[Chunk] = deque()  # sealed, and not known to be stored
        self._kept_bytes = 0
        self._open: list[tuple[int, bytes]] = []  # finished games of the chunk that is not sealed yet
        self._open_bytes = 0
        self._open_since = 0.0
        self._sequence = 0
        self._games = 0  # finished so far
        self._last_counts: Counter[str] | None = None  # once all finished games are sealed
        self._weights: Weights | None = None  # that came and do not play yet
        self._failure: BaseException | None = None
        self._finishing = False
        self._finished = threading.Event()
        self._swap = WeightsSwap()
        self._thread: threading.Thread | None = None

    # --- what the training process calls ---

    def introduce(self) -> tuple[str, str, str, int]:
        """The core's version, the digest of the package's files, host and process: what any version can say."""
        return __version__, code_digest(), socket.gethostname(), os.getpid()

    def begin(self, start: Start, weights: Weights) -> Hello:
        """Plays from now on. UserError: not with this program or configuration."""
        own = identity(start.config)
        if difference := mismatch(own, start.expected):
            raise UserError(difference)
        self._start = start
        pin(start.cores)
        config = start.config
        game = make(config.game.name, config.game.options)
        self._device = "cuda" if start.device in ("auto", "cuda") and torch.cuda.is_available() else "cpu"
        gpu = self._device == "cuda"
        network = snapshot_of(weights, self._device).network()
        evaluator = make_evaluator(network, start.device)
        plan = plan_run(config, game, gpu=gpu, position_seconds=None if gpu else lane_seconds(network, evaluator))
        self._orders = start.orders
        self._selfplay = SelfPlay(
            variants_of(config, game),
            evaluator,
            plan,
            version=weights.step,
            simulations=start.orders.simulations,
            resignation=start.orders.resignation,
            first_games=start.first_games,
            name=f"worker {start.worker}",
        )
        self._version = weights.step
        self._followed = start.orders
        self._thread = threading.Thread(target=self._run, name="self-play", daemon=True)
        self._thread.start()
        layout = f"{evaluator.describe()}, {cores()} cores, batches of {self._selfplay.batch_size}"
        return Hello(own, socket.gethostname(), os.getpid(), layout)

    def exchange(self, stored: int, seconds: float) -> Answer:
        """Forgets the chunks up to number `stored`, and hands out the oldest of the others; waits up to `seconds` for one.

        An error of self-play is raised here.
        """
        with self._change:
            while self._kept and self._kept[0].sequence <= stored:
                self._kept_bytes -= len(self._kept.popleft().payload)
            self._change.notify_all()
            self._change.wait_for(lambda: self._kept or self._failure is not None, timeout=seconds)
            if self._failure is not None:
                raise self._failure
            chunks: list[Chunk] = []
            sent = 0
            for chunk in self._kept:
                if chunks and sent + len(chunk.payload) > MOST_SENT_BYTES:
                    break
                chunks.append(chunk)
                sent += len(chunk.payload)
            waiting = len(self._kept)
        counts = self._selfplay.counts() if self._last_counts is None else self._last_counts
        return Answer(chunks, counts, self._selfplay.evaluations(), self._version, waiting)

    def load(self, weights: Weights) -> None:
        """Plays with these weights soon: between two batches, and taking over weights costs little of the time."""
        with self._change:
            self._weights = weights
            self._swap.stale = True

    def follow(self, orders: Orders) -> None:
        """Plays by these orders from now on."""
        with self._change:
            self._orders = orders
            self._change.notify_all()

    def finish(self) -> None:
        """Plays no more, and seals what is finished; exchange() then has the last chunks."""
        with self._change:
            self._finishing = True
            self._change.notify_all()
        self._finished.wait()

    # --- the thread that plays ---

    def _run(self) -> None:
        try:
            while not self._finishing:
                self._obey()
                if self._orders.resting or self._is_full():
                    self._selfplay.rest()
                    with self._change:
                        self._change.wait(IDLE_SECONDS)
                else:
                    self._add(self._selfplay.step())
                if self._open and self._is_due():
                    self._seal()
            self._selfplay.rest()
            self._take_the_last()
            if self._open:
                self._seal()
        except BaseException as error:  # told by exchange(), whatever it is
            with self._change:
                self._failure = error
                self._change.notify_all()
        finally:
            self._finished.set()

    def _take_the_last(self) -> None:
        """Takes the games that are finished, so that those counted and those handed over are the same.

        The pool's threads may still be at the last answers, and end a game with them.
        """
        end = time.monotonic() + LONGEST_END_SECONDS
        while True:
            self._add(self._selfplay.take())
            counts = self._selfplay.counts()
            if counts["games"] == self._games:
                self._last_counts = counts
                return
            if time.monotonic() > end:
                raise RuntimeError(f"{counts['games']} games were finished, and {self._games} are there")
            time.sleep(0.001)

    def _is_full(self) -> bool:
        return len(self._kept) >= MOST_KEPT or self._kept_bytes >= MOST_KEPT_BYTES

    def _is_due(self) -> bool:
        """Whether the open chunk is old or large enough to be sent."""
        config = self._start.config
        return (
            time.monotonic() - self._open_since >= config.cluster.chunk_seconds
            or len(self._open) >= config.replay.chunk_games
            or self._open_bytes >= MOST_CHUNK_BYTES
        )

    def _obey(self) -> None:
        """Takes over new orders, and new weights when it is time."""
        orders = self._orders
        if orders != self._followed:
            self._selfplay.set_simulations(orders.simulations)
            self._selfplay.set_resignation(orders.resignation)
            self._followed = orders
        if self._swap.due():
            with self._swap.swapping():
                self._load()

    def _load(self) -> None:
        with self._change:
            weights, self._weights = self._weights, None
        if weights is not None:
            self._selfplay.load(snapshot_of(weights, self._device))
            self._version = weights.step

    def _add(self, finished: list[Finished]) -> None:
        self._games += len(finished)
        for each in finished:
            if not self._open:
                self._open_since = time.monotonic()
            data = each.record.to_bytes()
            self._open.append((each.variant, data))
            self._open_bytes += len(data)

    def _seal(self) -> None:
        """Makes a chunk of the finished games."""
        start, payload = self._start, pack(self._open)
        chunk = Chunk(
            start.worker,
            start.incarnation,
            self._sequence,
            start.expected.config,
            payload,
            digest_of(payload),
            time.time(),
        )
        self._open = []
        self._open_bytes = 0
        self._sequence += 1
        with self._change:
            self._kept.append(chunk)
            self._kept_bytes += len(payload)
            self._change.notify_all()


def pin(indices: tuple[int, ...]) -> None:
    """Keeps this process to some of the cores that it may use, by their order; elsewhere than on Linux it stays free."""
    if not indices or not hasattr(os, "sched_setaffinity"):
        return
    allowed = sorted(os.sched_getaffinity(0))
    if max(indices) >= len(allowed):
        return  # Ray was told of more cores than there are
    own = {allowed[index] for index in indices}
    for task in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(task.name), own)
    torch.set_num_threads(len(own))
