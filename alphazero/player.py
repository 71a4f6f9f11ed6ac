"""Players: what `az.load` gives, and what protocols, matches and people play against.

A name is a checkpoint or run directory, "pretrained:GAME" (a network that comes with the package), "uniform" (a blind network: equal priors, value 0), "mcts:N" (equal priors, values
from random games, N simulations a move) or "random".
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alphazero.errors import UserError
from alphazero.game import Game, OptionValue, Position, make
from alphazero.levels import draw, level_of
from alphazero.runs.meta import Meta
from alphazero.search import (
    MOST_SIMULATIONS,
    LeafEvaluator,
    Limits,
    MoveStats,
    Search,
    SearchResult,
    uniform_evaluator,
)
from alphazero.search_settings import SettingValue, check
from alphazero.symmetry import tables, turned, turned_back
from alphazero.text import clean
from alphazero.weights import SCORE_SCALE

if TYPE_CHECKING:
    from alphazero.evaluators import Evaluator
    from alphazero.network_search import NetworkSearch

F32 = NDArray[np.float32]
WARM_BATCHES = 16  # sizes from 1 on that a search uses often
# Plies of a game, where nothing is known of it, and the least share of them that is still to come, at any ply: where a mate
# ends the game, no end is due, and long games of shogi are longer by half.
USUAL_PLIES, STILL_TO_COME = 120.0, 0.5
# Of games that fill their board, by the points or cells.
FILLING, USUAL_PLIES_A_CELL, STILL_TO_COME_FILLING = ("go", "connect4"), 1.05, 0.2


@dataclass(frozen=True)
class Evaluation:
    """What a player thinks of a position at a glance, without search."""

    wdl: F32  # [3] win, draw, loss for the side to move; sums to 1
    value: float  # win less loss, in [-1, 1]
    priors: dict[str, float]  # a probability for each legal move
    # Where a network says so:
    score: float | None = None  # points that the side to move leads by at the end
    plies_left: float | None = None  # to the end of the game
    ownership: F32 | None = None  # [H, W] in [-1, 1]: whose area each cell will be, 1 the side to move's


# What a player takes beside the settings of a search: the most leaves a batch, the seed of its draws, whether the root's
# evaluation is the mean over all symmetries, memory for a network's answers, and whether its other heads are asked, too.
OWN_SETTINGS: dict[str, SettingValue] = {
    "batch_size": 8,
    "seed": 0,
    "root_symmetries": False,
    "cache_megabytes": 64,
    "heads": False,
}
NETWORK_BATCH = 64  # a core gains little past it; the search asks for so many leaves only where its tree is large


class Player:
    """A game and a way to play it. `name` is what was loaded. Of every kind, search() keeps to the same contract."""

    def __init__(self, name: str, game: Game, **settings: SettingValue):
        self.name = name
        self.game = game
        self.settings: dict[str, SettingValue] = {"kind": "puct", "simulations": 800, **OWN_SETTINGS, **settings}
        self.leaf_evaluator: LeafEvaluator = uniform_evaluator  # of a player without a network
        self.threads = 1  # cores for the search, where it is the search that works
        # A level's moves differ from game to game, unless a seed is asked for.
        self._draws = random.Random(int(self.settings["seed"]) or None)
        self._search: Search | None = None
        self._search_settings: dict[str, SettingValue] = {}

    def short_name(self) -> str:
        """For tables: what was loaded, of a checkpoint its run and `step-N`."""
        return self.name

    def set_threads(self, threads: int) -> None:
        """Bounds the cores that this player's searches use, from the next one on."""
        if threads < 1:
            raise ValueError(f"threads must be >= 1, got {threads}")
        self.threads = threads

    def warm_up(self) -> None:
        """Does now what the first search would do once, so that it takes no longer than any other."""
        return None

    def search_settings(self, **settings: SettingValue) -> dict[str, SettingValue]:
        """How this player searches: its own settings with these instead. ValueError names one that is unknown or cannot be."""
        wanted = {**self.settings, **settings}
        check({name: value for name, value in wanted.items() if name not in OWN_SETTINGS})
        return wanted

    def evaluate(self, position: Position, *, symmetry: int = 0) -> Evaluation:
        """The player's view of a position without search; symmetry: of the board turned so, from 0 to game.symmetries - 1."""
        moves = position.legal_moves()
        share = 1.0 / max(1, len(moves))
        return Evaluation(np.array([0.0, 1.0, 0.0], np.float32), 0.0, dict.fromkeys(moves, share))

    def expected_plies(self, position: Position) -> float:
        """How many plies the whole game will have, for the sharing out of time.

        The plies to come are the mean of what is usual and of what the network says, where it does: it knows games of its own
        alone.
        """
        usual, least = USUAL_PLIES, STILL_TO_COME
        if self.game.name in FILLING:
            usual = USUAL_PLIES_A_CELL * self.game.planes_shape[1] * self.game.planes_shape[2]
            least = STILL_TO_COME_FILLING
        left = max(usual - position.ply, least * usual)
        told = self.evaluate(position).plies_left
        return position.ply + (left if told is None else (left + told) / 2.0)

    def search(
        self,
        position: Position,
        simulations: int | None = None,
        *,
        seconds: float | None = None,
        noise: bool = False,
        only: Sequence[str] = (),
        on_progress: Callable[[SearchResult], bool] | None = None,
        progress_every: float = 0.5,
        should_stop: Callable[[], bool] | None = None,
        **settings: SettingValue,
    ) -> SearchResult:
        """Searches a position that is not over; arguments as in `alphazero.search.Search.search`, settings as in `Search`.

        simulations: default the setting of that name, or without bound where `seconds` is given. ValueError: an illegal move
        among `only`, or a setting that is unknown or cannot be.
        """
        if position.game != self.game:
            raise ValueError(f"{self.name} plays {self.game!r}; the position is of {position.game!r}")
        if position.outcome is not None:
            raise ValueError("search: the game is over in this position")
        wanted = self.search_settings(**settings)
        if simulations is None:
            simulations = int(wanted["simulations"]) if seconds is None else MOST_SIMULATIONS
        limits = Limits(simulations, seconds, tuple(only), on_progress, progress_every, should_stop)
        return self._find(position, limits, noise, wanted)

    def _find(self, position: Position, limits: Limits, noise: bool, settings: dict[str, SettingValue]) -> SearchResult:
        """Searches within the limits. What a kind of player does in its own way."""
        del settings["simulations"]
        if self._search is None or settings != self._search_settings:
            own = {name: settings[name] for name in settings.keys() - OWN_SETTINGS.keys()}
            self._search = self._new_search(settings, own)
            self._search_settings = settings
        return self._search.within(position, limits, noise=noise)

    def _new_search(self, settings: dict[str, SettingValue], own: dict[str, SettingValue]) -> Search:
        """A search with these settings; `own` are those of the table."""
        return Search(
            self.game,
            self.leaf_evaluator,
            seed=int(settings["seed"]),
            batch_size=int(settings["batch_size"]),
            root_symmetries=bool(settings["root_symmetries"]),
            **own,
        )

    def line(self, move: str, longest: int = 20) -> list[str]:
        """The expected line after a move of the position searched last, the move first."""
        return self._search.line(move, longest) if self._search is not None else [move]

    def line_visits(self, move: str, longest: int = 20) -> list[int]:
        """The visits of each move of line()."""
        return self._search.line_visits(move, longest) if self._search is not None else [0]

    def sample_move(self, temperature: float) -> str:
        """A move of the position searched last, drawn in proportion to visits ** (1 / temperature)."""
        if self._search is None:
            raise ValueError(f"{self.name}: no search to draw a move from")
        return self._search.sample_move(temperature)

    def search_at(self, level: int, position: Position, **limits: Any) -> SearchResult:
        """search() as a level from 1 to 10 plays it (alphazero.levels): `best_move` and `pv` are what it plays.

        limits: arguments of search(); simulations are cut to the level's.
        """
        how = level_of(level, self.game.name)
        if how.simulations:
            asked = limits.pop("simulations", None)
            limits["simulations"] = min(asked or how.simulations, how.simulations)
        result = self.search(position, **{**limits, **how.settings()})
        move = draw(result, how.freedom, self._draws)
        if move == result.best_move:
            return result
        return replace(result, best_move=move, pv=self.line(move))

    def forget(self) -> None:
        """Drops what is kept from one search to the next."""
        self._search = None

    def with_options(self, **options: OptionValue) -> Player:
        """The same player for the game with other options (another komi, another board where the network allows it).

        ValueError where that cannot be.
        """
        other = type(self)(self.name, make(self.game.name, {**self.game.options, **options}), **self.settings)
        other.threads = self.threads
        return other


