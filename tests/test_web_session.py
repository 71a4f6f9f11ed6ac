"""The page's parts without a browser: sessions, clocks, boards, what is pasted, what is saved."""

from __future__ import annotations

import io
import json
import random
import re
import time
from xml.etree import ElementTree

import chess
import pytest

import alphazero as az
from alphazero.errors import UserError
from alphazero.formats import sgf
from alphazero.protocols.clock import Clock, Pace
from alphazero.web import boards, engine_process, html, reading, saving, setup
from alphazero.web.clocks import Clocks
from alphazero.web.guard import Guard
from alphazero.web.models import Models
from alphazero.web.session import Ended, Session, Setup, ending


def by_hand(name: str = "connect4", start: str = "", **options) -> Session:
    return Session(Setup(az.Game(name, **options), start))


def playout(name: str, seed: int, most: int = 400, **options) -> Session:
    session = by_hand(name, **options)
    for move in session.position.random_playout(seed)[1][:most]:
        session.play(move)
    return session


# --- the tree ---


def test_a_move_that_was_taken_back_stays_as_a_variation():
    session = by_hand("chess")
    for move in ("e2e4", "e7e5"):
        session.play(move)
    session.undo()
    session.play("c7c5")
    assert session.moves() == ["e2e4", "c7c5"]
    assert [(node.move, level) for node, level in session.variations()] == [("e2e4", 0), ("e7e5", 0), ("c7c5", 1)]
    session.undo()
    session.play("e7e5")  # known: no new node
    assert len(session.nodes) == 4


def test_the_position_is_that_of_the_node_one_looks_at():
    session = playout("shogi", 1, 40)
    moves = session.moves()
    for depth in (40, 3, 17, 0, 39):
        session.step(-1000)
        session.step(depth)
        expected = az.Game("shogi").position()
        for move in moves[:depth]:
            expected.play(move)
        assert session.position.text == expected.text
    assert [node.depth for node in session.line()] == list(range(1, 41))


def test_a_persons_take_back_goes_to_its_own_decision():
    session = Session(Setup(az.Game("connect4"), opponent="mcts:10"))
    session.play("d")
    session.play("d")  # the opponent
    session.play("c")
    session.undo()  # before the answer came
    assert session.moves() == ["d", "d"] and session.persons_turn
    session.undo()
    assert session.moves() == []
    with pytest.raises(UserError, match="nothing to take back"):
        session.undo()


def test_a_resignation_can_be_taken_back_and_ends_the_game_until_then():
    session = by_hand("chess")
    session.play("e2e4")
    session.resign()
    assert session.ended == Ended(1, "resignation") and ending(session) == "White wins: Black resigned"
    assert session.legal_moves() == []
    with pytest.raises(UserError, match="over"):
        session.play("e7e5")
    session.undo()
    assert session.ended is None and session.moves() == ["e2e4"]


def test_an_illegal_move_changes_nothing():
    session = by_hand("chess")
    with pytest.raises(az.IllegalMove):
        session.play("e2e5")
    assert session.moves() == [] and session.position.ply == 0


# --- ends in words ---


@pytest.mark.parametrize(
    ("name", "options", "moves", "told"),
    [
        ("chess", {}, "f2f3 e7e5 g2g4 d8h4", "Black wins: checkmate"),
        ("chess", {}, "g1f3 g8f6 f3g1 f6g8 g1f3 g8f6 f3g1 f6g8", "Draw: threefold repetition"),
        ("connect4", {}, "d c d c d c d", "Red wins: four in a row"),
        ("go", {"board_size": 5, "komi": 3.5}, "C3 pass pass", "Black wins by 21.5: area 25 to 3.5"),
        ("go", {"board_size": 3, "komi": 3.5}, "pass pass", "White wins by 3.5: area 3.5 to 0"),
        ("go", {"board_size": 3, "komi": 0.0}, "pass pass", "Draw: area 0 to 0"),
        ("minishogi", {}, "1e1d 5a5b 1d1e 5b5a " * 4, "repetition"),
    ],
)
def test_the_end_is_told_in_words(name: str, options: dict, moves: str, told: str):
    session = by_hand(name, **options)
    for move in moves.split():
        if session.ended is None:
            session.play(move)
    assert told in ending(session)


