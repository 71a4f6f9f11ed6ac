"""Two installed versions of alphazero on one machine, in turns: self-play, whole runs, the cost of a busy neighbour.

    python tools/compare_versions.py --old OLD/.venv/bin/python --new NEW/.venv/bin/python selfplay chess 4 32
    python tools/compare_versions.py --old OLD/.venv/bin/python --new NEW/.venv/bin/python run configs/chess-small.yaml
    python tools/compare_versions.py --new NEW/.venv/bin/python neighbour configs/chess-small.yaml

Each Python belongs to an environment that has one version. Configurations are read in the folder that its `.venv` lies in.
Every round measures all versions once, so that a machine that slows down slows all; medians and the extremes of the rounds
are told. Close everything else.

- `selfplay BOARD BLOCKS CHANNELS`: evaluations/s of one process on all cores, of one process a core side by side, of one on
  one core, and of the bare network at its best (new version).
- `run CONFIG`: evaluations plus three times the samples, a second, of a run of so many minutes from its beginning.
- `neighbour CONFIG`: the share of a run's steps that one busy process on the last core costs, at nice 10 and at nice 0.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# What runs in each environment. The modules have moved since 0.1.0.
SELFPLAY = """
import sys, time
from alphazero._core import Pool
from alphazero.evaluators import make_evaluator
from alphazero.feeding import Feed, batch_layout
label, blocks, channels, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
try:
    from alphazero_bench.figures import board, network
    from alphazero_bench.networks import SelfPlay, best_bare
except ImportError:  # 0.1.0, as its runs were laid out
    from alphazero.bench.figures import board, network
    class SelfPlay:
        def __init__(self, game, network, evaluator):
            layout = batch_layout([evaluator])
            player = {"kind": "gumbel", "simulations": 32, "evaluator": 0, "noise": True}
            settings = {"games_in_flight": 128, "batch_size": 128, "threads": 1, "symmetry": True, **layout}
            self.pool = Pool(game, settings, [player])
            self.feed = Feed(self.pool, [evaluator], **layout)
        def rate(self, seconds):
            before, begin = self.pool.counts["evaluations"], time.perf_counter()
            while time.perf_counter() - begin < seconds:
                self.feed.step()
                self.pool.take_finished()
            return (self.pool.counts["evaluations"] - before) / (time.perf_counter() - begin)
        def close(self):
            self.feed.abandon()
            self.pool.close()
game, made = board(label), network(label, blocks, channels)
evaluator = make_evaluator(made, "auto")
playing = SelfPlay(game, made, evaluator)
playing.rate(seconds / 4)
rate = playing.rate(seconds)
playing.close()
if sys.argv[5:]:
    from alphazero.machine import cores
    print(rate, best_bare(evaluator, game.planes_shape, cores(), seconds))
else:
    print(rate)
"""
RUN = """
import io, json, sys
from pathlib import Path
from alphazero.config import load_config
try:
    from alphazero.training.run import Run
except ImportError:  # where it was before, in 0.1.0 last
    try:
        from alphazero.training.loop import Run
    except ImportError:
        from alphazero.run import Run
