"""`alphazero gtp`: the Go engine on standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments
from alphazero.formats import go_rules


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        help="a checkpoint or run directory, pretrained:go, uniform (no network) or mcts:N (default: the shipped network)",
    )
    parser.add_argument("--game", choices=["go"], default="go", help="game to play; GTP is for Go only")
    parser.add_argument(
        "--simulations",
        type=arguments.simulations,
        help="simulations a move when no time is set (default 400; with mcts:N, N)",
    )
    parser.add_argument(
        "--board-size", type=arguments.whole(2, 19), help="board size at the start (default: the model's, else 9)"
    )
    parser.add_argument(
        "--komi", type=arguments.number(-1000, 1000), help="komi at the start (default: the model's, else the game's)"
    )
    parser.add_argument(
        "--rules", choices=list(go_rules.RULES), help="rule set whose ko and suicide rules hold at the start"
    )
    parser.add_argument(
        "--ko", choices=go_rules.KO_RULES, help="ko rule at the start (default: that of --rules, else the model's)"
    )
    arguments.add_search(parser, "puct", "puct")
    arguments.add_level(parser)
    parser.add_argument("--ponder", action="store_true", help="search on while the other side thinks")
    parser.add_argument(
        "--resign",
        type=arguments.number(-2, 1),
        default=-2.0,
        metavar="VALUE",
        help="resign after three moves in a row with a value below this (-1 to 1), after the opening (default: never)",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="file to which every command and reply is appended")
    arguments.add_device(parser)


def run(args: argparse.Namespace) -> int:
    import contextlib
    import sys

    from alphazero.errors import UserError
    from alphazero.game import make
    from alphazero.machine import cores
    from alphazero.player import load
    from alphazero.pretrained import default_model
    from alphazero.protocols.gtp import GtpEngine

    model = args.model or default_model("go")
    builtin = model in ("uniform", "random") or model.startswith("mcts:")
    player = load(model, args.device, game=make("go") if builtin else None, kind=args.search, **dict(args.settings))
    if player.game.name != "go":
        raise UserError(f"gtp: {model} plays {player.game.name}; GTP is for Go (try `alphazero play --model {model}`)")
    wanted = {"board_size": args.board_size, "komi": args.komi, "ko": args.ko}
    options = go_rules.by_name(args.rules) if args.rules else {}
    options |= {name: value for name, value in wanted.items() if value is not None}
    if options:
        player = player.with_options(**options)
    player.set_threads(cores())
    simulations = args.simulations or (None if model.startswith("mcts:") else 400)
    with contextlib.ExitStack() as files:
        log = files.enter_context(args.log.open("a", encoding="utf-8")) if args.log else None
        if args.rules and (told := go_rules.warning(args.rules)):
            print(f"alphazero gtp: {told}", file=sys.stderr)
        engine = GtpEngine(
            player, simulations=simulations, resign_value=args.resign, level=args.level, ponder=args.ponder, log=log
        )
        print(f"alphazero gtp: {player.name}, {engine.size}x{engine.size}; `quit` ends it", file=sys.stderr)
        engine.serve(sys.stdin, sys.stdout)
    return 0
