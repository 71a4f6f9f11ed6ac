"""The files of a run directory.

| name | holds |
|---|---|
| config.yaml | the configuration that the run was last begun or resumed with |
| checkpoints/STEP/ | weights, their description, and what training needs to go on (alphazero.checkpoint) |
| replay/ | finished games; games of a variant in a folder of its own (alphazero.training.replay) |
| log.jsonl | a JSON line of figures every 15 seconds |
| tb/ | the same figures for TensorBoard |
| rating/ | results of rating games |
| elo.json, elo.png, report.html | the ratings of its checkpoints |
| lock | held by the process that trains |
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alphazero.errors import UserError
from alphazero.files import writing


@dataclass(frozen=True)
class RunDirectory:
    """The directory of a run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def replay(self) -> Path:
        return self.path / "replay"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tb"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def rating(self) -> Path:
        return self.path / "rating"

    def checkpoint(self, step: int) -> Path:
        """The folder of one checkpoint."""
        return self.checkpoints / str(step)

    def append_to_log(self, line: Mapping[str, object]) -> None:
        """Adds an object to log.jsonl."""
        with writing(self.log), self.log.open("a") as file:
            file.write(json.dumps(line) + "\n")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Holds the directory, so that two processes never write into one run. UserError where another one does."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / "lock").open("w")
        except OSError as error:
            raise UserError(f"{self.path}: cannot write the run directory: {error.strerror}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(
                    f"{self.path}: another process is training in this run directory; stop it first"
                ) from error
            yield
