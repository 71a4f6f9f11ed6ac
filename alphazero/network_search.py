"""Searches by a network at the machine's speed: a batch under way for each core, answers that are kept, trees that share batches.

A tree asks for leaves and is told the answers; while one core computes a batch, another has the trees. A tree asks for few leaves
while it is small: leaves that are asked for together know nothing of each other, which costs strength.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from alphazero._core import Game, Position
from alphazero.errors import UserError
from alphazero.evaluators.base import F32, Bfloat16Evaluator, Evaluator, HeadsEvaluator, LanedEvaluator, Planes
from alphazero.leaf_sums import LeafSums, Rows, certain, wdl_of
from alphazero.search import Limits, MoveStats, Row, Search, SearchResult
from alphazero.search_settings import SettingValue
from alphazero.symmetry import averaged

NODES_A_LEAF = 64
# A small tree asks for up to this many more than one, with fewer nodes for each: a batch of 8 takes a core little longer than
# one leaf, and a move that has 20 ms is the better for a tree twice as large.
FIRST_NODES_A_LEAF = 16
FIRST_LEAVES = 7
# All cores together ask for at most 16 leaves, or a leaf for so many nodes: sixteen of them would search a small tree badly.
NODES_A_LEAF_IN_ALL = 16
# A search that may be over this soon runs on one core: on a busy machine it would mostly wait for the others to end.
ALONE_SECONDS = 0.005
WAIT_SECONDS = 0.05  # between two looks at the limits where other cores have all the leaves


def leaves_at_once(nodes: int) -> int:
    """How many leaves of a tree of so many nodes a core's batch takes: 8 from 112 nodes on, 16 from 960, 64 from 4,032."""
    return 1 + max(nodes // NODES_A_LEAF, min(nodes // FIRST_NODES_A_LEAF, FIRST_LEAVES))


class NetworkSearch(Search):
    """A search tree over positions of `game`, evaluated by a network.

    name: of the player, for errors. batch_size: the most leaves in a batch. threads: cores, each with batches of its own where
    the evaluator can do that; with one, the same search finds the same. cache_megabytes: for answers to be used again, also
    from move to move. heads: whether to look at what else the network says, such as the score. Settings as in Search.
    """

    def __init__(
        self,
        game: Game,
        evaluator: Evaluator,
        name: str,
        *,
        seed: int = 0,
        batch_size: int = 64,
        threads: int = 1,
        cache_megabytes: int = 0,
        heads: bool = False,
        root_symmetries: bool = False,
        **settings: SettingValue,
    ):
        super().__init__(
            game,
            lambda planes, legal: evaluator.evaluate(planes),
            seed=seed,
            batch_size=batch_size,
            root_symmetries=root_symmetries,
            **settings,
        )
        self.name = name
        self.crew = Crew(evaluator, threads, heads=heads)
        self._rows = Rows(self.crew.head_names, game.planes_shape[1:])
        self.under_way = 0  # batches
        self._waiting = 0  # leaves in them
        self.evaluated_leaves = 0  # in all searches
        self._kept = 0  # nodes that the tree had when the search began
        self._enough: Callable[[Search], bool] = lambda search: False
        self._sums = LeafSums(0)
        self._root = game.position()
        if cache_megabytes:
            self._core.keep_answers(cache_megabytes, self._rows.width)

    @property
    def known_answers(self) -> int:
        """Leaves that needed no evaluation so far, in all searches."""
        return self._core.known_answers

    def share_answers(self, other: NetworkSearch) -> None:
        """Keeps answers together with another search by the same network.

        ValueError where one of them keeps what heads say, and the other does not.
        """
        if self._rows != other._rows:
            raise ValueError("share_answers: both searches must look at the same heads")
        self._core.share_answers(other._core)

    def within(
        self, position: Position, limits: Limits, *, noise: bool = False, gumbel: Sequence[float] = ()
    ) -> SearchResult:
        with self._alone():
            self.begin(position, limits, noise=noise, gumbel=gumbel)
            _Lanes(self).run()
            return self.result()

    def rollouts(self, position: Position, limits: Limits, *, threads: int = 1) -> SearchResult:
        # The network says nothing of these leaves.
        self._sums = LeafSums(len(limits.only) or len(position.legal_moves()))
        return super().rollouts(position, limits, threads=threads)

    # --- what whoever runs the batches calls, one thread at a time ---

    def begin(self, position: Position, limits: Limits, *, noise: bool = False, gumbel: Sequence[float] = ()) -> None:
        """Begins a search; the time of its limits runs from now on."""
        core = self._core
        core.set_position(position)
        self._root = position.copy()
        core.begin(limits.simulations, noise, list(gumbel), list(limits.only))
        report = core.report()
        self.under_way = self._waiting = 0
        self._kept = report["nodes"]
        self._sums = LeafSums(len(limits.only) or len(position.legal_moves()))
        self._enough = limits.watch()
        if self._kept == 0 and self.root_symmetries:
            planes, legal, tickets = core.collect(1)
            share, value = averaged(self.game, self.evaluator, planes[0], legal[0])
            self._tell(legal, tickets, [share], np.array([value], np.float32))

    def collect(self, planes: Planes, most: int) -> list[int]:
        """Tickets of leaves, whose planes are written into the first rows; none: see `over`."""
        nodes = self._kept + self._core.simulations
        room = max(2 * (1 + FIRST_LEAVES), nodes // NODES_A_LEAF_IN_ALL) - self._waiting
        tickets = self._core.collect_batch(planes, max(1, min(most, self.batch_size, leaves_at_once(nodes), room)))
        self._waiting += len(tickets)
        self.under_way += bool(tickets)
        moves, plies, own, rows = self._core.take_known()
        if len(rows):
            self._sums.add(moves, plies, own, *self._rows.read(rows))
        return tickets

    def take(self, tickets: list[int], logits: F32, wdl: F32, heads: dict[str, F32]) -> None:
        """The answers to a batch; UserError names the player where they are no numbers."""
        self.under_way -= 1
        self._waiting -= len(tickets)
        try:
            origins = self._core.tell_batch(tickets, logits, wdl[:, 0] - wdl[:, 2], self._rows.written(wdl, heads))
        except ValueError as error:
            raise UserError(
                f"{self.name} answered with what is no number: its network is damaged, or its numbers overflow"
            ) from error
        self.evaluated_leaves += len(tickets)
        self._sums.add(*origins, wdl[:, 1], heads)

    def look(self) -> None:
        """Asks the limits whether it is time to end, and tells whoever wants to know what was found."""
        if self._enough(self):
            self._core.set_budget(max(1, self._core.simulations))

    @property
    def over(self) -> bool:
        return self._core.done

    # --- what was found ---

    def result(self) -> SearchResult:
        """What the search has found so far, with what the network said of its leaves."""
        plain = super().result()
        sums = self._sums
        if self.crew.heads and sums.empty:  # no leaf was new: the root has to speak for the tree
            _, wdl, heads = self.crew.evaluate(self._root.planes()[None])
            sums.add(np.array([-1], np.int32), np.array([0], np.int32), np.array([True]), wdl[:, 1], heads)
        return replace(
            plain,
            wdl=certain(plain.proof) or wdl_of(plain.value, sums.draws()),
            score=sums.number("score"),
            score_spread=sums.spread("score"),
            plies_left=sums.number("plies_left"),
            ownership=sums.mean("ownership"),
        )

    def _stats(self, rows: list[Row]) -> list[MoveStats]:
        usual, told = self._sums.draws(), self._sums.by_move()
        untried = wdl_of(0.0, usual)
        moves = []
        for row, (draw, score, ownership) in zip(rows, told, strict=True):
            _, visits, _, q, _, proof, _ = row
            wdl = certain(proof) or (wdl_of(q, usual if draw is None else draw) if visits else untried)
            moves.append(MoveStats(*row, wdl, score, ownership))
        return moves


class Crew:
    """A network and the threads that may have it answer batches side by side."""

    def __init__(self, evaluator: Evaluator, threads: int, *, heads: bool = False):
        self.evaluator = evaluator
        self.head_names = tuple(evaluator.head_names) if heads and isinstance(evaluator, HeadsEvaluator) else ()
        self.heads = bool(self.head_names)
        self.lanes = threads if threads > 1 and isinstance(evaluator, LanedEvaluator) else 1
        self.halves = isinstance(evaluator, Bfloat16Evaluator) and evaluator.takes_bf16
        self._spare: list[Planes] = []

    def make_room(self) -> None:
        """Before several lanes evaluate."""
        if self.lanes > 1:
            assert isinstance(self.evaluator, LanedEvaluator)
            self.evaluator.set_lanes(self.lanes)

    def warm_up(self, sizes: Sequence[int], planes_shape: tuple[int, int, int]) -> None:
        """Has every lane evaluate a batch of each size once, all lanes at a time, so that none takes another's turn."""
        self.make_room()

        def evaluate() -> None:
            buffer = self.buffer(max(sizes), planes_shape)
            buffer.fill(0)
            for size in sizes:
                self.evaluate(buffer[:size])

        threads = [threading.Thread(target=evaluate, name=f"warm-up-{i}") for i in range(1, self.lanes)]
        for each in threads:
            each.start()
        evaluate()
        for each in threads:
            each.join()

    def buffer(self, rows: int, planes_shape: tuple[int, int, int]) -> Planes:
        """Memory for the planes of a batch; free_buffer() gives it back."""
        for i, spare in enumerate(self._spare):
            if spare.shape == (rows, *planes_shape):
                return self._spare.pop(i)
        shape = (rows, *planes_shape)
        return np.empty(shape, np.uint16) if self.halves else np.empty(shape, np.float32)

    def free_buffer(self, buffer: Planes) -> None:
        self._spare.append(buffer)

    def evaluate(self, planes: Planes) -> tuple[F32, F32, dict[str, F32]]:
        """(logits, wdl, heads) of a batch; as many threads at a time as there are lanes."""
        network, rows = self.evaluator, cast(F32, planes)  # in bfloat16 only where the network takes it: see buffer()
        if self.heads:
            assert isinstance(network, HeadsEvaluator)
            return network.evaluate_heads(rows)
        if self.lanes > 1:
            assert isinstance(network, LanedEvaluator)
            return *network.evaluate_in_lane(rows), {}
        return *network.evaluate(rows), {}


class _Lanes:
    """The threads of one search: each takes batches of its leaves and has them answered. `turn` is held by whoever uses the tree."""

    def __init__(self, search: NetworkSearch):
        self.search = search
        self.others: list[threading.Thread] = []
        self.alone_until = time.perf_counter() + ALONE_SECONDS
        self.turn = threading.Condition()
        self.over = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Searches to the end. The caller's thread is the first lane, and looks at the limits."""
        self.search.crew.make_room()
        try:
            self._lane(first=True)
        finally:
            self._end()
            for each in self.others:
                if each.ident is not None:
                    each.join()
        if self.failure is not None:
            raise self.failure

    def _start_others(self) -> None:
        """Once the search has gone on for a while."""
        if self.others or self.search.over or time.perf_counter() < self.alone_until:
            return
        self.others = [
            threading.Thread(target=self._lane, name=f"search-{i}") for i in range(1, self.search.crew.lanes)
        ]
        for each in self.others:
            each.start()

    def _lane(self, *, first: bool = False) -> None:
        search = self.search
        crew = search.crew
        buffer = crew.buffer(search.batch_size, search.game.planes_shape)
        try:
            while True:
                if first and crew.lanes > 1:
                    self._start_others()
                with self.turn:
                    tickets = self._next_batch(buffer, first)
                if not tickets:
                    return
                answer = crew.evaluate(buffer[: len(tickets)])
                with self.turn:
                    search.take(tickets, *answer)
                    if first:
                        search.look()
                    self.turn.notify_all()
        except BaseException as error:  # raised by run(), whatever it is
            self.failure = self.failure or error
            self._end()
        finally:
            crew.free_buffer(buffer)

    def _next_batch(self, buffer: Planes, first: bool) -> list[int]:
        """Leaves that are to be evaluated; none: the search is over."""
        search = self.search
        while not self.over:
            known = search.known_answers
            tickets = search.collect(buffer, search.batch_size)
            if tickets:
                return tickets
            progress = search.known_answers > known
            if search.over or not (progress or search.under_way):
                self._end()
                break
            if not progress:  # other lanes have all the leaves
                self.turn.wait(WAIT_SECONDS)
            if first:
                search.look()
        return []

    def _end(self) -> None:
        with self.turn:
            self.over = True
            self.turn.notify_all()
