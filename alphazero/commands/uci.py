"""`alphazero uci`: the chess engine on standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="uniform", help="a checkpoint or run directory (default: uniform, a blind network)"
    )
    parser.add_argument("--game", choices=["chess", "gardner"], help="where the model is no checkpoint (default chess)")
    parser.add_argument(
        "--simulations", type=int, help="what a bare `go` searches (default: until `stop`; N with mcts:N)"
    )
    parser.add_argument("--search", choices=["puct", "gumbel"], default="puct")
    parser.add_argument("--batch-size", type=int, default=8, help="leaves a batch of the network (default 8)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append every line in and out to this file")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])


def run(args: argparse.Namespace) -> int:
    import contextlib
    import sys

    from alphazero.errors import UserError
    from alphazero.game import make
    from alphazero.player import load
    from alphazero.protocols.uci import UciEngine, describe

    if args.simulations is not None and args.simulations < 1:
        raise UserError(f"uci: --simulations must be >= 1, got {args.simulations}")
    if args.batch_size < 1:
        raise UserError(f"uci: --batch-size must be >= 1, got {args.batch_size}")
    builtin = args.model in ("uniform", "random") or args.model.startswith("mcts:")
    game = make(args.game or "chess") if builtin or args.game else None
    player = load(args.model, args.device, game=game, kind=args.search, batch_size=args.batch_size)
    if player.game.name not in ("chess", "gardner"):
        raise UserError(
            f"uci: {args.model} plays {player.game.name}; UCI is for chess and gardner (Go: `alphazero gtp`)"
        )
    simulations = args.simulations
    if args.model.startswith("mcts:"):
        simulations = simulations or int(args.model.removeprefix("mcts:"))
    with contextlib.ExitStack() as files:
        log = files.enter_context(args.log.open("a", encoding="utf-8")) if args.log else None
        print(describe(player), file=sys.stderr)
        UciEngine(player, device=args.device, simulations=simulations, log=log).serve(sys.stdin, sys.stdout)
    return 0