def test_go_ends_say_the_score_of_the_rules():
    for seed in range(20):
        session = playout("go", seed, board_size=5, komi=2.5)
        outcome = session.position.outcome
        if outcome is None or not outcome.score:
            continue
        told = re.fullmatch(r"(Black|White) wins by ([\d.]+): area ([\d.]+) to ([\d.]+)", ending(session))
        assert told is not None
        assert (told[1] == "Black") == (outcome.value > 0)
        assert float(told[2]) == abs(outcome.score) == float(told[3]) - float(told[4])


# --- clocks ---


def test_clocks_run_for_the_side_to_move_and_add_the_increment():
    clocks = Clocks(60.0, 2.0)
    clocks.start(0, 100.0)
    assert clocks.shown(0, 110.0) == 50.0 and clocks.shown(1, 110.0) == 60.0
    clocks.moved(110.0)
    assert clocks.shown(0, 115.0) == 52.0 and clocks.shown(1, 115.0) == 55.0
    assert clocks.fallen(169.0) is None and clocks.fallen(170.0) == 1


def test_a_clock_that_runs_out_ends_the_game():
    now = 0.0
    session = Session(Setup(az.Game("chess"), main_seconds=10.0), now=lambda: now)
    now = 4.0
    session.play("e2e4")
    now = 13.9
    assert not session.flag()
    now = 14.1
    assert session.flag() and ending(session) == "White wins on time"


def test_a_move_after_the_flag_does_not_count():
    now = 0.0
    session = Session(Setup(az.Game("chess"), main_seconds=10.0), now=lambda: now)
    now = 11.0
    session.play("e2e4")
    assert session.moves() == [] and ending(session) == "Black wins on time"


class Timed:
    """A session with clocks of 60 s, and the time that it reads."""

    def __init__(self, **setup):
        self.now = 0.0
        self.session = Session(Setup(az.Game("chess"), main_seconds=60.0, **setup), now=lambda: self.now)

    def play(self, *moves: tuple[float, str]) -> None:
        for seconds, move in moves:
            self.now += seconds
            self.session.play(move)

    def shown(self) -> tuple[float, float, int | None]:
        clocks = self.session.clocks
        return clocks.shown(0, self.now), clocks.shown(1, self.now), clocks.running


def test_a_take_back_restores_the_time():
    timed = Timed(increment_seconds=2.0)
    timed.play((10.0, "e2e4"), (20.0, "e7e5"), (30.0, "g1f3"))
    assert timed.shown() == (24.0, 42.0, 1)
    timed.now += 5.0
    timed.session.undo()
    assert timed.shown() == (52.0, 42.0, 0)
    timed.session.undo()
    assert timed.shown() == (52.0, 60.0, 1)
    timed.session.undo()
    assert timed.shown() == (60.0, 60.0, 0)


def test_a_take_back_after_the_flag_goes_on_with_the_time_of_that_move():
    timed = Timed()
    timed.play((10.0, "e2e4"), (20.0, "e7e5"))
    timed.now += 55.0
    assert timed.session.flag() and timed.shown()[2] is None
    timed.session.undo()
    assert timed.session.moves() == ["e2e4", "e7e5"] and timed.shown() == (50.0, 40.0, 0)
    assert not timed.session.flag()
    timed.play((5.0, "g1f3"))
    assert timed.shown() == (45.0, 40.0, 1)


def test_clocks_rest_while_one_looks_elsewhere_and_go_on_with_the_time_of_that_position():
    timed = Timed(increment_seconds=2.0)
    timed.play((10.0, "e2e4"), (20.0, "e7e5"), (30.0, "g1f3"))
    timed.session.step(-1)
    timed.now += 100.0  # nobody's flag falls by looking
    assert timed.shown() == (52.0, 42.0, None) and not timed.session.flag()
    timed.session.step(-1000)
    assert timed.shown() == (60.0, 60.0, None)
    timed.session.go(2)
    timed.session.resume()
    timed.play((4.0, "b1c3"))
    assert timed.shown() == (50.0, 42.0, 1), "White's time and increment are White's"
    timed.now += 3.0
    timed.session.step(1)  # there is nothing further on
    assert timed.shown() == (50.0, 39.0, 1)


