"""UCI, the Universal Chess Interface: what chess GUIs speak (specification of April 2006, Meyer-Kahlen and Huber).

The search runs while commands are read. A line that makes no sense is answered by `info string error: ...` and changes
nothing; every `go` gets exactly one `bestmove`.
"""

from __future__ import annotations

import io
import math
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TextIO

from alphazero._core import Position, __version__
from alphazero.player import NetworkPlayer, Player, load
from alphazero.protocols.analysis import Analysis, Limits, mate_in
from alphazero.protocols.clock import Clock
from alphazero.search import MoveStats, SearchResult

BYTES_A_SIMULATION = 300  # of the tree at about 35 legal moves, with the vectors' spare room
CLOCK_WORDS = {"wtime", "btime", "winc", "binc", "movestogo"}
NUMBER_WORDS = {*CLOCK_WORDS, "depth", "nodes", "mate", "movetime"}


class UciError(Exception):
    """A command that makes no sense; its text goes to the GUI as `info string error: ...`."""


def centipawns(value: float) -> int:
    """A value in [-1, 1] as chess programs show it: 100 * tan(pi / 2 * value) / 1.28, within +-9999.

    The tangent of lc0's scale, brought near what players expect: 0.5 becomes 78, 0.9 becomes 493.
    """
    return max(-9999, min(9999, round(100.0 * math.tan(0.5 * math.pi * max(-0.9999, min(0.9999, value))) / 1.28)))


def wdl_permille(value: float, draw: float) -> tuple[int, int, int]:
    """Win, draw, loss in thousandths from the search's value and the network's share of draws at the root."""
    draw = min(draw, 1.0 - abs(value))
    win = round(500.0 * (1.0 - draw + value))
    loss = round(500.0 * (1.0 - draw - value))
    win, loss = max(0, min(1000, win)), max(0, min(1000, loss))
    return win, 1000 - win - loss, loss


