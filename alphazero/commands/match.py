"""`alphazero match A B`: games between two players, colours balanced."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alphazero.commands import arguments
from alphazero.devices import DEVICE_HELP, DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "a",
        metavar="A",
        help="a checkpoint or run directory, random, uniform, mcts:N, or an engine: uci:COMMAND{Option=value; nodes=100}, "
        "usi:, xboard:, gtp: likewise; or a name from --players",
    )
    parser.add_argument("b", metavar="B")
    parser.add_argument(
        "--games", type=arguments.games, default=100, help="every opening is played with both colours (default 100)"
    )
    parser.add_argument("--game", help="the game, where neither player is a checkpoint")
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game, e.g. board_size=9"
    )
    parser.add_argument(
        "--simulations",
        type=arguments.simulations,
        help="simulations a move (default: what the checkpoint was trained with)",
    )
    parser.add_argument("--search", choices=["puct", "gumbel"], help="search kind (default: as in training)")
    parser.add_argument(
        "--opening-plies",
        type=arguments.plies,
        metavar="N",
        help="random plies at the start of each pair (default 2), or how many of each game of a PGN or SGF (default all)",
    )
    parser.add_argument(
        "--tc", metavar="TIME", help="time control in seconds, as in 10+0.1 or 40/60: both sides get clocks"
    )
    parser.add_argument(
        "--openings",
        type=Path,
        help="start positions: one a line (FEN, SFEN, Go's moves), or a file .epd, .pgn, .sgf, .kif or .csa",
    )
    parser.add_argument(
        "--openings-order", choices=["file", "random"], default="file", help="random: shuffled by --seed (default file)"
    )
    parser.add_argument(
        "--openings-start",
        type=arguments.whole(1, 10**9),
        default=1,
        metavar="K",
        help="begin at the file's K-th opening (default 1)",
    )
    parser.add_argument("--players", type=Path, metavar="FILE", help="YAML file of players that A and B may name")
    parser.add_argument(
        "--concurrency",
        type=arguments.whole(1, arguments.MOST_AT_A_TIME),
        default=1,
        metavar="N",
        help="games with engines or clocks at a time (default 1)",
    )
    parser.add_argument(
        "--adjudicate-resign", metavar="SCORE:MOVES", help="a side loses that says -SCORE centipawns for MOVES moves"
    )
    parser.add_argument(
        "--adjudicate-draw",
        metavar="SCORE:MOVES:FROM",
        help="drawn when both say at most SCORE for MOVES moves each, after move FROM",
    )
    parser.add_argument(
        "--max-plies",
        type=arguments.whole(0, 1_000_000),
        default=0,
        help="a game ends there, drawn (Go: scored as it stands; default no limit)",
    )
    parser.add_argument("--seed", type=arguments.seed, default=0)
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)
    parser.add_argument(
        "--sprt",
        nargs=2,
        type=arguments.number(-10_000, 10_000),
        metavar=("ELO0", "ELO1"),
        help="stop as soon as it is known whether A is ELO0 or ELO1 stronger than B; --games is then the most",
    )
    parser.add_argument(
        "--alpha", type=arguments.share, default=0.05, help="SPRT: rate of wrongly accepting ELO1 (default 0.05)"
    )
    parser.add_argument(
        "--beta", type=arguments.share, default=0.05, help="SPRT: rate of wrongly accepting ELO0 (default 0.05)"
    )
    parser.add_argument("--out", type=Path, help="directory for results.jsonl and the games; the same call resumes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.adjudication import Adjudication
    from alphazero.arena.play_match import play_match
    from alphazero.arena.registry import read_players
    from alphazero.arena.sprt import Sprt
    from alphazero.arena.time_control import TimeControl
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
        openings_order=args.openings_order,
        openings_start=args.openings_start,
        seed=args.seed,
        device=args.device,
        out=args.out,
        time_control=TimeControl.parse(args.tc) if args.tc else None,
        adjudication=Adjudication.parse(args.adjudicate_resign, args.adjudicate_draw, args.max_plies),
        concurrency=args.concurrency,
        players=read_players(args.players) if args.players else None,
        sprt=Sprt(args.sprt[0], args.sprt[1], args.alpha, args.beta) if args.sprt else None,
    )
    if args.json:
        print(json.dumps(report.as_json()))
    else:
        print(report.as_text())
    return 0
