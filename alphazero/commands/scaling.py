"""`alphazero scaling CHECKPOINT`: how much stronger a player gets with every doubling of its search."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "player", metavar="PLAYER", help="a checkpoint or run directory, pretrained:GAME, uniform, or mcts:N (any N)"
    )
    parser.add_argument(
        "--from",
        dest="least",
        type=arguments.simulations,
        default=1,
        metavar="N",
        help="smallest budget in simulations a move (default 1)",
    )
    parser.add_argument(
        "--to",
        dest="most",
        type=arguments.simulations,
        default=128,
        metavar="N",
        help="largest budget in simulations a move (default 128)",
    )
    parser.add_argument(
        "--seconds",
        nargs=2,
        type=arguments.number(0.0001, 86400),
        metavar=("LEAST", "MOST"),
        help="smallest and largest budget in seconds a move instead, e.g. 0.01 0.16; these games are played one at a time",
    )
    parser.add_argument(
        "--games",
        type=arguments.games,
        default=100,
        help="games of each pairing of budgets at most two doublings apart; every opening is played with both colours "
        "(default 100)",
    )
    arguments.add_game(parser, "if the player is no checkpoint")
    arguments.add_search(parser, "puct", "puct")
    parser.add_argument(
        "--opening-plies",
        type=arguments.plies,
        default=4,
        help="random plies at the start of each pair of games (default 4)",
    )
    arguments.add_seed(parser)
    arguments.add_device(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("scaling"),
        help="directory for scaling.json, scaling.png (with --seconds: scaling-seconds.*) and the results; running it again "
        "resumes (default scaling)",
    )
    arguments.add_json(parser, "scaling.json's object")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena import scaling
    from alphazero.arena.standings import scaling_table
    from alphazero.errors import UserError
    from alphazero.options import game_from
    from alphazero.player import load
    from alphazero.terminal import fact, show

    if args.games < 2:
        raise UserError(f"scaling: --games must be >= 2, got {args.games}")
    unit = "seconds" if args.seconds else "simulations"
    amounts = scaling.budgets(*(args.seconds or (args.least, args.most)))
    game = game_from(args.game, args.option) if args.game else None
    player = load(args.player, args.device, game=game, **dict(args.settings))
    summary = scaling.measure(
        player,
        player.game,
        args.search,
        amounts,
        unit,
        games=args.games,
        opening_plies=args.opening_plies,
        seed=args.seed,
        out=args.out,
    )
    if args.json:
        print(json.dumps(summary))
        return 0
    show(scaling_table(summary))
    suffix = "" if unit == "simulations" else "-seconds"
    fact("plot", str(args.out / f"scaling{suffix}.png"))
    return 0
