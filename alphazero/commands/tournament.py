"""`alphazero tournament`: rate the checkpoints of a run, or play players against each other."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.commands import arguments

if TYPE_CHECKING:
    from alphazero.arena.play import Elsewhere
    from alphazero.arena.ratings import RatedPlayer, Summary
    from alphazero.arena.tournament import TournamentConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "players",
        nargs="+",
        metavar="RUN|CONFIG|PLAYER",
        help="a run directory or a YAML file, each with KEY=VALUE to override its keys (rating.checkpoints=12; games=20); "
        "or at least two players (as in `match`)",
    )
    games = parser.add_argument_group("games")
    games.add_argument(
        "--form",
        choices=["round-robin", "gauntlet", "ladder"],  # as arena.schedule.Form
        help="gauntlet: the first player against all others; ladder: rounds of the most informative pairings "
        "(default: round-robin)",
    )
    games.add_argument("--games", type=arguments.games, help="games of each pairing (default 40)")
    games.add_argument("--rounds", type=arguments.whole(1, 10_000), help="rounds of a ladder (default 8)")
    arguments.add_game(games, "if no player is a checkpoint")
    games.add_argument(
        "--simulations",
        type=arguments.simulations,
        help="simulations a move (default: as in each checkpoint's training)",
    )
    arguments.add_seed(games, default=None)
    arguments.add_device(games)
    openings = parser.add_argument_group("openings")
    arguments.add_openings(openings, order=None, start=None)
    openings.add_argument(
        "--opening-plies",
        type=arguments.plies,
        metavar="N",
        help="random plies at the start of each pair of games (default 2)",
    )
    arguments.add_engines(parser.add_argument_group("engines and clocks"), "players_file", concurrency=None)
    arguments.add_workers(parser, "play the games in N processes of their own")
    results = parser.add_argument_group("results")
    results.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="NAME=ELO",
        help="player of known rating; may be repeated (default: the weakest at 0)",
    )
    results.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="directory for results.jsonl, elo.json and report.html; running it again resumes",
    )
    arguments.add_json(results, "elo.json's object")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.standings import rated_players
    from alphazero.terminal import show

    overrides = [text for text in args.players if re.match(r"[a-z_.]+=", text)]
    players = [text for text in args.players if text not in overrides]
    first = Path(players[0]) if players else Path()
    with _elsewhere(args) as elsewhere:
        summary = _summary(first, players, overrides, args, elsewhere)
    if args.json:
        print(json.dumps(summary))
        return 0
    show(rated_players(summary["players"], plain="\n".join(map(_line, summary["players"]))))
    return 0


@contextmanager
def _elsewhere(args: argparse.Namespace) -> Iterator[Elsewhere | None]:
    """Who plays the games where `--workers` asks for workers."""
    from alphazero.errors import UserError

    if not args.workers:
        if args.ray is not None:
            raise UserError("tournament: --ray says where workers run; give --workers N, too")
        yield None
        return
    from alphazero.cluster.connect import connected, require_ray

    require_ray()
    from alphazero.cluster.spread import Spread

    with connected(args.ray or "local"):
        yield partial(Spread, args.workers)


def _summary(
    first: Path, players: list[str], overrides: list[str], args: argparse.Namespace, elsewhere: Elsewhere | None
) -> Summary:
    from alphazero.errors import UserError
    from alphazero.files import is_there

    if len(players) == 1 and is_there(first / "config.yaml"):
        return _rate_run(first, overrides, args, elsewhere)
    from alphazero.arena.tournament import TournamentConfig, load_tournament, play_tournament

    if len(players) == 1 and first.suffix in (".yaml", ".yml"):
        config = load_tournament(first, overrides)
    elif len(players) == 1:
        raise UserError(
            f"{first}: not a run directory (no config.yaml), nor a YAML file; pass one of these, or at least two players"
        )
    elif overrides:
        raise UserError(
            f"{overrides[0]}: KEY=VALUE overrides keys of a run or a YAML file; with players use options such as --games"
        )
    else:
        config = TournamentConfig(players=players)
    return play_tournament(_with_options(config, args), args.device, args.out, elsewhere)


def _line(player: RatedPlayer) -> str:
    bounds = f"[{player['low']:.0f}, {player['high']:.0f}]"
    return f"{player['name']:<24} {player['elo']:7.0f}  {bounds}  {player['games']} games  {player['score']:.1%}"


def _rate_run(directory: Path, overrides: list[str], args: argparse.Namespace, elsewhere: Elsewhere | None) -> Summary:
    """A run's own tournament: its keys under `rating:` say how, and the options of that name."""
    from alphazero.arena.run_rating import rate_run
    from alphazero.config import check_whole, load_config
    from alphazero.errors import UserError

    form = None if args.form is None else "ladder" if args.form == "ladder" else "neighbours"
    if args.form == "gauntlet":
        raise UserError(
            "tournament: --form gauntlet is not for a run directory; use round-robin (each checkpoint against the next) or ladder"
        )
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
            raise UserError(
                f"tournament: --{name} is not for a run directory; its checkpoints play as config.yaml says"
            )
    config = load_config(directory / "config.yaml", overrides, stored=True)
    check_whole(config, str(directory / "config.yaml"))  # its opponents are asked for now
    return rate_run(directory, config, args.device, elsewhere)


def _with_options(config: TournamentConfig, args: argparse.Namespace) -> TournamentConfig:
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
    checked: TournamentConfig = build(TournamentConfig, asdict(config), "tournament")
    return checked
