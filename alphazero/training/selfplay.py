"""Self-play: compiled pools that play, and the network that answers them. Records of finished games come out.

Nothing here reads or writes a file, and nothing of the trainer is needed: weights come in as a Snapshot. A run may play
variants of its game (Go on another board). Each has a pool of its own; they share one network, and take turns so that each has
its share of the evaluations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alphazero._core import Game, GameRecord, Pool
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.evaluators import Evaluator
from alphazero.feeding import Feed, batch_layout, lanes_for
from alphazero.game import make
from alphazero.machine import Plan, plan_selfplay
from alphazero.network import Network
from alphazero.search_settings import SettingValue
from alphazero.training.snapshot import Snapshot

TURN = 16  # batches: a device has several under way, which turning waits for

PoolValue = SettingValue | list[str]


@dataclass(frozen=True)
class Variant:
    """A game of the run: its own, or one with other options.

    share: of the evaluations. name: of its folder in the store; "" for the run's own game.
    """

    game: Game
    share: float
    name: str


def variants_of(config: Config, game: Game) -> list[Variant]:
    """The games that a run plays, its own first. UserError where one network cannot play them all."""
    out = [Variant(game, 1.0 - sum(variant.share for variant in config.selfplay.variants), "")]
    for variant in config.selfplay.variants:
        other = make(game.name, {**game.options, **variant.options})
        if other.planes_shape[0] != game.planes_shape[0]:
            raise UserError(f"selfplay.variants: one network cannot play both {game!r} and {other!r}")
        out.append(Variant(other, variant.share, "-".join(f"{k}-{v}" for k, v in sorted(variant.options.items()))))
    return out


@dataclass(frozen=True)
class PlayPlan:
    """How a run plays on a machine: what it uses of the machine, and the settings of its pools and of their player."""

    machine: Plan
    pool: Mapping[str, PoolValue]
    player: Mapping[str, SettingValue]


def plan_run(config: Config, game: Game, *, gpu: bool, position_seconds: float | None = None) -> PlayPlan:
    """A configuration's plan for this machine; the arguments are those of plan_selfplay()."""
    play = config.selfplay
    machine = plan_selfplay(
        game,
        gpu=gpu,
        simulations=config.search.simulations,
        threads=play.threads,
        batch_size=play.batch_size,
        games_in_flight=play.games_in_flight,
        cache_megabytes=play.cache_megabytes,
        position_seconds=position_seconds,
    )
    pool: dict[str, PoolValue] = {
        "games_in_flight": machine.games_in_flight,
        "batch_size": machine.batch_size,
        "threads": machine.threads,
        "seed": config.seed,
        "opening_plies": play.opening_plies,
        "starts": [str(text) for text in play.starts],
        "start_share": play.start_share,
        "symmetry": play.symmetry,
        "cache_megabytes": play.cache_megabytes,
        # Lanes go on playing while steps are taken. Games pay for steps chunk by chunk, so no more than a chunk may wait.
        "most_finished": config.replay.chunk_games if machine.lanes > 1 else 4096,
    }
    player: dict[str, SettingValue] = {
        **config.search.settings(config.search.simulations),
        "evaluator": 0,
        "noise": True,
        "temperature_plies": play.temperature_plies,
        "full_fraction": play.full_search_fraction,
        "fast_simulations": play.fast_simulations,
        "resign_keep": play.resign_keep,
    }
    return PlayPlan(machine, pool, player)


@dataclass(frozen=True)
class Finished:
    """A game that came to its end.

    variant: its index. evaluations: how many the variant's pool has counted by now.
    """

    variant: int
    record: GameRecord
    evaluations: int


class GameSource(Protocol):
    """What plays for a run: SelfPlay in its process, or the workers of a cluster."""

    @property
    def batch_size(self) -> int:
        """Positions in a full batch on this machine."""

    steps_at_once: int  # training steps that may be taken between two calls of step()

    def counts(self) -> Counter[str]:
        """What the pools have counted in this process's time, summed."""

    def step(self) -> list[Finished]:
        """Moves self-play on; the games that were finished."""

    def load(self, weights: Snapshot) -> None:
        """Plays with these weights, now or soon."""

    def set_simulations(self, simulations: int) -> None:
        """So many simulations a move from now on."""

    def set_resignation(self, threshold: float) -> None:
        """Resign below this value from now on; -1: never."""

    def make_room(self, due: int, *, behind: bool) -> int:
        """Leaves cores to the training steps that are due; the threads that they get, 0: PyTorch keeps those it has.

        behind: so many are due that nothing is played until they are taken.
        """

    def leave_cores(self) -> None:
        """Something else is about to use all cores of this process: nothing plays on them until the next step()."""

    def finish(self) -> None:
        """Plays no more. It is the last moment at which games can be stored."""

    def close(self) -> None:
        """Ends the games that are running. What was counted stays."""

    def figures(self) -> dict[str, float]:
        """What there is to tell of it beside the counts, by TensorBoard's names."""

    def told(self) -> list[str]:
        """The same for the line of progress, in a few words each."""


