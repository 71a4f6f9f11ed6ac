"""What one store and one learner can take: synthetic workers send real recorded games at rising rates.

    python tools/cluster_simulation.py runs/connect4 --workers 4            # through Ray, as a run does
    python tools/cluster_simulation.py runs/chess --no-ray --profile        # the store alone, and where its time goes

Each worker sends chunks of the run's stored games, with numbers of its own, at a rate that doubles until the store no longer
keeps up. Printed are games/s, MB/s, how old chunks are when they are stored, and the processor time of the storing process.
Then: positions/s that training batches are drawn at, and the time in which weights reach all workers.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import os
import pstats
import shutil
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphazero.cluster.intake import Intake
from alphazero.cluster.messages import Answer, Chunk, digest_of, pack
from alphazero.config import Config, load_config
from alphazero.errors import UserError
from alphazero.game import Game, make
from alphazero.training.replay import chunk_paths, read_chunk
from alphazero.training.selfplay import variants_of
from alphazero.training.store import ReplayStore

NUMBER_AT = 1  # of a record's bytes: after the format's byte stands the game's number, 8 bytes
LATE_SECONDS = 1.0  # a store whose chunks are older on average does not keep up
MOST_MADE = 512  # games of a chunk


class SyntheticWorker:
    """Sends recorded games at a rate, as a worker sends played ones."""

    def __init__(self, worker: int, first: int, records: Sequence[bytes]):
        self._worker, self._number = worker, first
        self._records = itertools.cycle(records)
        self._rate = 0.0
        self._due = 0.0
        self._then = time.monotonic()
        self._sequence = 0
        self._kept: list[Chunk] = []

    def set_rate(self, games_per_second: float) -> None:
        """So many games a second from now on; 0: as many as are taken."""
        self._rate, self._due, self._then = games_per_second, 0.0, time.monotonic()

    def exchange(self, stored: int, seconds: float) -> Answer:
        """As Worker.exchange."""
        self._kept = [chunk for chunk in self._kept if chunk.sequence > stored]
        end = time.monotonic() + seconds
        while not self._kept:
            now = time.monotonic()
            self._due += (now - self._then) * self._rate if self._rate else MOST_MADE
            self._then = now
            count = min(int(self._due), MOST_MADE)
            if count >= min(self._rate or MOST_MADE, 64.0) or (count and now > end):
                self._seal(count)
            elif now > end:
                break
            else:
                time.sleep(0.005)
        return Answer(tuple(self._kept), evaluations=(0,))

    def load(self, weights: Any) -> int:
        """Takes weights; how many bytes they were."""
        return sum(array.nbytes for array in weights.values())

    def _seal(self, count: int) -> None:
        games = []
        for _ in range(count):
            data = next(self._records)
            games.append((0, data[:NUMBER_AT] + struct.pack("<Q", self._number) + data[NUMBER_AT + 8 :]))
            self._number += 1
        self._due -= count
        payload = pack(games)
        self._kept.append(Chunk(self._worker, 1, self._sequence, "", payload, digest_of(payload), time.time()))
        self._sequence += 1


@dataclass(frozen=True)
class Stage:
    """What was measured at a rate."""

    offered: float  # games/s; 0: as many as are taken
    games: float  # stored, a second
    megabytes: float  # likewise
    age: float  # of chunks when they were stored: the median, in seconds
    oldest: float
    busy: float  # the share of its time in which the storing process computed

    def keeps_up(self) -> bool:
        return self.age < LATE_SECONDS and (not self.offered or self.games > 0.9 * self.offered)


Workers = Sequence[Any]
Answers = Callable[[], Sequence[tuple[int, Answer]]]


def measure(intake: Intake, answers: Answers, offered: float, seconds: float) -> Stage:
    """Stores what comes for so long. answers(): what came, with the worker's index."""
    ages: list[float] = []
    games, size = sum(intake.games.values()), intake.bytes
    begin, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - begin < seconds:
        for _, answer in answers():
            for chunk in answer.chunks:
                if intake.take(chunk, [0]):
                    ages.append(time.time() - chunk.sealed)
            intake.settle()
    spent, used = time.monotonic() - begin, time.process_time() - cpu
    stored = sum(intake.games.values()) - games
    return Stage(
        offered,
        stored / spent,
        (intake.bytes - size) / spent / 1e6,
        statistics.median(ages or [spent]),
        max(ages, default=spent),
        used / spent,
    )


def ray_answers(ray: Any, actors: Workers, intake: Intake) -> Answers:
    """Of actors: a call is always under way to each."""
    calls = {actor.exchange.remote(-1, 0.25): index for index, actor in enumerate(actors)}

    def answers() -> list[tuple[int, Answer]]:
        ready, _ = ray.wait(list(calls), num_returns=1, timeout=0.05)
        found = []
        for call in ready:
            index = calls.pop(call)
            found.append((index, ray.get(call)))
            # The next one is made while this one is stored: it says again what is not known to be stored.
            calls[
                actors[index].exchange.remote(found[-1][1].chunks[-1].sequence if found[-1][1].chunks else -1, 0.25)
            ] = index
        return found

    return answers


