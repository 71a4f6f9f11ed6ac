"""`alphazero bench`: what this machine does a second, each figure with its spread."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from alphazero.game import Game

KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"
BOARDS: dict[str, tuple[str, dict[str, Any]]] = {
    "chess": ("chess", {}),
    "shogi": ("shogi", {}),
    "go9": ("go", {"board_size": 9}),
    "go19": ("go", {"board_size": 19}),
    "connect4": ("connect4", {}),
}
KINDS = ("rules", "search", "inference", "selfplay", "train")


@dataclass(frozen=True)
class Figure:
    """A measured number: n runs, their median, least and greatest."""

    name: str
    value: float
    unit: str
    n: int
    median: float
    min: float
    max: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument(
        "--json", action="store_true", help="one JSON line a figure: name, value, unit, n, median, min, max"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="bound of each measurement (default 2)")
    parser.add_argument("--repeat", type=int, default=3, help="runs a figure (default 3)")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        choices=["open_spiel", "stockfish", "cshogi"],
        help="measure a peer in the same run",
    )


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError

    wanted = args.what or list(KINDS)
    for what in wanted:
        if what not in KINDS:
            raise UserError(f"bench: unknown WHAT '{what}'; it is one of {', '.join(KINDS)}")
    if args.seconds <= 0 or args.repeat < 1:
        raise UserError("bench: --seconds must be > 0 and --repeat >= 1")
    for what in wanted:
        for figure in globals()[f"bench_{what}"](args.seconds / args.repeat, args.repeat, args.peer):
            if args.json:
                print(json.dumps(asdict(figure)), flush=True)
            else:
                print(
                    f"{figure.name:<34} {figure.value:>14,.1f} {figure.unit:<14} ({figure.min:,.1f} .. {figure.max:,.1f})",
                    flush=True,
                )
    return 0


def measure(name: str, unit: str, repeat: int, once: Callable[[], float]) -> Figure:
    """Runs `once` `repeat` times; the figure is the median."""
    values = [once() for _ in range(repeat)]
    median = statistics.median(values)
    return Figure(name, median, unit, repeat, median, min(values), max(values))


def bench_rules(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Perft; plies a second: random play with legal moves at every ply, and replaying a game that is known."""
    from alphazero._core import bench_random_plies, bench_replay_plies
    from alphazero.game import make

    for name, place, text, depth in (
        ("chess", "", None, 5),
        ("chess", ".kiwipete", KIWIPETE, 4),
        ("shogi", "", None, 4),
    ):
        position = make(name).position(text)

        def perft(position: Any = position, depth: int = depth) -> float:
            nodes, begin = 0, time.perf_counter()
            while time.perf_counter() - begin < seconds:
                nodes += position.perft(depth)
            return nodes / (time.perf_counter() - begin)

        yield measure(f"rules.perft.{name}{place}", "nodes/s", repeat, perft)
        if name == "chess" and "stockfish" in peers:
            yield from peer_stockfish_perft(place, text, seconds, repeat)
        if name == "shogi" and "cshogi" in peers:
            yield from peer_cshogi_perft(seconds, repeat)

    for label, (name, options) in BOARDS.items():
        game = make(name, options)
        for figure, function in (("plies", bench_random_plies), ("replay", bench_replay_plies)):

            def once(function: Callable[..., tuple[int, float]] = function, game: Game = game) -> float:
                plies, used = function(game, seconds)
                return plies / used

            yield measure(f"rules.{figure}.{label}", "plies/s", repeat, once)


def peer_stockfish_perft(place: str, text: str | None, seconds: float, repeat: int) -> Iterator[Figure]:
    """Stockfish's `go perft`, bulk counting as ours, at the depth that fills the time."""
    import shutil
    import subprocess

    from alphazero.errors import UserError

    program = shutil.which("stockfish") or shutil.which("stockfish", path="/usr/games")
    if program is None:
        raise UserError("bench: --peer stockfish needs the program stockfish (Debian: apt-get install stockfish)")
    engine = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert engine.stdin is not None and engine.stdout is not None
    depth = 6 if text is None else 5

    def once() -> float:
        assert engine.stdin is not None and engine.stdout is not None
        engine.stdin.write(f"position {'startpos' if text is None else f'fen {text}'}\n")
        begin = time.perf_counter()
        engine.stdin.write(f"go perft {depth}\n")
        engine.stdin.flush()
        for line in engine.stdout:
            if line.startswith("Nodes searched:"):
                return int(line.split(":")[1]) / (time.perf_counter() - begin)
        raise UserError("bench: stockfish ended without an answer")

    try:
        yield measure(f"peer.stockfish.rules.perft.chess{place}", "nodes/s", repeat, once)
    finally:
        engine.kill()
        engine.wait()


