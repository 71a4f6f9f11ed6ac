"""A training step that several processes of one machine share: each has some rows of the batch, all end with equal weights.

What a single process would compute is computed, up to rounding. Rows are split evenly. Batch norms take means and variances
over the rows of all processes (GlobalNorm). What the network says is gathered, so that every process has the loss of the
whole batch, whatever its heads divide by. Gradients of one process come from its own rows, and PyTorch's
DistributedDataParallel adds them up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from alphazero.config import TrainingConfig
from alphazero.network import Network, Output, from_description
from alphazero.runs.meta import Description
from alphazero.training.trainer import Trainer

STEP_SECONDS = 60.0  # that a process is waited for in a step: one that hangs is then as good as dead
READY = "ready-"  # begins the name of a file beside the meeting's: this process is about to come
END = -1.0  # instead of a progress: there are no more steps


@dataclass(frozen=True)
class Member:
    """One of the processes that share steps, as it is begun. meeting: a file by which they find each other."""

    rank: int
    count: int
    meeting: str
    device: str
    threads: int  # on a processor


class _Sum(torch.autograd.Function):
    """The sum over all processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: distributed.ProcessGroup | None) -> Tensor:
        ctx.group = group
        total = x.clone()
        distributed.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].clone()
        distributed.all_reduce(total, group=ctx.group)
        return total, None


class GlobalNorm(nn.BatchNorm2d):
    """A batch norm whose means and variances are those of the rows of all processes, which have equally many.

    torch's SyncBatchNorm does the same on GPUs alone.
    """

    group: distributed.ProcessGroup | None = None
    rank: int = 0
    count: int = 1

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] of this process's rows."""
        if not self.training:
            plain: Tensor = super().forward(x)
            return plain
        rows = x.float()
        mean = rows.mean((0, 2, 3))
        square = (rows - mean[:, None, None]).square().mean((0, 2, 3))
        # Each process fills its row, so the sum is all rows: means and squares around them, which lose nothing to rounding.
        own = torch.stack([mean, square])
        every = torch.zeros(self.count, *own.shape, device=x.device)
        total = cast("Callable[..., Tensor]", _Sum.apply)
        every = total(torch.cat([every[: self.rank], own[None], every[self.rank + 1 :]]), self.group)
        means, squares = every[:, 0], every[:, 1]
        mean = means.mean(0)
        variance = squares.mean(0) + (means - mean).square().mean(0)
        self._follow(mean.detach(), variance.detach(), self.count * rows.numel() // rows.shape[1])
        scale: Tensor = self.weight * torch.rsqrt(variance + self.eps)
        return ((rows - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, n: int) -> None:
        """Running figures as BatchNorm2d keeps them: the variance of a sample of n."""
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * n / max(1, n - 1), self.momentum)
        self.num_batches_tracked += 1


def with_global_norms(network: nn.Module, rank: int, count: int, group: distributed.ProcessGroup | None) -> None:
    """Makes the network's batch norms those of all processes, in place; names and weights stay."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = GlobalNorm
            assert isinstance(module, GlobalNorm)
            module.rank, module.count, module.group = rank, count, group


def with_own_norms(network: nn.Module) -> None:
    """Makes them a single process's again."""
    for module in network.modules():
        if isinstance(module, GlobalNorm):
            object.__setattr__(module, "__class__", nn.BatchNorm2d)
            for name in ("rank", "count", "group"):
                delattr(module, name)


class Shared:
    """A trainer's steps, shared; all processes make one at the same time. It is a trainer.Sharing."""

    def __init__(self, trainer: Trainer, member: Member):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # nothing listens beyond this machine
        self.trainer, self.member = trainer, member
        timeout = timedelta(seconds=STEP_SECONDS)
        distributed.init_process_group(
            "gloo", init_method=f"file://{member.meeting}", rank=member.rank, world_size=member.count, timeout=timeout
        )
        gpu = trainer.device.type == "cuda"
        self._group = distributed.new_group(backend="nccl", timeout=timeout) if gpu else distributed.group.WORLD
        with_global_norms(trainer.network, member.rank, member.count, self._group)
        trainer.op_by_op()  # a captured step would have to hold the messages, too
        self._module = DistributedDataParallel(trainer.network, forward_sync_buffers=False, process_group=self._group)
        trainer.sharing = self

    def output(self, planes: Tensor) -> Output:
        """What the network says of all rows; those of others without gradients."""
        each = len(planes) // self.member.count
        begin = self.member.rank * each
        own = self._module(planes[begin : begin + each])
        heads = {name: self._gathered(said) for name, said in own.heads.items()}
        return Output(self._gathered(own.policy), self._gathered(own.wdl), heads)

    def _gathered(self, own: Tensor) -> Tensor:
        own = own.float().contiguous()
        rows = [torch.empty_like(own) for _ in range(self.member.count)]
        distributed.all_gather(rows, own.detach(), group=self._group)
        rows[self.member.rank] = own
        return torch.cat(rows)

    def backward(self, loss: Tensor) -> None:
        """The whole batch's gradients in every process: each has those of its rows, and the module makes their mean."""
        (loss * self.member.count).backward()

    def send(self, batch: Mapping[str, Tensor], progress: float) -> None:
        """From process 0: the batch of the step that all make next."""
        shapes = [(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in batch.items()]
        distributed.broadcast_object_list([progress, shapes], src=0)
        for tensor in batch.values():
            distributed.broadcast(_bytes(tensor.contiguous()), src=0)

    def send_end(self) -> None:
        """From process 0: there are no more steps."""
        distributed.broadcast_object_list([END, []], src=0)

    def receive(self) -> tuple[dict[str, Tensor], float] | None:
        """In the others: what send() sent; None at the end."""
        said: list[Any] = [None, None]
        distributed.broadcast_object_list(said, src=0)
        progress, shapes = said
        if progress == END:
            return None
        batch = {}
        for name, dtype, shape in shapes:
            batch[name] = torch.empty(shape, dtype=dtype)
            distributed.broadcast(_bytes(batch[name]), src=0)
        return batch, progress

    def close(self) -> None:
        """Leaves the others; the trainer steps alone from now on."""
        del self._module
        leave(self.trainer)


def leave(trainer: Trainer) -> None:
    """The trainer steps alone from now on, whatever it shared before."""
    trainer.sharing = None
    with_own_norms(trainer.network)
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _bytes(tensor: Tensor) -> Tensor:
    """The same memory as bytes: messages have few types."""
    return tensor.view(-1).view(torch.uint8)


def trainer_of(description: Description, config: TrainingConfig, state: str, device: str) -> Trainer:
    """A trainer like the one whose state_dict() was saved in this file."""
    network: Network = from_description(description)
    trainer = Trainer(network, config, device)
    trainer.load_state_dict(torch.load(state, map_location="cpu", weights_only=True))
    return trainer


def serve(member: Member, description: Description, config: TrainingConfig, state: str) -> None:
    """What the processes beside the first one run: steps, until there are no more or the first one is gone."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the first one, which ends the others
    torch.set_num_threads(member.threads)
    trainer = trainer_of(description, config, state, member.device)
    Path(member.meeting).with_name(f"{READY}{member.rank}").touch()
    try:
        shared = Shared(trainer, member)
        while (said := shared.receive()) is not None:
            shared.trainer.step(*said)
    except RuntimeError:
        return  # another process is gone; whoever began this one begins another
    shared.close()
