"""GTP without the game: lines in, replies out, a table of commands, and the commands about the protocol itself."""

from __future__ import annotations

import io
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TextIO

from alphazero._core import __version__
from alphazero.protocols.gtp_words import GtpError
from alphazero.text import clean

LONGEST_ERROR = 1000  # characters of a fault's reply


class Running(ABC):
    """An answer that goes on after its first line: what an analysis prints until the next line of input."""

    ends_itself = False  # whether it is over once start() returns

    @abstractmethod
    def start(self, write: Callable[[str], None]) -> None:
        """Begins, once `=` is written."""

    @abstractmethod
    def finish(self) -> str:
        """Ends it; the end of the answer, with its blank line."""


class GtpLoop:
    """Answers lines by its commands: every method `do_NAME` is one, here and in a subclass; `__` is written `-`.

    A command gets its arguments and returns the text after `=`, or what goes on with the answer; GtpError is the reply after
    `?`. log: gets every line and its reply.
    """

    def __init__(self, log: TextIO | None):
        self.log = log
        self.done = False
        self._running: Running | None = None
        self.commands: dict[str, Callable[[list[str]], str | Running]] = {
            name.removeprefix("do_").replace("__", "-"): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }

    def serve(self, lines: Iterable[str], out: TextIO) -> None:
        """Answers commands until `quit` or the end of input."""
        if isinstance(lines, io.TextIOWrapper):  # bytes that are no text are a bad command, not the end of the engine
            lines.reconfigure(errors="replace")

        def write(text: str) -> None:
            if text and self.log is not None:
                self.log.write(text)
                self.log.flush()
            if text:
                out.write(text)
                out.flush()

        try:
            for line in lines:
                self._end_running(write)
                if self.log is not None:
                    self.log.write(f"{line.rstrip()}\n")
                write(self.answer(line))
                if self._running is None:
                    self._running = self.meanwhile()
                if self._running is not None:
                    self._start(self._running, write)
                if self.done:
                    return
        finally:
            self._end_running(write)

    def _start(self, running: Running, write: Callable[[str], None]) -> None:
        try:
            running.start(write)
        except Exception as error:  # as in answer(): it must not end a game that is being played
            print(f"alphazero gtp: {error!r}", file=sys.stderr)
            self._running = None
            write("\n")
        if running.ends_itself:
            self._end_running(write)

    def _end_running(self, write: Callable[[str], None]) -> None:
        if self._running is not None:
            running, self._running = self._running, None
            write(running.finish())

    def answer(self, line: str) -> str:
        """The reply to a line, whole with its blank line unless it goes on; "" for a line that holds no command."""
        text = "".join(c for c in line.replace("\t", " ") if c >= " " and c != "\x7f").split("#")[0].strip()
        if not text:
            return ""
        words = text.split()
        number = words.pop(0) if words[0].isascii() and words[0].isdigit() else ""
        if not words:
            return f"?{number} syntax error\n\n"
        command = self.commands.get(words[0])
        try:
            if command is None:
                raise GtpError("unknown command")
            body = command(words[1:])
        except GtpError as error:
            return f"?{number} {error}\n\n"
        except Exception as error:  # an internal error must not end a game that is being played
            print(f"alphazero gtp: {words[0]}: {error!r}", file=sys.stderr)
            return f"?{number} internal error: {clean(str(error), LONGEST_ERROR)}\n\n"
        if isinstance(body, Running):
            self._running = body
            return f"={number}\n"
        body = re.sub(r"\n\s*\n", "\n", body).rstrip()
        return f"={number} {body}\n\n" if body else f"={number}\n\n"

    def meanwhile(self) -> Running | None:
        """What goes on until the next line of input, and says nothing; None: nothing."""
        return None

    # --- administration ---

    def do_protocol_version(self, arguments: list[str]) -> str:
        return "2"

    def do_name(self, arguments: list[str]) -> str:
        return "alphazero"

    def do_version(self, arguments: list[str]) -> str:
        return __version__

    def do_known_command(self, arguments: list[str]) -> str:
        return "true" if arguments and arguments[0] in self.commands else "false"

    def do_list_commands(self, arguments: list[str]) -> str:
        return "\n".join(sorted(self.commands))

    def do_quit(self, arguments: list[str]) -> str:
        self.done = True
        return ""