directory = Path(sys.argv[2])
directory.mkdir(parents=True, exist_ok=True)
config = load_config(Path(sys.argv[1]), sys.argv[3:])
run = Run(config, directory, "cpu", io.StringIO())
run.train()
samples = getattr(run.trainer, "samples", run.trainer.steps * config.training.batch_size)
print((run.evaluations + 3 * samples) / run.elapsed(), run.trainer.steps, run.evaluations, samples)
"""


def answer(python: str, program: str, *arguments: object, cpus: set[int] | None = None) -> list[float]:
    """The numbers that this program prints in the environment of this Python."""
    process = start(python, program, *arguments, cpus=cpus)
    return finish(process)


def start(python: str, program: str, *arguments: object, cpus: set[int] | None = None) -> subprocess.Popen[str]:
    command = [python, "-c", program, *map(str, arguments)]
    if cpus is not None:
        command = ["taskset", "-c", ",".join(map(str, sorted(cpus))), *command]
    folder = Path(python).absolute().parent.parent.parent
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[float]:
    out, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"a measurement failed with exit status {process.returncode}")
    return [float(word) for word in out.splitlines()[-1].split()]


class Table:
    """Figures by their names, a number a round; tells the medians, and ratios to others round by round."""

    def __init__(self) -> None:
        self.rows: dict[str, list[float]] = {}

    def add(self, name: str, value: float) -> None:
        self.rows.setdefault(name, []).append(value)
        print(f"  {name:32s} {value:12,.0f}", flush=True)

    def tell(self, ratios: list[tuple[str, str]]) -> None:
        for name, values in self.rows.items():
            print(f"{name:32s} {statistics.median(values):12,.0f}  ({min(values):,.0f} .. {max(values):,.0f})")
        for one, other in ratios:
            if one in self.rows and other in self.rows:
                each = [a / b for a, b in zip(self.rows[one], self.rows[other], strict=True)]
                print(f"{one} / {other}: {statistics.median(each):.3f}  ({min(each):.3f} .. {max(each):.3f})")


def selfplay(pythons: dict[str, str], args: argparse.Namespace) -> None:
    cores = sorted(os.sched_getaffinity(0))
    table = Table()
    shape = (args.board, args.blocks, args.channels, args.seconds)
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", flush=True)
        for version, python in pythons.items():
            rate, *bare = answer(python, SELFPLAY, *shape, *(["bare"] if version == "new" else []))
            table.add(f"{version}, one process", rate)
            if bare:
                table.add("bare network", bare[0])
            beside = [start(python, SELFPLAY, *shape, cpus={core}) for core in cores]
            table.add(f"{version}, one process a core", sum(finish(each)[0] for each in beside))
            table.add(f"{version}, one core", answer(python, SELFPLAY, *shape, cpus={cores[0]})[0])
    table.tell(
        [
            ("new, one process", "old, one process"),
            ("new, one process", "old, one process a core"),
            ("new, one process", "new, one process a core"),
            ("new, one process", "bare network"),
            ("new, one core", "old, one core"),
        ]
    )


def run(pythons: dict[str, str], args: argparse.Namespace) -> None:
    table = Table()
    with tempfile.TemporaryDirectory(prefix="alphazero-compare-") as folder:
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", flush=True)
            for version, python in pythons.items():
                directory = Path(args.keep or folder).absolute() / f"{version}-{number}"
                key = f"training.budget_minutes={args.minutes}"
                units, steps, evaluations, _ = answer(python, RUN, args.config, directory, key)
                table.add(f"{version}, units/s", units)
                table.add(f"{version}, steps", steps)
                table.add(f"{version}, evaluations", evaluations)
    table.tell(
        [("new, units/s", "old, units/s"), ("new, steps", "old, steps"), ("new, evaluations", "old, evaluations")]
    )


def neighbour(pythons: dict[str, str], args: argparse.Namespace) -> None:
    table = Table()
    last = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="alphazero-compare-") as folder:
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", flush=True)
            for version, python in pythons.items():
                for beside in ("alone", "nice 10", "nice 0"):
                    busy = None
                    if beside != "alone":
                        spin = [
                            "taskset",
                            "-c",
                            str(last),
                            "nice",
                            "-n",
                            beside[5:],
                            sys.executable,
                            "-c",
                            "while True: pass",
                        ]
                        busy = subprocess.Popen(spin)
                    directory = Path(folder) / f"{version}-{number}-{beside.replace(' ', '')}"
                    try:
                        key = f"training.budget_minutes={args.minutes}"
                        units, *_ = answer(python, RUN, args.config, directory, key)
                    finally:
                        if busy is not None:
                            busy.kill()
                            busy.wait()
                    table.add(f"{version}, {beside}, units/s", units)
    table.tell(
        [
            (f"{version}, {beside}, units/s", f"{version}, alone, units/s")
            for version in pythons
            for beside in ("nice 10", "nice 0")
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--old", metavar="PYTHON", help="what is compared with; without it, the new version alone is measured"
    )
    parser.add_argument("--new", metavar="PYTHON", default=sys.executable)
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("selfplay")
    one.add_argument("board", help="as `alphazero bench` names it: chess, connect4, shogi, go9")
    one.add_argument("blocks", type=int)
    one.add_argument("channels", type=int)
    one.add_argument("--seconds", type=float, default=4.0)
    one.set_defaults(function=selfplay)
    for name, function in (("run", run), ("neighbour", neighbour)):
        one = kinds.add_parser(name)
        one.add_argument("config", help="read in the folder of each version")
        one.add_argument("--minutes", type=float, default=10.0 if name == "run" else 1.5)
        one.set_defaults(function=function)
        if name == "run":
            one.add_argument("--keep", metavar="DIR", help="where the runs stay")
    for one in kinds.choices.values():
        one.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    args.function({"old": args.old, "new": args.new} if args.old else {"new": args.new}, args)


if __name__ == "__main__":
    main()
