"""The policy-value network: a residual tower that reads planes, and heads that tell what to play and who wins.

Post-activation blocks (as AlphaZero's: conv, norm, ReLU, conv, norm, add, ReLU): every norm follows a convolution, so all of them fold
into the convolutions for inference. No layer sees the board's size, where the game allows it: Go's policy and values come from 1x1
convolutions and from means over the board, so the same weights play on any board.
"""

from __future__ import annotations

import copy
import importlib
from dataclasses import asdict, replace
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alphazero.config import NetworkConfig
from alphazero.errors import UserError
from alphazero.heads import HEADS, Features, Head
from alphazero.outside import look_in_this_folder
from alphazero.runs.meta import Description
from alphazero.weights import Shape as Shape
from alphazero.weights import shape_of as shape_of

NORM_EPS = 1e-5  # PyTorch's default


class Output(NamedTuple):
    """What the network says of B positions, for the side to move."""

    policy: Tensor  # [B, P] logits
    wdl: Tensor  # [B, 3] logits of win, draw, loss
    heads: dict[str, Tensor]  # what else it learns, by the names of alphazero.heads


class ConvNorm(nn.Sequential):
    """A convolution and its norm: one convolution for inference."""

    def __init__(self, inputs: int, outputs: int, size: int):
        super().__init__(
            nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False), nn.BatchNorm2d(outputs, eps=NORM_EPS)
        )


def pooled(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, 2C]: each channel's mean and greatest value over the board."""
    return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


class Block(nn.Module):
    """A residual block; with `pooling`, what the board says as a whole biases the second convolution's input.

    Global pooling as in Wu 2019, section 3.3: it is how a convolution learns of ko fights and the count elsewhere.
    """

    def __init__(self, channels: int, pooling: bool):
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)
        self.bias = nn.Linear(2 * channels, channels) if pooling else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first(x))
        if self.bias is not None:
            y = y + self.bias(pooled(y))[:, :, None, None]
        return F.relu(x + self.second(y))


class PolicyValueNet(nn.Module):
    """What a network has to be: a module made from a shape and the section `network`, whose forward() gives an Output.

    One from outside this package (`network.kind`) extends it and is trained, saved, resumed and played as ours is, by PyTorch and
    ONNX Runtime. forward() gets float [B, C, H, W]; for games on boards of several sizes it must not depend on H and W.
    """

    def __init__(self, shape: Shape, config: NetworkConfig):
        super().__init__()
        self.shape = shape
        self.config = config
        self.heads: list[Head] = []  # what it learns beside policy and value, with layers and answers in Output.heads

    @property
    def head_names(self) -> list[str]:
        """Of the heads that play."""
        return [each.name for each in self.heads if each.plays]

    def describe(self) -> Description:
        """What meta.json keeps: enough to build this network again."""
        return {**asdict(self.config), "shape": {**asdict(self.shape), "head": self.shape.head}}


class Network(PolicyValueNet):
    """The tower, policy and value, and the further heads that `config` asks for."""

    def __init__(self, shape: Shape, config: NetworkConfig):
        super().__init__(shape, config)
        channels = config.channels
        self.stem = ConvNorm(shape.planes, channels, 3)
        self.tower = nn.Sequential(
            *(Block(channels, config.global_pooling and i % 2 == 1) for i in range(config.blocks))
        )
        head = max(16, channels // 2)
        self.policy_conv = ConvNorm(channels, head, 1)
        if shape.head == "board":
            self.policy_bias = nn.Linear(2 * head, head)
        self.add_moves("policy", head)
        self.heads = [each for each in HEADS if each.wanted(shape, config)]
        self._add_heads("policy", head)
        self.value_conv = ConvNorm(channels, head, 1)
        self.value_hidden = nn.Linear(2 * head, config.value_hidden)
        self.value_out = nn.Linear(config.value_hidden, 3)
        self._add_heads("value", head)

    def _add_heads(self, beside: str, width: int) -> None:
        for each in self.heads:
            if each.beside == beside:
                each.add_layers(self, width)

    def add_moves(self, name: str, head: int) -> None:
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
        features = Features(p, whole, v, hidden)
        heads = {each.name: each.out(self, features) for each in self.heads}
        return Output(self.moves("policy", p, whole), self.value_out(hidden), heads)

    def moves(self, name: str, p: Tensor, whole: Tensor) -> Tensor:
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


def make_network(shape: Shape, config: NetworkConfig) -> Network:
    """A network with fresh weights: ours, or of the class that `config.kind` names. UserError says why there is none."""
    if not config.kind:
        return Network(shape, config)
    name, _, attribute = config.kind.partition(":")
    look_in_this_folder()
    try:
        kind = getattr(importlib.import_module(name), attribute)
    except Exception as error:  # whatever a module of somebody else's raises as it is imported
        raise UserError(
            f"network.kind: {config.kind}: {_line(error)}; package.module:Class of a package that is installed here is needed"
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, PolicyValueNet)):
        raise UserError(f"network.kind: {config.kind} is no alphazero.network.PolicyValueNet")
    try:
        made = kind(shape, config)
        with torch.no_grad():
            made.eval()
            said = made(torch.zeros(2, shape.planes, shape.height, shape.width))
            made.train()
    except Exception as error:
        raise UserError(f"network.kind: {config.kind} fails on this game's planes: {_line(error)}") from error
    if not isinstance(said, Output):
        raise UserError(f"network.kind: {config.kind} answers {type(said).__name__}, not an alphazero.network.Output")
    for what, found, wanted in (("policy", said.policy, (2, shape.policy_size)), ("wdl", said.wdl, (2, 3))):
        if tuple(found.shape) != wanted:
            raise UserError(f"network.kind: {config.kind} answers {what} {list(found.shape)}, not {list(wanted)}")
    return cast(Network, made)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def from_description(description: Description) -> Network:
    """The network that `describe` described, with fresh weights."""
    came_later: Description = {"kind": "", "options": {}, "plies_left": False, "reply": False}
    fields = {**came_later, **description}
    tower = fields.pop("tower", "residual")  # of runs before 0.2.0, when there was more than one
    if tower != "residual":
        raise UserError(f"a network with the {tower} tower, which this version no longer has (docs/recipe.md)")
    shape = {key: value for key, value in fields.pop("shape").items() if key != "head"}
    return make_network(Shape(**shape), NetworkConfig(**fields))


