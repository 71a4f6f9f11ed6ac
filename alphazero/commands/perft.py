"""`alphazero perft GAME DEPTH`: the number of move sequences, and how fast they are counted."""

from __future__ import annotations

import argparse
import time

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("game", metavar="GAME", help="game, e.g. go or connect4")
    parser.add_argument("depth", type=arguments.whole(0, 100), metavar="DEPTH", help="length of the move sequences")
    parser.add_argument("--position", help="position to count from, as text (default: the start)")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="option of the game, e.g. board_size=5; may be repeated",
    )
    parser.add_argument("--divide", action="store_true", help="show the count of each first move")


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError
    from alphazero.options import game_from

    if args.divide and args.depth < 1:
        raise UserError(f"perft: DEPTH must be >= 1 with --divide, got {args.depth}")
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
