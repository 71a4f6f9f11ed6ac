"""Where a run begins: at its newest whole checkpoint, at another run's network, or at random weights."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from alphazero import checkpoint
from alphazero._core import Game
from alphazero.config import Config, load_config, resume_changes
from alphazero.errors import UserError
from alphazero.network import from_description, make_network, shape_of
from alphazero.runs import RunDirectory
from alphazero.runs.meta import BeganFrom
from alphazero.training.trainer import Trainer


@dataclass
class Origin:
    """What a run goes on from.

    began_from: whose network it began with and all that had been spent on that; None for random weights. seconds, evaluations:
    spent on this run before. lessons: games of others that it began with. paid: as ReplayStore.paid. reuse: replay.reuse when that was counted; None for a new run.
    """

    trainer: Trainer
    began_from: BeganFrom | None = None
    seconds: float = 0.0
    evaluations: int = 0
    paid: tuple[int, float] = (0, 0.0)
    reuse: float | None = None
    resumed: bool = False
    lessons: int = 0


def _earlier_config(directory: RunDirectory, config: Config) -> Config | None:
    """The configuration this run was last begun or resumed with; UserError where the new one changes what is fixed."""
    if not directory.config.exists():
        return None
    old = load_config(directory.config, stored=True)
    for key, (resume, then, now) in resume_changes(old, config).items():
        if resume == "fixed":
            raise UserError(
                f"{directory.path}: this run was begun with another {key} ({then}, now {now}); "
                f"give its own config, or another --run directory"
            )
    return old


def origin(
    directory: RunDirectory,
    config: Config,
    game: Game,
    device: torch.device,
    note: Callable[[str], None],
) -> Origin:
    """The newest checkpoint that is whole, or a new trainer. note: tells the user a line.

    UserError where there are only broken ones, or where the configuration changes what is fixed.
    """
    before = _earlier_config(directory, config)
    steps = checkpoint.steps(directory.path)
    broken: list[tuple[Path, str]] = []
    for step in reversed(steps):
        path = directory.checkpoint(step)
        try:
            found = _restored(path, config, before, device)
        except UserError as error:
            broken.append((path, str(error)))
            continue
        meta = checkpoint.read_meta(path)
        note(f"resuming {directory.path} at step {found[0].trainer.steps:,} ({meta['games']:,} games)")
        if not found[1]:
            note(f"training.optimizer is now {config.training.optimizer}: its state begins anew, with a warm-up")
        for each, reason in broken:
            note(f"warning: {reason}; set aside as {checkpoint.set_aside(each).name}")
        return found[0]
    if broken:
        raise UserError(
            f"{directory.path}: none of its {len(steps)} checkpoints can be resumed from ({broken[0][1]}); "
            f"give another --run directory, or move {directory.checkpoints} away to begin anew with its games"
        )
    trainer = Trainer(make_network(shape_of(game), config.network), config.training, device)
    if config.training.start_from:
        return Origin(trainer, _begin_from(config, game, trainer, note))
    return Origin(trainer)


def _restored(path: Path, config: Config, before: Config | None, device: torch.device) -> tuple[Origin, bool]:
    """A checkpoint's trainer, and whether its optimizer goes on; UserError where it cannot be read or does not fit."""
    meta = checkpoint.load(path).meta  # all of it: the weights of a checkpoint that is resumed from must be whole, too
    state = checkpoint.load_trainer(path)
    if before is not None:  # checkpoints of version 0.1.0 do not count their samples
        state.setdefault("samples", int(state["steps"]) * before.training.batch_size)
    try:
        # As it was begun: what a later version builds from the same configuration may differ.
        trainer = Trainer(from_description(meta["network"]), config.training, device)
        same_optimizer = trainer.load_state_dict(state)
    except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
        raise UserError(f"{path / 'trainer.pt'}: the trainer's state does not fit the network of meta.json") from error
    positions, samples = meta.get("paid", (0, 0.0))
    found = Origin(
        trainer,
        meta.get("began_from"),
        float(meta["seconds"]),
        int(meta.get("evaluations", 0)),
        (int(positions), float(samples)),
        # The checkpoint's own: config.yaml has a new one already, where a resumed run came to no checkpoint.
        meta.get("reuse", before.replay.reuse if before is not None else None),
        resumed=True,
        lessons=meta.get("lessons", 0),
    )
    return found, same_optimizer


def _begin_from(config: Config, game: Game, trainer: Trainer, note: Callable[[str], None]) -> BeganFrom:
    """Takes over a checkpoint's weights, and its optimizer's state where it has one that fits. Returns `began_from`."""
    name = config.training.start_from
    path = checkpoint.resolve(Path(name))
    state = None
    with suppress(UserError):  # a shipped network has none
        state = checkpoint.load_trainer(path)
    loaded = checkpoint.load(path)
    if loaded.meta["game"] != game.name:
        raise UserError(f"training.start_from: {name} plays {loaded.meta['game']}, this run {game.name}")
    missing = trainer.start_from(loaded.network)
    if missing is None:
        theirs, own = loaded.network.config, config.network
        raise UserError(
            f"training.start_from: {name} has {theirs.blocks} blocks x {theirs.channels} channels and its own planes and "
            f"heads, the configuration asks for {own.blocks} x {own.channels}: take its network section over"
        )
    if state is not None:
        trainer.start_optimizer(state)
    meta = loaded.meta
    earlier = BeganFrom(name="", steps=0, games=0, positions=0, evaluations=0, seconds=0.0)
    earlier |= meta.get("began_from", {})
    new = f"; new in it: {', '.join(missing)}" if missing else ""
    note(f"beginning with the network of {name} (step {loaded.meta['steps']:,}){new}")
    return BeganFrom(
        name=name,
        steps=meta["steps"] + earlier["steps"],
        games=meta["games"] + earlier["games"],
        positions=meta["positions"] + earlier["positions"],
        evaluations=meta.get("evaluations", 0) + earlier["evaluations"],
        seconds=meta["seconds"] + earlier["seconds"],
    )
