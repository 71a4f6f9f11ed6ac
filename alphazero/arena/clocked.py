"""Games one move at a time, with clocks: for engines outside this process, and for matches under a time control.

Players inside this process that need no clock play in the pool (arena.match), hundreds of games at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from queue import SimpleQueue

from alphazero.arena.adjudication import Adjudication
from alphazero.arena.go_score import area_margin
from alphazero.arena.match import Entrant, Pairing
from alphazero.arena.seats import Outside, Seat, take_seat
from alphazero.arena.time_control import TimeControl as TimeControl
from alphazero.errors import UserError
from alphazero.formats.game_text import Thought
from alphazero.game import Game, Position
from alphazero.protocols.client import EngineError
from alphazero.text import LONGEST_NAME, clean

MOST_FAILURES = 3  # of one engine in a row: then the match ends instead of filling up with forfeits


@dataclass
class PlayedGame:
    """A finished game, as a pool's GameRecord tells it, with what only clocked games have."""

    value: int  # for the first player
    reason: str
    termination: str  # "normal", "resignation", "adjudication", "time forfeit", "illegal move", "engine failure"
    thoughts: list[Thought] = field(default_factory=list)
    note: str = ""  # what went wrong, in words
    score: float | None = None  # Go: Black's margin

    @property
    def plies(self) -> int:
        return len(self.thoughts)

    def moves(self, game: Game) -> list[str]:
        return [thought.move for thought in self.thoughts]


def play(
    game: Game,
    entrants: list[Entrant],
    pairings: dict[int, Pairing],
    *,
    time_control: TimeControl | None = None,
    adjudication: Adjudication | None = None,
    concurrency: int = 1,
) -> Generator[tuple[int, PlayedGame], None, None]:
    """Plays these pairings in their order, `concurrency` at a time, and hands out each game with its number as it ends.

    A lost clock, an illegal move and an engine that dies, hangs or does not start lose the game. UserError where an engine
    cannot be used at all, or fails again and again. Each of the games at a time has engine processes of its own.
    """
    return _Hall(game, entrants, pairings, time_control, adjudication or Adjudication()).play(concurrency)


_Finished = tuple[int, Pairing, PlayedGame]


