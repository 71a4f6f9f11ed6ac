"""What the network learns beside policy and value: one class a target, which the network and the trainer loop over.

A new target is a writer in cpp/sampler/targets.h, whose columns a batch then has, and a class here, listed in HEADS. Whether
a network has a head is said by the network section's key of that name, and how much its error counts by the training
section's `NAME_weight`, where there are such keys.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alphazero.config import NetworkConfig
from alphazero.weights import SCORE_SCALE, Shape

if TYPE_CHECKING:
    from alphazero.network import Network

Batch = dict[str, Tensor]  # columns of a training batch by name, as Sampler.sample() gives them


@dataclass(frozen=True)
class Features:
    """What heads read of B positions, K features wide."""

    policy: Tensor  # [B, K, H, W] of the policy head
    policy_pooled: Tensor  # [B, 2K] their means and greatest values over the board
    value: Tensor  # [B, K, H, W] of the value head
    hidden: Tensor  # [B, value_hidden] of the value head, for the board as a whole


class Head(ABC):
    """A target and the layers that learn it. The layers are modules of the network, under names that begin with `name`."""

    name: ClassVar[str]
    beside: ClassVar[Literal["policy", "value"]] = "value"  # the head after which its layers come
    plays: ClassVar[bool] = True  # a network for inference keeps it
    weight: ClassVar[float] = 0.0  # of its error in the loss, where the training section has no key NAME_weight

    def __init_subclass__(cls) -> None:
        if cls.name.startswith(("stem", "tower", "policy", "value")):
            raise ValueError(f"{cls.name}: layers of that name play; give the head another")

    def wanted(self, shape: Shape, config: NetworkConfig) -> bool:
        """Whether a network of this configuration has it: the key `name` where it is set, else by_default()."""
        asked = getattr(config, self.name, None)
        return self.by_default(shape) if asked is None else bool(asked)

    def by_default(self, shape: Shape) -> bool:
        """Whether networks of these boards have it where nothing is said."""
        return True

    @abstractmethod
    def add_layers(self, network: Network, width: int) -> None:
        """Gives the network the layers. width: K of the features."""

    @abstractmethod
    def out(self, network: Network, features: Features) -> Tensor:
        """What the network says, [B, ...]."""

    @abstractmethod
    def loss(self, said: Tensor, batch: Batch) -> Tensor:
        """The error, a mean over the batch; `said` is float32."""


class Ownership(Head):
    """[B, H, W] in (-1, 1): whose area each cell will be, +1 own (Wu 2019, section 3.4)."""

    name = "ownership"

    def by_default(self, shape: Shape) -> bool:
        return shape.ownership

    def add_layers(self, network: Network, width: int) -> None:
        network.ownership_out = nn.Conv2d(width, 1, 1)

    def out(self, network: Network, features: Features) -> Tensor:
        return torch.tanh(_called(network, "ownership_out", features.value)).squeeze(1)

    def loss(self, said: Tensor, batch: Batch) -> Tensor:
        return over_ended((said - batch["ownership"]).square().mean((1, 2)), batch)


class Score(Head):
    """[B] the final margin / SCORE_SCALE (Wu 2019, section 3.4)."""

    name = "score"

    def by_default(self, shape: Shape) -> bool:
        return shape.ownership

    def add_layers(self, network: Network, width: int) -> None:
        network.score_out = nn.Linear(network.config.value_hidden, 1)

    def out(self, network: Network, features: Features) -> Tensor:
        return _called(network, "score_out", features.hidden).squeeze(1)

    def loss(self, said: Tensor, batch: Batch) -> Tensor:
        return over_ended(F.smooth_l1_loss(said, batch["score"] / SCORE_SCALE, reduction="none"), batch)


class PliesLeft(Head):
    """[B] log(1 + plies to the end of the game)."""

    name = "plies_left"

    def by_default(self, shape: Shape) -> bool:
        return not shape.ownership

    def add_layers(self, network: Network, width: int) -> None:
        network.plies_left_out = nn.Linear(network.config.value_hidden, 1)

    def out(self, network: Network, features: Features) -> Tensor:
        return _called(network, "plies_left_out", features.hidden).squeeze(1)

    def loss(self, said: Tensor, batch: Batch) -> Tensor:
        return over_ended(F.smooth_l1_loss(said, torch.log1p(batch["plies_left"]), reduction="none"), batch)


class Reply(Head):
    """[B, P] logits of the move after this one, by the indices it would have as one's own. It teaches, and plays no part."""

    name = "reply"
    beside = "policy"
    plays = False

    def add_layers(self, network: Network, width: int) -> None:
        network.add_moves("reply", width)

    def out(self, network: Network, features: Features) -> Tensor:
        return network.moves("reply", features.policy, features.policy_pooled)

    def loss(self, said: Tensor, batch: Batch) -> Tensor:
        log_p = F.log_softmax(said, 1)
        return cross_entropy(log_p, batch["reply_index"].long(), batch["reply"], batch["reply_weight"])


HEADS: list[Head] = [Ownership(), Score(), PliesLeft(), Reply()]


def over_ended(error: Tensor, batch: Batch) -> Tensor:
    """The mean of [B] errors over the games that came to their end, each by as many games as it stands for."""
    ended = batch["ended"]
    return (error * ended).sum() / ended.sum().clamp_min(1.0)


def cross_entropy(log_p: Tensor, index: Tensor, share: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean of -sum(share log p) over [B, P] log-probabilities and policies that are lists of [B, M] moves."""
    each = -(share * log_p.gather(1, index)).sum(1)
    return (each * weight).sum() / weight.sum().clamp_min(1.0)


def _called(network: Network, layer: str, features: Tensor) -> Tensor:
    out: Tensor = network.get_submodule(layer)(features)
    return out
