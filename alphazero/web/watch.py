"""The page to watch runs: curves over one another, what a run will do next, its newest games with the search's numbers."""

from __future__ import annotations

import asyncio
from typing import Any

from alphazero._core import GameRecord
from alphazero.errors import UserError
from alphazero.game import Game, in_words
from alphazero.web import boards, graphs, html
from alphazero.web.boards import Shown
from alphazero.web.graphs import Series
from alphazero.web.html import Html, tag
from alphazero.web.live import Channel, Message, Update, need
from alphazero.web.runs import Line, Run
from alphazero.web.session import REASONS, replay, sides_of

LOOK_SECONDS = 2.0  # between two looks at the directories
AXES = {"minutes": "minutes", "games": "games", "steps": "training steps"}
PLOTS = {  # beside Elo and losses: the log's figure and its title
    "speed/evaluations_per_second": "Evaluations a second",
    "selfplay/game_length": "Game length in plies",
    "selfplay/draws": "Share of draws",
    "train/policy_entropy": "Policy entropy in nats",
}
LOSSES = {"train/policy_loss": "Policy loss", "train/value_loss": "Value loss"}
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


class Watcher:
    """One open page."""

    def __init__(self, channel: Channel, shelf: Shelf):
        self._channel = channel
        self._shelf = shelf
        self._names: list[str] = []
        self._chosen: list[str] = []
        self._axis = "minutes"
        self._games: list[GameRecord] = []
        self._game: Game | None = None
        self._record: GameRecord | None = None
        self._of = ""  # the run whose game is on the board
        self._ply = 0
        self._follows = True  # the newest game, until one is chosen
        self._looking: asyncio.Task[None] | None = None

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
            self._follows = True
            self._record = None
            self.close()
            self.open()
            return
        elif do == "axis":
            axis = need(message, "value")
            self._axis = axis if axis in AXES else self._axis
        elif do == "game":
            number = need(message, "game", 20)
            self._record = next((each for each in self._games if str(each.number) == number), self._record)
            self._follows = False
            self._ply = 0
        elif do == "step":
            by = need(message, "by", 10)
            plies = self._record.plies if self._record is not None else 0
            self._ply = max(0, min(plies, self._ply + (int(by) if by.lstrip("-").isdecimal() and by.isascii() else 0)))
            self._follows = False
        else:
            raise UserError("the page asked for what is not known here: load it again")
        self._channel.push(self._show())

    async def _look_for_ever(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._read)
                update = await asyncio.to_thread(self._show)
                self._channel.push(update)
            except (OSError, ValueError) as error:
                self._channel.push(Update(say=str(error)[:300]))
            await asyncio.sleep(LOOK_SECONDS)

    def _read(self) -> None:
        """Reads what the chosen runs have gained; a directory becomes a run's while one looks."""
        self._names = [name for name, run in self._shelf.runs.items() if run.directory.config.exists()]
        self._chosen = self._chosen or self._names[:1]
        for name in self._chosen:
            self._shelf.runs[name].refresh()
        if not self._chosen:
            self._games, self._record = [], None
            return
        run = self._shelf.runs[self._chosen[0]]
        if run.name != self._of or self._game is None:
            self._game, self._of = run.game(), run.name
        self._games = run.newest_games() if self._game is not None else []
        if self._follows and self._games:
            if self._record is None or self._record.number != self._games[0].number:
                self._record = self._games[0]
            self._ply = self._record.plies

    # --- what is shown ---

    def _show(self) -> Update:
        update = Update()
        update.parts["runs"] = html.joined(
            *(tag("option", name, value=name, selected=name in self._chosen) for name in self._names)
        )
        runs = [self._shelf.runs[name] for name in self._chosen]
        update.parts["facts"] = html.joined(*map(facts, runs)) if runs else no_runs(bool(self._names))
        update.parts["elo-plot"] = elo_plot(runs, self._axis)
        update.parts["loss-plot"] = html.joined(*(self._plot(runs, key, title) for key, title in LOSSES.items()))
        update.parts["more-plots"] = html.joined(*(self._plot(runs, key, title) for key, title in PLOTS.items()))
        update.parts["games"] = html.joined(*(self._entry(record) for record in self._games))
        self._show_game(update)
        return update

    def _plot(self, runs: list[Run], key: str, title: str) -> Html:
        series = [
            Series(run.name, [(x, line.figures[key]) for line, x in along(run, self._axis) if key in line.figures], i)
            for i, run in enumerate(runs)
        ]
        return graphs.plot(series, title=title, x_label=AXES[self._axis], x_format="{:,.6g}")

    def _entry(self, record: GameRecord) -> Html:
        assert self._game is not None
        current = self._record is not None and record.number == self._record.number
        text = f"{record.number:,}: {record.plies} plies, {result_of(self._game, record)}"
        return tag("li", html.button(text, "game", data_game=record.number, aria_current="true" if current else None))

    def _show_game(self, update: Update) -> None:
        record, game = self._record, self._game
        if record is None or game is None:
            update.parts["board"] = tag("p", "No finished game yet.", class_="empty")
            update.parts["status"] = Html()
            return
        moves = record.moves(game)[: self._ply]
        position = replay(game, record.start, moves)
        update.parts["board"] = boards.board(position, last=moves[-1] if moves else "", active=False)
        told = f"Game {record.number:,} after {self._ply} of {record.plies} plies"
        policies, values = record.policies(game), record.root_values
        shares: dict[str, float] = policies[self._ply] if self._ply < len(policies) else {}
        best = sorted(shares.items(), key=lambda each: -each[1])
        shown = [Shown(move, share, f"{100 * share:.0f}") for move, share in best if share >= 0.02 and move != "pass"]
        update.parts["overlay"] = boards.candidates(game, shown, False)
        remark = result_of(game, record)
        if self._ply < len(values) and self._ply < record.plies:
            side = sides_of(game)[position.turn]
            remark = f"{side}: {50 * (1 + float(values[self._ply])):.0f} % by the search"
            if best:
                remark += "; shares " + ", ".join(f"{move} {100 * share:.0f} %" for move, share in best[:MOST_SHARES])
        update.parts["status"] = html.joined(tag("b", told), tag("span", remark))