class UciEngine:
    """The engine behind the protocol: a player, a position, options, at most one search.

    simulations: what a bare `go` searches, for players whose strength is a number of simulations; None: without bound.
    """

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
        self.show_wdl = False
        self.hash_mb = 256
        self.overhead_seconds = 0.1
        self._out: TextIO = sys.stdout
        self._write_lock = threading.Lock()
        self._draw_share = 0.0
        self.commands: dict[str, Callable[[list[str]], None]] = {
            "uci": self.uci,
            "isready": lambda words: self.say("readyok"),
            "ucinewgame": self.ucinewgame,
            "setoption": self.setoption,
            "position": self.set_position,
            "go": self.go,
            "stop": self.stop,
            "ponderhit": self.ponderhit,
            "quit": self.quit,
            "debug": lambda words: None,
            "register": lambda words: None,
            "d": lambda words: self.say(*self.position.diagram.splitlines(), f"Fen: {self.position.text}"),
        }

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
                self.say(f"info string error: unknown command '{words[0][:40]}'; `uci` shows what there is")
            return
        try:
            self.commands[words[known]](words[known + 1 :])
        except UciError as error:
            self.say(f"info string error: {error}")
        except Exception as error:  # a fault of ours must not end a game that is being played
            print(f"alphazero uci: {words[known]}: {error!r}", file=sys.stderr)
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

    # --- the engine and its options ---

    @property
    def has_960(self) -> bool:
        return "chess960" in self.player.game.options

    def uci(self, words: list[str]) -> None:
        settings = self.player.settings
        lines = [
            f"id name alphazero {__version__}",
            "id author the alphazero developers",
            "option name Hash type spin default 256 min 1 max 65536",
            "option name Clear Hash type button",
            f"option name Threads type spin default {self._threads()} min 1 max 256",
            "option name MultiPV type spin default 1 min 1 max 256",
            "option name Ponder type check default false",
        ]
        if self.has_960:
            lines.append("option name UCI_Chess960 type check default false")
        else:
            lines.append(
                f"option name UCI_Variant type combo default {self.player.game.name} var {self.player.game.name}"
            )
        lines += [
            "option name UCI_ShowWDL type check default false",
            f"option name WeightsFile type string default {self.player.name}",
            "option name Move Overhead type spin default 100 min 0 max 10000",
            f"option name Search type combo default {settings.get('kind', 'puct')} var puct var gumbel",
            f"option name MinibatchSize type spin default {settings['batch_size']} min 1 max 1024",
            f"option name CPuct type string default {settings.get('c_init', 1.25):g}",
            f"option name FpuReduction type string default {settings.get('fpu_value', 0.2):g}",
            "uciok",
        ]
        self.say(*lines)

    @staticmethod
    def _threads() -> int:
        import torch

        return torch.get_num_threads()

    def ucinewgame(self, words: list[str]) -> None:
        self.finish()
        self.player.forget()
        self.position = self.player.game.position()

    def setoption(self, words: list[str]) -> None:
        if not words or words[0] != "name":
            raise UciError("setoption: expected `setoption name NAME [value VALUE]`")
        split = words.index("value") if "value" in words else len(words)
        name, value = " ".join(words[1:split]), " ".join(words[split + 1 :])
        self.finish()
        match name.lower():
            case "hash":
                self.hash_mb = self._integer(name, value, 1, 65536)
            case "clear hash":
                self.player.forget()
            case "threads":
                import torch

                torch.set_num_threads(self._integer(name, value, 1, 256))
            case "multipv":
                self.multi_pv = self._integer(name, value, 1, 256)
            case "ponder":
                self.ponder = self._check(name, value)
            case "uci_showwdl":
                self.show_wdl = self._check(name, value)
            case "uci_chess960" if self.has_960:
                self._use(self.player.with_options(chess960=self._check(name, value)))
            case "uci_variant" if not self.has_960:
                if value != self.player.game.name:
                    raise UciError(f"UCI_Variant: this engine plays {self.player.game.name}, got '{value}'")
            case "weightsfile":
                self._load(value)
            case "move overhead":
                self.overhead_seconds = self._integer(name, value, 0, 10000) / 1000.0
            case "search":
                if value not in ("puct", "gumbel"):
                    raise UciError(f"Search must be puct or gumbel, got '{value}'")
                self.player.settings["kind"] = value
            case "minibatchsize":
                self.player.settings["batch_size"] = self._integer(name, value, 1, 1024)
            case "cpuct":
                self.player.settings["c_init"] = self._number(name, value)
            case "fpureduction":
                self.player.settings["fpu_value"] = self._number(name, value)
            case _:
                raise UciError(f"unknown option '{name}'; `uci` lists them")

    @staticmethod
    def _integer(name: str, value: str, low: int, high: int) -> int:
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise UciError(f"{name} must be a whole number in {low}..{high}, got '{value}'")
        return int(value)

    @staticmethod
    def _number(name: str, value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0.0 <= number <= 100.0:
            raise UciError(f"{name} must be a number in 0..100, got '{value}'")
        return number

    @staticmethod
    def _check(name: str, value: str) -> bool:
        if value.lower() not in ("true", "false"):
            raise UciError(f"{name} must be true or false, got '{value}'")
        return value.lower() == "true"

    def _use(self, player: Player) -> None:
        self.player = player
        self.position = player.game.position()

    def _load(self, name: str) -> None:
        game = self.player.game
        settings = {key: value for key, value in self.player.settings.items() if key != "simulations"}
        try:
            self._use(load(name, self.device, game=game, **settings))
        except (ValueError, OSError) as error:
            raise UciError(f"WeightsFile: {str(error).splitlines()[0]}") from error

    # --- the game ---

    def set_position(self, words: list[str]) -> None:
        game = self.player.game
        split = words.index("moves") if "moves" in words else len(words)
        place, moves = words[:split], words[split + 1 :]
        if place[:1] == ["startpos"] and len(place) == 1:
            position = game.position()
        elif place[:1] == ["fen"] and len(place) > 1:
            try:
                position = game.position(" ".join(place[1:]))
            except ValueError as error:
                raise UciError(f"position: {error}") from error
        else:
            raise UciError("position: expected `position startpos | fen FEN [moves ...]`")
        for move in moves:
            try:
                position.play(move)
            except ValueError as error:
                raise UciError(f"position: move {error}; the position stays as it was") from error
        self.position = position

    def go(self, words: list[str]) -> None:
        limits = self._limits(words)
        self.finish(patiently=True)
        position = self._playable(self.position.copy())
        moves = position.legal_moves()
        if not moves:
            over = position.outcome is not None and position.outcome.reason == "checkmate"
            self.say(f"info depth 0 score {'mate 0' if over else 'cp 0'}", "bestmove (none)")
            return
        unknown = [move for move in limits.only if move not in moves]
        if unknown:
            raise UciError(f"go: searchmoves: '{unknown[0]}' is not legal here")
        if self.show_wdl:
            self._draw_share = float(self.player.evaluate(position).wdl[1])
        self.analysis = Analysis(
            self.player,
            position,
            limits,
            self._info,
            self._best_move,
            most_simulations=max(1000, self.hash_mb * 2**20 // BYTES_A_SIMULATION),
            simulations=self.simulations,
        )
        self.analysis.start()

    def _playable(self, position: Position) -> Position:
        """The position; one that the rules call drawn is played on, as GUIs may, without its history."""
        if position.outcome is None or not position.legal_moves():
            return position
        placement, side, castling, en_passant, *_ = position.text.split()
        return self.player.game.position(f"{placement} {side} {castling} {en_passant} 0 1")

    def _limits(self, words: list[str]) -> Limits:
        numbers: dict[str, int] = {}
        only: list[str] = []
        flags = set()
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word in ("infinite", "ponder"):
                flags.add(word)
            elif word == "searchmoves":
                while rest and rest[0] not in NUMBER_WORDS | {"infinite", "ponder"}:
                    only.append(rest.pop(0))
            elif word in NUMBER_WORDS:
                value = rest.pop(0) if rest else ""
                if not value.lstrip("-").isdigit() or not value.isascii():
                    raise UciError(f"go: {word} needs a number, got '{value}'")
                numbers[word] = int(value)
            else:
                raise UciError(f"go: unknown word '{word}'")
        clock = None
        mine = "wb"[self.position.turn]
        if f"{mine}time" in numbers:
            clock = Clock(
                max(0.0, numbers[f"{mine}time"] / 1000.0),
                increment_seconds=max(0.0, numbers.get(f"{mine}inc", 0) / 1000.0),
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
            lines.append(f"{head} multipv {rank} {self._score(result, move, best)} {work} pv {' '.join(pv)}")
        self.say(*lines)

    def _score(self, result: SearchResult, move: MoveStats, best: MoveStats) -> str:
        value = result.value if move is best and not move.visits else move.q
        mate = mate_in(replace(result, best_move=move.move, proof=move.proof))
        text = f"score cp {centipawns(value)}" if mate is None else f"score mate {mate}"
        if not self.show_wdl:
            return text
        exact = {"win": (1000, 0, 0), "draw": (0, 1000, 0), "loss": (0, 0, 1000)}.get(move.proof)
        return text + " wdl {} {} {}".format(*(exact or wdl_permille(value, self._draw_share)))

    def _best_move(self, result: SearchResult, seconds: float) -> None:
        self._info(result, seconds)
        reply = result.pv[1] if len(result.pv) > 1 else None
        self.say(f"bestmove {result.best_move}" + (f" ponder {reply}" if reply else ""))


def describe(player: Player) -> str:
    """One line for people, on standard error."""
    steps = f", step {player.meta['steps']}" if isinstance(player, NetworkPlayer) else ""
    return f"alphazero uci: {player.name} plays {player.game.name}{steps}; `quit` ends it"
