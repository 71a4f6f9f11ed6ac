"""Lines in, lines out: what UCI and USI do with a line before and after a command carries it out.

A command is found by its word in a table. A line that makes no sense is answered by `info string error: ...`, and so is a fault
of ours: neither ends the engine. The search's thread writes, too, so that groups of lines are kept together.
"""

from __future__ import annotations

import io
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, TextIO

from alphazero.protocols.options import ProtocolError
from alphazero.text import clean

LONGEST_ERROR = 1000  # characters of an error's line: what a GUI sent may have megabytes

Commands = dict[str, Callable[[list[str]], None]]  # each gets the words that follow it


class LineLoop(ABC):
    """Reads lines, looks up their commands, writes the answers, all of them into the log, if there is one."""

    name: ClassVar[str]  # of the protocol, as the command line has it

    def __init__(self, log: TextIO | None):
        self.log = log
        self.done = False
        self.commands: Commands = {}
        self._out: TextIO = sys.stdout
        self._write_lock = threading.Lock()

    @abstractmethod
    def stop(self, words: list[str]) -> None:
        """Ends a search under way soon, without waiting for it."""

    @abstractmethod
    def finish(self, patiently: bool = False) -> None:
        """Ends a search under way, and waits until it has answered."""

    def serve(self, lines: Iterable[str], out: TextIO) -> None:
        """Answers commands until `quit` or the end of input; a search that still runs then gets its bestmove."""
        self._out = out
        if isinstance(lines, io.TextIOWrapper):  # bytes that are no text are a bad command, not the end of the engine
            lines.reconfigure(errors="replace")
        try:
            for line in lines:
                self.answer(line)
                if self.done:
                    break
            self.finish(patiently=not self.done)
        except BaseException:  # Ctrl-C: no search is left running while the process ends
            self.finish()
            raise

    def answer(self, line: str) -> None:
        """Carries out one line. Unknown words before a command are skipped, as the specification asks."""
        words = line.split()
        if not all(map(str.isprintable, words)):
            words = "".join(c if c.isprintable() else " " for c in line).split()
        self._note(f"> {' '.join(words)}")
        known = next((i for i, word in enumerate(words) if word.lower() in self.commands), None)
        if known is None:
            if words:
                self.complain(f"unknown command '{words[0][:40]}'; `{self.name}` shows what there is")
            return
        try:
            self.commands[words[known].lower()](words[known + 1 :])
        except ProtocolError as error:
            self.complain(str(error))
        except Exception as error:  # an internal error must not end a game that is being played
            print(f"alphazero {self.name}: {words[known]}: {error!r}", file=sys.stderr)
            self.complain(f"internal: {error}")

    def complain(self, text: str) -> None:
        """Says what is wrong, in one line of bounded length."""
        self.say(f"info string error: {clean(text, LONGEST_ERROR)}")

    def say(self, *lines: str) -> None:
        try:
            with self._write_lock:
                for line in lines:
                    self._out.write(line + "\n")
                self._out.flush()
        except BrokenPipeError:  # the GUI is gone: whatever thread finds out, there is nothing to go on for
            self.done = True
            self.stop([])
            return
        for line in lines:
            self._note(f"< {line}")

    def _note(self, text: str) -> None:
        if self.log is not None:
            self.log.write(text + "\n")
            self.log.flush()