def parameter_count(network: nn.Module) -> int:
    """How many numbers training changes."""
    return sum(p.numel() for p in network.parameters())


def folded(network: Network) -> Network:
    """A copy for inference: batch norms folded into the convolutions before them, no gradients, no head that only teaches."""
    result = copy.deepcopy(network).eval().requires_grad_(False)
    for head in [each for each in result.heads if not each.plays]:
        result.heads.remove(head)
        if hasattr(result.config, head.name):
            off: dict[str, Any] = {head.name: False}
            result.config = replace(result.config, **off)
        for name in [name for name, _ in result.named_children() if name.startswith(f"{head.name}_")]:
            delattr(result, name)
    fused: dict[nn.Module, nn.Module] = {}  # a layer may stand in several places
    for name, module in list(result.named_modules(remove_duplicate=False)):
        if type(module) is ConvNorm:  # what extends it may compute something else
            conv, norm = module[0], module[1]
            assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            if module not in fused:
                fused[module] = nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
            result.set_submodule(name, fused[module])
    return result


@torch.no_grad()
def fold_into(target: Network, network: Network) -> None:
    """Writes the weights of `network` into `target`, a folded() network of the same shape, in place: whoever holds its
    tensors (a captured graph, a compiled model) computes with the new ones.

    All layers at once: on a GPU it is the number of operations that takes the time, and batches wait for a swap.
    """
    sources = dict(network.named_modules(remove_duplicate=False))
    own: list[Tensor] = []
    new: list[Tensor] = []
    convs: list[Tensor] = []  # of each convolution and its norm
    gammas: list[Tensor] = []
    betas: list[Tensor] = []
    means: list[Tensor] = []
    variances: list[Tensor] = []
    weights: list[Tensor] = []  # where they go
    biases: list[Tensor] = []
    for name, module in target.named_modules():
        source = sources[name]
        if type(source) is ConvNorm:
            conv, norm = source[0], source[1]
            assert isinstance(module, nn.Conv2d)
            assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            assert norm.running_var is not None and norm.running_mean is not None and module.bias is not None
            weights.append(module.weight)
            biases.append(module.bias)
            convs.append(conv.weight)
            gammas.append(norm.weight)
            betas.append(norm.bias)
            means.append(norm.running_mean)
            variances.append(norm.running_var)
            continue
        for mine, theirs in zip(module.parameters(recurse=False), source.parameters(recurse=False), strict=True):
            own.append(mine)
            new.append(theirs)
        for mine, theirs in zip(module.buffers(recurse=False), source.buffers(recurse=False), strict=True):
            mine.copy_(theirs)  # the statistics of a norm that stands alone: only networks from outside have any
    if not convs:  # likewise; the functions below want one at least
        torch._foreach_copy_(own, new)
        return
    scales: list[Tensor] = list(torch._foreach_add(variances, NORM_EPS))
    torch._foreach_rsqrt_(scales)
    torch._foreach_mul_(scales, gammas)
    folded_weights = torch._foreach_mul(convs, [scale[:, None, None, None] for scale in scales])
    folded_biases = torch._foreach_sub(betas, list(torch._foreach_mul(means, scales)))
    torch._foreach_copy_([*own, *weights, *biases], [*new, *folded_weights, *folded_biases])
