"""Weights on their way from the learner to self-play: what a checkpoint holds of them, with nothing of the trainer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from alphazero.network import Network, from_description
from alphazero.runs.meta import Description


@dataclass(frozen=True)
class Snapshot:
    """Weights at a step.

    description: as Network.describe() says it and meta.json holds it. tensors: the state_dict, copied, on the learner's device.
    """

    step: int
    description: Description
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, network: Network, step: int) -> Snapshot:
        """A copy of a network's present weights."""
        tensors = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        return cls(step, network.describe(), tensors)

    def network(self) -> Network:
        """A network with these weights, on their device, ready to play."""
        network = from_description(dict(self.description)).to(next(iter(self.tensors.values())).device)
        return self.into(network.eval().requires_grad_(False))

    def into(self, network: Network) -> Network:
        """The network, with these weights instead of its own."""
        network.load_state_dict(self.tensors)
        return network
