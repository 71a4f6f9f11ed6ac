"""What a run tells while it goes on: TensorBoard, log.jsonl and the terminal, all with the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from alphazero._core import Game, GameRecord
from alphazero.progress import Progress
from alphazero.runs import RunDirectory
from alphazero.runs.curves import Curves
from alphazero.training.diagnostics import Diagnostics

if TYPE_CHECKING:  # the arena comes after the run: it is imported where a run asks for it
    from alphazero.training.background_rating import Rated

LOG_SECONDS = 15.0  # between two lines


class Report:
    """Writes figures; open() first."""

    def __init__(self, directory: RunDirectory, game: Game, progress: Progress):
        self.directory = directory
        self.progress = progress
        self.diagnostics = Diagnostics(game)
        self._figures: list[dict[str, torch.Tensor]] = []  # of the steps since the last line

    def open(self, step: int) -> None:
        """Begins to write; what TensorBoard has of later steps, which were lost in a crash, is taken out."""
        self._board = Curves(self.directory.path, purge_step=step)

    def close(self) -> None:
        self._board.close()

    def game(self, record: GameRecord) -> None:
        """Takes a finished game of the run's own game."""
        self.diagnostics.add(record)

    def step(self, figures: dict[str, torch.Tensor]) -> None:
        """Takes the figures of a training step, as Trainer.step gives them: tensors, which nobody waits for yet."""
        self._figures.append(figures)

    def rating(self, rated: Rated, seconds: float) -> None:
        """Tells a checkpoint's rating."""
        for name, value in rated.values().items():
            self._board.add_scalar(name, value, rated.step)
        rounded = {name: round(value, 5) for name, value in rated.values().items()}
        self.directory.append_to_log({"seconds": round(seconds, 1), "step": rated.step, **rounded})
        self.progress.note(
            f"step {rated.step:,}: Elo {rated.elo:+.0f} [{rated.low:+.0f}, {rated.high:+.0f}] above the first, "
            f"{rated.games} rating games in {100 * rated.share:.1f} % of the time"
        )

    def line(
        self,
        step: int,
        *,
        fraction: float,
        seconds: float,
        rates: Mapping[str, float],
        stored: Mapping[str, float],
        resignation: float,
        more: Sequence[str] = (),
    ) -> None:
        """A line of figures everywhere, and warnings where they tell of an illness. more: for the terminal alone.

        stored: games, positions, window and age of the store, and the run's evaluations, by TensorBoard's names.
        """
        values = {f"speed/{name}": value for name, value in rates.items()}
        values |= {f"train/{name}": value for name, value in self._means().items()}
        values |= {f"selfplay/{name}": value for name, value in self.diagnostics.values(resignation).items()}
        values |= stored
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        if len(self.diagnostics):
            self._board.add_figure("selfplay/calibration", self.diagnostics.figure(), step)
        warnings = self.diagnostics.warnings(values, step)
        self._warn(warnings, step)
        rounded = {name: round(value, 5) for name, value in values.items()}
        told = {"warnings": warnings} if warnings else {}
        self.directory.append_to_log({"seconds": round(seconds, 1), "step": step, **rounded, **told})
        # None where no step was taken: long games come in slowly.
        losses = [f"{head} {values[f'train/{head}_loss']:.3f}" for head in ("policy", "value")] if self._figures else []
        self._figures = []
        self.progress.line(
            fraction=fraction,
            seconds=seconds,
            parts=[
                f"{int(stored['replay/games']):,} games",
                f"step {step:,}",
                *losses,
                f"{rates['evaluations_per_second']:,.0f} evals/s",
                f"{rates['samples_per_second']:,.0f} samples/s",
                f"{values.get('selfplay/game_length', 0.0):.0f} plies",
                *more,
            ],
        )

    def _means(self) -> dict[str, float]:
        """Of the steps since the last line."""
        if not self._figures:
            return {}
        names = self._figures[0]
        return {name: float(torch.stack([each[name].float() for each in self._figures]).mean()) for name in names}

    def _warn(self, warnings: Sequence[str], step: int) -> None:
        for warning in warnings:
            self._board.add_text("warnings", warning, step)
            self.progress.note(f"warning: {warning}")
