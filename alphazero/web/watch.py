"""The page to watch runs: curves over one another, what a run will do next, its newest games with the search's numbers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from alphazero._core import GameRecord
from alphazero.errors import UserError, one_line
from alphazero.game import Game, in_words
from alphazero.web import boards, graphs, html
from alphazero.web.boards import Shown
from alphazero.web.curves import AXES, LOSSES, PLOTS, Curve, number
from alphazero.web.drawn import Drawn, safely
from alphazero.web.graphs import Series
from alphazero.web.html import Html, tag
from alphazero.web.live import Channel, Message, Update, need, whole
from alphazero.web.runs import Run, Seen
from alphazero.web.session import REASONS, replay, sides_of

LOOK_SECONDS = 2.0  # between two looks at the directories
MOST_SHARES = 6  # moves whose share is told


def body() -> Html:
    """What the page holds before anything was read."""
    choice = tag(
        "section",
        tag("h1", "Watch"),
        html.field(
            "Runs",
            "runs",
            tag("select", id="runs", name="runs", data_testid="run-select", data_changes="runs", multiple=True, size=3),
        ),
        html.field("Over", "axis", html.select("axis", AXES, "minutes", data_changes="axis")),
        tag("div", id="facts"),
        class_="panel",
    )
    plots = tag(
        "section",
        tag("div", id="elo-plot", data_testid="elo-plot"),
        tag("div", id="loss-plot", data_testid="loss-plot"),
        tag("div", id="more-plots"),
        class_="panel plots",
        aria_label="Curves",
    )
    games = tag(
        "section",
        tag("h2", "Newest games"),
        tag("div", replay_place(), class_="replay"),
        class_="panel",
    )
    return html.joined(choice, plots, games)


def replay_place() -> Html:
    """A board, steps through a game, and a list of games."""
    steps = html.joined(
        html.button("|◀", "step", data_by=-100000, aria_label="To the start"),
        html.button("◀", "step", data_by=-1, aria_label="One move back"),
        html.button("▶", "step", data_by=1, aria_label="One move on"),
        html.button("▶|", "step", data_by=100000, aria_label="To the end"),
    )
    shown = tag(
        "div",
        tag("div", id="board", data_testid="board", class_="place"),
        tag("div", steps, class_="controls", role="group", aria_label="Moves"),
        tag("p", id="status", data_testid="status", class_="status", role="status"),
    )
    return html.joined(shown, tag("ol", id="games", class_="game-list", data_testid="game-list"))


class Shelf:
    """All runs that may be watched, shared by the pages."""

    def __init__(self, runs: dict[str, Run]):
        self.runs = runs

    @staticmethod
    def of(folders: dict[str, Any]) -> Shelf:
        return Shelf({name: Run(name, folder.path) for name, folder in folders.items()})

    def look(self, chosen: list[str]) -> list[str]:
        """The names of the directories that are runs; those chosen, or the first one, are read."""
        names = [name for name, run in self.runs.items() if run.directory.config.exists()]
        for name in chosen or names[:1]:
            self.runs[name].look()
        return names


class Watcher:
    """One open page. Only the shelf is read in another thread: all that is kept here changes in the server's own."""

    def __init__(self, channel: Channel, shelf: Shelf):
        self._channel = channel
        self._shelf = shelf
        self._names: list[str] = []
        self._chosen: list[str] = []
        self._axis = "minutes"
        self._record: GameRecord | None = None  # the game on the board
        self._ply = 0
        self._follows = True  # the newest game, until one is chosen
        self._drawn = Drawn()
        self._looking: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()  # for other runs

    def open(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._look_for_ever())

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def act(self, message: Message) -> None:
        """Does what the page asks for. UserError says why not."""
        do = message.get("do")
        if do == "runs":
            names = message.get("value")
            if not isinstance(names, list) or not all(name in self._names for name in names):
                raise UserError("there is no such run: load the page again")
            self._chosen = [name for name in self._names if name in names]
            self._drawn.forget("runs")  # the page has another selection than was drawn
            self._channel.forget("runs")
            self._follows = True
            self._record = None
            self._asked.set()
            return
        elif do == "axis":
            axis = need(message, "value")
            self._axis = axis if axis in AXES else self._axis
        elif do == "game":
            number = need(message, "game", 20)
            self._record = next((each for each in self._first.games if str(each.number) == number), self._record)
            self._follows = False
            self._ply = 0
        elif do == "step":
            plies = self._record.plies if self._record is not None else 0
            self._ply = max(0, min(plies, self._ply + whole(message, "by")))
            self._follows = False
        else:
            raise UserError("the page asked for what is not known here: load it again")
        self._channel.push(self._show())

    async def _look_for_ever(self) -> None:
        while True:
            self._asked.clear()
            try:
                self._take(await asyncio.to_thread(self._shelf.look, self._chosen))
                if not self._asked.is_set():  # else other runs were chosen meanwhile
                    update = self._show()
                    if update.parts:
                        self._channel.push(update)
            except Exception as error:  # whatever a directory holds: the page says so, and looks again
                self._channel.push(Update(say=f"this look failed: {one_line(str(error))[:300]}"))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._asked.wait(), LOOK_SECONDS)

    def _take(self, names: list[str]) -> None:
        """What a look has found; a directory becomes a run's while one looks."""
        self._names = names
        self._chosen = self._chosen or names[:1]
        games = self._first.games
        if self._follows:
            self._record = games[0] if games else None
            self._ply = games[0].plies if games else 0

    @property
    def _first(self) -> Seen:
        """The run whose games are shown."""
        return self._shelf.runs[self._chosen[0]].seen if self._chosen else Seen()

    # --- what is shown ---

    def _show(self) -> Update:
        """The parts that have changed since they were last drawn."""
        update = Update()
        runs = [(name, self._shelf.runs[name].seen) for name in self._chosen]
        self._drawn.part(update, "runs", [self._names, self._chosen], self._options)
        known = html.joined(*(safely(partial(facts, *run)) for run in runs)) if runs else no_runs(bool(self._names))
        self._drawn.part(update, "facts", [known], lambda: known)
        told = [self._axis, [name for name, _ in runs], [seen.told for _, seen in runs]]
        self._drawn.part(
            update, "elo-plot", [*told, [seen.rated for _, seen in runs]], lambda: elo_plot(runs, self._axis)
        )
        self._drawn.part(update, "loss-plot", told, lambda: plots(runs, LOSSES, self._axis))
        self._drawn.part(update, "more-plots", told, lambda: plots(runs, PLOTS, self._axis))
        first, record = self._first, self._record
        self._drawn.part(update, "games", [first.games, first.game, record], lambda: game_list(first, record))
        if self._drawn.changed("board", [record, first.game, self._ply]):
            show_game(first.game, record, self._ply, update)
        return update

    def _options(self) -> Html:
        return html.joined(*(tag("option", each, value=each, selected=each in self._chosen) for each in self._names))


