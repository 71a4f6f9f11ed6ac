"""Simulations a second with a null evaluator (equal priors, value 0): many games, one tree, and how the rates grow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from alphazero.game import Game
from alphazero_bench import peers as peer
from alphazero_bench.figures import BOARDS, Figure, board, figure_of, measure


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    for label in BOARDS:
        game = board(label)
        for threads, suffix in ((1, ""), (2, ".t2")):
            yield measure(
                f"search.null.{label}{suffix}",
                "simulations/s",
                repeat,
                partial(pool_rate, game, seconds, threads=threads),
            )
        if "open_spiel" in peers:
            yield from peer.open_spiel_python_search(label, seconds, repeat)
        if "mctx" in peers:
            yield from peer.mctx_search(label, seconds, repeat)
        runs = [one_tree(game, 20_000) for _ in range(repeat)]
        yield figure_of(f"search.tree.{label}", "simulations/s", [each[0] for each in runs])
        if "open_spiel" in peers:
            yield from peer.open_spiel_search(label, seconds, repeat)
        yield figure_of(f"search.bytes_per_node.{label}", "bytes", [runs[0][1]])
        if label == "chess":
            for threads, suffix in ((1, ""), (2, ".t2")):
                yield measure(
                    f"search.tree800k.chess{suffix}",
                    "simulations/s",
                    repeat,
                    partial(tree_rate, game, 800_000, threads=threads),
                )


def growth(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """How the rates change: with simulations a move, games in flight, threads and the board's size."""
    for label in ("chess", "go9"):
        game = board(label)
        for simulations in (100, 800, 10_000, 1_000_000):
            yield measure(
                f"growth.simulations.{label}.{simulations}",
                "simulations/s",
                repeat,
                partial(tree_rate, game, simulations, seconds),
            )
        for games in (1, 16, 256, 1536):
            yield measure(
                f"growth.games.{label}.{games}",
                "simulations/s",
                repeat,
                partial(pool_rate, game, seconds, games=games),
            )
        for threads in (1, 2):
            yield measure(
                f"growth.threads.{label}.{threads}",
                "simulations/s",
                repeat,
                partial(pool_rate, game, seconds, threads=threads),
            )
            yield measure(
                f"growth.tree.threads.{label}.{threads}",
                "simulations/s",
                repeat,
                partial(tree_rate, game, 100_000, seconds, threads=threads),
            )
    for size in (5, 9, 13, 19):
        game = Game("go", board_size=size)
        yield measure(
            f"growth.board.go.{size}",
            "simulations/s",
            repeat,
            partial(pool_rate, game, seconds),
        )


def pool_rate(game: Game, seconds: float, *, threads: int = 1, games: int = 256, simulations: int = 800) -> float:
    """Simulations a second of self-play without a network."""
    from alphazero._core import UNIFORM, Pool

    settings = {"games_in_flight": games, "threads": threads, "record_policy": False}
    pool = Pool(game, settings, [{"kind": "puct", "simulations": simulations, "evaluator": UNIFORM}])
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds or pool.counts["simulations"] == 0:
        pool.next_batch(max(0.01, min(0.2, seconds)))
        pool.take_finished()
    count = pool.counts["simulations"]
    used = time.perf_counter() - begin
    pool.close()
    return float(count / used)


def tree_rate(game: Game, simulations: int, seconds: float = 0.0, *, threads: int = 1) -> float:
    """Simulations a second of one_tree()."""
    return one_tree(game, simulations, seconds, threads=threads)[0]


def one_tree(game: Game, simulations: int, seconds: float = 0.0, *, threads: int = 1) -> tuple[float, float]:
    """(simulations/s, bytes a node) of searches of the start position, repeated until `seconds` have gone by."""
    from alphazero._core import SearchCore

    done, used = 0, 0.0
    while done == 0 or used < seconds:
        core = SearchCore(game, {"kind": "puct"})
        core.set_position(game.position())
        begin = time.perf_counter()
        core.begin(simulations)
        core.run_inside("uniform", threads=threads)
        used += time.perf_counter() - begin
        report = core.report()
        done += report["simulations"]
    return done / used, report["tree_bytes"] / report["nodes"]
