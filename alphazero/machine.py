"""What this machine can do, and what self-play makes of it: cores, threads, batch size, games in flight, memory.

Asked for nothing, self-play takes the plan made here; `alphazero doctor` prints it with its reasons.
platformdirs would not make cache_folder() simpler: it raises for a user without a home, too, and on macOS the folder would move.
"""

from __future__ import annotations

import math
import os
import platform
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from alphazero._core import Game

# Where libraries that we call keep files of theirs, each by its own variable: it would be in the user's home otherwise.
OTHERS_CACHES = {
    "MPLCONFIGDIR": "matplotlib",
    "CUDA_CACHE_PATH": "cuda",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
}
# A core's batch takes it at least so long, up to MOST_IN_LANE positions: handing one over costs some 0.1 ms of Python.
LANE_SECONDS = 4e-3
MOST_IN_LANE = 128  # a small network gains nothing past it
# The planes of a core's batch take at most so much: the network reads them twice, and its second cache is about that large.
LANE_BYTES = 2 << 20
LEAST_IN_CACHE = 16
LEAST_IN_LANE = 32  # of a network whose planes are small
MOST_THREADS = 16  # a search thread makes more leaves than a sixteenth of any GPU evaluates


def cache_folder() -> Path:
    """The only folder that we write to unasked: ~/.cache/alphazero; XDG_CACHE_HOME moves it. It may be removed any time.

    Relative paths count for nothing, as XDG's specification has it: they would name a folder wherever we are started.
    """
    moved = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if moved.is_absolute():
        return moved / "alphazero"
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home, as in some containers
        home = Path()
    if home.is_absolute():
        return home / ".cache" / "alphazero"
    return Path(tempfile.gettempdir()) / f"alphazero-{os.getuid()}"


def keep_to_cache_folder() -> None:
    """Makes libraries write there, too, unless the user said where else."""
    for variable, name in OTHERS_CACHES.items():
        os.environ.setdefault(variable, str(cache_folder() / name))


def processor() -> str:
    """The processor's name, as the system has it."""
    try:
        with Path("/proc/cpuinfo").open() as file:
            fields = dict(line.split(":", 1) for line in file.read(4096).splitlines() if ":" in line)
        return " ".join(fields.get(key, "").strip() for key in ("model name\t", "model\t\t"))
    except (OSError, ValueError):
        return platform.processor()


def cores() -> int:
    """The cores this process may use: its affinity, and the quota of its control group (containers)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass  # no control groups here
    return max(1, count)


def tree_bytes() -> int:
    """The most that the tree of one analysis may take: a quarter of the memory, since it is copied as it grows."""
    try:
        return max(256 << 20, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
    except (AttributeError, OSError, ValueError):
        return 1 << 30


def drawing_threads(*, gpu: bool) -> int:
    """Threads that fill a training batch. A GPU learns from 100 k samples a second, where a thread draws 22 k of Go 19x19;
    a processor is far slower itself.
    """
    return max(1, cores() // 8) if gpu else 1


@dataclass(frozen=True)
class Plan:
    """How self-play uses a machine, with the reasons."""

    threads: int  # of the search alone; 0: those that answer batches search, too
    lanes: int  # threads that answer batches side by side; 1 with a GPU, whose lanes are its own
    trainer_threads: int  # cores that training steps take, from the lanes; 0: they have a GPU
    batch_size: int
    games_in_flight: int
    megabytes: float  # that the pool takes at most, about
    reasons: list[str] = field(default_factory=list)


def plan_selfplay(
    game: Game,
    *,
    gpu: bool,
    simulations: int,
    threads: int = 0,
    batch_size: int = 0,
    games_in_flight: int = 0,
    cache_megabytes: int = 64,
    position_seconds: float | None = None,
) -> Plan:
    """Fills in what is 0. `gpu`: the network runs on a device of its own, not on the search's cores.

    position_seconds: what one core takes for a position (evaluators.choose.lane_seconds); None: not measured.
    """
    here = cores()
    reasons = []
    lanes = 1 if gpu else here
    if gpu and not threads:
        threads = max(1, min(MOST_THREADS, here - 2))
        kept = "two of them kept for Python, the driver and what draws training batches"
        reasons.append(f"{threads} search threads: {here} cores, {kept}")
    elif not threads:
        reasons.append(f"each of {here} cores searches and answers batches by turns: no thread waits for another")
    trainer_threads = 0 if gpu else max(1, here // 2)
    if lanes > 1:
        reasons.append(
            f"{trainer_threads} threads for training steps: while there are any to do, so many cores fewer play"
        )
    if not batch_size:
        batch_size, why = _batch_size(game, gpu, position_seconds)
        reasons.append(f"batches of {batch_size}: {why}")
    if not games_in_flight:
        games_in_flight = 4 * batch_size if gpu else lanes * batch_size
        why = (
            "three batches under way and one that fills"
            if gpu
            else "a batch of them for each core: more leave the caches"
        )
        reasons.append(f"{games_in_flight} games in flight: {why}")
    most = max(8, games_in_flight // lanes)
    if lanes > 1 and batch_size > most:
        reasons.append(
            f"batches of {most}, not {batch_size}: {games_in_flight} games have to fill those of {lanes} cores"
        )
        batch_size = most
    megabytes = _megabytes(game, batch_size, games_in_flight, simulations, gpu) + cache_megabytes
    reasons.append(f"about {megabytes:,.0f} MB at most for trees, batches and {cache_megabytes} MB of known answers")
    return Plan(threads, lanes, trainer_threads, batch_size, games_in_flight, megabytes, reasons)


def _batch_size(game: Game, gpu: bool, position_seconds: float | None) -> tuple[int, str]:
    """How many positions a batch holds, and why."""
    if gpu:
        return 1024, "a big GPU is full from there on"
    fitting = LANE_BYTES // (4 * math.prod(game.planes_shape))
    size = MOST_IN_LANE
    while size > LEAST_IN_CACHE and size > fitting:
        size //= 2
    if size < MOST_IN_LANE:
        why = f"their planes stay in a core's second cache ({4e-6 * size * math.prod(game.planes_shape):.1f} MB)"
    else:
        why = "a small network gains nothing past that"
    if position_seconds:
        while size > LEAST_IN_LANE and size // 2 * position_seconds >= LANE_SECONDS:
            size //= 2
            why = "a core that answers them gains little past that"
        why += f"; one takes {1e3 * size * position_seconds:.1f} ms"
    return size, why


def _megabytes(game: Game, batch_size: int, games_in_flight: int, simulations: int, gpu: bool) -> float:
    """Trees (a node: 24 bytes, 4 a legal move, 16 a tried one; twice, as a kept subtree is copied) and batches."""
    moves = 2 * len(game.position().legal_moves())  # about as many as positions have at most, on average over a game
    node = 24 + 4 * moves + 32
    planes, height, width = game.planes_shape
    row = (planes * height * width // 8 if gpu else 4 * planes * height * width) + 4 * min(game.policy_size, 600)
    batches = max(2, games_in_flight // batch_size + 1)
    return (2 * games_in_flight * (simulations + 1) * node + batches * batch_size * row) / 2**20
