"""PyTorch on a device of its own (CUDA): packed positions go out, legal moves' logits come back, batches overlap.

The network runs in bf16, norms folded, memory channels-last, as one CUDA graph for each batch size, captured when it is first
needed (under no_grad, not inference_mode: graphs captured there leave state that the trainer's own graph may not write). Host memory is pinned; batches are copied out on one stream while another computes; new weights are written in place,
so a swap costs no new capture. The same code runs on the processor, without streams and graphs: that is how it is tested.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from alphazero.evaluators.base import F32, I32, U8, threads_text
from alphazero.evaluators.torch_plain import told
from alphazero.network import Network, Output, fold_into, folded
from alphazero.planes import bit_shifts, expand

# Batches are filled up to one of these sizes, so that few graphs serve all. From 32 rows on at most a third is wasted; fewer
# take a GPU as long as 32, and that graph is captured when an evaluator is checked, before any clock runs.
SIZES = sorted({2**k for k in range(5, 14)} | {3 * 2**k for k in range(5, 12)})


@dataclass
class _Graph:
    """The network at one batch size: what stands in `planes` when it runs is answered in `policy` and `wdl`."""

    planes: Tensor
    policy: Tensor
    wdl: Tensor
    graph: torch.cuda.CUDAGraph


@dataclass
class _Ticket:
    """A batch under way: its lane, and the host tensors that will hold its answer."""

    lane: _Lane
    logits: Tensor
    wdl: Tensor


class _Lane:
    """The buffers of one batch under way, on both sides of the bus; they grow with the batches."""

    def __init__(self, device: torch.device):
        self.device = device
        self.host: dict[str, Tensor] = {}
        self.there: dict[str, Tensor] = {}
        if device.type == "cuda":
            self.copied = torch.cuda.Event()
            self.begun = torch.cuda.Event(enable_timing=True)
            # Blocking: who waits for it leaves the core to the search.
            self.done = torch.cuda.Event(enable_timing=True, blocking=True)

    def on_host(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A pinned host tensor of this shape, contiguous, its memory kept from call to call."""
        return self._sized(self.host, name, shape, dtype, torch.device("cpu"))

    def on_device(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return self._sized(self.there, name, shape, dtype, self.device)

    def _sized(
        self, kept: dict[str, Tensor], name: str, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
    ) -> Tensor:
        size = int(np.prod(shape))
        if name not in kept or kept[name].numel() < size:
            pin = device.type == "cpu" and self.device.type == "cuda"
            kept[name] = torch.empty(size, dtype=dtype, device=device, pin_memory=pin)
        return kept[name][:size].view(shape)


class PackedTorchEvaluator:
    """Runs the network on a device that has batches under way; a PipelinedEvaluator.

    `busy_seconds` sums the time that the device computed for collected batches (CUDA only). compiled: torch.compile fuses
    what stands between the convolutions; it takes about a minute for each batch size before the first answer.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device | str = "cuda",
        dtype: torch.dtype = torch.bfloat16,
        *,
        lanes: int = 3,
        compiled: bool = False,
    ):
        self.device = torch.device(device)
        self.dtype = dtype
        self.threads = 0  # as many as torch takes by itself
        self.lanes = lanes
        self.busy_seconds = 0.0
        self._alone = threading.Lock()  # of what answers outside the lanes
        self._cuda = self.device.type == "cuda"
        self._network = folded(network).to(self.device, dtype=dtype)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._call: Callable[[Tensor], Output] = self._network
        if compiled:
            self._call = torch.compile(self._network, dynamic=False, mode="max-autotune-no-cudagraphs")
        self._compiled = compiled
        self._free = [_Lane(self.device) for _ in range(lanes)]
        self._graphs: dict[tuple[int, int, int], _Graph] = {}  # by rows, height, width
        self._shifts = bit_shifts(self.device)
        if self._cuda:
            torch.backends.cudnn.benchmark = True  # a few fixed shapes: the fastest algorithm is looked for once
            self._compute = torch.cuda.Stream(self.device)
            self._copy = torch.cuda.Stream(self.device)
            self._memory = torch.cuda.graph_pool_handle()
            self._compute.wait_stream(torch.cuda.current_stream(self.device))  # which wrote the weights

    # --- batches under way ---

    def submit(self, bits: U8, scalars: F32, legal: I32, legal_count: I32, board: tuple[int, int]) -> _Ticket:
        if not self._free:
            raise RuntimeError(f"submit: {self.lanes} batches are under way already; collect one first")
        lane = self._free.pop()
        try:
            return _Ticket(lane, *self._start(lane, bits, scalars, legal, int(legal_count.max()), board))
        except BaseException:
            self._free.append(lane)
            raise

    def _start(
        self, lane: _Lane, bits: U8, scalars: F32, legal: I32, most_moves: int, board: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Sends a batch and starts its evaluation; the host tensors that will hold logits and wdl."""
        rows = len(bits)
        moves = min(legal.shape[1], -(-most_moves // 32) * 32)
        sent = [
            self._send(lane, name, array)
            for name, array in (("bits", bits), ("scalars", scalars), ("legal", legal[:, :moves]))
        ]
        with torch.no_grad(), self._computing(lane):
            policy, wdl = self._run(rows, *board, lambda planes: expand(sent[0], sent[1], planes, self._shifts))
            logits = policy[:rows].gather(1, sent[2].long())
            out = lane.on_host("logits", (rows, moves), torch.float32)
            out.copy_(logits, non_blocking=True)
            shares = lane.on_host("wdl", (rows, 3), torch.float32)
            shares.copy_(wdl[:rows], non_blocking=True)
            if self._cuda:
                lane.done.record()
        return out, shares

    def ready(self, ticket: object) -> bool:
        assert isinstance(ticket, _Ticket)
        return not self._cuda or bool(ticket.lane.done.query())

    def collect(self, ticket: object) -> tuple[F32, F32]:
        assert isinstance(ticket, _Ticket)
        lane, logits, wdl = ticket.lane, ticket.logits, ticket.wdl
        if self._cuda:
            lane.done.synchronize()
            self.busy_seconds += lane.begun.elapsed_time(lane.done) / 1000.0
        answer = logits.numpy().copy(), wdl.numpy().copy()  # the lane's memory serves the next batch
        self._free.append(lane)
        return answer

    def _send(self, lane: _Lane, name: str, array: NDArray[np.generic]) -> Tensor:
        """Starts copying an array to the device; the array itself is read before this returns."""
        source = torch.from_numpy(array)
        shape = tuple(source.shape)
        host = lane.on_host(name, shape, source.dtype)
        host.copy_(source)
        if not self._cuda:
            return host
        with torch.cuda.stream(self._copy):  # allocated there, too: memory that another stream still uses is not taken
            there = lane.on_device(name, shape, source.dtype)
            there.copy_(host, non_blocking=True)
            lane.copied.record()
        return there

    def _computing(self, lane: _Lane) -> AbstractContextManager[object]:
        """The stream that computes, once the lane's batch is there."""
        if not self._cuda:
            return nullcontext()
        self._compute.wait_event(lane.copied)
        lane.begun.record(self._compute)
        return torch.cuda.stream(self._compute)

    # --- the network ---

    def _run(self, rows: int, height: int, width: int, fill: Callable[[Tensor], object]) -> tuple[Tensor, Tensor]:
        """(policy float32 [>= rows, P], wdl float32 [>= rows, 3]) of what fill(planes) writes, on the current stream."""
        if not self._cuda:
            planes = self._planes(rows, height, width)
            fill(planes)
            return self._forward(planes)
        graph = self._graph(self._size(rows), height, width)
        fill(graph.planes)
        graph.graph.replay()
        return graph.policy, graph.wdl

    @staticmethod
    def _size(rows: int) -> int:
        at = bisect.bisect_left(SIZES, rows)
        return SIZES[at] if at < len(SIZES) else rows

    def _planes(self, rows: int, height: int, width: int) -> Tensor:
        shape = (rows, self._network.shape.planes, height, width)
        return torch.zeros(shape, dtype=self.dtype, device=self.device).contiguous(memory_format=torch.channels_last)

    def _forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        output = self._call(planes)
        return output.policy.float(), F.softmax(output.wdl.float(), 1)

    def _graph(self, rows: int, height: int, width: int) -> _Graph:
        """The captured graph of a batch size. The current stream is the one that computes."""
        found = self._graphs.get((rows, height, width))
        if found is not None:
            return found
        planes = self._planes(rows, height, width)
        for _ in range(3):  # libraries set themselves up in the first calls, which must not be captured
            self._forward(planes)
        self._compute.synchronize()
        graph = torch.cuda.CUDAGraph()
        # One pool of memory for all sizes: they run one after the other, each answer taken before the next one starts.
        with torch.cuda.graph(graph, pool=self._memory, stream=self._compute, capture_error_mode="thread_local"):
            policy, wdl = self._forward(planes)
        made = _Graph(planes, policy, wdl, graph)
        self._graphs[rows, height, width] = made
        return made

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        rows, _, height, width = planes.shape
        source = torch.from_numpy(planes)
        if not self._cuda:
            with torch.no_grad():
                policy, wdl = self._run(rows, height, width, lambda into: into.copy_(source))
                return policy.numpy(), wdl.numpy()
        with torch.no_grad(), torch.cuda.stream(self._compute):
            policy, wdl = self._run(rows, height, width, lambda into: into[:rows].copy_(source))
            return policy[:rows].cpu().numpy(), wdl[:rows].cpu().numpy()

    @property
    def head_names(self) -> list[str]:
        return self._network.head_names

    def evaluate_heads(self, planes: F32) -> tuple[F32, F32, dict[str, F32]]:
        with self._alone, torch.no_grad(), torch.cuda.stream(self._compute) if self._cuda else nullcontext():
            source = torch.from_numpy(planes).to(self.device, self.dtype, memory_format=torch.channels_last)
            return told(self._network(source))

    def load_weights(self, network: Network) -> None:
        if not self._cuda:
            fold_into(self._network, network)
            return
        current = torch.cuda.current_stream(self.device)
        self._compute.wait_stream(current)  # the trainer's step that made these weights
        with torch.cuda.stream(self._compute):
            fold_into(self._network, network)
        current.wait_stream(self._compute)  # nor is the next step to change them while they are read

    def set_threads(self, count: int) -> None:
        if self.device.type == "cpu":
            self.threads = count
            torch.set_num_threads(count)

    def describe(self) -> str:
        kind = "bf16" if self.dtype is torch.bfloat16 else "fp32"
        how = (" graphs" if self._cuda else "") + (" compiled" if self._compiled else "")
        return f"torch {self.device.type} {kind} packed{how}{threads_text(self.threads)}"
