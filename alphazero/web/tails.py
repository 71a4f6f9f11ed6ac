"""Files that another process appends to: only what is new is read, and a file that was cut or replaced is begun anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PIECE = 4 << 20  # bytes that are in memory at once
MOST_KEPT = 16 << 20  # bytes without the end of a line or of an entry, after which the file is damaged there
WITNESS = 256  # bytes before the place read to: where they have changed, it is another file

Stamp = tuple[int, int, int] | None  # of a file's content: the device's number of it, its bytes, when it was written


def stamp(path: Path) -> Stamp:
    """Two equal ones: the file has not changed. None: it is not there."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_ino, told.st_size, told.st_mtime_ns


class Tail:
    """What a file gains."""

    def __init__(self, path: Path):
        self.path = path
        self._stamp: Stamp = None
        self._at = 0  # bytes that were read
        self._witness = b""  # the last of them

    def changed(self) -> bool:
        """Whether there may be news since the last call."""
        now = stamp(self.path)
        if now == self._stamp:
            return False
        self._stamp = now
        return True

    def begun_anew(self) -> bool:
        """Whether the file was cut or replaced; it is then read from its beginning."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._at - len(self._witness))
                same = file.read(len(self._witness)) == self._witness
        except OSError:
            same = not self._at
        if not same:
            self._at, self._witness = 0, b""
        return not same

    def pieces(self) -> Iterator[bytes]:
        """What was appended, in pieces; as much as there is now, even if it grows meanwhile."""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, 2)
                file.seek(self._at)
                while self._at < end and (piece := file.read(min(PIECE, end - self._at))):
                    self._at += len(piece)
                    self._witness = (self._witness + piece)[-WITNESS:]
                    yield piece
        except OSError:  # it is gone; the next look sees it, or what took its place
            return
