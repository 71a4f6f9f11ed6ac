"""ONNX Runtime on the processor (extra `onnx`), and the network as an ONNX model for any other program."""

from __future__ import annotations

import copy
import io
import os
import threading
import warnings
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alphazero.evaluators.base import F32, lanes_text, threads_text
from alphazero.network import Network, folded

Size = tuple[int, int]  # of a board: height, width


class PlayingNetwork(nn.Module):
    """A folded network's two outputs that play, as a module that other tools can trace: logits [B, P], wdl [B, 3]."""

    def __init__(self, network: Network, heads: Sequence[str] = ()):
        super().__init__()
        self.network = network
        self.heads = heads

    def forward(self, planes: Tensor) -> tuple[Tensor, ...]:
        output = self.network(planes)
        return output.policy, F.softmax(output.wdl, 1), *(output.heads[name] for name in self.heads)


def to_onnx(network: Network, size: Size | None = None, *, heads: bool = False) -> bytes:
    """The network as ONNX: input `planes` [B, C, H, W]; outputs `policy` [B, P] (logits) and `wdl` [B, 3] (probabilities).

    size: height and width, where the model is for another board than the network's own. heads: with the outputs of the heads
    that play, too, by their names.
    """
    shape = network.shape
    plain = folded(network).to("cpu", torch.float32)
    names = [each.name for each in plain.heads] if heads else []
    module = PlayingNetwork(plain, names)
    example = torch.zeros(2, shape.planes, *(size or (shape.height, shape.width)))
    out = io.BytesIO()
    fast = torch.backends.mha.get_fastpath_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.backends.mha.set_fastpath_enabled(False)  # transformers as operations that ONNX has
        torch.onnx.export(
            module,
            (example,),
            out,  # type: ignore[arg-type]  # a file object is fine with dynamo=False
            input_names=["planes"],
            output_names=["policy", "wdl", *names],
            dynamic_axes={name: {0: "batch"} for name in ("planes", "policy", "wdl", *names)},
            dynamo=False,
        )
    torch.backends.mha.set_fastpath_enabled(fast)
    return out.getvalue()


class Session(Protocol):
    """What is used of onnxruntime.InferenceSession, which has no types."""

    def run(self, names: list[str] | None, inputs: dict[str, F32]) -> Sequence[F32]: ...


def make(network: Network, precision: str) -> OnnxEvaluator:
    return OnnxEvaluator(network)


def precisions() -> list[str]:
    return ["fp32"]


class OnnxEvaluator:
    """An ONNX Runtime session for each board size that is asked for; new weights make new ones."""

    def __init__(self, network: Network):
        self.threads = 0  # as many as ONNX Runtime takes by itself
        self.lanes = 1
        self._exchanging = threading.Lock()  # of all that follows
        self._models: dict[Size, bytes] = {}
        self._sessions: dict[tuple[Size, int], Session] = {}  # by size and threads; lanes share those of one thread
        self._told: dict[Size, tuple[Session, list[str]]] = {}  # those that tell all heads, and the heads' names
        self.load_weights(network)

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        return self._answer(planes, self.threads)

    def evaluate_in_lane(self, planes: F32) -> tuple[F32, F32]:
        return self._answer(planes, 1)

    @property
    def head_names(self) -> list[str]:
        return self._network.head_names

    def evaluate_heads(self, planes: F32) -> tuple[F32, F32, dict[str, F32]]:
        size = planes.shape[2], planes.shape[3]
        with self._exchanging:
            if size not in self._told:
                names = self._network.head_names
                self._told[size] = _session(to_onnx(self._network, size, heads=True), 1), names
            session, names = self._told[size]
        logits, wdl, *rest = session.run(None, {"planes": planes})
        return logits, wdl, dict(zip(names, rest, strict=True))

    def load_weights(self, network: Network) -> None:
        network = copy.deepcopy(network)  # a trainer goes on with its own
        with self._exchanging:
            used = list(self._sessions) or [((network.shape.height, network.shape.width), self.threads)]
        models = {size: to_onnx(network, size) for size, _ in used}
        sessions = {(size, threads): _session(models[size], threads) for size, threads in used}
        with self._exchanging:
            self._network, self._models, self._sessions, self._told = network, models, sessions, {}

    def set_threads(self, count: int) -> None:
        if count != self.threads:
            with self._exchanging:
                self._sessions = {key: each for key, each in self._sessions.items() if key[1] != self.threads}
                self.threads = count

    def set_lanes(self, count: int) -> None:
        self.lanes = count  # a session answers any number of threads, each in itself

    def describe(self) -> str:
        return f"onnxruntime cpu fp32{threads_text(self.threads)}{lanes_text(self.lanes)}"

    def _answer(self, planes: F32, threads: int) -> tuple[F32, F32]:
        key = (planes.shape[2], planes.shape[3]), threads
        session = self._sessions.get(key)
        if session is None:
            with self._exchanging:  # else new weights that come meanwhile would be lost
                session = self._sessions.get(key)
                if session is None:
                    if key[0] not in self._models:
                        self._models[key[0]] = to_onnx(self._network, key[0])
                    session = self._sessions[key] = _session(self._models[key[0]], threads)
        logits, wdl = session.run(None, {"planes": planes})
        return logits, wdl


def _session(model: bytes, threads: int) -> Session:
    # It reports usage and writes into the user's home from its import on; only this, said before, keeps it from that.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that spin between batches take the cores from the search.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session: Session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session
