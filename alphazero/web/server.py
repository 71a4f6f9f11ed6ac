"""The server: where it listens, its pages, their sockets, uploads and downloads, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import secrets
import socket
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from alphazero.errors import UserError, one_line
from alphazero.game import make
from alphazero.web import analyse, analyse_view, play, reading, saving, setup, tournaments, watch
from alphazero.web.engine import Engine
from alphazero.web.faults import fault
from alphazero.web.guard import OWN_NAMES, Guard
from alphazero.web.html import document
from alphazero.web.live import MOST_CHANNELS, Channel, Message, Table, Tables, Update, fields_of
from alphazero.web.models import Folder, Models, folders
from alphazero.web.session import Setup, replay

MOST_MESSAGE = 1 << 20  # bytes of a page's message
STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


class Seat(Protocol):
    """An open page: what it does when it comes, asks, and goes."""

    def open(self) -> None: ...
    def act(self, message: Message) -> Awaitable[None] | None: ...
    def close(self) -> None: ...


class Act(Protocol):
    """What a page does at a table; loaded: the game that was pasted, already read."""

    def __call__(self, table: Table, channel: Channel, message: Message, loaded: reading.Loaded | None) -> None: ...


class TableSeat:
    """A page that looks at a session."""

    def __init__(self, table: Table, channel: Channel, act: Act):
        self._table = table
        self._channel = channel
        self._act = act

    def open(self) -> None:
        self._table.channels.add(self._channel)
        game = self._table.session.game
        if self._channel.page == "play":
            self._channel.push(Update(parts={"rest": setup.rest_of_form(game, self._table.models)}))
            self._channel.push(Update(state={"game": game.name}))
            play.go_on(self._table)
        else:
            self._table.show(self._channel)
        model = self._table.models.default(game)
        self._table.engine.warm(self._table.session, self._table.models.resolve(model, game))

    async def act(self, message: Message) -> None:
        loaded = None
        if message.get("do") in ("new", "open"):  # what was pasted is read in another thread: other pages go on
            fields = fields_of(message) if message["do"] == "new" else analyse.opened(self._table, message)
            loaded = await asyncio.to_thread(setup.pasted, fields)
        self._act(self._table, self._channel, message, loaded)

    def close(self) -> None:
        table = self._table
        table.channels.discard(self._channel)
        if not any(channel.page == "analyse" for channel in table.channels):
            table.stop("analysing")  # nobody looks


class Site:
    """The application and what it keeps."""

    def __init__(self, runs: dict[str, Folder]):
        self.runs = runs
        self.models = Models(runs)
        self.shelf = watch.Shelf.of(runs)
        self.engine = Engine()
        self.tables = Tables(self.engine, self.models, {"play": play.show, "analyse": analyse_view.show})
        self._channels = 0
        files = resources.files("alphazero.web").joinpath("static")
        self._static = {name: files.joinpath(name).read_bytes() for name in STATIC}
        rest = setup.rest_of_form(make("go"), self.models)
        self._pages = {
            "play": document("play", play.body(rest)),
            "analyse": document("analyse", analyse_view.body()),
            "watch": document("watch", watch.body()),
            "tournaments": document("tournaments", tournaments.body()),
        }

    def app(self, names: frozenset[str] | None = OWN_NAMES, token: str = "", cookie: str = "") -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/static/{name}", self.static),
                Route("/save", self.save),
                Route("/upload", self.upload, methods=["POST"]),
                WebSocketRoute("/live", self.live),
                Route("/{page}", self.page),
            ],
            middleware=[Middleware(Guard, names=names, token=token, cookie=cookie)],
            exception_handlers={UserError: _told, HTTPException: _refused},
            lifespan=self.lifespan,
        )

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        await self.engine.close()

    # --- plain requests ---

    async def page(self, request: Request) -> Response:
        name = request.path_params.get("page", "play")
        if name not in self._pages:
            raise HTTPException(404)
        return HTMLResponse(self._pages[name])

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            raise HTTPException(404)
        return Response(self._static[name], media_type=STATIC[name])

    async def save(self, request: Request) -> Response:
        """The session's game as a file."""
        table = self.tables.find(request.query_params.get("session", ""))
        if table is None:
            raise UserError("this game is not here any more: load the page again")
        form = request.query_params.get("format", "")
        text = saving.write(table.session, form)
        name = f"alphazero-{table.session.game.name}.{form}"  # both known to saving
        return Response(
            text.encode(),
            media_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def upload(self, request: Request) -> Response:
        """A game's file, for a session."""
        table = self.tables.open(request.query_params.get("session", ""))
        told = request.headers.get("content-length", "0")
        data = bytearray()
        too_large = UserError(f"the file is too large for a game: at most {reading.MOST_BYTES >> 20} MB")
        if not told.isdecimal() or int(told) > reading.MOST_BYTES:
            raise too_large
        async for part in request.stream():
            data += part
            if len(data) > reading.MOST_BYTES:
                raise too_large
        try:
            loaded = await asyncio.to_thread(reading.read, bytes(data), table.session.game)
        except ValueError as error:
            raise UserError(str(error)) from error
        if request.query_params.get("page") == "play":
            opponent = self.models.default(loaded.game)
            person = replay(loaded.game, loaded.start, loaded.moves).turn  # who is to move goes on
        else:
            opponent, person = "", 0
        table.begin(Setup(loaded.game, loaded.start, opponent, person, names=loaded.names))
        play.enter(table, loaded)
        table.changed()
        return PlainTextResponse(f"{len(loaded.moves)} moves of {setup.name_of(loaded.game)}")

    # --- a page's socket ---

    async def live(self, socket: WebSocket) -> None:
        """What a page asks for, one after the other; what it is told comes when there is something."""
        if self._channels >= MOST_CHANNELS:
            await socket.close(1013, "too many pages are open")
            return
        page = socket.query_params.get("page", "")
        channel = Channel(page, socket.send_text)
        try:
            seat = self._seat(page, socket.query_params.get("session", ""), channel)
        except UserError as error:
            await socket.close(1008, str(error)[:100])
            return
        await socket.accept()
        self._channels += 1
        sending = asyncio.create_task(_until_closed(channel))
        try:
            await _do(channel, seat.open)
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                await _do(channel, partial(_act, seat, message.get("text")))
        finally:
            self._channels -= 1
            sending.cancel()
            seat.close()

    def _seat(self, page: str, key: str, channel: Channel) -> Seat:
        if page == "play":
            return TableSeat(self.tables.open(key), channel, play.act)
        if page == "analyse":
            return TableSeat(self.tables.open(key), channel, analyse.act)
        if page == "watch":
            return watch.Watcher(channel, self.shelf)
        if page == "tournaments":
            return tournaments.Tournaments(channel, self.runs)
        raise UserError("there is no such page")


async def _until_closed(channel: Channel) -> None:
    try:
        await channel.run()
    except (WebSocketDisconnect, RuntimeError):  # the page has gone; its seat is told where it reads
        return
    except Exception as error:
        fault(error)


async def _do(channel: Channel, work: Callable[[], Awaitable[None] | None]) -> None:
    """Does something for a page. What is wrong with it, or with us, is told there in a line, and the page lives on."""
    try:
        later = work()
        if later is not None:
            await later
    except (ValueError, RecursionError, OSError) as error:
        channel.push(Update(say=one_line(str(error))[:400]))
    except Exception as error:
        channel.push(Update(say=fault(error)))


def _act(seat: Seat, text: str | None) -> Awaitable[None] | None:
    """One message of a page; None: it sent bytes."""
    message = json.loads(text) if text is not None and len(text) <= MOST_MESSAGE else None
    if not isinstance(message, dict):
        raise UserError("the page sent what is no message: load it again")
    return seat.act(message)


async def _told(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 413 if "too large" in str(error) else 400)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "there is no such page", 405: "this page is not asked in this way"}
    return PlainTextResponse(words.get(error.status_code, error.detail) + "\n", error.status_code)


