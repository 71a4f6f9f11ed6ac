"""A GPU's figures, for `tools/gpu_report`: what the device can, how much of it inference gets, and how busy self-play keeps it.

On a machine without a GPU the same is measured on the processor, smaller: it shows that the report works, not more.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from alphazero.config import TrainingConfig
from alphazero.evaluators.base import F32, I32, U8, PipelinedEvaluator, agrees, proof_planes
from alphazero.evaluators.torch_packed import PackedTorchEvaluator
from alphazero.feeding import Feed
from alphazero.game import Game
from alphazero.machine import plan_selfplay
from alphazero.network import Network
from alphazero.training.trainer import StepGraph, Trainer
from alphazero_bench.figures import Figure, board, figure_of, measure, network, rate

LABEL = "chess"
Packed = tuple[U8, F32, I32, I32, tuple[int, int]]


def _gpu() -> bool:
    return torch.cuda.is_available()


def _nets() -> list[tuple[str, int, int]]:
    return [("5x64", 5, 64), ("10x128", 10, 128), ("20x256", 20, 256)] if _gpu() else [("2x16", 2, 16)]


def _batches() -> tuple[int, ...]:
    return (256, 512, 1024, 2048) if _gpu() else (32,)


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    peak = matmul_peak(seconds, repeat)
    yield peak
    for net, blocks, channels in _nets():
        yield from inference(net, network(LABEL, blocks, channels), peak.value * 1e12, seconds, repeat)
    for net, blocks, channels in _nets()[:2]:
        yield from selfplay(net, network(LABEL, blocks, channels), seconds, repeat)
    net, blocks, channels = _nets()[min(1, len(_nets()) - 1)]
    yield from training(net, lambda: network(LABEL, blocks, channels), seconds, repeat)
    if _gpu():
        net, blocks, channels = _nets()[1]  # one, as compiling takes minutes
        yield from compiled(net, network(LABEL, blocks, channels), seconds, repeat)


def synchronize() -> None:
    """Waits for the GPU, where there is one."""
    if _gpu():
        torch.cuda.synchronize()


def matmul_peak(seconds: float, repeat: int) -> Figure:
    """The rate of a big matrix product in the precision of inference: what convolutions could reach at best."""
    size, dtype, device = (8192, torch.bfloat16, "cuda") if _gpu() else (512, torch.float32, "cpu")
    a, b = (torch.randn(size, size, dtype=dtype, device=device) for _ in range(2))

    def work() -> int:
        for _ in range(8):
            a @ b
        synchronize()
        return 8

    work()
    return measure(
        "device.matmul_peak", "TFLOP/s", repeat, lambda: rate(work, min(seconds, 1.0)) * 2.0 * size**3 / 1e12
    )


def operations(made: Network) -> float:
    """Floating-point operations of one position's evaluation, a multiplication and an addition being two."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += 2 * output.numel() * module.in_channels * int(np.prod(module.kernel_size))
        elif isinstance(module, nn.Linear):
            total += 2 * output.numel() * module.in_features

    hooks = [module.register_forward_hook(count) for module in made.modules()]
    with torch.inference_mode():
        made.eval()(torch.from_numpy(proof_planes(made.shape, 1)))
    for hook in hooks:
        hook.remove()
    return float(total)


def packed_batch(game: Game, rows: int) -> Packed:
    """Positions after a few random moves, as a pool hands them out."""
    from alphazero._core import Pool

    settings = {"games_in_flight": rows, "batch_size": rows, "threads": 1, "layout": "packed", "opening_plies": 30}
    pool = Pool(game, settings, [{"evaluator": 0, "simulations": 2}])
    batch = pool.next_batch(60.0)
    assert batch is not None and len(batch) == rows
    found = (*pool.packed(batch), pool.legal(batch), pool.legal_count(batch))
    copies = (*(array.copy() for array in found), pool.board)
    pool.close()
    return copies


def pipelined_rate(evaluator: PipelinedEvaluator, batch: Packed, seconds: float) -> float:
    """Positions a second with as many batches under way as there are lanes, from host memory to host memory."""
    under_way: deque[object] = deque()

    def work() -> int:
        under_way.append(evaluator.submit(*batch))
        if len(under_way) < evaluator.lanes:
            return 0
        evaluator.collect(under_way.popleft())
        return len(batch[0])

    while work() == 0:
        pass  # the first batches capture and fill the lanes
    found = rate(work, seconds)
    while under_way:
        evaluator.collect(under_way.popleft())
    return found


def eager_rate(made: Network, rows: int, seconds: float) -> float:
    """What a plain PyTorch program reaches: the network as trained, bf16 on a GPU, float planes from the host."""
    device, dtype = ("cuda", torch.bfloat16) if _gpu() else ("cpu", torch.float32)
    plain = made.eval().to(device, dtype)
    planes = torch.from_numpy(proof_planes(made.shape, rows))

    def work() -> int:
        with torch.inference_mode():
            output = plain(planes.to(device, dtype))
            output.policy.float().cpu().numpy(), torch.softmax(output.wdl.float(), 1).cpu().numpy()
        return rows

    work()
    found = rate(work, seconds)
    made.to("cpu", torch.float32)
    return found


def _evaluator(made: Network, compiled: bool = False) -> PackedTorchEvaluator:
    device, dtype = ("cuda", torch.bfloat16) if _gpu() else ("cpu", torch.float32)
    return PackedTorchEvaluator(made, device, dtype, compiled=compiled)


