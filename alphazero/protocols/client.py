"""The other end of UCI, USI and XBoard (and the base of GTP's, in gtp_client.py): an engine in a process of its own.

Our own and not python-chess's or cshogi's client, because the same one serves chess, Gardner minichess, shogi and minishogi. Every
wait has an end: an engine that hangs, dies or talks nonsense raises EngineError with its name and its last words.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

from alphazero.errors import UserError
from alphazero.game import Game
from alphazero.protocols.info import Info
from alphazero.protocols.process import EngineProcess
from alphazero.text import LONGEST_NAME, clean

PROTOCOLS = ("uci", "usi", "xboard", "gtp")
LIMITS = ("nodes", "depth", "movetime", "patience")
QUIT_SECONDS = 2.0  # from `quit` to the end by force
START_SECONDS = 60.0  # an engine may load a large network before it answers
GRACE_SECONDS = 5.0  # past its clock before a thinking engine counts as hung
PATIENCE_SECONDS = (
    300.0  # without a clock: a move that takes longer is a hang, where the braces say no other `patience`
)
ENDED = "the engine has ended"
MOST_LINES = 200_000  # in one reply: an engine that writes more is out of its mind


class EngineError(Exception):
    """The engine died, hung or broke the protocol; the text names it."""


@dataclass(frozen=True)
class EngineSpec:
    """`PROTOCOL:COMMAND{Name=value; nodes=100}`: a command line, options of the engine, and fixed limits for its searches.

    PROTOCOL is uci, usi, xboard or gtp. Limits are nodes, depth, movetime (milliseconds), and patience: the seconds after which
    an engine without a clock counts as hung. All other names are options of the engine.
    """

    protocol: str
    command: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> EngineSpec:
        protocol, _, rest = text.partition(":")
        if protocol not in PROTOCOLS:
            raise UserError(f"{text}: expected uci:, usi:, xboard: or gtp: before an engine's command")
        command, brace, rest = rest.partition("{")
        if brace and not rest.rstrip().endswith("}"):
            raise UserError(f"{text}: the options end with a brace: uci:COMMAND{{Skill Level=0; nodes=100}}")
        options: dict[str, str] = {}
        limits: dict[str, int] = {}
        for item in filter(None, (each.strip() for each in rest.rstrip().removesuffix("}").split(";"))):
            name, equals, value = (part.strip() for part in item.partition("="))
            if not equals or not name:
                raise UserError(f"{text}: expected NAME=VALUE in the braces, got '{item}'")
            if name in LIMITS:
                if not re.fullmatch("[0-9]{1,12}", value) or int(value) < 1:  # isdigit() holds for "²", too
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
        return EngineSpec(protocol, words, options, limits)

    @property
    def search_limits(self) -> dict[str, int]:
        """The limits that bound a search: all but patience."""
        return {name: value for name, value in self.limits.items() if name != "patience"}

    @property
    def patience(self) -> float:
        """Seconds that a move without a clock may take before the engine counts as hung."""
        return float(self.limits.get("patience", PATIENCE_SECONDS)) + self.limits.get("movetime", 0) / 1000


@dataclass(frozen=True)
class Reply:
    """A move and what the engine said of it, from its own side."""

    move: str  # or "resign"; "win" for shogi's declaration
    value: float | None = None  # centipawns, or None where it said nothing or a mate
    mate: int | None = None
    depth: int | None = None
    nodes: int | None = None


class EngineClient(ABC):
    """One engine process. Close it, or use it as a context manager."""

    def __init__(self, spec: EngineSpec):
        self.spec = spec
        self.name = clean(spec.command[0], LONGEST_NAME)
        try:
            self._process = EngineProcess(spec.command)
        except OSError as error:
            raise UserError(
                f"{clean(shlex.join(spec.command))}: cannot start this engine: {error.strerror or error}"
            ) from error
        try:
            self._handshake()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> EngineClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _handshake(self) -> None: ...

    @abstractmethod
    def set_game(self, game: Game) -> None:
        """Tells the engine which game is played, with its options; UserError where it cannot."""

    @abstractmethod
    def new_game(self) -> None:
        """Gets the engine ready for a game; EngineError where it has left."""

    @abstractmethod
    def play(self, start: str, moves: list[str], limits: dict[str, int], seconds: float) -> Reply:
        """The engine's move after `moves` from `start` (FEN, SFEN, or Go's moves; "" is the start position).

        limits: words of UCI's `go` with numbers; the spec's own limits replace them. seconds: what it has left, after which
        (and a grace period) it is called hung.
        """

    def close(self) -> None:
        """Ends the process: politely, then by force."""
        with contextlib.suppress(EngineError):
            self._send("quit")
        self._process.end(QUIT_SECONDS)

    # --- the wire ---

    def _kill(self) -> None:
        self._process.kill()

    def _send(self, line: str) -> None:
        try:
            self._process.write(line)
        except (OSError, ValueError) as error:
            raise self._error(ENDED) from error

    def _error(self, what: str) -> EngineError:
        """What went wrong, in one line that ends with the engine's last words (a dead one's on its standard error, if any)."""
        last = ""
        if what == ENDED:
            status = self._process.status(seconds=1)
            what = ENDED if status is None else f"{ENDED} with status {status}"
            last = self._process.complaint
        return EngineError(f"{self.name}: {what} (last said: '{clean(last or self._process.last, 120)}')")

    def _line(self, end: float) -> str | None:
        """The engine's next line; None when the clock (time.monotonic) has reached `end`, however much it still says."""
        try:
            return self._process.line(end)
        except EOFError:
            raise self._error(ENDED) from None

    def _until(self, first_word: str, seconds: float) -> Iterator[str]:
        """The engine's lines up to the one that begins with this word, as they come."""
        end = time.monotonic() + seconds
        for _ in range(MOST_LINES):
            line = self._line(end)
            if line is None:
                self._kill()
                raise self._error(f"no {first_word} within {seconds:.0f} seconds")
            yield line
            if line.split(maxsplit=1)[:1] == [first_word]:
                return
        self._kill()
        raise self._error(f"{MOST_LINES:,} lines and no {first_word} among them")


