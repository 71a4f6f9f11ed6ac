"""Self-play, training and searches as functions, for notebooks: NumPy in and out, an evaluator is any function of a batch.

An evaluator gets planes, float32 [B, C, H, W] (as Position.planes()), and returns (logits, values): logits float32 [B, policy_size];
values [B] in [-1, 1], or [B, 3] win, draw and loss, for the side to move. The planes are its own to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from alphazero._core import Game, GameRecord, Pool, Position, SearchCore
from alphazero.errors import UserError
from alphazero.game import make
from alphazero.search import check_wdl
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
                logits, _, wdl = _answers(evaluator, pool.planes(batch), game.policy_size)
                pool.finish(batch, logits, wdl)
            yield from pool.take_finished()
        yield from pool.take_finished()
    finally:
        pool.close()


def read_games(run: str | Path) -> Iterator[tuple[Game, GameRecord]]:
    """The stored self-play games of a run, the oldest first, each with its game.

    UserError: no run, a broken chunk, or a game of a package that is not installed.
    """
    from alphazero.training.replay import chunk_paths, read_chunk

    folder = Path(run) / "replay"
    if not folder.is_dir():
        raise UserError(f"{run}: no run with stored games here; `alphazero train CONFIG --run DIR` makes one")
    game: Game | None = None
    for path in chunk_paths(folder):
        chunk = read_chunk(path)
        if game is None:
            game = make(chunk.header["game"], chunk.header["options"])
        for record in chunk.records:
            yield game, GameRecord.from_bytes(record)


def train(
    config: str | Path | Mapping[str, object],
    run: str | Path,
    *,
    overrides: Sequence[str] = (),
    device: str = "auto",
    callbacks: Iterable[Callable[[Run], bool]] = (),
    out: TextIO | None = None,
) -> Run:
    """Begins, resumes or extends the run in a folder, as `alphazero train` does; returns it when its budget is spent.

    config: a YAML file, or its sections as a mapping. overrides: "KEY=VALUE". callbacks: each is called with the run about once a
    second, between two steps; if one returns True, the run ends, and the same call resumes it. UserError names what is wrong with
    the configuration.
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
    asked = tuple(callbacks)
    return training_run.train(loaded, Path(run), device, out, lambda run: True in [bool(each(run)) for each in asked])


@dataclass(frozen=True)
class BatchSearch:
    """What search_batch() found of N positions, for the side to move in each."""

    moves: list[str]  # [N] the best
    values: F32  # [N] in [-1, 1]
    policy: F32  # [N, policy_size], the policy that the search would teach; each row sums to 1
    visits: I32  # [N, policy_size]


def search_batch(
    positions: Iterable[Position],
    evaluator: PlanesEvaluator,
    *,
    simulations: int = 32,
    seed: int = 0,
    **settings: SettingValue,
) -> BatchSearch:
    """Searches many positions of a game side by side: each round asks the evaluator once, for a leaf of every tree.

    settings: of the search, as in Search; kind is "gumbel" if nothing is said. Position i is searched with the seed `seed` + i.
    ValueError: a position where the game is over, no positions, those of several games, or an answer that is none.
    """
    positions = list(positions)
    if not positions:
        raise ValueError("search_batch: no positions")
    game = positions[0].game
    if any(position.game != game for position in positions):
        raise ValueError("search_batch: all positions must be of one game with the same options")
    own = SearchSettings.of({"kind": "gumbel", **settings, "simulations": simulations}).as_dict()
    trees = []
    for i, position in enumerate(positions):
        tree = SearchCore(game, own, seed + i)
        tree.set_position(position)
        tree.begin(simulations)
        trees.append(tree)
    planes = np.empty((len(trees), *game.planes_shape), np.float32)
    nothing = np.empty((1, 0), np.float32)
    active = list(range(len(trees)))
    while active:
        asked: list[tuple[int, list[int]]] = []
        for i in active:
            tickets = trees[i].collect_batch(planes[len(asked) : len(asked) + 1], 1)
            if tickets:
                asked.append((i, tickets))
        active = [i for i, _ in asked]
        if asked:
            logits, values, _ = _answers(evaluator, planes[: len(asked)], game.policy_size)
            for row, (i, tickets) in enumerate(asked):
                trees[i].tell_batch(tickets, logits[row : row + 1], values[row : row + 1], nothing)
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


def _answers(evaluator: PlanesEvaluator, planes: NDArray[Any], policy_size: int) -> tuple[F32, F32, F32]:
    """Logits [B, P], values [B] and win, draw, loss [B, 3] that the evaluator says of B positions; ValueError: they are none.

    It gets a copy of the planes: the next positions are written over them.
    """
    logits, values = (np.ascontiguousarray(each, np.float32) for each in evaluator(np.array(planes, np.float32)))
    rows = len(planes)
    if logits.shape != (rows, policy_size):
        raise ValueError(f"evaluator: logits must be [{rows}, {policy_size}], got {list(logits.shape)}")
    if values.shape == (rows, 3):
        check_wdl(values)
        return logits, np.ascontiguousarray(values[:, 0] - values[:, 2]), values
    if values.shape != (rows,):
        raise ValueError(f"evaluator: values must be [{rows}] or [{rows}, 3], got {list(values.shape)}")
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > 1.05:
        raise ValueError("evaluator: values must be numbers in [-1, 1]")
    values = np.clip(values, -1.0, 1.0)
    return logits, values, np.stack([(1.0 + values) / 2.0, np.zeros_like(values), (1.0 - values) / 2.0], 1)
