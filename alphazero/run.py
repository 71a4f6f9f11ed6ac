"""A training run: self-play, replay and trainer driven by one loop over one directory.

The compiled pool plays on its own threads; this loop answers its batches with the newest network, stores finished games, and
trains whenever new positions have paid for a step (`replay.reuse` samples a position). Self-play goes on meanwhile, so steps
may come a little later; what is owed at the end is still paid, unless the time is up. All that is needed to go on stands in
the directory, so the same call begins, resumes after any crash, and extends a run.
"""

from __future__ import annotations

import fcntl
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

import torch

from alphazero import checkpoint
from alphazero._core import Game, __version__
from alphazero.config import Config, load_config, resume_changes, to_yaml
from alphazero.diagnostics import Diagnostics
from alphazero.drawing import Drawer
from alphazero.errors import UserError
from alphazero.evaluators import Evaluator, make_evaluator
from alphazero.files import write_atomically
from alphazero.game import make
from alphazero.machine import Plan, drawing_threads, plan_selfplay
from alphazero.network import Network, from_description, shape_of
from alphazero.progress import Progress
from alphazero.tables import Tables
from alphazero.trainer import Trainer

if TYPE_CHECKING:  # the arena comes after the run: it is imported where a run asks for it
    from alphazero.arena.during import BackgroundRating, Rated

SEARCH_KEYS = [
    "kind",
    "c_base",
    "c_init",
    "fpu",
    "fpu_value",
    "noise_epsilon",
    "noise_alpha",
    "considered",
    "c_visit",
    "c_scale",
    "rescale_q",
    "find_wins",
    "virtual_loss",
]
LOG_SECONDS = 15.0
SWAP_SHARE = 0.02  # of the time may go into handing new weights to self-play
MOST_BEHIND = 400  # steps that games have paid for before self-play waits for them: what a few chunks of games pay for


def plan_run(config: Config, game: Game, *, gpu: bool) -> Plan:
    """How a run of this configuration uses this machine; `gpu`: the network runs on one."""
    play = config.selfplay
    return plan_selfplay(
        game,
        gpu=gpu,
        simulations=config.search.simulations,
        threads=play.threads,
        batch_size=play.batch_size,
        games_in_flight=play.games_in_flight,
        cache_megabytes=play.cache_megabytes,
    )


def pool_settings(config: Config, plan: Plan) -> dict[str, Any]:
    """The self-play pools' settings from a configuration, as planned for this machine."""
    play = config.selfplay
    return {
        "games_in_flight": plan.games_in_flight,
        "batch_size": plan.batch_size,
        "threads": plan.threads,
        "seed": config.seed,
        "opening_plies": play.opening_plies,
        "starts": [str(text) for text in play.starts],
        "start_share": play.start_share,
        "symmetry": play.symmetry,
        "cache_megabytes": play.cache_megabytes,
        # What lanes play on their own while a few steps are taken: games pay for steps chunk by chunk, and not for many.
        "most_finished": config.replay.chunk_games if plan.lanes > 1 else 4096,
    }