class UciClient(EngineClient):
    """UCI and USI, which differ in a few words."""

    def _handshake(self) -> None:
        self.options: set[str] = set()
        self._send(self.spec.protocol)
        for line in self._until(f"{self.spec.protocol}ok", START_SECONDS):
            if line.startswith("id name "):
                self.name = clean(line.removeprefix("id name "), LONGEST_NAME) or self.name
            elif line.startswith("option name "):
                self.options.add(line.removeprefix("option name ").split(" type ")[0].strip())
        for name, value in self.spec.options.items():
            if name not in self.options:
                raise UserError(f"{self.name}: no option '{name}'; it has {', '.join(sorted(self.options))}")
            self._send(f"setoption name {name} value {value}")
        self.ready()

    def ready(self) -> None:
        self._send("isready")
        for _ in self._until("readyok", START_SECONDS):
            pass

    def _set_option(self, name: str, value: str) -> None:
        if name not in self.options:
            raise UserError(f"{self.name}: this game needs the option {name}, which the engine lacks")
        self._send(f"setoption name {name} value {value}")

    def set_game(self, game: Game) -> None:
        variant = "USI_Variant" if "USI_Variant" in self.options else "UCI_Variant"
        if game.name not in ("chess", "shogi") or variant in self.options:
            self._set_option(variant, game.name)
        if game.options.get("chess960"):
            self._set_option("UCI_Chess960", "true")

    def new_game(self) -> None:
        self._send(f"{self.spec.protocol}newgame")
        self.ready()

    def play(self, start: str, moves: list[str], limits: dict[str, int], seconds: float) -> Reply:
        place = f"{'fen' if self.spec.protocol == 'uci' else 'sfen'} {start}" if start else "startpos"
        self._send(f"position {place}" + (f" moves {' '.join(moves)}" if moves else ""))
        words = self.spec.search_limits or limits
        self._send("go " + " ".join(f"{name} {value}" for name, value in words.items()))
        info = Info()
        for line in self._until("bestmove", seconds + GRACE_SECONDS):
            parts = line.split(maxsplit=2)
            if parts[:1] == ["bestmove"]:
                if len(parts) < 2:
                    raise self._error("bestmove without a move")
                return Reply(parts[1], info.value, info.mate, info.depth, info.nodes)
            info.read(line)
        raise self._error("no bestmove")


