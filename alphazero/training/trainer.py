"""The trainer: one optimisation step on one batch, averaged weights, and a state that resumes exactly.

Loss = policy cross-entropy (rows with a policy target) + value cross-entropy on win / draw / loss + the errors of the
network's further heads (alphazero.heads), each by its weight. Policies' logits are held near log-probabilities.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from alphazero.checkpoint import TrainerState
from alphazero.config import TrainingConfig
from alphazero.heads import cross_entropy
from alphazero.network import Network, Output
from alphazero.planes import bit_shifts, expand


def has_bf16_units(device: torch.device) -> bool:
    """Whether the device multiplies bf16 in hardware (AMX, AVX512-BF16): elsewhere mixed precision is slower than float32."""
    return device.type == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def _best(rows: Tensor) -> Tensor:
    """argmax(1), by way of max(1): on the CPU it takes a quarter of the time (over 11,259 moves)."""
    return rows.max(1).indices


@dataclass
class _Captured:
    """The step for batches of one shape: where they are copied to, and the graph that reads them there."""

    data: dict[str, Tensor]
    steps: int = 0
    graph: torch.cuda.CUDAGraph | None = None
    names: list[str] = field(default_factory=list)
    values: Tensor = field(default_factory=lambda: torch.empty(0))


class StepGraph:
    """A training step as one CUDA graph: the host starts it in one call and never waits for it.

    The first WARM_UP steps with batches of a shape run op by op, on the stream that captures, as libraries set themselves up
    in them; then each shape (a run may train on boards of several sizes) has its graph.
    """

    WARM_UP = 3

    def __init__(self, update: Callable[[dict[str, Tensor]], dict[str, Tensor]], device: torch.device):
        self._update = update
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._captured: dict[tuple[tuple[str, tuple[int, ...]], ...], _Captured] = {}  # by the batch's shapes

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The figures of update(batch), on the device."""
        shapes = tuple((name, tuple(tensor.shape)) for name, tensor in batch.items())
        kept = self._captured.get(shapes)
        if kept is None:
            data = {name: torch.empty_like(tensor, device=self._device) for name, tensor in batch.items()}
            kept = self._captured[shapes] = _Captured(data)
        kept.steps += 1
        if kept.steps <= self.WARM_UP:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(self._stream):
                figures = self._update({name: tensor.to(self._device) for name, tensor in batch.items()})
            torch.cuda.current_stream(self._device).wait_stream(self._stream)
            return figures
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):  # where it was captured: libraries' scratch memory belongs to the stream
            for name, tensor in kept.data.items():
                tensor.copy_(batch[name], non_blocking=True)
            graph = kept.graph or self._capture(kept)
            graph.replay()
            values = kept.values.clone()
        current.wait_stream(self._stream)
        return dict(zip(kept.names, values.unbind(), strict=True))

    def _capture(self, kept: _Captured) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            figures = self._update(kept.data)
            kept.names = list(figures)
            kept.values = torch.stack([value.float() for value in figures.values()])
        kept.graph = graph
        return graph


class Sharing(Protocol):
    """What does a step together with other processes, each of which has some rows of the batch on its device."""

    def output(self, planes: Tensor) -> Output:
        """What the network says of the whole batch; only this process's rows have gradients."""

    def backward(self, loss: Tensor) -> None:
        """The gradients of the loss over the whole batch, in every process."""


