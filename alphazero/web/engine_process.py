"""The process that searches for the page: JSON lines in, JSON lines out. It ends with its input.

Searches take turns in one thread, so that what an evaluator can do at a time does not matter. A search under way keeps its
player, and with it its tree, until it is done; networks are shared.
A review, which searches a whole game at once, has a thread and a network of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections import OrderedDict, deque
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from alphazero import levels
from alphazero.game import Game, Position, make
from alphazero.machine import cores, keep_to_cache_folder, tree_bytes
from alphazero.player import NetworkPlayer, Player, RolloutPlayer, load, rollouts
from alphazero.protocols.clock import Clock, Pace
from alphazero.search import MOST_SIMULATIONS, Limits, Search, SearchResult, uniform_evaluator
from alphazero.search_settings import SettingValue
from alphazero.web.paths import without_path
from alphazero.web.session import after, replay

if TYPE_CHECKING:
    from alphazero.evaluators.base import Planes
    from alphazero.network_search import NetworkSearch

SLICE_SECONDS = 0.25  # of a search, while others wait
REPORT_SECONDS = 0.19  # between two reports: five a second and more, with what a batch takes
LONGEST_LINE = 14  # plies of an expected line
MOST_PRIORS = 60  # moves whose prior is told
KEPT_NETWORKS = 4
KEPT_PLAYERS = 4  # each with its tree; those of searches that are done make room for those of searches under way
MOST_PLAYERS = 16  # of searches under way: one more ends the search that has had most


class Rollouts(RolloutPlayer):
    """A tree search by random games that goes on with its tree at its next turn; forget() begins a new one."""

    def _find(self, position: Position, limits: Limits, noise: bool, settings: dict[str, SettingValue]) -> SearchResult:
        if self._search is None:
            self._search = Search(self.game, uniform_evaluator, kind="puct", seed=int(settings["seed"]))
        return self._search.rollouts(position, limits, threads=self.threads)


@dataclass
class Job:
    """A search that was asked for."""

    number: int
    asked: dict[str, Any]
    position: Position
    simulations: int
    seconds: float | None
    begin: float = field(default_factory=time.perf_counter)  # when its clock began to run
    pace: Pace | None = None  # of a search on the clock
    done: int = 0  # simulations so far
    spent: float = 0.0  # seconds
    stopped: bool = False
    found: dict[str, Any] = field(default_factory=dict)
    player: Player | None = None  # from its first turn until it is done

    @property
    def key(self) -> tuple[str, str, Game]:
        """Whose tree it grows: by who asks, model and game."""
        return str(self.asked["key"]), str(self.asked["model"]), self.position.game


class Worker:
    """Does what lines ask for."""

    def __init__(self, out: TextIO):
        self._out = out
        self._writing = threading.Lock()
        self._turn = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._jobs: dict[int, Job] = {}
        self._reviewing = threading.Lock()
        self._reviews: dict[int, threading.Event] = {}  # by number; set: it was stopped
        self._loading = threading.Lock()
        self._loaded: OrderedDict[str, Player] = OrderedDict()  # by model
        self._searching: dict[int, Job] = {}  # those that have a player; the search's thread alone touches it
        self._players: OrderedDict[tuple[str, str, Game], Player] = OrderedDict()  # of those that are done, by Job.key
        threading.Thread(target=self._search_for_ever, name="search", daemon=True).start()

    def say(self, number: int, kind: str, **told: object) -> None:
        line = json.dumps({"id": number, "kind": kind, **told})
        with self._writing:
            self._out.write(line + "\n")
            self._out.flush()

    def take(self, asked: dict[str, Any]) -> None:
        """One line; whatever fails is told to who asked."""
        number = int(asked["id"])
        if asked["do"] == "stop":
            with self._turn:
                job = self._jobs.get(number)
                if job is not None:
                    job.stopped = True
            if number in self._reviews:
                self._reviews[number].set()
        elif asked["do"] == "warm":
            game = make(asked["game"], asked["options"])
            threading.Thread(target=self._warm, args=(str(asked["model"]), game), name="warm", daemon=True).start()
        elif asked["do"] == "review":
            stopped = self._reviews[number] = threading.Event()
            threading.Thread(target=self._review, args=(number, asked, stopped), name="review", daemon=True).start()
        else:
            position = replay(make(asked["game"], asked["options"]), asked["start"], asked["moves"])
            simulations = min(int(asked["simulations"] or MOST_SIMULATIONS), MOST_SIMULATIONS)
            job = Job(number, asked, position, simulations, asked["seconds"])
            with self._turn:
                self._jobs[number] = job
                self._waiting.append(job)
                self._turn.notify_all()

    # --- searches ---

    def _warm(self, model: str, game: Game) -> None:
        """Loads a network before it is asked for; what fails is told to whoever asks."""
        with contextlib.suppress(Exception), self._loading:
            self._base(model, game)

    def _search_for_ever(self) -> None:
        while True:
            with self._turn:
                while not self._waiting:
                    self._turn.wait()
                job = self._waiting.popleft()
            try:
                over = job.stopped or self._slice(job)
            except Exception as error:
                self.say(job.number, "error", text=f"the search failed: {plain(error, job.asked)}")
                over = True
                job.found = {}
            if over:
                self._release(job)
            with self._turn:
                if not over:
                    self._waiting.append(job)
                    continue
                del self._jobs[job.number]
            self.say(job.number, "done", **job.found)

    def _slice(self, job: Job) -> bool:
        """Searches until the job is done, or it is another's turn; whether it is done."""
        if job.found and job.pace is not None and job.pace.is_late():  # its time went by while it waited
            return True
        player = self._player(job)
        begin = time.perf_counter()
        lines = int(job.asked["lines"])
        given_way = False
        if job.asked["clock"] is not None and job.pace is None:
            left, increment = job.asked["clock"]
            clock = Clock(left, increment_seconds=increment)
            drawn = int(job.asked["level"]) < levels.MOST
            expected = partial(player.expected_plies, job.position)
            job.pace = Pace(clock, job.position.ply, expected, job.begin, drawn=drawn)
        pace = job.pace
        most_bytes = tree_bytes() // max(KEPT_PLAYERS, len(self._searching))

        def should_stop() -> bool:
            nonlocal given_way
            waiting = bool(self._waiting) and time.perf_counter() - begin >= SLICE_SECONDS
            given_way = given_way or waiting
            return job.stopped or waiting or (pace is not None and pace.is_late())

        def report(result: SearchResult) -> bool:
            seconds = time.perf_counter() - begin
            if lines:
                self.say(job.number, "report", **told(player, result, lines, job, seconds))
            return result.tree_bytes > most_bytes or (pace is not None and pace.look(result, seconds))

        result = player.search_at(
            int(job.asked["level"]),
            job.position,
            simulations=1 if pace is not None and pace.hurried else job.simulations - job.done,
            seconds=None if job.seconds is None else max(0.01, job.seconds - job.spent),
            should_stop=should_stop,
            on_progress=report,
            progress_every=REPORT_SECONDS if pace is None else min(REPORT_SECONDS, pace.look_every),
        )
        job.found = told(player, result, max(1, lines), job, time.perf_counter() - begin)
        job.done += result.simulations
        job.spent += time.perf_counter() - begin
        late = pace is not None and (pace.is_late() or pace.hurried)
        return job.stopped or not given_way or late or job.done >= job.simulations or bool(result.proof)

    def _player(self, job: Job) -> Player:
        """The job's player; at its first turn one with the tree of the last search of whoever asks."""
        if job.player is None:
            model, game = str(job.asked["model"]), job.position.game
            player = self._players.pop(job.key, None)
            if player is None:
                with self._loading:
                    base = self._base(model, game)
                player = fitting(base, game)
            if isinstance(player, Rollouts):
                player.forget()  # as everywhere, its moves are of so many games each
            if len(self._searching) >= MOST_PLAYERS:
                self._end_longest()
            job.player = player
            self._searching[job.number] = job
            self._keep_few()
        return job.player

    def _end_longest(self) -> None:
        """Ends the search that has had most; what it found is told at its turn."""
        job = max(self._searching.values(), key=lambda each: each.spent)
        job.stopped = True
        self._release(job)
        self.say(job.number, "error", text=f"this search has ended: {MOST_PLAYERS} others are under way")

    def _release(self, job: Job) -> None:
        """Keeps a player for the next search of who asked."""
        if self._searching.pop(job.number, None) is not None and job.player is not None:
            self._players[job.key] = job.player
            self._players.move_to_end(job.key)
            job.player = None
            self._keep_few()

    def _keep_few(self) -> None:
        while self._players and len(self._players) + len(self._searching) > KEPT_PLAYERS:
            self._players.popitem(last=False)

    def _base(self, model: str, game: Game) -> Player:
        if model.startswith("mcts:"):
            return Rollouts(model, game, simulations=rollouts(model))
        if model in ("uniform", "random"):
            return load(model, game=game)
        if model not in self._loaded:
            self._loaded[model] = load(model)
            while len(self._loaded) > KEPT_NETWORKS:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(model)
        return self._loaded[model]

    # --- reviews ---

    def _review(self, number: int, asked: dict[str, Any], stopped: threading.Event) -> None:
        from alphazero.review.judge import review

        try:
            with self._reviewing:
                if stopped.is_set():
                    raise StoppedError
                game = make(asked["game"], asked["options"])
                position = replay(game, asked["start"], ())
                positions = [position.copy()]
                for move in asked["moves"]:
                    position = after(position, move)
                    positions.append(position.copy())
                player = fitting(load(asked["model"], game=game), game)
                if not isinstance(player, NetworkPlayer):
                    raise ValueError(f"{asked['model']} has no network: a review needs one")
                judged = review(
                    Stoppable(player, stopped),
                    positions,
                    asked["moves"],
                    simulations=int(asked["simulations"]),
                    threads=cores(),
                    on_progress=lambda share: self.say(number, "progress", share=share),
                )
            self.say(number, "done", judged=[asdict(each) for each in judged])
        except StoppedError:
            self.say(number, "done", judged=[])
        except Exception as error:
            self.say(number, "error", text=f"the review failed: {plain(error, asked)}")
            self.say(number, "done", judged=[])
        finally:
            self._reviews.pop(number, None)