def game_list(seen: Seen, chosen: GameRecord | None) -> Html:
    """The newest games as buttons."""
    entries: list[Html] = []
    if seen.game is None:
        return Html()
    for record in seen.games:
        text = f"{record.number:,}: {record.plies} plies, {result_of(seen.game, record)}"
        current = "true" if chosen is not None and record.number == chosen.number else None
        entries.append(tag("li", html.button(text, "game", data_game=record.number, aria_current=current)))
    return html.joined(*entries)


def show_game(game: Game | None, record: GameRecord | None, ply: int, update: Update) -> None:
    """A game after so many plies, with the search's numbers."""
    update.parts["status"] = Html()
    if record is None or game is None:
        update.parts["board"] = tag("p", "No finished game yet.", class_="empty")
        return
    try:
        moves = record.moves(game)
        position = replay(game, record.start, moves[:ply])
        policies, values = record.policies(game), record.root_values
    except ValueError as error:  # of another game than the configuration's
        update.parts["board"] = tag("p", f"This game cannot be replayed: {one_line(str(error))[:300]}", class_="empty")
        return
    update.parts["board"] = boards.board(position, last=moves[ply - 1] if ply else "", active=False)
    told = f"Game {record.number:,} after {ply} of {record.plies} plies"
    shares: dict[str, float] = policies[ply] if ply < len(policies) else {}
    best = sorted(shares.items(), key=lambda each: -each[1])
    shown = [Shown(move, share, f"{100 * share:.0f}") for move, share in best if share >= 0.02 and move != "pass"]
    update.parts["overlay"] = boards.candidates(game, shown, False)
    remark = result_of(game, record)
    if ply < len(values) and ply < record.plies:
        side = sides_of(game)[position.turn]
        remark = f"{side}: {50 * (1 + float(values[ply])):.0f} % by the search"
        if best:
            remark += "; shares " + ", ".join(f"{move} {100 * share:.0f} %" for move, share in best[:MOST_SHARES])
    update.parts["status"] = html.joined(tag("b", told), tag("span", remark))


