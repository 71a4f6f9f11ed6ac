"""`alphazero tournament`: rate the checkpoints of a run, or play players against each other."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphazero.commands import arguments
from alphazero.devices import DEVICE_HELP, DEVICES

if TYPE_CHECKING:
    from alphazero.arena.ratings import Summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "players",
        nargs="+",
        metavar="RUN|CONFIG|PLAYER",
        help="one run directory or one YAML file, with KEY=VALUE to override its keys (rating.checkpoints=12; games=20); "
        "or two players and more (as in `match`)",
    )
    parser.add_argument(
        "--form",
        choices=["round-robin", "gauntlet", "ladder"],  # as arena.schedule.FORMS
        help="gauntlet: the first against all; ladder: rounds of pairings where a game says most (default: round-robin)",
    )
    parser.add_argument("--games", type=arguments.games, help="games a pairing of two players (default 40)")
    parser.add_argument("--rounds", type=arguments.whole(1, 10_000), help="rounds of a ladder (default 8)")
    parser.add_argument(
        "--simulations",
        type=arguments.simulations,
        help="simulations a move (default: what the checkpoint was trained with)",
    )
    parser.add_argument("--tc", metavar="TIME", help="time control in seconds, as in 10+0.1: all players get clocks")
    parser.add_argument(
        "--openings", type=Path, help="a file of start positions (as in `match`), instead of random ones"
    )
    parser.add_argument(
        "--openings-order", choices=["file", "random"], help="random: shuffled by --seed (default file)"
    )
    parser.add_argument(
        "--openings-start",
        type=arguments.whole(1, 10**9),
        metavar="K",
        help="begin at the file's K-th opening (default 1)",
    )
    parser.add_argument(
        "--players",
        dest="players_file",
        type=Path,
        metavar="FILE",
        help="YAML file of players that may be named (docs/matches.md)",
    )
    parser.add_argument(
        "--concurrency",
        type=arguments.whole(1, arguments.MOST_AT_A_TIME),
        metavar="N",
        help="games with engines or clocks at a time (default 1)",
    )
    parser.add_argument(
        "--opening-plies", type=arguments.plies, help="random plies at the start of each pair (default 2)"
    )
    parser.add_argument("--game", help="the game, where no player is a checkpoint")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game")
    parser.add_argument(
        "--anchor", action="append", default=[], metavar="NAME=ELO", help="a player of known rating; may be repeated"
    )
    parser.add_argument("--seed", type=arguments.seed)
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)
    parser.add_argument(
        "--out", type=Path, help="directory for results.jsonl, elo.json and report.html; the same call resumes"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError
    from alphazero.files import is_there

    overrides = [text for text in args.players if re.match(r"[a-z_.]+=", text)]
    players = [text for text in args.players if text not in overrides]
    first = Path(players[0]) if players else Path()
    if len(players) == 1 and is_there(first / "config.yaml"):
        summary = _rate_run(first, overrides, args)
    else:
        from alphazero.arena.tournament import TournamentConfig, load_tournament, play_tournament

        if len(players) == 1 and first.suffix in (".yaml", ".yml"):
            config = load_tournament(first, overrides)
        elif len(players) == 1:
            raise UserError(
                f"{first}: not a run directory (no config.yaml), nor a YAML file; name one of them, or two players and more"
            )
        elif overrides:
            raise UserError(
                f"{overrides[0]}: KEY=VALUE overrides a run's or a YAML file's keys; for players use the options (--games and so on)"
            )
        else:
            config = TournamentConfig(players=players)
        summary = play_tournament(_with_options(config, args), args.device, args.out)
    if args.json:
        print(json.dumps(summary))
        return 0
    for player in summary["players"]:
        print(
            f"{player['name']:<24} {player['elo']:7.0f}  [{player['low']:.0f}, {player['high']:.0f}]  {player['games']} games  {player['score']:.1%}"
        )
    return 0


def _rate_run(directory: Path, overrides: list[str], args: argparse.Namespace) -> Summary:
    """A run's own tournament: its keys under `rating:` say how, and the options of that name."""
    from alphazero.arena.run_rating import rate_run
    from alphazero.config import load_config
    from alphazero.errors import UserError

    form = None if args.form is None else "ladder" if args.form == "ladder" else "neighbours"
    if args.form == "gauntlet":
        raise UserError("tournament: a run's checkpoints are rated as round-robin neighbours or --form ladder")
    for name, value in (("form", form), ("games", args.games), ("rounds", args.rounds)):
        overrides += [] if value is None else [f"rating.{name}={value}"]
    for name, value in (("simulations", args.simulations), ("opening_plies", args.opening_plies)):
        overrides += [] if value is None else [f"rating.{name}={value}"]
    for name, value in (
        ("tc", args.tc),
        ("openings", args.openings),
        ("openings-order", args.openings_order),
        ("openings-start", args.openings_start),
        ("players", args.players_file),
        ("concurrency", args.concurrency),
        ("game", args.game),
        ("seed", args.seed),
    ):
        if value is not None:
            raise UserError(f"tournament: --{name} is not for a run directory; its checkpoints play as its config says")
    return rate_run(directory, load_config(directory / "config.yaml", overrides), args.device)


def _with_options(config: Any, args: argparse.Namespace) -> Any:
    """The configuration with what the command line says on top, checked as a file would be."""
    from dataclasses import asdict

    from alphazero.arena.tournament import TournamentConfig, parse_anchors
    from alphazero.config import build
    from alphazero.options import parse_options

    given = {
        "form": args.form,
        "games": args.games,
        "rounds": args.rounds,
        "simulations": args.simulations,
        "time_control": args.tc,
        "registry": None if args.players_file is None else str(args.players_file),
        "concurrency": args.concurrency,
        "openings": None if args.openings is None else str(args.openings),
        "openings_order": args.openings_order,
        "openings_start": args.openings_start,
        "opening_plies": args.opening_plies,
        "anchors": parse_anchors(args.anchor) or None,
        "seed": args.seed,
    }
    config = replace(config, **{name: value for name, value in given.items() if value is not None})
    if args.game or args.option:
        options = {**config.game.options, **parse_options(args.option)}
        config = replace(config, game=replace(config.game, name=args.game or config.game.name, options=options))
    return build(TournamentConfig, asdict(config), "tournament")
