"""What networks cost: bare inference by backend, whole self-play as a share of it, the trainer and what feeds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import torch

from alphazero._core import Pool
from alphazero.evaluators import Evaluator, make_evaluator
from alphazero.evaluators.base import F32, proof_planes, side_by_side
from alphazero.evaluators.choose import available, lane_seconds
from alphazero.feeding import Feed, batch_layout, lanes_for
from alphazero.game import Game
from alphazero.machine import cores, plan_selfplay
from alphazero.network import Network
from alphazero_bench.figures import NETS, Figure, board, figure_of, measure, network, rate

BATCHES = (1, 32, 128)


class Eager:
    """The network as it is trained, op by op in fp32: what a plain PyTorch program would run."""

    def __init__(self, network: Network):
        self.load_weights(network)

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        with torch.inference_mode():
            output = self._network(torch.from_numpy(planes))
            return output.policy.numpy(), torch.softmax(output.wdl, 1).numpy()

    def load_weights(self, network: Network) -> None:
        self._network = network.eval()

    def set_threads(self, count: int) -> None:
        torch.set_num_threads(count)

    def describe(self) -> str:
        return "torch eager fp32"


def inference(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Positions a second through the bare network by backend, network, game and batch size."""
    for net, label, blocks, channels in NETS:
        made = network(label, blocks, channels)
        backends: list[tuple[str, Evaluator]] = [("eager", Eager(made))]
        if torch.cuda.is_available():
            backends.append(("cuda", make_evaluator(made, "cuda")))
        backends += [(name, make_evaluator(made, name)) for name in available()]
        for name, evaluator in backends:
            for batch in BATCHES:
                planes = proof_planes(made.shape, batch)
                evaluator.evaluate(planes)
                yield measure(
                    f"inference.{name}.{net}.{label}.b{batch}",
                    "positions/s",
                    repeat,
                    _evaluations(evaluator, planes, seconds),
                )


