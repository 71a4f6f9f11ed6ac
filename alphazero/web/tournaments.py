"""The page of tournaments and matches: ratings with intervals, a cross-table, games to replay. The same data as report.html."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alphazero.arena.ratings import PlayerRating, Ratings, rate
from alphazero.errors import UserError, one_line
from alphazero.formats.results import Result, read_results
from alphazero.game import in_words
from alphazero.web import boards, graphs, html
from alphazero.web.drawn import Drawn
from alphazero.web.html import Html, tag
from alphazero.web.live import Channel, Message, Update, need, whole
from alphazero.web.models import Folder
from alphazero.web.paths import without_path
from alphazero.web.results_game import Played, played
from alphazero.web.session import REASONS, replay, sides_of
from alphazero.web.tails import Stamp, stamp
from alphazero.web.watch import replay_place

# Files of results in a directory that was named, and what they are.
FILES = {
    "results.jsonl": "",
    "rating/results.jsonl": "rating of the checkpoints",
    "rating/during.jsonl": "rating during training",
}
MOST_GAMES = 500  # of a tournament that are listed, the newest first
MOST_PLAYERS = 60  # in the cross-table
LOOK_SECONDS = 2.0  # between two looks at the directories
RESTS = 20.0  # a file that grows is read again after so many times what reading it took


@dataclass(frozen=True)
class Source:
    """A file of results."""

    name: str
    path: Path
    run: Path  # the directory that was named


@dataclass(frozen=True, eq=False)
class Table:
    """What a file of results holds. Equal: the same object."""

    results: list[Result]
    rated: Ratings
    played: Played
    seconds: float  # that reading and rating took


def sources(folders: dict[str, Folder]) -> dict[str, Source]:
    """The files of results in these directories, by a name for the page."""
    found = {}
    for folder in folders.values():
        for file, what in FILES.items():
            path = folder.path / file
            if path.is_file() and path.stat().st_size:
                name = f"{folder.name}: {what}" if what else folder.name
                found[name] = Source(name, path, folder.path)
    return found


def read(source: Source) -> Table:
    """Reads and rates. UserError says what is wrong with the file."""
    begin = time.monotonic()
    results = read_results([source.path])
    if not results:
        raise UserError(f"{source.name}: no finished game yet")
    return Table(results, rate(results), played(results, source.path, source.run), time.monotonic() - begin)


def body() -> Html:
    """What the page holds before anything was read."""
    choice = tag(
        "section",
        tag("h1", "Tournaments"),
        html.field(
            "Results",
            "source",
            tag("select", id="source", name="source", data_changes="source", data_testid="source-select"),
        ),
        tag("div", id="facts"),
        class_="panel",
    )
    ratings = tag("section", tag("h2", "Ratings"), tag("div", id="ratings", data_testid="ratings"), class_="panel")
    cross = tag("section", tag("h2", "Cross-table"), tag("div", id="cross", data_testid="cross-table"), class_="panel")
    games = tag("section", tag("h2", "Games"), tag("div", replay_place(), class_="replay"), class_="panel")
    return html.joined(choice, ratings, cross, games)


class Tournaments:
    """One open page. Only files are read in another thread: all that is kept here changes in the server's own."""

    def __init__(self, channel: Channel, folders: dict[str, Folder]):
        self._channel = channel
        self._folders = folders
        self._sources: dict[str, Source] = {}
        self._chosen = ""
        self._table: Table | None = None
        self._stamp: Stamp = None  # of the file that the table is of
        self._read_at = 0.0
        self._number: int | None = None  # of the game on the board
        self._ply = 0
        self._follows = True  # the newest game, until one is chosen
        self._drawn = Drawn()
        self._looking: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()  # for other results

    def open(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._look_for_ever())

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def act(self, message: Message) -> None:
        """Does what the page asks for. UserError says why not."""
        do = message.get("do")
        if do == "source":
            name = need(message, "value")
            if name not in self._sources:
                raise UserError("there are no such results: load the page again")
            self._choose(name)
            self._asked.set()
            return
        if do == "game":
            number = need(message, "game", 20)
            count = len(self._table.results) if self._table is not None else 0
            if not number.isdecimal() or not number.isascii() or int(number) >= count:
                raise UserError("there is no such game")
            self._number, self._ply = int(number), 0
        elif do == "step":
            self._ply = max(0, self._ply + whole(message, "by"))
        else:
            raise UserError("the page asked for what is not known here: load it again")
        self._follows = False
        self._channel.push(self._show())

    def _choose(self, name: str) -> None:
        self._chosen = name
        self._table = self._number = self._stamp = None
        self._follows = True

    async def _look_for_ever(self) -> None:
        while True:
            self._asked.clear()
            say = ""
            try:
                await self._look()
            except (ValueError, OSError) as error:
                say = self._told(error)
            except Exception as error:  # whatever a file holds: the page says so, and looks again
                say = f"this look failed: {self._told(error)}"
            if not self._asked.is_set():  # else other results were chosen meanwhile
                update = self._show()
                update.say = say
                if update.parts or say:
                    self._channel.push(update)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._asked.wait(), LOOK_SECONDS)

    def _told(self, error: Exception) -> str:
        """An error in a line, with the names of directories for their paths."""
        text = str(error)
        for folder in self._folders.values():
            text = without_path(text, folder.path, folder.name)
        return one_line(text)[:300]

    async def _look(self) -> None:
        """Finds the files of results, also those that came since, and reads the chosen one where it has grown."""
        self._sources = await asyncio.to_thread(sources, self._folders)
        if not self._chosen and self._sources:
            self._choose(next(iter(self._sources)))
        chosen, rested = self._chosen, time.monotonic() - self._read_at
        source = self._sources.get(chosen)
        if source is None or (self._table is not None and rested < RESTS * self._table.seconds):
            return
        now = stamp(source.path)
        if now == self._stamp:
            return
        self._stamp = now
        table = await asyncio.to_thread(read, source)
        if chosen == self._chosen:
            self._take(table)

    def _take(self, table: Table) -> None:
        self._table = table
        self._read_at = time.monotonic()
        newest = len(table.results) - 1
        if self._follows or self._number is None or self._number > newest:
            self._number, self._ply = newest, 0

    # --- what is shown ---

    def _show(self) -> Update:
        """The parts that have changed since they were last drawn."""
        update = Update()
        part = partial(self._drawn.part, update)
        names = list(self._sources)
        part("source", [names, self._chosen], lambda: html.options(dict(zip(names, names, strict=True)), self._chosen))
        table = self._table
        part("facts", [table, not names], lambda: facts(table, bool(names)))
        part("ratings", [table], lambda: ratings(table))
        part("cross", [table], lambda: cross_table_of(table))
        part("games", [table, self._number], lambda: game_list(table, self._number))
        if table is not None and self._number is not None:
            moves = str(table.results[self._number].get("moves") or "").split()
            self._ply = min(self._ply, len(moves))
        if self._drawn.changed("board", [table, self._number, self._ply]):
            update.parts["board"] = update.parts["status"] = Html()
            if table is not None and self._number is not None:
                show_game(table, self._number, self._ply, update)
        return update


