"""A worker's number and the process that has it: what is known of it, whatever became of the processes before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from alphazero.cluster.messages import Answer, Orders
from alphazero.cluster.places import Place

Ray = Any  # the library, and its handles: they come without types
Stage = Literal["empty", "introducing", "beginning", "playing"]
QUICK_SECONDS = 30.0  # a process that fails earlier than this failed at once
MOST_WAIT_SECONDS = 30.0  # before a number is given to another process


@dataclass
class Slot:
    """A worker's number. actor, call: Ray's handles, None where there is none; call: the one that is under way."""

    worker: int
    stage: Stage = "empty"
    place: Place | None = None
    host: str = ""
    pid: int = 0
    actor: Ray = None
    call: Ray = None
    called: float = 0.0  # when it was asked, on the monotonic clock, as the times below
    heard: float = 0.0
    began: float = 0.0
    call_again: float = 0.0
    next_try: float = 0.0
    incarnation: int = 0
    restarts: int = 0
    failures: int = 0  # in a row, each at once
    silent: bool = False
    last: bool = False  # its last chunk is stored
    answer: Answer = field(default_factory=Answer)
    orders: Orders | None = None  # with which it began
    version_sent: int = 0
    chunk_seconds: float = 0.0  # that its newest chunk took to the store
    rate: float = 0.0  # evaluations a second, when rates() was last asked
    _before: Counter[str] = field(default_factory=Counter)  # counts of processes that are gone
    _evaluations_before: list[int] = field(default_factory=list)
    _last_look: tuple[float, Counter[str]] = (0.0, Counter())

    def counts(self) -> Counter[str]:
        """What this worker has counted, all its processes together."""
        return self._before + self.answer.counts

    def evaluations(self) -> list[int]:
        """By variant, likewise."""
        now = list(self.answer.evaluations)
        before = self._evaluations_before
        if not now or not before:
            return now or list(before)
        return [a + b for a, b in zip(before, now, strict=True)]

    def quiet(self) -> float:
        """Seconds since it said something."""
        return time.monotonic() - self.heard

    def rates(self) -> dict[str, float]:
        """Since the last look: evaluations a second, the share of answers from the cache; restarts, a chunk's way."""
        now, counts = time.monotonic(), self.counts()
        then, before = self._last_look
        self._last_look = (now, counts)
        evaluations, hits = (counts[name] - before[name] for name in ("evaluations", "cache_hits"))
        self.rate = evaluations / (now - (then or self.began)) if self.began else 0.0
        return {
            "evaluations_per_second": self.rate,
            "cache_hit_share": hits / max(1, hits + evaluations),
            "restarts": float(self.restarts),
            "chunk_seconds": self.chunk_seconds,
        }

    def fail(self) -> None:
        """Its process is gone: when the next one may come."""
        quick = self.stage != "playing" or time.monotonic() - self.began < QUICK_SECONDS
        self.failures = self.failures + 1 if quick else 0
        self.restarts += 1
        wait = min(MOST_WAIT_SECONDS, 0.5 * 2**self.failures) if self.failures > 1 else 0.0
        self.next_try = time.monotonic() + wait

    def clear(self) -> None:
        """No process has the number any more; what was counted stays."""
        self._before, self._evaluations_before = self.counts(), self.evaluations()
        self.answer = Answer()
        self.actor = self.call = self.place = None
        self.stage = "empty"
        self.silent, self.call_again = False, 0.0


@dataclass
class Stuck:
    """A chunk that could not be stored yet, and when to try again."""

    slot: Slot
    answer: Answer
    chunk: int  # of the answer's
    again: float


def figures_of(slots: Sequence[Slot], step: int) -> dict[str, float]:
    """Of each worker, by TensorBoard's names. step: of the newest weights that were sent."""
    values: dict[str, float] = {}
    for slot in slots:
        rates = slot.rates()
        rates["version_lag"] = step - slot.answer.version if slot.stage == "playing" else 0.0
        values |= {f"worker/{slot.worker}/{name}": value for name, value in rates.items()}
    return values


def told_of(slots: Sequence[Slot], step: int) -> str:
    """All workers in a few words; their rates as figures_of() found them."""
    playing = [slot for slot in slots if slot.stage == "playing"]
    if not playing:
        return "no worker plays"
    rates = [slot.rate for slot in playing]
    each = f"{min(rates):,.0f} to {max(rates):,.0f} evals/s each" if len(rates) > 1 else f"{rates[0]:,.0f} evals/s"
    lag = max(step - slot.answer.version for slot in playing)
    restarts = sum(slot.restarts for slot in slots)
    again = f", {restarts} restarts" if restarts else ""
    return f"{len(playing)} of {len(slots)} workers play, {each}, lag {lag} steps{again}"
