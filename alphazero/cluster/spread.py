"""Games of a tournament on several workers. Each has all players, and plays a few pairings at a time.

The seed and a game's number name its random numbers, so it does not matter who plays it. A worker that dies costs the games
that it had not handed over: another one plays them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

from alphazero._core import GameRecord
from alphazero.arena.adjudication import Adjudication
from alphazero.arena.clocked import PlayedGame
from alphazero.arena.match import Entrant, Pairing
from alphazero.arena.play import Recipe, play
from alphazero.arena.time_control import TimeControl
from alphazero.cluster.connect import first_line, nodes
from alphazero.cluster.places import Place, find_places
from alphazero.cluster.slots import Ray
from alphazero.cluster.worker import pin
from alphazero.errors import UserError
from alphazero.game import Game, OptionValue, make

Terms = tuple[int, TimeControl | None, Adjudication | None, int]  # seed, time control, adjudication, concurrency
MOST_IN_TASK = 64  # games: a batch's worth
TASKS_EACH = 3  # so that no worker waits long for the last one
MOST_FAILURES = 3  # of workers that did not play a game


class MatchWorker:
    """Plays pairings; an actor."""

    def begin(
        self, recipe: Recipe, game: str, options: dict[str, OptionValue], cores: tuple[int, ...], folder: str
    ) -> None:
        """Loads the players. folder: from which their paths count, where this machine has it."""
        pin(cores)
        with suppress(OSError):
            os.chdir(folder)
        self._game = make(game, options)
        self._entrants = recipe()

    def play(self, pairings: dict[int, Pairing], terms: Terms) -> list[tuple[int, bytes | PlayedGame]]:
        """Plays these pairings; games of the pool as bytes."""
        seed, time_control, adjudication, concurrency = terms
        games = play(
            self._game,
            self._entrants,
            pairings,
            seed=seed,
            time_control=time_control,
            adjudication=adjudication,
            concurrency=concurrency,
        )
        return [(number, each.to_bytes() if isinstance(each, GameRecord) else each) for number, each in games]


class Spread:
    """Plays games as arena.play.play() does, on up to `count` workers of the cluster that this process is in."""

    def __init__(self, count: int, game: Game, recipe: Recipe):
        import ray

        self._ray: Ray = ray
        self._actor = ray.remote(MatchWorker)
        self.count, self.game, self.recipe = count, game, recipe
        self._idle: list[tuple[Ray, Place]] = []  # that have their players

    def __call__(
        self,
        game: Game,
        entrants: list[Entrant],
        pairings: dict[int, Pairing],
        *,
        seed: int,
        time_control: TimeControl | None,
        adjudication: Adjudication | None,
        concurrency: int,
    ) -> Generator[tuple[int, GameRecord | PlayedGame], None, None]:
        """Hands out each game with its number, a task's games together."""
        tasks = deque(_tasks(pairings, self.count))
        terms: Terms = (seed, time_control, adjudication, concurrency)
        places = find_places(nodes(), [], min(self.count, len(tasks)), gpus=1.0)
        free = [place for place in places if place not in [place for _, place in self._idle]]
        under_way: dict[Ray, tuple[Ray, Place, dict[int, Pairing] | None]] = {}
        failures = 0
        try:
            while tasks or any(task for *_, task in under_way.values()):
                while tasks and self._idle:
                    actor, place = self._idle.pop()
                    task = tasks.popleft()
                    under_way[actor.play.remote(task, terms)] = (actor, place, task)
                while tasks and free:
                    actor, place = self._begin(free.pop())
                    call = actor.begin.remote(
                        self.recipe, self.game.name, self.game.options, place.cores, str(Path.cwd())
                    )
                    under_way[call] = (actor, place, None)
                ready, _ = self._ray.wait(list(under_way), num_returns=1, timeout=5.0)
                for call in ready:
                    actor, place, played_by_it = under_way.pop(call)
                    try:
                        played = self._ray.get(call)
                    except UserError as error:
                        raise UserError(first_line(getattr(error, "cause", error))) from None
                    except self._ray.exceptions.RayError as error:
                        failures += 1
                        if failures > MOST_FAILURES:
                            raise UserError(f"workers fail again and again: {first_line(error)}") from None
                        tasks.extendleft([played_by_it] if played_by_it else [])
                        free.append(place)
                        continue
                    self._idle.append((actor, place))
                    for number, each in played or []:
                        failures = 0
                        yield number, GameRecord.from_bytes(each) if isinstance(each, bytes) else each
        finally:
            for actor, *_ in under_way.values():
                self._ray.kill(actor)

    def _begin(self, place: Place) -> tuple[Ray, Place]:
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(place.node, soft=False)
        options = self._actor.options(num_cpus=len(place.cores), num_gpus=place.gpus, scheduling_strategy=strategy)
        return options.remote(), place


def _tasks(pairings: dict[int, Pairing], workers: int) -> list[dict[int, Pairing]]:
    """The pairings in portions, in their order, the two games of an opening together where they follow each other."""
    size = max(2, min(MOST_IN_TASK, -(-len(pairings) // (workers * TASKS_EACH))))
    size += size % 2
    numbers = list(pairings)
    return [{n: pairings[n] for n in numbers[at : at + size]} for at in range(0, len(numbers), size)]
