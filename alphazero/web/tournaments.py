"""The page of tournaments and matches: ratings with intervals, a cross-table, games to replay. The same data as report.html."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphazero.arena.ratings import PlayerRating, Ratings, rate
from alphazero.errors import UserError
from alphazero.formats.results import Result, read_results
from alphazero.formats.sgf_values import COLUMNS
from alphazero.game import Game, in_words, make
from alphazero.web import boards, graphs, html
from alphazero.web.html import Html, tag
from alphazero.web.live import Channel, Message, Update, need
from alphazero.web.models import Folder
from alphazero.web.runs import Run
from alphazero.web.session import REASONS, replay, sides_of
from alphazero.web.watch import replay_place

# Files of results in a directory that was named, and what they are.
FILES = {
    "results.jsonl": "",
    "rating/results.jsonl": "rating of the checkpoints",
    "rating/during.jsonl": "rating during training",
}
MOST_GAMES = 500  # of a tournament that are listed, the newest first
MOST_PLAYERS = 60  # in the cross-table
LOOKED_AT = 20  # games from which the game's rules are found


@dataclass(frozen=True)
class Source:
    """A file of results."""

    name: str
    path: Path
    run: Run


@dataclass(frozen=True)
class Table:
    """What a file of results holds."""

    results: list[Result]
    rated: Ratings
    game: Game | None


def sources(folders: dict[str, Folder]) -> dict[str, Source]:
    """The files of results in these directories, by a name for the page."""
    found = {}
    for folder in folders.values():
        for file, what in FILES.items():
            path = folder.path / file
            if path.is_file() and path.stat().st_size:
                name = f"{folder.name}: {what}" if what else folder.name
                found[name] = Source(name, path, Run(folder.name, folder.path))
    return found


def read(source: Source) -> Table:
    """Reads and rates. UserError says what is wrong with the file."""
    results = read_results([source.path])
    if not results:
        raise UserError(f"{source.name}: no finished game yet")
    return Table(results, rate(results), source.run.game() or game_of(results))


def game_of(results: Sequence[Result]) -> Game | None:
    """The game that these moves are of: results.jsonl does not say so."""
    played = [each for each in results if each.get("moves")][:LOOKED_AT]
    if not played:
        return None
    candidates = [make("chess"), make("chess", {"chess960": True})]
    candidates += [make(name) for name in ("shogi", "connect4", "gardner", "minishogi")]
    words = [word for each in played for word in f"{each.get('opening', '')} {each['moves']}".split()]
    points = [word for word in words if word[:1] in COLUMNS and word[1:].isdecimal()]
    if points:
        least = max(max(int(word[1:]), COLUMNS.index(word[0]) + 1) for word in points)
        sizes = [size for size in (5, 7, 9, 13, 19) if size >= least]
        candidates = [make("go", {"board_size": size, "ko": "simple", "suicide": True}) for size in sizes[:1]]
    return next((game for game in candidates if all(_fits(game, each) for each in played)), None)


def _fits(game: Game, result: Result) -> bool:
    try:
        replay(game, str(result.get("opening", "")), str(result["moves"]).split())
    except ValueError:
        return False
    return True


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
    """One open page."""

    def __init__(self, channel: Channel, folders: dict[str, Folder]):
        self._channel = channel
        self._folders = folders
        self._sources = sources(folders)
        self._chosen = next(iter(self._sources), "")
        self._table: Table | None = None
        self._number: int | None = None  # of the game on the board
        self._ply = 0
        self._reading: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._read_again()

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def act(self, message: Message) -> None:
        """Does what the page asks for. UserError says why not."""
        do = message.get("do")
        if do == "source":
            name = need(message, "value")
            if name not in self._sources:
                raise UserError("there are no such results: load the page again")
            self._chosen = name
            self._read_again()
            return
        if do == "game":
            number = need(message, "game", 20)
            count = len(self._table.results) if self._table is not None else 0
            if not number.isdecimal() or not number.isascii() or int(number) >= count:
                raise UserError("there is no such game")
            self._number, self._ply = int(number), 0
        elif do == "step":
            by = need(message, "by", 10)
            self._ply = max(0, self._ply + (int(by) if by.lstrip("-").isdecimal() and by.isascii() else 0))
        else:
            raise UserError("the page asked for what is not known here: load it again")
        self._channel.push(self._show())

    def _read_again(self) -> None:
        self.close()
        self._table = self._number = None
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        say = ""
        if self._chosen:
            try:
                self._table = await asyncio.to_thread(read, self._sources[self._chosen])
                self._number = len(self._table.results) - 1
                self._ply = 0
            except (ValueError, OSError) as error:
                say = str(error)
        update = self._show()
        update.say = say
        self._channel.push(update)

    # --- what is shown ---

    def _show(self) -> Update:
        update = Update()
        update.parts["source"] = html.options({name: name for name in self._sources}, self._chosen)
        table = self._table
        if table is None:
            told = "No results were named: start with `alphazero serve --run DIR`, a run's or a tournament's directory."
            update.parts["facts"] = tag("p", told if not self._sources else "", class_="empty")
            for name in ("ratings", "cross", "games", "board", "status"):
                update.parts[name] = Html()
            return update
        rated = table.rated
        game = in_words(table.game) if table.game is not None else "a game that is not told"
        facts = [game, f"{len(table.results):,} games", f"{len(rated.players):,} players", f"anchor {rated.anchor}"]
        facts.append(f"moving first is worth {rated.first_advantage:+.0f} Elo")
        update.parts["facts"] = tag("ul", *(tag("li", each) for each in facts), class_="facts")
        update.parts["ratings"] = html.joined(graphs.ladder(rated.players), ratings_table(rated.players))
        update.parts["cross"] = cross_table([each.name for each in rated.players[:MOST_PLAYERS]], table.results)
        update.parts["games"] = self._list(table)
        self._show_game(table, update)
        return update

    def _list(self, table: Table) -> Html:
        numbers = range(len(table.results) - 1, max(-1, len(table.results) - 1 - MOST_GAMES), -1)
        entries = []
        for number in numbers:
            game = table.results[number]
            text = f"{number + 1}: {game['first']} – {game['second']}, {score_of(game)}"
            current = "true" if number == self._number else None
            entries.append(tag("li", html.button(text, "game", data_game=number, aria_current=current)))
        return html.joined(*entries)

    def _show_game(self, table: Table, update: Update) -> None:
        game = table.game
        number = self._number
        update.parts["board"] = tag("p", "The moves of these games were not kept.", class_="empty")
        update.parts["status"] = Html()
        if number is None or game is None or not table.results[number].get("moves"):
            return
        result = table.results[number]
        moves = str(result["moves"]).split()
        self._ply = min(self._ply, len(moves))
        shown = moves[: self._ply]
        try:
            position = replay(game, str(result.get("opening", "")), shown)
        except ValueError as error:
            update.parts["status"] = tag("b", f"this game cannot be replayed: {error}")
            return
        update.parts["board"] = boards.board(position, last=shown[-1] if shown else "", active=False)
        first, second = sides_of(game)
        names = f"{first}: {result['first']}, {second}: {result['second']}"
        reason = str(result.get("termination") or result.get("reason") or "")
        reason = REASONS.get(str(result.get("reason")), reason.replace("_", " "))
        note = result.get("note") or ""
        told = score_of(result) + (f" ({reason})" if reason else "") + (f": {note}" if note else "")
        update.parts["status"] = html.joined(
            tag("b", names), tag("span", f"after {self._ply} of {len(moves)} plies; {told}")
        )


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
