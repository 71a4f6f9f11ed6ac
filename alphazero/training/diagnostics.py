"""What a run tells of its own health: figures of the newest games, and warnings that name what is wrong and what helps.

The alarm levels are those at which published runs were found broken: values that collapsed to a constant, draw death, games
that all end by the limit of plies, openings that repeat, resignations that were wrong.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphazero._core import Game, GameRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

F64 = NDArray[np.float64]

OPENING_PLIES = 12  # two games have the same opening where so many moves are the same
BINS = 10  # of the calibration curve, over values in [-1, 1]
REPEAT_SECONDS = 600.0  # a warning that still holds is told again after so long
ENOUGH_GAMES = 200  # before warnings are drawn from games
ENOUGH_STEPS = 2000  # before they are drawn from training
ENOUGH_RESIGNATIONS = 20


class Seen(NamedTuple):
    """What is kept of a game."""

    plies: int
    value: int  # for the first player
    reason: str
    opening: tuple[str, ...]
    values: F64  # [n] the searches' values, for the side to move
    results: F64  # [n] how the game ended for it; nothing where it was cut off
    decided: bool  # not cut off by the limit of plies
    lowest: tuple[float, float]  # by player, the lowest value of a search of its own; 1 where it had none
    surprise: float  # sum over plies, nats
    searched: int


@dataclass(frozen=True)
class Calibration:
    """Values as predictions: of the positions whose search said `value`, the mean result was `result`."""

    value: F64  # [bins] mean of the searches' values
    result: F64  # [bins] mean of the games' results
    count: NDArray[np.int64]  # [bins]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean of |value - result|, bins weighted by their positions."""
        return float(np.sum(self.count * np.abs(self.value - self.result)) / max(1, self.count.sum()))


