"""The UCI engine: recorded dialogues, wrong input, python-chess as a real client."""

from __future__ import annotations

import io
import json
import math
import re
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch
from dialogue import Dialogue, Program, fields

import alphazero as az
from alphazero.config import NetworkConfig
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.network import Network, shape_of
from alphazero.player import NetworkPlayer, Player
from alphazero.protocols.clock import Clock
from alphazero.protocols.uci import UciEngine, centipawns, wdl_permille


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


def test_a_move_without_time_costs_one_simulation_also_with_a_tree_at_hand(uci):
    d = uci()
    d.send("position startpos", "go nodes 400")
    d.until("bestmove")
    d.send("position startpos moves e2e4 e7e5", "go wtime 40 btime 40 winc 10 binc 10")
    assert fields(d.until("bestmove")[-2])["nodes"] == "1"


def test_a_weak_level_stays_weak_without_time(uci):
    d = uci()
    d.send("setoption name Skill Level value 1")
    moves = set()
    for _ in range(8):
        d.send("ucinewgame", "position startpos", "go wtime 40 btime 40 winc 10 binc 10")
        moves.add(d.until("bestmove")[-1].split()[1])
    assert len(moves) > 1, "drawn, not the first move of the policy"


def test_a_ponderhit_without_pondering_changes_nothing(uci):
    d = uci()
    d.send("position startpos", "go nodes 300", "ponderhit")
    assert fields(d.until("bestmove")[-2])["nodes"] == "300"


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
        assert d.until("info") == ["info depth 0 score cp 0"], "who analyses waits for a score"
        d.send("isready")
        assert d.until("readyok") == ["readyok"]
        d.send(end)
        assert d.until("bestmove")[-1].split()[1] in d.engine.position.legal_moves()


def test_a_search_that_fails_still_gives_a_move(uci, capsys):
    d = uci()

    def broken(planes, legal):
        raise MemoryError("the device is full")

    d.engine.player.leaf_evaluator = broken
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
        d.refuses(line, named)
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
    d.engine.player.leaf_evaluator = counting
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


# --- every request is answered, for the position it is about ---


@pytest.mark.parametrize(
    "go",
    [
        "go movetime 50 foo",
        "go foo movetime 50",
        "go nodes 10.5",
        "go nodes 1e1",
        "go NODES 10",
        "go nodes ten",
        "go nodes",
        "go movetime -5",
        "go depth " + "9" * 5000 + " nodes 10",
        "go wtime abc",
        "go winc 100",
        "go wtime 100 btime ² nodes 10",
        "go searchmoves e2e5 e2e4 nodes 20",
        "go searchmoves e2e5 nodes 20",
        "go searchmoves nodes 20",
        "go nodes 5 searchmoves zzzz E2E4 0000",
        "go mate nodes 5",
    ],
)
def test_every_go_is_answered_once_with_a_legal_move(uci, go):
    d = uci()
    d.send("position startpos", go)
    (answer,) = d.answers()
    move = answer.split()[1]
    assert move in az.Game("chess").position().legal_moves()
    if "e2e4" in go.lower():
        assert move == "e2e4"


def test_a_bare_go_with_words_that_mean_nothing_runs_until_stop(uci):
    d = uci()
    d.send("position startpos", "go sideways", "isready")
    d.until("readyok")
    d.send("stop", "stop")
    assert len(d.answers()) == 1


def test_root_moves_are_understood_in_any_spelling(uci):
    d = uci()
    d.send("position fen 4k3/8/8/8/8/8/8/4K2R w K - 0 1", "go nodes 10 searchmoves e1h1")
    assert d.answers()[0].split()[1] == "e1g1"


@pytest.mark.parametrize(("depth", "total"), [("3", 8902), ("x", 20), ("0", 20)])
def test_go_perft_counts_and_is_answered(uci, depth, total):
    d = uci()
    d.send("position startpos", f"go perft {depth}")
    lines = d.until("bestmove")
    assert lines[-2:] == [f"Nodes searched: {total}", "bestmove 0000"]
    assert len(lines) == 22 and sum(int(line.split(": ")[1]) for line in lines[:-2]) == total


def test_go_perft_can_be_stopped(uci):
    d = uci()
    d.send("position startpos", "go perft 9", "stop")
    assert d.until("bestmove", seconds=5)[-2:] == ["info string stopped", "bestmove 0000"]


