"""Many positions searched at a time by one network: their leaves share batches, which one small search alone does not fill.

For whoever analyses whole games or answers many users. Each position has a tree of its own; what the network has answered is
kept for all of them.
"""

from __future__ import annotations

import heapq
import itertools
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from alphazero._core import Position
from alphazero.evaluators.base import F32, Planes
from alphazero.network_search import WAIT_SECONDS, Crew, NetworkSearch
from alphazero.player import NetworkPlayer
from alphazero.search import Limits, SearchResult
from alphazero.search_settings import SettingValue

Done = Callable[[SearchResult | None, Exception | None], None]


@dataclass(eq=False)
class Asked:
    """A position that waits for its search, or is searched."""

    position: Position
    limits: Limits
    done: Done
    priority: int
    settings: dict[str, SettingValue]
    number: int
    search: NetworkSearch | None = None  # once it has begun
    cancelled: bool = False

    def __lt__(self, other: Asked) -> bool:
        """Whether it comes before another one that waits."""
        return (-self.priority, self.number) < (-other.priority, other.number)


class ManySearches:
    """Searches positions of a player's game, `at_once` of them at a time, on so many threads; close() ends all.

    heads: whether to look at the network's score and ownership, too. done(result, error) is called once for each position, by
    a thread of ours: without a result where it was cancelled before it began, or where the search failed.
    """

    def __init__(
        self, player: NetworkPlayer, *, threads: int, at_once: int = 32, batch_size: int = 64, heads: bool = False
    ):
        self.player = player
        self.at_once = at_once
        self.batch_size = batch_size
        self._crew = Crew(player.evaluator, threads, heads=heads)
        self._crew.make_room()
        self._heads = heads
        self._turn = threading.Condition()  # of all that follows
        self._waiting: list[Asked] = []  # a heap; those that were cancelled are passed over
        self._open = 0  # positions that are not done
        self._active: list[Asked] = []
        self._numbers = itertools.count()
        self._first: NetworkSearch | None = None  # with which all keep their answers together
        self._closing = False
        self._threads = [
            threading.Thread(target=self._lane, name=f"searches-{i}", daemon=True) for i in range(self._crew.lanes)
        ]
        for each in self._threads:
            each.start()

    def submit(
        self, position: Position, limits: Limits, done: Done, *, priority: int = 0, **settings: SettingValue
    ) -> Asked:
        """Has a position searched, those of the highest priority first. settings: as Player.search takes them.

        ValueError: the game is over, or a setting that is unknown or cannot be.
        """
        if position.outcome is not None:
            raise ValueError("search: the game is over in this position")
        wanted = self.player.search_settings(**settings)
        with self._turn:
            asked = Asked(position.copy(), limits, done, priority, wanted, next(self._numbers))
            heapq.heappush(self._waiting, asked)
            self._open += 1
            self._turn.notify_all()
        return asked

    def cancel(self, asked: Asked) -> None:
        """Ends a search with what it has found; one that has not begun is done without a result."""
        with self._turn:
            if asked.search is None and not asked.cancelled:
                asked.cancelled = True
                self._done(asked, None, None)
            asked.cancelled = True
            self._turn.notify_all()

    def wait(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Until all positions are done, or enough() says so; it is asked about twice a second."""
        with self._turn:
            while self._open and not enough():
                self._turn.wait(0.5)

    def forget(self) -> None:
        """Drops the answers that are kept, as far as later searches go."""
        with self._turn:
            self._first = None

    def close(self) -> None:
        """Ends the threads; positions that are under way get no answer."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        for each in self._threads:
            each.join()

    # --- the threads ---

    def _lane(self) -> None:
        while True:
            with self._turn:
                taken = self._next_batch()
            if taken is None:
                return
            buffer, rows, parts = taken
            try:
                answer = self._crew.evaluate(buffer[:rows])
            except Exception as error:
                with self._turn:
                    for asked, _, _ in parts:
                        self._fail(asked, error)
                    self._crew.free_buffer(buffer)
                continue
            with self._turn:
                for asked, tickets, at in parts:
                    self._take(asked, tickets, slice(at, at + len(tickets)), answer)
                self._crew.free_buffer(buffer)
                self._turn.notify_all()

    def _take(self, asked: Asked, tickets: list[int], rows: slice, answer: tuple[F32, F32, dict[str, F32]]) -> None:
        if asked.search is None or asked not in self._active:  # it has failed meanwhile
            return
        logits, wdl, heads = answer
        try:
            asked.search.take(tickets, logits[rows], wdl[rows], {name: each[rows] for name, each in heads.items()})
            asked.search.look()
        except Exception as error:
            self._fail(asked, error)

    def _next_batch(self) -> tuple[Planes, int, list[tuple[Asked, list[int], int]]] | None:
        """Planes, how many rows, and whose leaves they are, with the row that each begins at; None: the end."""
        while not self._closing:
            self._admit()
            if self._active:
                shape = self._active[0].position.game.planes_shape
                buffer = self._crew.buffer(self.batch_size, shape)
                rows, parts, progress = self._fill(buffer, shape)
                if parts:
                    return buffer, rows, parts
                self._crew.free_buffer(buffer)
                if progress:
                    continue
            self._turn.wait(WAIT_SECONDS if self._active else 0.5)
        return None

    def _fill(
        self, buffer: Planes, shape: tuple[int, int, int]
    ) -> tuple[int, list[tuple[Asked, list[int], int]], bool]:
        """Leaves of the searches by turns; whether any search came further meanwhile."""
        rows, parts, progress = 0, [], False
        for asked in list(self._active):
            if rows == self.batch_size:
                break
            if asked.position.game.planes_shape != shape:
                continue
            self._active.remove(asked)
            self._active.append(asked)  # the next batch begins with another
            search = asked.search
            assert search is not None
            if asked.cancelled and not search.under_way:
                self._finish(asked)
                progress = True
                continue
            known = search.known_answers
            try:
                tickets = [] if asked.cancelled else search.collect(buffer[rows:], self.batch_size - rows)
                if not tickets and search.known_answers > known:
                    search.look()
            except Exception as error:
                self._fail(asked, error)
                progress = True
                continue
            if tickets:
                parts.append((asked, tickets, rows))
                rows += len(tickets)
            elif search.over and not search.under_way:
                self._finish(asked)
                progress = True
            else:
                progress = progress or search.known_answers > known
        return rows, parts, progress

    def _admit(self) -> None:
        """Begins searches while there is room."""
        while self._waiting and len(self._active) < self.at_once:
            asked = heapq.heappop(self._waiting)
            if asked.cancelled:
                continue
            try:
                # Answers are kept by the first search, for all.
                kept = {} if self._first is None else {"cache_megabytes": 0}
                search = self.player.network_search(asked.position.game, {**asked.settings, **kept}, heads=self._heads)
                search.begin(asked.position, asked.limits)
            except Exception as error:
                self._done(asked, None, error)
                continue
            if self._first is None or self._first.game != search.game:
                self._first = search
            else:
                search.share_answers(self._first)
            asked.search = search
            self._active.insert(0, asked)

    def _finish(self, asked: Asked) -> None:
        assert asked.search is not None
        self._active.remove(asked)
        try:
            result = asked.search.result()
        except ValueError:  # cancelled before its first leaf was answered
            result = None
        self._done(asked, result, None)

    def _fail(self, asked: Asked, error: Exception) -> None:
        if asked in self._active:
            self._active.remove(asked)
            self._done(asked, None, error)

    def _done(self, asked: Asked, result: SearchResult | None, error: Exception | None) -> None:
        """Tells whoever asked. What fails there must not end the lane: others wait for it."""
        self._open -= 1
        self._turn.notify_all()
        try:
            asked.done(result, error)
        except Exception as fault:
            print(f"alphazero: an answer could not be told: {fault!r}", file=sys.stderr)
