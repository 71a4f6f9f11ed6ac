"""A network's numbers without torch, which takes a second to load: what a backend needs that builds its own graph.

Batch norms are folded into the convolutions before them, so a convolution or a linear layer NAME is `NAME.weight` and
`NAME.bias`, by the names that the modules of alphazero.network have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alphazero._core import Game
from alphazero.runs.meta import Description

F32 = NDArray[np.float32]
SCORE_SCALE = 20.0  # points; the score head predicts score / SCORE_SCALE, which keeps its error near that of the others
EPSILON = np.float32(1e-5)  # of every batch norm
# The layers that play, and those that tell more of a position; the others only teach.
FOR_PLAY = ("stem.", "tower.", "policy_", "value_", "ownership_", "score_", "plies_left_")


@dataclass(frozen=True)
class Shape:
    """What goes in and comes out: planes [C, H, W], policy [P], and whether the game's areas are owned at the end."""

    planes: int
    height: int
    width: int
    policy_size: int
    ownership: bool
    dense: bool = False  # policy indices in no order that a convolution could learn

    @property
    def cells(self) -> int:
        return self.height * self.width

    @property
    def head(self) -> str:
        """Which policy head fits: "board" (k planes over the cells, plane-major, and perhaps one move beside the board,
        Go's pass), "columns" (a logit for each column) or "dense"."""
        if self.dense:
            return "dense"
        extra = self.policy_size % self.cells
        if self.policy_size >= self.cells and extra <= 1:
            return "board"
        return "columns" if self.policy_size == self.width else "dense"


def shape_of(game: Game) -> Shape:
    """The shape that a game asks for."""
    planes, height, width = game.planes_shape
    return Shape(planes, height, width, game.policy_size, game.has_ownership, game.dense_policy)


@dataclass(frozen=True)
class Weights:
    """All that the playing outputs of a network hang on."""

    shape: Shape
    blocks: int
    channels: int
    arrays: dict[str, F32]  # folded


def weights_of(description: Description, state: Mapping[str, NDArray[np.generic]]) -> Weights:
    """From what Network.describe() says, and its state_dict as arrays."""
    shape = Shape(**{key: value for key, value in description["shape"].items() if key != "head"})
    return Weights(shape, description["blocks"], description["channels"], folded_arrays(state))


def read(path: Path, description: Description) -> Weights:
    """A checkpoint's weights. What does not fit the description is not looked for: alphazero.checkpoint.load does that."""
    from safetensors.numpy import load_file

    return weights_of(description, load_file(path / "model.safetensors"))


def folded_arrays(state: Mapping[str, NDArray[np.generic]]) -> dict[str, F32]:
    """The arrays that play, every batch norm folded into its convolution; new memory, none of it shared."""
    arrays: dict[str, F32] = {}
    for name, array in state.items():
        if not name.startswith(FOR_PLAY):
            continue
        module, _, kind = name.rpartition(".")
        before, _, part = module.rpartition(".")
        if part in ("0", "1") and f"{before}.1.running_var" in state:  # a convolution and its norm
            if part == "1" or kind != "weight":
                continue
            scale = state[f"{before}.1.weight"] / np.sqrt(state[f"{before}.1.running_var"] + EPSILON)
            arrays[f"{before}.weight"] = np.ascontiguousarray(array * scale[:, None, None, None], np.float32)
            bias = state[f"{before}.1.bias"] - state[f"{before}.1.running_mean"] * scale
            arrays[f"{before}.bias"] = np.ascontiguousarray(bias, np.float32)
        else:
            arrays[name] = np.array(array, np.float32)
    return arrays
