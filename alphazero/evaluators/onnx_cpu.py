"""ONNX Runtime on the processor (extra `onnx`), and the network as an ONNX model for any other program."""

from __future__ import annotations

import io
import os
import threading
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alphazero.evaluators.base import F32, lanes_text, threads_text
from alphazero.network import Network, folded


class PlayingNetwork(nn.Module):
    """A folded network's two outputs that play, as a module that other tools can trace: logits [B, P], wdl [B, 3]."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(planes)
        return output.policy, F.softmax(output.wdl, 1)


def to_onnx(network: Network) -> bytes:
    """The network as ONNX: input `planes` [B, C, H, W]; outputs `policy` [B, P] (logits) and `wdl` [B, 3] (probabilities)."""
    shape = network.shape
    module = PlayingNetwork(folded(network).to("cpu", torch.float32))
    example = torch.zeros(2, shape.planes, shape.height, shape.width)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            module,
            (example,),
            out,  # type: ignore[arg-type]  # a file object is fine with dynamo=False
            input_names=["planes"],
            output_names=["policy", "wdl"],
            dynamic_axes={"planes": {0: "batch"}, "policy": {0: "batch"}, "wdl": {0: "batch"}},
            dynamo=False,
        )
    return out.getvalue()


class OnnxEvaluator:
    """An ONNX Runtime session; new weights make a new one."""

    def __init__(self, network: Network):
        self.threads = 0  # as many as ONNX Runtime takes by itself
        self.lanes = 1
        self._beside: Any = None  # a session of one thread that lanes share
        self._exchanging = threading.Lock()  # of _model and _beside
        self.load_weights(network)

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        logits, wdl = self._session.run(None, {"planes": planes})
        return logits, wdl

    def evaluate_in_lane(self, planes: F32) -> tuple[F32, F32]:
        if self._beside is None:
            with self._exchanging:  # else new weights that come meanwhile would be lost
                self._beside = self._beside or self._session_on(1)
        logits, wdl = self._beside.run(None, {"planes": planes})
        return logits, wdl

    def load_weights(self, network: Network) -> None:
        model = to_onnx(network)
        with self._exchanging:
            self._model = model
            self._session = self._session_on(self.threads)
            self._beside = None if self._beside is None else self._session_on(1)

    def set_threads(self, count: int) -> None:
        if count != self.threads:
            self.threads = count
            self._session = self._session_on(count)

    def set_lanes(self, count: int) -> None:
        self.lanes = count  # a session answers any number of threads, each in itself

    def describe(self) -> str:
        return f"onnxruntime cpu fp32{threads_text(self.threads)}{lanes_text(self.lanes)}"

    def _session_on(self, threads: int) -> Any:
        # It reports usage and writes into the user's home from its import on; only this, said before, keeps it from that.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # Threads that spin between batches take the cores from the search.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
