"""What the pages to play and to analyse do with a session, without a browser, a socket or a search: the test is the engine."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

import alphazero as az
from alphazero.errors import UserError
from alphazero.web import analyse, analyse_view, engine_process, play, reading
from alphazero.web.engine import OnTold, _tell
from alphazero.web.live import Channel, Table
from alphazero.web.models import Models
from alphazero.web.server import Site, TableSeat, _do
from alphazero.web.session import Session, Setup

KEY = "0123456789abcdef0123456789abcdef"


@dataclass
class Asked:
    """A search that a page asked for."""

    key: str
    moves: list[str]
    model: str
    on_told: OnTold
    stopped: bool = False

    def report(self, best: str, value: float = 0.5) -> None:
        self.on_told({"kind": "report", **found(best, value)})

    def done(self, best: str = "") -> None:
        self.on_told({"kind": "done", **(found(best) if best else {})})


def found(best: str, value: float = 0.5) -> dict[str, Any]:
    """What a search says; "value" is the side to move's."""
    move = {"move": best, "visits": 9, "share": 0.9, "prior": 0.5, "q": value, "score": None, "line": [best]}
    numbers = {"simulations": 10, "nodes": 10, "seconds": 0.1, "depth": 2.0, "proof": None, "ownership": None}
    return {"best": best, "value": value, "wdl": None, "score": None, "priors": {best: 1.0}, "moves": [move], **numbers}


@dataclass
class Engine:
    """Takes what pages ask for; the test answers."""

    asked: list[Asked] = field(default_factory=list)

    def search(self, key: str, session: Session, model: str, on_told: OnTold, **limits: object) -> int:
        self.asked.append(Asked(key.partition(" ")[2], session.moves(), model, on_told))
        return len(self.asked) - 1

    def review(self, session: Session, moves: list[str], model: str, simulations: int, on_told: OnTold) -> int:
        self.asked.append(Asked("review", moves, model, on_told))
        return len(self.asked) - 1

    def stop(self, number: int) -> None:
        self.asked[number].stopped = True

    def warm(self, session: Session, model: str) -> None:
        pass

    def running(self) -> list[tuple[str, list[str]]]:
        return [(each.key, each.moves) for each in self.asked if not each.stopped]


class Desk:
    """A table, a page to play and one to analyse, and the engine."""

    def __init__(self, game: str = "connect4", opponent: str = "", models: Models | None = None, **setup):
        self.engine = Engine()
        views = {"play": play.show, "analyse": analyse_view.show}
        self.table = Table(KEY, self.engine, models or Models({}), views)  # type: ignore[arg-type]
        self.table.begin(Setup(az.Game(game), opponent=opponent, **setup))
        self.pages = {name: self.open(name) for name in ("play", "analyse")}

    def open(self, name: str) -> Channel:
        channel = Channel(name, None)  # type: ignore[arg-type]
        self.table.channels.add(channel)
        self.table.show(channel)
        return channel

    def do(self, page: str, do: str, **message: object) -> None:
        act = {"play": play.act, "analyse": analyse.act}[page]
        act(self.table, self.pages[page], {"do": do, **message})

    def part(self, page: str, name: str) -> str:
        return self.pages[page]._waiting.parts[name]

    def said(self, page: str) -> str:
        return self.pages[page]._waiting.say

    def is_there(self, name: str) -> bool:
        return self.pages["play"]._waiting.attributes[name]["hidden"] is None


# --- what was found belongs to the position that it was found in ---


@pytest.mark.parametrize("way", ["move", "undo", "answer", "analyse-move", "step", "new"])
def test_what_was_found_in_one_position_is_not_shown_in_another(way: str):
    desk = Desk(opponent="mcts:10" if way == "answer" else "")
    desk.do("play", "move", move="c")
    desk.do("analyse", "start", fields={})
    desk.engine.asked[-1].report("e")
    desk.do("analyse", "stop")
    assert "data-line" in desk.part("analyse", "candidates") and "candidate" in desk.part("analyse", "overlay")
    if way == "answer":
        desk.engine.asked[0].done("d")
        assert desk.table.session.moves() == ["c", "d"]
    else:
        message = {
            "move": ("play", {"do": "move", "move": "d"}),
            "undo": ("play", {"do": "undo"}),
            "analyse-move": ("analyse", {"do": "move", "move": "d"}),
            "step": ("analyse", {"do": "step", "by": "-1"}),
            "new": ("play", {"do": "new", "fields": {"game": "connect4", "opponent": ""}}),
        }[way]
        desk.do(message[0], **message[1])
    assert "data-line" not in desk.part("analyse", "candidates") and desk.part("analyse", "overlay") == ""


