"""`alphazero grow MODEL`: a larger network with the same outputs, from which training continues."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="a checkpoint or run directory, or pretrained:GAME")
    parser.add_argument("--blocks", type=arguments.whole(1, 200), help="residual blocks (default: as many as now)")
    parser.add_argument("--channels", type=arguments.whole(1, 4096), help="channels (default: as many as now)")
    parser.add_argument("--seed", type=arguments.whole(0, 2**31), default=0, help="seed of the new weights (default 0)")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="directory for the new checkpoint")


def run(args: argparse.Namespace) -> int:
    from alphazero import checkpoint
    from alphazero.errors import UserError
    from alphazero.growing import write_grown

    if args.out.exists():
        raise UserError(f"{args.out}: already exists; choose another --out")
    grown = write_grown(checkpoint.resolve(args.model), args.out, args.blocks, args.channels, args.seed)
    small, big = grown.before, grown.after
    print(
        f"{args.out}  {small.blocks} x {small.channels} -> {big.blocks} x {big.channels}, "
        f"{grown.parameters_before:,} -> {grown.parameters_after:,} parameters, {grown.divergence:.0e} nats apart"
    )
    print(
        f"go on with:  alphazero train CONFIG --run RUN training.start_from={args.out} "
        f"network.blocks={big.blocks} network.channels={big.channels}"
    )
    return 0
