"""The UCI engine: recorded dialogues, wrong input, python-chess as a real client."""

from __future__ import annotations

import io
import sys
import time

import numpy as np
import pytest
from dialogue import Dialogue, fields

import alphazero as az
from alphazero.player import Player
from alphazero.protocols.clock import Clock
from alphazero.protocols.uci import UciEngine, centipawns, wdl_permille


@pytest.fixture
def uci():
    dialogues = []

    def start(game: str = "chess", **settings) -> Dialogue:
        dialogues.append(Dialogue(UciEngine, game, **settings))
        return dialogues[-1]

    yield start
    for each in dialogues:
        each.close()


def test_the_handshake_lists_the_options(uci):
    d = uci()
    d.send("uci")
    lines = d.until("uciok")
    names = {line.split(" type ")[0].removeprefix("option name ") for line in lines if line.startswith("option")}
    expected = {
        "Hash",
        "MultiPV",
        "Ponder",
        "UCI_Chess960",
        "UCI_ShowWDL",
        "WeightsFile",
        "Threads",
        "CPuct",
        "PolicyTemperature",
    }
    assert expected <= names
    assert any(line.startswith("id name alphazero") for line in lines) and any("id author" in line for line in lines)
    d.send("isready")
    assert d.until("readyok") == ["readyok"]


def test_go_nodes_reports_every_field_and_one_bestmove(uci):
    d = uci()
    d.send("setoption name UCI_ShowWDL value true", "position startpos moves e2e4 e7e5", "go nodes 500")
    lines = d.until("bestmove")
    info = fields(lines[-2])
    assert {"depth", "seldepth", "time", "nodes", "nps", "score", "wdl", "multipv", "hashfull", "pv"} <= info.keys()
    assert info["nodes"] == "500" and sum(map(int, info["wdl"].split())) == 1000
    assert lines[-1].split()[1] == info["pv"].split()[0]
    assert lines[-1].split()[2:] == ["ponder", info["pv"].split()[1]]


def test_the_search_runs_while_commands_are_read_and_stop_answers_at_once(uci):
    d = uci()
    d.send("position startpos", "go infinite", "isready")
    d.until("readyok")
    time.sleep(0.15)
    begin = time.monotonic()
    d.send("stop")
    d.until("bestmove")
    assert time.monotonic() - begin < 0.5, "50 ms on an idle machine; this one may be busy"


def test_infinite_waits_for_stop_even_when_mate_is_proven(uci):
    d = uci()
    d.send("position fen 6k1/5ppp/8/8/8/8/8/K2R4 w - - 0 1", "go infinite", "isready")
    d.until("readyok")
    time.sleep(0.2)
    assert not [line for line in list(d.out.queue) if line.startswith("bestmove")]
    d.send("stop")
    lines = d.until("bestmove")
    assert lines[-1].split()[1] == "d1d8" and fields(lines[-2])["score"] == "mate 1"


def test_ponderhit_starts_the_clock_and_stop_ends_pondering(uci):
    d = uci()
    d.send("position startpos moves e2e4 e7e5", "go ponder wtime 3000 btime 3000", "isready")
    d.until("readyok")
    time.sleep(0.3)
    assert not [line for line in list(d.out.queue) if line.startswith("bestmove")]
    d.send("ponderhit")
    d.until("bestmove", seconds=5)
    d.send("position startpos moves d2d4 d7d5", "go ponder wtime 3000 btime 3000", "stop")
    d.until("bestmove", seconds=5)


def test_searchmoves_restricts_the_root_and_is_forgotten_afterwards(uci):
    d = uci()
    d.send("position startpos", "go nodes 300 searchmoves a2a3 h2h3")
    assert d.until("bestmove")[-1].split()[1] in ("a2a3", "h2h3")
    d.send("setoption name MultiPV value 256", "go nodes 300")
    shown = {fields(line)["pv"].split()[0] for line in d.until("bestmove") if " pv " in line}
    assert len(shown) == 20


def test_multipv_lists_that_many_lines_best_first(uci):
    d = uci()
    d.send("setoption name MultiPV value 3", "position startpos", "go nodes 400")
    lines = [fields(line) for line in d.until("bestmove") if line.startswith("info")][-3:]
    assert [line["multipv"] for line in lines] == ["1", "2", "3"]
    assert len({line["pv"].split()[0] for line in lines}) == 3


def test_a_mate_is_found_scored_and_limits_the_search(uci):
    d = uci()
    mate_in_two = "1n3r1k/5rpp/3b4/p7/2P1P2Q/3P2N1/1P2p2q/3RK3 b - - 0 35"
    d.send(f"position fen {mate_in_two}", "go mate 2")
    lines = d.until("bestmove")
    assert fields(lines[-2])["score"] == "mate 2" and lines[-1].split()[1] == "d6b4"
    assert len(fields(lines[-2])["pv"].split()) == 3


