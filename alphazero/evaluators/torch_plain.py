"""PyTorch as it is, on the processor or on CUDA: folded norms, channels-last memory, fp32 or bf16."""

from __future__ import annotations

import threading
from contextlib import suppress

import torch
from torch.nn import functional as F

from alphazero.evaluators.base import F32, lanes_text, threads_text
from alphazero.network import Network, Output, folded


def make(network: Network, precision: str) -> TorchEvaluator:
    return TorchEvaluator(network, "cpu", {"fp32": torch.float32, "bf16": torch.bfloat16}[precision])


def precisions() -> list[str]:
    return ["fp32", "bf16"]


def told(output: Output) -> tuple[F32, F32, dict[str, F32]]:
    """What a network says, as arrays in float32: logits, wdl, heads."""
    heads = {name: tensor.float().cpu().numpy() for name, tensor in output.heads.items()}
    return output.policy.float().cpu().numpy(), F.softmax(output.wdl.float(), 1).cpu().numpy(), heads


class TorchEvaluator:
    """Runs the network op by op; needs nothing beyond torch."""

    def __init__(self, network: Network, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32):
        self.device = torch.device(device)
        self.dtype = dtype
        self.threads = 0  # as many as torch takes by itself
        self.lanes = 1
        self._of_thread = threading.local()
        self._of_others = torch.get_num_threads()  # threads that are no lanes compute on so many cores
        self.load_weights(network)

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        with torch.inference_mode():
            x = torch.from_numpy(planes).to(self.device, dtype=self.dtype, memory_format=torch.channels_last)
            output = self._network(x)
            wdl = F.softmax(output.wdl.float(), 1)
            return output.policy.float().cpu().numpy(), wdl.cpu().numpy()

    def evaluate_in_lane(self, planes: F32) -> tuple[F32, F32]:
        if self.device.type == "cpu" and not hasattr(self._of_thread, "alone"):
            torch.set_num_threads(
                1
            )  # of this thread and of those to come; those that compute already keep their number
            others = threading.Thread(target=torch.set_num_threads, args=(self._of_others,))
            with suppress(RuntimeError):  # no thread is to be had, so none is to come
                others.start()  # whoever said it last says what those to come begin with
                others.join()
            self._of_thread.alone = True
        return self.evaluate(planes)

    @property
    def head_names(self) -> list[str]:
        return self._network.head_names

    def evaluate_heads(self, planes: F32) -> tuple[F32, F32, dict[str, F32]]:
        with torch.inference_mode():
            x = torch.from_numpy(planes).to(self.device, dtype=self.dtype, memory_format=torch.channels_last)
            return told(self._network(x))

    def load_weights(self, network: Network) -> None:
        fresh = folded(network).to(self.device, dtype=self.dtype)
        fresh.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = fresh  # a new one: lanes may be computing with the old

    def set_lanes(self, count: int) -> None:
        self.lanes = count
        self._of_others = torch.get_num_threads()

    def set_threads(self, count: int) -> None:
        if self.device.type == "cpu":
            self.threads = count
            torch.set_num_threads(count)

    def describe(self) -> str:
        return (
            f"torch {self.device.type} {'bf16' if self.dtype is torch.bfloat16 else 'fp32'}"
            f"{threads_text(self.threads)}{lanes_text(self.lanes)}"
        )