def player_settings(config: Config) -> dict[str, Any]:
    """The self-play player's settings from a configuration."""
    play = config.selfplay
    return {
        **{key: getattr(config.search, key) for key in SEARCH_KEYS},
        "simulations": config.search.simulations,
        "evaluator": 0,
        "noise": True,
        "temperature_plies": play.temperature_plies,
        "full_fraction": play.full_search_fraction,
        "fast_simulations": play.fast_simulations,
        "resign_value": play.resign_threshold if play.resign_threshold > -1.0 else -2.0,
        "resign_never": play.resign_keep,
    }


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Holds the run directory, so that two processes never write into one run."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / "lock").open("w")
    except OSError as error:
        raise UserError(f"{directory}: cannot write the run directory: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"{directory}: another process is training in this run directory; stop it first") from error
        yield


class Run:
    """One training run; see the module's text. `train()` goes on until the configured budget is spent."""

    def __init__(self, config: Config, directory: Path, device: str = "auto", out: TextIO | None = None):
        self.config = config
        self.directory = directory
        self.asked_device = device
        cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
        if cuda and not torch.cuda.is_available():
            raise UserError(f"device {device}: torch sees no CUDA GPU here; use cpu, or auto")
        self.device = torch.device("cuda" if cuda else "cpu")  # the trainer's; other names are backends of inference
        self.game = make(config.game.name, config.game.options)
        self.progress = Progress(out)
        torch.manual_seed(config.seed)
        self.seconds = 0.0  # spent on this run by all processes before
        self.stopping = False
        self._saved_evaluations = 0
        # Positions whose samples were counted out, and how many those were: what comes later is paid by replay.reuse.
        self._paid = (0, 0.0)
        self._began_from: dict[str, Any] = {}  # whose network it began with, and all that had been spent on that
        before = self._earlier_config()
        self.trainer = self._newest_trainer(before)
        write_atomically(directory / "config.yaml", to_yaml(config).encode())
        self.tables = Tables(config, self.game, directory / "replay")
        self._convert_pacing(before)
        # What the last checkpoint counted and no stored game tells of: the games that were under way then.
        self._of_unfinished = max(0, self._saved_evaluations - self.tables.evaluations)
        for warning in self.tables.warnings:
            self.progress.note(f"warning: {warning}")
        begin = time.perf_counter()
        self.evaluator: Evaluator = make_evaluator(self.trainer.averaged, device)
        self.evaluator_seconds = time.perf_counter() - begin
        self._drawing_threads = drawing_threads(gpu=self.device.type == "cuda")
        self.drawer = Drawer(self._draw, ahead=2 if self.device.type == "cuda" else 0)
        self._begin = time.perf_counter()
        self.diagnostics = Diagnostics(self.game)
        self._resign = -1.0  # the threshold in force; -1: nobody resigns

    # --- the directory ---

    def _earlier_config(self) -> Config | None:
        """The configuration this run was last begun or resumed with; UserError where the new one changes what is fixed."""
        path = self.directory / "config.yaml"
        if not path.exists():
            return None
        old = load_config(path, stored=True)
        for key, (resume, then, now) in resume_changes(old, self.config).items():
            if resume == "fixed":
                raise UserError(
                    f"{self.directory}: this run was begun with another {key} ({then}, now {now}); "
                    f"give its own config, or another --run directory"
                )
        return old

    def _newest_trainer(self, before: Config | None) -> Trainer:
        """The trainer of the newest checkpoint that is whole, or a new one. UserError where there are only broken ones."""
        steps = checkpoint.steps(self.directory)
        broken: list[tuple[Path, str]] = []
        for step in reversed(steps):
            path = self.directory / "checkpoints" / str(step)
            try:
                trainer = self._restore(path, before)
            except UserError as error:
                broken.append((path, str(error)))
                continue
            for each, reason in broken:
                self.progress.note(f"warning: {reason}; set aside as {checkpoint.set_aside(each).name}")
            return trainer
        if broken:
            raise UserError(
                f"{self.directory}: none of its {len(steps)} checkpoints can be resumed from ({broken[0][1]}); "
                f"give another --run directory, or move {self.directory / 'checkpoints'} away to begin anew with its games"
            )
        trainer = Trainer(Network(shape_of(self.game), self.config.network), self.config.training, self.device)
        if self.config.training.start_from:
            self._begin_from(self.config.training.start_from, trainer)
        return trainer

    def _begin_from(self, name: str, trainer: Trainer) -> None:
        """Takes over a checkpoint's weights, and its optimizer's state where it has one that fits."""
        path = checkpoint.resolve(Path(name))
        loaded = checkpoint.load(path)
        if loaded.meta["game"] != self.game.name:
            raise UserError(f"training.start_from: {name} plays {loaded.meta['game']}, this run {self.game.name}")
        missing = trainer.start_from(loaded.network)
        if missing is None:
            theirs, own = loaded.network.config, self.config.network
            raise UserError(
                f"training.start_from: {name} has {theirs.blocks} blocks x {theirs.channels} channels and its own planes and "
                f"heads, the configuration asks for {own.blocks} x {own.channels}: take its network section over"
            )
        with suppress(UserError):  # a shipped network has none
            trainer.start_optimizer(checkpoint.load_trainer(path))
        keys = ("steps", "games", "positions", "evaluations", "seconds")
        before = loaded.meta.get("began_from", {})
        self._began_from = {"name": name}
        self._began_from |= {key: loaded.meta.get(key, 0) + before.get(key, 0) for key in keys}
        note = f"beginning with the network of {name} (step {loaded.meta['steps']:,})"
        self.progress.note(note + (f"; new in it: {', '.join(missing)}" if missing else ""))

    def _restore(self, path: Path, before: Config | None) -> Trainer:
        """The trainer as a checkpoint holds it; UserError where that cannot be read or does not fit."""
        meta = checkpoint.load(
            path
        ).meta  # all of it: the weights of a checkpoint that is resumed from must be whole, too
        state = checkpoint.load_trainer(path)
        training = self.config.training
        if before is not None:  # checkpoints of version 0.1.0 do not count their samples
            state.setdefault("samples", int(state["steps"]) * before.training.batch_size)
        try:
            # As it was begun: what a later version builds from the same configuration may differ.
            trainer = Trainer(from_description(meta["network"]), training, self.device)
            same_optimizer = trainer.load_state_dict(state)
        except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
            raise UserError(
                f"{path / 'trainer.pt'}: the trainer's state does not fit the network of meta.json"
            ) from error
        self._began_from = meta.get("began_from", {})
        self.seconds = float(meta["seconds"])
        self._saved_evaluations = int(meta.get("evaluations", 0))
        positions, samples = meta.get("paid", (0, 0.0))
        self._paid = (int(positions), float(samples))
        self.progress.note(f"resuming {self.directory} at step {trainer.steps:,} ({meta['games']:,} games)")
        if not same_optimizer:
            self.progress.note(f"training.optimizer is now {training.optimizer}: its state begins anew, with a warm-up")
        return trainer

    def _convert_pacing(self, before: Config | None) -> None:
        """Where replay.reuse changed, positions made so far keep the samples that they were worth when they came."""
        if before is not None and before.replay.reuse != self.config.replay.reuse:
            positions = self.tables.positions
            self._paid = (positions, self._paid[1] + (positions - self._paid[0]) * before.replay.reuse)

    def elapsed(self) -> float:
        """Seconds spent on this run, earlier processes included."""
        return self.seconds + time.perf_counter() - self._begin

    @property
    def evaluations(self) -> int:
        """Positions that the network evaluated for self-play, earlier processes included."""
        return self.tables.evaluations + self._of_unfinished

    def fraction(self) -> float:
        """How much of the budget is spent, in [0, 1]."""
        budget = self.config.training
        parts = [
            (self.elapsed() / 60.0, budget.budget_minutes),
            (self.tables.games, budget.budget_games),
            (self.tables.positions, budget.budget_positions),
            (
                self.evaluations if budget.budget_evaluations else 0,
                budget.budget_evaluations,
            ),  # counting asks every pool
        ]
        return min(1.0, max((used / limit for used, limit in parts if limit), default=0.0))

    def save(self) -> Path:
        """Writes a checkpoint of the current step."""
        self._require_numbers()
        meta = {
            "game": self.game.name,
            "options": self.game.options,
            "steps": self.trainer.steps,
            "games": self.tables.games,
            "positions": self.tables.positions,
            "paid": list(self._paid),
            "evaluations": self.evaluations,
            "seconds": round(self.elapsed(), 3),
            "simulations": self.config.search.simulations,
            "policy_temperature": self.config.search.policy_temperature,
            "version": __version__,
        }
        if self._began_from:
            meta["began_from"] = self._began_from
        return checkpoint.save(self.directory, self.trainer, meta)

    # --- the loop ---

    def train(self) -> None:
        """Plays and learns until the budget is spent or a signal asks to stop; saves a checkpoint at the end."""
        from torch.utils.tensorboard import SummaryWriter

        if checkpoint.latest(self.directory) is None:
            self.save()
        if self.fraction() >= 1.0 and not self._owes():
            self.progress.note(
                f"{self.directory}: its budget is spent; raise training.budget_minutes (or _games, ...) to go on"
            )
            return
        board = SummaryWriter(str(self.directory / "tb"), purge_step=self.trainer.steps)
        self.plan = plan_run(self.config, self.game, gpu=self.device.type == "cuda")
        settings = pool_settings(self.config, self.plan)
        settings |= {
            "version": self.trainer.steps,
            "simulations": self.simulations(),
            "resignation": self._resign,
        }
        self.tables.open(self.evaluator, settings, player_settings(self.config), self.plan.lanes, str(self.directory))
        rating = self._background_rating()
        previous = {s: signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)}
        threads = torch.get_num_threads()
        if self.plan.trainer_threads:
            torch.set_num_threads(self.plan.trainer_threads)
        self._begin = time.perf_counter()
        try:
            self._loop(board, rating)
            self.tables.rest()
            self._pay()
            self.save()
        finally:
            if rating is not None:
                rating.close()
            self.tables.close()
            self.drawer.close()
            board.close()
            torch.set_num_threads(threads)
            for number, handler in previous.items():  # last: a second Ctrl-C does not leave games running
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _background_rating(self) -> BackgroundRating | None:
        """What rates checkpoints while they come, where `rating.during` gives it time."""
        if self.config.rating.during == 0.0:
            return None
        from alphazero.arena.during import BackgroundRating

        search = {key: getattr(self.config.search, key) for key in SEARCH_KEYS}
        search["simulations"] = self.config.rating.simulations
        return BackgroundRating(
            self.directory,
            self.game,
            self.config.rating,
            search,
            self.asked_device,
            self.config.seed,
            setup_seconds=2.0 * self.evaluator_seconds,
        )

    def _loop(self, board: Any, rating: BackgroundRating | None) -> None:
        training = self.config.training
        self._warn_of_few_simulations()
        metrics: list[dict[str, torch.Tensor]] = []
        logged = saved = time.perf_counter()
        counted = self.tables.counts()
        steps_then = self.trainer.steps
        games_then = self.tables.games
        saved_step = self.trainer.steps
        stale = False  # weights newer than those that play
        next_swap = 0.0
        due = 0
        while not self.stopping and self.fraction() < 1.0:
            if due <= MOST_BEHIND:
                for table, record in self.tables.step():
                    if table is self.tables[0]:
                        self.diagnostics.add(record)
            due = self._steps_due()
            self._share_cores(due)
            for _ in range(min(due, 8)):  # a second's worth at most on a processor
                if due <= MOST_BEHIND and not self.drawer.ready(self.trainer.steps):
                    break  # a device evaluates meanwhile
                metrics.append(self.trainer.step(self.drawer.batch(self.trainer.steps), self.fraction()))
                stale = True
                if self.stopping:
                    break
            now = time.perf_counter()
            if stale and now >= next_swap:
                self._require_numbers()
                self.evaluator.load_weights(self.trainer.averaged)
                self.tables.set_version(self.trainer.steps)
                self.tables.set_simulations(self.simulations())
                # A backend that compiles its weights in takes a while to swap them: never more than this share of the time.
                next_swap = time.perf_counter() + (time.perf_counter() - now) / SWAP_SHARE
                stale = False
            if self.trainer.steps - saved_step >= training.checkpoint_every or now - saved > 300.0:
                self.save()
                saved_step, saved = self.trainer.steps, now
            if rating is not None and (rated := rating.work(lambda: self.stopping, self.tables.rest)) is not None:
                self._tell_rating(board, rated)
            if now - logged >= LOG_SECONDS:
                counts = self.tables.counts()
                seconds = now - logged
                rates = {
                    "evaluations_per_second": (counts["evaluations"] - counted["evaluations"]) / seconds,
                    "cache_hit_share": (counts["cache_hits"] - counted["cache_hits"])
                    / max(
                        1, counts["cache_hits"] - counted["cache_hits"] + counts["evaluations"] - counted["evaluations"]
                    ),
                    "samples_per_second": (self.trainer.steps - steps_then) * training.batch_size / seconds,
                    "games_per_hour": (self.tables.games - games_then) * 3600.0 / seconds,
                    "batch_fill": (counts["evaluations"] - counted["evaluations"])
                    / max(1, counts["batches"] - counted["batches"])
                    / self.plan.batch_size,
                }
                self._log(board, metrics, rates)
                self._set_resignation()
                metrics = []
                logged, counted = now, counts
                steps_then, games_then = self.trainer.steps, self.tables.games

    def _pay(self) -> None:
        """The steps that the last games have paid for, where a budget of games or the like ended the run."""
        while self._owes() and not self.stopping:
            self.trainer.step(self.drawer.batch(self.trainer.steps), self.fraction())

    def _owes(self) -> bool:
        """Whether games have paid for steps that there is time for, such as where a run was stopped at its very end."""
        minutes = self.config.training.budget_minutes
        return self._steps_due() > 0 and not (minutes and self.elapsed() >= 60.0 * minutes)

    def _share_cores(self, due: int) -> None:
        """On the processor, steps that are due have their cores to themselves; self-play rests once they are far behind."""
        if self.plan.lanes == 1:
            return
        if due > MOST_BEHIND:
            self.tables.rest()
        else:
            self.tables.use_lanes(self.plan.lanes - self.plan.trainer_threads if due else self.plan.lanes)

    def simulations(self) -> int:
        """Progressive simulation: the budget a move grows along the configured schedule."""
        simulations = self.config.search.simulations
        for begin, count in self.config.selfplay.simulations_schedule:
            if self.fraction() >= begin:
                simulations = int(count)
        return simulations

    def _require_numbers(self) -> None:
        """Before weights are played with or saved: UserError where training has made them something else."""
        if all(bool(tensor.isfinite().all()) for tensor in self.trainer.averaged.state_dict().values()):
            return
        saved = [step for step in checkpoint.steps(self.directory) if step < self.trainer.steps]
        raise UserError(
            f"{self.directory}: the weights are no longer numbers at step {self.trainer.steps:,}, and were not saved: the same "
            f"call goes on from step {saved[-1] if saved else 0:,}; give it a lower training.learning_rate"
        )

    def _set_resignation(self) -> None:
        """The highest threshold, up to the configured one, that the games played to the end say is safe."""
        play = self.config.selfplay
        if play.resign_threshold > -1.0 and self.fraction() >= play.resign_from:
            self._resign = self.diagnostics.safe_threshold(play.resign_threshold, play.resign_wrong, self._resign)
            self.tables.set_resignation(self._resign)

    def _warn_of_few_simulations(self) -> None:
        moves = len(self.game.position().legal_moves())
        search = self.config.search
        if search.kind == "puct" and 2 * search.simulations < moves:
            self.progress.note(
                f"warning: {search.simulations} PUCT simulations look at few of {moves} moves, from which nothing may be "
                f"learned: search.simulations={2 * moves}, or search.kind=gumbel"
            )

    def _steps_due(self) -> int:
        """Training steps that the positions made so far have paid for."""
        if self.tables.drawable < min(self.config.replay.window_min, self.config.replay.min_positions):
            return 0
        paid = self._paid[1] + (self.tables.positions - self._paid[0]) * self.config.replay.reuse
        return max(0, int((paid - self.trainer.samples) / self.config.training.batch_size))

    def _draw(self, step: int) -> dict[str, torch.Tensor]:
        """The training batch of this step."""
        training = self.config.training
        seed = self.config.seed * 1_000_003 + step
        arrays = self.tables.sample(
            training.batch_size,
            seed,
            symmetry=True,
            value_blend=training.value_blend,
            surprise=self.config.replay.surprise,
            reply=self.trainer.network.config.reply,
            packed=self.device.type != "cpu",
            threads=self._drawing_threads,
        )
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    # --- telling ---

    def _tell_rating(self, board: Any, rated: Rated) -> None:
        for name, value in rated.values().items():
            board.add_scalar(name, value, rated.step)
        line = {"seconds": round(self.elapsed(), 1), "step": rated.step}
        line |= {name: round(value, 5) for name, value in rated.values().items()}
        with (self.directory / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.progress.note(
            f"step {rated.step:,}: Elo {rated.elo:+.0f} [{rated.low:+.0f}, {rated.high:+.0f}] above the first, "
            f"{rated.games} rating games in {100 * rated.share:.1f} % of the time"
        )

    def _log(self, board: Any, metrics: list[dict[str, torch.Tensor]], rates: dict[str, float]) -> None:
        step = self.trainer.steps
        values: dict[str, float] = {f"speed/{name}": value for name, value in rates.items()}
        if metrics:
            for name in metrics[0]:
                values[f"train/{name}"] = float(torch.stack([m[name].float() for m in metrics]).mean())
        values |= {f"selfplay/{name}": value for name, value in self.diagnostics.values(self._resign).items()}
        values["selfplay/evaluations"] = self.evaluations
        values["replay/games"] = self.tables.games
        values["replay/positions"] = self.tables.positions
        values["replay/window"] = self.tables.drawable
        if self.tables.drawable:
            values["replay/age"] = step - self.tables.mean_version  # training steps since the window's games began
        for name, value in values.items():
            board.add_scalar(name, value, step)
        if len(self.diagnostics):
            board.add_figure("selfplay/calibration", self.diagnostics.figure(), step)
        warnings = self.diagnostics.warnings(values, step)
        for warning in warnings:
            board.add_text("warnings", warning, step)
            self.progress.note(f"warning: {warning}")
        line: dict[str, Any] = {"seconds": round(self.elapsed(), 1), "step": step}
        line |= {name: round(value, 5) for name, value in values.items()}
        if warnings:
            line["warnings"] = warnings
        with (self.directory / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        losses = [f"{head} {values[f'train/{head}_loss']:.3f}" for head in ("policy", "value")] if metrics else []
        self.progress.line(
            fraction=self.fraction(),
            seconds=self.elapsed(),
            parts=[
                f"{self.tables.games:,} games",
                f"step {step:,}",
                *losses,  # none where no step was taken: long games come in slowly
                f"{rates['evaluations_per_second']:,.0f} evals/s",
                f"{rates['samples_per_second']:,.0f} samples/s",
                f"{values.get('selfplay/game_length', 0.0):.0f} plies",
            ],
        )


def train(config: Config, directory: Path, device: str = "auto", out: TextIO | None = None) -> Run:
    """Begins, resumes or extends the run in `directory`."""
    with exclusive(directory):
        run = Run(config, directory, device, out)
        run.train()
    return run


def scaled(config: Config, **training: Any) -> Config:
    """The configuration with other training settings (tests and ablations)."""
    return replace(config, training=replace(config.training, **training))