class StoppedError(Exception):
    """Nobody wants the review any more."""


class Stoppable(NetworkPlayer):
    """A player whose searches fail by `StoppedError` once that is set: all positions of a review then end at their next batch."""

    def __init__(self, player: NetworkPlayer, stopped: threading.Event):
        super().__init__(player.name, player.game, player.evaluator, player.meta, **player.settings)
        self.threads = player.threads
        self._stopped = stopped

    def network_search(self, game: Game, settings: dict[str, SettingValue], *, heads: bool) -> NetworkSearch:
        search = super().network_search(game, settings, heads=heads)
        collect = search.collect

        def unless_stopped(planes: Planes, most: int) -> list[int]:
            if self._stopped.is_set():
                raise StoppedError
            return collect(planes, most)

        search.collect = unless_stopped  # type: ignore[method-assign]
        return search


def fitting(player: Player, game: Game) -> Player:
    """A player of its own for a game, which shares the network with the one given."""
    other = player.with_options(**game.options)
    other.settings["heads"] = game.has_ownership and isinstance(other, NetworkPlayer)
    other.set_threads(cores())
    return other


def told(player: Player, result: SearchResult, lines: int, job: Job, seconds: float) -> dict[str, Any]:
    """What a search has found, as JSON has it. Values are for the side to move."""
    visits = max(1, sum(each.visits for each in result.moves))
    moves = [each for each in result.moves[:lines] if each.visits] or result.moves[:1]
    owned = result.ownership
    return {
        "best": result.best_move,
        "value": result.value,
        "wdl": result.wdl,
        "score": result.score,
        "proof": result.proof,
        "simulations": job.done + result.simulations,
        "nodes": result.nodes,
        "seconds": job.spent + seconds,
        "depth": result.depth,
        "ownership": None if owned is None else np.round(owned.astype(np.float64), 2).tolist(),
        "priors": {
            each.move: round(each.prior, 4) for each in sorted(result.moves, key=lambda m: -m.prior)[:MOST_PRIORS]
        },
        "moves": [
            {
                "move": each.move,
                "visits": each.visits,
                "share": each.visits / visits,
                "prior": each.prior,
                "q": each.q,
                "score": each.score,
                "line": player.line(each.move, LONGEST_LINE),
            }
            for each in moves
        ],
    }


def plain(error: Exception, asked: dict[str, Any]) -> str:
    """An error with the name of a run for the path of its directory."""
    run = Path(str(asked.get("model", ""))).parent.parent  # a checkpoint is RUN/checkpoints/STEP
    return without_path(str(error), run, run.resolve().name)


def main() -> None:
    keep_to_cache_folder()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us tells us when it is over
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    worker = Worker(out)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            worker.take(asked)
        except Exception as error:
            worker.say(int(asked["id"]), "error", text=plain(error, asked))
            worker.say(int(asked["id"]), "done")
    sys.stderr.flush()
    os._exit(0)  # a search may be under way, and libraries take seconds to end in good order


if __name__ == "__main__":
    main()
