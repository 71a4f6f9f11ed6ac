"""`alphazero train CONFIG`: begin, resume or extend a training run, then rate its checkpoints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.commands import arguments
from alphazero.errors import UserError

if TYPE_CHECKING:
    from alphazero.config import Config
    from alphazero.training.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="YAML file, e.g. configs/quickstart.yaml")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="overrides a key of the file, e.g. search.simulations=64"
    )
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help="run directory (default: runs/NAME, NAME as in NAME.yaml)"
    )
    parser.add_argument(
        "--from-step",
        type=arguments.whole(0, 10**12),
        metavar="N",
        help="branch off: begin with the checkpoint of step N of the run that training.start_from names",
    )
    arguments.add_device(parser)
    arguments.add_workers(parser, "play in N processes of their own (cluster.workers)")
    parser.add_argument(
        "--learners",
        type=arguments.whole(1, 64),
        metavar="K",
        help="share each training step among K processes (cluster.learners)",
    )
    parser.add_argument("--no-rating", action="store_true", help="skip the rating of the checkpoints at the end")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.run_rating import rate_run
    from alphazero.commands.engine import PROTOCOLS
    from alphazero.config import load_config
    from alphazero.terminal import fact

    for key, value in (("workers", args.workers), ("learners", args.learners)):
        args.overrides += [] if value is None else [f"cluster.{key}={value}"]
    config = load_config(args.config, args.overrides)
    if args.from_step is not None:
        config = load_config(
            args.config, [*args.overrides, f"training.start_from={_checkpoint(config, args.from_step)}"]
        )
    directory: Path = args.run or Path("runs") / args.config.stem
    finished = _train(config, directory, args)
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


def _checkpoint(config: Config, step: int) -> Path:
    """That of the run which the configuration begins from."""
    from alphazero import checkpoint

    name = config.training.start_from
    if not name:
        raise UserError(
            "train: --from-step N is for a run that begins from another one: give training.start_from=RUN, too"
        )
    steps = checkpoint.steps(Path(name))
    if step not in steps:
        there = f"its checkpoints are {', '.join(map(str, steps))}" if steps else "it has none"
        raise UserError(f"{name}: no checkpoint of step {step}; {there}")
    return Path(name) / "checkpoints" / str(step)


def _train(config: Config, directory: Path, args: argparse.Namespace) -> Run:
    """By workers where the configuration has some, else in this process alone."""
    if config.cluster.workers:
        from alphazero.cluster.connect import require_ray
        from alphazero.cluster.run import train as train_with_workers

        require_ray()
        return train_with_workers(config, directory, args.device, ray=args.ray or "local")
    for option, value in (("--ray", args.ray), ("--learners", args.learners)):
        if value not in (None, 1):
            raise UserError(f"train: {option} is for a run with workers; give --workers N, too")
    from alphazero.training.run import train

    return train(config, directory, args.device)
