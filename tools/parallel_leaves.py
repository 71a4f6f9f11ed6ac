"""What it costs to ask for many leaves at a time: moves of short searches, judged by long ones.

    python tools/parallel_leaves.py pretrained:chess --nodes 400 --positions 300 --threads 1 2 4

Positions come from games that the network plays by its policy. Of each, a search of --deep nodes, one leaf at a time, says
what every move is worth; then searches of --nodes choose. Told of each way to search: how often it chose the deep search's
move, and how much less its move was worth (0 .. 2, with a standard error). `one` asks for one leaf at a time on one core.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

import alphazero as az
from alphazero.player import NetworkPlayer, load
from alphazero.search_settings import SettingValue
from alphazero.terminal import Column, Table, show


def positions_of(player: NetworkPlayer, count: int, seed: int) -> list[az.Position]:
    """Positions of different games, each after 10 to 80 plies by the policy."""
    draw = random.Random(seed)
    found: list[az.Position] = []
    while len(found) < count:
        position = player.game.position()
        plies = draw.randint(10, 80)
        while position.outcome is None and position.ply < plies:
            priors = player.evaluate(position).priors
            position.play(draw.choices(list(priors), list(priors.values()))[0])
        if position.outcome is None and len(position.legal_moves()) > 3:
            found.append(position)
    return found


def worth(player: NetworkPlayer, position: az.Position, nodes: int) -> dict[str, float]:
    """By move, its value after a deep search, the best first; -1 for what that never tried."""
    player.forget()
    moves = sorted(player.search(position, nodes, batch_size=1).moves, key=lambda move: -move.visits)
    return {move.move: move.q if move.visits else -1.0 for move in moves}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--nodes", type=int, default=400)
    parser.add_argument("--deep", type=int, default=8000)
    parser.add_argument("--positions", type=int, default=300)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--virtual-loss", type=float, nargs="+", default=[0.1, 1.0])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    player = load(args.model)
    if not isinstance(player, NetworkPlayer):
        parser.error(f"{args.model} has no network")
    positions = positions_of(player, args.positions, args.seed)
    deep = [worth(player, position, args.deep) for position in positions]
    ways: dict[str, tuple[int, dict[str, SettingValue]]] = {"one": (1, {"batch_size": 1})}
    for threads in args.threads:
        for loss in args.virtual_loss:
            ways[f"{threads} threads, virtual loss {loss:g}"] = (threads, {"virtual_loss": loss})
    rows = []
    for name, (threads, settings) in ways.items():
        player.set_threads(threads)
        begin = time.perf_counter()
        lost = []
        for position, values in zip(positions, deep, strict=True):
            player.forget()
            best = next(iter(values))
            chosen = player.search(position, args.nodes, **settings).best_move
            lost.append((chosen == best, max(0.0, values[best] - values[chosen])))
        rate = args.nodes * len(positions) / (time.perf_counter() - begin)
        agreed = 100.0 * statistics.mean(same for same, _ in lost)
        mean = statistics.mean(loss for _, loss in lost)
        error = statistics.stdev(loss for _, loss in lost) / len(lost) ** 0.5
        rows.append([name, f"{agreed:.1f} %", f"{mean:.4f} ± {error:.4f}", f"{rate:,.0f}"])
    columns = [
        Column("leaves", 26, right=False),
        Column("same move", 9),
        Column("worth less by", 15),
        Column("nodes/s", 8),
    ]
    print(f"{args.nodes:,} nodes in {len(positions)} positions, judged by {args.deep:,}")
    show(Table(columns, rows))


if __name__ == "__main__":
    main()
