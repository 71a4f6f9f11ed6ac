"""What each further core adds: self-play, training and both together on 1 to all cores, and what a busy neighbour costs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alphazero.config import load_config
from alphazero.evaluators import Evaluator, make_evaluator
from alphazero.machine import cores
from alphazero.network import Network
from alphazero.training.run import Run
from alphazero_bench.figures import Figure, board, figure_of, network
from alphazero_bench.networks import SelfPlay, best_bare

LABEL, BLOCKS, CHANNELS = "chess", 4, 32  # as configs/chess-small.yaml has it
SAMPLES_WEIGH = 3  # evaluations that a training sample costs: forward and backward
RUN = """game: {name: chess}
network: {blocks: 4, channels: 32}
search: {kind: gumbel, simulations: 32}
replay: {window_min: 20000, min_positions: 500, chunk_games: 8, reuse: 4}
training: {batch_size: 128, budget_minutes: %f}
"""


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Evaluations a second, their share of the bare network's best, and a run's progress, on 1, 2, 4 ... cores."""
    if not hasattr(os, "sched_setaffinity"):
        return  # such as on a Mac: a process cannot choose its cores there
    here = sorted(os.sched_getaffinity(0))
    made = network(LABEL, BLOCKS, CHANNELS)
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count < cores()] + [cores()]
    for count in counts:
        with _on(here[:count]):
            evaluator = make_evaluator(made, "cpu")  # here: its threads keep to the cores that they are made on
            rates, ratios, progress = [], [], []
            for _ in range(repeat):
                rates.append(_selfplay(made, evaluator, seconds))
                ratios.append(rates[-1] / best_bare(evaluator, board(LABEL).planes_shape, count, seconds))
                progress.append(_run(seconds))
            yield figure_of(f"cores.selfplay.{count}", "evaluations/s", rates)
            yield figure_of(f"cores.ratio.{count}", "of bare network", ratios)
            yield figure_of(f"cores.run.{count}", "evaluations + 3 samples/s", progress)
    for nice in (10, 0):
        alone, beside = [], []
        for _ in range(repeat):
            alone.append(_run(seconds))
            with _neighbour(here[-1], nice):
                beside.append(_run(seconds))
        yield figure_of(
            f"cores.neighbour.nice{nice}", "of a run alone", [b / a for a, b in zip(alone, beside, strict=True)]
        )


def _selfplay(made: Network, evaluator: Evaluator, seconds: float) -> float:
    playing = SelfPlay(board(LABEL), made, evaluator)
    playing.rate(seconds / 4)
    rate = playing.rate(seconds)
    playing.close()
    return rate


def _run(seconds: float) -> float:
    """What a run on these cores gets done a second, begun anew: its evaluations, and SAMPLES_WEIGH times its samples."""
    with tempfile.TemporaryDirectory(prefix="alphazero-cores-") as directory:
        file = Path(directory) / "run.yaml"
        file.write_text(RUN % (max(4.0, 2 * seconds) / 60.0))
        run = Run(load_config(file), Path(directory), "cpu", io.StringIO())
        run.train()
        return (run.evaluations + SAMPLES_WEIGH * run.trainer.samples) / run.elapsed()


@contextmanager
def _on(some: list[int]) -> Iterator[None]:
    """Keeps this process, and the threads that it begins, on some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, some)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _neighbour(core: int, nice: int) -> Iterator[None]:
    """Another process that keeps a core busy."""
    busy = f"import os\nos.nice({nice})\nos.sched_setaffinity(0, [{core}])\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-S", "-c", busy])
    try:
        yield
    finally:
        process.kill()
        process.wait()