def test_a_hint_goes_with_the_position_that_it_was_for():
    desk = Desk()
    desk.do("play", "hint")
    desk.engine.asked[-1].done("e")
    assert "Hint: e" in desk.part("play", "status") and "candidate" in desk.part("play", "overlay")
    desk.table.changed()
    assert "Hint: e" in desk.part("play", "status")
    desk.do("analyse", "move", move="d")
    assert "Hint" not in desk.part("play", "status") and desk.part("play", "overlay") == ""


def test_an_analysis_goes_on_with_what_is_played_on_another_page():
    desk = Desk()
    desk.do("analyse", "start", fields={})
    desk.do("play", "move", move="d")
    assert desk.engine.running() == [("analysis", ["d"])]
    desk.engine.asked[0].report("a")  # too late
    assert "data-line" not in desk.part("analyse", "candidates")
    desk.engine.asked[1].report("b")
    assert 'data-line="b"' in desk.part("analyse", "candidates")


def test_an_analysis_goes_on_where_one_steps_back_from_the_end_of_a_game():
    desk = Desk()
    for move in "aabbcc":
        desk.do("play", "move", move=move)
    desk.do("analyse", "start", fields={})
    desk.do("analyse", "move", move="d")
    assert desk.table.session.ended is not None and desk.engine.running() == []
    desk.do("analyse", "step", by="0")
    assert desk.engine.running() == [] and not desk.said("analyse")
    desk.do("analyse", "step", by="-1")
    assert desk.engine.running() == [("analysis", list("aabbcc"))]
    desk.do("analyse", "step", by="1")
    desk.do("analyse", "stop")
    desk.do("analyse", "step", by="-1")
    assert desk.engine.running() == [], "begun again though it was stopped"


def test_a_line_that_a_page_plays_out_ends_where_another_page_moves():
    desk = Desk(game="chess")
    desk.do("analyse", "start", fields={})
    desk.engine.asked[-1].report("e2e4")
    desk.do("analyse", "line", move="e2e4")
    assert "The line e2e4" in desk.part("analyse", "status")
    desk.do("play", "move", move="e2e4")  # now the line is of no legal moves
    assert "1 moves played" in desk.part("analyse", "status") and not desk.said("analyse")
    desk.do("analyse", "step", by="-1")
    assert "0 moves played" in desk.part("analyse", "status")


# --- an opponent that does not answer ---


def test_after_the_searching_process_ended_the_page_says_so_and_asks_again():
    desk = Desk(opponent="mcts:10")
    desk.do("play", "move", move="d")
    assert "thinking" in desk.part("play", "status") and not desk.is_there("retry")
    desk.engine.asked[-1].on_told({"kind": "error", "text": "the searching process ended; try again"})
    desk.engine.asked[-1].done()
    assert "Yellow did not answer: the searching process ended" in desk.part("play", "status")
    assert desk.is_there("retry")
    desk.do("play", "hint")  # refused in silence: it is not the person's turn
    assert len(desk.engine.asked) == 1, "asked again by what has nothing to do with it"
    desk.do("play", "retry")
    assert "thinking" in desk.part("play", "status") and not desk.is_there("retry")
    desk.engine.asked[-1].done("c")
    assert desk.table.session.moves() == ["d", "c"]


class Gone(Models):
    """Players of a run whose directory is removed in mid game."""

    gone = False

    def resolve(self, key: str, game: az.Game) -> str:
        if key.startswith("run:") and self.gone:
            raise UserError("there is no player here")
        return key


def test_a_checkpoint_that_is_gone_leaves_a_board_and_a_form():
    models = Gone({})
    desk = Desk(opponent="run:a:1", models=models)
    models.gone = True
    desk.do("play", "move", move="d")
    assert "<li>d</li>" in desk.part("play", "moves")
    assert "did not answer: there is no player here" in desk.part("play", "status")
    channel = Channel("play", None)  # a reload
    TableSeat(desk.table, channel, play.act).open()
    shown = channel._waiting
    assert "did not answer" in shown.parts["status"] and "<li>d</li>" in shown.parts["moves"]
    assert "Opponent" in shown.parts["rest"]
    desk.do("play", "new", fields={"game": "connect4", "opponent": "mcts:10", "colour": "second"})
    assert "thinking" in desk.part("play", "status") and desk.engine.running()[-1] == ("play", [])