def plots(runs: Sequence[tuple[str, Seen]], titles: dict[str, str], axis: str) -> Html:
    """A graph for each of these figures of the log, the runs' curves over one another."""
    return html.joined(
        *(
            graphs.plot(
                [Series(name, seen.told.curves.get((key, axis), ()), i) for i, (name, seen) in enumerate(runs)],
                title=title,
                x_label=AXES[axis],
                x_format="{:,.6g}",
            )
            for key, title in titles.items()
        )
    )


def elo_plot(runs: Sequence[tuple[str, Seen]], axis: str) -> Html:
    """Elo with its intervals."""
    series = []
    for i, (name, seen) in enumerate(runs):
        places = seen.told.places

        def place(seconds: float, step: int, places: Curve = places) -> float:
            if axis != "games":
                return seconds / 60.0 if axis == "minutes" else float(step)
            return next((games for at, games in places if at >= step), places[-1][1] if places else 0.0)

        points = [(place(r.seconds, r.step), r.elo, r.low, r.high) for r in seen.ratings]
        series.append(Series(name, points, i))
    return graphs.plot(series, title="Elo above the first checkpoint", x_label=AXES[axis], x_format="{:,.6g}")


def facts(name: str, seen: Seen) -> Html:
    """What a run is, how far it is, what it will do next, and what could not be read of it."""
    told = [in_words(seen.game) if seen.game is not None else "a game that is not shown here"]
    told += progress(seen) if seen.told.lines else ["nothing told yet"]
    told.append("running" if seen.alive else "not running")
    warnings = list(seen.told.warnings)
    if seen.told.odd:
        warnings.append(f"not drawn, for they are no numbers or too large: {', '.join(seen.told.odd)}")
    if seen.told.unread:
        warnings.append(f"lines of log.jsonl that cannot be read: {seen.told.unread:,}")
    if seen.fault:
        warnings.append(f"cannot be read: {seen.fault}")
    return html.joined(
        tag("h2", name),
        tag("ul", *(tag("li", each) for each in told), class_="facts"),
        tag("ul", *(tag("li", each) for each in warnings), class_="warnings") if warnings else Html(),
    )


def progress(seen: Seen) -> list[str]:
    """How far a run is, and what it will do next."""
    told, training = seen.told, seen.training
    found = [f"step {told.step:,} after {duration(told.seconds)}"]
    fraction = seen.fraction()
    if fraction >= 1.0:
        found.append("its budget is used")
    elif fraction > 1e-6:
        left = told.seconds * (1 - fraction) / fraction
        found.append(f"{100 * fraction:.0f} % of its budget, about {duration(left)} left")
    rate = told.newest.get("train/learning_rate")
    if rate is not None:
        found.append(f"learning rate {rate:.2g}, schedule {str(training.get('schedule', 'cosine'))[:40]}")
    every = number(training.get("checkpoint_every", 500)) or 0.0
    if every >= 1.0:
        found.append(f"next checkpoint in {int(every) - told.step % int(every):,} steps")
    return found


def no_runs(some: bool) -> Html:
    return tag(
        "p", "Choose a run." if some else "No run was named: start with `alphazero serve --run DIR`.", class_="empty"
    )


def duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {int(seconds % 60):02d} s"


def result_of(game: Game, record: GameRecord) -> str:
    """How a game ended, in a few words."""
    reason = REASONS.get(record.reason, record.reason.replace("_", " "))
    if record.value == 0:
        return f"draw ({reason})"
    margin = f" by {abs(record.score):g}" if record.score else ""
    return f"{sides_of(game)[record.value < 0]} wins{margin} ({reason})"