def test_take_back_of_a_game_that_was_opened_has_all_the_time():
    timed = Timed()
    clocks, timed.session.clocks = timed.session.clocks, None
    timed.play((0.0, "e2e4"), (0.0, "e7e5"))
    timed.session.clocks = clocks
    timed.play((7.0, "g1f3"))
    timed.session.undo()
    assert timed.shown() == (60.0, 60.0, 0)


def searched(moves: list[str], **limits) -> tuple[dict, float]:
    """What the searching process says at the end of a search of chess without a network, and the seconds it took."""
    out = io.StringIO()
    worker = engine_process.Worker(out)
    limits = {"simulations": None, "seconds": None, "clock": None, "level": 10, "lines": 0, "key": "a", **limits}
    asked = {"do": "search", "id": 1, "model": "uniform", "game": "chess", "options": {}, "start": "", "moves": moves}
    begin = time.perf_counter()
    worker.take(asked | limits)
    while '"done"' not in out.getvalue():
        assert time.perf_counter() - begin < 30.0
        time.sleep(0.01)
    return json.loads(out.getvalue().splitlines()[-1]), time.perf_counter() - begin


def test_the_opponent_shares_out_its_clock_as_in_any_gui():
    found, seconds = searched(["e2e4"], clock=(12.0, 0.0))
    assert found["best"] and 0.01 <= found["seconds"] <= seconds < 6.0
    # One move is legal: no need to think for ten seconds, which is the usual share.
    found, seconds = searched(["e2e4", "f7f6", "d1h5"], clock=(600.0, 0.0))
    assert found["best"] == "g7g6" and seconds < 5.0


def test_a_search_whose_time_is_up_waits_for_no_other(monkeypatch):
    worker = engine_process.Worker(io.StringIO())
    monkeypatch.setattr(engine_process, "SLICE_SECONDS", 0.0)
    asked = {"model": "uniform", "clock": (1.0, 0.0), "level": 10, "lines": 0, "key": "a"}
    job = engine_process.Job(1, asked, az.Game("chess").position(), 10_000, None)
    job.pace = Pace(Clock(1.0), 0, lambda: 120.0, begin=time.perf_counter() - 5.0)
    with worker._turn:  # so that nobody takes what waits
        worker._waiting.append(job)
        assert worker._slice(job) and job.found["best"]
        before = dict(job.found)
        assert worker._slice(job) and job.found == before, "the move of one batch is none"
        worker._waiting.clear()


def searching(monkeypatch, models: list[str]) -> tuple[engine_process.Worker, list[engine_process.Job], io.StringIO]:
    """Searches that take turns after each batch; the test gives the turns."""
    out = io.StringIO()
    worker = engine_process.Worker(out)
    monkeypatch.setattr(engine_process, "SLICE_SECONDS", 0.0)
    start = az.Game("connect4").position()
    asked = [{"model": each, "key": f"{i}", "clock": None, "level": 10, "lines": 0} for i, each in enumerate(models)]
    return worker, [engine_process.Job(i, each, start, 100_000, None) for i, each in enumerate(asked)], out


@pytest.mark.parametrize("model", ["uniform", "mcts:100000"])
def test_searches_that_take_turns_keep_their_trees_however_many_there_are(monkeypatch, model: str):
    worker, jobs, _ = searching(monkeypatch, [model] * (engine_process.KEPT_PLAYERS + 2))
    with worker._turn:  # so that nobody takes what waits
        worker._waiting.extend(jobs)
        for _ in range(3):
            for job in jobs:
                before = job.done, job.found.get("nodes", 0)
                assert not worker._slice(job), "it gives way, and is not done"
                assert job.found["nodes"] > before[1], "a tree that begins anew does not grow"
                assert job.done > before[0]
        worker._waiting.clear()


def test_trees_are_few_once_their_searches_are_done(monkeypatch):
    worker, jobs, _ = searching(monkeypatch, ["uniform"] * (engine_process.KEPT_PLAYERS + 2))
    with worker._turn:
        worker._waiting.extend(jobs)
        for job in jobs:
            worker._slice(job)
        assert len(worker._searching) == len(jobs)
        kept = jobs[-1].player
        for job in jobs:
            worker._release(job)
        assert not worker._searching and len(worker._players) == engine_process.KEPT_PLAYERS
        assert worker._player(jobs[-1]) is kept, "the next search of who asked goes on with its tree"
        worker._waiting.clear()