def test_a_take_back_that_cannot_be_leaves_the_opponent_thinking():
    desk = Desk(opponent="mcts:10", person=1)
    play.go_on(desk.table)
    with pytest.raises(UserError, match="nothing to take back"):
        desk.do("play", "undo")
    desk.engine.asked[-1].done("d")
    assert desk.table.session.moves() == ["d"]


def test_take_back_can_be_pressed_where_the_person_has_moved():
    def can(desk: Desk) -> bool:
        return desk.pages["play"]._waiting.attributes["undo"]["aria-disabled"] is None

    desk = Desk(opponent="mcts:10", person=1)
    play.go_on(desk.table)
    desk.engine.asked[-1].done("d")
    assert not can(desk), "the opponent's move alone is no turn of the person"
    desk.do("play", "move", move="c")
    assert can(desk)
    desk.do("play", "undo")
    assert not can(desk)
    desk.do("play", "resign")
    assert can(desk)
    desk = Desk()
    assert not can(desk)
    desk.do("play", "move", move="c")
    assert can(desk)


def test_a_step_that_is_no_whole_number_is_a_clear_line():
    with pytest.raises(UserError, match="by must be a whole number, got"):
        Desk().do("analyse", "step", by="--5")


def test_a_board_whose_button_is_not_there_is_not_turned():
    desk = Desk()
    for page in ("play", "analyse"):
        with pytest.raises(UserError, match="not turned"):
            desk.do(page, "flip")
    assert not desk.table.flipped
    desk = Desk(game="chess")
    desk.do("play", "flip")
    assert desk.table.flipped


# --- clocks ---


def test_clocks_rest_on_the_page_to_analyse_and_run_on_the_one_to_play():
    async def run() -> None:
        desk = Desk(game="chess", main_seconds=60.0)
        clocks = desk.table.session.clocks
        desk.do("play", "move", move="e2e4")
        assert clocks is not None and clocks.running == 1
        desk.do("analyse", "step", by="-1")
        assert clocks.running is None
        desk.do("analyse", "move", move="d2d4")
        assert clocks.running is None
        TableSeat(desk.table, Channel("play", None), play.act).open()
        assert clocks.running == 1
        desk.table.stop_searches()
        desk.table.session.rest()
        desk.table.changed()  # no timer is left

    asyncio.run(run())


# --- who reviews ---


class Two(Models):
    def networks(self, game: az.Game) -> dict[str, str]:
        return {"pretrained:connect4": "the shipped network", "run:a:1": "a, step 1"}

    def resolve(self, key: str, game: az.Game) -> str:
        return key


def test_the_chosen_network_analyses_and_reviews():
    desk = Desk(models=Two({}))
    desk.do("analyse", "move", move="d")
    desk.do("analyse", "start", fields={})
    assert desk.engine.asked[-1].model == "pretrained:connect4"
    desk.do("analyse", "analyst", value="run:a:1")
    assert desk.engine.asked[-1].model == "run:a:1" and len(desk.engine.running()) == 1
    desk.do("analyse", "review")
    assert (desk.engine.asked[-1].key, desk.engine.asked[-1].model) == ("review", "run:a:1")
    desk.table.stop_searches()
    desk.do("analyse", "analyst", value="mcts:1000")
    with pytest.raises(UserError, match="choose one"):
        desk.do("analyse", "review")


def test_a_review_that_was_stopped_makes_room_for_the_next():
    out = io.StringIO()
    worker = engine_process.Worker(out)
    asked = {"do": "review", "game": "chess", "options": {}, "start": "", "moves": ["e2e4", "e7e5", "g1f3"]}
    asked["model"] = "pretrained:chess"
    end = time.monotonic() + 60
    worker.take({**asked, "id": 1, "simulations": 1_000_000})
    worker.take({**asked, "id": 2, "simulations": 1_000_000})  # waits, and is stopped meanwhile
    worker.take({"do": "stop", "id": 2})
    while not any(each.name.startswith("searches-") for each in threading.enumerate()):
        assert time.monotonic() < end, "the first review does not begin"
        time.sleep(0.02)
    worker.take({"do": "stop", "id": 1})
    worker.take({**asked, "id": 3, "simulations": 2})
    while worker._reviews:
        assert time.monotonic() < end, "the first review goes on"
        time.sleep(0.02)
    assert "error" not in out.getvalue() and '"id": 1, "kind": "done", "judged": []' in out.getvalue()
    assert not worker._reviews


