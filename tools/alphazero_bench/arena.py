"""What sharing batches brings to rated games: one pool for all of them, against one game at a time, against a process each."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.arena.registry import Search
from alphazero.checkpoint import TrainerState
from alphazero.runs.meta import Meta
from alphazero_bench.figures import Figure, figure_of

if TYPE_CHECKING:
    from alphazero.network import Network

GAMES = 128  # in the shared pool
SIMULATIONS = 32

# What a process of its own does: the same two networks, one game, the same search.
ONE_GAME = """
import sys
from pathlib import Path
from alphazero.arena.play_match import play_match
play_match(sys.argv[1], sys.argv[2], games=1, simulations=int(sys.argv[3]), device="cpu", seed=int(sys.argv[4]))
"""


def bench(seconds: float, repeat: int, peers: list[str]) -> Iterator[Figure]:
    """Games a second of two Connect Four networks (4 blocks x 64 channels, 32 simulations a move), three ways in turns."""
    from alphazero.arena.match import Entrant, Pairing, colour_balanced, play
    from alphazero.arena.match import entrant as entrant_of
    from alphazero.arena.openings import random_openings
    from alphazero_bench.figures import board

    game = board("connect4")
    with tempfile.TemporaryDirectory() as folder:
        paths = [_checkpoint(Path(folder) / name, seed) for seed, name in enumerate(("a", "b"))]
        search: Search = {"kind": "gumbel", "simulations": SIMULATIONS}
        entrants: list[Entrant] = [entrant_of(str(path), game, "cpu", search, name=path.parts[-3]) for path in paths]
        starts = random_openings(game, GAMES // 2, 4, seed=0)
        pairings = dict(enumerate(colour_balanced(0, 1, starts)))

        def shared(chosen: dict[int, Pairing]) -> float:
            begin = time.perf_counter()
            list(play(game, entrants, chosen, seed=0))
            return len(chosen) / (time.perf_counter() - begin)

        shared({0: pairings[0]})
        rates: dict[str, list[float]] = {"shared": [], "single": [], "process": []}
        for turn in range(repeat):
            rates["shared"].append(shared(pairings))
            done, begin = 0, time.perf_counter()
            while done == 0 or time.perf_counter() - begin < seconds:
                shared({done: pairings[done % GAMES]})
                done += 1
            rates["single"].append(done / (time.perf_counter() - begin))
            begin = time.perf_counter()
            command = [sys.executable, "-c", ONE_GAME, *map(str, paths), str(SIMULATIONS), str(turn)]
            subprocess.run(command, check=True, capture_output=True)
            rates["process"].append(1.0 / (time.perf_counter() - begin))
        yield figure_of("arena.shared.connect4", "games/s", rates["shared"])
        yield figure_of("arena.single.connect4", "games/s", rates["single"])
        yield figure_of("arena.process.connect4", "games/s", rates["process"])
        for name in ("single", "process"):
            ratios = [a / b for a, b in zip(rates["shared"], rates[name], strict=True)]
            yield figure_of(f"arena.ratio.{name}.connect4", "times as fast shared", ratios)


@dataclass
class _Untrained:
    """What checkpoint.save asks of a trainer, for a network that never learned."""

    network: Network
    steps: int = 0

    @property
    def averaged(self) -> Network:
        return self.network

    def state_dict(self) -> TrainerState:
        return TrainerState(steps=0, samples=0, network={}, averaged={}, optimizer={})


def _checkpoint(folder: Path, seed: int) -> Path:
    """An untrained network on disk."""
    import torch

    from alphazero import checkpoint
    from alphazero_bench.figures import network

    torch.manual_seed(seed)
    meta: Meta = {
        "game": "connect4",
        "options": {},
        "steps": 0,
        "games": 0,
        "positions": 0,
        "seconds": 0.0,
        "version": "",
    }
    trainer = _Untrained(network("connect4", 4, 64))
    return checkpoint.save(folder, trainer, meta)
