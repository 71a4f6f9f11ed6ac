"""Shared by the tests of UCI and USI: an engine in this process, spoken to line by line."""

from __future__ import annotations

import queue
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
