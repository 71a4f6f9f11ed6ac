"""What pages and sessions have between them: tables, at which any number of pages look, and channels to the pages.

A page is told only what has changed, and never faster than it takes it: what waits for a slow page is put together.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from alphazero.errors import UserError
from alphazero.game import Game
from alphazero.text import shown
from alphazero.web.engine import Engine, Told
from alphazero.web.faults import fault
from alphazero.web.models import Models
from alphazero.web.session import Node, Session, Setup

MOST_TABLES = 200  # sessions that are kept; those that nobody looks at go first
Message = dict[str, Any]  # what a page asks for, as its JSON has it
MOST_CHANNELS = 100  # open pages


@dataclass
class Update:
    """What a page is to show. parts: HTML by the element's id; attributes: by id, None takes one away; state: for page.js."""

    parts: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str | None]] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    say: str = ""  # a line for a moment

    def enable(self, **enabled: bool) -> None:
        """Buttons by id: whether they can be pressed. One that has the focus keeps it (`disabled` would take it away)."""
        for name, each in enabled.items():
            self.attributes.setdefault(name.replace("_", "-"), {})["aria-disabled"] = None if each else "true"

    def reveal(self, **shown: bool) -> None:
        """Elements by id: whether they are there."""
        for name, each in shown.items():
            self.attributes.setdefault(name.replace("_", "-"), {})["hidden"] = None if each else ""


