"""`alphazero train CONFIG`: begin, resume or extend a training run, then rate its checkpoints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="YAML file, e.g. configs/quickstart.yaml")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="overrides a key of the file, e.g. search.simulations=64"
    )
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help="run directory (default: runs/NAME, NAME as in NAME.yaml)"
    )
    arguments.add_device(parser)
    parser.add_argument("--no-rating", action="store_true", help="skip the rating of the checkpoints at the end")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.run_rating import rate_run
    from alphazero.commands.engine import PROTOCOLS
    from alphazero.config import load_config
    from alphazero.terminal import fact
    from alphazero.training.loop import train

    config = load_config(args.config, args.overrides)
    directory: Path = args.run or Path("runs") / args.config.stem
    finished = train(config, directory, args.device)
    if finished.stopping:
        print(f"stopped; run the same command to resume at step {finished.trainer.steps:,}", file=sys.stderr)
        return 130
    print()
    fact("run", f"{directory}  ({finished.store.games:,} games, {finished.trainer.steps:,} steps)")
    if not args.no_rating:
        rate_run(directory, config, args.device)
        fact("ratings", str(directory / "elo.json"))
        fact("plot", str(directory / "elo.png"))
    fact("curves", f"tensorboard --logdir {directory / 'tb'}")
    fact("play it", f"alphazero play --model {directory}")
    protocol = PROTOCOLS.get(config.game.name)
    if protocol is not None:
        fact("in a GUI", f"alphazero {protocol} --model {directory}")
    return 0
