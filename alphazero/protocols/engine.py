"""The engine loop that UCI and USI share: lines in, a position, options, at most one search, lines out.

A dialect (uci.py, usi.py) is a subclass that says what differs: names of commands and options, how a position is written, how a
score is told, what is answered where there is nothing to search. The search runs while commands are read.

A line that makes no sense is answered by `info string error: ...` and changes nothing. Every `go` gets exactly one answer: words
that cannot be read are skipped, and where there is no position to search, or no player, the answer names no move. It is never
a move of another position: of a `position` whose moves fail, the position before the failing move stands; one that cannot be
read leaves none.

The handshake needs no network: a player may be `Unloaded` until `isready` or the first search.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, TextIO

from alphazero import levels
from alphazero._core import Position
from alphazero.machine import cores
from alphazero.player import Player, load
from alphazero.protocols.analysis import Analysis, GoLimits, Perft
from alphazero.protocols.clock import Lag
from alphazero.protocols.go import UNREAD, GoWords, legal
from alphazero.protocols.lines import Commands, LineLoop
from alphazero.protocols.options import Option, ProtocolError, of_field, whole
from alphazero.protocols.unloaded import Unloaded
from alphazero.search import MoveStats, SearchResult
from alphazero.search_settings import FIELDS


class EngineLoop(LineLoop):
    """The engine behind a protocol.

    simulations: what a bare `go` searches, for players whose strength is a number of simulations; None: without bound.
    threads: cores for the search, until an option says otherwise; None: as many as the player takes by itself.
    """

    place_word: ClassVar[str]  # before a position's text: fen, sfen
    sides: ClassVar[str]  # letters of the two clocks, first player first
    clock_words: ClassVar[frozenset[str]]
    level_option: ClassVar[str] = "Skill Level"
    null_move: ClassVar[str]  # in `position ... moves`: the other side is to move
    no_move: ClassVar[str]  # what `bestmove` names where there is nothing to search
    bytes_a_simulation: ClassVar[int]  # of the tree, at the game's usual number of legal moves

    def __init__(
        self,
        player: Player,
        *,
        device: str = "auto",
        simulations: int | None = None,
        threads: int | None = None,
        log: TextIO | None = None,
    ):
        super().__init__(log)
        self.player = player.with_options(max_plies=0) if player.game.options["max_plies"] else player
        self.device = device
        self.simulations = simulations
        self.position: Position = self.player.game.position()
        self.missing = ""  # why there is no position to search, where there is none
        self._placed: list[str] = ["startpos"]  # the last `position`
        self._failed = ""  # why the player cannot be loaded
        self._threads = threads
        if threads is not None:
            self.player.set_threads(threads)
        self._warm: Player | None = None  # the player as it was warmed up; None: some option has changed since
        self.analysis: Analysis | None = None
        self.ponder = False
        self.level = levels.MOST  # as `Skill Level` has it
        self.limit_strength = False  # to the level that is nearest to `elo`
        self.elo = levels.elo_range(player.game.name)[1]
        self.multi_pv = 1
        self.hash_mb = 256
        self.overhead_seconds = 0.1
        self.lag = Lag()
        self.commands = {
            self.name: lambda words: self.say(*self.handshake()),
            "isready": self.isready,
            f"{self.name}newgame": self.new_game,
            "setoption": self.setoption,
            "position": self.set_position,
            "go": self.go,
            "stop": self.stop,
            "ponderhit": self.ponderhit,
            "quit": self.quit,
            **self.own_commands(),
        }

    # --- what a dialect says ---

    @abstractmethod
    def own_commands(self) -> Commands:
        """Commands that only this dialect has."""

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
    def after_null_move(self, position: Position) -> str:
        """The text of the position with the other side to move."""

    @abstractmethod
    def nothing_to_search(self, position: Position, limits: GoLimits) -> list[str]:
        """The answer where the game is over: lines with a bestmove."""

    def report(self, result: SearchResult, position: Position, limits: GoLimits) -> list[str]:
        """The answer of a search of the position that has ended: lines with a bestmove."""
        reply = result.pv[1] if len(result.pv) > 1 else None
        return [f"bestmove {result.best_move}" + (f" ponder {reply}" if reply else "")]

    def before_search(self, position: Position) -> None:
        """Called by `go`, before a position is searched."""
        return None

    # --- options ---

    def setoption(self, words: list[str]) -> None:
        lower = [word.lower() for word in words]
        if lower[:1] != ["name"]:
            raise ProtocolError("setoption: expected `setoption name NAME [value VALUE]`")
        split = lower.index("value") if "value" in lower else len(words)
        name, value = " ".join(words[1:split]), " ".join(words[split + 1 :])
        self.finish()
        self._warm = None
        for option in self.options():
            if option.name.lower() == name.lower():
                remark = option.set(value)
                if remark:
                    self.say(f"info string {remark}")
                return
        raise ProtocolError(f"unknown option '{name}'; `{self.name}` lists them")

    def search_options(self) -> list[Option]:
        """What both dialects can set, under the same names."""
        settings = self.player.settings
        now = self.player.search_settings()
        low, high = levels.elo_range(self.player.game.name)

        def keep(key: str) -> Callable[[Any], None]:
            return lambda value: settings.__setitem__(key, value)

        return [
            Option("Threads", "spin", self._threads or cores(), self._set_threads, 1, 256),
            Option(self.level_option, "spin", levels.MOST, lambda value: setattr(self, "level", value), 1, levels.MOST),
            Option("UCI_LimitStrength", "check", False, lambda value: setattr(self, "limit_strength", value)),
            Option("UCI_Elo", "spin", high, lambda value: setattr(self, "elo", value), low, high),
            Option("MultiPV", "spin", 1, lambda value: setattr(self, "multi_pv", value), 1, 256),
            Option("WeightsFile", "string", self.player.name, self._load),
            Option(
                "EvalCache", "spin", settings["cache_megabytes"], keep("cache_megabytes"), 0, 65536
            ),  # MB of answers
            Option("MinibatchSize", "spin", settings["batch_size"], keep("batch_size"), 1, 1024),
            *(
                of_field(each, now.get(each.name, each.default), keep(each.name))
                for each in FIELDS.values()
                if each.option
            ),
        ]

    def _set_threads(self, threads: int) -> None:
        self._threads = threads
        self.player.set_threads(threads)

    def use(self, player: Player) -> None:
        """Plays on with another player, in the same position where its game has it."""
        if self._threads is not None:
            player.set_threads(self._threads)
        standing = "" if self.missing else self.position.text
        self.player, self._failed = player, ""
        try:
            self.set_position(self._placed)
        except ProtocolError:  # under its rules moves may be written otherwise
            if standing:
                self.set_position([self.place_word, *standing.split()])

    def ready(self) -> None:
        """Loads the player, if that is still to be done. ProtocolError says why it cannot be."""
        if not isinstance(self.player, Unloaded):
            return
        if not self._failed:
            try:
                loaded = self.player.load()
            except Exception as error:
                self._failed = f"{self.player.name} cannot be loaded: {(str(error) or repr(error)).splitlines()[0]}"
            else:
                if self._threads is not None:
                    loaded.set_threads(self._threads)
                self.player = loaded
                return
        raise ProtocolError(self._failed)

    def isready(self, words: list[str]) -> None:
        """Loads and warms up: the first move of a short game must not take longer than the others."""
        try:
            self.ready()
            if self.analysis is None and self._warm is not self.player:
                self.player.warm_up()
                self._warm = self.player
        finally:
            self.say("readyok")

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
        self.set_position(["startpos"])

    def set_position(self, words: list[str]) -> None:
        """Sets up a position. What cannot be read leaves none to search; of moves that fail those before them stand."""
        game = self.player.game
        lower = [word.lower() for word in words]
        split = lower.index("moves") if "moves" in lower else len(words)
        place, moves = words[:split], words[split + 1 :]
        self._placed = words
        self.missing = "the last `position` could not be read"
        if lower[:split] == ["startpos"]:
            position = game.position()
        elif lower[:1] == [self.place_word] and len(place) > 1:
            try:
                position = game.position(" ".join(place[1:]))
            except ValueError as error:
                raise ProtocolError(f"position: {error}") from error
        else:
            raise ProtocolError(
                f"position: expected `position startpos | {self.place_word} {self.place_word.upper()} [moves ...]`"
            )
        self.position, self.missing = position, ""
        for number, move in enumerate(moves, 1):
            try:
                if move.lower() == self.null_move:
                    position = self.position = self._passed(position)
                else:
                    position.play(move)
            except ValueError as error:
                raise ProtocolError(
                    f"position: move {number}, {error}; the position before it stands: {position.text}"
                ) from error

    def _passed(self, position: Position) -> Position:
        """The position with the other side to move: a null move, as analysis asks for. It begins anew."""
        if position.in_check:
            raise ValueError(f"'{self.null_move}': no null move where the king is in check")
        return self.player.game.position(self.after_null_move(position))

    def go(self, words: list[str]) -> None:
        self.finish(patiently=True)
        limits = UNREAD
        try:
            limits = self.limits(words)
            if not self.missing:
                self.ready()
                self._begin(limits, words)
                return
            trouble = self.missing
        except ProtocolError as error:
            trouble = str(error)
        except Exception as error:  # an internal error: the GUI still gets its answer
            print(f"alphazero {self.name}: go: {error!r}", file=sys.stderr)
            trouble = f"internal: {error}"
        self.complain(f"go: {trouble}")
        # Even so an answer to `go infinite` and to `go ponder` waits until it is asked for.
        waiting = GoLimits(infinite=limits.infinite, ponder=limits.ponder)
        self._start(Analysis(self.player, None, waiting, self._info, lambda *_: self.say(self.no_answer(words))))

    def no_answer(self, words: list[str]) -> str:
        """The answer to a `go` that names no move."""
        return f"bestmove {self.no_move}"

    def _start(self, analysis: Analysis) -> None:
        self.analysis = analysis
        analysis.start()

    def _begin(self, limits: GoLimits, words: list[str]) -> None:
        position = self.position.copy()
        lower = [word.lower() for word in words]
        if "perft" in lower:
            depth = whole("".join(lower[lower.index("perft") + 1 :][:1])) or 1
            end = f"bestmove {self.no_move}"  # it has counted, not searched
            self._start(Perft(self.player, position, depth, self.say, end))
            return
        moves = position.legal_moves()
        if position.outcome is not None and moves:
            position = self.player.game.position(self.fresh(position))
        if position.outcome is None:
            self.before_search(position)
        else:  # what is known of it is said now, also where the answer has to wait for `stop`
            self.say(*self.nothing_to_search(position, limits)[:-1])
        self._start(
            Analysis(
                self.player,
                position,
                limits,
                self._info,
                lambda result, seconds: self._done(result, seconds, position, limits),
                most_simulations=max(1000, self.hash_mb * 2**20 // self.bytes_a_simulation),
                simulations=self.simulations,
                level=levels.nearest(self.player.game.name, self.elo) if self.limit_strength else self.level,
            )
        )

    def limits(self, words: list[str]) -> GoLimits:
        """The words of `go`. Unknown ones and numbers that cannot be read are skipped, and so are root moves that are not legal."""
        asked = GoWords.read(words, self.clock_words)
        only = legal(self.position, asked.moves) if asked.moves and not self.missing else ()
        limits = asked.limits(self.sides[self.position.turn], self.overhead_seconds, only)
        if limits.clock is not None:
            self.lag.tell(limits.clock, self.position.ply)
        if limits != GoLimits(only=only):
            return limits
        if asked.named:
            return replace(UNREAD, only=only)
        return replace(limits, infinite=True) if self.simulations is None else limits

    def stop(self, words: list[str]) -> None:
        if self.analysis is not None:
            self.analysis.stop()

    def ponderhit(self, words: list[str]) -> None:
        """Shogi GUIs that let an engine ponder before they know the clocks tell them here: `ponderhit btime ...`."""
        if self.analysis is not None:
            position = self.analysis.position or self.position
            told = GoWords.read(words, self.clock_words)
            self.analysis.ponderhit(told.clock(self.sides[position.turn], self.overhead_seconds))

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
        self.say(*self.lines_of(result, seconds, last=False))

    def lines_of(self, result: SearchResult, seconds: float, *, last: bool) -> list[str]:
        """What is told of a search: `info` lines. last: it has ended."""
        milliseconds = round(1000 * seconds)
        most = max(1, self.hash_mb * 2**20)
        head = f"info depth {max(1, round(result.depth))} seldepth {max(1, result.max_depth)} time {milliseconds}"
        work = (
            f"nodes {result.simulations} nps {round(result.simulations / max(seconds, 1e-3))}"
            f" hashfull {min(1000, 1000 * result.tree_bytes // most)}"
        )
        best = next(m for m in result.moves if m.move == result.best_move)
        # Of a move that was never tried nothing is known: a line would call it level, even where the best one mates.
        others = [m for m in result.moves if m is not best and (m.visits or m.proof)]
        lines = []
        for rank, move in enumerate([best, *others][: self.multi_pv], 1):
            pv = result.pv if move is best else self.player.line(move.move)
            value = result.value if move is best and not move.visits else move.q
            lines.append(f"{head} multipv {rank} {self.score(result, move, value)} {work} pv {' '.join(pv)}")
        return lines

    def _done(self, result: SearchResult | None, seconds: float, position: Position, limits: GoLimits) -> None:
        if limits.clock is not None and not limits.ponder and self.analysis is not None:
            self.lag.after(limits.clock, position.ply, seconds - self.analysis.overrun_seconds)
        if result is None:
            lines = self.nothing_to_search(position, limits)
            self.say(*(lines if position.outcome is None else lines[-1:]))
        else:
            self.say(*self.lines_of(result, seconds, last=True), *self.report(result, position, limits))

    def describe(self) -> str:
        """One line for people, on standard error."""
        meta = getattr(self.player, "meta", {})
        steps = f", step {meta['steps']}" if "steps" in meta else ""
        return f"alphazero {self.name}: {self.player.name} plays {self.player.game.name}{steps}; `quit` ends it"