def direct_answers(workers: Workers, intake: Intake) -> Answers:
    """Of workers in this process."""

    def answers() -> list[tuple[int, Answer]]:
        return [(index, worker.exchange(intake.stored(index + 1), 0.0)) for index, worker in enumerate(workers)]

    return answers


def records_of(run: Path, most: int = 2000) -> list[bytes]:
    """The newest games that a run has stored."""
    found: list[bytes] = []
    for path in reversed(chunk_paths(run / "replay")):
        found += read_chunk(path).records
        if len(found) >= most:
            break
    if not found:
        raise UserError(f"{run}: no stored games here; train for a minute first")
    return found[:most]


def told(stage: Stage) -> str:
    offered = f"{stage.offered:>10,.0f}" if stage.offered else "  unlimited"
    return (
        f"{offered}  {stage.games:>10,.0f}  {stage.megabytes:>7.2f}  {stage.age:>8.3f}  {stage.oldest:>8.3f}  "
        f"{100 * stage.busy:>5.0f} %{'' if stage.keeps_up() else '  too many'}"
    )


def climb(intake: Intake, answers: Answers, set_rate: Callable[[float], None], first: float, seconds: float) -> None:
    """Doubles the rate until the store does not keep up."""
    print("  offered/s    stored/s     MB/s  age (s)    oldest   busy")
    rate = first
    while True:
        set_rate(rate)
        stage = measure(intake, answers, rate, seconds)
        print(told(stage), flush=True)
        if not stage.keeps_up():
            break
        rate *= 2.0
    set_rate(0.0)
    print(told(measure(intake, answers, 0.0, seconds)), flush=True)


def profiled(intake: Intake, answers: Answers, seconds: float) -> None:
    """Where the storing process's time goes, when it is all there is to do."""
    profile = cProfile.Profile()
    profile.enable()
    measure(intake, answers, 0.0, seconds)
    profile.disable()
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(12)


def drawn(store: ReplayStore, config: Config, seconds: float) -> float:
    """Positions/s of training batches that one thread draws."""
    size, count, step = config.training.batch_size, 0, 0
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        store.draw(size, step, {"symmetry": True, "value_blend": 0.3, "surprise": 0.5, "threads": 1})
        count, step = count + size, step + 1
    return count / (time.monotonic() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run directory, whose games are sent")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first-rate", type=float, default=500.0, help="games/s of all workers to begin with")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each rate")
    parser.add_argument("--no-ray", action="store_true", help="workers in this process: the store alone")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--weights", type=float, default=50.0, help="megabytes of weights to send")
    args = parser.parse_args()
    config = load_config(args.run / "config.yaml", stored=True)
    game: Game = make(config.game.name, config.game.options)
    records = records_of(args.run)
    print(f"{len(records):,} games of {np.mean([len(each) for each in records]):,.0f} bytes; {os.cpu_count()} cores")
    folder = Path(tempfile.mkdtemp(prefix="alphazero-simulation-"))
    try:
        store = ReplayStore(folder, variants_of(config, game), config.replay)
        intake = Intake(store, "", lambda variant, record: None)
        first = {worker: intake.begin(worker, 1)[0] for worker in range(1, args.workers + 1)}
        if args.no_ray:
            workers = [SyntheticWorker(worker, number, records) for worker, number in first.items()]
            answers = direct_answers(workers, intake)

            def set_rate(rate: float) -> None:
                for worker in workers:
                    worker.set_rate(rate / len(workers))

            climb(intake, answers, set_rate, args.first_rate, args.seconds)
            if args.profile:
                profiled(intake, answers, args.seconds)
        else:
            through_ray(args, intake, first, records)
        print(f"training batches: {drawn(store, config, args.seconds):,.0f} positions/s drawn by one thread")
    finally:
        shutil.rmtree(folder)


def through_ray(args: argparse.Namespace, intake: Intake, first: dict[int, int], records: list[bytes]) -> None:
    """The same with a process for each worker."""
    from alphazero.cluster.connect import connected

    with connected("local"):
        import ray

        kind = ray.remote(SyntheticWorker)
        actors = [kind.options(num_cpus=0).remote(worker, number, records) for worker, number in first.items()]
        answers = ray_answers(ray, actors, intake)

        def set_rate(rate: float) -> None:
            ray.get([actor.set_rate.remote(rate / len(actors)) for actor in actors])

        climb(intake, answers, set_rate, args.first_rate, args.seconds)
        if args.profile:
            profiled(intake, answers, args.seconds)
        set_rate(1.0)
        weights = {"w": np.ones(int(args.weights * 250_000), np.float32)}
        begin = time.monotonic()
        placed = ray.put(weights)
        ray.get([actor.load.remote(placed) for actor in actors])
        print(f"weights: {args.weights:.0f} MB reach {len(actors)} workers in {time.monotonic() - begin:.2f} s")


if __name__ == "__main__":
    main()
