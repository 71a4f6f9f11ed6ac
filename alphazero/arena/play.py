"""The games of a schedule, played as they fit: in the pool, or move by move where a clock or an engine is in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from alphazero._core import GameRecord
from alphazero.arena import clocked, match
from alphazero.arena.adjudication import Adjudication
from alphazero.arena.clocked import PlayedGame
from alphazero.arena.match import Entrant, Pairing, played_by_hand
from alphazero.arena.store import ResultStore, open_store
from alphazero.arena.time_control import TimeControl
from alphazero.formats.game_text import GameText
from alphazero.formats.results import Result
from alphazero.game import Game
from alphazero.progress import Progress
from alphazero.terminal import Table

SPOILT = ("time forfeit", "illegal move", "engine failure")  # ends that a user wants to hear of
TELL_SECONDS = 5.0  # between lines of progress


class PlayGames(Protocol):
    """What plays games as play() does."""

    def __call__(
        self,
        game: Game,
        entrants: list[Entrant],
        pairings: dict[int, Pairing],
        *,
        seed: int,
        time_control: TimeControl | None,
        adjudication: Adjudication | None,
        concurrency: int,
    ) -> Generator[tuple[int, GameRecord | PlayedGame], None, None]: ...


# The entrants again, in another process; and who plays with them there.
Recipe = Callable[[], list[Entrant]]
Elsewhere = Callable[[Game, Recipe], PlayGames]


def run_schedule(
    game: Game,
    entrants: list[Entrant],
    schedule: list[Pairing],
    results_file: Path | None,
    *,
    seed: int,
    progress: Progress | None = None,
    time_control: TimeControl | None = None,
    adjudication: Adjudication | None = None,
    concurrency: int = 1,
    stop: Callable[[Result], bool] | None = None,
    live: Callable[[list[Result]], Table] | None = None,
    elsewhere: PlayGames | None = None,
) -> list[Result]:
    """Plays the pairings that `results_file` does not hold yet; returns the results of all.

    The games lie beside the results (see ResultStore). concurrency: games at a time where engines or clocks are in it (else
    the pool's). stop(result) is asked of every game, those in the file first; when it says True no more are played, and only
    the games that are over come back. live(results): a table to show now and then while games are played. elsewhere: what
    plays instead of play(), in other processes.
    """
    with open_store(results_file, game, schedule, [each.name for each in entrants]) as store:
        if stop is not None and any(stop(result) for result in store.results()):
            return store.results()
        teller = _Teller(store, progress, live)
        games = (elsewhere or play)(
            game,
            entrants,
            store.missing(),
            seed=seed,
            time_control=time_control,
            adjudication=adjudication,
            concurrency=concurrency,
        )
        with closing(games):
            for number, record in games:
                text = _text(game, entrants, number, schedule[number], record, time_control)
                result = _result(text, schedule[number], record)
                store.add(number, result, text)
                teller.tell(result)
                if stop is not None and stop(result):
                    break
        return store.results()


def play(
    game: Game,
    entrants: list[Entrant],
    pairings: dict[int, Pairing],
    *,
    seed: int = 0,
    time_control: TimeControl | None = None,
    adjudication: Adjudication | None = None,
    concurrency: int = 1,
) -> Generator[tuple[int, GameRecord | PlayedGame], None, None]:
    """Plays these pairings, by number, and hands out each game with its number as it ends. Who stops listening stops play."""
    if played_by_hand(entrants, time_control):
        yield from clocked.play(
            game, entrants, pairings, time_control=time_control, adjudication=adjudication, concurrency=concurrency
        )
    else:
        yield from match.play(game, entrants, pairings, seed=seed)


def _text(
    game: Game,
    entrants: list[Entrant],
    number: int,
    pairing: Pairing,
    record: GameRecord | PlayedGame,
    time_control: TimeControl | None,
) -> GameText:
    text = GameText(
        first=entrants[pairing.first].name,
        second=entrants[pairing.second].name,
        start=pairing.opening,
        moves=record.moves(game),
        value=record.value,
        reason=record.reason,
        game=game.name,
        number=number,
        time_control="" if time_control is None else str(time_control),
        score=record.score,
    )
    if isinstance(record, PlayedGame):
        text.thoughts, text.note = record.thoughts, record.note
    return text


def _result(text: GameText, pairing: Pairing, record: GameRecord | PlayedGame) -> Result:
    """The game's line in results.jsonl."""
    result: Result = {
        "first": text.first,
        "second": text.second,
        "result": (record.value + 1) / 2,
        "game": text.number,
        "pair": pairing.pair,
        "opening": pairing.opening,
        "plies": record.plies,
        "reason": record.reason,
        "moves": " ".join(text.moves),
    }
    if isinstance(record, PlayedGame):
        result["termination"] = record.termination
        if record.note:
            result["note"] = record.note
    if record.score is not None:
        result["score"] = record.score
    return result


class _Teller:
    """Says now and then how far a schedule is, and at once which games were spoilt."""

    def __init__(self, store: ResultStore, progress: Progress | None, live: Callable[[list[Result]], Table] | None):
        self._store = store
        self._progress = progress
        self._live = live
        self._told = time.monotonic()

    def tell(self, result: Result) -> None:
        """After each game."""
        if self._progress is None:
            return
        if (termination := result.get("termination")) in SPOILT:
            self._progress.note(f"game {result['game'] + 1}: {termination}: {result.get('note', '')}")
        finished, total = len(self._store.done), len(self._store.schedule)
        if time.monotonic() - self._told >= TELL_SECONDS or finished == total:
            self._progress.count("rating", finished, total)
            if self._live is not None:
                self._progress.show(self._live(list(self._store.done.values())))
            self._told = time.monotonic()
