"""A training run: self-play, the replay store and the learner, driven by one loop over one directory.

The compiled pools play on their own threads. The loop answers their batches with the newest network, stores finished games,
and takes a training step whenever new positions have paid for one (`replay.reuse` samples a position). Self-play goes on
meanwhile, so steps may come a little later; what is owed at the end is still paid, unless the time is up. The directory holds
all that is needed to go on, so the same call begins a run, resumes it after any crash, and extends it.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

import torch

from alphazero import checkpoint
from alphazero._core import __version__
from alphazero.config import Config, to_yaml
from alphazero.errors import UserError
from alphazero.evaluators import Evaluator, make_evaluator
from alphazero.evaluators.choose import lane_seconds
from alphazero.files import write_atomically
from alphazero.game import make
from alphazero.progress import Progress
from alphazero.runs import RunDirectory
from alphazero.runs.meta import Meta
from alphazero.training import resume
from alphazero.training.budget import Budget
from alphazero.training.learner import Learner
from alphazero.training.meter import Meter, Totals
from alphazero.training.report import LOG_SECONDS, Report
from alphazero.training.selfplay import GameSource, SelfPlay, plan_run, player_settings, pool_settings, variants_of
from alphazero.training.store import ReplayStore
from alphazero.training.swap import WeightsSwap

if TYPE_CHECKING:  # the arena comes after the run: it is imported where a run asks for it
    from alphazero.training.background_rating import BackgroundRating

MOST_BEHIND = 400  # steps that games have paid for before self-play waits for them: what a few chunks of games pay for
STEPS_AT_ONCE = 8  # a second's worth at most on a processor
SAVE_SECONDS = 300.0  # between checkpoints, at most
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
        torch.manual_seed(config.seed)
        origin = resume.origin(self.directory, config, self.game, self.device, self.progress.note)
        self.trainer, self._began_from = origin.trainer, origin.began_from
        self.variants = variants_of(config, self.game)
        self.store = ReplayStore(self.directory.replay, self.variants, config.replay)
        self.store.paid = origin.paid
        self.store.convert_reuse(origin.reuse)
        write_atomically(self.directory.config, to_yaml(config).encode())  # once nothing refuses it any more
        for warning in self.store.warnings:
            self.progress.note(f"warning: {warning}")
        # What the last checkpoint counted and no stored game tells of: the games that were under way then.
        self._of_unfinished = max(0, origin.evaluations - self.store.evaluations_before)
        self.evaluator, self.evaluator_seconds = self._make_evaluator()
        self.learner = Learner(self.trainer, self.store, config)
        self.swap = WeightsSwap()
        self.budget = Budget(config.training, origin.seconds)
        self.selfplay: GameSource | None = None  # while the run goes on, and what it counted after that
        self._resign = -1.0  # the threshold in force; -1: nobody resigns

    # --- what has been spent ---

    def elapsed(self) -> float:
        """Seconds spent on this run, earlier processes included."""
        return self.budget.elapsed()

    @property
    def evaluations(self) -> int:
        """Positions that the network evaluated for self-play, earlier processes included."""
        return self.store.evaluations_before + self._of_unfinished + self._played()["evaluations"]

    def _played(self) -> Counter[str]:
        """What the pools have counted in this process."""
        return self.selfplay.counts() if self.selfplay is not None else Counter()

    def fraction(self) -> float:
        """The share of the budget that has been used, in [0, 1]."""
        return self.budget.fraction(
            games=self.store.games,
            positions=self.store.positions,
            evaluations=self.evaluations if self.budget.counts_evaluations else 0,
        )

    def owes(self) -> bool:
        """Whether games have paid for steps that there is time for, such as where a run was stopped at its very end."""
        return self.learner.due() > 0 and not self.budget.out_of_time()

    # --- the loop ---

    def train(self) -> None:
        """Plays and learns until the budget is reached or a signal asks to stop; saves a checkpoint at the end."""
        if checkpoint.latest(self.directory.path) is None:
            self.save()
        if self.fraction() >= 1.0 and not self.owes():
            self.progress.note(
                f"{self.directory.path}: training budget reached; increase training.budget_minutes (or _games, ...) to continue"
            )
            return
        self.report.open(self.trainer.steps)
        self._begin_selfplay()
        rating = self._background_rating()
        with self._signals_stop_it(), self._trainer_threads():
            self.budget.start_clock()
            try:
                self._loop(rating)
                self._end_selfplay()
                self.pay()
                self.save()
            finally:
                if rating is not None:
                    rating.close()
                self._close_selfplay()
                self.learner.close()
                self.report.close()

    def _loop(self, rating: BackgroundRating | None) -> None:
        self._warn_of_few_simulations()
        meter = Meter(self._totals(), self.config.training.batch_size, self._batch_size())
        self._saved = (self.trainer.steps, time.perf_counter())
        due, asked = 0, 0.0
        while not self.stopping and self.fraction() < 1.0:
            if due <= MOST_BEHIND:
                self._play()
            due = self.learner.due()
            self._share_cores(due)
            self._learn(due)
            self.swap.offer(self._swap)
            self._save_when_due()
            if rating is not None:
                self._rate(rating)
            if self.callback is not None and time.perf_counter() - asked >= CALLBACK_SECONDS:
                asked = time.perf_counter()
                self.stopping = self.callback(self) or self.stopping
            if meter.seconds() >= LOG_SECONDS:
                self._log(meter.read(self._totals()))
                self._set_resignation()

    def _batch_size(self) -> int:
        """Positions in a full batch of self-play."""
        return self.plan.batch_size

    def _play(self) -> None:
        """Moves self-play on, and stores what came to its end."""
        for finished in self._playing().step():
            self.store.add(finished.record, finished.variant, finished.evaluations)
            if finished.variant == 0:
                self.report.game(finished.record)

    def _learn(self, due: int) -> None:
        """Takes some of the steps that are due."""
        for _ in range(min(due, STEPS_AT_ONCE)):
            if due <= MOST_BEHIND and not self.learner.ready():
                break  # a device evaluates meanwhile
            self.report.step(self.learner.step(self.fraction()))
            self.swap.stale = True
            if self.stopping:
                break

    def pay(self) -> None:
        """The steps that the last games have paid for, where a budget of games or the like ended the run."""
        while self.owes() and not self.stopping:
            self.learner.step(self.fraction())

    def _swap(self) -> None:
        """Plays with the newest weights."""
        self._require_numbers()
        self._playing().load(self.learner.snapshot())
        self._playing().set_simulations(self.simulations())

    def simulations(self) -> int:
        """Progressive simulation: the budget a move grows along the configured schedule."""
        simulations = self.config.search.simulations
        for begin, count in self.config.selfplay.simulations_schedule:
            if self.fraction() >= begin:
                simulations = int(count)
        return simulations

    def _set_resignation(self) -> None:
        """The highest threshold, up to the configured one, that the games played to the end say is safe."""
        play = self.config.selfplay
        if play.resign_threshold > -1.0 and self.fraction() >= play.resign_from:
            diagnostics = self.report.diagnostics
            self._resign = diagnostics.safe_threshold(play.resign_threshold, play.resign_wrong, self._resign)
            self._playing().set_resignation(self._resign)

    # --- cores ---

    def _make_evaluator(self) -> tuple[Evaluator | None, float]:
        """What answers self-play in this process, and the seconds that making it took."""
        begin = time.perf_counter()
        evaluator = make_evaluator(self.trainer.averaged, self.asked_device)
        return evaluator, time.perf_counter() - begin

    def _begin_selfplay(self) -> None:
        assert self.evaluator is not None
        gpu = self.device.type == "cuda"
        seconds = None if gpu else lane_seconds(self.trainer.averaged, self.evaluator)
        self.plan = plan_run(self.config, self.game, gpu=gpu, position_seconds=seconds)
        settings = pool_settings(self.config, self.plan)
        settings |= {
            "version": self.trainer.steps,
            "simulations": self.simulations(),
            "resignation": self._resign,
        }
        self.selfplay = SelfPlay(
            self.variants,
            self.evaluator,
            settings,
            player_settings(self.config),
            first_games=self.store.first_games(),
            lanes=self.plan.lanes,
            name=str(self.directory.path),
        )

    def _playing(self) -> GameSource:
        assert self.selfplay is not None
        return self.selfplay

    def _play_no_more(self) -> None:
        self._playing().rest()

    def _end_selfplay(self) -> None:
        """The last moment at which games can be stored."""
        self._playing().rest()

    def _close_selfplay(self) -> None:
        self._playing().close()

    def _share_cores(self, due: int) -> None:
        """On the processor, steps that are due have cores to themselves: all of them, once they are far behind."""
        if self.plan.lanes == 1:
            return
        behind = due > MOST_BEHIND
        if behind:
            self._playing().rest()
        else:
            self._playing().use_lanes(self.plan.lanes - self.plan.trainer_threads if due else self.plan.lanes)
        threads = self.plan.lanes if behind else self.plan.trainer_threads
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)

    @contextmanager
    def _trainer_threads(self) -> Iterator[None]:
        """PyTorch computes on as many cores as the plan gives to training."""
        before = torch.get_num_threads()
        if self.plan.trainer_threads:
            torch.set_num_threads(self.plan.trainer_threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    # --- the end ---

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

    def _require_numbers(self) -> None:
        """Before weights are played with or saved: UserError where training has made them something else."""
        if self.learner.has_numbers():
            return
        saved = [step for step in checkpoint.steps(self.directory.path) if step < self.trainer.steps]
        raise UserError(
            f"{self.directory.path}: the weights are no longer numbers at step {self.trainer.steps:,}, and were not saved: "
            f"the same call goes on from step {saved[-1] if saved else 0:,}; give it a lower training.learning_rate"
        )

    def _save_when_due(self) -> None:
        step, saved = self._saved
        now = time.perf_counter()
        if self.trainer.steps - step >= self.config.training.checkpoint_every or now - saved > SAVE_SECONDS:
            self.save()
            self._saved = (self.trainer.steps, now)

    def save(self) -> Path:
        """Writes a checkpoint of the current step."""
        self._require_numbers()
        meta: Meta = {
            "game": self.game.name,
            "options": self.game.options,
            "steps": self.trainer.steps,
            "games": self.store.games,
            "positions": self.store.positions,
            "paid": self.store.paid,
            "reuse": self.config.replay.reuse,
            "evaluations": self.evaluations,
            "seconds": round(self.elapsed(), 3),
            "simulations": self.config.search.simulations,
            "policy_temperature": self.config.search.policy_temperature,
            "version": __version__,
        }
        if self._began_from:
            meta["began_from"] = self._began_from
        return checkpoint.save(self.directory.path, self.trainer, meta)

    # --- telling ---

    def _totals(self) -> Totals:
        return Totals.now(self._played(), self.trainer.steps, self.store.games)

    def _log(self, rates: dict[str, float]) -> None:
        stored: dict[str, float] = {
            "selfplay/evaluations": self.evaluations,
            "replay/games": self.store.games,
            "replay/positions": self.store.positions,
            "replay/window": self.store.drawable,
        }
        if self.store.drawable:  # training steps since the window's games began
            stored["replay/age"] = self.trainer.steps - self.store.mean_version
        stored |= self._playing().figures()
        self.report.line(
            self.trainer.steps,
            fraction=self.fraction(),
            seconds=self.elapsed(),
            rates=rates,
            stored=stored,
            resignation=self._resign,
            more=self._playing().told(),
        )

    def _warn_of_few_simulations(self) -> None:
        moves = len(self.game.position().legal_moves())
        search = self.config.search
        if search.kind == "puct" and 2 * search.simulations < moves:
            self.progress.note(
                f"warning: {search.simulations} PUCT simulations look at few of {moves} moves, from which nothing may be "
                f"learned: search.simulations={2 * moves}, or search.kind=gumbel"
            )

    def _rate(self, rating: BackgroundRating) -> None:
        rated = rating.work(lambda: self.stopping, self._play_no_more)
        if rated is not None:
            self.report.rating(rated, self.elapsed())

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