def facts(table: Table | None, named: bool) -> Html:
    """What was played."""
    if table is None:
        none = "No results yet: start with `alphazero serve --run DIR`, a run's or a tournament's directory."
        return tag("p", "" if named else none, class_="empty")
    rated, game = table.rated, table.played.game
    told = [in_words(game) if game is not None else "a game that is not told", f"{len(table.results):,} games"]
    told += [f"{len(rated.players):,} players", f"anchor {rated.anchor}"]
    told.append(f"moving first is worth {rated.first_advantage:+.0f} Elo")
    return tag("ul", *(tag("li", each) for each in told), class_="facts")


def ratings(table: Table | None) -> Html:
    """Ratings as a picture and as a table."""
    if table is None:
        return Html()
    return html.joined(graphs.ladder(table.rated.players), ratings_table(table.rated.players))


def game_list(table: Table | None, chosen: int | None) -> Html:
    """The newest games as buttons."""
    results = table.results if table is not None else []
    entries = []
    for number in range(len(results) - 1, max(-1, len(results) - 1 - MOST_GAMES), -1):
        game = results[number]
        text = f"{number + 1}: {game['first']} – {game['second']}, {score_of(game)}"
        current = "true" if number == chosen else None
        entries.append(tag("li", html.button(text, "game", data_game=number, aria_current=current)))
    return html.joined(*entries)


