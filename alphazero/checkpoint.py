"""Checkpoints on disk: `checkpoints/STEP/{model.safetensors, meta.json, trainer.pt}`, and `latest` beside them.

A checkpoint is written beside its place and renamed into it, so it is whole or not there; `latest` names the newest whole
one. model.safetensors holds the averaged weights, the ones that play; trainer.pt all that training needs to go on.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, cast

from safetensors import SafetensorError

from alphazero import pretrained
from alphazero.errors import UserError
from alphazero.files import is_there, read_json
from alphazero.runs.meta import Meta
from alphazero.search_settings import check

if TYPE_CHECKING:
    from torch import Tensor

    from alphazero.network import Network

    class Trained(Protocol):
        """What a trainer shows of itself to be saved."""

        steps: int

        @property
        def network(self) -> Network: ...
        @property
        def averaged(self) -> Network: ...
        def state_dict(self) -> TrainerState: ...


class _TrainerState(TypedDict):
    steps: int
    network: Mapping[str, Tensor]
    averaged: Mapping[str, Tensor]
    optimizer: dict[str, Any]  # as torch.optim has it


class TrainerState(_TrainerState, total=False):
    """trainer.pt: all that training needs to go on."""

    samples: int  # drawn for these steps; those of version 0.1.0 do not say


META: dict[str, tuple[type, ...]] = {  # what meta.json must hold
    "game": (str,),
    "options": (dict,),
    "network": (dict,),
    "steps": (int,),
    "games": (int,),
    "positions": (int,),
    "seconds": (int, float),
}


class CheckpointError(UserError):
    """A checkpoint that is missing or broken; the text says which and what would be right."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint as read: its network with the averaged weights, and meta.json."""

    network: Network
    meta: Meta


def steps(run: Path) -> list[int]:
    """The steps of a run's checkpoints, ascending."""
    names = [path.name for path in (run / "checkpoints").glob("[0-9]*")]
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def latest(run: Path) -> Path | None:
    """The newest checkpoint of a run whose meta.json can be read and whose weights are there, or None."""
    folder = run / "checkpoints"
    try:
        pointed = (folder / "latest").read_text("ascii").strip()
    except (OSError, ValueError):
        pointed = ""
    names = [pointed] if pointed.isdecimal() else []
    for name in [*names, *(str(step) for step in reversed(steps(run)))]:
        if _looks_whole(folder / name):
            return folder / name
    return None


def _looks_whole(path: Path) -> bool:
    try:
        read_meta(path)
        return (path / "model.safetensors").stat().st_size > 0
    except (CheckpointError, OSError):
        return False


def set_aside(path: Path) -> Path:
    """Renames a checkpoint that cannot be read to `STEP.broken`; nothing is deleted."""
    names = [f"{path.name}.broken", *(f"{path.name}.broken-{n}" for n in range(2, 1000))]
    target = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    path.rename(target)
    return target


def named(text: str) -> bool:
    """Whether a player's name means a checkpoint: a path that is there, or `pretrained:GAME`."""
    return text.startswith(pretrained.PREFIX) or is_there(text)


def resolve(path: Path) -> Path:
    """The checkpoint meant by a checkpoint, a run directory, its checkpoints folder, or `pretrained:GAME`."""
    if str(path).startswith(pretrained.PREFIX):
        shipped = pretrained.path_of(str(path))
        if shipped is None:
            raise CheckpointError(f"{path}: no such network; there are: {', '.join(pretrained.games()) or 'none'}")
        return shipped
    if not is_there(path):
        raise CheckpointError(f"{path}: no such checkpoint or run directory")
    if (path / "meta.json").exists():
        return path
    for run in (path, path.parent):
        if run / "checkpoints" == path or run == path:
            newest = latest(run)
            if newest is not None:
                return newest
    raise CheckpointError(f"{path}: no checkpoint here (a checkpoint holds model.safetensors and meta.json)")


