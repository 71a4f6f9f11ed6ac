"""The loop of a run: it moves self-play, the replay store and the learner on by turns.

It answers the pools' batches with the newest network, stores finished games, and takes a training step whenever new positions
have paid for one (`replay.reuse` samples a position). Self-play goes on meanwhile, so steps may come a little later; what is
owed at the end is still paid, unless the time is up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

import torch

from alphazero.game import Game
from alphazero.progress import Progress
from alphazero.training.budget import Budget
from alphazero.training.learner import Learner
from alphazero.training.meter import Meter
from alphazero.training.report import LOG_SECONDS, Report
from alphazero.training.saving import Checkpoints
from alphazero.training.schedule import PlaySchedule
from alphazero.training.selfplay import GameSource
from alphazero.training.store import ReplayStore
from alphazero.training.swap import WeightsSwap
from alphazero.training.trainer import Trainer

if TYPE_CHECKING:  # the arena comes after the run: it is imported where a run asks for it
    from alphazero.training.background_rating import BackgroundRating

MOST_BEHIND = 400  # steps that games have paid for before self-play waits for them: what a few chunks of games pay for


class Parts(Protocol):
    """What the loop moves on: a run, as far as it concerns the loop."""

    game: Game
    progress: Progress
    report: Report
    trainer: Trainer
    store: ReplayStore
    learner: Learner
    budget: Budget
    schedule: PlaySchedule
    checkpoints: Checkpoints
    swap: WeightsSwap
    stopping: bool

    def owes(self) -> bool:
        """Whether games have paid for steps that there is time for."""

    def patience(self, *, proof: bool = False) -> AbstractContextManager[None]:
        """Around what writes to the disk while the loop goes on. proof: it always writes, so there is room once it succeeds."""

    def ask_callback(self) -> None:
        """Now and then, asks whether the run shall stop."""


def play_and_learn(run: Parts, source: GameSource, rating: BackgroundRating | None) -> None:
    """Goes on until the budget is spent, or something asks the run to stop."""
    if warning := run.schedule.warning(run.game):
        run.progress.note(warning)
    run.checkpoints.put_off()
    meter = Meter(source, run.trainer, run.store)
    due = 0
    while not run.stopping and run.budget.fraction() < 1.0:
        if due <= MOST_BEHIND:
            for finished in source.step():
                run.store.add(finished.record, finished.variant, finished.evaluations)
                if finished.variant == 0:
                    run.report.game(finished.record)
        due = run.learner.due()
        _use_threads(source.make_room(due, behind=due > MOST_BEHIND))
        _learn(run, min(due, source.steps_at_once), due)
        if run.swap.due():
            with run.swap.swapping():
                run.checkpoints.require_numbers()
                source.load(run.learner.snapshot())
                source.set_simulations(run.schedule.simulations(run.budget.fraction()))
        with run.patience():
            run.checkpoints.save_when_due()
        if rating is not None and (rated := rating.work(lambda: run.stopping, source.leave_cores)) is not None:
            run.report.rating(rated, run.budget.elapsed())
        run.ask_callback()
        if meter.seconds() >= LOG_SECONDS:
            with run.patience(proof=True):
                _tell(run, source, meter.read())
            source.set_resignation(run.schedule.settle_resignation(run.budget.fraction()))


def _learn(run: Parts, steps: int, due: int) -> None:
    """Takes so many of the steps that are due."""
    for _ in range(steps):
        if due <= MOST_BEHIND and not run.learner.ready():
            break  # a device evaluates meanwhile
        run.report.step(run.learner.step(run.budget.fraction()))
        run.swap.stale = True
        if run.stopping:
            break


def pay(run: Parts) -> None:
    """The steps that the last games have paid for, where a budget of games or the like ended the run."""
    while run.owes() and not run.stopping:
        run.learner.step(run.budget.fraction())


def _tell(run: Parts, source: GameSource, rates: dict[str, float]) -> None:
    step = run.trainer.steps
    run.report.line(
        step,
        fraction=run.budget.fraction(),
        seconds=run.budget.elapsed(),
        rates=rates,
        stored={"selfplay/evaluations": run.budget.evaluations, **run.store.figures(step), **source.figures()},
        resignation=run.schedule.resignation,
        more=source.told(),
    )


def _use_threads(count: int) -> None:
    """PyTorch computes on so many cores from now on; 0: on those it has."""
    if count and count != torch.get_num_threads():
        torch.set_num_threads(count)


@contextmanager
def threads_restored() -> Iterator[None]:
    """PyTorch computes afterwards on as many cores as before."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