class _Hall:
    """The tables of a match and what they share: the games to play, the networks, and whether play goes on."""

    def __init__(
        self,
        game: Game,
        entrants: list[Entrant],
        pairings: dict[int, Pairing],
        time_control: TimeControl | None,
        adjudication: Adjudication,
    ):
        self.game = game
        self.entrants = entrants
        self.to_play = iter(pairings.items())
        self.time_control = time_control
        self.adjudication = adjudication
        self.failures = [0] * len(entrants)  # games in a row that this player's process spoilt
        self.lock = threading.Lock()  # of what follows, and of to_play
        self.closing = False
        self.seats: list[Seat] = []
        self.networks = threading.Lock()

    def play(self, tables: int) -> Generator[tuple[int, PlayedGame], None, None]:
        """Plays all games, `tables` at a time. What is unfinished when the listener leaves, or after an error or a Ctrl-C,
        counts for nothing."""
        try:
            with closing(self._table() if tables == 1 else self._tables(tables)) as games:
                for number, pairing, played in games:
                    yield number, played
                    self._count_failures(pairing, played)
        finally:
            self._close()

    def _close(self) -> None:
        """Ends all play."""
        with self.lock:
            self.closing = True
            seats, self.seats = self.seats, []
        for seat in seats:
            seat.retire()

    def _tables(self, count: int) -> Generator[_Finished, None, None]:
        """Games of several tables, each in a thread of its own, as they end. The first error at a table closes the hall."""
        finished: SimpleQueue[_Finished | BaseException | None] = SimpleQueue()

        def serve() -> None:
            try:
                for game in self._table():
                    finished.put(game)
                finished.put(None)  # no more from this table
            except BaseException as error:
                finished.put(error)

        threads = [threading.Thread(target=serve, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            for _ in threads:
                while (game := finished.get()) is not None:
                    if isinstance(game, BaseException):
                        raise game
                    yield game
        except KeyboardInterrupt:
            threads = []  # who interrupts does not wait for the moves under way
            raise
        finally:
            self._close()
            for thread in threads:
                thread.join()

    def _table(self) -> Generator[_Finished, None, None]:
        """Plays games at one table until there are no more."""
        own: dict[int, Seat] = {}
        while True:
            with self.lock:
                job = None if self.closing else next(self.to_play, None)
            if job is None:
                return
            number, pairing = job
            for index in (pairing.first, pairing.second):
                if index not in own:
                    own[index] = take_seat(self.entrants[index], self.game, self.time_control, self.networks)
                    with self.lock:
                        if self.closing:
                            return
                        self.seats.append(own[index])
            pair = (own[pairing.first], own[pairing.second])
            played = play_game(self.game, pair, pairing.opening, self.time_control, self.adjudication, number)
            with self.lock:
                if self.closing:
                    return
            yield number, pairing, played

    def _count_failures(self, pairing: Pairing, played: PlayedGame) -> None:
        failed = played.termination in ("engine failure", "illegal move")
        loser = pairing.first if played.value < 0 else pairing.second
        for index in (pairing.first, pairing.second):
            # In the first two plies: the loser has not made a move.
            unfit = failed and index == loser and played.plies <= 1
            self.failures[index] = self.failures[index] + 1 if unfit else 0
            if self.failures[index] >= MOST_FAILURES:
                name = self.entrants[index].name
                raise UserError(f"{name}: failed {MOST_FAILURES} games in a row; the last time: {played.note}")


def play_game(
    game: Game,
    seats: tuple[Seat, Seat],
    opening: str,
    time_control: TimeControl | None = None,
    adjudication: Adjudication | None = None,
    number: int = 0,
) -> PlayedGame:
    """One game from an opening, as text; "" is the game's own start."""
    position = game.position(opening) if opening else game.position()
    thoughts: list[Thought] = []
    clocks = None
    if time_control is not None:
        clocks = [time_control.clock(), time_control.clock()]

    def lost(side: int, termination: str, note: str) -> PlayedGame:
        if termination in ("engine failure", "illegal move"):
            seats[side].close()  # and anew for the next game
        return PlayedGame(-1 if side == 0 else 1, termination.replace(" ", "_"), termination, thoughts, note)

    for index, seat in enumerate(seats):
        try:
            seat.new_game(number)
        except EngineError as error:
            return lost(index, "engine failure", str(error))
    while (outcome := position.outcome) is None:
        side = position.turn
        seat = seats[side]
        name = clean(seat.name, LONGEST_NAME)
        begin = time.monotonic()
        try:
            thought = seat.think(position, opening, [each.move for each in thoughts], clocks)
        except EngineError as error:
            return lost(side, "engine failure", str(error))
        seconds = time.monotonic() - begin
        if clocks is not None and time_control is not None and (over := time_control.spend(clocks[side], seconds)) > 0:
            return lost(side, "time forfeit", f"{name} used {over:.2f} s more than it had")
        if thought.move == "resign":
            return lost(side, "resignation", f"{name} resigns")
        try:
            position.play(thought.move)
        except ValueError as error:
            return lost(side, "illegal move", f"{name}: {clean(str(error))}")
        left = clocks[side].main_seconds if clocks is not None else None
        thoughts.append(replace(thought, seconds=seconds, clock=left, side=side))
        verdict = adjudication.verdict(position, thoughts) if adjudication is not None else None
        if verdict is not None and position.outcome is None:
            return PlayedGame(verdict[0], "adjudication", "adjudication", thoughts, verdict[1])
    played = PlayedGame(outcome.value, outcome.reason, "normal", thoughts, "", outcome.score)
    if outcome.reason == "two_passes":
        _take_dead_stones_off(position, seats, [*opening.split(), *played.moves(game)], played)
    return played


def _take_dead_stones_off(position: Position, seats: tuple[Seat, Seat], moves: list[str], played: PlayedGame) -> None:
    """Counts a game of Go without the stones that every engine asked ({remove_dead=true}) holds for dead."""
    agreed: set[str] | None = None
    for seat in seats:
        if not isinstance(seat, Outside):
            continue
        try:
            dead = seat.dead_stones(moves)
        except EngineError as error:
            seat.close()
            played.note = f"counted as the board stands: {error}"
            return
        if dead is not None:
            agreed = dead if agreed is None else agreed & dead
    if agreed:
        margin = area_margin(position, agreed)
        played.value, played.score = (margin > 0) - (margin < 0), margin
        played.note = f"dead stones taken off: {' '.join(sorted(agreed))}"