@pytest.mark.parametrize(
    "position",
    [
        "position fen 8/8/8/8 w - - 0 1",
        "position",
        "position moves e2e4",
        "position fen",
        "position sfen 9/9 b - 1",
        "position fen 4k3/8/8/8/8/8/8/4K2r b - - 0 1",
    ],
)
def test_a_position_that_cannot_be_read_leaves_none_and_a_good_one_heals_it(uci, position):
    d = uci()
    d.send("position startpos moves e2e4", position)
    d.until("info string error")
    for go in ("go nodes 10", "go wtime 1000 btime 1000", "go searchmoves e7e5 nodes 5", "go sideways nodes x"):
        d.send(go)
        said, answer = d.until("bestmove")
        assert said.startswith("info string error: go") and answer == "bestmove 0000"
    d.send("go infinite", "isready")
    assert d.until("readyok")[-1] == "readyok" and d.out.empty(), "the answer waits for stop"
    d.send("stop")
    assert d.answers() == ["bestmove 0000"]
    d.send("position startpos", "go nodes 10")
    assert d.answers()[0].split()[1] in az.Game("chess").position().legal_moves()


def test_an_error_quotes_no_more_than_can_be_read(uci):
    d = uci()
    d.send("position fen " + "x" * 100_000)
    assert 100 < len(d.until("info string error")[-1]) < 1100


@pytest.mark.parametrize("bad", ["e7e6e5", "e2e4", "a8a1", "\ud7ff", "pass"])
def test_the_position_before_a_move_that_fails_stands_and_is_named(uci, bad):
    d = uci()
    d.send(f"position startpos moves e2e4 {bad} d2d4")
    after = az.Game("chess").position()
    after.play("e2e4")
    assert after.text in d.until("info string error")[-1]
    d.send("go nodes 10")
    assert d.answers()[0].split()[1] in after.legal_moves()


def test_a_null_move_in_analysis_gives_the_other_side_the_move(uci):
    d = uci()
    d.send("position startpos moves e2e4 0000 d2d4", "d")
    assert d.until("Fen")[-1].startswith("Fen: rnbqkbnr/pppppppp/8/8/3PP3/8/PPP2PPP/RNBQKBNR b KQkq")
    d.send("position fen 4k2R/8/8/8/8/8/8/4K3 b - - 0 1 moves 0000")
    assert "in check" in d.until("info string error")[-1]


def test_options_between_position_and_go_keep_the_position(uci):
    d = uci()
    after = az.Game("chess").position()
    after.play("e2e4")
    for option in ("Hash value 32", "UCI_Chess960 value true", "UCI_Chess960 value 0", "WeightsFile value uniform"):
        d.send("position startpos moves e2e4", f"setoption name {option}", "d", "go nodes 10")
        assert d.until("Fen")[-1] == f"Fen: {after.text}"
        assert d.answers()[0].split()[1] in after.legal_moves()


def test_castling_that_chess960_writes_otherwise_keeps_the_position_too(uci):
    d = uci()
    moves = "e2e4 e7e5 g1f3 g8f6 f1e2 f8e7 e1g1"
    d.send(f"position startpos moves {moves}", "d", "setoption name UCI_Chess960 value true", "d")
    assert d.until("Fen")[-1] == d.until("Fen")[-1]


SHUFFLED = "1rk1r3/8/8/8/8/8/8/1RK1R3 w BEbe - 0 1"  # rooks that the standard rules know no castling with


@pytest.mark.parametrize("moves", ["", "c1b1", "c1b1 c8c7", "e1e7"])
def test_a_position_of_chess960_stays_under_the_standard_rules_without_its_castling(uci, moves):
    d = uci()
    after = az.Game("chess", chess960=True).position(SHUFFLED)
    for move in moves.split():
        after.play(move)
    d.send("setoption name UCI_Chess960 value true", f"position fen {SHUFFLED} moves {moves}", "d")
    assert d.until("Fen")[-1] == f"Fen: {after.text}"
    d.send("setoption name UCI_Chess960 value false", "isready")
    assert d.until("readyok") == ["readyok"]
    placement, side, _, *rest = after.text.split()
    stays = " ".join([placement, side, "-", *rest])
    d.send("d", "go nodes 20")
    assert d.until("Fen")[-1] == f"Fen: {stays}"
    assert d.answers()[0].split()[1] in az.Game("chess").position(stays).legal_moves()


