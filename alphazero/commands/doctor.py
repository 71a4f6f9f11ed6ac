"""`alphazero doctor`: what this machine can do, and what alphazero makes of it."""

from __future__ import annotations

import argparse
import os
import platform


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="measure nothing")


def run(args: argparse.Namespace) -> int:
    import numpy as np
    import torch

    import alphazero
    from alphazero.game import games, make

    print(f"alphazero   {alphazero.__version__}, games: {', '.join(games())}")
    print(f"python      {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}")
    print(
        f"processor   {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads; bf16 matrix unit: {_has_amx()}"
    )
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        print(f"gpu         {card.name}, {card.total_memory / 2**30:.0f} GiB; used by default")
    else:
        print("gpu         none: networks run on the processor")
    if args.quick:
        return 0
    from alphazero._core import bench_random_plies
    from alphazero.config import NetworkConfig
    from alphazero.evaluators import make_evaluator
    from alphazero.network import Network, shape_of

    game = make("go", {"board_size": 9})
    plies, seconds = bench_random_plies(game, 0.5)
    print(f"rules       {plies / seconds:,.0f} plies/s of random Go 9x9 on one thread")
    evaluator = make_evaluator(Network(shape_of(game), NetworkConfig(blocks=4, channels=64)), "auto")
    rate = _rate(evaluator, np.zeros((128, *game.planes_shape), np.float32))
    print(f"network     {rate:,.0f} positions/s, 4 blocks x 64 channels, Go 9x9, batch 128 ({evaluator.describe()})")
    return 0


def _rate(evaluator: object, planes: object) -> float:
    import time

    from alphazero.evaluators import Evaluator

    assert isinstance(evaluator, Evaluator)
    for _ in range(3):
        evaluator.evaluate(planes)  # type: ignore[arg-type]
    begin = time.perf_counter()
    count = 0
    while time.perf_counter() - begin < 1.0:
        evaluator.evaluate(planes)  # type: ignore[arg-type]
        count += 128
    return count / (time.perf_counter() - begin)


def _has_amx() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            return "yes" if "amx_bf16" in file.read() else "no"
    except OSError:
        return "unknown"