def test_a_lost_side_is_scored_as_mated(uci):
    d = uci()
    d.send("position fen 7k/8/5K2/8/8/8/8/6Q1 b - - 0 1", "go nodes 400")
    assert fields(d.until("bestmove")[-2])["score"] == "mate -1"


def test_one_legal_move_is_played_at_once_on_the_clock(uci):
    d = uci()
    d.send("position fen 7k/8/8/8/8/8/6q1/K6r w - - 0 1")
    d.send("position fen k7/8/8/8/8/8/1q6/K7 w - - 0 1", "go wtime 600000 btime 600000")
    begin = time.monotonic()
    assert d.until("bestmove")[-1].split()[1] == "a1b2"
    assert time.monotonic() - begin < 2.0


def test_go_depth_and_movetime_end(uci):
    d = uci()
    d.send("position startpos", "go depth 3")
    assert int(fields(d.until("bestmove")[-2])["depth"]) >= 3
    begin = time.monotonic()
    d.send("go movetime 200")
    d.until("bestmove")
    assert 0.1 < time.monotonic() - begin < 2.0


def test_a_finished_game_has_no_move_and_a_drawn_one_is_played_on(uci):
    d = uci()
    d.send("position fen 7k/6Q1/6K1/8/8/8/8/8 b - - 0 1", "go nodes 10")
    assert d.until("bestmove")[-1] == "bestmove (none)"
    repeated = " ".join(["g1f3", "g8f6", "f3g1", "f6g8"] * 2)
    d.send(f"position startpos moves {repeated}", "go nodes 50")
    assert d.until("bestmove")[-1].split()[1] != "(none)"


def test_a_dead_draw_is_answered_too_but_never_before_stop(uci):
    d = uci()
    d.send("position fen 8/8/8/4k3/8/8/8/K6N w - - 0 1", "go wtime 1000 btime 1000")
    assert d.until("bestmove")[-1].split()[1] in d.engine.position.legal_moves()
    for end, go in [("ponderhit", "go ponder wtime 1000 btime 1000"), ("stop", "go infinite")]:
        d.send(go)
        time.sleep(0.2)
        assert d.out.empty()
        d.send(end)
        assert d.until("bestmove")[-1].split()[1] in d.engine.position.legal_moves()


def test_a_search_that_fails_still_gives_a_move(uci, capsys):
    d = uci()

    def broken(planes, legal):
        raise MemoryError("the device is full")

    d.engine.player._leaf_evaluator = lambda: broken
    d.send("position startpos", "go nodes 100")
    assert d.until("bestmove")[-1].split()[1] in d.engine.position.legal_moves()
    assert "the device is full" in capsys.readouterr().err


def test_chess960_castles_by_taking_the_rook(uci):
    d = uci()
    d.send("setoption name UCI_Chess960 value true")
    d.send("position fen 1r2k3/8/8/8/8/8/8/1R2K1R1 w GBb - 0 1 moves e1g1", "d")
    board = "\n".join(d.until("Fen"))
    assert "Fen: 1r2k3/8/8/8/8/8/8/1R3RK1 b q" in board


def test_gardner_speaks_uci_too(uci):
    d = uci("gardner")
    d.send("uci")
    assert any("UCI_Variant" in line for line in d.until("uciok"))
    d.send("position startpos moves a2a3", "go nodes 100")
    assert (
        d.until("bestmove")[-1].split()[1]
        in az.Game("gardner").position("rnbqk/ppppp/P4/1PPPP/RNBQK b - - 0 1").legal_moves()
    )


WRONG = [
    ("position startpos moves e2e5", "e2e5"),
    ("position startpos moves e2e4 zzzz", "zzzz"),
    ("position fen 8/8/8/8 w - - 0 1", "placement"),
    ("position", "position"),
    ("setoption name Hash value many", "Hash"),
    ("setoption name Nonsense value 1", "Nonsense"),
    ("setoption value 3", "setoption"),
    ("setoption name WeightsFile value /nowhere/at/all", "/nowhere/at/all"),
    ("setoption name UCI_Chess960 value perhaps", "UCI_Chess960"),
    ("\x00\x07garbage \ud7ff", "unknown command"),
]


def test_wrong_input_gets_one_line_and_leaves_the_engine_alive(uci):
    d = uci()
    d.send("position startpos moves e2e4")
    for line, named in WRONG:
        d.send(line)
        answer = d.until("info string error")
        assert len(answer) == 1 and named in answer[0], (line, answer)
    d.send("", "   ", "joho isready")
    assert d.until("readyok") == ["readyok"]
    d.send("d")
    d.until("Fen")