def growth(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """How the bare network's rate falls with its size, at a batch of 128."""
    for blocks, channels in ((2, 16), (4, 32), (5, 64), (10, 64), (10, 128)):
        made = network("go9", blocks, channels)
        evaluator = make_evaluator(made, "auto")
        planes = proof_planes(made.shape, 128)
        evaluator.evaluate(planes)
        yield measure(
            f"growth.network.go9.{blocks}x{channels}", "positions/s", repeat, _evaluations(evaluator, planes, seconds)
        )


def _evaluations(evaluator: Evaluator, planes: F32, seconds: float) -> Callable[[], float]:
    def work() -> int:
        evaluator.evaluate(planes)
        return len(planes)

    return lambda: rate(work, seconds)


def best_bare(evaluator: Evaluator, planes_shape: tuple[int, int, int], cores: int, seconds: float) -> float:
    """Positions a second of the bare network at its best on these cores: one batch at a time on all of them, or one on each
    side by side, whichever size of batch does most.
    """
    rates = []
    for batch in (32, 64, 128):
        # Zeros are the same bits in every layout.
        planes = np.zeros((batch, *planes_shape), np.uint16 if batch_layout([evaluator]) == "bfloat16" else np.float32)
        planes = cast(F32, planes)
        rates.append(_evaluations(evaluator, planes, seconds / 6)())
        if lanes_for([evaluator], cores) > 1:
            rates.append(side_by_side(evaluator, planes, cores, seconds / 6))
    return max(rates)


@dataclass
class SelfPlay:
    """Self-play of one game by one evaluator, laid out as a run would on this machine."""

    game: Game
    network: Network  # the evaluator's
    evaluator: Evaluator
    simulations: int = 32

    def __post_init__(self) -> None:
        seconds = lane_seconds(self.network, self.evaluator)
        plan = plan_selfplay(self.game, gpu=seconds is None, simulations=self.simulations, position_seconds=seconds)
        layout = batch_layout([self.evaluator])
        settings = {"games_in_flight": plan.games_in_flight, "batch_size": plan.batch_size, "threads": plan.threads}
        player = {"kind": "gumbel", "simulations": self.simulations, "evaluator": 0, "noise": True}
        self.pool = Pool(self.game, {**settings, "symmetry": True, "layout": layout}, [player])
        self.feed = Feed(self.pool, [self.evaluator], layout, lanes=lanes_for([self.evaluator], plan.lanes))

    def rate(self, seconds: float) -> float:
        """Evaluations a second."""
        before, begin = self.pool.counts["evaluations"], time.perf_counter()
        while time.perf_counter() - begin < seconds:
            self.feed.step()
            self.pool.take_finished()
        return (self.pool.counts["evaluations"] - before) / (time.perf_counter() - begin)

    def close(self) -> None:
        self.feed.abandon()
        self.pool.close()


def selfplay(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Evaluations a second of whole self-play, its share of the bare network's rate, and the hand-over of a batch."""
    for _, label, blocks, channels in NETS:
        game = board(label)
        made = network(label, blocks, channels)
        evaluator = make_evaluator(made, "auto")
        best_bare(evaluator, game.planes_shape, cores(), seconds / 4)  # warms up
        rates, ratios = [], []
        for _ in range(repeat):
            playing = SelfPlay(game, made, evaluator)
            playing.rate(seconds / 4)
            rates.append(playing.rate(seconds))
            playing.close()
            # In turns: a machine's speed drifts.
            ratios.append(rates[-1] / best_bare(evaluator, game.planes_shape, cores(), seconds))
        yield figure_of(f"selfplay.evals.{label}", "evaluations/s", rates)
        yield figure_of(f"selfplay.ratio.{label}", "of bare network", ratios)
    yield measure("pool.handover_us", "microseconds", repeat, lambda: _handover(seconds))


def _handover(seconds: float) -> float:
    """Microseconds that a batch of 64 spends in Python's hands, the network apart."""
    game = board("connect4")
    logits, wdl = np.zeros((64, game.policy_size), np.float32), np.full((64, 3), 1 / 3, np.float32)
    pool = Pool(game, {"games_in_flight": 128, "batch_size": 64, "threads": 1}, [{"simulations": 50, "evaluator": 0}])
    spent, batches = 0.0, 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        batch = pool.next_batch(0.5)
        if batch is None:
            continue
        n = len(batch)
        start = time.perf_counter()
        pool.planes(batch)
        pool.finish(batch, logits[:n], wdl[:n])
        if n == 64:
            spent += time.perf_counter() - start
            batches += 1
    pool.close()
    return 1e6 * spent / max(1, batches)


def train(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Samples a second of the trainer, and positions a second of the sampler that feeds it."""
    from alphazero._core import UNIFORM, Sampler
    from alphazero.config import TrainingConfig
    from alphazero.training.trainer import Trainer

    for _, label, blocks, channels in NETS:
        game = board(label)
        player = {"kind": "gumbel", "simulations": 8, "evaluator": UNIFORM, "noise": True}
        pool = Pool(game, {"games_in_flight": 32, "threads": 1, "games": 64}, [player])
        sampler = Sampler(game)
        while not pool.done:
            pool.next_batch(0.1)
            for record in pool.take_finished():
                sampler.add(record.to_bytes())
        for record in pool.take_finished():
            sampler.add(record.to_bytes())

        device = "cuda" if torch.cuda.is_available() else "cpu"

        def draw(threads: int, sampler: Sampler = sampler, packed: bool = device == "cuda") -> int:
            # Packed or not as a run on this device asks for them.
            batch = sampler.sample(256, 0, packed=packed, threads=threads)
            return len(batch["wdl"])

        for threads, suffix in ((1, ""), (2, ".t2")):
            yield measure(
                f"sampler.positions.{label}{suffix}",
                "positions/s",
                repeat,
                partial(rate, partial(draw, threads), seconds),
            )
        trainer = Trainer(network(label, blocks, channels), TrainingConfig(), device)
        batch = {key: torch.from_numpy(array) for key, array in sampler.sample(256, 0, packed=device == "cuda").items()}

        def step(trainer: Trainer = trainer, batch: dict[str, torch.Tensor] = batch) -> int:
            float(trainer.step(batch, 0.5)["loss"])  # read: a GPU's work is done then, not queued
            return 256

        step()
        yield measure(f"train.samples.{label}", "samples/s", repeat, partial(rate, step, seconds))
