"""A training run: self-play, the replay store and the learner, over one directory.

The compiled pools play on their own threads, and loop.py moves the parts on by turns. The directory holds all that is needed
to go on, so the same call begins a run, resumes it after any crash, and extends it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

import torch

from alphazero import checkpoint
from alphazero.config import Config, to_yaml
from alphazero.errors import UserError
from alphazero.evaluators import Evaluator, make_evaluator
from alphazero.evaluators.choose import lane_seconds
from alphazero.files import write_atomically
from alphazero.game import make
from alphazero.progress import Progress
from alphazero.runs import RunDirectory
from alphazero.training import resume
from alphazero.training.budget import Budget
from alphazero.training.learner import Learner
from alphazero.training.loop import pay, play_and_learn, threads_restored
from alphazero.training.report import Report
from alphazero.training.saving import Checkpoints
from alphazero.training.schedule import PlaySchedule
from alphazero.training.selfplay import GameSource, SelfPlay, plan_run, variants_of
from alphazero.training.store import ReplayStore
from alphazero.training.swap import WeightsSwap

if TYPE_CHECKING:  # the arena comes after the run: it is imported where a run asks for it
    from alphazero.training.background_rating import BackgroundRating

CALLBACK_SECONDS = 1.0


class Run:
    """One training run; see the module's text. `train()` goes on until the configured budget is reached."""

    def __init__(self, config: Config, directory: Path, device: str = "auto", out: TextIO | None = None):
        self.config = config
        self.directory = RunDirectory(directory)
        self.asked_device = device
        cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
        if cuda and not torch.cuda.is_available():
            raise UserError(f"device {device}: torch sees no CUDA GPU here; use cpu, or auto")
        self.device = torch.device("cuda" if cuda else "cpu")  # the trainer's; other names are backends of inference
        self.game = make(config.game.name, config.game.options)
        self.progress = Progress(out)
        self.report = Report(self.directory, self.game, self.progress)
        self.stopping = False
        self.callback: Callable[[Run], bool] | None = None  # called about once a second; True ends the run
        self._asked = 0.0  # when the callback was asked
        torch.manual_seed(config.seed)
        origin = resume.origin(self.directory, config, self.game, self.device, self.progress.note)
        self.trainer = origin.trainer
        self.variants = variants_of(config, self.game)
        self.store = ReplayStore(self.directory.replay, self.variants, config.replay)
        # Games that a new run finds were brought along: they are learned from, and pay for no steps.
        self.store.paid = origin.paid if origin.resumed else (self.store.positions, 0.0)
        self.store.convert_reuse(origin.reuse)
        if origin.began_from and not self.trainer.steps:  # it would learn its first games by heart, and forget others
            self.store.least = config.replay.window_min
        write_atomically(self.directory.config, to_yaml(config).encode())  # once nothing refuses it any more
        for warning in self.store.warnings:
            self.progress.note(f"warning: {warning}")
        self.budget = Budget(config.training, self.store, seconds=origin.seconds, evaluations=origin.evaluations)
        self.schedule = PlaySchedule(config, self.report.diagnostics)
        self.checkpoints = Checkpoints(
            self.directory.path,
            self.game,
            config,
            trainer=self.trainer,
            store=self.store,
            budget=self.budget,
            began_from=origin.began_from,
            lessons=origin.lessons,
        )
        begin = time.perf_counter()
        self.evaluator = self._make_evaluator()
        self.evaluator_seconds = time.perf_counter() - begin
        self.learner = self._make_learner()
        self.swap = WeightsSwap()

    @property
    def evaluations(self) -> int:
        """Positions that the network evaluated for self-play, earlier processes included."""
        return self.budget.evaluations

    def elapsed(self) -> float:
        """Seconds spent on this run, earlier processes included."""
        return self.budget.elapsed()

    def ask_callback(self) -> None:
        """About once a second, asks the callback whether the run shall stop."""
        now = time.perf_counter()
        if self.callback is not None and now - self._asked >= CALLBACK_SECONDS:
            self._asked = now
            self.stopping = self.callback(self) or self.stopping

    def owes(self) -> bool:
        """Whether games have paid for steps that there is time for, such as where a run was stopped at its very end."""
        return self.learner.due() > 0 and not self.budget.out_of_time()

    # --- what a run with workers makes otherwise ---

    def _make_evaluator(self) -> Evaluator | None:
        """What answers self-play in this process."""
        return make_evaluator(self.trainer.averaged, self.asked_device)

    def _make_learner(self) -> Learner:
        return Learner(self.trainer, self.store, self.config)

    def _make_source(self) -> GameSource:
        """What plays, and plays already."""
        assert self.evaluator is not None
        gpu = self.device.type == "cuda"
        seconds = None if gpu else lane_seconds(self.trainer.averaged, self.evaluator)
        return SelfPlay(
            self.variants,
            self.evaluator,
            plan_run(self.config, self.game, gpu=gpu, position_seconds=seconds),
            version=self.trainer.steps,
            simulations=self.schedule.simulations(self.budget.fraction()),
            resignation=self.schedule.resignation,
            first_games=self.store.first_games(),
            name=str(self.directory.path),
        )

    def patience(self, *, proof: bool = False) -> AbstractContextManager[None]:
        """Around what writes to the disk while the loop goes on: here a full disk is the end."""
        return nullcontext()

    def train(self) -> None:
        """Plays and learns until the budget is reached or a signal asks to stop; saves a checkpoint at the end."""
        if checkpoint.latest(self.directory.path) is None:
            self.checkpoints.save()
        if self.budget.fraction() >= 1.0 and not self.owes():
            self.progress.note(
                f"{self.directory.path}: training budget reached; increase training.budget_minutes (or _games, ...) to continue"
            )
            return
        self.report.open(self.trainer.steps)
        if self.store.missing and not self.trainer.steps and self.config.training.start_from:
            self.progress.note(f"training begins once there are {self.store.least:,} positions (replay.window_min)")
        source = self.budget.source = self._make_source()
        rating = self._background_rating()
        with self._signals_stop_it(), threads_restored():
            self.budget.start_clock()
            try:
                play_and_learn(self, source, rating)
                source.finish()
                pay(self)
                self.checkpoints.save()
                if self.store.missing and not self.trainer.steps and not self.stopping:
                    self.progress.note(
                        f"warning: the budget ended before training began: {self.store.drawable:,} of {self.store.least:,} positions"
                    )
            finally:
                if rating is not None:
                    rating.close()
                source.close()
                self.learner.close()
                self.report.close()

    def _background_rating(self) -> BackgroundRating | None:
        """What rates checkpoints while they come, where `rating.during` gives it time."""
        if self.config.rating.during == 0.0:
            return None
        from alphazero.training.background_rating import BackgroundRating

        return BackgroundRating(
            self.directory.path,
            self.game,
            self.config.rating,
            self.config.search.settings(self.config.rating.simulations),
            self.asked_device,
            self.config.seed,
            setup_seconds=2.0 * self.evaluator_seconds,
        )

    @contextmanager
    def _signals_stop_it(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the loop. They do until all is closed: a second Ctrl-C does not leave games running."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def train(
    config: Config,
    directory: Path,
    device: str = "auto",
    out: TextIO | None = None,
    callback: Callable[[Run], bool] | None = None,
) -> Run:
    """Begins, resumes or extends the run in `directory`; callback as Run has it."""
    with RunDirectory(directory).exclusive():
        run = Run(config, directory, device, out)
        run.callback = callback
        run.train()
    return run
