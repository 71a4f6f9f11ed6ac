"""A network made bigger that still says the same: what a small one learned is kept, and training goes on from there.

The method is that of Net2Net (Chen, Goodfellow and Shlens 2016): more channels, whose outgoing weights to what was there before are
0; more residual blocks, whose last norm multiplies by 0, so that they hand on what they get.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor

from alphazero import checkpoint
from alphazero.config import NetworkConfig
from alphazero.errors import UserError
from alphazero.evaluators.base import divergence, exact, proof_planes
from alphazero.files import write_atomically
from alphazero.network import Network, parameter_count

MOST_APART = 1e-4  # nats between the answers of the two networks, which rounding explains
POOLED = ("bias.weight", "policy_bias.weight", "value_hidden.weight", "_extra.weight")


def grown(network: Network, blocks: int, channels: int) -> Network:
    """A network of so many blocks and channels that answers as this one does. UserError where that is fewer than it has."""
    config = network.config
    if config.kind:
        raise UserError(f"grow: {config.kind} is a network from outside, and nobody here knows how it grows")
    if blocks < config.blocks or channels < config.channels:
        raise UserError(
            f"grow: the network has {config.blocks} blocks x {config.channels} channels; it cannot shrink to {blocks} x {channels}"
        )
    bigger = Network(network.shape, replace(config, blocks=blocks, channels=channels)).eval()
    target = bigger.state_dict()  # its tensors are the network's own
    for name, tensor in network.state_dict().items():
        _take_over(target[name], tensor, pooled=name.endswith(POOLED))
    for number in range(config.blocks, blocks):
        torch.nn.init.zeros_(target[f"tower.{number}.second.1.weight"])
    return bigger


@torch.no_grad()
def _take_over(new: Tensor, old: Tensor, pooled: bool) -> None:
    """Writes a layer's weights, [outputs] or [outputs, inputs, ...], into those of a wider one. The outputs that were there listen to
    the inputs that were there alone; new outputs listen to all, as they were drawn. pooled: the inputs are the channels' means, then
    their greatest values.
    """
    if old.ndim == 0:  # a norm's count of batches
        new.copy_(old)
        return
    if old.ndim == 1:
        new[: len(old)] = old
        return
    new[: len(old)] = 0
    if pooled:
        before, now = old.shape[1] // 2, new.shape[1] // 2
        new[: len(old), :before] = old[:, :before]
        new[: len(old), now : now + before] = old[:, before:]
    else:
        new[: len(old), : old.shape[1]] = old


@dataclass(frozen=True)
class Grown:
    """What write_grown made. divergence: of the two policies in nats, on average."""

    before: NetworkConfig
    after: NetworkConfig
    parameters_before: int
    parameters_after: int
    divergence: float


def write_grown(path: Path, out: Path, blocks: int | None, channels: int | None, seed: int) -> Grown:
    """Writes the grown network of a checkpoint into the new folder `out`, as a checkpoint that training may start from.

    blocks, channels: None for as many as there are. UserError, and nothing written, where the two would answer differently.
    """
    loaded = checkpoint.load(path)
    small, config = loaded.network, loaded.network.config
    torch.manual_seed(seed)
    big = grown(small, blocks or config.blocks, channels or config.channels)
    planes = proof_planes(small.shape, 64)
    apart = divergence(exact(small, planes)[0], exact(big, planes)[0])
    if not apart < MOST_APART:
        raise UserError(f"grow: the larger network's outputs would differ by {apart:.1e} nats; nothing was written")
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{out}: cannot create the directory: {error.strerror}") from error
    meta = {**loaded.meta, "network": big.describe(), "grown_from": f"{config.blocks}x{config.channels}"}
    weights = {name: tensor.contiguous() for name, tensor in big.state_dict().items()}
    write_atomically(out / "model.safetensors", to_safetensors(weights))
    write_atomically(out / "meta.json", (json.dumps(meta, indent=1) + "\n").encode())
    return Grown(config, big.config, parameter_count(small), parameter_count(big), float(apart))
