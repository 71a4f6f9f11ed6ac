"""`alphazero gtp`: the Go engine on standard input and output."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="uniform", help="a checkpoint or run directory (default: uniform, a blind network)"
    )
    parser.add_argument("--simulations", type=int, default=400, help="a move, where no time is set (default 400)")
    parser.add_argument("--board-size", type=int, help="to begin with (default: the model's, else 9)")
    parser.add_argument("--komi", type=float, help="to begin with")
    parser.add_argument("--search", choices=["puct", "gumbel"], default="puct")
    parser.add_argument(
        "--resign", type=float, default=-2.0, metavar="VALUE", help="resign below this value in -1..1 (default: never)"
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])


def run(args: argparse.Namespace) -> int:
    import sys

    from alphazero.errors import UserError
    from alphazero.game import make
    from alphazero.player import load
    from alphazero.protocols.gtp import GtpEngine

    if args.simulations < 1:
        raise UserError(f"gtp: --simulations must be >= 1, got {args.simulations}")
    builtin = args.model in ("uniform", "random") or args.model.startswith("mcts:")
    player = load(args.model, args.device, game=make("go") if builtin else None, kind=args.search)
    if player.game.name != "go":
        raise UserError(
            f"gtp: {args.model} plays {player.game.name}; GTP is for Go (try `alphazero play --model {args.model}`)"
        )
    wanted = {"board_size": args.board_size, "komi": args.komi}
    options = {name: value for name, value in wanted.items() if value is not None}
    if options:
        player = player.with_options(**options)
    engine = GtpEngine(player, simulations=args.simulations, resign_value=args.resign)
    engine.serve(sys.stdin, sys.stdout)
    return 0
