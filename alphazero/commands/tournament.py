"""`alphazero tournament`: rate the checkpoints of a run, or play any players all against all."""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

from alphazero.devices import DEVICE_HELP, DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "players", nargs="+", metavar="RUN|PLAYER", help="one run directory, or two players and more (as in `match`)"
    )
    parser.add_argument("--games", type=int, default=40, help="games a pairing of two players (default 40)")
    parser.add_argument(
        "--simulations", type=int, help="simulations a move (default: what the checkpoint was trained with)"
    )
    parser.add_argument("--tc", metavar="TIME", help="time control in seconds, as in 10+0.1: all players get clocks")
    parser.add_argument("--opening-plies", type=int, default=2)
    parser.add_argument("--game", help="the game, where no player is a checkpoint")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)
    parser.add_argument("--out", type=Path, help="directory for results.jsonl; the same call resumes")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena import ladder, ratings
    from alphazero.arena.clocked import TimeControl
    from alphazero.arena.match import Pairing, colour_balanced, entrant, random_openings
    from alphazero.config import load_config
    from alphazero.errors import UserError
    from alphazero.options import game_from
    from alphazero.progress import Progress

    if len(args.players) == 1:
        directory = Path(args.players[0])
        if not (directory / "config.yaml").exists():
            raise UserError(f"{directory}: not a run directory (no config.yaml); name a run, or two players and more")
        summary = ladder.rate_run(directory, load_config(directory / "config.yaml"), args.device)
    else:
        if args.games < 1:
            raise UserError(f"tournament: --games must be >= 1, got {args.games}")
        game = game_from(args.game, args.option) if args.game else ladder._game_of(args.players)
        entrants = [entrant(p, game, args.device, ladder._search_of(p, args.simulations, None)) for p in args.players]
        names = [each.name for each in entrants]
        if len(set(names)) < len(names):
            raise UserError("tournament: each player may appear once")
        schedule: list[Pairing] = []
        for a, b in itertools.combinations(range(len(entrants)), 2):
            starts = random_openings(game, (args.games + 1) // 2, args.opening_plies, args.seed + 1000 * a + b)
            schedule += colour_balanced(a, b, starts, first_pair=len(schedule))[: args.games]
        file = None
        if args.out is not None:
            args.out.mkdir(parents=True, exist_ok=True)
            file = args.out / "results.jsonl"
        results = ladder.run_schedule(
            game,
            entrants,
            schedule,
            file,
            seed=args.seed,
            progress=Progress(),
            time_control=TimeControl.parse(args.tc) if args.tc else None,
        )
        summary = ratings.rate(results).to_json()
    if args.json:
        print(json.dumps(summary))
        return 0
    for player in summary["players"]:
        print(
            f"{player['name']:<24} {player['elo']:7.0f}  [{player['low']:.0f}, {player['high']:.0f}]  {player['games']} games  {player['score']:.1%}"
        )
    return 0
