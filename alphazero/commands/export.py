"""`alphazero export MODEL`: a checkpoint's network as ONNX, for any other program."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="a checkpoint or run directory")
    parser.add_argument("--out", type=Path, metavar="FILE", help="output file (default: GAME-STEP.onnx in this folder)")


def run(args: argparse.Namespace) -> int:
    from alphazero import checkpoint
    from alphazero.errors import UserError
    from alphazero.evaluators.onnx_cpu import to_onnx
    from alphazero.files import write_atomically
    from alphazero.terminal import fact

    loaded = checkpoint.load(checkpoint.resolve(args.model))
    if importlib.util.find_spec("onnx") is None:
        raise UserError("export: onnx is not installed; pip install 'alphazero-engine[onnx]'")
    out = args.out or Path(f"{loaded.meta['game']}-{loaded.meta['steps']}.onnx")
    data = to_onnx(loaded.network)
    write_atomically(out, data)
    shape = loaded.network.shape
    print(f"{out}  {len(data) / 1e6:.1f} MB, float32")
    fact("planes", f"[batch, {shape.planes}, {shape.height}, {shape.width}], as Position.planes()")
    fact("policy", f"[batch, {shape.policy_size}] logits by Position.policy_indices()")
    fact("wdl", "[batch, 3] probabilities of win, draw, loss for the side to move")
    return 0