@dataclass(frozen=True)
class _Playing:
    """A variant's pool and what answers it."""

    variant: Variant
    pool: Pool
    feed: Feed


class SelfPlay:
    """Plays all variants; step() moves them on.

    version, simulations, resignation: of the weights and of the player as they are now. first_games: the number of each
    variant's first game. name: whose network answers, for errors.
    """

    steps_at_once = 8  # a second's worth at most on a processor

    def __init__(
        self,
        variants: Sequence[Variant],
        evaluator: Evaluator,
        plan: PlayPlan,
        *,
        version: int,
        simulations: int,
        resignation: float = -1.0,
        first_games: Sequence[int],
        name: str = "",
    ):
        self.evaluator = evaluator
        self.plan = plan.machine
        layout = batch_layout([evaluator])
        lanes = lanes_for([evaluator], plan.machine.lanes)
        now = {"version": version, "simulations": simulations, "resignation": resignation, "layout": layout}
        self._playing: list[_Playing] = []
        for variant, first in zip(variants, first_games, strict=True):
            pool = Pool(variant.game, {**plan.pool, **now, "first_game": first}, [dict(plan.player)])
            feed = Feed(pool, [evaluator], layout, lanes=lanes, names=[name] if name else [])
            self._playing.append(_Playing(variant, pool, feed))
        self._network: Network | None = None  # what the last snapshot came to
        self._turn = 0  # the variant that is served
        self._served_from = 0  # its batches before its turn
        self._counts: Counter[str] | None = None  # once the pools are closed

    @property
    def batch_size(self) -> int:
        """Positions in a full batch."""
        return self.plan.batch_size

    def counts(self) -> Counter[str]:
        """What the pools have counted, summed."""
        if self._counts is not None:
            return Counter(self._counts)
        counts: Counter[str] = Counter()
        for each in self._playing:
            counts.update(each.pool.counts)
        return counts

    def step(self) -> list[Finished]:
        """Answers a batch of the variant whose turn it is; the games that were finished."""
        self._take_turns()
        playing = self._playing[self._turn]
        playing.feed.step()
        return self._taken(self._turn)

    def take(self) -> list[Finished]:
        """The games of all variants that were finished since the last look; plays no further."""
        return [finished for turn in range(len(self._playing)) for finished in self._taken(turn)]

    def _taken(self, turn: int) -> list[Finished]:
        pool = self._playing[turn].pool
        records = pool.take_finished()
        if not records:
            return []
        evaluations = pool.counts["evaluations"]
        return [Finished(turn, record, evaluations) for record in records]

    def evaluations(self) -> list[int]:
        """Positions that the network evaluated, by variant."""
        return [each.pool.counts["evaluations"] for each in self._playing]

    def figures(self) -> dict[str, float]:
        """Nothing that the run does not know itself."""
        return {}

    def told(self) -> list[str]:
        """Likewise."""
        return []

    def _take_turns(self) -> None:
        """Serves the variant that is furthest behind its share, for TURN batches at a time."""
        now = self._playing[self._turn]
        if len(self._playing) == 1 or now.pool.counts["batches"] - self._served_from < TURN:
            return
        now.feed.drain()  # what is under way is of one variant
        behind = [each.pool.counts["evaluations"] / each.variant.share for each in self._playing]
        self._turn = behind.index(min(behind))
        self._served_from = self._playing[self._turn].pool.counts["batches"]

    def load(self, weights: Snapshot) -> None:
        """Plays with these weights from now on."""
        # One network for all swaps: to build one costs more than to fill it, and draws random numbers.
        self._network = weights.network() if self._network is None else weights.into(self._network)
        self.evaluator.load_weights(self._network)
        for each in self._playing:
            each.pool.set_version(weights.step)

    def set_simulations(self, simulations: int) -> None:
        """So many simulations a move from now on."""
        for each in self._playing:
            each.pool.set_simulations(simulations)

    def set_resignation(self, threshold: float) -> None:
        """Resign below this value from now on; -1: never."""
        for each in self._playing:
            each.pool.set_resignation(threshold)

    def make_room(self, due: int, *, behind: bool) -> int:
        """On the processor, steps that are due have cores to themselves: all of them, once they are far behind."""
        plan = self.plan
        if plan.lanes == 1:
            return 0
        if behind:
            self.rest()
            return plan.lanes
        lanes = plan.lanes - plan.trainer_threads if due else plan.lanes
        for each in self._playing:
            each.feed.use(min(lanes, each.feed.lanes))
        return plan.trainer_threads

    def leave_cores(self) -> None:
        """Something else is about to use the cores."""
        self.rest()

    def finish(self) -> None:
        """Plays no more."""
        self.rest()

    def rest(self) -> None:
        """Answers nothing more until the next step()."""
        if self._counts is None:
            self._playing[self._turn].feed.drain()

    def close(self) -> None:
        """Ends the games that are running. What was counted stays."""
        self._counts = self.counts()
        for each in self._playing:
            each.feed.abandon()
            each.pool.close()