def inference(net: str, made: Network, peak: float, seconds: float, repeat: int) -> Iterator[Figure]:
    """Eager against ours by batch size, and each as a share of the matrix peak."""
    cost = operations(made)
    game = board(LABEL)
    evaluator = _evaluator(made)
    yield figure_of(
        f"inference.packed.{net}.{LABEL}.agrees", "1: with fp32", [float(agrees(evaluator, made, bf16=_gpu()))]
    )
    for rows in _batches():
        batch = packed_batch(game, rows)
        for name, once in (
            ("eager", partial(eager_rate, made, rows, seconds)),
            ("packed", partial(pipelined_rate, evaluator, batch, seconds)),
        ):
            rates = [once() for _ in range(repeat)]
            yield figure_of(f"inference.{name}.{net}.{LABEL}.b{rows}", "positions/s", rates)
            yield figure_of(
                f"inference.{name}.{net}.{LABEL}.b{rows}.share", "of the matrix peak", [r * cost / peak for r in rates]
            )


def compiled(net: str, made: Network, seconds: float, repeat: int) -> Iterator[Figure]:
    """What torch.compile would add; last of all, so that what compiling costs spoils nothing."""
    batch = packed_batch(board(LABEL), 1024)
    try:
        fused = _evaluator(made, compiled=True)
        rates = [pipelined_rate(fused, batch, seconds) for _ in range(repeat)]
    except Exception as error:  # a compiler that is not there must not cost the report
        print(
            f"torch.compile: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}",
            file=sys.stderr,
            flush=True,
        )
        return
    yield figure_of(f"inference.compiled.{net}.{LABEL}.b1024", "positions/s", rates)


def selfplay(net: str, made: Network, seconds: float, repeat: int) -> Iterator[Figure]:
    """Whole self-play: its rate, the share of the bare network's, how busy the device is, how many cores that takes."""
    from alphazero._core import Pool

    game = board(LABEL)
    plan = plan_selfplay(game, gpu=_gpu(), simulations=64, batch_size=0 if _gpu() else 32, cache_megabytes=0)
    evaluator = _evaluator(made)
    batch = packed_batch(game, plan.batch_size)
    settings = {
        "games_in_flight": plan.games_in_flight,
        "batch_size": plan.batch_size,
        "threads": plan.threads,
        "layout": "packed",
    }
    player = {"kind": "gumbel", "simulations": 64, "evaluator": 0, "noise": True}
    found: dict[str, list[float]] = {name: [] for name in ("evals", "ratio", "busy", "host_cores", "batch_fill")}
    for _ in range(repeat):
        pool = Pool(game, settings, [player])
        feed = Feed(pool, [evaluator], "packed")
        for _ in range(2 * evaluator.lanes):
            feed.step()
        before, busy, processor = pool.counts, evaluator.busy_seconds, time.process_time()
        begin = time.perf_counter()
        while (used := time.perf_counter() - begin) < 2.0 * seconds:
            feed.step()
            pool.take_finished()
        after = pool.counts
        done = after["evaluations"] - before["evaluations"]
        found["evals"].append(done / used)
        found["busy"].append((evaluator.busy_seconds - busy) / used)
        found["host_cores"].append((time.process_time() - processor) / used)
        found["batch_fill"].append(done / max(1, after["batches"] - before["batches"]) / plan.batch_size)
        feed.drain()
        pool.close()
        found["ratio"].append(found["evals"][-1] / pipelined_rate(evaluator, batch, seconds))
    units = {"evals": "evaluations/s", "ratio": "of bare network", "busy": "of the time", "host_cores": "cores",
             "batch_fill": "of the batch"}  # fmt: skip
    for name, values in found.items():
        yield figure_of(f"device.selfplay.{name}.{net}", units[name], values)
    trained = made.to(evaluator.device)  # where the trainer has it
    swaps = []
    for _ in range(5):
        begin = time.perf_counter()
        evaluator.load_weights(trained)
        synchronize()
        swaps.append(time.perf_counter() - begin)
    one = plan.batch_size / pipelined_rate(evaluator, batch, seconds)
    yield figure_of(f"device.swap.{net}", "batches", [each / one for each in swaps[1:]])


def training(net: str, make: Callable[[], Network], seconds: float, repeat: int) -> Iterator[Figure]:
    """Samples a second of the trainer, op by op and as one graph."""
    device, rows = ("cuda", 2048) if _gpu() else ("cpu", 32)
    made = make()
    shape = made.shape
    generator = torch.Generator().manual_seed(0)
    moves = min(256, shape.policy_size)
    index = torch.randint(0, shape.policy_size, (rows, moves), generator=generator, dtype=torch.int32)
    share = torch.full((rows, moves), 1.0 / moves)
    batch = {
        "bits": torch.from_numpy(np.packbits(proof_planes(shape, rows).reshape(rows, shape.planes, -1) > 0, 2)),
        "scalars": torch.zeros(rows, 0),
        "policy_index": index,
        "policy": share,
        "policy_weight": torch.ones(rows),
        "wdl": torch.eye(3)[torch.randint(0, 3, (rows,), generator=generator)],
        "ownership": torch.zeros(rows, shape.height, shape.width),
        "score": torch.zeros(rows),
        "plies_left": torch.ones(rows),
        "ended": torch.ones(rows),
        "reply_index": index,
        "reply": share,
        "reply_weight": torch.ones(rows),
    }
    if _gpu():
        batch = {name: tensor.pin_memory() for name, tensor in batch.items()}
    for name in ("eager", "graph") if _gpu() else ("eager",):
        trainer = Trainer(made if name == "eager" else make(), TrainingConfig(), device)
        if name == "eager":
            trainer.op_by_op()

        def work(trainer: Trainer = trainer) -> int:
            for _ in range(4):
                trainer.step(batch, 0.5)
            synchronize()
            return 4 * rows

        for _ in range(StepGraph.WARM_UP + 1):
            trainer.step(batch, 0.5)
        yield measure(f"device.train.{name}.{net}", "samples/s", repeat, partial(rate, work, seconds))
