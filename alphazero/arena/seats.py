"""Who sits at the board in a game played move by move: a player of this process, or an engine in another."""

from __future__ import annotations

import threading

from alphazero.arena.match import Entrant
from alphazero.arena.time_control import TimeControl
from alphazero.errors import UserError
from alphazero.evaluators import Evaluator
from alphazero.formats.game_text import Thought
from alphazero.game import Game, Position
from alphazero.network import Network
from alphazero.player import F32, NetworkPlayer, Player
from alphazero.protocols.analysis import mate_in
from alphazero.protocols.client import EngineClient, EngineError, EngineSpec, UciClient, XboardClient
from alphazero.protocols.clock import Clock, Pace
from alphazero.protocols.gtp_client import GtpClient
from alphazero.protocols.uci import centipawns
from alphazero.search_settings import MOST_SIMULATIONS


class Inside:
    """A player of this process at the board: a copy of its own, whose network others may use, too."""

    def __init__(self, entrant: Entrant, game: Game, lock: threading.Lock):
        assert isinstance(entrant.player, Player)
        self.name = entrant.name
        self.player = entrant.player.with_options(**game.options)
        if isinstance(self.player, NetworkPlayer):
            self.player.evaluator = _Shared(self.player.evaluator, lock)
            self.player.warm_up()  # before its clock runs
        asked = dict(entrant.search)
        seconds = asked.pop("seconds", None)
        self.seconds = None if seconds is None else float(seconds)  # a move's, where no clock runs
        self.temperature = float(asked.pop("temperature", 1.0))
        self.temperature_plies = int(asked.pop("temperature_plies", 0))
        self.player.settings |= asked
        self.retired = False

    def new_game(self, number: int) -> None:
        """number: the game's, which names the draws of a player with a temperature."""
        self.player.forget()
        if self.temperature_plies:
            self.player.settings["seed"] = number

    def think(self, position: Position, start: str, moves: list[str], clocks: list[Clock] | None) -> Thought:
        if self.retired:
            raise EngineError(f"{self.name}: the match is over")
        timed = clocks is not None or self.seconds is not None
        if timed and len(position.legal_moves()) == 1:
            result = self.player.search(position, 1)
        elif clocks is not None:
            drawn = position.ply < self.temperature_plies
            clock = clocks[position.turn]
            pace = Pace(clock, position.ply, lambda: self.player.expected_plies(position), drawn=drawn)
            result = self.player.search(position, 1 if pace.hurried else MOST_SIMULATIONS, **pace.limits())
        else:
            result = self.player.search(position, seconds=self.seconds)
        mate = mate_in(result)
        score = None if mate is not None else float(centipawns(result.value))
        move = result.best_move
        if position.ply < self.temperature_plies:
            move = self.player.sample_move(self.temperature)
        return Thought(move, score, mate, max(1, round(result.depth)))

    def close(self) -> None:
        pass

    def retire(self) -> None:
        """Ends all play at this seat, from another thread: what is asked of it from now on is an EngineError."""
        self.retired = True


class _Shared:
    """A network that one thread may use at a time."""

    def __init__(self, evaluator: Evaluator, lock: threading.Lock):
        self._evaluator = evaluator
        self._lock = lock

    def evaluate(self, planes: F32) -> tuple[F32, F32]:
        with self._lock:
            return self._evaluator.evaluate(planes)

    def load_weights(self, network: Network) -> None:
        with self._lock:
            self._evaluator.load_weights(network)

    def set_threads(self, count: int) -> None:
        with self._lock:
            self._evaluator.set_threads(count)

    def describe(self) -> str:
        return self._evaluator.describe()


class Outside:
    """An engine in another process; started anew after it failed."""

    def __init__(self, entrant: Entrant, game: Game, time_control: TimeControl | None):
        assert isinstance(entrant.player, EngineSpec)
        self.spec = entrant.player
        if time_control is None and not self.spec.search_limits and self.spec.protocol in ("uci", "usi"):
            raise UserError(
                f"{entrant.name}: say how long this engine may think: --tc 10+0.1, or in braces: {{nodes=1000}}, {{movetime=100}}"
            )
        if time_control is not None and time_control.byoyomi and self.spec.protocol not in ("usi", "gtp"):
            raise UserError(f"{entrant.name}: --tc {time_control}: only USI and GTP engines know byo-yomi")
        self.name = entrant.name
        self.game = game
        self.time_control = time_control
        self._client: EngineClient | None = None
        self.retired = False

    def client(self) -> EngineClient:
        """The running engine, started where it is not. UserError: it cannot be used at all; EngineError: it failed."""
        client = self._client
        if client is None and not self.retired:
            client = self._client = connect(self.spec)
            client.set_game(self.game)
        if client is None or self.retired:
            self.close()
            raise EngineError(f"{self.name}: the match is over")
        return client

    def new_game(self, number: int) -> None:
        if self._client is not None:
            try:
                self._client.new_game()
                return
            except EngineError:  # some leave after a game, which is no fault in this one
                self.close()
        self.client().new_game()

    def think(self, position: Position, start: str, moves: list[str], clocks: list[Clock] | None) -> Thought:
        limits: dict[str, int] = {}
        most = self.spec.patience
        if clocks is not None:
            limits = self._clock_words(position.turn, clocks)
            most = clocks[position.turn].main_seconds + clocks[position.turn].byoyomi_seconds
        reply = self.client().play(start, moves, limits, most)
        return Thought(reply.move, reply.value, reply.mate, reply.depth)

    def _clock_words(self, turn: int, clocks: list[Clock]) -> dict[str, int]:
        """The clocks in milliseconds, by the words of UCI and USI, with what GTP says at the start of a game."""
        limits: dict[str, int] = {}
        clock = clocks[turn]
        for word, each in zip("wb" if self.spec.protocol in ("uci", "xboard") else "bw", clocks, strict=True):
            limits[f"{word}time"] = max(0 if each.byoyomi_moves else 1, round(1000 * each.main_seconds))
            if not clock.byoyomi_moves:
                limits[f"{word}inc"] = round(1000 * each.increment_seconds)
        if clock.moves_to_go:
            limits["movestogo"] = clock.moves_to_go
        if clock.byoyomi_moves:
            limits["byoyomi"] = round(1000 * clock.byoyomi_seconds)
        if self.spec.protocol == "gtp" and self.time_control is not None:
            limits["main"] = round(1000 * self.time_control.seconds)
            limits["period_moves"] = self.time_control.moves
        return limits

    def dead_stones(self, moves: list[str]) -> set[str] | None:
        """What this engine holds for dead at the end of a game of Go; None where it is not to be asked."""
        client = self.client()
        return client.dead_stones(moves) if isinstance(client, GtpClient) and client.removes_dead else None

    def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            client.close()

    def retire(self) -> None:
        """Ends all play at this seat, from another thread: what is asked of it from now on is an EngineError."""
        self.retired = True
        self.close()


Seat = Inside | Outside


def take_seat(entrant: Entrant, game: Game, time_control: TimeControl | None, lock: threading.Lock) -> Seat:
    """A seat for one of a match's players. The lock guards its network, where it has one."""
    if isinstance(entrant.player, EngineSpec):
        return Outside(entrant, game, time_control)
    return Inside(entrant, game, lock)


def connect(spec: EngineSpec) -> EngineClient:
    """Starts the engine and shakes hands."""
    if spec.protocol == "gtp":
        return GtpClient(spec)
    return XboardClient(spec) if spec.protocol == "xboard" else UciClient(spec)