def test_a_position_that_the_options_make_impossible_leaves_none_until_they_make_it_possible(uci):
    d = uci()
    d.send("position startpos moves e2e4", f"position fen {SHUFFLED} moves c1b1")
    assert "castling" in d.until("info string error")[-1]
    d.send("go nodes 5")
    assert d.answers() == ["bestmove 0000"]
    d.send("setoption name UCI_Chess960 value false", "setoption name Hash value 32", "go nodes 5")
    assert d.answers() == ["bestmove 0000"]
    d.send("setoption name UCI_Chess960 value true", "d", "go nodes 5")
    after = az.Game("chess", chess960=True).position(SHUFFLED)
    after.play("c1b1")
    assert d.until("Fen")[-1] == f"Fen: {after.text}"
    assert d.answers()[0].split()[1] in after.legal_moves()


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("setoption name Ponder value 1", "ponder", True),
        ("setoption name Ponder value True", "ponder", True),
        ("setoption name ponder value ON", "ponder", True),
        ("setoption name UCI_ShowWDL value yes", "show_wdl", True),
        ("setoption name UCI_ShowWDL value 0", "show_wdl", False),
        ("SetOption NAME hash VALUE 64", "hash_mb", 64),
        ("setoption name Hash value 64.0", "hash_mb", 64),
        ("setoption Name multipv Value 3", "multi_pv", 3),
    ],
)
def test_options_are_read_as_programs_write_them(uci, line, attribute, value):
    d = uci()
    d.send(line, "isready")
    assert d.until("readyok") == ["readyok"]
    assert getattr(d.engine, attribute) == value


@pytest.mark.parametrize(
    ("option", "attribute", "taken"),
    [
        ("MultiPV value 500", "multi_pv", 256),
        ("MultiPV value 0", "multi_pv", 1),
        ("Hash value 99999999999999999999999", "hash_mb", 65536),
        ("Move Overhead value -4", "overhead_seconds", 0.0),
    ],
)
def test_numbers_beyond_the_range_take_the_nearest_and_say_so(uci, option, attribute, taken):
    d = uci()
    d.send(f"setoption name {option}", "isready")
    said, _ = d.until("readyok")
    assert said.startswith("info string ") and "is taken for" in said
    assert getattr(d.engine, attribute) == taken


def test_threads_are_the_players_before_and_after_other_options(uci):
    d = uci()
    d.send("setoption name Threads value 3", "setoption name UCI_Chess960 value 1", "isready")
    d.until("readyok")
    assert d.engine.player.threads == 3


class Recorder:
    """A network's evaluator that remembers its batches: who asked, and for how many boards."""

    def __init__(self, game):
        self.width = game.policy_size
        self.batches: list[tuple[str, int]] = []

    def evaluate(self, planes):
        self.batches.append((threading.current_thread().name, len(planes)))
        return np.zeros((len(planes), self.width), np.float32), np.full((len(planes), 3), 1 / 3, np.float32)

    def set_threads(self, threads):
        pass

    def taken(self) -> list[int]:
        """Sizes of the batches that no search asked for, since the last call."""
        sizes = [size for thread, size in self.batches if thread != "search"]
        self.batches.clear()
        return sizes


def test_isready_warms_the_network_up_once_for_each_setting_and_never_beside_a_search(uci):
    d = uci()
    game = az.Game("chess")
    recorder = Recorder(game)
    d.engine.player = NetworkPlayer("net", game, recorder, {}, batch_size=4)

    def ready() -> list[int]:
        d.send("isready")
        d.until("readyok")
        return recorder.taken()

    assert ready() == [1, 2, 3, 4]
    assert ready() == []
    d.send("setoption name Threads value 2")
    assert ready() == [1, 2, 3, 4]
    d.send("setoption name MinibatchSize value 64")
    assert sorted(ready()) == [*range(1, 17), 64]
    d.send("ucinewgame", "position startpos", "go nodes 50")
    d.answers()
    assert ready() == []
    d.send("setoption name Threads value 1", "go infinite")
    assert ready() == []
    d.send("stop")
    d.answers()
    assert {size for _, size in recorder.batches} <= {*range(1, 65)}


