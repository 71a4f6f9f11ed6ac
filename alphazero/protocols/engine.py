"""The engine loop that UCI and USI share: lines in, a position, options, at most one search, lines out.

A dialect (uci.py, usi.py) is a subclass that says what differs: names of commands and options, how a position is written, how a
score is told, what is answered where there is nothing to search. The search runs while commands are read. A line that makes no
sense is answered by `info string error: ...` and changes nothing; every `go` gets exactly one answer.
"""

from __future__ import annotations

import io
import math
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TextIO

from alphazero._core import Position
from alphazero.player import NetworkPlayer, Player, load
from alphazero.protocols.analysis import Analysis, Limits
from alphazero.protocols.clock import Clock
from alphazero.search import MoveStats, SearchResult


class ProtocolError(Exception):
    """A command that makes no sense; its text goes to the GUI as `info string error: ...`."""


@dataclass(frozen=True)
class Option:
    """One option of an engine as both protocols list and set it. apply gets a bool, an int, a float or a text."""

    name: str
    kind: str  # check, spin, string, number (a string to GUIs), combo, button
    default: object
    apply: Callable[[Any], None]
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        if self.kind == "button":
            return f"option name {self.name} type button"
        default = str(self.default).lower() if self.kind == "check" else self.default
        text = f"option name {self.name} type {'string' if self.kind == 'number' else self.kind} default {default}"
        if self.kind == "spin":
            text += f" min {self.low} max {self.high}"
        return text + "".join(f" var {choice}" for choice in self.choices)

    def set(self, value: str) -> None:
        """Checks a value and applies it. ProtocolError says what would be right."""
        match self.kind:
            case "check":
                if value.lower() not in ("true", "false"):
                    raise ProtocolError(f"{self.name} must be true or false, got '{value}'")
                self.apply(value.lower() == "true")
            case "spin":
                if not (value.isascii() and value.isdigit() and self.low <= int(value) <= self.high):
                    raise ProtocolError(f"{self.name} must be a whole number in {self.low}..{self.high}, got '{value}'")
                self.apply(int(value))
            case "number":
                try:
                    number = float(value)
                except ValueError:
                    number = math.nan
                if not self.low <= number <= self.high:
                    raise ProtocolError(f"{self.name} must be a number in {self.low}..{self.high}, got '{value}'")
                self.apply(number)
            case "combo":
                if value not in self.choices:
                    raise ProtocolError(f"{self.name} must be {' or '.join(self.choices)}, got '{value}'")
                self.apply(value)
            case _:
                self.apply(value)