class Diagnostics:
    """The newest `games` games of a run, and what they say."""

    def __init__(self, game: Game, games: int = 512):
        self.game = game
        self._seen: deque[Seen] = deque(maxlen=games)
        self._to_the_end: deque[Seen] = deque(maxlen=games)  # decided games in which nobody could resign
        self._told: dict[str, float] = {}  # by kind of warning, when

    def add(self, record: GameRecord) -> None:
        """Takes a finished game."""
        turns = record.turns(self.game)
        searched = np.isin(np.array(record.kinds, int), (2, 3))
        values = record.root_values.astype(np.float64)
        results = np.where(turns == 0, record.value, -record.value).astype(np.float64)
        lowest = [float(values[searched & (turns == side)].min(initial=1.0)) for side in (0, 1)]
        decided = record.reason != "max_plies" or record.score is not None
        known = searched if decided else np.zeros_like(searched)
        seen = Seen(
            record.plies,
            record.value,
            record.reason,
            tuple(record.moves(self.game)[:OPENING_PLIES]),
            values[known],
            results[known],
            decided,
            (lowest[0], lowest[1]),
            float(record.surprises.sum()),
            int(searched.sum()),
        )
        self._seen.append(seen)
        if decided and record.to_the_end:
            self._to_the_end.append(seen)

    def __len__(self) -> int:
        return len(self._seen)

    # --- figures ---

    def values(self, resign_threshold: float) -> dict[str, float]:
        """Figures of the games by name; nothing without games. `resign_threshold`: -1 where no side resigns."""
        if not self._seen:
            return {}
        games = len(self._seen)
        figures = {
            "game_length": float(np.mean([game.plies for game in self._seen])),
            "first_player_score": float(np.mean([(game.value + 1) / 2 for game in self._seen])),
            "draws": float(np.mean([game.value == 0 and game.decided for game in self._seen])),
            "surprise": sum(g.surprise for g in self._seen) / max(1, sum(g.searched for g in self._seen)),
            "different_openings": len({game.opening for game in self._seen}) / games,
            "calibration_error": self.calibration().error,
        }
        for reason, count in sorted(Counter(game.reason for game in self._seen).items()):
            figures[f"ended_by_{reason}"] = count / games
        crossed, wrong = self.resignations(resign_threshold)
        if crossed:
            figures["resign_wrong"] = wrong / crossed
        return figures

    def calibration(self) -> Calibration:
        """Searches' values against results, over all games that were not cut off."""
        values = np.concatenate([game.values for game in self._seen]) if self._seen else np.zeros(0)
        results = np.concatenate([game.results for game in self._seen]) if self._seen else np.zeros(0)
        which = np.clip(((values + 1.0) / 2.0 * BINS).astype(int), 0, BINS - 1)
        count = np.bincount(which, minlength=BINS)
        most = np.maximum(count, 1)
        return Calibration(
            np.bincount(which, values, BINS) / most, np.bincount(which, results, BINS) / most, count.astype(np.int64)
        )

    def figure(self) -> Figure:
        """The calibration curve as a matplotlib figure."""
        from matplotlib.figure import Figure

        curve = self.calibration()
        held = curve.count > 0
        figure = Figure(figsize=(4.5, 4.5), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([-1, 1], [-1, 1], color="grey", linewidth=0.8, label="calibrated")
        axes.plot(curve.value[held], curve.result[held], marker="o", label=f"error {curve.error:.3f}")
        axes.set(xlabel="the search's value", ylabel="mean result", xlim=(-1, 1), ylim=(-1, 1))
        axes.legend()
        return figure

    # --- resignation ---

    def resignations(self, threshold: float) -> tuple[int, int]:
        """(players that would have resigned at `threshold`, those of them that did not lose), among the games in which nobody
        could resign.
        """
        crossed = [not_lost for value, not_lost in self._lowest() if value < threshold]
        return len(crossed), sum(crossed)

    def safe_threshold(self, highest: float, wrong_share: float, current: float) -> float:
        """The highest threshold up to `highest` at which at most `wrong_share` of the resignations would be wrong; -1, none,
        where no threshold is safe, and `current` where too few games tell.
        """
        lowest = sorted(each for each in self._lowest() if each[0] < highest)
        if len(lowest) < ENOUGH_RESIGNATIONS:
            return current
        best, wrong = -1.0, 0
        for count, (_, not_lost) in enumerate(lowest, 1):
            wrong += not_lost
            if count >= ENOUGH_RESIGNATIONS and wrong <= wrong_share * count:
                best = lowest[count][0] if count < len(lowest) else highest
        return best

    def _lowest(self) -> list[tuple[float, bool]]:
        """For each player of each game in which nobody could resign: (its lowest value, whether it did not lose)."""
        return [
            (game.lowest[side], (game.value if side == 0 else -game.value) >= 0)
            for game in self._to_the_end
            for side in (0, 1)
        ]

    # --- warnings ---

    def warnings(self, values: Mapping[str, float], step: int) -> list[str]:
        """Lines about what looks wrong in the run's figures, `train/...` and `selfplay/...` by name; each kind of trouble
        is told once in ten minutes.
        """
        now = time.monotonic()
        fresh = []
        for kind, text in self._troubles(values, step).items():
            if now - self._told.get(kind, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                self._told[kind] = now
                fresh.append(text)
        return fresh

    def _troubles(self, values: Mapping[str, float], step: int) -> dict[str, str]:
        found = {}
        if step >= ENOUGH_STEPS and "train/value_explained" in values:
            explained, spread = values["train/value_explained"], values["train/value_spread"]
            if explained < 0.02 or spread < 0.02:
                found["value"] = (
                    f"the value head predicts a constant (it explains {100 * explained:.1f} % of the results' variance): "
                    "check that games are decided (selfplay/draws), else lower training.learning_rate"
                )
            if (norm := values["train/gradient_norm"]) > 20.0:
                found["gradient"] = f"gradients have norm {norm:.0f}: lower training.learning_rate"
            if values["train/policy_entropy"] < 0.05:
                found["entropy"] = (
                    "the policy is certain of nearly every move: more selfplay.opening_plies, less replay.reuse"
                )
        if len(self) < ENOUGH_GAMES:
            return found
        if (draws := values["selfplay/draws"]) > 0.95:
            found["draws"] = (
                f"{100 * draws:.0f} % of the games are drawn, from which little is learned: more selfplay.opening_plies, or "
                "selfplay.starts that are not balanced"
            )
        if (cut := values.get("selfplay/ended_by_max_plies", 0.0)) > 0.5:
            found["cut"] = (
                f"{100 * cut:.0f} % of the games end by the limit of plies: raise max_plies, or begin nearer to the end "
                "(selfplay.opening_plies, selfplay.starts)"
            )
        _, height, width = self.game.planes_shape
        passed = [game.plies for game in self._seen if game.reason == "two_passes"]
        length = float(np.mean(passed)) if passed else 0.0
        if 2 * len(passed) > len(self) and length < height * width / 2:
            found["short"] = (
                f"games end after {length:.0f} plies, by passes with the board half empty: selfplay.opening_plies, or komi "
                "nearer to even"
            )
        if (different := values["selfplay/different_openings"]) < 0.5:
            found["openings"] = (
                f"only {100 * different:.0f} % of the games differ within {OPENING_PLIES} plies: raise selfplay.opening_plies"
            )
        if (error := values["selfplay/calibration_error"]) > 0.3:
            found["calibration"] = (
                f"values are off by {error:.2f} from the results on average: see selfplay/calibration on TensorBoard"
            )
        if values.get("selfplay/resign_wrong", 0.0) > 0.1:
            found["resign"] = (
                f"{100 * values['selfplay/resign_wrong']:.0f} % of the resignations would have been wrong: lower "
                "selfplay.resign_threshold"
            )
        return found
