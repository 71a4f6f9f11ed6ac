"""`alphazero perft GAME DEPTH`: how many move sequences there are, and how fast we count them."""

from __future__ import annotations

import argparse
import time

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("game", metavar="GAME", help="a game's name, e.g. go or connect4")
    parser.add_argument("depth", type=arguments.whole(0, 100), metavar="DEPTH")
    parser.add_argument("--position", help="the position to count from, as text (default: the start)")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game, e.g. board_size=5"
    )
    parser.add_argument("--divide", action="store_true", help="count for each first move")


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError
    from alphazero.options import game_from

    if args.depth < 0 or (args.divide and args.depth < 1):
        raise UserError(f"perft: DEPTH must be >= {1 if args.divide else 0}, got {args.depth}")
    position = game_from(args.game, args.option).position(args.position)
    begin = time.perf_counter()
    if args.divide:
        nodes = 0
        for move in position.legal_moves():
            position.play(move)
            count = position.perft(args.depth - 1)
            position.undo()
            nodes += count
            print(f"{move}: {count}")
    else:
        nodes = position.perft(args.depth)
    seconds = time.perf_counter() - begin
    print(f"{nodes} nodes in {seconds:.3f} s, {nodes / max(seconds, 1e-9):,.0f} nodes/s")
    return 0