def test_after_readyok_no_search_waits_for_a_compiler(uci, monkeypatch):
    backend = pytest.importorskip("alphazero.evaluators.openvino_cpu")
    pytest.importorskip("openvino", reason="the backend that compiles; it comes with the extra 'cpu'")
    monkeypatch.setenv("ALPHAZERO_EVALUATOR", "openvino-fp32")
    compiled = []
    real = backend.OpenVinoEvaluator._compile
    monkeypatch.setattr(
        backend.OpenVinoEvaluator,
        "_compile",
        lambda *a: compiled.append(threading.current_thread().name) or real(*a),
    )
    d = uci()
    d.engine.player = az.load("pretrained:chess", "cpu", batch_size=4)
    for option in ("", "setoption name Threads value 1"):
        d.send(option, "isready")
        d.until("readyok")
        d.send("position startpos", "go nodes 20")
        d.answers()
    assert len(compiled) >= 2 and "search" not in compiled


def test_threads_reach_a_networks_backend():
    told = []

    class Backend:
        def set_threads(self, threads):
            told.append(threads)

    NetworkPlayer("net", az.Game("chess"), Backend(), {}).set_threads(2)
    assert told == [2]
    with pytest.raises(ValueError, match="threads must be >= 1"):
        Player("uniform", az.Game("chess")).set_threads(0)


# --- every kind of player obeys ---

KINDS = ["uniform", "random", "mcts:200", "network", "mcts:200 threads"]


class Even:
    """A network's evaluator that finds everything even."""

    def __init__(self, game):
        self.width = game.policy_size

    def evaluate(self, planes):
        return np.zeros((len(planes), self.width), np.float32), np.full((len(planes), 3), 1 / 3, np.float32)


def player_of(kind: str) -> Player:
    game = az.Game("chess")
    if kind == "network":
        return NetworkPlayer(kind, game, Even(game), {})
    player = az.load(kind.split()[0], game=game)
    player.set_threads(2 if kind.endswith("threads") else 1)
    return player


@pytest.mark.parametrize("kind", KINDS)
def test_every_player_obeys_stop_seconds_nodes_and_root_moves(kind):
    player = player_of(kind)
    position = player.game.position()
    begin = time.monotonic()
    player.search(position, 10**9, should_stop=lambda: True)
    player.search(position, 10**9, seconds=0.05)
    player.search(position, 10**9, on_progress=lambda result: True, progress_every=0.02)
    player.search(position, seconds=0.05)
    assert time.monotonic() - begin < 4.0
    assert player.search(position, 7).simulations <= 7
    assert player.search(position, 20, only=["a2a3"]).best_move == "a2a3"
    with pytest.raises(ValueError, match="e2e5"):
        player.search(position, 20, only=["e2e5"])


@pytest.mark.parametrize("kind", ["uniform", "mcts:200", "network", "mcts:200 threads"])
def test_every_search_tells_how_it_goes_on_and_what_it_expects(kind):
    player = player_of(kind)
    seen = []
    result = player.search(
        player.game.position(),
        10**9,
        seconds=0.4,
        on_progress=lambda result: seen.append(result.simulations) and False,
        progress_every=0.02,
    )
    assert len(seen) >= 2 and seen == sorted(seen) and seen[-1] <= result.simulations
    assert player.line(result.best_move)[0] == result.best_move
    assert player.sample_move(1.0) in player.game.position().legal_moves()


@pytest.mark.parametrize("kind", ["mcts:200", "network"])
def test_an_exception_in_a_callback_ends_the_search_and_reaches_the_caller(kind):
    def broken():
        raise RuntimeError("the caller's own")

    player = player_of(kind)
    with pytest.raises(RuntimeError, match="the caller's own"):
        player.search(player.game.position(), 10**9, should_stop=broken)
    assert player.search(player.game.position(), 5).simulations == 5


@pytest.mark.parametrize("kind", KINDS)
def test_every_player_obeys_the_engines_clock_and_stop(kind):
    d = Dialogue(UciEngine, "chess")
    try:
        d.engine.player = player_of(kind)
        d.send("position startpos", "go movetime 100")
        assert d.answers()
        d.send("go infinite", "isready")
        d.until("readyok")
        assert not [line for line in list(d.out.queue) if line.startswith("bestmove")]
        d.send("stop")
        assert d.until("bestmove", seconds=3)
        d.send("go nodes 5")
        assert d.answers()
    finally:
        d.close()