class Channel:
    """An open page. send: writes a text to it, and returns once it is on its way."""

    def __init__(self, page: str, send: Callable[[str], Awaitable[object]]):
        self.page = page
        self._preview: tuple[Node | None, list[str]] = (None, [])
        self._send = send
        self._shown: dict[str, str] = {}
        self._waiting = Update()
        self._news = asyncio.Event()

    def play_out(self, node: Node, moves: list[str]) -> None:
        """The page plays a line out from a position on; no moves: it shows the position itself."""
        self._preview = (node, moves)

    def preview(self, node: Node) -> list[str]:
        """The line that the page plays out from this position on. Where another one stands by now, there is none."""
        if self._preview[0] is not node:
            self._preview = (None, [])  # one who comes back there sees the position
        return self._preview[1]

    def push(self, update: Update) -> None:
        """Tells the page, soon."""
        waiting = self._waiting
        for name, html in update.parts.items():
            if self._shown.get(name) != html:
                waiting.parts.pop(name, None)  # what is in another part comes after it
                waiting.parts[name] = self._shown[name] = html
                if name == "board":
                    self._shown.pop("overlay", None)  # it is in the board
        waiting.attributes |= update.attributes
        waiting.state |= update.state
        waiting.say = update.say or waiting.say
        self._news.set()

    def forget(self, name: str) -> None:
        """The person has changed this part: it is sent again, though the same as before."""
        self._shown.pop(name, None)

    async def run(self) -> None:
        """Sends what waits, until it is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            update, self._waiting = self._waiting, Update()
            told: dict[str, Any] = {"set": update.parts, "attributes": update.attributes, "state": update.state}
            await self._send(json.dumps({**told, "say": update.say} if update.say else told))


class View(Protocol):
    """What a page shows of a table."""

    def __call__(self, table: Table, channel: Channel) -> Update: ...


@dataclass
class Known:
    """What was found and said of one position."""

    node: Node
    report: Told | None = None  # the analysis' newest
    hint: str = ""
    remark: str = ""  # what is said beside the status
    failure: str = ""  # why the opponent did not answer here


@dataclass(frozen=True)
class Searching:
    """A search under way. again: begins it anew in another position; None: it ends where the position does."""

    number: int
    node: Node
    again: Callable[[], None] | None = None


class Table:
    """A session, who looks at it, and the searches that run for it."""

    def __init__(self, key: str, engine: Engine, models: Models, views: dict[str, View]):
        self.key = key
        self.engine = engine
        self.models = models
        game = Game("go")
        self.session = Session(Setup(game, opponent=models.default(game)))
        self.flipped = False
        self.channels: set[Channel] = set()
        self._views = views
        self._flag: asyncio.TimerHandle | None = None
        # The opponent's search and the hint's, the analysis, and the review; None: none is under way.
        self.thinking: Searching | None = None
        self.hinting: Searching | None = None
        self.analysing: Searching | None = None
        self.reviewing: int | None = None
        self.analyse_again: Callable[[], None] | None = None  # while the analysis waits for a position that is not over
        self._known = Known(self.session.current)
        self.shows = "moves"  # over the board: "moves", "policy" or "ownership"
        self.analyst = ""  # the key of who analyses; "": the usual one
        self.lines = 5
        self.limits: tuple[int | None, float | None] = (None, None)  # of an analysis: simulations, seconds
        self.progress = ""  # of a review

    def begin(self, setup: Setup) -> None:
        """A new game; searches for the old one end."""
        self.stop_searches()
        self.session.begin(setup)
        self.flipped = bool(setup.opponent) and setup.person == 1

    def flip(self) -> None:
        """Turns the board."""
        if self.session.game.name == "connect4":
            raise UserError("the board of Connect Four is not turned: its discs fall")
        self.flipped = not self.flipped

    @property
    def known(self) -> Known:
        """What is known of the current position: of any other, it is forgotten."""
        if self._known.node is not self.session.current:
            self._known = Known(self.session.current)
        return self._known

    def forget(self) -> None:
        """Nothing is known any more."""
        self._known = Known(self.session.current)

    def stop(self, *names: str) -> None:
        """Ends searches, of "thinking", "hinting" and "analysing"."""
        if "analysing" in names:
            self.analyse_again = None
        for name in names:
            search = getattr(self, name)
            if search is not None:
                self.engine.stop(search.number)
                setattr(self, name, None)

    def stop_searches(self) -> None:
        self.stop("thinking", "hinting", "analysing")
        if self.reviewing is not None:
            self.engine.stop(self.reviewing)
            self.reviewing = None
        self.progress = ""

    def follow(self) -> None:
        """Searches of another position than the current one end; the analysis goes on with this one."""
        again = self.analyse_again
        for name in ("thinking", "hinting", "analysing"):
            search: Searching | None = getattr(self, name)
            if search is not None and search.node is not self.session.current:
                self.stop(name)
                again = search.again or again
        if again is not None:
            self.analyse_again = again if self.session.position.outcome is not None else None
            if self.analyse_again is None:
                try:
                    again()
                except UserError as error:
                    self.say(str(error))

    def changed(self) -> None:
        """Shows the table to all who look, has searches follow it, and watches the clock."""
        self.follow()
        for channel in self.channels:
            self.show(channel)
        if self._flag is not None:
            self._flag.cancel()
            self._flag = None
        clocks = self.session.clocks
        if clocks is not None and clocks.running is not None:
            left = clocks.shown(clocks.running, self.session._now())
            self._flag = asyncio.get_running_loop().call_later(left + 0.02, self._look_at_clock)

    def _look_at_clock(self) -> None:
        if self.session.flag():
            self.stop("thinking")
        self.changed()

    def show(self, channel: Channel) -> None:
        """Shows the table to one page. A fault in what it shows is told there, and nowhere else."""
        try:
            channel.push(self._views[channel.page](self, channel))
        except Exception as error:
            channel.push(Update(say=fault(error)))

    def say(self, text: str) -> None:
        """A line for all who look."""
        for channel in self.channels:
            channel.push(Update(say=text))


class Tables:
    """All sessions by their key, which the page makes up: 32 hexadecimal digits."""

    def __init__(self, engine: Engine, models: Models, views: dict[str, View]):
        self.engine = engine
        self.models = models
        self._views = views
        self._tables: OrderedDict[str, Table] = OrderedDict()

    def open(self, key: str) -> Table:
        """The table of a key; a new one where there is none."""
        if len(key) != 32 or not set(key) <= set("0123456789abcdef"):
            raise UserError(f"a session is named by 32 hexadecimal digits, not {shown(key)}")
        if key not in self._tables:
            while len(self._tables) >= MOST_TABLES:
                unused = next((k for k, table in self._tables.items() if not table.channels), None)
                if unused is None:
                    raise UserError("too many games are open: close some pages")
                self._tables.pop(unused).stop_searches()
            self._tables[key] = Table(key, self.engine, self.models, self._views)
        self._tables.move_to_end(key)
        return self._tables[key]

    def find(self, key: str) -> Table | None:
        return self._tables.get(key)


def need(message: Message, name: str, longest: int = 200) -> str:
    """A text of a page's message. UserError where it is none."""
    value = message.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise UserError(f"{name} must be a text of at most {longest:,} characters")
    return value


def whole(message: Message, name: str) -> int:
    """A whole number of a page's message, as text. UserError where it is none."""
    said = need(message, name, 10)
    if not re.fullmatch("-?[0-9]+", said):
        raise UserError(f"{name} must be a whole number, got {shown(said)}")
    return int(said)


def fields_of(message: Message) -> dict[str, str]:
    """The fields of a page's form."""
    given = message.get("fields")
    if not isinstance(given, dict) or len(given) > 40:
        raise UserError("the form's fields are missing")
    fields = {str(key)[:40]: value for key, value in given.items() if isinstance(value, str)}
    if sum(map(len, fields.values())) > 1_000_000:
        raise UserError("this is too much text for a form: upload it as a file")
    return fields
