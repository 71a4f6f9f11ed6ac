"""`alphazero analysis`: many positions at a time, by JSON lines on standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments

GAMES = ["go", "chess", "gardner", "shogi", "minishogi", "connect4"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", help="a checkpoint or run directory, or pretrained:GAME (default: the shipped network)"
    )
    parser.add_argument("--game", choices=GAMES, help="game to analyse, if no model is given (default go)")
    parser.add_argument(
        "--simulations",
        type=arguments.simulations,
        default=500,
        help="visits of a query without maxVisits (default 500)",
    )
    parser.add_argument(
        "--perspective",
        choices=["BLACK", "WHITE", "SIDETOMOVE"],
        default="BLACK",
        help="whose win rate is told; BLACK is the first player, so White in chess (default BLACK, as KataGo's example has it)",
    )
    parser.add_argument(
        "--positions",
        type=arguments.whole(1, 1024),
        default=32,
        help="positions that are searched at a time (default 32)",
    )
    parser.add_argument(
        "--quit-without-waiting", action="store_true", help="end with the input, without what is still asked for"
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="file to which every line in and out is appended")
    arguments.add_search(parser, "puct", "puct")
    arguments.add_device(parser)


def run(args: argparse.Namespace) -> int:
    import contextlib
    import sys

    from alphazero.errors import UserError
    from alphazero.game import make
    from alphazero.machine import cores
    from alphazero.player import NetworkPlayer, load
    from alphazero.pretrained import default_model
    from alphazero.protocols.json_analysis import JsonAnalysis

    model = args.model or default_model(args.game or "go")
    player = load(
        model, args.device, game=make(args.game) if args.game else None, kind=args.search, **dict(args.settings)
    )
    if not isinstance(player, NetworkPlayer):
        raise UserError(f"analysis: {model} has no network; give a checkpoint, a run or pretrained:GAME")
    with contextlib.ExitStack() as files:
        log = files.enter_context(args.log.open("a", encoding="utf-8")) if args.log else None
        engine = JsonAnalysis(
            player,
            threads=cores(),
            visits=args.simulations,
            perspective=args.perspective,
            at_once=args.positions,
            log=log,
        )
        # KaTrain waits for this line on standard error.
        print(f"alphazero analysis: {player.name} plays {player.game.name}", file=sys.stderr)
        print("Started, ready to begin handling requests", file=sys.stderr, flush=True)
        engine.serve(sys.stdin, sys.stdout, wait=not args.quit_without_waiting)
    return 0