# --- as a process ---


@pytest.mark.parametrize("command", ["uci", "usi"])
def test_the_handshake_and_quit_load_no_network(command):
    code = (
        "import sys, os\n"
        "from alphazero import cli\n"
        "leave = cli._leave\n"
        "def told(code):\n"
        "    heavy = ('torch', 'openvino', 'onnxruntime', 'scipy', 'matplotlib', 'yaml', 'alphazero.network')\n"
        "    print('loaded', [m for m in heavy if m in sys.modules], len(sys.modules))\n"
        "    leave(code)\n"
        "cli._leave = told\n"
        f"cli.{command}()\n"
    )
    with Program(code=code) as d:
        d.send(command)
        d.until(f"{command}ok")
        d.send("quit")
        loaded, _, count = d.until("loaded")[-1].strip().rpartition(" ")
        assert loaded == "loaded []" and int(count) < 400, "0.1 s of processor time; about 300 modules, mostly numpy's"
        assert d.ended(10) == 0


@pytest.mark.parametrize("model", ["uniform", "mcts:100"])
def test_ctrl_c_while_it_searches_ends_the_engine_cleanly(model):
    with Program("uci", "--model", model) as d:
        d.send("position startpos", "go infinite")
        d.until("info depth")
        d.process.send_signal(signal.SIGINT)
        assert d.ended(10) == 130
        assert "Traceback" not in "".join(d.complaints)


def test_ctrl_c_while_a_rollout_player_thinks_ends_python_cleanly():
    code = (
        "import alphazero as az\n"
        "player = az.load('mcts:100', game=az.Game('go'))\n"
        "try:\n    print('thinks', flush=True)\n    player.search(player.game.position(), 10**9)\n"
        "except KeyboardInterrupt:\n    print('stopped', flush=True)\n"
    )
    with Program(code=code) as d:
        d.until("thinks")
        d.process.send_signal(signal.SIGINT)
        assert d.until("stopped")
        assert d.ended(10) == 0


