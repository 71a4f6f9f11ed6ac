"""What every evaluator offers, and the proof that one computes what the network says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from alphazero.weights import Shape

if TYPE_CHECKING:
    from alphazero.network import Network

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
Planes = F32 | U16  # [B, C, H, W]; uint16: the bits of bfloat16
MOST_DIVERGENCE = 1e-3  # nats of KL against fp32, mean over the proof's positions
# Likewise of a path in bf16, where the answer says much: where training let logits grow, it is off by 0.003.
MOST_OF_BF16 = 5e-3


@runtime_checkable
class Evaluator(Protocol):
    """What self-play, matches and engines ask of a network."""

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        """float32 [B, C, H, W] -> (logits float32 [B, P], wdl float32 [B, 3], each row summing to 1)."""

    def load_weights(self, network: Network) -> None:
        """Takes over the weights of a network of the same shape."""

    def set_threads(self, count: int) -> None:
        """How many cores it computes on, where it computes on the processor; torch's count is the whole process's."""

    def describe(self) -> str:
        """How it computes, in a few words; on how many threads, where set_threads said so."""


@runtime_checkable
class LanedEvaluator(Evaluator, Protocol):
    """An evaluator on the processor that several threads use at a time, each on a core of its own: in all, small networks
    answer more positions so than one batch after the other on all cores.
    """

    def set_lanes(self, count: int) -> None:
        """How many threads will call evaluate_in_lane() at a time."""

    def evaluate_in_lane(self, planes: F32) -> tuple[F32, F32]:
        """As evaluate(), on the core of the thread that calls it. While load_weights() is at work, by the old weights."""


@runtime_checkable
class Bfloat16Evaluator(LanedEvaluator, Protocol):
    """One that computes in bfloat16, and takes planes so: half the memory to write and to read."""

    takes_bf16: bool  # whether it does at the precision it was made for

    def evaluate(self, planes: Planes) -> tuple[F32, F32]: ...

    def evaluate_in_lane(self, planes: Planes) -> tuple[F32, F32]: ...


@runtime_checkable
class HeadsEvaluator(Evaluator, Protocol):
    """One that also tells what else the network has learned, for analysis."""

    @property
    def head_names(self) -> Sequence[str]:
        """Of the network's heads that play."""

    def evaluate_heads(self, planes: F32) -> tuple[F32, F32, dict[str, F32]]:
        """As evaluate(), and what those heads say: ownership [B, H, W], score [B], plies_left [B], in the units of
        alphazero.heads. Several threads may call it at a time.
        """


@runtime_checkable
class PipelinedEvaluator(Evaluator, Protocol):
    """An evaluator on a device, which works while the next batches are sent: packed positions in, legal moves' logits out.

    Answers are collected in the order of submission.
    """

    lanes: int  # batches that may be under way at a time

    def submit(self, bits: U8, scalars: F32, legal: I32, legal_count: I32, board: tuple[int, int]) -> object:
        """Takes a batch as Pool.packed, legal and legal_count give it, and returns a ticket at once.

        bits: uint8 [n, bit planes, bytes]; scalars: float32 [n, S]; legal: int32 [n, most moves]; legal_count: int32 [n];
        board: the positions' height and width. The arrays are copied before this returns.
        """

    def ready(self, ticket: object) -> bool:
        """Whether collect() would not wait."""

    def collect(self, ticket: object) -> tuple[F32, F32]:
        """(logits float32 [n, L] of the legal moves in their order, L >= the most there are, wdl float32 [n, 3])."""


def threads_text(count: int) -> str:
    """What describe() says of threads; 0: nothing was said."""
    return f", {count} thread{'s' if count > 1 else ''}" if count else ""


def lanes_text(count: int) -> str:
    """What describe() says of lanes."""
    return f", {count} lanes" if count > 1 else ""


def proof_planes(shape: Shape, rows: int) -> F32:
    """float32 [rows, C, H, W]: the same random 0/1 planes at every call, about as full as real ones."""
    size = (rows, shape.planes, shape.height, shape.width)
    return (np.random.default_rng(0).random(size) < 0.3).astype(np.float32)


def bf16_bits(planes: F32) -> U16:
    """The nearest bfloat16 numbers, as their bits; of two as near, the even one."""
    bits = np.ascontiguousarray(planes).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def exact(network: Network, planes: F32) -> tuple[F32, F32]:
    """What the network says in plain fp32 on the processor: the measure of every other path."""
    import torch
    from torch.nn import functional as F

    from alphazero.network import folded

    with torch.inference_mode():
        output = folded(network).to("cpu", torch.float32)(torch.from_numpy(planes))
        return output.policy.numpy(), F.softmax(output.wdl, 1).numpy()


def agrees(evaluator: Evaluator, network: Network, rows: int = 32, *, bf16: bool = False) -> bool:
    """Whether the evaluator's policies and values are the network's: their KL is below MOST_DIVERGENCE or, of a path that
    computes in bf16, below 0.3 % of the information in the answer (its KL from an even one), MOST_OF_BF16 at most.
    """
    planes = proof_planes(network.shape, rows)
    return says_the_same(evaluator.evaluate(planes), exact(network, planes), bf16=bf16)


def says_the_same(own: tuple[F32, F32], truth: tuple[F32, F32], *, bf16: bool) -> bool:
    """Likewise of an answer (logits, wdl), where the true one is known."""
    own_logits, own_wdl = own
    logits, wdl = truth
    if not (np.isfinite(own_logits).all() and np.isfinite(own_wdl).all()):
        return False
    for known, found in ((logits, own_logits), (logarithms(wdl), logarithms(own_wdl))):
        most = MOST_DIVERGENCE
        if bf16:
            most = max(most, min(MOST_OF_BF16, 3e-3 * divergence(known, np.zeros_like(known))))
        if divergence(known, found) > most:
            return False
    return True


def logarithms(shares: F32) -> F32:
    """Of shares in [0, 1], those of nothing being finite."""
    return np.log(np.maximum(shares, np.float32(1e-9)))


def divergence(exact: F32, other: F32) -> float:
    """Mean KL(softmax(exact) || softmax(other)) in nats; both [B, P]."""
    log_p = exact - exact.max(1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
    log_q = other - other.max(1, keepdims=True)
    log_q = log_q - np.log(np.exp(log_q).sum(1, keepdims=True))
    return float(np.mean(np.sum(np.exp(log_p) * (log_p - log_q), 1)))


def fastest(work: Callable[[], object], times: int = 5, clock: Callable[[], float] = time.perf_counter) -> float:
    """The least of `times` durations by this clock, in seconds, after one that does not count."""
    work()
    best = float("inf")
    for _ in range(times):
        begin = clock()
        work()
        best = min(best, clock() - begin)
    return best


def side_by_side(evaluator: Evaluator, planes: F32, lanes: int, seconds: float) -> float:
    """Positions a second of so many threads that each evaluate batches like this one on a core of its own."""
    assert isinstance(evaluator, LanedEvaluator)
    evaluator.evaluate_in_lane(planes)  # compiled before the time begins

    def rate(_: int) -> float:
        begin, done = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            done += len(evaluator.evaluate_in_lane(planes)[1])
        return done / (time.perf_counter() - begin)

    with ThreadPoolExecutor(lanes) as threads:
        return sum(threads.map(rate, range(lanes)))
