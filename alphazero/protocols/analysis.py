"""A search that runs while commands are read: what UCI and USI engines are made of.

The protocol's thread starts an Analysis and goes on reading; the search reports from its own thread, and ends when a limit
is reached or when it is told to. `infinite` and pondering searches never end by themselves, however sure they are.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from alphazero import levels
from alphazero._core import Position
from alphazero.player import Player
from alphazero.protocols.clock import Clock, Pace
from alphazero.search import SearchResult

REPORT_SECONDS = 0.1  # between two looks at what a search has found


@dataclass(frozen=True)
class GoLimits:
    """When a search ends; whichever comes first. None of them: the engine's own `most_simulations`."""

    simulations: int | None = None
    seconds: float | None = None  # exactly so long
    clock: Clock | None = None  # so long as the clock allows for one move
    depth: int | None = None  # plies that the simulations reach on average
    mate: int | None = None  # a mate in so many moves is proven
    infinite: bool = False  # until stop()
    ponder: bool = False  # until stop(), or ponderhit() and then by the other limits
    only: tuple[str, ...] = ()  # the root moves to consider


class Analysis:
    """One search of a position, in a thread of its own.

    on_info(result, seconds) is called as it learns something new, on_done(result, seconds) exactly once, both from the
    search's thread; its result is None where the game is over, or the search failed: whoever waits for a move gets one.
    Without a position there is nothing to search, only the moment to say so.
    most_simulations bounds the tree's memory.
    """

    def __init__(
        self,
        player: Player,
        position: Position | None,
        limits: GoLimits,
        on_info: Callable[[SearchResult, float], None],
        on_done: Callable[[SearchResult | None, float], None],
        *,
        most_simulations: int = 1,
        simulations: int | None = None,
        level: int = levels.MOST,
    ):
        self.player = player
        self.position = position
        self.limits = limits
        self.on_info = on_info
        self.on_done = on_done
        self.most_simulations = min(limits.simulations or most_simulations, most_simulations)
        if simulations is not None and limits == GoLimits(only=limits.only):
            self.most_simulations = simulations
        self.level = level  # of an answer; what runs until it is stopped is analysis, at full strength
        if limits.infinite:
            self.level = levels.MOST
        self._lock = threading.Lock()
        self._stopped = False
        self._pondering = limits.ponder
        self._wake = threading.Event()
        self._start = time.perf_counter()
        self._runs_from = None if limits.ponder else self._start  # the time of the limits; None: not yet
        self._expected_plies: Callable[[], float] | None = None  # of the game, once the network may be asked
        self._deadline: float | None = None
        self._pace: Pace | None = None  # of a search on the clock
        self._shown: tuple[object, ...] = ()
        self._shown_at = 0.0
        self._thread = threading.Thread(target=self._run, name="search", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the search soon: within one batch of the network."""
        with self._lock:
            self._stopped = True
        self._wake.set()

    def ponderhit(self, clock: Clock | None = None) -> None:
        """The expected move was played: the clock runs from now on. clock: what it shows, where it is told only now."""
        with self._lock:
            if not self._pondering:  # a stray word of the GUI: the clock runs already
                return
            self._pondering = False
            if clock is not None:
                self.limits = replace(self.limits, clock=clock)
            self._runs_from = time.perf_counter()
            self._set_time()
        self._wake.set()

    def join(self) -> None:
        self._thread.join()

    @property
    def overrun_seconds(self) -> float:
        """How much longer it took than its clock allowed."""
        return self._pace.overrun_seconds if self._pace is not None else 0.0

    @property
    def endless(self) -> bool:
        """Whether only a command can end it."""
        return not self._may_end()

    # --- the search's thread ---

    def _run(self) -> None:
        result = None
        if self.position is not None and self.position.outcome is None:
            try:
                result = self._search(self.position)
            except Exception as error:  # an internal error must not lose a game on time
                print(f"alphazero: the search failed: {error!r}", file=sys.stderr)
        while not self._may_end():
            self._wake.wait()
            self._wake.clear()
        self.on_done(result, self._seconds())

    def _search(self, position: Position) -> SearchResult:
        told = None
        if self.limits.ponder:  # it may get a clock later, from another thread: the network is asked now
            told = self.player.expected_plies(position)
        with self._lock:
            self._expected_plies = lambda: self.player.expected_plies(position) if told is None else told
            self._set_time()
        moves = self.limits.only or tuple(position.legal_moves())
        bounded = self.limits.clock is not None or self.limits.seconds is not None
        forced = len(moves) == 1 and bounded and not self.limits.infinite and not self.limits.ponder
        hurried = self._pace is not None and self._pace.hurried
        return self.player.search_at(
            self.level,
            position,
            simulations=1 if forced or hurried else self.most_simulations,
            only=self.limits.only,
            should_stop=self._should_stop,
            on_progress=self._look,
            progress_every=min(REPORT_SECONDS, self._pace.look_every) if self._pace is not None else REPORT_SECONDS,
        )

    def _seconds(self) -> float:
        return time.perf_counter() - self._start

    def _set_time(self) -> None:
        """What the search may take, where its time runs already."""
        if self.limits.infinite or self._runs_from is None or self.position is None:
            return
        if self.limits.seconds is not None:
            self._deadline = self._runs_from + self.limits.seconds
        elif self.limits.clock is not None and self._expected_plies is not None:
            drawn = self.level < levels.MOST
            self._pace = Pace(self.limits.clock, self.position.ply, self._expected_plies, self._runs_from, drawn=drawn)

    def _may_end(self) -> bool:
        with self._lock:
            return self._stopped or not (self.limits.infinite or self._pondering)

    def _should_stop(self) -> bool:
        if self._stopped:
            return True
        if self._pace is not None:
            return self._pace.is_late()
        return self._deadline is not None and time.perf_counter() >= self._deadline

    def _look(self, result: SearchResult) -> bool:
        seconds = self._seconds()
        news = (result.best_move, round(result.depth), result.max_depth, result.proof)
        if seconds - self._shown_at >= (1.0 if news == self._shown else REPORT_SECONDS):
            self._shown, self._shown_at = news, seconds
            self.on_info(result, seconds)
        if self.limits.infinite or self._pondering:
            return False
        if self.limits.depth is not None and result.depth >= self.limits.depth:
            return True
        if self.limits.mate is not None and 0 < (mate_in(result) or 0) <= self.limits.mate:
            return True
        return self._pace is not None and self._pace.look(result, seconds)


class Perft(Analysis):
    """Counts move sequences, by first moves, instead of searching; say() gets the lines, `end` last."""

    def __init__(self, player: Player, position: Position, depth: int, say: Callable[[str], None], end: str):
        super().__init__(player, position, GoLimits(), lambda *_: None, lambda *_: None)
        self.root = position
        self.plies = max(1, min(depth, 100))
        self.say = say
        self.end = end

    def _run(self) -> None:
        total = 0
        for move in self.root.legal_moves():
            below = self.root.copy()
            below.play(move)
            count = self._count(below, self.plies - 1)
            if count is None:
                break
            total += count
            self.say(f"{move}: {count}")
        self.say("info string stopped" if self._stopped else f"Nodes searched: {total}")
        self.say(self.end)

    def _count(self, position: Position, plies: int) -> int | None:
        """None where it was stopped; asked so often that it ends soon."""
        if self._stopped:
            return None
        if plies <= 2:
            return position.perft(plies)
        total = 0
        for move in position.legal_moves():
            below = position.copy()
            below.play(move)
            count = self._count(below, plies - 1)
            if count is None:
                return None
            total += count
        return total


def mate_in(result: SearchResult) -> int | None:
    """Moves to the proven end of the game: positive where the side to move mates, negative where it is mated; else None."""
    best = next((m for m in result.moves if m.move == result.best_move), None)
    if best is None or result.proof not in ("win", "loss") or best.proof_plies == 0:
        return None
    moves = (best.proof_plies + 1) // 2
    return moves if result.proof == "win" else -moves
