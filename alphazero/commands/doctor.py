"""`alphazero doctor`: what this machine can do, and what alphazero makes of it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphazero.evaluators import Evaluator
    from alphazero.network import Network


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="skip the measurements")
    parser.add_argument(
        "--ray",
        metavar="local|auto|HOST:PORT",
        help="show what the machines of a Ray cluster can do, this one's cluster (auto) or the one with this head",
    )


def run(args: argparse.Namespace) -> int:
    if args.ray is not None:
        return _cluster(args)
    import numpy as np
    import torch

    import alphazero
    from alphazero.game import games, make
    from alphazero.machine import cores, plan_selfplay
    from alphazero.terminal import fact
    from alphazero.training.trainer import has_bf16_units

    fact("alphazero", f"{alphazero.__version__}, games: {', '.join(games())}")
    fact("python", f"{platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}")
    fact(
        "processor",
        f"{cores()} cores of {os.cpu_count()}, torch uses {torch.get_num_threads()} threads; bf16 units: {'yes' if has_bf16_units(torch.device('cpu')) else 'no'}",
    )
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        fact("gpu", f"{card.name}, {card.total_memory / 2**30:.0f} GiB; used by default")
    else:
        fact("gpu", "none: networks run on the processor")
    if args.quick:
        return 0
    from alphazero._core import bench_random_plies
    from alphazero.config import NetworkConfig
    from alphazero.evaluators.choose import MEASURED_BATCH, candidates, lane_seconds, make_evaluator, measured
    from alphazero.network import Network, shape_of

    game = make("go", {"board_size": 9})
    plies, seconds = bench_random_plies(game, 0.5)
    fact("rules", f"{plies / seconds:,.0f} plies/s of random Go 9x9 on one thread")
    network = Network(shape_of(game), NetworkConfig(blocks=4, channels=64))
    fact("networks", f"4 blocks x 64 channels, Go 9x9, batch {MEASURED_BATCH}, by backend of the processor:")
    for name, rate, _ in measured(network, candidates()):
        fact("", f"{name:<14} {rate:>9,.0f} positions/s")
    evaluator = make_evaluator(network, "auto")
    fact("in use", f"{evaluator.describe()} for a network of this size (--device changes it)")
    if importlib.util.find_spec("openvino") is None and not torch.cuda.is_available():
        fact(
            "advice",
            "pip install 'alphazero-engine[play]': OpenVINO is two to three times as fast as torch on most processors",
        )
    lane = None if torch.cuda.is_available() else lane_seconds(network, evaluator)
    if lane is not None and cores() > 1:
        _tell_lanes(evaluator, network, lane)
    plan = plan_selfplay(game, gpu=torch.cuda.is_available(), simulations=32, position_seconds=lane)
    for i, reason in enumerate(plan.reasons):
        fact("self-play" if i == 0 else "", reason)
    return 0


def _tell_lanes(evaluator: Evaluator, network: Network, seconds: float) -> None:
    """What the cores do together: a batch on each, beside one batch on all."""
    from alphazero.evaluators.base import fastest, proof_planes, side_by_side
    from alphazero.evaluators.choose import MEASURED_BATCH
    from alphazero.feeding import lanes_for
    from alphazero.machine import cores
    from alphazero.terminal import fact

    planes = proof_planes(network.shape, MEASURED_BATCH)
    together = MEASURED_BATCH / fastest(lambda: evaluator.evaluate(planes))
    beside = side_by_side(evaluator, planes, lanes_for([evaluator], cores()), 0.5)
    fact(
        "cores",
        f"{1.0 / seconds:,.0f} positions/s on one; a batch on each of {cores()}: {beside:,.0f}; one batch on all: {together:,.0f}",
    )


def _cluster(args: argparse.Namespace) -> int:
    """What each machine of a cluster has and does, and the workers that a run would have there."""
    from alphazero.cluster.connect import connected, require_ray

    require_ray()
    from alphazero.cluster.survey import survey
    from alphazero.terminal import fact

    with connected(args.ray) as head:
        fact("head", head.address)
        total = 0.0
        for seen in survey(measure=not args.quick):
            gpus = f", {seen.node.gpus:g} GPUs" if seen.node.gpus else ""
            fact(seen.node.host, f"{seen.node.cores} cores{gpus}, {seen.program}")
            if seen.problem:
                fact("", f"no workers here: {seen.problem}")
            elif seen.rate:
                total += seen.rate * seen.workers
                fact("", f"{seen.workers} workers, {seen.rate:,.0f} positions/s each (4 blocks x 64 channels, Go 9x9)")
        if total:
            fact("together", f"{total:,.0f} positions/s")
    return 0