class RandomPlayer(Player):
    """Plays any sensible move (in Go: fills no eye of its own) with equal chance."""

    def _find(self, position: Position, limits: Limits, noise: bool, settings: dict[str, SettingValue]) -> SearchResult:
        draw = random.Random(f"{settings['seed']} {position.text}")
        moves = position.legal_moves()
        illegal = [move for move in limits.only if move not in moves]
        if illegal:
            raise ValueError(f"search: '{illegal[0]}' is not legal here")
        move = draw.choice(limits.only) if limits.only else position.random_playout(draw.getrandbits(63))[1][0]
        share = 1.0 / len(moves)
        stats = [MoveStats(each, int(each == move), share, 0.0, share) for each in moves]
        stats.sort(key=lambda m: -m.visits)
        return SearchResult(move, 0.0, [move], stats, 1)


class RolloutPlayer(Player):
    """Monte-Carlo tree search with equal priors and the values of random games: a yardstick that needs no network.

    The games are played inside the core, which asks every 10 ms whether it is to go on. As a yardstick it takes no other
    settings of the search than `simulations`.
    """

    def _find(self, position: Position, limits: Limits, noise: bool, settings: dict[str, SettingValue]) -> SearchResult:
        search = self._search = Search(self.game, uniform_evaluator, kind="puct", seed=int(settings["seed"]))
        return search.rollouts(position, limits, threads=self.threads)


