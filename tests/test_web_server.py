"""`alphazero serve` as others reach it: requests, sockets, hostile input; no browser."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from served import Served, served
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from alphazero.cli import main
from alphazero.web.server import own_names, reached_by

KEY = "0123456789abcdef0123456789abcdef"
PAGES = ("/", "/play", "/analyse", "/watch", "/tournaments")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "<b>run"
    run.mkdir()
    (run.parent / "secret.txt").write_text("secret")
    with served("--run", run) as running:
        yield running


def open_page(server: Served, page: str = "play", session: str = KEY, **more) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/live?page={page}&session={session}", max_size=None, **more)


class Page:
    """What a page's script would know."""

    def __init__(self, socket: ClientConnection):
        self.socket = socket
        self.parts: dict[str, str] = {}
        self.state: dict = {}
        self.said: list[str] = []

    def take(self, timeout: float = 20.0) -> None:
        message = json.loads(self.socket.recv(timeout))
        self.parts |= message["set"]
        self.state |= message["state"]
        self.said += [message["say"]] if "say" in message else []

    def do(self, **message) -> None:
        self.socket.send(json.dumps(message))
        self.take()

    def until(self, done, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not done(self):
            self.take(max(0.1, end - time.monotonic()))


# --- pages and headers ---


def test_pages_ask_nothing_of_another_host_and_allow_no_foreign_script(server: Served):
    for path in (*PAGES, "/static/page.js", "/static/page.css", "/static/icon.svg"):
        status, text, headers = server.ask("GET", path)
        assert status == 200
        found = set(re.findall(r"(?:https?:)?//[a-zA-Z0-9.-]+\.[a-z]+", text)) - {"http://www.w3.org"}
        assert not found, path
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "style=" not in text or path.endswith((".js", ".css"))
        assert not re.search(r"\son[a-z]+=", text) or path.endswith(".js")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/%2e%2e/secret.txt",
        "/static//etc/passwd",
        "/../../secret.txt",
        "/secret.txt",
        "/save?session=../../etc/passwd&format=sgf",
        f"/save?session={KEY}&format=../../secret.txt",
        "/nothing",
    ],
)
def test_no_path_leads_to_a_file(server: Served, path: str):
    with open_page(server):
        pass
    status, text, _ = server.ask("GET", path)
    assert status in (400, 404) and "secret" not in text.replace("secret.txt", "") and "root:" not in text
    assert text.count("\n") == 1


def test_requests_of_other_origins_are_refused(server: Served):
    host = f"127.0.0.1:{server.port}"
    assert server.ask("GET", "/", Host=host)[0] == 200
    assert server.ask("GET", "/", Host="evil.example")[0] == 403
    assert server.ask("GET", "/", Host=host, Origin="http://evil.example")[0] == 403
    assert server.ask("POST", f"/upload?session={KEY}", b"d", Host=host, Origin="http://evil.example")[0] == 403
    assert server.ask("POST", f"/upload?session={KEY}", b"d", Host=host, Sec_Fetch_Site="cross-site")[0] == 403
    with pytest.raises(InvalidStatus) as refused:
        open_page(server, additional_headers={"Origin": "http://evil.example"})
    assert refused.value.response.status_code == 403
    with open_page(server, additional_headers={"Origin": f"http://{host}"}):
        pass


def test_elsewhere_than_on_this_machine_a_token_is_needed():
    with served("--host", "0.0.0.0") as running:
        token = re.search(r"token=(\S{20,})", running.url)
        assert token is not None
        port = running.url.rpartition(":")[2].partition("/")[0]
        other = Served(running.process, f"http://127.0.0.1:{port}/")
        assert other.ask("GET", "/")[0] == 403
        assert other.ask("GET", "/?token=wrong")[0] == 403
        status, _, headers = other.ask("GET", f"/analyse?token={token[1]}")
        assert status == 303 and headers["location"] == "/analyse"
        cookie = headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie.replace("Strict", "strict")
        assert other.ask("GET", "/", Cookie=cookie.partition(";")[0])[0] == 200


def test_the_printed_addresses_lead_here_where_every_address_is_listened_on():
    with served("--host", "0.0.0.0") as running:
        assert "//0.0.0.0" not in running.url, "an address that no other machine can open"
        assert running.ask("GET", running.url.partition(str(running.port))[2])[0] == 303
        assert running.process.stdout is not None
        others = re.findall(r"http://(\S+):(\d+)/\?token=\S{20,}", running.process.stdout.readline())
        assert socket.gethostname() in [host for host, _ in others]
        assert {int(port) for _, port in others} == {running.port}