class XboardClient(EngineClient):
    """XBoard's protocol (Mann and Muller), version 2 and, for gnushogi 1.4.2, what was spoken before it had numbers.

    Old engines think as long as their own command line says, and begin at the start position only.
    """

    MOVE = re.compile(r"^move (\S+)|\d+\. \.\.\. (\S+)")  # the old form stands behind a prompt
    END = re.compile(r"^(?:tellics )?resign\b|mates!|^(?:1-0|0-1|1/2-1/2)", re.IGNORECASE)
    TALK = re.compile(
        r"^(?:#|\d+\s+[-+]?\d+\s+\d+\s+\d+\b|tell\w+ (?!resign)|ask\w*\s|feature\s)"
    )  # says nothing of the game
    FEATURE_SECONDS = 2.0  # as the protocol has it: an engine that is silent so long knows no features

    def _handshake(self) -> None:
        self._known: list[str] | None = None  # the game as the engine has it; None: it has to be told from the start
        self.features: dict[str, str] = {}
        if self.spec.options:
            raise UserError(f"{self.name}: XBoard engines are set up on their command line, not in braces")
        self._send("xboard")
        self._send("protover 2")
        end = time.monotonic() + self.FEATURE_SECONDS
        while self.features.get("done") != "1":
            if self.features.get("done") == "0":
                end = time.monotonic() + START_SECONDS
            line = self._line(end)
            if line is None:
                break
            for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', line.partition("feature ")[2]):
                self.features[name] = quoted or plain
        self.name = clean(self.features.get("myname", ""), LONGEST_NAME) or self.name

    def set_game(self, game: Game) -> None:
        chess960 = bool(game.options.get("chess960"))
        variant = "fischerandom" if chess960 else "normal" if game.name == "chess" else game.name
        known = self.features.get("variants", variant if not chess960 else "normal").split(",")
        if variant not in known:
            raise UserError(f"{self.name}: this engine does not play {variant}; it plays {', '.join(known)}")
        self._variant = variant

    def new_game(self) -> None:
        if self._process.status() is not None:
            raise self._error(ENDED)
        self._known = None

    def play(self, start: str, moves: list[str], limits: dict[str, int], seconds: float) -> Reply:
        if self._known is None or moves[:-1] != self._known or not self._known:
            self._tell_all(start, moves, limits, seconds)
        else:
            self._tell_clock(limits, seconds)
            self._tell_move(moves[-1])
        end = time.monotonic() + seconds + GRACE_SECONDS
        while True:
            line = self._line(end)
            if line is None:
                self._kill()
                raise self._error(f"no move within {seconds + GRACE_SECONDS:.0f} seconds")
            if self.TALK.match(line):
                continue
            if "llegal move" in line:
                raise self._error("refuses a legal move")
            if (found := self.MOVE.search(line)) is not None:
                move = found[1] or found[2]
                self._known = [*moves, move]
                return Reply(move)
            if self.END.search(line):
                self._known = None
                return Reply("resign")

    def _tell_all(self, start: str, moves: list[str], limits: dict[str, int], seconds: float) -> None:
        self._send("new")
        if self.features:
            if self._variant != "normal":
                self._send(f"variant {self._variant}")
            self._send("easy")
        self._send("force")
        if start:
            if self.features.get("setboard") != "1":
                raise UserError(f"{self.name}: this engine can only begin at the start position: --opening-plies 0")
            self._send(f"setboard {start}")
        self._tell_limits(limits)
        for move in moves:
            self._tell_move(move)
        self._tell_clock(limits, seconds)
        self._process.drop_lines()
        self._send("go")

    def _tell_limits(self, limits: dict[str, int]) -> None:
        own = self.spec.limits
        if "nodes" in own:
            raise UserError(f"{self.name}: XBoard engines count no nodes; use depth or movetime")
        if not self.features:
            if "movetime" in own:
                raise UserError(
                    f"{self.name}: this engine takes its time from its command line; braces may hold a depth"
                )
            if "depth" in own:  # gnushogi asks for the number on a line of its own
                self._send("depth")
                self._send(str(own["depth"]))
            return
        if "depth" in own:
            self._send(f"sd {own['depth']}")
        if "movetime" in own:
            self._send(f"st {max(1, round(own['movetime'] / 1000))}")
        elif "wtime" in limits:
            minutes, seconds = divmod(round(limits["wtime"] / 1000), 60)
            self._send(f"level {limits.get('movestogo', 0)} {minutes}:{seconds:02d} {limits.get('winc', 0) / 1000:g}")

    def _tell_clock(self, limits: dict[str, int], seconds: float) -> None:
        if self.features and "wtime" in limits and "movetime" not in self.spec.limits:
            self._send(f"time {round(100 * seconds)}")

    def _tell_move(self, move: str) -> None:
        self._send(f"usermove {move}" if self.features.get("usermove") == "1" else move)
