"""Shared by the tests: an engine of ours in this process, or any of our programs in one of its own, spoken to line by line."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
import time

import alphazero as az
from alphazero.player import Player
from alphazero.protocols.engine import EngineLoop


class Dialogue:
    """An engine in this process, with its standard input and output in our hands."""

    def __init__(self, engine_class: type[EngineLoop], game: str, **settings):
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.out: queue.Queue[str] = queue.Queue()
        self.engine = engine_class(Player("uniform", az.Game(game), **settings))
        self.thread = threading.Thread(target=self.engine.serve, args=(iter(self.lines.get, None), self))
        self.thread.start()

    def write(self, text: str) -> None:
        self.out.put(text.rstrip("\n"))

    def flush(self) -> None:
        pass

    def send(self, *lines: str) -> None:
        for line in lines:
            self.lines.put(line)

    def until(self, start: str, seconds: float = 20.0) -> list[str]:
        """The engine's lines up to the first that begins so."""
        seen = []
        end = time.monotonic() + seconds
        while True:
            line = self.out.get(timeout=max(0.01, end - time.monotonic()))
            seen.append(line)
            if line.startswith(start):
                return seen

    def answers(self, count: int = 1) -> list[str]:
        """The next answers to `go`; then the engine has nothing more to say."""
        found = [self.until("bestmove")[-1] for _ in range(count)]
        self.send("isready")
        assert not [line for line in self.until("readyok") if line.startswith("bestmove")]
        return found

    def refuses(self, line: str, named: str) -> None:
        """Sends a line whose one answer is an error that names what is wrong."""
        self.send(line)
        answer = self.until("info string error")
        assert len(answer) == 1 and named in answer[0], (line, answer)

    def close(self) -> None:
        self.lines.put("quit")
        self.lines.put(None)
        self.thread.join(20)
        assert not self.thread.is_alive()


def fields(info: str) -> dict[str, str]:
    """The words of an info line by name; `pv` takes the rest."""
    words = info.split()
    out = {}
    i = 1
    while i < len(words):
        if words[i] == "pv":
            out["pv"] = " ".join(words[i + 1 :])
            break
        width = {"score": 2, "wdl": 3}.get(words[i], 1)
        out[words[i]] = " ".join(words[i + 1 : i + 1 + width])
        i += 1 + width
    return out


class Program:
    """A program of ours, or Python code, spoken to as GUIs do: every wait has an end, and nothing it says is dropped."""

    def __init__(self, *arguments: str, code: str = "", environment: dict[str, str] | None = None):
        self.process = subprocess.Popen(
            [sys.executable, *(["-c", code] if code else ["-m", "alphazero"]), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.lines: queue.Queue[str | None] = queue.Queue()  # None: its output has ended
        self.said: list[str] = []  # all that it has written and we have read
        self.complaints: list[str] = []
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_complaints)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def _read_complaints(self) -> None:
        self.complaints.extend(self.process.stderr)

    def send(self, *lines: str) -> None:
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def line(self, seconds: float = 20.0) -> str | None:
        """Its next line; None at the end of its output."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"nothing within {seconds} s after {self.said[-3:]} {self.complaints}") from None
        if line is not None:
            self.said.append(line)
        return line

    def until(self, start: str, seconds: float = 20.0) -> list[str]:
        """Its lines up to the first that begins so."""
        seen = []
        end = time.monotonic() + seconds
        while True:
            line = self.line(max(0.01, end - time.monotonic()))
            assert line is not None, f"the program ended before {start}: {self.complaints}"
            seen.append(line)
            if line.startswith(start):
                return seen

    def rest(self, seconds: float = 20.0) -> list[str]:
        """All it says until it has ended."""
        seen = []
        while (line := self.line(seconds)) is not None:
            seen.append(line)
        return seen

    def ended(self, seconds: float = 20.0) -> int:
        """Waits so long for its end; the exit status. All its complaints are in then."""
        status = self.process.wait(seconds)
        self._readers[1].join()
        return status

    def quit(self, seconds: float = 20.0) -> list[str]:
        """Tells it to go and waits so long for that; what it still said."""
        self.send("quit")
        assert self.ended(seconds) == 0
        return self.rest()