def test_one_search_too_many_ends_the_one_that_had_most(monkeypatch):
    worker, jobs, out = searching(monkeypatch, ["uniform"] * (engine_process.MOST_PLAYERS + 1))
    with worker._turn:
        worker._waiting.extend(jobs)
        for job in jobs[:-1]:
            worker._slice(job)
        jobs[3].spent = 1000.0
        worker._slice(jobs[-1])
        assert [job.number for job in jobs if job.stopped] == [3] and jobs[3].found["best"]
        assert len(worker._searching) == engine_process.MOST_PLAYERS
        assert json.loads(out.getvalue())["text"].startswith("this search has ended")
        worker._waiting.clear()


# --- boards ---


@pytest.mark.parametrize("name", az.games())
def test_boards_are_well_formed_and_show_every_cell_and_piece(name: str):
    session = playout(name, 7, 60)
    position = session.position
    for flipped in (False, True):
        drawn = boards.board(position, flipped=flipped, last=session.current.move)
        tree = ElementTree.fromstring(f"<div>{drawn.replace(' disabled>', '>').replace(' disabled ', ' ')}</div>")
        cells = {each.get("data-cell"): each.get("aria-label") for each in tree.iter() if each.get("data-cell")}
        _, height, width = position.game.planes_shape
        assert len(cells) == (width if name == "connect4" else height * width)
        pieces = sum(1 for each in tree.iter() if (each.get("class") or "").startswith("piece"))
        in_hand = sum(1 for each in tree.iter() if each.get("class") == "held")
        assert pieces == int((position.cells() != 0).sum()) + in_hand


def test_cells_have_the_names_that_moves_use():
    for name in az.games():
        game = az.Game(name)
        face = boards.Face.of(game)
        names = {face.name(r, c) for r in range(face.height) for c in range(face.width)}
        position = game.position()
        for move in position.random_playout(3)[1][:80]:
            if move != "pass":
                cells = face.cells_of(move)
                assert cells and {face.name(*cell) for cell in cells} <= names
                if face.moves_by == "pair":
                    assert move[2:4] == face.name(*cells[-1])
            position.play(move)


def test_the_board_agrees_with_the_diagram():
    position = az.Game("chess").position("r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1")
    letters = {"p": "pawn", "n": "knight", "b": "bishop", "r": "rook", "q": "queen", "k": "king"}
    labels = dict(re.findall(r'data-cell="(..)"[^>]*aria-label="[^,]*, ([^"]*)"', boards.board(position)))
    for line in position.diagram.splitlines()[:8]:
        rank, *squares = line.split()
        for file, letter in zip("abcdefgh", squares, strict=True):
            side = "White" if letter.isupper() else "Black"
            expected = "empty" if letter == "." else f"{side} {letters[letter.lower()]}"
            assert labels[f"{file}{rank}"] == expected


def test_only_the_side_to_move_has_pieces_to_drop():
    position = az.Game("shogi").position("4k4/9/9/9/9/9/9/9/4K4 b 2Pg 1")
    drawn = boards.board(position)
    assert re.findall(r'data-drop="(.)"', drawn) == ["P"] and drawn.count('class="held"') == 2
    position.play("P*5e")
    assert re.findall(r'data-drop="(.)"', boards.board(position)) == ["G"]


# --- what is pasted, uploaded and saved ---


@pytest.mark.parametrize("name", az.games())
def test_a_saved_game_is_read_as_the_same_game(name: str):
    for seed in (3, 4):
        session = playout(name, seed, 120)
        for form in saving.formats(name):
            text = saving.write(session, form)
            found = reading.read(text.encode(), az.Game(name))
            assert found.moves == session.moves() and found.game.name == name


def test_an_analysis_plays_on_after_a_resignation_and_the_result_stays():
    session = Session(Setup(az.Game("connect4")))
    session.play("d")
    session.resign()
    assert session.legal_moves() == [] and "c" in session.legal_moves(beyond=True)
    with pytest.raises(UserError, match="the game is over"):
        session.play("c")
    session.play("c", beyond=True)
    assert session.moves() == ["d", "c"] and session.ended is None
    session.step(-1)
    assert session.ended is not None and session.ended.reason == "resignation"
    assert [node.move for node in session.line()] == ["d"], "what was tried after it is no part of the game"