class Trainer:
    """Trains `network`; `averaged` is its exponential moving average, the weights that play."""

    def __init__(self, network: Network, config: TrainingConfig, device: torch.device | str):
        self.device = torch.device(device)
        self.config = config
        self.network = network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.steps = 0
        self.samples = 0  # drawn for these steps
        self._warm_from = 0  # the step at which the optimizer began
        # Norms and biases are not decayed: decay is meant for the weights whose scale the norms take out.
        decayed = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer: torch.optim.Optimizer
        if config.optimizer == "adamw":
            self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate)
        else:
            self.optimizer = torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum, nesterov=True)
        self.sharing: Sharing | None = None
        self._graph: StepGraph | None = None
        self._shifts = bit_shifts(self.device)
        self._settle_optimizer()

    def _settle_optimizer(self) -> None:
        """Fits the optimizer to the device, whatever device its state was saved on. On CUDA, AdamW's step is captured as a
        graph: the rate is a tensor that the graph reads, and step counts stand on the device.
        """
        if self.config.optimizer != "adamw":
            return
        captured = self.device.type == "cuda"
        # The steps before the capture run op by op, which is meant.
        self.optimizer._warned_capturable_if_run_uncaptured = True
        for group in self.optimizer.param_groups:
            rate = float(group["lr"])
            group["lr"] = torch.tensor(rate, device=self.device) if captured else rate
            group["capturable"] = captured
        for state in self.optimizer.state.values():
            state["step"] = state["step"].to(self.device)
        self._graph = StepGraph(self._update, self.device) if captured else None

    def op_by_op(self) -> None:
        """Captures no graph: what a graph is measured against."""
        self._graph = None

    def learning_rate(self, progress: float) -> float:
        """The rate at this step, `progress` in [0, 1] being the share of the run's budget that is spent."""
        config = self.config
        warm = min(1.0, (self.steps - self._warm_from + 1) / max(1, config.warmup_steps))
        if config.schedule == "constant":
            shape = 1.0
        elif config.schedule == "stable":  # Hu et al. 2024, MiniCPM, section 4
            shape = 1.0 - (1.0 - config.final_fraction) * min(1.0, max(0.0, progress - 0.9) / 0.1)
        elif config.schedule == "cosine":
            low = config.final_fraction
            shape = low + (1.0 - low) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
        else:  # "step": two drops in the last tenth of the budget
            shape = (
                1.0
                if progress < 0.9
                else math.sqrt(config.final_fraction)
                if progress < 0.95
                else config.final_fraction
            )
        return config.learning_rate * warm * shape

    def step(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """One step on a batch as Sampler.sample gives it; returns its figures as tensors, without waiting for the device."""
        rate = self.learning_rate(progress)
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)  # where a graph reads it
            else:
                group["lr"] = rate
        self.network.train()
        if self._graph is not None:
            figures = self._graph.step(batch)
        else:
            figures = self._update({name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()})
        self.steps += 1
        self.samples += len(batch["wdl"])
        self._average()
        figures["learning_rate"] = torch.tensor(rate)
        return figures

    def _update(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Loss, gradients and the optimizer's step on a batch that is on the device. Nothing here waits for the device."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.amp and has_bf16_units(self.device)):
            planes = self._planes(data).contiguous(memory_format=torch.channels_last)
            output = self.network(planes) if self.sharing is None else self.sharing.output(planes)
        loss, figures = self.losses(output, data)
        self.optimizer.zero_grad(set_to_none=True)
        if self.sharing is None:
            loss.backward()
        else:
            self.sharing.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimizer.step()
        figures["gradient_norm"] = norm.detach()
        return figures

    def _planes(self, data: dict[str, Tensor]) -> Tensor:
        """The batch's planes [B, C, H, W]; packed ones are expanded here."""
        if "planes" in data:
            return data["planes"]
        rows, height, width = data["ownership"].shape  # a run may train on boards of several sizes
        planes = torch.empty(rows, self.network.shape.planes, height, width, device=self.device)
        expand(data["bits"], data["scalars"], planes, self._shifts)
        return planes

    def losses(self, output: Output, data: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch and its parts."""
        config = self.config
        weight = data["policy_weight"]
        weights = weight.sum().clamp_min(1.0)
        index, share = data["policy_index"].long(), data["policy"]
        log_p = F.log_softmax(output.policy.float(), 1)
        policy = cross_entropy(log_p, index, share, weight)
        entropy = -((share * share.clamp_min(1e-30).log()).sum(1) * weight).sum() / weights
        wanted_move = index.gather(1, _best(share)[:, None])[:, 0]
        wdl = output.wdl.float()
        value = F.cross_entropy(wdl, data["wdl"])
        # All logits of a position may rise or fall together, and with Adam they do: this holds them where bf16 is fine.
        drift = output.policy[:, 0].float() - log_p[:, 0]
        loss = policy + config.value_weight * value + config.z_weight * (drift.square() * weight).sum() / weights
        figures = {
            "policy_loss": policy.detach(),
            "policy_target_entropy": entropy,
            "policy_kl": (policy - entropy).detach(),
            "policy_drift": drift.detach().abs().mean(),
            "policy_accuracy": ((_best(log_p) == wanted_move).float() * weight).sum() / weights,
            "value_loss": value.detach(),
            "value_accuracy": (wdl.argmax(1) == data["wdl"].argmax(1)).float().mean(),
        }
        for head in self.network.heads:
            error = head.loss(output.heads[head.name].float(), data)
            loss = loss + getattr(config, f"{head.name}_weight", head.weight) * error
            figures[f"{head.name}_loss"] = error.detach()
        values = wdl.detach().softmax(1)
        values = values[:, 0] - values[:, 2]
        results = data["wdl"][:, 0] - data["wdl"][:, 2]
        figures["value_spread"] = values.std()
        figures["value_explained"] = 1.0 - (values - results).square().mean() / results.var().clamp_min(1e-6)
        figures["policy_entropy"] = -(log_p.detach().exp() * log_p.detach()).sum(1).mean()
        figures["loss"] = loss.detach()
        return loss, figures

    @torch.no_grad()
    def _average(self) -> None:
        # Early on the average would hold the random start: let it follow faster.
        decay = min(self.config.ema_decay, (1.0 + self.steps) / (10.0 + self.steps))
        mine: list[Tensor] = list(self.averaged.parameters())
        theirs: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(mine, theirs, 1.0 - decay)
        for own, new in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
            if own.dtype.is_floating_point:
                own.lerp_(new, 1.0 - decay)
            else:
                own.copy_(new)

    def state_dict(self) -> TrainerState:
        """All that training needs to go on as if it had never stopped."""
        return {
            "steps": self.steps,
            "samples": self.samples,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def start_from(self, network: Network) -> list[str] | None:
        """Begins with the weights of another network; those that play, if it has two. The parts of this one that the other
        lacks, and which stay random; None where more than heads are missing: it is another network.
        """
        theirs, own = network.state_dict(), self.network.state_dict()
        fitting = {name: tensor for name, tensor in theirs.items() if name in own and own[name].shape == tensor.shape}
        body = ("stem", "tower", "policy", "value")
        if any(name.startswith(body) and name not in fitting for name in (*own, *theirs)):
            return None
        missing = sorted({name.split(".")[0] for name in own if name not in fitting})
        for target in (self.network, self.averaged):
            target.load_state_dict(fitting, strict=False)
        return missing

    def start_optimizer(self, state: TrainerState) -> None:
        """Takes over the optimizer's state of a checkpoint, as load_trainer gives it, where it is of this network."""
        steps, samples = self.steps, self.samples
        weights = self.network.state_dict()
        if state["network"].keys() != weights.keys():
            return
        self.load_state_dict(state)
        self.steps, self.samples, self._warm_from = steps, samples, steps

    def load_state_dict(self, state: TrainerState) -> bool:
        """Goes on from a state_dict(), with this configuration's rates and decays. Returns whether the optimizer's state
        was of this configuration's kind; another's is left, and the optimizer begins anew.

        KeyError, RuntimeError, ValueError: the state is of another network.
        """
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.steps = int(state["steps"])
        self.samples = int(state.get("samples", self.steps * self.config.batch_size))
        own = [
            {name: value for name, value in group.items() if name in ("weight_decay", "momentum", "nesterov")}
            for group in self.optimizer.param_groups
        ]
        saved = state["optimizer"]["param_groups"]
        same = len(saved) == len(own) and ("betas" in saved[0]) == (self.config.optimizer == "adamw")
        if same:
            self.optimizer.load_state_dict(state["optimizer"])
            for group, values in zip(self.optimizer.param_groups, own, strict=True):
                group.update(values)
        self._warm_from = 0 if same else self.steps
        self._settle_optimizer()
        return same
