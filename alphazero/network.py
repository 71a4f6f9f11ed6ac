"""The policy-value network: a residual tower that reads planes and tells what to play and who wins.

Post-activation blocks (as AlphaZero's: conv, norm, ReLU, conv, norm, add, ReLU): every norm follows a convolution, so all
of them fold into the convolutions for inference. No layer sees the board's size, where the game allows it: Go's policy and
values come from 1x1 convolutions and from means over the board, so the same weights play on any board.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alphazero.config import NetworkConfig
from alphazero.weights import Shape as Shape
from alphazero.weights import shape_of as shape_of

SCORE_SCALE = 20.0  # points; the score head predicts score / SCORE_SCALE, which keeps its error near that of the others


class Output(NamedTuple):
    """What the network says of B positions, for the side to move."""

    policy: Tensor  # [B, P] logits
    wdl: Tensor  # [B, 3] logits of win, draw, loss
    ownership: Tensor | None  # [B, H, W] in (-1, 1): +1 own area at the end
    score: Tensor | None  # [B] final margin / SCORE_SCALE
    plies_left: Tensor | None = None  # [B] log(1 + plies to the end of the game)
    reply: Tensor | None = None  # [B, P] logits of the opponent's next move, by the indices it would have as one's own


def _conv(inputs: int, outputs: int, size: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False), nn.BatchNorm2d(outputs))


def pooled(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, 2C]: each channel's mean and greatest value over the board."""
    return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


class Block(nn.Module):
    """A residual block; with `pooling`, what the board says as a whole biases the second convolution's input.

    Global pooling as in Wu 2019, section 3.3: it is how a convolution learns of ko fights and the count elsewhere.
    """

    def __init__(self, channels: int, pooling: bool):
        super().__init__()
        self.first = _conv(channels, channels, 3)
        self.second = _conv(channels, channels, 3)
        self.bias = nn.Linear(2 * channels, channels) if pooling else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first(x))
        if self.bias is not None:
            y = y + self.bias(pooled(y))[:, :, None, None]
        return F.relu(x + self.second(y))