def test_a_network_that_cannot_be_loaded_is_told_and_every_go_answered(tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir()
    meta = {"game": "chess", "options": az.Game("chess").options, "network": {}, "steps": 0, "games": 0}
    (folder / "meta.json").write_text(json.dumps({**meta, "positions": 0, "seconds": 0}))
    (folder / "model.safetensors").write_bytes(b"not weights")
    with Program("uci", "--model", str(folder)) as d:
        for line, answer in [("uci", "uciok"), ("isready", "readyok"), ("go nodes 5", "bestmove 0000")]:
            d.send(line)
            d.until(answer)
        d.send("setoption name WeightsFile value uniform", "go nodes 5")
        assert d.until("bestmove")[-1].split()[1] != "0000"
        assert d.quit() == []


def test_a_model_that_is_not_there_is_refused_at_once():
    with Program("uci", "--model", "/nowhere/at/all") as d:
        assert d.ended() == 2
        assert len(d.complaints) == 1


# --- what GUIs for networks and testers ask for ---

LC0_LINE = re.compile(
    r"info string (?P<move>\S+)\s+\((?P<index>\d+)\s*\) N:\s*(?P<n>\d+) \(\+\s*0\) \(P:\s*(?P<p>[\d.]+)%\)"
    r"(?: \(WL:\s*(?P<wl>-?[\d.]+)\) \(D: (?P<d>[\d.]+)\) \(M:\s*(?P<m>[\d.-]+)\) \(Q:\s*(?P<q>-?[\d.]+)\))"
)


def networked(**settings) -> UciEngine:
    game = az.Game("chess")
    torch.manual_seed(1)
    net = Network(shape_of(game), NetworkConfig(blocks=1, channels=8)).eval()
    return UciEngine(NetworkPlayer("net", game, TorchEvaluator(net), {}, **settings))


def replies(engine: UciEngine, *lines: str) -> list[str]:
    out = io.StringIO()
    engine.serve([line + "\n" for line in lines], out)
    return out.getvalue().splitlines()


def test_verbose_move_stats_are_lc0_s_lines():
    lines = replies(networked(), "setoption name VerboseMoveStats value true", "position startpos", "go nodes 60")
    stats = [found for line in lines if (found := LC0_LINE.match(line))]
    assert len(stats) == 21 and stats[-1]["move"] == "node" and stats[-1]["n"] == "60"
    assert sum(int(each["n"]) for each in stats[:-1]) == 60
    counts = [int(each["n"]) for each in stats[:-1]]
    assert counts == sorted(counts), "the best comes last"
    assert sum(float(each["p"]) for each in stats[:-1]) == pytest.approx(100.0, abs=0.2)
    assert lines[-1].startswith("bestmove ") and lines[-1].split()[1] == stats[-2]["move"]
    assert not any(LC0_LINE.match(line) for line in replies(networked(), "position startpos", "go nodes 60"))


def test_move_stats_tell_what_puct_adds_for_exploration():
    """Silver et al. 2018: U = C(N) P sqrt(N) / (1 + n), with c_base 19652 and c_init 1.25; S = Q + U."""
    lines = replies(networked(), "setoption name VerboseMoveStats value true", "position startpos", "go nodes 60")
    told = [
        [float(number) for number in re.findall(r"\((?:P|Q|U|S): +(-?[0-9.]+)", line)] + [int(found["n"])]
        for line in lines
        if (found := LC0_LINE.match(line)) and found["move"] != "node"
    ]
    assert len(told) == 20
    for p, q, u, s, n in told:
        explore = (math.log((61 + 19652 + 1) / 19652) + 1.25) * math.sqrt(61)
        assert u == pytest.approx(explore * p / 100 / (1 + n), rel=0.01, abs=1e-4) and s == pytest.approx(
            q + u, abs=1e-4
        )


def test_what_is_not_known_of_a_move_is_not_told_as_a_number():
    """Nibbler shows M and V where they are numbers; lc0 writes dashes."""
    for shown in (False, True):
        lines = replies(
            networked(),
            "setoption name VerboseMoveStats value true",
            f"setoption name UCI_ShowMovesLeft value {str(shown).lower()}",
            "go nodes 40",
        )
        moves = [line for line in lines if (found := LC0_LINE.match(line)) and found["move"] != "node"]
        assert moves and all(("(M:   -.-)" in line) != shown and "(V:  -.----)" in line for line in moves)


def test_moves_that_were_never_tried_get_no_line():
    """A mate in one ends the search at once: nothing is known of the other moves, and 0.00 would be a lie."""
    mate = "position fen 6k1/5ppp/8/8/8/8/5PPP/3R2K1 w - - 0 1"
    lines = replies(networked(), "setoption name MultiPV value 4", mate, "go nodes 100")
    assert [line.split(" multipv ")[1].split()[:4] for line in lines if " pv " in line][-1] == [
        "1",
        "score",
        "mate",
        "1",
    ]
    assert not [line for line in lines if " multipv 2 " in line]


def test_wdl_and_moves_left_come_from_the_search():
    lines = replies(
        networked(),
        "setoption name UCI_ShowWDL value true",
        "setoption name UCI_ShowMovesLeft value true",
        "position startpos",
        "go nodes 40",
    )
    last = [line for line in lines if " pv " in line][-1]
    win, draw, loss = map(int, re.search(r" wdl (\d+) (\d+) (\d+)", last).groups())
    assert win + draw + loss == 1000
    assert int(re.search(r" movesleft (\d+) ", last)[1]) >= 1
    plain = replies(networked(), "position startpos", "go nodes 40")
    assert not any("movesleft" in line or "wdl" in line for line in plain)


def test_eval_and_bench_answer_testers():
    lines = replies(networked(), "position startpos moves e2e4", "eval", "bench 20")
    value = next(line for line in lines if "value" in line)
    assert re.search(r"value [+-]\d\.\d{4} \([+-]\d+ cp\), wdl \d+ \d+ \d+, \d+ moves left", value)
    assert sum("%" in line for line in lines) == 8
    nodes = int(next(line for line in lines if line.startswith("Nodes searched")).split(":")[1])
    assert 20 <= nodes <= 8 * 20 and any(line.startswith("Nodes/second") for line in lines)
    assert replies(networked(), "position fen junk", "eval")[-1].startswith("info string error: eval: ")