def along(run: Run, axis: str) -> list[tuple[Line, float]]:
    """A run's lines, each with its place on an axis."""
    found = []
    games = 0.0
    for line in run.lines:
        games = line.figures.get("replay/games", games)
        found.append((line, {"minutes": line.seconds / 60.0, "games": games, "steps": float(line.step)}[axis]))
    return found


def elo_plot(runs: list[Run], axis: str) -> Html:
    """Elo with its intervals."""
    series = []
    for i, run in enumerate(runs):
        lines = along(run, axis)

        def place(seconds: float, step: int, lines: list[tuple[Line, float]] = lines) -> float:
            if axis != "games":
                return seconds / 60.0 if axis == "minutes" else float(step)
            return next((x for line, x in lines if line.step >= step), lines[-1][1] if lines else 0.0)

        points = [(place(r.seconds, r.step), r.elo, r.low, r.high) for r in run.ratings()]
        series.append(Series(run.name, points, i))
    return graphs.plot(series, title="Elo above the first checkpoint", x_label=AXES[axis], x_format="{:,.6g}")


def facts(run: Run) -> Html:
    """What a run is, how far it is, and what it will do next."""
    game = run.game()
    config = run.config()
    training = config.get("training") if isinstance(config.get("training"), dict) else {}
    assert isinstance(training, dict)
    told = [in_words(game) if game is not None else "an unknown game"]
    fraction = run.fraction()
    if run.lines:
        last = run.lines[-1]
        told.append(f"step {last.step:,} after {duration(last.seconds)}")
        if fraction >= 1.0:
            told.append("its budget is used")
        elif fraction > 0.0:
            told.append(
                f"{100 * fraction:.0f} % of its budget, about {duration(last.seconds * (1 - fraction) / fraction)} left"
            )
        rate = next(
            (
                line.figures["train/learning_rate"]
                for line in reversed(run.lines)
                if "train/learning_rate" in line.figures
            ),
            None,
        )
        if rate is not None:
            told.append(f"learning rate {rate:.2g}, schedule {training.get('schedule', 'cosine')}")
        every = training.get("checkpoint_every", 500)
        if isinstance(every, int) and every > 0:
            told.append(f"next checkpoint in {every - last.step % every:,} steps")
    else:
        told.append("nothing told yet")
    told.append("running" if run.alive() else "not running")
    warnings = [warning for line in run.lines[-40:] for warning in line.warnings][-3:]
    return html.joined(
        tag("h2", run.name),
        tag("ul", *(tag("li", each) for each in told), class_="facts"),
        tag("ul", *(tag("li", each) for each in warnings), class_="warnings") if warnings else Html(),
    )


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
