"""The other end of UCI: an engine in a process of its own, told what to do.

Our own and not python-chess's client, because the same one serves chess, Gardner minichess and shogi. Every wait has an end:
an engine that hangs, dies or talks nonsense raises EngineError with its name and its last words.
"""

from __future__ import annotations

import contextlib
import queue
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass, field

from alphazero.errors import UserError

START_SECONDS = 60.0  # an engine may load a large network before it answers
GRACE_SECONDS = 5.0  # past its clock before a thinking engine counts as hung


class EngineError(Exception):
    """The engine died, hung or broke the protocol; the text names it."""


@dataclass(frozen=True)
class EngineSpec:
    """`COMMAND{Name=value; nodes=100}`: a command line, options of the engine, and fixed limits for its searches.

    Limits are nodes, depth and movetime (milliseconds); all other names are options of the engine.
    """

    command: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> EngineSpec:
        command, brace, rest = text.partition("{")
        if brace and not rest.rstrip().endswith("}"):
            raise UserError(f"{text}: the options end with a brace: COMMAND{{Skill Level=0; nodes=100}}")
        options: dict[str, str] = {}
        limits: dict[str, int] = {}
        for item in filter(None, (each.strip() for each in rest.rstrip().removesuffix("}").split(";"))):
            name, equals, value = (part.strip() for part in item.partition("="))
            if not equals or not name:
                raise UserError(f"{text}: expected NAME=VALUE in the braces, got '{item}'")
            if name in ("nodes", "depth", "movetime"):
                if not value.isdigit() or int(value) < 1:
                    raise UserError(f"{text}: {name} must be a number >= 1, got '{value}'")
                limits[name] = int(value)
            else:
                options[name] = value
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise UserError(f"{text}: {error}") from error
        if not words:
            raise UserError(f"{text}: a command is missing, as in uci:stockfish")
        return EngineSpec(words, options, limits)


@dataclass(frozen=True)
class Reply:
    """A move and what the engine said of it, from its own side."""

    move: str
    value: float | None = None  # centipawns, or None where it said nothing or a mate
    mate: int | None = None
    depth: int | None = None
    nodes: int | None = None


class UciClient:
    """One engine process that speaks UCI. Close it, or use it as a context manager."""

    def __init__(self, spec: EngineSpec):
        self.spec = spec
        self.name = spec.command[0]
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._last = ""
        try:
            self._process = subprocess.Popen(
                spec.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                bufsize=1,
            )
        except OSError as error:
            raise UserError(f"{shlex.join(spec.command)}: cannot start this engine: {error.strerror}") from error
        threading.Thread(target=self._read, daemon=True).start()
        self.options: set[str] = set()
        self._handshake()

    def __enter__(self) -> UciClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handshake(self) -> None:
        self._send("uci")
        for line in self._until("uciok", START_SECONDS):
            if line.startswith("id name "):
                self.name = line.removeprefix("id name ").strip()
            elif line.startswith("option name "):
                self.options.add(line.removeprefix("option name ").split(" type ")[0].strip())
        for name, value in self.spec.options.items():
            if name not in self.options:
                self.close()
                raise UserError(f"{self.name}: no option '{name}'; it has {', '.join(sorted(self.options))}")
            self._send(f"setoption name {name} value {value}")
        self.ready()

    def ready(self) -> None:
        self._send("isready")
        self._until("readyok", START_SECONDS)

    def set_option(self, name: str, value: str) -> None:
        """Sets an option that the engine has; UserError where it lacks it."""
        if name not in self.options:
            raise UserError(f"{self.name}: this game needs the option {name}, which the engine lacks")
        self._send(f"setoption name {name} value {value}")

    def new_game(self) -> None:
        self._send("ucinewgame")
        self.ready()

    def play(self, start: str, moves: list[str], limits: dict[str, int], seconds: float) -> Reply:
        """The engine's move after `moves` from `start` (FEN; "" is the start position).

        limits: words of `go` with numbers, the spec's own limits on top. seconds: how long it may take before it is called
        hung (a grace period is added).
        """
        place = f"position fen {start}" if start else "position startpos"
        self._send(place + (f" moves {' '.join(moves)}" if moves else ""))
        words = self.spec.limits or limits
        self._send("go " + " ".join(f"{name} {value}" for name, value in words.items()))
        value: float | None = None
        mate: int | None = None
        numbers: dict[str, int] = {}
        for line in self._until("bestmove", seconds + GRACE_SECONDS):
            parts = line.split()
            if parts[:1] == ["info"] and "score" in parts and ("multipv" not in parts or "multipv 1" in line):
                kind, number = parts[parts.index("score") + 1 : parts.index("score") + 3]
                with contextlib.suppress(ValueError):
                    value, mate = (float(number), None) if kind == "cp" else (None, int(number))
                for word in ("depth", "nodes"):
                    if word in parts[:-1] and parts[parts.index(word) + 1].isdigit():
                        numbers[word] = int(parts[parts.index(word) + 1])
            if parts[:1] == ["bestmove"]:
                if len(parts) < 2:
                    raise EngineError(f"{self.name}: bestmove without a move")
                return Reply(parts[1], value, mate, numbers.get("depth"), numbers.get("nodes"))
        raise EngineError(f"{self.name}: no bestmove")

    def close(self) -> None:
        """Ends the process: politely, then by force."""
        with contextlib.suppress(EngineError, OSError, ValueError):
            self._send("quit")
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # --- the wire ---

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip())
        self._lines.put(None)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise EngineError(f"{self.name}: the engine has ended (last said: '{self._last}')") from error

    def _until(self, first_word: str, seconds: float) -> list[str]:
        """The engine's lines up to the one that begins with this word."""
        end = time.monotonic() + seconds
        lines = []
        while True:
            try:
                line = self._lines.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                self._process.kill()
                raise EngineError(
                    f"{self.name}: no {first_word} within {seconds:.0f} seconds (last said: '{self._last}')"
                ) from None
            if line is None:
                raise EngineError(f"{self.name}: the engine has ended (last said: '{self._last}')")
            self._last = line
            lines.append(line)
            if line.split()[:1] == [first_word]:
                return lines