def test_go_twice_gives_two_bestmoves(uci):
    d = uci()
    d.send("position startpos", "go infinite", "go nodes 20")
    d.until("bestmove")
    d.until("bestmove")
    d.send("isready")
    assert d.until("readyok") == ["readyok"]


def test_a_second_position_while_searching_is_for_the_next_go(uci):
    d = uci()
    d.send("position startpos", "go infinite", "position startpos moves e2e4", "stop")
    first = d.until("bestmove")[-1].split()[1]
    assert first in az.Game("chess").position().legal_moves()
    d.send("go nodes 20")
    assert d.until("bestmove")[-1].split()[1][1] in "78"


def test_end_of_input_while_searching_ends_cleanly():
    out = io.StringIO()
    engine = UciEngine(Player("uniform", az.Game("chess")))
    engine.serve(["position startpos\n", "go infinite\n"], out)
    assert out.getvalue().splitlines()[-1].startswith("bestmove")
    out = io.StringIO()
    UciEngine(Player("uniform", az.Game("chess"))).serve(["go nodes 150\n"], out)
    assert "nodes 150" in out.getvalue(), "a search with a limit is not cut short by the end of a piped script"


def test_the_tree_is_kept_from_move_to_move(uci):
    seen = []

    def counting(planes, legal):
        seen.append(len(planes))
        return [np.zeros(len(each), np.float32) for each in legal], np.zeros(len(planes), np.float32)

    d = uci(batch_size=1)
    d.engine.player._leaf_evaluator = lambda: counting
    d.send("position startpos", "go nodes 400")
    pv = fields(d.until("bestmove")[-2])["pv"].split()
    seen.clear()
    d.send(f"position startpos moves {pv[0]} {pv[1]}", "go nodes 50")
    info = fields(d.until("bestmove")[-2])
    assert info["nodes"] == "50" and sum(seen) <= 50, "a fresh tree would have evaluated its root as well"


# --- pure functions ---


def test_scores_grow_with_the_value_and_stay_in_range():
    values = np.linspace(-1, 1, 201)
    scores = [centipawns(float(v)) for v in values]
    assert scores == sorted(scores) and scores[100] == 0 and abs(scores[0]) <= 9999
    for value in values:
        wdl = wdl_permille(float(value), 0.6)
        assert sum(wdl) == 1000 and min(wdl) >= 0
        assert abs((wdl[0] - wdl[2]) / 1000 - value) < 0.002


@pytest.mark.parametrize("increment", [0.0, 0.1])
def test_a_clock_is_never_overrun(increment):
    """Every budget, spent to the full with a margin's delay, leaves time for 300 moves more."""
    clock = Clock(10.0, increment_seconds=increment, margin_seconds=0.1)
    for move in range(300):
        budget = clock.budget(2 * move, 120.0)
        assert budget > 0.0
        clock.main_seconds -= budget + (0.005 if budget <= 0.01 else 0.05)
        assert clock.main_seconds > 0.0 or (increment == 0.0 and move > 100), move
        clock.main_seconds = max(0.0, clock.main_seconds) + increment


def test_moves_to_go_shares_the_clock_over_them():
    clock = Clock(40.0, moves_to_go=40, margin_seconds=0.05)
    assert 0.7 < clock.budget(0, 120.0) < 1.1
    last = Clock(5.0, moves_to_go=1, margin_seconds=0.05)
    assert 2.0 < last.budget(78, 120.0) < 4.9


# --- python-chess, a real client ---


def test_python_chess_plays_with_the_engine():
    chess = pytest.importorskip("chess", reason="python-chess is the client; it comes with the extra 'test'")
    pytest.importorskip("chess.engine")
    command = [sys.executable, "-m", "alphazero", "uci"]
    with chess.engine.SimpleEngine.popen_uci(command, timeout=60) as engine:
        engine.configure({"UCI_ShowWDL": True, "Hash": 64})
        board = chess.Board()
        for _ in range(6):
            result = engine.play(board, chess.engine.Limit(nodes=100), info=chess.engine.INFO_ALL)
            assert result.move in board.legal_moves
            assert "score" in result.info and "wdl" in result.info
            board.push(result.move)
        analysis = engine.analyse(board, chess.engine.Limit(nodes=200), multipv=3)
        assert len(analysis) == 3 and all(info["pv"] for info in analysis)
        only = list(board.legal_moves)[:2]
        assert engine.play(board, chess.engine.Limit(nodes=50), root_moves=only).move in only
        mate = engine.analyse(chess.Board("6k1/5ppp/8/8/8/8/8/K2R4 w - - 0 1"), chess.engine.Limit(nodes=50))
        assert mate["score"].white() == chess.engine.Mate(1)
        fischer = chess.Board.from_chess960_pos(100)
        assert engine.play(fischer, chess.engine.Limit(nodes=50)).move in fischer.legal_moves
