"""Files that are whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alphazero.errors import UserError
from alphazero.text import clean


def is_there(path: str | Path) -> bool:
    """Whether there is such a file or directory; False for a text that no path can be (too long, with NUL in it)."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def read_json(path: Path) -> Any:
    """A JSON file's value; UserError in one line, with the line of the file, where it cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not valid JSON (line {error.lineno})") from error
    except (ValueError, RecursionError) as error:  # not UTF-8; a number of 5,000 digits; nested without end
        raise UserError(f"{path}: not valid JSON: {clean(str(error), 100)}") from error


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """What writes `path`; UserError names it where that fails: a full disk's error alone says no path."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror or error}") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file that is either whole or not there, whatever happens."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot write: {error.strerror}") from error
