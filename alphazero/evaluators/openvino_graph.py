"""The networks of alphazero.network as OpenVINO models, built layer by layer from arrays.

Layers have the names of their modules. tests/test_evaluators.py holds every tower and every head against PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alphazero.weights import EPSILON, Weights, attention_heads, offsets

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
        attends = f"tower.{i}.places" in weights.arrays
        x = layers.attention(x, f"tower.{i}", board) if attends else layers.residual(x, f"tower.{i}")
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
        self.channels = weights.channels

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

    def attention(self, x: OpenVino, name: str, board: tuple[int, int]) -> OpenVino:
        op, shape, heads = self.op, self.shape, attention_heads(self.channels)
        cells = self._turned(self.shaped(x, [0, 0, -1]), [0, 2, 1])  # [B, S, C]
        together = self.linear(self._normed(cells, f"{name}.attend_norm"), f"{name}.attend_in")
        split = self._turned(
            self.shaped(together, [0, 0, 3, heads, -1]), [2, 0, 3, 1, 4]
        )  # [3, B, heads, S, C / heads]
        asked, known, told = (op.gather(split, op.constant(np.int64(i)), op.constant(np.int64(0))) for i in range(3))
        scale = op.constant(np.float32((self.channels // heads) ** -0.5))
        places = self.arrays[f"{name}.places"][:, offsets(*board, (shape.height - 1, shape.width - 1))]
        sizes = op.add(op.multiply(op.matmul(asked, known, False, True), scale), op.constant(places[None]))
        seen = self.shaped(self._turned(op.matmul(op.softmax(sizes, 3), told, False, False), [0, 2, 1, 3]), [0, 0, -1])
        cells = op.add(cells, self.linear(seen, f"{name}.attend_out"))
        thought = op.relu(self.linear(self._normed(cells, f"{name}.think_norm"), f"{name}.think_in"))
        cells = op.add(cells, self.linear(thought, f"{name}.think_out"))
        return self.shaped(self._turned(cells, [0, 2, 1]), [0, 0, *board])

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

    def _normed(self, cells: OpenVino, name: str) -> OpenVino:
        """Each cell's features [B, S, C] by their own mean and variance."""
        y = self.op.mvn(cells, self._whole_numbers([2]), True, float(EPSILON), "inside_sqrt")
        scaled = self.op.multiply(y, self.op.constant(self.arrays[f"{name}.weight"]))
        return self.op.add(scaled, self.op.constant(self.arrays[f"{name}.bias"]))

    def _turned(self, x: OpenVino, axes: Sequence[int]) -> OpenVino:
        return self.op.transpose(x, self._whole_numbers(axes))

    def _whole_numbers(self, values: Sequence[int]) -> OpenVino:
        return self.op.constant(np.array(values, np.int64))
