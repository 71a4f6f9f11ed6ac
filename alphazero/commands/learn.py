"""`alphazero learn GAMES`: a run that begins with games of others, for those who have some."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "games", nargs="+", type=Path, metavar="GAMES", help="files of games (PGN, SGF, KIF, CSA), or folders of them"
    )
    parser.add_argument("--config", type=Path, required=True, help="the run's YAML file, e.g. configs/chess-small.yaml")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run directory, which is made")
    parser.add_argument(
        "--passes",
        type=arguments.number(0.001, 1000.0),
        default=2.0,
        metavar="N",
        help="samples of each position (default 2: more repeat games by heart)",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="overrides a key of the file; may be repeated",
    )
    arguments.add_device(parser)


def run(args: argparse.Namespace) -> int:
    from alphazero.config import load_config
    from alphazero.game import make
    from alphazero.training.lessons import learn, read_collection

    config = load_config(args.config, args.overrides)
    games = read_collection(args.games, make(config.game.name, config.game.options))
    plies = sum(record.plies for record in games.records)
    print(f"{len(games.records):,} games, {plies:,} moves", file=sys.stderr)
    for reason, count in games.left_out.most_common():
        print(f"left out: {count:,} ({reason})", file=sys.stderr)
    learned = learn(config, args.run, games, passes=args.passes, device=args.device)
    print(f"{args.run}: step {learned.trainer.steps:,}")
    print(
        f"go on by self-play:  {shlex.join(['alphazero', 'train', str(args.config), '--run', str(args.run), *args.overrides])}"
    )
    return 0
