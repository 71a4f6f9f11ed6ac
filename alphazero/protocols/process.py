"""An engine's process and its lines. Its guard (guard.py) ends it with us, however we end; what it writes never fills our memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

GUARD = str(Path(__file__).with_name("guard.py"))
LONGEST_LINE = 1 << 16  # bytes; the rest of a longer line is dropped
MOST_BYTES = 1 << 24  # of lines that nobody has read yet: beyond that the oldest go


class EngineProcess:
    """A command with pipes at its standard streams; all it started ends with it. OSError where it cannot be started."""

    def __init__(self, command: Sequence[str]):
        self.last = ""  # the last line it wrote, of those that were read
        self.complaint = ""  # the last line on its standard error
        self._lines: deque[str] = deque()
        self._bytes = 0
        self._ended = False
        self._change = threading.Condition()  # of the three above
        lifeline, alive = os.pipe()
        started, starting = os.pipe()
        self._alive = os.fdopen(alive, "wb", buffering=0)  # closed by us, or with us: the guard ends the engine
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", GUARD, str(lifeline), str(starting), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(lifeline, starting),
                start_new_session=True,  # a Ctrl-C is meant for the match
            )
        except BaseException:
            self._alive.close()
            os.close(started)
            raise
        finally:
            os.close(lifeline)
            os.close(starting)
        with os.fdopen(started, "rb") as file:
            failure = file.read()
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_complaints, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        if failure:
            self.end(0)
            raise OSError(int(failure), os.strerror(int(failure)), command[0])

    def write(self, line: str) -> None:
        """OSError or ValueError where the engine is gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode(errors="replace") + b"\n")
        self._process.stdin.flush()

    def line(self, end: float) -> str | None:
        """Its next line; None when time.monotonic() has reached `end`, however much it still says; EOFError: it has ended."""
        with self._change:
            while not self._lines and not self._ended:
                if (left := end - time.monotonic()) <= 0:
                    return None
                self._change.wait(left)
            if time.monotonic() >= end:
                return None
            if not self._lines:
                raise EOFError
            line = self._lines.popleft()
            self._bytes -= len(line) + 1
        self.last = line or self.last
        return line

    def drop_lines(self) -> None:
        """Forgets what it said so far."""
        with self._change:
            self._lines.clear()
            self._bytes = 0

    def status(self, seconds: float = 0.0) -> int | None:
        """Its exit status, 137 where it was killed; None: it runs on."""
        try:
            status = self._process.wait(seconds) if seconds else self._process.poll()
        except subprocess.TimeoutExpired:
            return None
        if status is not None:
            self._readers[1].join(timeout=1)  # its last words on the standard error
        return status

    def kill(self) -> None:
        """Ends it and all it started, without waiting for that."""
        self._alive.close()

    def end(self, seconds: float) -> None:
        """Waits so long for it to end, then kills; returns when it is gone."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:  # the guard itself hangs or was stopped: the engine ends with it
                self._process.kill()
                self._process.wait()
        self.kill()
        for reader in self._readers:
            reader.join(timeout=1)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # a last line that nobody reads
                assert pipe is not None
                pipe.close()

    def _read(self) -> None:
        for line in _lines(self._process.stdout):
            with self._change:
                self._lines.append(line)
                self._bytes += len(line) + 1
                while self._bytes > MOST_BYTES:
                    self._bytes -= len(self._lines.popleft()) + 1
                self._change.notify()
        with self._change:
            self._ended = True
            self._change.notify_all()

    def _read_complaints(self) -> None:
        for line in _lines(self._process.stderr):
            self.complaint = line.strip() or self.complaint


def _lines(pipe: IO[bytes] | None) -> Iterator[str]:
    """The lines of a pipe: bytes that are no UTF-8 become U+FFFD, what is beyond LONGEST_LINE is dropped."""
    assert pipe is not None
    whole = True
    with contextlib.suppress(OSError, ValueError):  # closed under us
        while data := pipe.readline(LONGEST_LINE):
            begins, whole = whole, data.endswith(b"\n")
            if begins:
                yield data.decode(errors="replace").rstrip()
