"""`alphazero selfplay`: games of one checkpoint against itself, into a replay store."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphazero.commands import arguments
from alphazero.devices import DEVICE_HELP, DEVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a checkpoint or run directory, or `uniform`")
    parser.add_argument("--games", type=arguments.whole(1, 1_000_000_000), default=100)
    parser.add_argument(
        "--out", type=Path, required=True, help="directory of the replay store (made where missing; games are added)"
    )
    parser.add_argument("--simulations", type=arguments.simulations, default=32)
    parser.add_argument("--search", choices=["puct", "gumbel"], default="gumbel")
    parser.add_argument(
        "--temperature-plies", type=arguments.plies, default=0, help="PUCT: plies drawn from the visit counts"
    )
    parser.add_argument(
        "--opening-plies", type=arguments.plies, default=0, help="up to so many random plies at the start"
    )
    parser.add_argument(
        "--in-flight", type=arguments.whole(1, 16384), default=128, help="games at a time (default 128)"
    )
    parser.add_argument("--game", help="the game, for `uniform`")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the game")
    parser.add_argument("--seed", type=arguments.seed, default=0)
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)


def run(args: argparse.Namespace) -> int:
    import time

    from alphazero._core import UNIFORM, Pool
    from alphazero.errors import UserError
    from alphazero.feeding import Feed, batch_layout, lanes_for
    from alphazero.machine import cores
    from alphazero.options import game_from
    from alphazero.player import NetworkPlayer, load
    from alphazero.progress import Progress
    from alphazero.training.replay import Replay

    if args.games < 1 or args.in_flight < 1:
        raise UserError("selfplay: --games and --in-flight must be >= 1")
    player = load(args.model, args.device, game=game_from(args.game, args.option) if args.game else None)
    evaluators = [player.evaluator] if isinstance(player, NetworkPlayer) else []
    replay = Replay(args.out, player.game, chunk_games=min(64, args.games), window_scale=0, window_exponent=0.75)
    in_flight = min(args.in_flight, args.games)
    lanes = lanes_for(evaluators, min(cores(), in_flight))
    settings = {
        "games_in_flight": in_flight,
        "batch_size": max(1, in_flight // (2 * lanes)) if lanes > 1 else in_flight,
        "threads": 1,
        "games": args.games,
        "first_game": replay.next_number,
        "seed": args.seed,
        "opening_plies": args.opening_plies,
        "symmetry": True,
        "cache_megabytes": 64,
        **batch_layout(evaluators),
    }
    search = {
        "kind": args.search,
        "simulations": args.simulations,
        "evaluator": 0 if evaluators else UNIFORM,
        "noise": True,
        "temperature_plies": args.temperature_plies,
    }
    pool = Pool(player.game, settings, [search])
    feed = Feed(pool, evaluators, settings["packed"], lanes, names=[args.model])
    progress = Progress()
    begin = last = time.perf_counter()
    count = 0
    try:
        while True:
            answered = feed.step()
            for record in pool.take_finished():
                replay.add(record)
                count += 1
            now = time.perf_counter()
            if now - last > 2.0 and count:
                last = now
                rate = pool.counts["evaluations"] / (now - begin)
                progress.line(
                    fraction=count / args.games, seconds=now - begin, parts=[f"{count:,} games", f"{rate:,.0f} evals/s"]
                )
            if not answered and pool.done and count == args.games:
                break
    finally:  # after a Ctrl-C, too, all finished games are kept
        feed.abandon()
        pool.close()
        replay.flush()
    print(f"{args.out}: {replay.games:,} games, {replay.positions:,} positions")
    return 0
