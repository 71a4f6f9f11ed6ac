"""The results of a schedule's games, kept in a file: which are over, which are missing, and no game lost or played twice.

A schedule of pairings follows from the arguments alone, and each result line carries its number in it, so a call that was
killed goes on where it stopped. A line also says how long the games file was with its game in it: a game whose line a kill
prevented is taken off again before it is played anew.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alphazero.arena import records
from alphazero.arena.match import Pairing
from alphazero.errors import UserError
from alphazero.formats import kif
from alphazero.formats.game_text import GameText
from alphazero.formats.results import Result, append_results, read_results
from alphazero.game import Game


@contextmanager
def being_played(path: Path | None) -> Iterator[None]:
    """Holds a results file while games are played into it: two processes at once would play every game twice."""
    if path is None:
        yield
        return
    try:
        file = path.open("ab")
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"{path}: another process is playing these games; stop it first") from error
        yield


class ResultStore:
    """The games of a schedule that are over, by number; in memory, and in a file if there is one.

    The games themselves go into games.pgn (chess, where python-chess is installed), games.csa (shogi) or games.sgf (Go), and
    into kif/ (shogi, minishogi), beside the results.
    """

    def __init__(self, path: Path | None, game: Game, schedule: Sequence[Pairing], names: Sequence[str]):
        """names: the players', as the pairings count them. Reads what is there; the file must be held (`open_store`)."""
        self.path = path
        self.game = game
        self.schedule = schedule
        self.done: dict[int, Result] = {}
        self._names = names
        self._games_file = None if path is None else records.games_file(path, game)
        if path is not None:
            self._read(read_results([path]) if path.exists() else [])

    def _read(self, lines: list[Result]) -> None:
        """Takes the lines that are games of this schedule; cuts off the games file what is after the last of all."""
        for line in lines:
            number = int(line.get("game", -1))
            if 0 <= number < len(self.schedule) and self._fits(line, self.schedule[number]):
                self.done[number] = line
        ends = [int(line["record_bytes"]) for line in lines if "record_bytes" in line]
        if self._games_file is not None and (ends or not lines):
            records.cut(self._games_file, max(ends, default=0))

    def _fits(self, line: Result, pairing: Pairing) -> bool:
        wanted = (self._names[pairing.first], self._names[pairing.second], pairing.opening)
        return (line["first"], line["second"], line.get("opening", "")) == wanted

    def missing(self) -> dict[int, Pairing]:
        """What is still to be played, by number."""
        return {number: pairing for number, pairing in enumerate(self.schedule) if number not in self.done}

    def results(self) -> list[Result]:
        """Of the games that are over, in the schedule's order."""
        return [self.done[number] for number in sorted(self.done)]

    def add(self, number: int, result: Result, game: GameText) -> None:
        """Keeps a game that is over: its moves first, so that a result line is never without them."""
        self.done[number] = result
        if self.path is None:
            return
        result["rules"] = {"name": self.game.name, "options": self.game.options}
        if self.game.name in kif.GAMES:
            kif.write_file(self.path.with_name("kif"), game)
        if self._games_file is not None:
            result["record_bytes"] = records.append(self._games_file, records.write(self.game, game))
        append_results(self.path, [result])


@contextmanager
def open_store(
    path: Path | None, game: Game, schedule: Sequence[Pairing], names: Sequence[str]
) -> Iterator[ResultStore]:
    """The store of a schedule, its file held by this process."""
    with being_played(path):
        yield ResultStore(path, game, schedule, names)
