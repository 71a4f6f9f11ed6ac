"""A long run of self-play: does its memory stay flat, and its rate? `alphazero bench soak --seconds 7200 --repeat 1`.

Go 9x9 with a 4x32 network, the evaluation cache on and finished games going into a replay store as in a training run, but for
the window of positions in memory: that grows by design (KataGo's power law, about 220 bytes a position).
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from alphazero.evaluators import make_evaluator
from alphazero.feeding import Feed, batch_layout
from alphazero.game import make
from alphazero_bench.figures import Figure, figure_of

WARM_UP = 0.1  # of the time: caches fill, the allocator finds its size
SLICES = 12  # of the rest, whose rates are compared


def resident_megabytes() -> float:
    """This process's memory that is in RAM (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    from alphazero._core import Pool
    from alphazero.config import NetworkConfig
    from alphazero.network import Network, shape_of
    from alphazero.training.replay import Replay

    game = make("go", {"board_size": 9, "max_plies": 200})
    evaluator = make_evaluator(Network(shape_of(game), NetworkConfig(blocks=4, channels=32)), "auto")
    settings = {"games_in_flight": 128, "batch_size": 128, "threads": 1, "symmetry": True, "cache_megabytes": 64}
    layout = batch_layout([evaluator])
    player = {"kind": "gumbel", "simulations": 32, "evaluator": 0, "noise": True}
    total = seconds * repeat
    pool = Pool(game, {**settings, "layout": layout}, [player])
    feed = Feed(pool, [evaluator], layout)
    samples: list[tuple[float, float, int, float]] = []  # wall seconds, megabytes, evaluations, processor seconds
    with tempfile.TemporaryDirectory(prefix="alphazero-soak-") as directory:
        replay = Replay(Path(directory), game, chunk_games=64, window_scale=0, window_exponent=0.75)
        begin = time.perf_counter()
        due = 0.0
        while (now := time.perf_counter() - begin) < total:
            feed.step()
            for record in pool.take_finished():
                replay.add(record)
            if now >= due:
                samples.append((now, resident_megabytes(), pool.counts["evaluations"], time.process_time()))
                due = now + max(0.02, total / 1000.0)
        feed.abandon()
        pool.close()
    yield from figures(np.array(samples))


def figures(samples: np.ndarray) -> Iterator[Figure]:
    """samples [n, 4]: wall seconds, megabytes, evaluations, processor seconds."""
    steady = samples[samples[:, 0] >= WARM_UP * samples[-1, 0]]
    slope = float(np.polyfit(steady[:, 0] / 60.0, steady[:, 1], 1)[0])
    yield figure_of("soak.rss_slope", "MB/minute", [slope])
    yield figure_of("soak.rss", "MB", [float(x) for x in steady[:, 1]])
    edges = np.linspace(0, len(steady) - 1, min(SLICES, len(steady) - 1) + 1).astype(int)
    parts = np.diff(steady[edges], axis=0)
    for name, unit, column in (("rate", "evaluations/s", 0), ("cpu_rate", "evaluations/processor second", 3)):
        rates = [float(x) for x in parts[:, 2] / parts[:, column]]
        yield figure_of(f"soak.{name}", unit, rates)
        median = statistics.median(rates)
        yield figure_of(f"soak.{name}_spread", "of the median", [max(abs(x / median - 1.0) for x in rates)])
