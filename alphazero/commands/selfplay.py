"""`alphazero selfplay`: games of one checkpoint against itself, into a replay store."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments

TELL_SECONDS = 2.0  # between lines of progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a checkpoint or run directory, pretrained:GAME, or uniform")
    parser.add_argument(
        "--games", type=arguments.whole(1, 1_000_000_000), default=100, help="number of games (default 100)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        required=True,
        help="directory of the replay store; it is created if missing, and games are added to those in it",
    )
    parser.add_argument("--simulations", type=arguments.simulations, default=32, help="simulations a move (default 32)")
    arguments.add_search(parser, "gumbel", "gumbel", noise=True)
    parser.add_argument(
        "--temperature-plies",
        type=arguments.plies,
        default=0,
        help="with --search puct: plies whose move is sampled by visit count (default 0)",
    )
    parser.add_argument(
        "--opening-plies",
        type=arguments.plies,
        default=0,
        help="maximum number of random plies at the start (default 0)",
    )
    parser.add_argument(
        "--in-flight",
        type=arguments.whole(1, 16384),
        default=0,
        help="games played at the same time (default: as many as suit this machine)",
    )
    arguments.add_game(parser, "if MODEL is uniform")
    arguments.add_seed(parser)
    arguments.add_device(parser)


def run(args: argparse.Namespace) -> int:
    import time

    from alphazero.options import game_from
    from alphazero.outside import check_pool
    from alphazero.player import load
    from alphazero.progress import Progress
    from alphazero.training.generate import generate
    from alphazero.training.replay import Replay

    player = load(args.model, args.device, game=game_from(args.game, args.option) if args.game else None)
    check_pool(player.game)  # before anything is written
    replay = Replay(args.out, player.game, chunk_games=min(64, args.games), window_scale=0, window_exponent=0.75)
    progress = Progress()
    begin = last = time.perf_counter()

    def tell(games: int, evaluations: int) -> None:
        nonlocal last
        now = time.perf_counter()
        if games and now - last > TELL_SECONDS:
            last, rate = now, evaluations / (now - begin)
            parts = [f"{games:,} games", f"{rate:,.0f} evals/s"]
            progress.line(fraction=games / args.games, seconds=now - begin, parts=parts)

    search = {**dict(args.settings), "kind": args.search, "simulations": args.simulations}
    search["temperature_plies"] = args.temperature_plies
    how = {"in_flight": args.in_flight, "opening_plies": args.opening_plies, "seed": args.seed}
    generate(player, replay, args.games, search, on_step=tell, **how)
    print(f"{args.out}: {replay.games:,} games, {replay.positions:,} positions")
    return 0
