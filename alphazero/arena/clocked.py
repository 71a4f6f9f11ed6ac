"""Games one move at a time, with clocks: for engines outside this process, and for matches under a time control.

Players inside this process that need no clock play in the pool (arena.match), hundreds of games at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alphazero.arena.match import Entrant, Pairing
from alphazero.errors import UserError
from alphazero.game import Game, Position
from alphazero.player import Player
from alphazero.protocols.analysis import mate_in
from alphazero.protocols.client import EngineClient, EngineError, EngineSpec, connect
from alphazero.protocols.clock import Clock
from alphazero.protocols.gtp import MOST_SIMULATIONS
from alphazero.protocols.uci import centipawns

EXPECTED_PLIES = 120.0  # of a game, for the time manager
MOST_FAILURES = 3  # of one engine in a row: then the match ends instead of filling up with forfeits


@dataclass(frozen=True)
class TimeControl:
    """`MOVES/SECONDS+INCREMENT`, or `SECONDSbBYOYOMI`; without MOVES the seconds are for the whole game."""

    seconds: float
    increment: float = 0.0
    moves: int = 0
    byoyomi: float = 0.0  # seconds for every move after the main time

    @staticmethod
    def parse(text: str) -> TimeControl:
        number = r"(\d+(?:\.\d+)?)"
        match = re.fullmatch(rf"(?:(\d+)/)?{number}(?:\+{number}|b{number})?", text.strip())
        if match is None or float(match[2]) + float(match[4] or 0) <= 0:
            raise UserError(
                f"--tc: expected SECONDS+INCREMENT, MOVES/SECONDS+INCREMENT or SECONDSbBYOYOMI, as in 10+0.1 or 60b5, got '{text}'"
            )
        return TimeControl(float(match[2]), float(match[3] or 0), int(match[1] or 0), float(match[4] or 0))

    def __str__(self) -> str:
        ending = f"b{self.byoyomi:g}" if self.byoyomi else f"+{self.increment:g}"
        return f"{f'{self.moves}/' if self.moves else ''}{self.seconds:g}{ending}"

    def clock(self) -> Clock:
        return Clock(
            self.seconds,
            byoyomi_seconds=self.byoyomi,
            byoyomi_moves=1 if self.byoyomi else 0,
            increment_seconds=self.increment,
            moves_to_go=self.moves,
        )


@dataclass(frozen=True)
class Thought:
    """A move and what its player said of it, from the mover's side."""

    move: str
    centipawns: float | None = None
    mate: int | None = None
    depth: int | None = None
    seconds: float = 0.0
    clock: float | None = None  # left after the move


@dataclass
class PlayedGame:
    """A finished game, as a pool's GameRecord tells it, with what only clocked games have."""

    value: int  # for the first player
    reason: str
    termination: str  # "normal", "resignation", "time forfeit", "illegal move", "engine failure"
    thoughts: list[Thought] = field(default_factory=list)
    note: str = ""  # what went wrong, in words

    @property
    def plies(self) -> int:
        return len(self.thoughts)

    def moves(self, game: Game) -> list[str]:
        return [thought.move for thought in self.thoughts]


class _Inside:
    """A player of this process at the board."""

    def __init__(self, entrant: Entrant, player: Player, time_control: TimeControl | None):
        self.name = entrant.name
        self.player = player
        self.search = dict(entrant.search)
        self.simulations = self.search.pop("simulations", None)
        self.time_control = time_control

    def new_game(self) -> None:
        self.player.forget()

    def think(self, position: Position, start: str, moves: list[str], clocks: list[Clock] | None) -> Thought:
        if clocks is None:
            result = self.player.search(position, self.simulations, **self.search)
        else:
            seconds = clocks[position.turn].budget(position.ply, EXPECTED_PLIES)
            if len(position.legal_moves()) == 1:
                result = self.player.search(position, 1, **self.search)
            else:
                result = self.player.search(position, MOST_SIMULATIONS, seconds=seconds, **self.search)
        mate = mate_in(result)
        score = None if mate is not None else float(centipawns(result.value))
        return Thought(result.best_move, score, mate, max(1, round(result.depth)))

    def close(self) -> None:
        pass


