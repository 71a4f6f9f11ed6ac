"""The tables of a run: one where its game is played and one for each variant of it (Go on another board), each with its own
pool and replay store. They share one network, and take turns so that each has its share of the evaluations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphazero._core import Game, GameRecord, Pool
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.evaluators import Evaluator
from alphazero.feeding import Feed, batch_layout, lanes_for
from alphazero.game import make
from alphazero.replay import Replay

TURN = 16  # batches: a device has several under way, which turning waits for


class Table:
    """A game that is played, what was played of it, and, while the run goes on, its pool."""

    def __init__(self, game: Game, share: float, directory: Path, config: Config):
        self.game = game
        self.share = share  # of the evaluations
        self.replay = Replay(
            directory,
            game,
            chunk_games=config.replay.chunk_games,
            window_scale=config.replay.window_min,
            window_exponent=config.replay.window_exponent,
        )
        self.evaluations = self.replay.evaluations  # by processes before, as far as their games are stored
        self.pool: Pool | None = None
        self.feed: Feed | None = None


class Tables(Sequence[Table]):
    """All tables of a run; the first is that of the game itself."""

    def __init__(self, config: Config, game: Game, directory: Path):
        self._tables = [
            Table(game, 1.0 - sum(variant.share for variant in config.selfplay.variants), directory, config)
        ]
        for variant in config.selfplay.variants:
            other = make(game.name, {**game.options, **variant.options})
            if other.planes_shape[0] != game.planes_shape[0]:
                raise UserError(f"selfplay.variants: one network cannot play both {game!r} and {other!r}")
            name = "-".join(f"{key}-{value}" for key, value in sorted(variant.options.items()))
            self._tables.append(Table(other, variant.share, directory / name, config))
        self._counted: Counter[str] = Counter()  # by pools that are closed
        self._turn = self._tables[0]  # who is served
        self._served_from = 0  # its batches before its turn

    def __getitem__(self, index: Any) -> Any:
        return self._tables[index]

    def __len__(self) -> int:
        return len(self._tables)

    # --- what there is ---

    @property
    def games(self) -> int:
        """Finished games in whole chunks, since the run began."""
        return sum(table.replay.games for table in self._tables)

    @property
    def positions(self) -> int:
        """Positions of theirs that can be drawn."""
        return sum(table.replay.positions for table in self._tables)

    @property
    def drawable(self) -> int:
        """Positions in memory."""
        return sum(table.replay.drawable for table in self._tables)

    @property
    def mean_version(self) -> float:
        """As Replay.mean_version, over all tables."""
        total = sum(table.replay.mean_version * table.replay.drawable for table in self._tables)
        return total / max(1, self.drawable)

    @property
    def warnings(self) -> list[str]:
        """What was wrong with the stores when they were opened."""
        return [warning for table in self._tables for warning in table.replay.warnings]

    @property
    def evaluations(self) -> int:
        """Positions evaluated for the games of all tables, earlier processes included (as far as their games are stored)."""
        return sum(table.evaluations for table in self._tables) + self.counts()["evaluations"]

    def counts(self) -> Counter[str]:
        """What the pools counted in this process, summed."""
        counts = Counter(self._counted)
        for table in self._tables:
            if table.pool is not None:
                counts.update(table.pool.counts)
        return counts

    # --- playing ---

    def open(
        self, evaluator: Evaluator, settings: dict[str, Any], player: dict[str, Any], lanes: int = 1, name: str = ""
    ) -> None:
        """Begins to play; settings as the pools', without first_game; lanes: as Feed's; name: whose network answers, for
        errors.
        """
        layout = batch_layout([evaluator])
        lanes = lanes_for([evaluator], lanes)
        for table in self._tables:
            own = {**settings, **layout, "first_game": table.replay.next_number}
            table.pool = Pool(table.game, own, [player])
            table.feed = Feed(table.pool, [evaluator], **layout, lanes=lanes, names=[name] if name else [])

    def step(self) -> list[tuple[Table, GameRecord]]:
        """Answers a batch of the table whose turn it is; the games that were finished, stored."""
        table = self._next()
        assert table.feed is not None
        table.feed.step()
        finished = []
        pool = self._pool(table)
        for record in pool.take_finished():
            table.replay.evaluations = table.evaluations + pool.counts["evaluations"]
            table.replay.add(record)
            finished.append((table, record))
        return finished

    def _next(self) -> Table:
        """The table that is furthest behind its share, for TURN batches at a time."""
        if len(self._tables) == 1:
            return self._turn
        if self._pool(self._turn).counts["batches"] - self._served_from >= TURN:
            assert self._turn.feed is not None
            self._turn.feed.drain()  # what is under way is of one table
            self._turn = min(self._tables, key=lambda t: self._pool(t).counts["evaluations"] / t.share)
            self._served_from = self._pool(self._turn).counts["batches"]
        return self._turn

    def use_lanes(self, count: int) -> None:
        """So many lanes answer batches from now on: the other cores are for something else."""
        for table in self._tables:
            if table.feed is not None:
                table.feed.use(min(count, table.feed.lanes))

    def rest(self) -> None:
        """Answers nothing more until the next step()."""
        if self._turn.feed is not None:
            self._turn.feed.drain()

    def _pool(self, table: Table) -> Pool:
        assert table.pool is not None
        return table.pool

    def set_version(self, version: int) -> None:
        """Weights of this version play from now on."""
        for table in self._tables:
            self._pool(table).set_version(version)

    def set_simulations(self, simulations: int) -> None:
        """So many simulations a move from now on."""
        for table in self._tables:
            self._pool(table).set_simulations(simulations)

    def set_resignation(self, threshold: float) -> None:
        """Resign below this value from now on; -1: never."""
        for table in self._tables:
            self._pool(table).set_resignation(threshold)

    def close(self) -> None:
        """Ends the games that are running."""
        self._counted = self.counts()
        for table in self._tables:
            if table.feed is not None:
                table.feed.abandon()
            if table.pool is not None:
                table.pool.close()
            table.pool = table.feed = None

    # --- learning ---

    def sample(self, n: int, seed: int, **settings: Any) -> dict[str, Any]:
        """A training batch, all of one table: of each in proportion to the positions it made; see Replay.sample."""
        table = self._tables[0]
        if len(self._tables) > 1:
            weights = np.array([t.replay.positions if t.replay.drawable else 0 for t in self._tables], float)
            table = self._tables[int(np.random.default_rng(seed).choice(len(weights), p=weights / weights.sum()))]
        return table.replay.sample(n, seed, **settings)