class Network(nn.Module):
    """The tower and its heads; `config` gives blocks, channels, global_pooling, value_hidden, ownership, score."""

    def __init__(self, shape: Shape, config: NetworkConfig):
        super().__init__()
        self.shape = shape
        self.config = config
        channels = config.channels
        self.stem = _conv(shape.planes, channels, 3)
        self.tower = nn.Sequential(
            *(Block(channels, config.global_pooling and i % 2 == 1) for i in range(config.blocks))
        )
        head = max(16, channels // 2)
        self.policy_conv = _conv(channels, head, 1)
        if shape.head == "board":
            self.policy_bias = nn.Linear(2 * head, head)
        self._add_moves("policy", head)
        if config.reply:
            self._add_moves("reply", head)
        self.value_conv = _conv(channels, head, 1)
        self.value_hidden = nn.Linear(2 * head, config.value_hidden)
        self.value_out = nn.Linear(config.value_hidden, 3)
        has_ownership = shape.ownership if config.ownership is None else config.ownership
        has_score = shape.ownership if config.score is None else config.score
        self.ownership_out = nn.Conv2d(head, 1, 1) if has_ownership else None
        self.score_out = nn.Linear(config.value_hidden, 1) if has_score else None
        has_plies_left = not shape.ownership if config.plies_left is None else config.plies_left
        self.plies_left_out = nn.Linear(config.value_hidden, 1) if has_plies_left else None

    def _add_moves(self, name: str, head: int) -> None:
        """The last layers of a policy called `name`, on the features of the policy head."""
        shape = self.shape
        if shape.head == "board":
            self.add_module(f"{name}_out", nn.Conv2d(head, shape.policy_size // shape.cells, 1))
            self.add_module(f"{name}_extra", nn.Linear(2 * head, 1) if shape.policy_size % shape.cells else None)
        elif shape.head == "columns":
            self.add_module(f"{name}_line", nn.Linear(head * shape.height, 1))
        else:
            self.add_module(f"{name}_dense", nn.Linear(head * shape.cells, shape.policy_size))

    def forward(self, planes: Tensor) -> Output:
        """planes: float [B, C, H, W]."""
        x = self.tower(F.relu(self.stem(planes)))
        p = F.relu(self.policy_conv(x))
        whole = pooled(p)
        if self.shape.head == "board":
            p = F.relu(p + self.policy_bias(whole)[:, :, None, None])
        v = F.relu(self.value_conv(x))
        hidden = F.relu(self.value_hidden(pooled(v)))
        ownership = torch.tanh(self.ownership_out(v)).squeeze(1) if self.ownership_out is not None else None
        score = self.score_out(hidden).squeeze(1) if self.score_out is not None else None
        plies_left = self.plies_left_out(hidden).squeeze(1) if self.plies_left_out is not None else None
        reply = self._moves("reply", p, whole) if self.config.reply else None
        return Output(self._moves("policy", p, whole), self.value_out(hidden), ownership, score, plies_left, reply)

    def _moves(self, name: str, p: Tensor, whole: Tensor) -> Tensor:
        """[B, P] logits of the policy called `name` from its head's features [B, K, H, W] and their means [B, 2K]."""
        if self.shape.head == "board":
            board: Tensor = self.get_submodule(f"{name}_out")(p).flatten(1)
            extra = getattr(self, f"{name}_extra")
            return board if extra is None else torch.cat([board, extra(whole)], 1)
        if self.shape.head == "columns":  # [B, K, H, W] -> [B, W, K * H] -> [B, W]
            columns: Tensor = self.get_submodule(f"{name}_line")(p.permute(0, 3, 1, 2).flatten(2))
            return columns.squeeze(2)
        dense: Tensor = self.get_submodule(f"{name}_dense")(p.flatten(1))
        return dense

    def describe(self) -> dict[str, Any]:
        """What meta.json keeps: enough to build this network again."""
        return {**asdict(self.config), "shape": {**asdict(self.shape), "head": self.shape.head}}


def from_description(description: dict[str, Any]) -> Network:
    """The network that `describe` described, with fresh weights."""
    fields = {"plies_left": False, "reply": False, **description}  # networks of before they came
    shape = {key: value for key, value in fields.pop("shape").items() if key != "head"}
    return Network(Shape(**shape), NetworkConfig(**fields))


def parameter_count(network: nn.Module) -> int:
    """How many numbers training changes."""
    return sum(p.numel() for p in network.parameters())


def folded(network: Network) -> Network:
    """A copy for inference: batch norms folded into the convolutions before them, no gradients, no reply."""
    result = copy.deepcopy(network).eval().requires_grad_(False)
    result.config = replace(network.config, reply=False)
    for name in ("reply_out", "reply_extra", "reply_line", "reply_dense"):
        if hasattr(result, name):
            delattr(result, name)
    for module in list(result.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Sequential) and len(child) == 2 and isinstance(child[1], nn.BatchNorm2d):
                conv = child[0]
                assert isinstance(conv, nn.Conv2d)
                setattr(module, name, nn.utils.fusion.fuse_conv_bn_eval(conv, child[1]))
    return result


@torch.no_grad()
def fold_into(target: Network, network: Network) -> None:
    """Writes the weights of `network` into `target`, a folded() network of the same shape, in place: whoever holds its
    tensors (a captured graph, a compiled model) computes with the new ones.

    All layers at once: on a GPU it is the number of operations that takes the time, and batches wait for a swap.
    """
    sources = dict(network.named_modules())
    own: list[Tensor] = []
    new: list[Tensor] = []
    convs: list[Tensor] = []  # of each convolution and its norm
    gammas: list[Tensor] = []
    betas: list[Tensor] = []
    means: list[Tensor] = []
    variances: list[Tensor] = []
    weights: list[Tensor] = []  # where they go
    biases: list[Tensor] = []
    eps = 1e-5  # of every norm that _conv() makes
    for name, module in target.named_modules():
        source = sources[name]
        if isinstance(source, nn.Sequential) and isinstance(module, nn.Conv2d):
            conv, norm = source[0], source[1]
            assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            assert norm.running_var is not None and norm.running_mean is not None and module.bias is not None
            weights.append(module.weight)
            biases.append(module.bias)
            convs.append(conv.weight)
            gammas.append(norm.weight)
            betas.append(norm.bias)
            means.append(norm.running_mean)
            variances.append(norm.running_var)
            assert norm.eps == eps
            continue
        for mine, theirs in zip(module.parameters(recurse=False), source.parameters(recurse=False), strict=True):
            own.append(mine)
            new.append(theirs)
    scales: list[Tensor] = list(torch._foreach_add(variances, eps))
    torch._foreach_rsqrt_(scales)
    torch._foreach_mul_(scales, gammas)
    folded_weights = torch._foreach_mul(convs, [scale[:, None, None, None] for scale in scales])
    folded_biases = torch._foreach_sub(betas, list(torch._foreach_mul(means, scales)))
    torch._foreach_copy_([*own, *weights, *biases], [*new, *folded_weights, *folded_biases])