def test_addresses_name_hosts_that_can_be_opened():
    assert reached_by("big-machine", "192.0.2.7") == ["big-machine"]
    assert reached_by("::1", "::1") == ["[::1]"] and "[::1]" in own_names("::1")
    for host in ("0.0.0.0", "::"):
        local, *others = reached_by(host, host)
        assert local in own_names(host) and others and host not in others


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost"])
def test_a_local_address_is_served_under_the_name_that_was_printed(host: str):
    with served("--host", host) as running:
        assert running.url == f"http://{host}:{running.port}/"
        for name, status in ((host, 200), ("127.0.0.1", 200), ("evil.example", 403), ("127.0.0.3", 403)):
            asking = http.client.HTTPConnection(host, running.port, timeout=20)
            asking.request("GET", "/", headers={"Host": f"{name}:{running.port}"})
            assert asking.getresponse().status == status, name
            asking.close()


# --- sockets ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"do": 5}',
        '{"do": "move"}',
        '{"do": "move", "move": 7}',
        '{"do": "move", "move": "<script>"}',
        '{"do": "new"}',
        '{"do": "new", "fields": {"game": "nothing"}}',
        '{"do": "new", "fields": {"game": "go", "opponent": "run:..:1"}}',
        '{"do": "choose", "value": ["a"]}',
        '{"do": "__class__"}',
        "[" * 100_000,
        "{" + '"a":' * 1000,
    ],
    ids=range(15),
)
def test_a_wrong_message_gets_a_line_and_the_page_lives_on(server: Served, text: str):
    for kind in ("play", "analyse"):
        with open_page(server, kind) as socket:
            page = Page(socket)
            page.take()
            socket.send(text)
            page.until(lambda page: page.said)
            assert "\n" not in page.said[0] and len(page.said[0]) < 500
            page.do(do="flip")


@pytest.mark.parametrize(
    "query", ["page=play&session=short", "page=nothing&session=" + KEY, "page=play&session=" + "Z" * 32]
)
def test_a_socket_without_a_session_is_refused(server: Served, query: str):
    where = f"ws://127.0.0.1:{server.port}/live?{query}"
    with pytest.raises((InvalidStatus, ConnectionClosed)), connect(where) as socket:
        socket.recv(5)


def test_a_message_without_end_ends_that_page_alone(server: Served):
    with open_page(server) as socket, pytest.raises(ConnectionClosed):
        socket.send("x" * (3 << 20))
        for _ in range(50):
            socket.recv(5)
    with open_page(server) as socket:
        Page(socket).take()


def test_two_pages_of_one_session_show_the_same_and_other_sessions_do_not(server: Served):
    with (
        open_page(server, session="a" * 32) as one,
        open_page(server, session="a" * 32) as two,
        open_page(server, session="b" * 32) as three,
    ):
        pages = [Page(each) for each in (one, two, three)]
        for page in pages:
            page.take()
        pages[0].do(do="new", fields={"game": "connect4", "opponent": ""})
        pages[0].do(do="move", move="d")
        pages[1].until(lambda page: "<li>d</li>" in page.parts.get("moves", ""))
        assert "connect4" not in pages[2].parts["board"]


def test_fifty_requests_at_once_are_all_answered(server: Served):
    statuses: list[int] = []

    def ask(i: int) -> None:
        if i % 2:
            statuses.append(server.ask("GET", PAGES[i % len(PAGES)])[0])
        else:
            with open_page(server, session=f"{i:032x}") as socket:
                page = Page(socket)
                page.take()
                page.do(do="new", fields={"game": "connect4", "opponent": ""})
                page.until(lambda page: page.state.get("by") == "cell" and len(page.state["legal"]) == 7)
                page.do(do="move", move="abcdefg"[i % 7])
                page.until(lambda page: "<li>" in page.parts["moves"])
                statuses.append(200)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert statuses == [200] * 50


# --- uploads ---