def read_meta(path: Path) -> Meta:
    """A checkpoint's meta.json."""
    try:
        meta = read_json(path / "meta.json")
    except UserError as error:
        raise CheckpointError(str(error)) from error
    if not isinstance(meta, dict):
        raise CheckpointError(f"{path / 'meta.json'}: an object with game, network, steps ... is expected")
    for key, kind in META.items():
        if key not in meta:
            raise CheckpointError(f"{path / 'meta.json'}: '{key}' is missing")
        if not isinstance(meta[key], kind) or isinstance(meta[key], bool):
            raise CheckpointError(f"{path / 'meta.json'}: '{key}' is of the wrong type")
    play = meta.get("play", {})
    try:
        check(play)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path / 'meta.json'}: 'play' must be settings of a search by name: {str(error).removeprefix('search: ')}"
        ) from error
    temperature = meta.get("value_temperature", 1.0)
    if not isinstance(temperature, (int, float)) or temperature is True or not 0.01 <= temperature <= 100.0:
        raise CheckpointError(f"{path / 'meta.json'}: 'value_temperature' must be a number from 0.01 to 100")
    return cast("Meta", meta)


def find(name: str) -> tuple[Path, Meta]:
    """The checkpoint that a player's name means, and its meta.json. CheckpointError where there is none."""
    folder = resolve(Path(name))
    return folder, read_meta(folder)


def meta_of(name: str) -> Meta | None:
    """What the checkpoint of a player's name says of itself; None where the name means another kind of player."""
    return find(name)[1] if named(name) else None


def load(path: Path) -> Loaded:
    """Reads a checkpoint. CheckpointError names what is missing, broken, or does not fit."""
    from safetensors.torch import load_file

    from alphazero.network import from_description

    meta = read_meta(path)
    file = path / "model.safetensors"
    try:
        network = from_description(meta["network"])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path / 'meta.json'}: 'network' does not describe a network of this version: {error}"
        ) from error
    try:
        weights = load_file(file)
    except FileNotFoundError as error:
        raise CheckpointError(f"{file}: the weights are missing") from error
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file}: the weights are cut short or damaged ({error})") from error
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{file}: these weights do not fit the network that meta.json describes") from error
    for name, tensor in weights.items():
        if not bool(tensor.isfinite().all()):
            raise CheckpointError(
                f"{file}: the weights of {name} are no numbers (NaN or infinity); take an earlier checkpoint"
            )
    return Loaded(network.eval(), meta)


def load_trainer(path: Path) -> TrainerState:
    """The trainer's state of a checkpoint."""
    import torch  # it takes a second: not where only a checkpoint's description is read

    file = path / "trainer.pt"
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{file}: the trainer's state is missing; this checkpoint can play but not go on training"
        ) from error
    except Exception as error:  # what unpickling makes of damaged bytes can be any of them
        raise CheckpointError(f"{file}: the trainer's state is cut short or damaged") from error
    if not isinstance(state, dict) or not {"steps", "network", "averaged", "optimizer"} <= state.keys():
        raise CheckpointError(f"{file}: this is no trainer's state")
    return cast("TrainerState", state)


def save(run: Path, trainer: Trained, meta: Meta) -> Path:
    """Writes checkpoints/STEP of a run, whole or not at all, then points `latest` to it."""
    import torch
    from safetensors.torch import save as to_safetensors

    folder = run / "checkpoints"
    target = folder / str(trainer.steps)
    temporary = folder / f"{trainer.steps}.tmp"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in trainer.averaged.state_dict().items()}
        state = io.BytesIO()
        torch.save(trainer.state_dict(), state)
        files = {
            "model.safetensors": to_safetensors(weights),
            "trainer.pt": state.getvalue(),
            "meta.json": (json.dumps({**meta, "network": trainer.network.describe()}, indent=1) + "\n").encode(),
        }
        for name, data in files.items():  # written here, not by the libraries: they do not say that a disk is full
            with (temporary / name).open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
        if target.exists():  # the same step again, after a crash: the new one is as good
            shutil.rmtree(target)
        temporary.rename(target)
        pointer = folder / "latest.tmp"
        pointer.write_text(f"{trainer.steps}\n")
        pointer.replace(folder / "latest")
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointError(f"{target}: cannot write the checkpoint: {error.strerror or error}") from error
    for older in steps(run)[:-2]:  # only the newest two can be resumed from: optimiser states are twice the weights
        (folder / str(older) / "trainer.pt").unlink(missing_ok=True)
    return target