# --- faults of ours ---


def test_a_fault_is_told_in_a_line_and_the_page_lives_on(capsys):
    desk = Desk()
    channel = desk.pages["play"]

    def broken() -> None:
        raise KeyError("share")

    asyncio.run(_do(channel, broken))
    assert desk.said("play").startswith("internal error: KeyError: 'share'") and "\n" not in desk.said("play")
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_in_what_one_page_shows_is_that_pages_alone(monkeypatch, capsys):
    desk = Desk()
    monkeypatch.setattr(analyse_view, "_tree", lambda session: {}["moves"])
    desk.do("play", "move", move="d")
    assert "<li>d</li>" in desk.part("play", "moves") and not desk.said("play")
    assert desk.said("analyse").startswith("internal error") and "Traceback" in capsys.readouterr().err


def test_a_fault_in_what_a_page_does_with_an_answer_ends_no_other_search(capsys):
    told: list[str] = []

    def take(answer: dict) -> None:
        told.append(answer["kind"])
        if answer["kind"] == "report":
            raise ZeroDivisionError

    _tell(take, {"id": 1, "kind": "report"})
    assert told == ["report", "error"] and "ZeroDivisionError" in capsys.readouterr().err


class Socket:
    """A page's socket that says these texts or bytes, and then goes."""

    def __init__(self, *said: str | bytes):
        self.query_params = {"page": "play", "session": KEY}
        self.said = list(said)
        self.told: list[dict] = []

    async def accept(self) -> None: ...

    async def close(self, code: int, reason: str = "") -> None: ...

    async def send_text(self, text: str) -> None:
        self.told.append(json.loads(text))

    async def receive(self) -> dict:
        for _ in range(5):
            await asyncio.sleep(0)  # what the page is told is on its way
        if not self.said:
            return {"type": "websocket.disconnect"}
        said = self.said.pop(0)
        return {"type": "websocket.receive", "bytes" if isinstance(said, bytes) else "text": said}


@pytest.mark.parametrize("said", [b"bytes", "no json", '{"do": "break"}'])
def test_a_socket_outlives_what_cannot_be_done(monkeypatch, said: str | bytes):
    usual = play.act

    def act(table: Table, channel: Channel, message: dict, loaded: reading.Loaded | None) -> None:
        if message["do"] == "break":
            raise KeyError("ours")
        usual(table, channel, message, loaded)

    monkeypatch.setattr(play, "act", act)

    async def run() -> list[dict]:
        site = Site({})
        site.engine = Engine()  # type: ignore[assignment]
        site.tables.engine = site.engine
        fields = {"game": "connect4", "opponent": ""}
        socket = Socket(said, json.dumps({"do": "new", "fields": fields}), json.dumps({"do": "move", "move": "d"}))
        await site.live(socket)  # type: ignore[arg-type]
        return socket.told

    told = asyncio.run(run())
    assert [each for each in told if "say" in each]
    assert any("<li>d</li>" in each["set"].get("moves", "") for each in told), "what came after it was done"


@pytest.mark.parametrize(("page", "do"), [("play", "new"), ("analyse", "open")])
def test_other_pages_go_on_while_a_pasted_game_is_read(monkeypatch, page: str, do: str):
    usual, others, went_on = reading.read, threading.Event(), []

    def slow(data: bytes, game: az.Game) -> reading.Loaded:
        went_on.append(others.wait(3))
        return usual(data, game)

    monkeypatch.setattr(reading, "read", slow)

    async def run() -> list[dict]:
        site = Site({})
        site.engine = Engine()  # type: ignore[assignment]
        site.tables.engine = site.engine
        fields = {"game": "chess", "opponent": "", "start": "1. e4 e5 *"}
        socket = Socket(json.dumps({"do": do, "fields": fields}))
        socket.query_params["page"] = page
        reads = asyncio.create_task(site.live(socket))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        others.set()
        await reads
        return socket.told

    told = asyncio.run(run())
    assert went_on == [True] and any("e7e5" in each["set"].get("moves", "") for each in told)
