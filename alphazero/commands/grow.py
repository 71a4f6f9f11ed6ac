"""`alphazero grow MODEL`: a larger network with the same outputs, from which training continues."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="a checkpoint or run directory, or pretrained:GAME")
    parser.add_argument("--blocks", type=arguments.whole(1, 200), help="residual blocks (default: as many as now)")
    parser.add_argument("--channels", type=arguments.whole(1, 4096), help="channels (default: as many as now)")
    parser.add_argument("--seed", type=arguments.whole(0, 2**31), default=0, help="seed of the new weights (default 0)")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="directory for the new checkpoint")


def run(args: argparse.Namespace) -> int:
    import torch
    from safetensors.torch import save as to_safetensors

    from alphazero import checkpoint
    from alphazero.errors import UserError
    from alphazero.evaluators.base import divergence, exact, proof_planes
    from alphazero.files import write_atomically
    from alphazero.growing import grown
    from alphazero.network import parameter_count

    if args.out.exists():
        raise UserError(f"{args.out}: already exists; choose another --out")
    loaded = checkpoint.load(checkpoint.resolve(args.model))
    small, config = loaded.network, loaded.network.config
    torch.manual_seed(args.seed)
    big = grown(small, args.blocks or config.blocks, args.channels or config.channels)
    planes = proof_planes(small.shape, 64)
    apart = divergence(exact(small, planes)[0], exact(big, planes)[0])
    if not apart < 1e-4:
        raise UserError(f"grow: the larger network's outputs would differ by {apart:.1e} nats; nothing was written")
    try:
        args.out.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{args.out}: cannot create the directory: {error.strerror}") from error
    meta = {**loaded.meta, "network": big.describe(), "grown_from": f"{config.blocks}x{config.channels}"}
    weights = {name: tensor.contiguous() for name, tensor in big.state_dict().items()}
    write_atomically(args.out / "model.safetensors", to_safetensors(weights))
    write_atomically(args.out / "meta.json", (json.dumps(meta, indent=1) + "\n").encode())
    print(
        f"{args.out}  {config.blocks} x {config.channels} -> {big.config.blocks} x {big.config.channels}, "
        f"{parameter_count(small):,} -> {parameter_count(big):,} parameters, {apart:.0e} nats apart"
    )
    print(
        f"go on with:  alphazero train CONFIG --run RUN training.start_from={args.out} "
        f"network.blocks={big.config.blocks} network.channels={big.config.channels}"
    )
    return 0
