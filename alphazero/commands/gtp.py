"""`alphazero gtp`: the Go engine on standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments
from alphazero.devices import DEVICE_HELP, DEVICES
from alphazero.formats import go_rules


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        help="a checkpoint or run directory, uniform (a blind network) or mcts:N (default: pretrained:go, else uniform)",
    )
    parser.add_argument("--game", choices=["go"], default="go", help="GTP is for Go (default go)")
    parser.add_argument(
        "--simulations", type=arguments.simulations, help="a move, where no time is set (default 400; N with mcts:N)"
    )
    parser.add_argument(
        "--board-size", type=arguments.whole(2, 19), help="to begin with (default: the model's, else 9)"
    )
    parser.add_argument("--komi", type=arguments.number(-1000, 1000), help="to begin with")
    parser.add_argument(
        "--rules", choices=list(go_rules.RULES), help="the ko rule and suicide of these rules, to begin with"
    )
    parser.add_argument(
        "--ko", choices=go_rules.KO_RULES, help="the ko rule, to begin with (default: the rules' or model's)"
    )
    parser.add_argument("--search", choices=["puct", "gumbel"], default="puct")
    parser.add_argument(
        "--resign",
        type=arguments.number(-2, 1),
        default=-2.0,
        metavar="VALUE",
        help="resign after three moves in a row with a value below this (in -1..1), past the opening (default: never)",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="append every command and its reply to this file")
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)


def run(args: argparse.Namespace) -> int:
    import contextlib
    import sys

    from alphazero.errors import UserError
    from alphazero.game import make
    from alphazero.player import load
    from alphazero.pretrained import default_model
    from alphazero.protocols.gtp import GtpEngine

    if args.simulations is not None and args.simulations < 1:
        raise UserError(f"gtp: --simulations must be >= 1, got {args.simulations}")
    if not -2.0 <= args.resign <= 1.0:
        raise UserError(f"gtp: --resign must be a value in -1..1 (-2: never), got {args.resign:g}")
    model = args.model or default_model("go")
    builtin = model in ("uniform", "random") or model.startswith("mcts:")
    player = load(model, args.device, game=make("go") if builtin else None, kind=args.search)
    if player.game.name != "go":
        raise UserError(f"gtp: {model} plays {player.game.name}; GTP is for Go (try `alphazero play --model {model}`)")
    wanted = {"board_size": args.board_size, "komi": args.komi, "ko": args.ko}
    options = go_rules.by_name(args.rules) if args.rules else {}
    options |= {name: value for name, value in wanted.items() if value is not None}
    if options:
        player = player.with_options(**options)
    simulations = args.simulations or (None if model.startswith("mcts:") else 400)
    with contextlib.ExitStack() as files:
        log = files.enter_context(args.log.open("a", encoding="utf-8")) if args.log else None
        if args.rules and (told := go_rules.warning(args.rules)):
            print(f"alphazero gtp: {told}", file=sys.stderr)
        engine = GtpEngine(player, simulations=simulations, resign_value=args.resign, log=log)
        print(f"alphazero gtp: {player.name}, {engine.size}x{engine.size}; `quit` ends it", file=sys.stderr)
        engine.serve(sys.stdin, sys.stdout)
    return 0
