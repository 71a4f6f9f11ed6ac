"""What a run has played: a replay store for each variant, and how many samples its games have paid for.

Records may come from anyone: a game's number says which worker played it, and a store keeps the highest number of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from alphazero._core import GameRecord
from alphazero.config import ReplayConfig
from alphazero.training.replay import Replay
from alphazero.training.selfplay import Variant


class Drawing(TypedDict, total=False):
    """How a batch is drawn; see Sampler.sample."""

    symmetry: bool
    value_blend: float
    surprise: float
    reply: bool
    packed: bool
    threads: int


class ReplayStore:
    """Finished games of all variants, on disk, and the window that training batches are drawn from.

    paid: (positions, samples): positions whose samples were counted out, and how many those were. What comes later pays by
    `replay.reuse`.
    least: positions that must be there before training begins.
    """

    def __init__(self, directory: Path, variants: Sequence[Variant], config: ReplayConfig):
        self.config = config
        self.paid: tuple[int, float] = (0, 0.0)
        self.least = min(config.window_min, config.min_positions)
        self._replays = [
            Replay(
                directory / variant.name,
                variant.game,
                chunk_games=config.chunk_games,
                window_scale=config.window_min,
                window_exponent=config.window_exponent,
            )
            for variant in variants
        ]
        # Of processes before, as far as their games are stored; each store goes on counting from there.
        self._earlier = [replay.evaluations for replay in self._replays]

    # --- adding ---

    def add(self, record: GameRecord, variant: int = 0, evaluations: int = 0) -> None:
        """Takes a finished game: safe on disk when this returns. evaluations: of this process, for its variant, so far."""
        replay = self._replays[variant]
        replay.evaluations = self._earlier[variant] + evaluations
        replay.add(record)

    def add_all(self, records: Sequence[GameRecord], variant: int, evaluations: int) -> None:
        """Takes finished games that another process sent, all or, where this raises UserError, none. flush_due() makes
        chunks of them. evaluations: of this process and its workers, for the variant, so far.
        """
        replay = self._replays[variant]
        replay.evaluations = self._earlier[variant] + evaluations
        replay.add_all(records)

    def flush_due(self) -> None:
        """Writes chunks of the variants that have games enough for one."""
        for replay in self._replays:
            replay.flush_due()

    def flush(self) -> None:
        """Writes what waits for a full chunk as a chunk of its own."""
        for replay in self._replays:
            replay.flush()

    def first_games(self, worker: int = 0) -> list[int]:
        """By variant, the first game number that this worker never used; 0 is the process that holds the store."""
        return [replay.next_number_of(worker) for replay in self._replays]

    # --- what there is ---

    @property
    def games(self) -> int:
        """Finished games in whole chunks, since the run began."""
        return sum(replay.games for replay in self._replays)

    @property
    def positions(self) -> int:
        """Positions of theirs that can be drawn."""
        return sum(replay.positions for replay in self._replays)

    @property
    def drawable(self) -> int:
        """Positions in memory."""
        return sum(replay.drawable for replay in self._replays)

    @property
    def evaluations_before(self) -> int:
        """Positions evaluated by earlier processes, as far as their games are stored."""
        return sum(self._earlier)

    @property
    def mean_version(self) -> float:
        """The step of the weights that the window's games began with, a mean over positions."""
        total = sum(replay.mean_version * replay.drawable for replay in self._replays)
        return total / max(1, self.drawable)

    def figures(self, step: int) -> dict[str, float]:
        """What there is, by TensorBoard's names. step: the newest weights', from which the window's age counts."""
        figures: dict[str, float] = {
            "replay/games": self.games,
            "replay/positions": self.positions,
            "replay/window": self.drawable,
        }
        if self.drawable:  # training steps since the window's games began
            figures["replay/age"] = step - self.mean_version
        return figures

    @property
    def warnings(self) -> list[str]:
        """What was wrong with the stores when they were opened."""
        return [warning for replay in self._replays for warning in replay.warnings]

    # --- learning ---

    @property
    def missing(self) -> int:
        """Positions that are still to be made before training begins."""
        return max(0, self.least - self.drawable)

    def samples_allowed(self) -> float:
        """Samples that the positions made so far have paid for; 0 until there are positions enough."""
        if self.missing:
            return 0.0
        return self.paid[1] + (self.positions - self.paid[0]) * self.config.reuse

    def convert_reuse(self, before: float | None) -> None:
        """Where replay.reuse was another one before, positions made until now keep the samples they were worth then."""
        if before is not None and before != self.config.reuse:
            self.paid = (self.positions, self.paid[1] + (self.positions - self.paid[0]) * before)

    def draw(self, n: int, seed: int, drawing: Drawing) -> dict[str, NDArray[np.generic]]:
        """A training batch, all of one variant: each is chosen in proportion to the positions it made."""
        chosen = 0
        if len(self._replays) > 1:
            weights = np.array([each.positions if each.drawable else 0 for each in self._replays], float)
            chosen = int(np.random.default_rng(seed).choice(len(weights), p=weights / weights.sum()))
        return self._replays[chosen].sample(n, seed, **drawing)