def peer_cshogi_perft(seconds: float, repeat: int) -> Iterator[Figure]:
    """cshogi from Python, with a legal-move count at the last ply: perft 4 of the start position."""
    from alphazero.errors import UserError

    try:
        import cshogi  # type: ignore[import-untyped]
    except ImportError:
        raise UserError("bench: --peer cshogi needs cshogi (pip install cshogi)") from None
    board = cshogi.Board()

    def count(depth: int) -> int:
        if depth == 1:
            return len(board.legal_moves)
        nodes = 0
        for move in list(board.legal_moves):
            board.push(move)
            nodes += count(depth - 1)
            board.pop()
        return nodes

    def once() -> float:
        nodes, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            nodes += count(4)
        return nodes / (time.perf_counter() - begin)

    yield measure("peer.cshogi.rules.perft.shogi", "nodes/s", repeat, once)


def bench_search(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Simulations a second with a null evaluator: 256 games by 800 simulations on 1 and 2 threads, and one tree."""
    from alphazero._core import UNIFORM, Pool, SearchCore
    from alphazero.game import make

    for label, (name, options) in BOARDS.items():
        game = make(name, options)

        def pool_rate(threads: int, game: Game = game) -> float:
            settings = {"games_in_flight": 256, "threads": threads, "record_policy": False}
            player = {"kind": "puct", "simulations": 800, "evaluator": UNIFORM}
            pool = Pool(game, settings, [player])
            begin = time.perf_counter()
            while time.perf_counter() - begin < seconds:
                pool.next_batch(max(0.01, min(0.2, seconds)))
                pool.take_finished()
            count = pool.counts["simulations"]
            used = time.perf_counter() - begin
            pool.close()
            return float(count / used)

        yield measure(f"search.null.{label}", "simulations/s", repeat, lambda f=pool_rate: f(1))  # type: ignore[misc]
        yield measure(f"search.null.{label}.t2", "simulations/s", repeat, lambda f=pool_rate: f(2))  # type: ignore[misc]

        bytes_per_node = 0.0

        def one_tree(game: Game = game) -> float:
            nonlocal bytes_per_node
            core = SearchCore(game, {"kind": "puct"})
            core.set_position(game.position())
            begin = time.perf_counter()
            core.begin(20_000)
            core.run_inside("uniform")
            used = time.perf_counter() - begin
            report = core.report()
            bytes_per_node = report["tree_bytes"] / report["nodes"]
            return float(report["simulations"] / used)

        yield measure(f"search.tree.{label}", "simulations/s", repeat, one_tree)
        yield Figure(
            f"search.bytes_per_node.{label}", bytes_per_node, "bytes", 1, bytes_per_node, bytes_per_node, bytes_per_node
        )
        if label == "chess":

            def long_search(game: Game = game) -> float:
                core = SearchCore(game, {"kind": "puct"})
                core.set_position(game.position())
                core.begin(800_000)
                begin = time.perf_counter()
                core.run_inside("uniform")
                return float(core.report()["simulations"] / (time.perf_counter() - begin))

            yield measure("search.tree800k.chess", "simulations/s", repeat, long_search)
        if "open_spiel" in peers:
            yield from peer_open_spiel(label, name, options, seconds, repeat)


def peer_open_spiel(label: str, name: str, options: dict[str, int], seconds: float, repeat: int) -> Iterator[Figure]:
    """OpenSpiel's Python MCTS with a uniform prior and value 0, from the start position."""
    try:
        import pyspiel
        from open_spiel.python.algorithms import mcts
    except ImportError:
        return
    theirs = {"connect4": "connect_four"}.get(name, name)
    game = pyspiel.load_game(theirs, {k: v for k, v in options.items() if k == "board_size"})

    class Null(mcts.Evaluator):  # type: ignore[misc]
        def evaluate(self, state: object) -> np.ndarray:
            return np.zeros(2)

        def prior(self, state: object) -> list[tuple[int, float]]:
            actions = state.legal_actions()  # type: ignore[attr-defined]
            return [(a, 1.0 / len(actions)) for a in actions]

    def once() -> float:
        count = 0
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            bot = mcts.MCTSBot(game, 1.25, 800, Null(), child_selection_fn=mcts.SearchNode.puct_value)
            bot.mcts_search(game.new_initial_state())
            count += 800
        return count / (time.perf_counter() - begin)

    yield measure(f"peer.open_spiel.search.null.{label}", "simulations/s", repeat, once)


def _nets() -> list[tuple[str, str, dict[str, int], int, int]]:
    return [("4x32", "connect4", {}, 4, 32), ("4x64", "go9", {"board_size": 9}, 4, 64), ("4x32", "chess", {}, 4, 32)]


def bench_inference(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Positions a second through the bare network, as the evaluator runs it."""
    from alphazero.config import NetworkConfig
    from alphazero.evaluators import make_evaluator
    from alphazero.game import make
    from alphazero.network import Network, shape_of

    for net, label, _, blocks, channels in _nets():
        name, options = BOARDS[label]
        game = make(name, options)
        evaluator = make_evaluator(Network(shape_of(game), NetworkConfig(blocks=blocks, channels=channels)), "auto")
        for batch in (1, 32, 128):
            planes = np.zeros((batch, *game.planes_shape), np.float32)

            def once(planes: np.ndarray = planes, evaluator: object = evaluator, batch: int = batch) -> float:
                begin = time.perf_counter()
                count = 0
                while time.perf_counter() - begin < seconds:
                    evaluator.evaluate(planes)  # type: ignore[attr-defined]
                    count += batch
                return count / (time.perf_counter() - begin)

            once()
            yield measure(f"inference.torch.{net}.{label}.b{batch}", "positions/s", repeat, once)


def bench_selfplay(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Evaluations a second of whole self-play, its share of the bare network's rate, and the hand-over of a batch."""
    from alphazero._core import Pool
    from alphazero.config import NetworkConfig
    from alphazero.evaluators import make_evaluator
    from alphazero.game import make
    from alphazero.network import Network, shape_of

    for _, label, _, blocks, channels in _nets():
        name, options = BOARDS[label]
        game = make(name, options)
        evaluator = make_evaluator(Network(shape_of(game), NetworkConfig(blocks=blocks, channels=channels)), "auto")
        planes = np.zeros((128, *game.planes_shape), np.float32)
        bare: list[float] = []

        def once(
            game: Game = game, evaluator: object = evaluator, planes: np.ndarray = planes, bare: list[float] = bare
        ) -> float:
            settings = {"games_in_flight": 128, "batch_size": 128, "threads": 1, "symmetry": True}
            pool = Pool(game, settings, [{"kind": "gumbel", "simulations": 32, "evaluator": 0, "noise": True}])
            begin = time.perf_counter()
            while time.perf_counter() - begin < seconds:
                batch = pool.next_batch(0.5)
                if batch is not None:
                    pool.finish(batch, *evaluator.evaluate(pool.planes(batch)))  # type: ignore[attr-defined]
                pool.take_finished()
            rate = pool.counts["evaluations"] / (time.perf_counter() - begin)
            pool.close()
            begin = time.perf_counter()
            count = 0
            while time.perf_counter() - begin < seconds / 2:
                evaluator.evaluate(planes)  # type: ignore[attr-defined]
                count += 128
            bare.append(count / (time.perf_counter() - begin))
            return float(rate)

        rate = measure(f"selfplay.evals.{label}", "evaluations/s", repeat, once)
        yield rate
        ratio = rate.value / statistics.median(bare)
        yield Figure(f"selfplay.ratio.{label}", ratio, "of bare network", repeat, ratio, ratio, ratio)

    game = make("connect4")
    logits, wdl = np.zeros((64, game.policy_size), np.float32), np.full((64, 3), 1 / 3, np.float32)

    def handover() -> float:
        pool = Pool(
            game, {"games_in_flight": 128, "batch_size": 64, "threads": 1}, [{"simulations": 50, "evaluator": 0}]
        )
        spent, batches = 0.0, 0
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            batch = pool.next_batch(0.5)
            if batch is None or len(batch) != 64:
                if batch is not None:
                    pool.finish(batch, logits[: len(batch)], wdl[: len(batch)])
                continue
            start = time.perf_counter()
            pool.planes(batch)
            pool.finish(batch, logits, wdl)
            spent += time.perf_counter() - start
            batches += 1
        pool.close()
        return 1e6 * spent / max(1, batches)

    yield measure("pool.handover_us", "microseconds", repeat, handover)


def bench_train(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Samples a second of the trainer, and positions a second of the sampler that feeds it."""
    import torch

    from alphazero._core import UNIFORM, Pool, Sampler
    from alphazero.config import NetworkConfig, TrainingConfig
    from alphazero.game import make
    from alphazero.network import Network, shape_of
    from alphazero.trainer import Trainer

    for _, label, _, blocks, channels in _nets():
        name, options = BOARDS[label]
        game = make(name, options)
        player = {"kind": "gumbel", "simulations": 8, "evaluator": UNIFORM, "noise": True}
        pool = Pool(game, {"games_in_flight": 32, "threads": 1, "games": 64}, [player])
        sampler = Sampler(game)
        while not pool.done:
            pool.next_batch(0.1)
            for record in pool.take_finished():
                sampler.add(record.to_bytes())
        for record in pool.take_finished():
            sampler.add(record.to_bytes())

        def draw(sampler: Sampler = sampler) -> float:
            begin = time.perf_counter()
            count = 0
            while time.perf_counter() - begin < seconds:
                sampler.sample(256, count)
                count += 256
            return count / (time.perf_counter() - begin)

        yield measure(f"sampler.positions.{label}", "positions/s", repeat, draw)
        trainer = Trainer(
            Network(shape_of(game), NetworkConfig(blocks=blocks, channels=channels)), TrainingConfig(), "cpu"
        )
        batch = {key: torch.from_numpy(array) for key, array in sampler.sample(256, 0).items()}

        def step(trainer: Trainer = trainer, batch: dict[str, torch.Tensor] = batch) -> float:
            begin = time.perf_counter()
            count = 0
            while time.perf_counter() - begin < seconds:
                trainer.step(batch, 0.5)
                count += 256
            return count / (time.perf_counter() - begin)

        step()
        yield measure(f"train.samples.{label}", "samples/s", repeat, step)
