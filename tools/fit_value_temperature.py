"""What a network's values are worth in games of stronger play than those it learned from: the temperature for its reviews.

    python tools/fit_value_temperature.py pretrained:chess --games 200 --simulations 400

The network plays itself with so many PUCT simulations a move, without noise, from random openings. One number T makes the values of its
searches v in [-1, 1] expected results, 1 / (1 + exp(-logit((1 + v) / 2) / T)): the one with the least cross-entropy to how the
games ended (Guo et al. 2017, On Calibration of Modern Neural Networks). Below 1, a lead is worth more than the network says. The
interval is of 95 %, by drawing games with replacement. Reviews use what `value_temperature` in a checkpoint's meta.json says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alphazero._core import GameRecord
from alphazero.game import make
from alphazero.training.replay import chunk_paths, read_chunk

F64 = NDArray[np.float64]
TEMPERATURES = np.geomspace(0.1, 4.0, 120)
SURE = 0.999  # a value that says more is taken for this one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--opening-plies", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.games < 2:
        parser.error("--games must be at least 2")
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "alphazero", "selfplay", args.model, "--games", str(args.games), "--out", folder]
        words += [
            "--simulations",
            str(args.simulations),
            "--search",
            "puct",
            "--seed",
            str(args.seed),
            "--set",
            "noise_epsilon=0",
        ]
        subprocess.run([*words, "--opening-plies", str(args.opening_plies)], check=True)
        games = read(Path(folder))
    losses = np.array([cross_entropies(values, result) for values, result in games])  # [games, temperatures], sums
    best = TEMPERATURES[losses.sum(0).argmin()]
    draw = np.random.default_rng(args.seed)
    drawn = [TEMPERATURES[losses[draw.integers(len(games), size=len(games))].sum(0).argmin()] for _ in range(1000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    count = sum(len(values) for values, _ in games)
    as_told, fitted = (losses.sum(0)[np.abs(TEMPERATURES - t).argmin()] / count for t in (1.0, best))
    print(f"{len(games)} games, {count} positions: temperature {best:.2f} ({low:.2f} .. {high:.2f})")
    print(f"cross-entropy {fitted:.4f} nats; as the network says {as_told:.4f}; level everywhere {np.log(2):.4f}")


def read(folder: Path) -> list[tuple[F64, float]]:
    """Of each game, the values of its searches for the first player, in [-1, 1], and its result for that one, in [0, 1]."""
    games = []
    for path in chunk_paths(folder):
        chunk = read_chunk(path)
        game = make(chunk.header["game"], chunk.header["options"])
        for data in chunk.records:
            record = GameRecord.from_bytes(data)
            values = record.root_values * (1.0 - 2.0 * record.turns(game)[: record.plies])
            searched = np.array(record.kinds) >= 2
            games.append((values[searched], 0.5 + 0.5 * record.value))
    return games


def cross_entropies(values: F64, result: float) -> F64:
    """Of one game, in nats, summed over its positions, for each temperature."""
    rates = (1.0 + np.clip(values, -SURE, SURE)) / 2.0
    logits = np.log(rates / (1.0 - rates))[:, None] / TEMPERATURES
    return (result * np.logaddexp(0.0, -logits) + (1.0 - result) * np.logaddexp(0.0, logits)).sum(0)


if __name__ == "__main__":
    main()
