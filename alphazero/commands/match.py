"""`alphazero match A B`: games between two players, colours balanced."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alphazero.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    player = (
        "a checkpoint or run directory, pretrained:GAME, random, uniform, mcts:N, or an engine: "
        "uci:COMMAND{Option=value; nodes=100}, and usi:, xboard:, gtp: likewise; or a name from --players"
    )
    parser.add_argument("a", metavar="A", help=player)
    parser.add_argument("b", metavar="B", help="the opponent, named in the same way")
    games = parser.add_argument_group("games")
    games.add_argument(
        "--games",
        type=arguments.games,
        default=100,
        help="number of games; every opening is played with both colours (default 100)",
    )
    arguments.add_game(games, "if neither player is a checkpoint")
    games.add_argument(
        "--simulations",
        type=arguments.simulations,
        help="simulations a move (default: as in the checkpoint's training)",
    )
    arguments.add_search(games, None, "as in training")
    arguments.add_seed(games)
    arguments.add_device(games)
    openings = parser.add_argument_group("openings")
    arguments.add_openings(openings)
    openings.add_argument(
        "--opening-plies",
        type=arguments.plies,
        metavar="N",
        help="random plies at the start of each pair of games (default 2); if --openings is a file of games, plies to take "
        "from each (default all)",
    )
    arguments.add_engines(parser.add_argument_group("engines and clocks"), "players")
    _add_endings(parser.add_argument_group("ends of games with engines or clocks"))
    _add_test(parser.add_argument_group("sequential test (SPRT)"))
    results = parser.add_argument_group("results")
    results.add_argument(
        "--out", type=Path, metavar="DIR", help="directory for results.jsonl and the games; running it again resumes"
    )
    arguments.add_json(results)


def _add_endings(parser: arguments.Parser) -> None:
    parser.add_argument(
        "--adjudicate-resign",
        metavar="SCORE:MOVES",
        help="a side loses if its score is -SCORE centipawns or less for MOVES moves in a row",
    )
    parser.add_argument(
        "--adjudicate-draw",
        metavar="SCORE:MOVES:FROM",
        help="the game is drawn if both scores are within SCORE centipawns of 0 for MOVES moves in a row, after move FROM",
    )
    parser.add_argument(
        "--max-plies",
        type=arguments.whole(0, 1_000_000),
        default=0,
        help="length after which a game is drawn (Go: scored as it stands); 0: no limit (default)",
    )


def _add_test(parser: arguments.Parser) -> None:
    parser.add_argument(
        "--sprt",
        nargs=2,
        type=arguments.number(-10_000, 10_000),
        metavar=("ELO0", "ELO1"),
        help="stop as soon as a test decides whether A is ELO0 or ELO1 stronger than B; --games is then the maximum",
    )
    arguments.add_errors(parser, "ELO0", "ELO1")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.adjudication import Adjudication
    from alphazero.arena.play_match import play_match
    from alphazero.arena.registry import read_players
    from alphazero.arena.sprt import Sprt
    from alphazero.arena.standings import match_table
    from alphazero.arena.time_control import TimeControl
    from alphazero.options import game_from
    from alphazero.terminal import say, show

    game = game_from(args.game, args.option) if args.game else None
    report = play_match(
        args.a,
        args.b,
        game=game,
        games=args.games,
        simulations=args.simulations,
        kind=args.search,
        settings=dict(args.settings),
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
        return 0
    show(match_table(report))
    say(report.as_text().partition("\n")[2])
    return 0
