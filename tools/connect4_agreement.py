"""How often the engine's verdict on Connect Four agrees with the solver's, on positions of its own self-play.

    python tools/connect4_agreement.py runs/connect4 --positions 1000 --simulations 100

A position's verdict is the value v of a search of so many simulations: win if v > t, loss if v < -t, else draw. t is the
threshold that judges 300 other positions of the same self-play best (the middle one, where several do), for each checkpoint anew (--threshold fixes it); draws are
rare in self-play, so it lies well below 1/3. The output also holds the agreement that other thresholds would give.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from statistics import median_low

from connect4_solver import solve

import alphazero as az
from alphazero import checkpoint
from alphazero._core import GameRecord
from alphazero.training.replay import chunk_paths, read_chunk


def positions_of(run: Path, count: int, seed: int, from_ply: int) -> list[str]:
    """`count` different positions, each ply of the newest games equally likely, that still have a choice of moves."""
    game = az.Game("connect4")
    texts: set[str] = set()
    for path in reversed(chunk_paths(run / "replay")):
        for data in read_chunk(path).records:
            moves = GameRecord.from_bytes(data).moves(game)
            texts.update("".join(moves[:ply]) for ply in range(from_ply, len(moves)))
        if len(texts) > 20 * count:
            break
    chosen = sorted(texts)
    random.Random(seed).shuffle(chosen)
    return chosen[:count]


def agreement(values: list[float], exact: list[int], threshold: float) -> float:
    """Share of the positions whose verdict is the solver's."""
    verdicts = [1 if v > threshold else -1 if v < -threshold else 0 for v in values]
    return round(sum(a == b for a, b in zip(verdicts, exact, strict=True)) / len(exact), 4)


def plot(lines: list[dict], path: Path) -> None:
    """Agreement and value-keeping moves over games seen, with 95 % intervals."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    games = [line["games"] for line in lines]
    for key, label in [("good_moves", "moves that keep the value"), ("agreement", "verdict agrees with the solver")]:
        shares = [line[key] for line in lines]
        errors = [1.96 * (p * (1 - p) / line["positions"]) ** 0.5 for p, line in zip(shares, lines, strict=True)]
        axes.errorbar(games, [100 * p for p in shares], [100 * e for e in errors], marker="o", capsize=3, label=label)
    axes.set(xlabel="self-play games", ylabel="% of positions", title="Connect Four against the exact solver")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--positions", type=int, default=1000)
    parser.add_argument("--threshold", type=float, help="t (default: fitted on other positions)")
    parser.add_argument("--fit", type=int, default=300, help="positions to fit t on (default 300)")
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from-run", type=Path, help="take the positions from this run (default: the same)")
    parser.add_argument(
        "--from-ply", type=int, default=6, help="leave out earlier positions: minutes each to solve (default 6)"
    )
    parser.add_argument("--search", choices=["puct", "gumbel"], default="puct")
    parser.add_argument("--every", action="store_true", help="all checkpoints of the run, for a curve")
    parser.add_argument("--plot", type=Path, help="draw the curve over games into this PNG (with --every)")
    return parser.parse_args()


def judge(path: Path, solved: dict[str, int], apart: set[str], args: argparse.Namespace) -> dict:
    """A checkpoint's line. solved: positions with their exact values; apart: those of them that t is fitted on."""
    player = az.load(path, kind=args.search, batch_size=8)
    good_moves = 0
    values: list[float] = []
    judged: list[int] = []
    fitted: tuple[list[float], list[int]] = ([], [])
    for text, value in solved.items():
        position = player.game.position(text)
        result = player.search(position, args.simulations)
        if text in apart:
            fitted[0].append(result.value)
            fitted[1].append(value)
            continue
        values.append(result.value)
        judged.append(value)
        position.play(result.best_move)
        after = position.outcome
        kept = (0 if after.value == 0 else 1) if after is not None else -solve(text + result.best_move)
        good_moves += kept == value
    threshold = args.threshold if args.threshold is not None else best_threshold(*fitted)
    meta = checkpoint.read_meta(path)
    return {
        "step": meta["steps"],
        "games": meta["games"],
        "minutes": round(meta["seconds"] / 60, 1),
        "positions": len(values),
        "agreement": agreement(values, judged, threshold),
        "threshold": threshold,
        "by_threshold": {t / 20: agreement(values, judged, t / 20) for t in range(11)},
        "good_moves": round(good_moves / len(values), 4),
        "first_move": player.search(player.game.position(), args.simulations).best_move,
    }


def best_threshold(values: list[float], exact: list[int]) -> float:
    """The t that judges these positions best: the middle one, where several do."""
    shares = {t / 40: agreement(values, exact, t / 40) for t in range(21)}
    return median_low(t for t, share in shares.items() if share == max(shares.values()))


def main() -> None:
    args = read_arguments()
    fit = 0 if args.threshold is not None else args.fit
    texts = positions_of(args.from_run or args.run, args.positions + fit, args.seed, args.from_ply)
    apart = set(texts[args.positions :])  # what t is fitted on is not judged
    texts.sort(key=len, reverse=True)  # late positions first: the solver remembers them when it comes to early ones
    solved = {text: solve(text) for text in texts}
    steps = checkpoint.steps(args.run) if args.every else []
    paths = [args.run / "checkpoints" / str(step) for step in steps] if args.every else [checkpoint.resolve(args.run)]
    lines = []
    for path in paths:
        lines.append(judge(path, solved, apart, args))
        print(json.dumps(lines[-1]), flush=True)
    if args.plot is not None:
        plot(lines, args.plot)


if __name__ == "__main__":
    main()