def test_an_upload_of_a_hundred_megabytes_is_refused_and_not_kept(server: Served):
    size = 100 << 20
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(
            f"POST /upload?session={KEY} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        assert b"413" in raw.recv(4096).split(b"\r\n")[0]
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:  # it does not say how much comes
        raw.sendall(
            f"POST /upload?session={KEY} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        block = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        sent = 0
        try:
            while sent < size:
                raw.sendall(block)
                sent += len(block)
        except OSError:
            pass
        assert sent < 60 << 20 or b"413" in raw.recv(4096)
    with open_page(server) as again:
        Page(again).take()


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 1000, b"(;SZ[400]", b"<svg onload=alert(1)>", "１ ９九玉".encode(), b"1. e4 e5 2. Ke8"],
    ids=range(6),
)
def test_a_broken_upload_is_a_clear_line(server: Served, data: bytes):
    with open_page(server):
        pass
    status, text, _ = server.ask("POST", f"/upload?session={KEY}&page=analyse", data)
    assert status in (200, 400) and text.count("\n") <= 1 and "Traceback" not in text


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1", "Black"),
        ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "White"),
        ("1. e4 *", "Black"),
        ("1. e4 e5 *", "White"),
    ],
    ids=range(4),
)
def test_who_uploads_a_game_plays_the_side_whose_turn_it_is(server: Served, text: str, whose: str):
    key = "d" * 32
    with open_page(server, session=key) as socket:
        page = Page(socket)
        page.take()
        page.do(do="new", fields={"game": "chess", "opponent": ""})
        assert server.ask("POST", f"/upload?session={key}&page=play", text.encode())[0] == 200
        page.until(lambda page: "Your move" in page.parts["status"] or "thinking" in page.parts["status"])
        assert f"Your move, {whose}" in page.parts["status"]


def test_markup_in_a_file_is_shown_as_text(server: Served):
    key = "c" * 32
    with open_page(server, "analyse", key) as socket:
        page = Page(socket)
        page.take()
        evil = '<img src=x onerror="alert(1)"><script>alert(1)</script>'
        game = f'[White "{evil[:10]}"]\n[Event "x"]\n\n1. e4 {{{evil}}} e5 *'
        status, _, _ = server.ask("POST", f"/upload?session={key}&page=analyse", game.encode())
        assert status == 200
        page.until(lambda page: "e7e5" in page.parts.get("moves", ""))
        page.do(do="step", by="-1")
        page.until(lambda page: "img" in page.parts["comment"])
        assert "<img" not in page.parts["comment"] and "<script" not in page.parts["comment"]


# --- the command ---


def test_a_port_in_use_is_one_line(server: Served, capsys):
    assert main(["serve", "--port", str(server.port)]) == 2
    assert "choose another --port" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_one_line(tmp_path: Path, capsys):
    assert main(["serve", "--port", "0", "--run", str(tmp_path / "nothing")]) == 2
    assert "no such directory" in capsys.readouterr().err


def children_of(process: subprocess.Popen[str]) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def test_an_opponent_whose_process_was_killed_can_be_asked_again():
    with served() as running, open_page(running) as socket:
        page = Page(socket)
        page.take()
        page.do(do="new", fields={"game": "connect4", "opponent": "mcts:100000000"})
        page.do(do="move", move="d")
        page.until(lambda page: "thinking" in page.parts["status"])
        end = time.monotonic() + 30
        while not children_of(running.process):
            assert time.monotonic() < end, "no searching process was started"
            time.sleep(0.01)
        (searching,) = children_of(running.process)
        os.kill(searching, signal.SIGKILL)
        page.until(lambda page: "Yellow did not answer: the searching process ended" in page.parts["status"])
        page.do(do="retry")
        page.until(lambda page: "thinking" in page.parts["status"])
        page.do(do="new", fields={"game": "connect4", "opponent": "mcts:50"})
        page.do(do="move", move="c")
        page.until(lambda page: page.parts.get("moves", "").count("<li>") == 2)
        assert children_of(running.process) != [searching]


def test_the_engine_ends_with_the_server():
    with served() as running, open_page(running) as socket:
        page = Page(socket)
        page.take()
        page.do(do="new", fields={"game": "connect4", "opponent": "mcts:50"})
        page.do(do="move", move="d")
        page.until(lambda page: page.parts.get("moves", "").count("<li>") == 2)
        children = children_of(running.process)
        assert len(children) == 1
        running.process.terminate()
        running.process.wait(10)
        for _ in range(50):
            if not Path(f"/proc/{children[0]}").exists():
                break
            time.sleep(0.1)
        assert not Path(f"/proc/{children[0]}").exists()