def as_tuned(wanted: dict[str, SettingValue], meta: Meta) -> dict[str, SettingValue]:
    """Settings of a search with what a checkpoint's meta.json asks for, for PUCT, where nothing else is wanted."""
    if wanted["kind"] != "puct":
        return {"policy_temperature": 1.0, **wanted}
    return {"policy_temperature": float(meta.get("policy_temperature", 1.0)), **meta.get("play", {}), **wanted}


class NetworkPlayer(Player):
    """A policy-value network and a search over it."""

    def __init__(self, name: str, game: Game, evaluator: Evaluator, meta: Meta, **settings: SettingValue):
        super().__init__(name, game, **{"batch_size": NETWORK_BATCH, **settings})
        self.evaluator = evaluator
        self.meta = meta  # the checkpoint's meta.json

    def short_name(self) -> str:
        folder = Path(self.name)
        step = f"step-{self.meta['steps']}"
        return step if folder.name.isdigit() else f"{folder.resolve().name}/{step}"

    def set_threads(self, threads: int) -> None:
        """The network's cores, too: each then computes batches of its own, where the backend can do that."""
        if threads != self.threads:
            self._search = None
        super().set_threads(threads)
        tell = getattr(self.evaluator, "set_threads", None)
        if tell is not None:
            tell(threads)

    def warm_up(self) -> None:
        """Every size of batch: a backend compiles at the first board of a kind, and prepares itself for each new size."""
        most = int(self.settings["batch_size"])
        sizes = sorted({*range(1, min(most, WARM_BATCHES) + 1), most})
        planes = np.zeros((most, *self.game.planes_shape), np.float32)
        for size in sizes:
            self.evaluator.evaluate(planes[:size])
        from alphazero.evaluators.base import HeadsEvaluator
        from alphazero.network_search import Crew

        if isinstance(self.evaluator, HeadsEvaluator):
            self.evaluator.evaluate_heads(planes[:1])  # see expected_plies()

        crew = Crew(self.evaluator, self.threads, heads=bool(self.settings["heads"]))
        if crew.lanes > 1 or crew.heads or crew.halves:
            crew.warm_up(sizes, self.game.planes_shape)

    def search_settings(self, **settings: SettingValue) -> dict[str, SettingValue]:
        """As for any player; PUCT flattens priors as the checkpoint says, where nothing else is asked for."""
        return as_tuned(super().search_settings(**settings), self.meta)

    def evaluate(self, position: Position, *, symmetry: int = 0) -> Evaluation:
        if position.game != self.game:
            raise ValueError(f"{self.name} plays {self.game!r}; the position is of {position.game!r}")
        logits, wdl, heads = self._answer(turned(self.game, position.planes(), symmetry)[None])
        moves = position.legal_moves()
        indices = tables(self.game)[1][symmetry][position.policy_indices()]
        own = logits[0][indices].astype(np.float64)
        weights = np.exp(own - own.max()) if moves else own
        priors = weights / weights.sum() if moves else weights
        return Evaluation(
            np.asarray(wdl[0], np.float32),
            float(wdl[0][0] - wdl[0][2]),
            {move: float(p) for move, p in zip(moves, priors, strict=True)},
            score=SCORE_SCALE * float(heads["score"][0]) if "score" in heads else None,
            plies_left=float(np.expm1(max(0.0, heads["plies_left"][0]))) if "plies_left" in heads else None,
            ownership=turned_back(self.game, heads["ownership"][0], symmetry) if "ownership" in heads else None,
        )

    def with_options(self, **options: OptionValue) -> Player:
        game = make(self.game.name, {**self.game.options, **options})
        if game.planes_shape[0] != self.game.planes_shape[0]:
            raise ValueError(f"{self.name}: this network cannot play {game!r}")
        fixed_head = self.meta.get("network", {}).get("shape", {}).get("head") == "dense"
        if game.planes_shape != self.game.planes_shape and fixed_head:
            raise ValueError(f"{self.name}: this network is bound to its board size")
        other = NetworkPlayer(self.name, game, self.evaluator, self.meta, **self.settings)
        other.threads = self.threads
        return other

    def network_search(self, game: Game, settings: dict[str, SettingValue], *, heads: bool) -> NetworkSearch:
        """A search by this network over positions of this game; settings: as search_settings() gives them."""
        from alphazero.network_search import NetworkSearch

        own = {name: each for name, each in settings.items() if name not in OWN_SETTINGS and name != "simulations"}
        return NetworkSearch(
            game,
            self.evaluator,
            self.name,
            seed=int(settings["seed"]),
            batch_size=int(settings["batch_size"]),
            threads=self.threads,
            cache_megabytes=int(settings["cache_megabytes"]),
            heads=heads,
            root_symmetries=bool(settings["root_symmetries"]),
            **own,
        )

    def _new_search(self, settings: dict[str, SettingValue], own: dict[str, SettingValue]) -> Search:
        return self.network_search(self.game, settings, heads=bool(settings["heads"]))

    def _answer(self, planes: F32) -> tuple[F32, F32, dict[str, F32]]:
        """The network's (logits, wdl, heads); UserError names the player where they are not numbers."""
        from alphazero.evaluators.base import HeadsEvaluator

        heads: dict[str, F32] = {}
        if isinstance(self.evaluator, HeadsEvaluator):
            logits, wdl, heads = self.evaluator.evaluate_heads(planes)
        else:
            logits, wdl = self.evaluator.evaluate(planes)
        if not (np.isfinite(logits).all() and np.isfinite(wdl).all()):
            raise UserError(
                f"{self.name} answered with what is no number: its network is damaged, or its numbers overflow"
            )
        return logits, wdl, heads


