"""The networks of alphazero.network as OpenVINO models, built layer by layer from arrays.

Layers have the names of their modules. tests/test_evaluators.py holds every head against PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alphazero.weights import Weights

OpenVino = Any  # the library, and what it makes: it comes without types


def graph(
    openvino: OpenVino, weights: Weights, board: tuple[int, int], *, bf16: bool = False, heads: Sequence[str] = ()
) -> OpenVino:
    """What Network.forward computes, as an OpenVINO model: planes in, logits and wdl out, and then these heads.

    board: height and width. bf16: the planes come so.
    """
    layers = _Layers(openvino, weights)
    op = layers.op
    size = [-1, weights.shape.planes, *board]
    planes = op.parameter(size, openvino.Type.bf16 if bf16 else openvino.Type.f32, "planes")
    x = op.relu(layers.conv(op.convert(planes, openvino.Type.f32) if bf16 else planes, "stem"))
    for i in range(weights.blocks):
        x = layers.residual(x, f"tower.{i}")
    v = op.relu(layers.conv(x, "value_conv"))
    hidden = op.relu(layers.linear(layers.pooled(v), "value_hidden"))
    told = [layers.policy(x), op.softmax(layers.linear(hidden, "value_out"), 1)]
    for name in heads:
        if name == "ownership":
            told.append(layers.shaped(op.tanh(layers.conv(v, "ownership_out")), [0, *board]))
        else:
            told.append(layers.shaped(layers.linear(hidden, f"{name}_out"), [-1]))
    return openvino.Model(told, [planes], "network")


class _Layers:
    """The parts of a network. Features are [B, C, H, W] where nothing else is said."""

    def __init__(self, openvino: OpenVino, weights: Weights):
        self.op = openvino.opset8
        self.arrays = weights.arrays
        self.shape = weights.shape

    def conv(self, x: OpenVino, name: str) -> OpenVino:
        weight = self.arrays[f"{name}.weight"]
        pad = [weight.shape[2] // 2] * 2
        y = self.op.convolution(x, self.op.constant(weight), [1, 1], pad, pad, [1, 1])
        return self.op.add(y, self.op.constant(self.arrays[f"{name}.bias"][None, :, None, None]))

    def linear(self, x: OpenVino, name: str) -> OpenVino:
        y = self.op.matmul(x, self.op.constant(self.arrays[f"{name}.weight"]), False, True)
        return self.op.add(y, self.op.constant(self.arrays[f"{name}.bias"]))

    def shaped(self, x: OpenVino, shape: Sequence[int]) -> OpenVino:
        """In the shape, 0 keeps a size and -1 takes what is left."""
        return self.op.reshape(x, self._whole_numbers(shape), True)

    def pooled(self, x: OpenVino) -> OpenVino:
        over = self._whole_numbers([2, 3])
        return self.op.concat([self.op.reduce_mean(x, over, False), self.op.reduce_max(x, over, False)], 1)

    def residual(self, x: OpenVino, name: str) -> OpenVino:
        y = self.op.relu(self.conv(x, f"{name}.first"))
        if f"{name}.bias.weight" in self.arrays:
            y = self._biased(y, self.pooled(y), f"{name}.bias")
        return self.op.relu(self.op.add(x, self.conv(y, f"{name}.second")))

    def policy(self, x: OpenVino) -> OpenVino:
        """[B, P] logits."""
        p = self.op.relu(self.conv(x, "policy_conv"))
        if self.shape.head == "board":
            whole = self.pooled(p)
            board = self.conv(self.op.relu(self._biased(p, whole, "policy_bias")), "policy_out")
            logits = self.shaped(board, [0, -1])
            if "policy_extra.weight" in self.arrays:
                logits = self.op.concat([logits, self.linear(whole, "policy_extra")], 1)
            return logits
        if self.shape.head == "columns":  # [B, K, H, W] -> [B, W, K * H] -> [B, W]
            columns = self._turned(p, [0, 3, 1, 2])
            return self.shaped(self.linear(self.shaped(columns, [0, 0, -1]), "policy_line"), [0, -1])
        return self.linear(self.shaped(p, [0, -1]), "policy_dense")

    def _biased(self, x: OpenVino, whole: OpenVino, name: str) -> OpenVino:
        return self.op.add(x, self.shaped(self.linear(whole, name), [0, -1, 1, 1]))

    def _turned(self, x: OpenVino, axes: Sequence[int]) -> OpenVino:
        return self.op.transpose(x, self._whole_numbers(axes))

    def _whole_numbers(self, values: Sequence[int]) -> OpenVino:
        return self.op.constant(np.array(values, np.int64))
