"""Files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from alphazero.errors import UserError


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