def test_the_saved_result_is_that_of_the_game():
    session = by_hand("go", board_size=5, komi=3.5)
    for move in ("C3", "pass", "pass"):
        session.play(move)
    assert "RE[B+21.5]" in saving.write(session, "sgf")
    session.undo()
    session.resign()
    assert saving.write(session, "sgf").count("RE[") == 1


@pytest.mark.parametrize("name", ["go", "chess", "shogi"])
@pytest.mark.parametrize("looks_back", [False, True])
def test_moves_taken_back_are_not_saved_as_the_game(name: str, looks_back: bool):
    session = playout(name, 3, 4)
    moves = session.moves()
    if looks_back:
        session.step(-1)
    else:
        session.undo()
    session.resign()
    found = reading.read(saving.write(session, saving.formats(name)[0]).encode(), az.Game(name))
    assert found.moves == moves[:3] and found.value == 1
    assert [node.move for node in session.line()] == moves[:3] and len(session.nodes) == 5


@pytest.mark.parametrize(
    ("text", "game", "moves"),
    [
        ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "chess", []),
        ("position startpos moves e2e4 e7e5", "chess", ["e2e4", "e7e5"]),
        ("1. e4 e5 2. Nf3 *", "chess", ["e2e4", "e7e5", "g1f3"]),
        ("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1", "shogi", []),
        ("(;GM[1]SZ[9]KM[7];B[ee];W[cc])", "go", ["E5", "C7"]),
        ("\n (;SZ[5];B[cc];B[dd])", "go", ["C3", "b D2"]),
        ("D4 C3", "go", ["D4", "C3"]),
        (
            "手合割：平手\n手数----指手---------消費時間--\n   1 ７六歩(77)\n   2 ３四歩(33)\n",
            "shogi",
            ["7g7f", "3c3d"],
        ),
        ("V2.2\nPI\n+\n+7776FU\n-3334FU\n", "shogi", ["7g7f", "3c3d"]),
        ("ddcb", "connect4", ["d", "d", "c", "b"]),
    ],
)
def test_formats_are_told_apart(text: str, game: str, moves: list[str]):
    chosen = az.Game(game if game in ("connect4", "chess") else "go")
    found = reading.read(text.encode(), chosen)
    assert (found.game.name, found.moves) == (game, moves)
    session = Session(Setup(found.game, found.start))
    for move in found.moves:
        session.play(move)


def test_a_chess960_file_is_played_by_its_own_rules():
    pgn = '[Variant "Chess960"]\n[SetUp "1"]\n[FEN "bqnrkrnb/pppppppp/8/8/8/8/PPPPPPPP/BQNRKRNB w KQkq - 0 1"]\n\n1. d4 d5 *\n'
    found = reading.read(pgn.encode(), az.Game("go"))
    assert found.game.options["chess960"] is True and found.moves == ["d2d4", "d7d5"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"<script>alert(1)</script>",
        b"(;",
        b"(;SZ[99];B[aa])",
        b"\x00\xff" * 500,
        b"1. e4 e5 2. Ke3??? {",
        b"8/8/8/8/8/8/8/8 w - - 0 1",
        b"(" * 50_000,
        b"[" * 50_000,
        b"(;C[" + b"x" * 200_000,
        "手合割：平手\n   1 ９九玉(11)\n".encode(),
        b"PI\n+\n+9999OU\n",
        b"x" * (reading.MOST_BYTES + 1),
    ],
    ids=range(14),
)
def test_what_cannot_be_read_is_one_clear_line(data: bytes):
    try:
        found = reading.read(data, az.Game("go"))
    except ValueError as error:
        assert str(error) and "\n" not in str(error) and len(str(error)) < 1200
    else:
        assert found.moves == [] or found.warnings


def test_names_and_moves_of_files_are_escaped_wherever_they_are_shown():
    markup = "<img src=x onerror=alert(1)>"
    assert "<img" not in html.tag("p", markup, title=markup)
    found = reading.read(f"(;SZ[9]PB[{markup}];B[ee])".encode(), az.Game("go"))
    session = Session(Setup(found.game, found.start, names=found.names))
    assert session.setup.names[0] == markup
    assert sgf.parse(saving.write(session, "sgf")).properties["PB"] == [markup]


# --- the form of a new game ---


def fields(**given: str) -> dict[str, str]:
    return {"game": "go", "opponent": "", **given}


