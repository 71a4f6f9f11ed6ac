"""OpenVINO on the processor (extra `cpu`): the network compiled whole, in bf16 where the processor has it.

The graph is built by openvino_graph.py, operation by operation, from arrays. OpenVINO's own converter is not used: it needs torch, it takes
longer than all the rest, and its package sends usage events over the network, in a process each, and writes to ~/intel. It
does so as soon as `openvino` is imported in the plain way, so `library()` is the only place that imports it.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphazero.evaluators.base import F32, Planes, lanes_text, threads_text
from alphazero.evaluators.openvino_graph import OpenVino, graph
from alphazero.machine import cores
from alphazero.weights import Weights, weights_of

if TYPE_CHECKING:
    from alphazero.network import Network


@dataclass(frozen=True)
class _Kind:
    """What a model takes and gives."""

    height: int
    width: int
    bf16: bool = False  # planes come so
    heads: bool = False  # it tells all heads that play


IN_CALLER = -1  # a number of threads: that which asks


def library() -> OpenVino:
    """The package `openvino`, imported so that it sends nothing and writes nothing.

    A module that is None in sys.modules cannot be imported. Without `openvino_telemetry`, OpenVINO takes its own stub that
    does nothing; that stays so in this process. Without `openvino.tools.ovc`, the converter, its package loads in a third of
    the time; that is lifted again, so whoever needs it can import it from there.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    converter = "openvino.tools.ovc"
    sys.modules.setdefault(converter, None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("openvino")
    finally:
        if sys.modules.get(converter, ...) is None:
            del sys.modules[converter]


@functools.cache
def core() -> OpenVino:
    """The only Core of this process, which stays. Its plugin for the processor gives the thread that makes it a stack for signals;
    where another thread took the last Core down, that stack was gone, and the next signal ended the process.
    """
    return library().Core()


def has_bf16() -> bool:
    """Whether this processor computes in bf16 itself."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def make(network: Network, precision: str) -> OpenVinoEvaluator:
    return OpenVinoEvaluator(network, precision)


def precisions() -> list[str]:
    """fp32 only where the processor has no bf16: it is the slower one."""
    return ["bf16" if has_bf16() else "fp32"]


class OpenVinoEvaluator:
    """A compiled model for each board size that is asked for; new weights cost a compilation, about 0.1 s.

    New weights are compiled in the thread that loads them; lanes go on with the old ones meanwhile.
    """

    def __init__(self, network: Network | Weights, precision: str = "bf16"):
        self.precision = precision
        self.lanes = 1
        self.threads = 0  # as many as OpenVINO takes by itself: the cores
        self._openvino = library()
        self._core = core()
        self.takes_bf16 = precision == "bf16"
        self._alone: dict[_Kind, OpenVino] = {}  # requests on all cores
        self._beside: dict[_Kind, _Lanes] = {}
        self._compiling = threading.Lock()
        self._weights = network if isinstance(network, Weights) else _weights(network)

    def evaluate(self, planes: Planes) -> tuple[F32, F32]:
        kind = _kind(planes)
        request = self._alone.get(kind)
        if request is None:
            request = self._alone[kind] = self._compile(kind, self.threads)
        return self._answer(request, planes)

    def evaluate_in_lane(self, planes: Planes) -> tuple[F32, F32]:
        lanes = self._lanes_of(_kind(planes))
        request = lanes.take()
        try:
            return self._answer(request, planes)
        finally:
            lanes.idle.append(request)

    @property
    def head_names(self) -> list[str]:
        return heads_of(self._weights)

    def evaluate_heads(self, planes: Planes) -> tuple[F32, F32, dict[str, F32]]:
        lanes = self._lanes_of(_kind(planes, heads=True))
        request = lanes.take()
        try:
            logits, wdl = self._answer(request, planes)
            heads = {
                name: request.get_output_tensor(2 + i).data.copy() for i, name in enumerate(heads_of(self._weights))
            }
            return logits, wdl, heads
        finally:
            lanes.idle.append(request)

    def load_weights(self, network: Network) -> None:
        self._weights = _weights(network)
        self._alone.clear()
        with self._compiling:
            for kind in list(self._beside):
                self._beside[kind] = self._compile_lanes(kind)

    def set_threads(self, count: int) -> None:
        if count != self.threads:
            self.threads = count
            self._alone.clear()

    def set_lanes(self, count: int) -> None:
        if count != self.lanes:
            self.lanes = count
            self._beside.clear()

    def describe(self) -> str:
        return f"openvino cpu {self.precision}{threads_text(self.threads)}{lanes_text(self.lanes)}"

    def _lanes_of(self, kind: _Kind) -> _Lanes:
        lanes = self._beside.get(kind)
        if lanes is None:
            with self._compiling:
                lanes = self._beside.get(kind) or self._compile_lanes(kind)
                self._beside[kind] = lanes
        return lanes

    def _answer(self, request: OpenVino, planes: Planes) -> tuple[F32, F32]:
        given: object = planes
        if planes.dtype == np.uint16:  # NumPy has no bfloat16
            given = self._openvino.Tensor(planes, planes.shape, self._openvino.Type.bf16)
        request.infer({0: given}, share_inputs=True)
        # Copied: the request's own memory is written again by its next batch.
        return request.get_output_tensor(0).data.copy(), request.get_output_tensor(1).data.copy()

    def _compile_lanes(self, kind: _Kind) -> _Lanes:
        return _Lanes(lambda: self._compile(kind, IN_CALLER), self.lanes)

    def _compile(self, kind: _Kind, threads: int) -> OpenVino:
        """A request that computes on so many threads of OpenVINO's; 0: on all cores; IN_CALLER: on the caller's thread."""
        if threads == 1 or (not threads and cores() == 1):
            threads = IN_CALLER
        hints: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, on all cores, where nothing else is said
            "INFERENCE_PRECISION_HINT": {"bf16": "bf16", "fp32": "f32"}[self.precision],
            "ENABLE_CPU_PINNING": False,  # lanes search between two batches, and the system places them
        }
        if threads == IN_CALLER:
            hints["NUM_STREAMS"] = 0
        elif threads:
            hints["INFERENCE_NUM_THREADS"] = threads
        names = heads_of(self._weights) if kind.heads else []
        model = graph(self._openvino, self._weights, (kind.height, kind.width), bf16=kind.bf16, heads=names)
        return self._core.compile_model(model, "CPU", hints).create_infer_request()


def _kind(planes: Planes, *, heads: bool = False) -> _Kind:
    return _Kind(planes.shape[2], planes.shape[3], planes.dtype == np.uint16, heads)


def heads_of(weights: Weights) -> list[str]:
    """The heads that play of these weights, beside policy and value, in the order in which a model tells them."""
    return [name for name in ("ownership", "score", "plies_left") if f"{name}_out.weight" in weights.arrays]


class _Lanes:
    """Requests that no thread uses now, each of a model of its own: those of one model wait for each other.

    They compute on the thread that asks. Handed to a thread of OpenVINO's, a batch waited for the system to find it a core: 3 %
    with all cores in self-play, and 12 % beside a training step (two cores, chess, 4x32).
    """

    def __init__(self, compile_one: Callable[[], OpenVino], count: int):
        self._compile_one = compile_one
        self.idle = [compile_one() for _ in range(count)]

    def take(self) -> OpenVino:
        try:
            return self.idle.pop()
        except IndexError:
            return self._compile_one()


def _weights(network: Network) -> Weights:
    state = {name: tensor.detach().cpu().float().numpy() for name, tensor in network.state_dict().items()}
    return weights_of(network.describe(), state)