class EngineLoop(ABC):
    """The engine behind a protocol.

    simulations: what a bare `go` searches, for players whose strength is a number of simulations; None: without bound.
    """

    name: ClassVar[str]  # of the protocol, as the command line has it
    place_word: ClassVar[str]  # before a position's text: fen, sfen
    sides: ClassVar[str]  # letters of the two clocks, first player first
    clock_words: ClassVar[frozenset[str]]
    bytes_a_simulation: ClassVar[int]  # of the tree, at the game's usual number of legal moves

    def __init__(
        self, player: Player, *, device: str = "auto", simulations: int | None = None, log: TextIO | None = None
    ):
        self.player = player.with_options(max_plies=0) if player.game.options["max_plies"] else player
        self.device = device
        self.simulations = simulations
        self.log = log
        self.position: Position = self.player.game.position()
        self.analysis: Analysis | None = None
        self.done = False
        self.ponder = False
        self.multi_pv = 1
        self.hash_mb = 256
        self.overhead_seconds = 0.1
        self._out: TextIO = sys.stdout
        self._write_lock = threading.Lock()
        self.commands: dict[str, Callable[[list[str]], None]] = {
            self.name: lambda words: self.say(*self.handshake()),
            "isready": lambda words: self.say("readyok"),
            f"{self.name}newgame": self.new_game,
            "setoption": self.setoption,
            "position": self.set_position,
            "go": self.go,
            "stop": self.stop,
            "ponderhit": self.ponderhit,
            "quit": self.quit,
        }

    # --- what a dialect says ---

    @abstractmethod
    def handshake(self) -> list[str]:
        """The answer to the protocol's own name."""

    @abstractmethod
    def options(self) -> list[Option]: ...

    @abstractmethod
    def score(self, result: SearchResult, move: MoveStats, value: float) -> str:
        """The words from `score` on for one root move; value is its Q, or the root's value for a move without visits."""

    @abstractmethod
    def fresh(self, position: Position) -> str:
        """The text of the position without its history: one that the rules call drawn is played on from there."""

    @abstractmethod
    def nothing_to_search(self, position: Position, limits: Limits) -> list[str]:
        """The answer where the game is over: lines with a bestmove."""

    def report(self, result: SearchResult, limits: Limits) -> list[str]:
        """The answer of a search that has ended: lines with a bestmove."""
        reply = result.pv[1] if len(result.pv) > 1 else None
        return [f"bestmove {result.best_move}" + (f" ponder {reply}" if reply else "")]

    def before_search(self, position: Position) -> None:
        """Called by `go`, before a position is searched."""
        return None

    # --- the wire ---

    def serve(self, lines: Iterable[str], out: TextIO) -> None:
        """Answers commands until `quit` or the end of input; a search that still runs then gets its bestmove."""
        self._out = out
        if isinstance(lines, io.TextIOWrapper):  # bytes that are no text are a bad command, not the end of the engine
            lines.reconfigure(errors="replace")
        for line in lines:
            self.answer(line)
            if self.done:
                break
        self.finish(patiently=not self.done)

    def answer(self, line: str) -> None:
        """Carries out one line. Unknown words before a command are skipped, as the specification asks."""
        words = "".join(c if c.isprintable() else " " for c in line).split()
        self._note(f"> {' '.join(words)}")
        known = next((i for i, word in enumerate(words) if word in self.commands), None)
        if known is None:
            if words:
                self.say(f"info string error: unknown command '{words[0][:40]}'; `{self.name}` shows what there is")
            return
        try:
            self.commands[words[known]](words[known + 1 :])
        except ProtocolError as error:
            self.say(f"info string error: {error}")
        except Exception as error:  # a fault of ours must not end a game that is being played
            print(f"alphazero {self.name}: {words[known]}: {error!r}", file=sys.stderr)
            self.say(f"info string error: internal: {' '.join(str(error).split())}")

    def say(self, *lines: str) -> None:
        with self._write_lock:
            for line in lines:
                self._out.write(line + "\n")
            self._out.flush()
        for line in lines:
            self._note(f"< {line}")

    def _note(self, text: str) -> None:
        if self.log is not None:
            self.log.write(text + "\n")
            self.log.flush()

    # --- options ---

    def setoption(self, words: list[str]) -> None:
        if not words or words[0] != "name":
            raise ProtocolError("setoption: expected `setoption name NAME [value VALUE]`")
        split = words.index("value") if "value" in words else len(words)
        name, value = " ".join(words[1:split]), " ".join(words[split + 1 :])
        self.finish()
        for option in self.options():
            if option.name.lower() == name.lower():
                option.set(value)
                return
        raise ProtocolError(f"unknown option '{name}'; `{self.name}` lists them")

    def search_options(self) -> list[Option]:
        """What both dialects can set, under the same names."""
        import torch

        settings = self.player.settings
        flatter = self.player.search_settings().get("policy_temperature", 1.0)

        def keep(key: str) -> Callable[[Any], None]:
            return lambda value: settings.__setitem__(key, value)

        return [
            Option("Threads", "spin", torch.get_num_threads(), torch.set_num_threads, 1, 256),
            Option("MultiPV", "spin", 1, lambda value: setattr(self, "multi_pv", value), 1, 256),
            Option("WeightsFile", "string", self.player.name, self._load),
            Option("Search", "combo", settings.get("kind", "puct"), keep("kind"), choices=("puct", "gumbel")),
            Option("MinibatchSize", "spin", settings["batch_size"], keep("batch_size"), 1, 1024),
            Option("CPuct", "number", f"{settings.get('c_init', 1.25):g}", keep("c_init"), 0, 100),
            Option("FpuReduction", "number", f"{settings.get('fpu_value', 0.2):g}", keep("fpu_value"), 0, 100),
            Option("PolicyTemperature", "number", f"{flatter:g}", keep("policy_temperature"), 0.1, 10),
        ]

    def use(self, player: Player) -> None:
        """Plays on with another player; the position is the start of its game."""
        self.player = player
        self.position = player.game.position()

    def _load(self, name: str) -> None:
        game = self.player.game
        settings = {key: value for key, value in self.player.settings.items() if key != "simulations"}
        try:
            self.use(load(name, self.device, game=game, **settings))
        except (ValueError, OSError) as error:
            raise ProtocolError(f"WeightsFile: {str(error).splitlines()[0]}") from error

    # --- the game ---

    def new_game(self, words: list[str]) -> None:
        self.finish()
        self.player.forget()
        self.position = self.player.game.position()

    def set_position(self, words: list[str]) -> None:
        game = self.player.game
        split = words.index("moves") if "moves" in words else len(words)
        place, moves = words[:split], words[split + 1 :]
        if place == ["startpos"]:
            position = game.position()
        elif place[:1] == [self.place_word] and len(place) > 1:
            try:
                position = game.position(" ".join(place[1:]))
            except ValueError as error:
                raise ProtocolError(f"position: {error}") from error
        else:
            raise ProtocolError(
                f"position: expected `position startpos | {self.place_word} {self.place_word.upper()} [moves ...]`"
            )
        for move in moves:
            try:
                position.play(move)
            except ValueError as error:
                raise ProtocolError(f"position: move {error}; the position stays as it was") from error
        self.position = position

    def go(self, words: list[str]) -> None:
        limits = self.limits(words)
        self.finish(patiently=True)
        position = self.position.copy()
        moves = position.legal_moves()
        if position.outcome is not None and moves:
            position = self.player.game.position(self.fresh(position))
        unknown = [move for move in limits.only if move not in moves]
        if unknown:
            raise ProtocolError(f"go: searchmoves: '{unknown[0]}' is not legal here")
        if position.outcome is None:
            self.before_search(position)
        self.analysis = Analysis(
            self.player,
            position,
            limits,
            self._info,
            lambda result, seconds: self._done(result, seconds, position, limits),
            most_simulations=max(1000, self.hash_mb * 2**20 // self.bytes_a_simulation),
            simulations=self.simulations,
        )
        self.analysis.start()

    def limits(self, words: list[str]) -> Limits:
        """The words of `go`."""
        numbers: dict[str, int] = {}
        only: list[str] = []
        flags = set()
        number_words = self.clock_words | {"depth", "nodes", "mate", "movetime"}
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word in ("infinite", "ponder"):
                flags.add(word)
            elif word == "searchmoves":
                while rest and rest[0] not in number_words | {"infinite", "ponder"}:
                    only.append(rest.pop(0))
            elif word in number_words:
                value = rest.pop(0) if rest else ""
                if not value.lstrip("-").isdigit() or not value.isascii():
                    raise ProtocolError(f"go: {word} needs a number, got '{value}'")
                numbers[word] = int(value)
            else:
                raise ProtocolError(f"go: unknown word '{word}'")
        mine = self.sides[self.position.turn]
        clock = None
        if f"{mine}time" in numbers or "byoyomi" in numbers:
            seconds_of = {word: max(0.0, numbers.get(word, 0) / 1000.0) for word in self.clock_words}
            clock = Clock(
                seconds_of[f"{mine}time"],
                byoyomi_seconds=seconds_of.get("byoyomi", 0.0),
                byoyomi_moves=1 if numbers.get("byoyomi", 0) > 0 else 0,
                increment_seconds=seconds_of[f"{mine}inc"],
                moves_to_go=max(0, numbers.get("movestogo", 0)),
                margin_seconds=self.overhead_seconds,
            )
        seconds = None
        if "movetime" in numbers:
            seconds = max(0.001, numbers["movetime"] / 1000.0 - min(self.overhead_seconds, 0.02))
        limits = Limits(
            simulations=max(1, numbers["nodes"]) if "nodes" in numbers else None,
            seconds=seconds,
            clock=clock,
            depth=max(1, numbers["depth"]) if "depth" in numbers else None,
            mate=max(1, numbers["mate"]) if "mate" in numbers else None,
            infinite="infinite" in flags,
            ponder="ponder" in flags,
            only=tuple(only),
        )
        bare = limits == Limits(only=limits.only)
        return replace(limits, infinite=True) if bare and self.simulations is None else limits

    def stop(self, words: list[str]) -> None:
        if self.analysis is not None:
            self.analysis.stop()

    def ponderhit(self, words: list[str]) -> None:
        if self.analysis is not None:
            self.analysis.ponderhit()

    def quit(self, words: list[str]) -> None:
        self.done = True

    def finish(self, patiently: bool = False) -> None:
        """Ends the search under way, if there is one, with its bestmove; patiently: at its own limit, if it has one."""
        if self.analysis is not None:
            if not patiently or self.analysis.endless:
                self.analysis.stop()
            self.analysis.join()
            self.analysis = None

    # --- reports, from the search's thread ---

    def _info(self, result: SearchResult, seconds: float) -> None:
        milliseconds = round(1000 * seconds)
        most = max(1, self.hash_mb * 2**20)
        head = f"info depth {max(1, round(result.depth))} seldepth {max(1, result.max_depth)} time {milliseconds}"
        work = (
            f"nodes {result.simulations} nps {round(result.simulations / max(seconds, 1e-3))}"
            f" hashfull {min(1000, 1000 * result.tree_bytes // most)}"
        )
        best = next(m for m in result.moves if m.move == result.best_move)
        others = [m for m in result.moves if m is not best]
        lines = []
        for rank, move in enumerate([best, *others][: self.multi_pv], 1):
            pv = result.pv if move is best else self.player.line(move.move)
            value = result.value if move is best and not move.visits else move.q
            lines.append(f"{head} multipv {rank} {self.score(result, move, value)} {work} pv {' '.join(pv)}")
        self.say(*lines)

    def _done(self, result: SearchResult | None, seconds: float, position: Position, limits: Limits) -> None:
        if result is None:
            self.say(*self.nothing_to_search(position, limits))
        else:
            self._info(result, seconds)
            self.say(*self.report(result, limits))

    def describe(self) -> str:
        """One line for people, on standard error."""
        steps = f", step {self.player.meta['steps']}" if isinstance(self.player, NetworkPlayer) else ""
        return f"alphazero {self.name}: {self.player.name} plays {self.player.game.name}{steps}; `quit` ends it"