def test_the_form_makes_the_game_that_it_says():
    models = Models({})
    wanted, _ = setup.setup_of(
        fields(
            board_size="13", komi="6.5", rules="japanese", handicap="4", minutes="5", increment="3", colour="second"
        ),
        models,
    )
    assert wanted.game.options["board_size"] == 13 and wanted.game.options["komi"] == 6.5
    assert wanted.game.options["ko"] == "simple" and wanted.person == 1
    assert (wanted.main_seconds, wanted.increment_seconds) == (300.0, 3.0)
    session = Session(wanted)
    assert int((session.position.cells() == 1).sum()) == 4 and session.position.turn == 1
    odds, _ = setup.setup_of({"game": "shogi", "opponent": "", "handicap": "2"}, models)
    assert int((Session(odds).position.cells() != 0).sum()) == 38
    fischer, _ = setup.setup_of({"game": "chess", "opponent": "", "chess960": "1"}, models)
    assert fischer.game.options["chess960"] is True and fischer.start.endswith(" w KQkq - 0 1")


def test_all_start_positions_of_chess960_are_drawn_and_no_other():
    draws = random.Random(1)
    starts = {setup.fischer_start(draws) for _ in range(20_000)}
    assert starts == {chess.Board.from_chess960_pos(n).fen() for n in range(960)}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"board_size": "99"}, "board size must be a number from 2 to 19, got '99'"),
        ({"board_size": "²"}, "board size"),
        ({"komi": "much"}, "komi"),
        ({"rules": "mine"}, "unknown rules"),
        ({"handicap": "9", "board_size": "5"}, "handicap"),
        ({"opponent": "/etc/passwd"}, "there is no player"),
        ({"opponent": "run:../../etc:3"}, "there is no player"),
        ({"opponent": "mcts:0"}, "mcts:N"),
        ({"simulations": "1e9"}, "simulations"),
        ({"game": "chezz"}, "did you mean chess"),
        ({"start": "nonsense here"}, "cannot be read"),
    ],
)
def test_the_form_refuses_what_cannot_be(given: dict[str, str], told: str):
    with pytest.raises(ValueError, match=re.escape(told)):
        setup.setup_of(fields(**given), Models({}))


# --- who may ask ---


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"host": "127.0.0.1:8400"}, True),
        ({"host": "localhost:8400", "origin": "http://localhost:8400"}, True),
        ({"host": "[::1]:8400"}, True),
        ({"host": "evil.example:8400"}, False),  # DNS rebinding
        ({"host": "127.0.0.1.evil.example"}, False),
        ({"host": "127.0.0.1:8400", "origin": "http://evil.example"}, False),
        ({"host": "127.0.0.1:8400", "origin": "http://127.0.0.1:9999"}, False),
        ({"host": "127.0.0.1:8400", "origin": "null"}, False),
        ({"host": "127.0.0.1:8400", "origin": "127.0.0.1:8400"}, False),
        ({"host": "localhost", "origin": "https://localhost"}, False),  # another server of this machine
        ({"host": "localhost", "origin": "http://localhost", "scheme": "ws"}, True),
        ({"host": "localhost", "origin": "https://localhost", "scheme": "wss"}, True),  # behind a proxy
        ({"host": "localhost", "origin": "http://localhost", "scheme": "https"}, False),
        ({"host": "127.0.0.1:8400", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ({"host": "127.0.0.1:8400", "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, False),
        ({"host": "127.0.0.1:8400", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),  # a link
    ],
)
def test_other_origins_are_refused(headers: dict[str, str], allowed: bool):
    scheme = headers.pop("scheme", "http")
    scope = {
        "scheme": scheme,
        "type": "http",
        "method": "GET",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    assert (Guard(None)._refusal(scope) == "") is allowed


def test_a_token_is_needed_where_others_can_ask():
    def refused(query: bytes = b"", cookie: str = "") -> bool:
        headers = [(b"host", b"big-machine:8400"), *([(b"cookie", cookie.encode())] if cookie else [])]
        scope = {"type": "http", "method": "GET", "query_string": query, "headers": headers}
        return bool(Guard(None, None, "secret", "c")._refusal(scope))

    assert refused() and refused(b"token=wrong") and refused(cookie="c=wrong") and refused(b"token=")
    assert not refused(b"token=secret") and not refused(cookie="c=secret")