class _Outside:
    """An engine in another process; started anew after it failed."""

    def __init__(self, entrant: Entrant, spec: EngineSpec, game: Game, time_control: TimeControl | None):
        if time_control is None and not spec.limits and spec.protocol != "xboard":
            raise UserError(
                f"{entrant.name}: say how long this engine may think: --tc 10+0.1, or in braces: {{nodes=1000}}, {{movetime=100}}"
            )
        if time_control is not None and time_control.byoyomi and spec.protocol != "usi":
            raise UserError(f"{entrant.name}: --tc {time_control}: only USI engines know byo-yomi")
        self.name = entrant.name
        self.spec = spec
        self.game = game
        self.time_control = time_control
        self.failures = 0
        self._client: EngineClient | None = None
        self.client()  # a command that cannot start says so before the first game

    def client(self) -> EngineClient:
        if self._client is None:
            self._client = connect(self.spec)
            self._client.set_variant(self.game.name, bool(self.game.options.get("chess960")))
        return self._client

    def new_game(self) -> None:
        self.client().new_game()

    def think(self, position: Position, start: str, moves: list[str], clocks: list[Clock] | None) -> Thought:
        limits: dict[str, int] = {}
        most = 600.0
        if clocks is not None:
            for word, clock in zip("bw" if self.spec.protocol == "usi" else "wb", clocks, strict=True):
                limits[f"{word}time"] = max(0 if clock.byoyomi_moves else 1, round(1000 * clock.main_seconds))
                limits[f"{word}inc"] = round(1000 * clock.increment_seconds)
            if clocks[position.turn].moves_to_go:
                limits["movestogo"] = clocks[position.turn].moves_to_go
            if clocks[position.turn].byoyomi_moves:
                limits = {word: value for word, value in limits.items() if not word.endswith("inc")}
                limits["byoyomi"] = round(1000 * clocks[position.turn].byoyomi_seconds)
            most = clocks[position.turn].main_seconds + clocks[position.turn].byoyomi_seconds
        reply = self.client().play(start, moves, limits, most)
        self.failures = 0
        return Thought(reply.move, reply.value, reply.mate, reply.depth)

    def failed(self) -> None:
        self.failures += 1
        self.close()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def play(
    game: Game,
    entrants: list[Entrant],
    pairings: dict[int, Pairing],
    on_game: Callable[[int, Any], None],
    *,
    time_control: TimeControl | None = None,
) -> None:
    """Plays these pairings one after another; on_game(number, PlayedGame) after each.

    A lost clock, an illegal move and an engine that dies lose the game. UserError where an engine fails again and again.
    """
    seats: dict[int, _Inside | _Outside] = {}
    try:
        for number, pairing in pairings.items():
            for index in (pairing.first, pairing.second):
                if index not in seats:
                    seats[index] = _seat(entrants[index], game, time_control)
            pair = (seats[pairing.first], seats[pairing.second])
            played = play_game(game, pair, pairing.opening, time_control)
            on_game(number, played)
            for seat in pair:
                if isinstance(seat, _Outside) and seat.failures >= MOST_FAILURES:
                    raise UserError(f"{seat.name}: failed {seat.failures} games in a row; the last time: {played.note}")
    finally:
        for seat in seats.values():
            seat.close()


def _seat(entrant: Entrant, game: Game, time_control: TimeControl | None) -> _Inside | _Outside:
    if isinstance(entrant.player, EngineSpec):
        return _Outside(entrant, entrant.player, game, time_control)
    player = entrant.player
    return _Inside(entrant, player if player.game == game else player.with_options(**game.options), time_control)


def play_game(
    game: Game, seats: tuple[_Inside | _Outside, _Inside | _Outside], opening: str, time_control: TimeControl | None
) -> PlayedGame:
    """One game from an opening, as text; "" is the game's own start."""
    position = game.position(opening) if opening else game.position()
    thoughts: list[Thought] = []
    clocks = None
    if time_control is not None:
        clocks = [time_control.clock(), time_control.clock()]

    def lost(side: int, termination: str, note: str) -> PlayedGame:
        return PlayedGame(-1 if side == 0 else 1, termination.replace(" ", "_"), termination, thoughts, note)

    for index, seat in enumerate(seats):
        try:
            seat.new_game()
        except EngineError as error:
            assert isinstance(seat, _Outside)
            seat.failed()
            return lost(index, "engine failure", str(error))
    while (outcome := position.outcome) is None:
        side = position.turn
        seat = seats[side]
        begin = time.monotonic()
        try:
            thought = seat.think(position, opening, [each.move for each in thoughts], clocks)
        except EngineError as error:
            assert isinstance(seat, _Outside)
            seat.failed()
            return lost(side, "engine failure", str(error))
        seconds = time.monotonic() - begin
        if clocks is not None:
            clock = clocks[side]
            over = seconds - clock.main_seconds - clock.byoyomi_seconds
            if over > 0:
                return lost(side, "time forfeit", f"{seat.name} used {over:.2f} s more than it had")
            clock.main_seconds = max(0.0, clock.main_seconds - seconds) + clock.increment_seconds
            if clock.moves_to_go > 0 and time_control is not None:
                clock.moves_to_go -= 1
                if clock.moves_to_go == 0:
                    clock.moves_to_go = time_control.moves
                    clock.main_seconds += time_control.seconds
        if thought.move == "resign":
            return lost(side, "resignation", f"{seat.name} resigns")
        try:
            position.play(thought.move)
        except ValueError as error:
            if isinstance(seat, _Outside):
                seat.failed()
            return lost(side, "illegal move", f"{seat.name}: {error}")
        left = clocks[side].main_seconds if clocks is not None else None
        thoughts.append(Thought(thought.move, thought.centipawns, thought.mate, thought.depth, seconds, left))
    return PlayedGame(outcome.value, outcome.reason, "normal", thoughts)
