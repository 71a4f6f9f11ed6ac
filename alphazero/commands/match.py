"""`alphazero match A B`: games between two players, colours balanced."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alphazero.devices import DEVICE_HELP, DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "a",
        metavar="A",
        help="a checkpoint or run directory, random, uniform, mcts:N, or an engine: uci:COMMAND{Option=value; nodes=100}",
    )
    parser.add_argument("b", metavar="B")
    parser.add_argument(
        "--games", type=int, default=100, help="every opening is played with both colours (default 100)"
    )
    parser.add_argument("--game", help="the game, where neither player is a checkpoint")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game, e.g. board_size=9"
    )
    parser.add_argument(
        "--simulations", type=int, help="simulations a move (default: what the checkpoint was trained with)"
    )
    parser.add_argument("--search", choices=["puct", "gumbel"], help="search kind (default: as in training)")
    parser.add_argument(
        "--opening-plies", type=int, default=2, help="random plies at the start of each pair (default 2)"
    )
    parser.add_argument(
        "--tc", metavar="TIME", help="time control in seconds, as in 10+0.1 or 40/60: both sides get clocks"
    )
    parser.add_argument("--openings", type=Path, help="a file with one start position a line, instead of random ones")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)
    parser.add_argument(
        "--sprt",
        nargs=2,
        type=float,
        metavar=("ELO0", "ELO1"),
        help="stop as soon as it is known whether A is ELO0 or ELO1 stronger than B; --games is then the most",
    )
    parser.add_argument("--alpha", type=float, default=0.05, help="SPRT: rate of wrongly accepting ELO1 (default 0.05)")
    parser.add_argument("--beta", type=float, default=0.05, help="SPRT: rate of wrongly accepting ELO0 (default 0.05)")
    parser.add_argument("--out", type=Path, help="directory for results.jsonl and the games; the same call resumes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.clocked import TimeControl
    from alphazero.arena.ladder import play_match
    from alphazero.arena.sprt import Sprt
    from alphazero.options import game_from

    game = game_from(args.game, args.option) if args.game else None
    report = play_match(
        args.a,
        args.b,
        game=game,
        games=args.games,
        simulations=args.simulations,
        kind=args.search,
        opening_plies=args.opening_plies,
        openings=args.openings,
        seed=args.seed,
        device=args.device,
        out=args.out,
        time_control=TimeControl.parse(args.tc) if args.tc else None,
        sprt=Sprt(args.sprt[0], args.sprt[1], args.alpha, args.beta) if args.sprt else None,
    )
    if args.json:
        print(json.dumps(report.as_json()))
    else:
        print(report.as_text())
    return 0