def rollouts(text: str) -> int:
    """The simulations a move of the player `mcts:N`; UserError where N is none."""
    count = text.removeprefix("mcts:")
    if not re.fullmatch("[0-9]{1,12}", count) or not 1 <= int(count) <= MOST_SIMULATIONS:
        raise UserError(
            f"{clean(text)}: mcts:N needs a number of simulations from 1 to {MOST_SIMULATIONS}, e.g. mcts:100"
        )
    return int(count)


def load(name: str | Path, device: str = "auto", *, game: Game | None = None, **settings: SettingValue) -> Player:
    """A player by name (see the module's text). `game` is needed where the name is no checkpoint.

    device: "auto", "cpu" or "cuda". settings: defaults for the player's searches (kind, simulations, ...).
    UserError (a ValueError) names what is wrong: a missing or broken checkpoint, one of another game, a bad name.
    """
    text = str(name)
    if text in ("uniform", "random") or text.startswith("mcts:"):
        if game is None:
            raise UserError(f"{text}: pass --game (or game=...)")
        if text == "uniform":
            return Player(text, game, **settings)
        if text == "random":
            return RandomPlayer(text, game, **settings)
        return RolloutPlayer(text, game, **{"simulations": rollouts(text), **settings})
    from alphazero import checkpoint
    from alphazero.evaluators import load_evaluator

    folder, meta = checkpoint.find(text)
    own_game = make(meta["game"], meta["options"])
    if game is not None and game.name != own_game.name:
        raise UserError(f"{text}: this checkpoint plays {own_game.name}, not {game.name}")
    player = NetworkPlayer(text, own_game, load_evaluator(folder, meta, device), meta, **settings)
    return player if game is None or game == own_game else player.with_options(**game.options)
