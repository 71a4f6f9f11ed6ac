"""Evaluators: planes in, logits and win / draw / loss out. Where the network runs, and how, is decided here.

A path that is not plain fp32 proves itself against fp32 when it is made and is dropped where it differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from alphazero.network import Network, folded

F32 = NDArray[np.float32]
MOST_DIVERGENCE = 1e-3  # nats of KL against fp32, mean over the proof's positions


@runtime_checkable
class Evaluator(Protocol):
    """What self-play, matches and engines ask of a network."""

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        """float32 [B, C, H, W] -> (logits float32 [B, P], wdl float32 [B, 3], each row summing to 1)."""

    def load_weights(self, network: Network) -> None:
        """Takes over the weights of a network of the same shape."""

    def describe(self) -> str:
        """How it computes, in a few words."""


class TorchEvaluator:
    """PyTorch on the processor or on CUDA, with folded norms; fp32 or bf16, whichever is faster and proves itself."""

    def __init__(self, network: Network, device: torch.device | str):
        self.device = torch.device(device)
        self.shape = network.shape
        self.dtype = torch.float32
        self._network = self._prepared(network, torch.float32)
        if self._bf16_pays(network):
            self.dtype = torch.bfloat16
            self._network = self._prepared(network, torch.bfloat16)

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        with torch.inference_mode():
            return self._run(self._network, planes, self.dtype)

    def load_weights(self, network: Network) -> None:
        self._network = self._prepared(network, self.dtype)

    def describe(self) -> str:
        return f"torch {self.device.type} {'bf16' if self.dtype is torch.bfloat16 else 'fp32'}"

    def _prepared(self, network: Network, dtype: torch.dtype) -> Network:
        result = folded(network).to(self.device, dtype=dtype)
        result.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return result

    def _run(self, network: Network, planes: F32, dtype: torch.dtype) -> tuple[F32, F32]:
        x = torch.from_numpy(planes).to(self.device, dtype=dtype, memory_format=torch.channels_last)
        output = network(x)
        wdl = F.softmax(output.wdl.float(), 1)
        return output.policy.float().cpu().numpy(), wdl.cpu().numpy()

    def _bf16_pays(self, network: Network) -> bool:
        rng = np.random.default_rng(0)
        size = (64, self.shape.planes, self.shape.height, self.shape.width)
        planes = (rng.random(size) < 0.3).astype(np.float32)
        half = self._prepared(network, torch.bfloat16)
        with torch.inference_mode():
            exact_logits, exact_wdl = self._run(self._network, planes, torch.float32)
            logits, wdl = self._run(half, planes, torch.bfloat16)
            if divergence(exact_logits, logits) > MOST_DIVERGENCE:
                return False
            if (
                float(np.mean(np.sum(exact_wdl * np.log(np.maximum(exact_wdl, 1e-9) / np.maximum(wdl, 1e-9)), 1)))
                > MOST_DIVERGENCE
            ):
                return False
            if self.device.type == "cuda":
                return True
            plain = fastest(lambda: self._run(self._network, planes, torch.float32))
            return fastest(lambda: self._run(half, planes, torch.bfloat16)) < 0.9 * plain


def divergence(exact: F32, other: F32) -> float:
    """Mean KL(softmax(exact) || softmax(other)) in nats; both [B, P]."""
    log_p = exact - exact.max(1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
    log_q = other - other.max(1, keepdims=True)
    log_q = log_q - np.log(np.exp(log_q).sum(1, keepdims=True))
    return float(np.mean(np.sum(np.exp(log_p) * (log_p - log_q), 1)))


def fastest(work: Callable[[], object], times: int = 5) -> float:
    """The least of `times` durations, in seconds."""
    best = float("inf")
    for _ in range(times):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def make_evaluator(network: Network, device: torch.device | str = "auto") -> Evaluator:
    """The evaluator for a device: "auto" takes CUDA where there is one."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return TorchEvaluator(network, device)
