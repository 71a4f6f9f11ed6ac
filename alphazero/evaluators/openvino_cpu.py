"""OpenVINO on the processor (extra `cpu`): the network compiled whole, in bf16 where the processor has it."""

from __future__ import annotations

import os
import warnings
from typing import Any

import torch

from alphazero.evaluators.base import F32, PlayingNetwork, divergence, logarithms, proof_planes
from alphazero.network import Network, fold_into, folded


def has_bf16() -> bool:
    """Whether this processor computes in bf16 itself."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoEvaluator:
    """A compiled model for each board size that is asked for; new weights cost a compilation, about 0.1 s."""

    def __init__(self, network: Network, precision: str = "bf16"):
        os.environ.setdefault("OPENVINO_TELEMETRY_DISABLE", "1")
        import openvino

        self.precision = precision
        self._openvino = openvino
        self._core = openvino.Core()
        self._requests: dict[tuple[int, int], Any] = {}  # by height and width
        self._shared: bool | None = None  # whether the model reads the traced module's memory; None: not looked at yet
        self._convert(network)

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        height, width = planes.shape[2:]
        request = self._requests.get((height, width)) or self._compile(height, width)
        request.infer({0: planes}, share_inputs=True)
        # Copied: the request's own memory is written again by the next batch.
        return request.get_output_tensor(0).data.copy(), request.get_output_tensor(1).data.copy()

    def load_weights(self, network: Network) -> None:
        # The converted model shares its constants' memory with the module it was traced from, so new numbers are written
        # there and only compiled again. Should a version of OpenVINO copy them, each set is converted.
        if self._shared is None:
            self._shared = self._numbers_are_shared()
        if not self._shared:
            self._convert(network)
            return
        fold_into(self._folded, network)
        self._requests.clear()

    def _numbers_are_shared(self) -> bool:
        """Whether what is written into the traced module reaches the compiled model, seen with numbers far from the old
        ones: weights of two steps of training may hardly differ. The module's weights are other ones afterwards.
        """
        planes = proof_planes(self._folded.shape, 4)
        old = self._answers(planes)
        with torch.no_grad():
            for parameter in self._folded.parameters():
                parameter.mul_(1.5)
        new = self._answers(planes)
        self._requests.clear()
        logits, wdl = self.evaluate(planes)
        found = (logits, logarithms(wdl))
        return all(divergence(n, f) < 0.2 * divergence(n, o) for n, f, o in zip(new, found, old, strict=True))

    def _answers(self, planes: F32) -> tuple[F32, F32]:
        """Logits, and logarithms of win, draw and loss, as the traced module itself computes them."""
        with torch.no_grad():
            logits, wdl = PlayingNetwork(self._folded)(torch.from_numpy(planes))
        return logits.numpy(), logarithms(wdl.numpy())

    def describe(self) -> str:
        return f"openvino cpu {self.precision}"

    def _convert(self, network: Network) -> None:
        shape = network.shape
        self._folded = folded(network).to("cpu", torch.float32)
        example = torch.zeros(2, shape.planes, shape.height, shape.width)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of the tracing that the conversion does
            self._model = self._openvino.convert_model(PlayingNetwork(self._folded), example_input=example)
        self._planes = shape.planes
        self._requests.clear()

    def _compile(self, height: int, width: int) -> Any:
        model = self._model.clone()
        model.reshape(self._openvino.PartialShape([-1, self._planes, height, width]))
        hints = {
            "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, on all cores
            "INFERENCE_PRECISION_HINT": {"bf16": "bf16", "fp32": "f32"}[self.precision],
            "ENABLE_CPU_PINNING": False,  # search threads share the cores
        }
        request = self._core.compile_model(model, "CPU", hints).create_infer_request()
        self._requests[height, width] = request
        return request
