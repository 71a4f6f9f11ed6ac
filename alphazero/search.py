"""One search at a time, from Python: the compiled tree asks for leaves, an evaluator answers.

`Search` serves analysis, engine play and research. Self-play and matches run the same tree in the compiled pool.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alphazero._core import Game, Position, SearchCore
from alphazero.search_settings import MOST_SIMULATIONS as MOST_SIMULATIONS
from alphazero.search_settings import SearchSettings, SettingValue
from alphazero.symmetry import averaged

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
# (planes [B, C, H, W], legal: B arrays of policy indices) -> (logits, values); see Search.
Logits = F32 | Sequence[F32]  # [B, policy_size], or for each position one a legal move
LeafEvaluator = Callable[[F32, list[I32]], tuple[Logits, F32]]


# Not frozen: that would take three times as long to make, and a move of shogi can be one of hundreds.
@dataclass(slots=True)
class MoveStats:
    """What a search found out about one move."""

    move: str
    visits: int
    prior: float  # the network's, before any noise
    q: float  # mean value in [-1, 1] for the side that plays the move; 0 where it was never tried
    target: float = 0.0  # the move's share in the policy the search would teach
    proof: str = ""  # "win", "draw" or "loss" where it is proven
    proof_plies: int = 0  # length of the line that proves it, the move included
    # Where a network searched, for the side that plays the move; the last two where it says so and was asked for its heads.
    wdl: tuple[float, float, float] | None = None  # win, draw and loss
    score: float | None = None  # points it leads by at the end
    ownership: F32 | None = field(default=None, compare=False)  # [H, W] in [-1, 1], 1: its own


# What the tree knows of a root move: the first fields of MoveStats.
Row = tuple[str, int, float, float, float, str, int]


@dataclass(frozen=True)
class SearchResult:
    """The outcome of a search; all values are for the side to move at the root."""

    best_move: str
    value: float  # in [-1, 1]; exact where proven
    pv: list[str]  # the expected line, the best move first
    moves: list[MoveStats]  # every legal move, most visited first
    simulations: int  # finished in this search; fewer than asked for where the result is proven
    network_value: float = 0.0
    proof: str = ""
    nodes: int = 0
    tree_bytes: int = 0
    depth: float = 0.0  # of the simulations in plies, on average
    max_depth: int = 0
    # Where a network searched, as in MoveStats.
    wdl: tuple[float, float, float] | None = None
    score: float | None = None
    score_spread: float | None = None  # standard deviation of what the network says of the leaves, in points
    plies_left: float | None = None  # to the end of the game
    ownership: F32 | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Limits:
    """When a search ends, whichever comes first, and who is told what it has found meanwhile. ValueError: no such number."""

    simulations: int  # new ones, from 1 to MOST_SIMULATIONS
    seconds: float | None = None
    only: tuple[str, ...] = ()  # the root moves to consider; empty: all
    on_progress: Callable[[SearchResult], bool] | None = None  # gets the result so far; True ends the search
    progress_every: float = 0.5  # seconds between two calls of it
    should_stop: Callable[[], bool] | None = None  # asked after every batch; True ends the search

    def __post_init__(self) -> None:
        if not 1 <= self.simulations <= MOST_SIMULATIONS:
            bound = ">= 1" if self.simulations < 1 else f"<= {MOST_SIMULATIONS}"
            raise ValueError(f"simulations must be {bound}, got {self.simulations}")
        object.__setattr__(self, "only", tuple(dict.fromkeys(self.only)))  # a move named twice is one move

    def watch(self) -> Callable[[Search], bool]:
        """Begins to count the time. The function says of the search whether it is to end now."""
        begin = last = time.perf_counter()

        def enough(search: Search) -> bool:
            nonlocal last
            if self.should_stop is not None and self.should_stop():
                return True
            now = time.perf_counter()
            if self.seconds is not None and now - begin >= self.seconds:
                return True
            if self.on_progress is None or now - last < self.progress_every or not search.simulations:
                return False
            last = now
            return self.on_progress(search.result())

        return enough


def uniform_evaluator(planes: F32, legal: list[I32]) -> tuple[list[F32], F32]:
    """A blind network: equal priors, value 0."""
    return [np.zeros(len(each), np.float32) for each in legal], np.zeros(len(planes), np.float32)


def check_wdl(shares: F32) -> None:
    """ValueError where rows of [B, 3] are no probabilities of win, draw and loss; the pool asks the same of its evaluators."""
    if not np.isfinite(shares).all():
        raise ValueError("evaluator: win, draw and loss must be finite")
    off = np.abs(shares.sum(1) - 1.0)  # what computes in few bits misses by a little
    if shares.min(initial=0.0) < -0.01 or off.max(initial=0.0) > 0.05:
        raise ValueError("evaluator: win, draw and loss must be probabilities, with 1 for their sum")


class Search:
    """A search tree over positions of `game`, evaluated by any callable.

    evaluator(planes, legal) gets float32 [B, C, H, W] (as Position.planes()) and B int32 arrays of policy indices (as
    Position.policy_indices()); it returns (logits, values). logits: [B, policy_size], or a list of B arrays with one
    logit for each legal move; values: [B] in [-1, 1] for the side to move, or [B, 3] win / draw / loss probabilities.

    root_symmetries: the root's evaluation is the mean over all symmetries of the board (Go: 8), its leaves' are single ones.
    settings: of the table in cpp/search/settings.h, which says what each means and where its default comes from, such as
    kind ("puct" or "gumbel"), simulations, c_init. ValueError for unknown or bad ones.
    """

    def __init__(
        self,
        game: Game,
        evaluator: LeafEvaluator,
        *,
        seed: int = 0,
        batch_size: int = 1,
        root_symmetries: bool = False,
        **settings: SettingValue,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size must be >= 1, got {batch_size}")
        self.game = game
        self.evaluator = evaluator
        self.batch_size = batch_size
        self.root_symmetries = root_symmetries and game.symmetries > 1
        self.settings = SearchSettings.of(settings)
        self._core = SearchCore(game, self.settings.as_dict(), seed)
        self._running = threading.Lock()

    def search(
        self,
        position: Position,
        simulations: int | None = None,
        *,
        seconds: float | None = None,
        noise: bool = False,
        gumbel: Sequence[float] = (),
        only: Sequence[str] = (),
        on_progress: Callable[[SearchResult], bool] | None = None,
        progress_every: float = 0.5,
        should_stop: Callable[[], bool] | None = None,
    ) -> SearchResult:
        """Searches `position` (which must not be over: ValueError) and says what was found.

        simulations: how many new ones, default the setting of that name (800). seconds: stop after this long, too.
        noise: root noise as in self-play. gumbel: [L] noise for the root's moves in legal order, instead of drawn noise.
        only: the root moves to consider, default all.
        should_stop: asked after every batch; True stops the search.
        on_progress: called about every `progress_every` seconds with the result so far; True stops the search.
        A position that follows the last one searched keeps its part of the tree (PUCT with reuse_tree).
        """
        budget = self.settings.simulations if simulations is None else simulations
        limits = Limits(budget, seconds, tuple(only), on_progress, progress_every, should_stop)
        return self.within(position, limits, noise=noise, gumbel=gumbel)

    def within(
        self, position: Position, limits: Limits, *, noise: bool = False, gumbel: Sequence[float] = ()
    ) -> SearchResult:
        """search() by limits that are put together already."""
        with self._alone():
            core = self._core
            core.set_position(position)
            core.begin(limits.simulations, noise, list(gumbel), list(limits.only))
            root_is_new = core.report()["nodes"] == 0
            enough = limits.watch()
            while True:
                planes, legal, tickets = core.collect(self.batch_size)
                if not tickets:
                    return self.result()
                if root_is_new and self.root_symmetries:  # the first leaf is the root, and comes alone
                    share, value = averaged(self.game, self.evaluator, planes[0], legal[0])
                    self._tell(legal, tickets, [share], np.array([value], np.float32))
                else:
                    self._tell(legal, tickets, *self.evaluator(planes, legal))
                root_is_new = False
                if enough(self):
                    core.set_budget(max(1, core.simulations))

    def rollouts(self, position: Position, limits: Limits, *, threads: int = 1) -> SearchResult:
        """Searches inside the core, without the evaluator: a leaf's value is that of one random game. PUCT only.

        The core asks every 10 ms whether it is to go on.
        """
        with self._alone():
            self._core.set_position(position)
            self._core.begin(limits.simulations, False, [], list(limits.only))
            enough = limits.watch()
            seconds = 0.0 if limits.seconds is None else max(limits.seconds, 1e-9)  # to the core, 0 is no limit
            self._core.run_inside("rollout", seconds, threads, lambda: enough(self))
            return self.result()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._running.acquire(blocking=False):
            raise RuntimeError("this search is in use by another thread; give each thread its own")
        try:
            yield
        finally:
            self._running.release()

    run = __call__ = search

    @property
    def simulations(self) -> int:
        """How many this search has made."""
        return self._core.simulations

    def result(self) -> SearchResult:
        """What the search has found so far; ValueError where nothing was searched."""
        report = self._core.report()
        if not report["best_move"]:
            raise ValueError("search: nothing was searched here yet")
        moves = self._stats(report.pop("moves"))
        moves.sort(key=lambda m: (-m.visits, -m.prior))
        return SearchResult(moves=moves, **report)

    def _stats(self, rows: list[Row]) -> list[MoveStats]:
        """What is told of the root moves; rows: what the tree knows of them, in legal order, as MoveStats has it."""
        return [MoveStats(*row) for row in rows]

    def line(self, move: str, longest: int = 20) -> list[str]:
        """The expected line after a root move, the move first."""
        return self._core.line(move, longest)

    def line_visits(self, move: str, longest: int = 20) -> list[int]:
        """The visits of each move of line()."""
        return self._core.line_visits(move, longest)

    def sample_move(self, temperature: float = 1.0) -> str:
        """A move drawn in proportion to visits ** (1 / temperature)."""
        return self._core.sample_move(temperature)

    def _tell(self, legal: list[I32], tickets: list[int], logits: Logits, values: F32) -> None:
        count = len(tickets)
        value = np.asarray(values, np.float32)
        if value.shape == (count, 3):
            check_wdl(value)
            value = value[:, 0] - value[:, 2]
        if value.shape != (count,):
            raise ValueError(f"evaluator: values must be [{count}] or [{count}, 3], got {list(value.shape)}")
        if not np.isfinite(value).all():
            raise ValueError("evaluator: values must be finite")
        if np.abs(value).max(initial=0.0) > 1.05:  # what computes in few bits misses 1 by a little
            raise ValueError("evaluator: values must be in [-1, 1], for the side to move")
        dense = isinstance(logits, np.ndarray) and logits.dtype != object and logits.ndim == 2
        if isinstance(logits, np.ndarray) and dense and logits.shape != (count, self.game.policy_size):
            wanted = f"[{count}, {self.game.policy_size}]"
            raise ValueError(
                f"evaluator: logits must be {wanted} or a list of {count} arrays, got {list(logits.shape)}"
            )
        if len(logits) != count:
            raise ValueError(f"evaluator: {count} rows of logits are needed, got {len(logits)}")
        for i, ticket in enumerate(tickets):
            row = np.asarray(logits[i], np.float32)
            row = row[legal[i]] if dense or row.shape == (self.game.policy_size,) != legal[i].shape else row
            if row.shape != legal[i].shape:
                raise ValueError(f"evaluator: {len(legal[i])} logits are needed for row {i}, got {list(row.shape)}")
            if not np.isfinite(row).all():
                raise ValueError(f"evaluator: logits of legal moves must be finite (row {i})")
            self._core.tell(ticket, row, float(value[i]))