def show_game(table: Table, number: int, ply: int, update: Update) -> None:
    """A game after so many plies."""
    game, result = table.played.game, table.results[number]
    moves = str(result.get("moves") or "").split()
    if game is None or not moves:
        why = table.played.why or "The moves of this game were not kept."
        update.parts["board"] = tag("p", why, class_="empty")
        return
    shown = moves[:ply]
    try:
        position = replay(game, str(result.get("opening", "")), shown)
    except ValueError as error:
        update.parts["board"] = tag("p", f"This game cannot be replayed: {one_line(str(error))[:300]}", class_="empty")
        return
    update.parts["board"] = boards.board(position, last=shown[-1] if shown else "", active=False)
    first, second = sides_of(game)
    names = f"{first}: {result['first']}, {second}: {result['second']}"
    reason = str(result.get("termination") or result.get("reason") or "")
    reason = REASONS.get(str(result.get("reason")), reason.replace("_", " "))
    note = result.get("note") or ""
    told = score_of(result) + (f" ({reason})" if reason else "") + (f": {note}" if note else "")
    update.parts["status"] = html.joined(tag("b", names), tag("span", f"after {ply} of {len(moves)} plies; {told}"))


def score_of(game: Result) -> str:
    return {1.0: "1-0", 0.5: "½-½", 0.0: "0-1"}[float(game["result"])]


def ratings_table(players: Sequence[PlayerRating]) -> Html:
    """Players with their intervals."""
    head = tag("tr", *(tag("th", name, scope="col") for name in ("player", "Elo", "95 %", "games", "score")))
    rows = [
        tag(
            "tr",
            tag("th", each.name, scope="row"),
            tag("td", f"{each.elo:.0f}"),
            tag("td", f"{each.low:.0f} … {each.high:.0f}"),
            tag("td", f"{each.games:,}"),
            tag("td", f"{each.score:.1%}"),
        )
        for each in players
    ]
    return wide(tag("table", tag("thead", head), tag("tbody", *rows)), "Ratings")


def cross_table_of(table: Table | None) -> Html:
    """Of the strongest players."""
    if table is None:
        return Html()
    return cross_table([each.name for each in table.rated.players[:MOST_PLAYERS]], table.results)


def cross_table(names: Sequence[str], results: Sequence[Result]) -> Html:
    """Points of the row's player against the column's, and of how many games."""
    points: dict[tuple[str, str], list[float]] = {}
    for game in results:
        score = float(game["result"])
        points.setdefault((game["first"], game["second"]), []).append(score)
        points.setdefault((game["second"], game["first"]), []).append(1.0 - score)
    head = tag(
        "tr",
        tag("th", "", scope="col", aria_label="player"),
        *(tag("th", str(i + 1), scope="col") for i in range(len(names))),
    )
    rows = []
    for i, name in enumerate(names):
        cells = [points.get((name, other)) for other in names]
        told = [tag("td", f"{sum(cell):g} / {len(cell)}" if cell else "") for cell in cells]
        rows.append(tag("tr", tag("th", f"{i + 1}. {name}", scope="row"), *told))
    return wide(tag("table", tag("thead", head), tag("tbody", *rows)), "Cross-table")


def wide(table: Html, label: str) -> Html:
    """A table that may be wider than the page."""
    return tag("div", table, class_="wide", tabindex=0, role="region", aria_label=label)
