"""`alphazero train CONFIG`: begin, resume or extend a training run, then rate its checkpoints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alphazero.devices import DEVICE_HELP, DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="a YAML file such as configs/quickstart.yaml")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="e.g. search.simulations=64")
    parser.add_argument("--run", type=Path, help="run directory (default: runs/NAME of the config)")
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)
    parser.add_argument("--no-rating", action="store_true", help="do not rate the checkpoints at the end")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.run_rating import rate_run
    from alphazero.commands.engine import PROTOCOLS
    from alphazero.config import load_config
    from alphazero.training.loop import train

    config = load_config(args.config, args.overrides)
    directory: Path = args.run or Path("runs") / args.config.stem
    finished = train(config, directory, args.device)
    if finished.stopping:
        print(f"stopped; the same command goes on from step {finished.trainer.steps:,}", file=sys.stderr)
        return 130
    print(f"\nrun         {directory}  ({finished.store.games:,} games, {finished.trainer.steps:,} steps)")
    if not args.no_rating:
        rate_run(directory, config, args.device)
        print(f"ratings     {directory / 'elo.json'}\nplot        {directory / 'elo.png'}")
    print(f"curves      tensorboard --logdir {directory / 'tb'}\nplay it     alphazero play --model {directory}")
    protocol = PROTOCOLS.get(config.game.name)
    if protocol is not None:
        print(f"in a GUI    alphazero {protocol} --model {directory}")
    return 0
