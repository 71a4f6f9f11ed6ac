"""`alphazero scaling CHECKPOINT`: how much stronger a player gets with every doubling of its search."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alphazero.commands import arguments
from alphazero.devices import DEVICE_HELP, DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("player", metavar="PLAYER", help="a checkpoint or run directory, uniform, or mcts:N (any N)")
    parser.add_argument(
        "--from", dest="least", type=arguments.simulations, default=1, metavar="N", help="least simulations (default 1)"
    )
    parser.add_argument(
        "--to", dest="most", type=arguments.simulations, default=128, metavar="N", help="most simulations (default 128)"
    )
    parser.add_argument(
        "--seconds",
        nargs=2,
        type=arguments.number(0.0001, 86400),
        metavar=("LEAST", "MOST"),
        help="budgets in seconds a move instead, e.g. 0.01 0.16; such games are played one by one",
    )
    parser.add_argument(
        "--games",
        type=arguments.games,
        default=100,
        help="games of every two budgets at most two doublings apart, each opening with both colours (default 100)",
    )
    parser.add_argument("--game", help="the game, where the player is no checkpoint")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game")
    parser.add_argument("--search", choices=["puct", "gumbel"], default="puct", help="search kind (default puct)")
    parser.add_argument(
        "--opening-plies", type=arguments.plies, default=4, help="random plies at the start (default 4)"
    )
    parser.add_argument("--seed", type=arguments.seed, default=0)
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("scaling"),
        help="directory for scaling.json, scaling.png (scaling-seconds.* with --seconds) and the results; the same call "
        "resumes (default scaling)",
    )
    parser.add_argument("--json", action="store_true", help="print scaling.json's object")


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
    player = load(args.player, args.device, game=game_from(args.game, args.option) if args.game else None)
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
