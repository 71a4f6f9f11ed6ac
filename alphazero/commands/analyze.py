"""`alphazero analyze`: a game judged move by move, its file with remarks, and a graph."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a game or several as SGF, PGN, KIF or CSA")
    parser.add_argument(
        "--model", help="a checkpoint or run directory, or pretrained:GAME (default: the network shipped for the game)"
    )
    parser.add_argument(
        "--simulations",
        type=arguments.simulations,
        default=200,
        help="simulations a position: half of them for each, half for those where a mistake was seen (default 200)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the same file with remarks on every move")
    parser.add_argument(
        "--graph", type=Path, metavar="FILE", help="the win rate over the first game, as .svg or .png (matplotlib)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line per game")
    arguments.add_device(parser)


def run(args: argparse.Namespace) -> int:
    from alphazero.review.files import analyze_file

    analyze_file(
        args.file,
        model=args.model,
        simulations=args.simulations,
        out=args.out,
        graph=args.graph,
        as_json=args.json,
        device=args.device,
    )
    return 0