# --- listening ---


def is_local(host: str) -> bool:
    """Whether nobody else's machine can reach this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_names(host: str) -> frozenset[str]:
    """By which names this machine's own page may be asked for, where it listens on a local address."""
    return OWN_NAMES | {bracketed(host.lower())}


def bracketed(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def reached_by(host: str, bound: str) -> list[str]:
    """Hosts for the addresses to be printed. bound: the address that the socket listens on.

    Where that is every address ("0.0.0.0", "::"): the local one, and how others reach this machine.
    """
    if not ipaddress.ip_address(bound.partition("%")[0]).is_unspecified:
        return [bracketed(host)]
    found = ["[::1]" if ":" in bound else "127.0.0.1"]
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))  # nothing is sent; it only chooses the address that others see
        found.append(asking.getsockname()[0])
    return list(dict.fromkeys([*found, socket.gethostname()]))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. UserError says why it cannot."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(256)
        return listening
    except OSError as error:
        raise UserError(
            f"serve: cannot listen on {host} port {port}: {error.strerror}; choose another --port"
        ) from error


def serve(host: str, port: int, runs: list[Path], *, open_browser: bool) -> None:
    """Serves the page until it is interrupted. UserError says what cannot be served."""
    for path in runs:
        if not path.is_dir():
            raise UserError(f"serve: --run {path}: no such directory")
    site = Site(folders(runs))
    with listen(host, port) as listening:
        port = int(listening.getsockname()[1])
        local = is_local(host)
        token = "" if local else secrets.token_urlsafe(24)
        app = site.app(own_names(host) if local else None, token, f"alphazero-{port}")
        asked = f"?token={token}" if token else ""
        hosts = reached_by(host, listening.getsockname()[0])
        address, *others = [f"http://{each}:{port}/{asked}" for each in hosts]
        print(f"alphazero serve: {address}", flush=True)
        if others:
            print(f"from other machines: {' or '.join(others)}", flush=True)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            http="h11",
            ws="websockets-sansio",
            ws_max_size=MOST_MESSAGE,
            timeout_graceful_shutdown=2,
        )
        if open_browser:
            webbrowser.open(address)
        uvicorn.Server(config).run(sockets=[listening])
