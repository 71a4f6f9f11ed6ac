"""Self-play, training and searches as functions, for notebooks: NumPy in and out, an evaluator is any function of a batch.

An evaluator gets planes, float32 [B, C, H, W] (as Position.planes()), and returns (logits, values): logits float32 [B, policy_size];
values [B] in [-1, 1], or [B, 3] win, draw and loss, for the side to move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
from numpy.typing import NDArray

from alphazero._core import Game, GameRecord, Pool, Position, SearchCore
from alphazero.errors import UserError
from alphazero.search_settings import SearchSettings, SettingValue

if TYPE_CHECKING:
    from alphazero.training.run import Run

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
PlanesEvaluator = Callable[[F32], tuple[F32, F32]]


def self_play(
    game: Game,
    evaluator: PlanesEvaluator,
    *,
    games: int = -1,
    simulations: int = 32,
    games_in_flight: int = 64,
    batch_size: int = 64,
    seed: int = 0,
    opening_plies: int = 0,
    noise: bool = True,
    temperature_plies: int = 0,
    **settings: SettingValue,
) -> Iterator[GameRecord]:
    """Games of an evaluator against itself, as they end; games: how many, -1: without end.

    `games_in_flight` are played at a time in the compiled pool, so that their leaves make batches of up to `batch_size`; Python is
    called once a batch. The same seed and evaluator give the same games. temperature_plies: with kind="puct", moves are drawn from
    the visit counts for so many plies. settings: of the search, as in Search; kind is "gumbel" if nothing is said. ValueError
    where an answer is none.
    """
    own = SearchSettings.of({"kind": "gumbel", **settings, "simulations": simulations}).as_dict()
    layout = {"games_in_flight": games_in_flight, "batch_size": min(batch_size, games_in_flight), "threads": 0}
    player = {**own, "evaluator": 0, "noise": noise, "temperature_plies": temperature_plies}
    pool = Pool(game, {**layout, "games": games, "seed": seed, "opening_plies": opening_plies}, [player])
    try:
        while not pool.done:
            batch = pool.next_batch(0.1)
            if batch is not None:
                planes = np.asarray(pool.planes(batch), np.float32)
                logits, values = evaluator(planes)
                pool.finish(batch, np.ascontiguousarray(logits, np.float32), _wdl(values, len(planes)))
            yield from pool.take_finished()
        yield from pool.take_finished()
    finally:
        pool.close()


def read_games(run: str | Path) -> Iterator[tuple[Game, GameRecord]]:
    """The stored self-play games of a run, the oldest first, each with its game. UserError: no run, or a broken chunk."""
    from alphazero.training.replay import chunk_paths, read_chunk

    folder = Path(run) / "replay"
    if not folder.is_dir():
        raise UserError(f"{run}: no run with stored games here; `alphazero train CONFIG --run DIR` makes one")
    game: Game | None = None
    for path in chunk_paths(folder):
        chunk = read_chunk(path)
        if game is None:
            game = Game(chunk.header["game"], **chunk.header["options"])
        for record in chunk.records:
            yield game, GameRecord.from_bytes(record)


def train(
    config: str | Path | Mapping[str, object],
    run: str | Path,
    *,
    overrides: Sequence[str] = (),
    device: str = "auto",
    callback: Callable[[Run], bool] | None = None,
    out: TextIO | None = None,
) -> Run:
    """Begins, resumes or extends the run in a folder, as `alphazero train` does; returns it when its budget is spent.

    config: a YAML file, or its sections as a mapping. overrides: "KEY=VALUE". callback(run): called about once a second, between
    two steps; True ends the run, which the same call resumes. UserError names what is wrong with the configuration.
    """
    import tempfile

    import yaml

    from alphazero.config import load_config
    from alphazero.training import run as training_run

    if isinstance(config, Mapping):
        with tempfile.TemporaryDirectory(prefix="alphazero-") as folder:
            path = Path(folder) / "config.yaml"
            path.write_text(yaml.safe_dump(dict(config)))
            loaded = load_config(path, list(overrides))
    else:
        loaded = load_config(Path(config), list(overrides))
    return training_run.train(loaded, Path(run), device, out, callback)


@dataclass(frozen=True)
class BatchSearch:
    """What search_batch() found of N positions, for the side to move in each."""

    moves: list[str]  # [N] the best
    values: F32  # [N] in [-1, 1]
    policy: F32  # [N, policy_size], the policy that the search would teach; each row sums to 1
    visits: I32  # [N, policy_size]


def search_batch(
    positions: Sequence[Position],
    evaluator: PlanesEvaluator,
    *,
    simulations: int = 32,
    seed: int = 0,
    **settings: SettingValue,
) -> BatchSearch:
    """Searches many positions of a game side by side: each round asks the evaluator once, for a leaf of every tree.

    settings: of the search, as in Search; kind is "gumbel" if nothing is said. Position i is searched with the seed `seed` + i.
    ValueError: a position where the game is over, or no positions.
    """
    if not positions:
        raise ValueError("search_batch: no positions")
    game = positions[0].game
    own = SearchSettings.of({"kind": "gumbel", **settings, "simulations": simulations}).as_dict()
    trees = []
    for i, position in enumerate(positions):
        tree = SearchCore(game, own, seed + i)
        tree.set_position(position)
        tree.begin(simulations)
        trees.append(tree)
    planes = np.empty((len(trees), *game.planes_shape), np.float32)
    active = list(range(len(trees)))
    while active:
        asked: list[tuple[int, list[int]]] = []
        for i in active:
            tickets = trees[i].collect_batch(planes[len(asked) : len(asked) + 1], 1)
            if tickets:
                asked.append((i, tickets))
        active = [i for i, _ in asked]
        if asked:
            logits, values = evaluator(planes[: len(asked)])
            shares = _wdl(values, len(asked))
            value = shares[:, 0] - shares[:, 2] if np.ndim(values) == 2 else np.asarray(values, np.float32)
            for row, (i, tickets) in enumerate(asked):
                trees[i].tell_batch(
                    tickets, np.asarray(logits[row : row + 1], np.float32), np.ascontiguousarray(value[row : row + 1])
                )
    return _found(positions, trees)


def _found(positions: Sequence[Position], trees: Sequence[SearchCore]) -> BatchSearch:
    size = positions[0].game.policy_size
    policy, visits = np.zeros((len(trees), size), np.float32), np.zeros((len(trees), size), np.int32)
    moves, values = [], np.zeros(len(trees), np.float32)
    for i, (position, tree) in enumerate(zip(positions, trees, strict=True)):
        report = tree.report()
        moves.append(report["best_move"])
        values[i] = report["value"]
        for index, (_, count, _, _, target, *_) in zip(position.policy_indices(), report["moves"], strict=True):
            policy[i, index], visits[i, index] = target, count
    return BatchSearch(moves, values, policy, visits)


def _wdl(values: F32, rows: int) -> F32:
    """Values [B] or win, draw, loss [B, 3] as the latter."""
    given = np.ascontiguousarray(values, np.float32)
    if given.shape == (rows, 3):
        return given
    if given.shape != (rows,):
        raise ValueError(f"evaluator: values must be [{rows}] or [{rows}, 3], got {list(given.shape)}")
    if not np.isfinite(given).all() or np.abs(given).max(initial=0.0) > 1.05:
        raise ValueError("evaluator: values must be numbers in [-1, 1]")
    given = np.clip(given, -1.0, 1.0)
    return np.stack([(1.0 + given) / 2.0, np.zeros_like(given), (1.0 - given) / 2.0], 1)
