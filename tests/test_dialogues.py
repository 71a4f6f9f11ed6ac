"""UCI and USI from outside: an engine in a process of its own, asked as match programs and GUIs ask, and 200 times at random.

What it says is held against python-chess and cshogi: every `go` gets one answer, in order, for the position that was asked.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import pytest
from dialogue import Program

chess = pytest.importorskip("chess", reason="python-chess is the oracle; it comes with the extra 'test'")
chess_engine = pytest.importorskip("chess.engine")
cshogi = pytest.importorskip("cshogi", reason="cshogi is the oracle; it comes with the extra 'test'")


@pytest.fixture(scope="session")
def network(tmp_path_factory) -> dict[str, str]:
    """An environment in which the networks of the package load fast from the second time on, where OpenVINO is there."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "OMP_NUM_THREADS": "1"}
    if importlib.util.find_spec("openvino") is not None:
        environment["ALPHAZERO_EVALUATOR"] = "openvino-fp32"
    return environment


# --- the rules, as others have them ---


class Chess:
    """A position of chess as python-chess has it."""

    name, place, null_move, nothing, over = "uci", "fen", "0000", "0000", "(none)"

    def __init__(self, text: str = "", chess960: bool = False):
        self.board = chess.Board(text or chess.STARTING_FEN)
        self.board.chess960 = chess960

    def copy(self) -> Chess:
        other = Chess()
        other.board = self.board.copy()
        return other

    def moves(self) -> list[str]:
        return sorted(self.board.uci(move) for move in self.board.legal_moves)

    def play(self, move: str) -> None:
        self.board.push_uci(move)

    def pass_on(self) -> None:
        self.board.push(chess.Move.null())

    @property
    def in_check(self) -> bool:
        return self.board.is_check()

    @property
    def text(self) -> str:
        return self.board.fen()

    def answers(self) -> set[str]:
        """What `bestmove` may name here."""
        return set(self.moves()) or {self.over}


class Shogi:
    """A position of shogi as cshogi has it."""

    name, place, null_move, nothing, over = "usi", "sfen", "pass", "resign", "resign"

    def __init__(self, text: str = ""):
        self.board = cshogi.Board(text) if text else cshogi.Board()

    def copy(self) -> Shogi:
        other = Shogi()
        other.board = self.board.copy()
        return other

    def moves(self) -> list[str]:
        return sorted(cshogi.move_to_usi(move) for move in self.board.legal_moves)

    def play(self, move: str) -> None:
        if move not in self.moves():
            raise ValueError(move)
        self.board.push_usi(move)

    def pass_on(self) -> None:
        self.board.push_pass()

    @property
    def in_check(self) -> bool:
        return bool(self.board.is_check())

    @property
    def text(self) -> str:
        return str(self.board.sfen())

    def answers(self) -> set[str]:
        if self.board.is_nyugyoku():
            return {"win"}
        return set(self.moves()) or {self.over}


Rules = Chess | Shogi

UNSIGNED = {"depth", "seldepth", "time", "multipv", "nodes", "nps", "hashfull"}


def check_info(line: str, rules: Rules) -> dict[str, str]:
    """Holds one info line against the protocol and the position that is searched; its fields by name."""
    words = line.split()
    assert words.pop(0) == "info" and words, line
    found: dict[str, str] = {}
    while words:
        name = words.pop(0)
        assert name not in found, line
        if name == "string":
            return found
        if name in UNSIGNED:
            found[name] = words.pop(0)
            assert found[name].isascii() and found[name].isdigit(), line
        elif name == "score":
            kind, number = words.pop(0), words.pop(0)
            assert kind in ("cp", "mate") and number.lstrip("-").isdigit(), line
            found["score"] = f"{kind} {number}"
        elif name == "wdl":
            found["wdl"] = " ".join(words[:3])
            assert sum(int(words.pop(0)) for _ in range(3)) == 1000, line
        else:
            assert name == "pv" and words, line
            found["pv"] = " ".join(words)
            after = rules.copy()
            for move in words:
                assert move in after.moves(), (line, move, after.text)
                after.play(move)
            words = []
    return found


# --- what fastchess --compliance asks, and a little more ---

CLOCKS = [
    "go wtime 100",
    "go wtime 100 btime 100",
    "go wtime 100 winc 100 btime 100 binc 100",
    "go btime 100 binc 100 wtime 100 winc 100",
    "go wtime 100 btime 100 movestogo 1",
    "go movetime 50",
    "go nodes 30",
    "go depth 2",
    "go depth 2 nodes 1000 movetime 1000",
]
MIDDLE_GAME = "r2q1rk1/1b2bppp/p1n1pn2/1pp5/3P4/1BN1PN2/PP2QPPP/R1BR2K1 b - - 3 12"


def answered(d: Program, rules: Rules) -> list[dict[str, str]]:
    """The fields of the info lines up to the answer, which is legal and the first line's first move."""
    *infos, best = d.until("bestmove")
    told = [check_info(line, rules) for line in infos]
    told = [each for each in told if each]
    assert told and all("score" in each and "pv" in each for each in told)
    words = best.split()
    assert words[1] in rules.moves()
    last = [each for each in told if each.get("multipv", "1") == "1"][-1]["pv"].split()
    assert last[0] == words[1]
    assert words[2:] in ([], ["ponder", *last[1:2]])
    return told


def begins(d: Program, protocol: str) -> list[str]:
    """The answer to the handshake, which names the engine once."""
    d.send(protocol)
    hello = d.until(f"{protocol}ok")
    assert sum(line.startswith("id name ") for line in hello) == 1
    assert sum(line.startswith("id author ") for line in hello) == 1
    return hello


def plays_on(d: Program, rules: Rules, gos: list[str]) -> None:
    """Asks for a move by each of these, each time in the position after the last; then for one without end, until told."""
    moves: list[str] = []
    for go in gos:
        d.send(f"position startpos moves {' '.join(moves)}" if moves else "position startpos", go)
        answered(d, rules)
        moves.append(d.said[-1].split()[1])
        rules.play(moves[-1])
    d.send("go infinite")
    d.until("info")
    d.send("stop")
    d.until("bestmove")


@pytest.mark.parametrize("model", ["uniform", "pretrained:chess"])
def test_a_match_programs_compliance_check_is_passed(model, network):
    with Program("uci", "--model", model, environment=network) as d:
        hello = begins(d, "uci")
        assert all(line.split()[0] in ("id", "option", "uciok") for line in hello)
        d.send("isready")
        assert d.until("readyok") == ["readyok"]
        for line in hello[2:-1]:  # every option takes the default it tells
            name, _, rest = line.removeprefix("option name ").partition(" type ")
            default = rest.partition(" default ")[2].partition(" min ")[0].partition(" var ")[0]
            d.send(f"setoption name {name} value {default}" if default else f"setoption name {name}")
        d.send("isready")
        assert d.until("readyok") == ["readyok"]
        d.send("ucinewgame", "position startpos", "isready")
        assert d.until("readyok") == ["readyok"]
        for text in (chess.STARTING_FEN, MIDDLE_GAME, "4k3/P7/8/8/8/8/8/4K2R w K - 0 1"):
            rules = Chess(text)
            d.send(f"position fen {text}", "isready")
            assert d.until("readyok") == ["readyok"]
            for go in CLOCKS if text == MIDDLE_GAME else CLOCKS[:2]:
                d.send(go)
                begin = time.monotonic()
                answered(d, rules)
                assert time.monotonic() - begin < 5.0
        d.send("ucinewgame")
        plays_on(d, Chess(), ["go wtime 100 btime 100"] * 6)
        assert d.quit() == []


@pytest.mark.parametrize("model", ["uniform", "pretrained:shogi"])
def test_a_shogi_guis_first_steps_are_answered(model, network):
    with Program("usi", "--model", model, environment=network) as d:
        begins(d, "usi")
        d.send("setoption name USI_Ponder value true", "setoption name USI_Hash value 64", "isready")
        assert d.until("readyok") == ["readyok"]
        d.send("usinewgame")
        clocks = ["go btime 0 wtime 0 byoyomi 120", "go btime 100 wtime 100 binc 20 winc 20"]
        plays_on(d, Shogi(), [*clocks, "go nodes 20", "go movetime 50"])
        d.send("gameover win")
        assert d.quit() == []


@pytest.mark.parametrize(("command", "rules"), [("uci", Chess()), ("usi", Shogi())])
@pytest.mark.parametrize("lines", [1, 4, 256])
def test_every_line_of_multipv_begins_with_another_move(command, rules, lines):
    with Program(command, "--model", "uniform") as d:
        d.send(f"setoption name MultiPV value {lines}", "position startpos", "go nodes 200")
        told = answered(d, rules)
        count = min(lines, len(rules.moves()))
        last = told[-count:]
        assert [each["multipv"] for each in last] == [str(rank) for rank in range(1, count + 1)]
        assert len({each["pv"].split()[0] for each in last}) == count
        assert d.quit() == []


# --- 200 requests at random ---


@dataclass
class Due:
    """An answer that is due: its first word, what it may name, and the position that was asked (None: there was none)."""

    word: str
    named: set[str]
    rules: Any
    asked: str


@dataclass
class Talk:
    """A conversation drawn at random, with what has to come back for it."""

    program: Program
    draw: random.Random
    rules: Any  # None: no position
    fresh: type
    texts: list[str]
    due: deque[Due]
    log: list[str]
    chess960: bool = False
    answers: int = 0

    def send(self, line: str) -> None:
        self.log.append(line)
        self.program.send(line)

    # --- positions ---

    def some_moves(self, rules: Rules, most: int) -> list[str]:
        """Plays so many moves at random; which."""
        played = []
        for _ in range(self.draw.randrange(most)):
            moves = rules.moves()
            if not moves:
                break
            played.append(self.draw.choice(moves))
            rules.play(played[-1])
        return played

    def start(self) -> tuple[str, Rules]:
        if self.draw.random() < 0.5:
            return "startpos", self.new()
        text = self.draw.choice(self.texts)
        return f"{self.fresh.place} {text}", self.new(text)

    def new(self, text: str = "") -> Rules:
        return Chess(text, self.chess960) if self.fresh is Chess else Shogi(text)

    def good_position(self) -> None:
        place, self.rules = self.start()
        moves = self.some_moves(self.rules, 60)
        self.send(f"position {place}" + (f" moves {' '.join(moves)}" if moves else ""))

    def position_with_a_bad_move(self) -> None:
        place, self.rules = self.start()
        moves = self.some_moves(self.rules, 10)
        legal = self.rules.moves()
        bad = self.draw.choice([m for m in ("zz", "a1a1", "e2e5", "5i5a", "9a9i", "K*5e", "e7e8x") if m not in legal])
        later = self.draw.choice(["", " e2e4 e7e5", " 7g7f 3c3d", f" {self.rules.null_move}"])
        self.send(f"position {place} moves {' '.join([*moves, bad])}{later}")

    def position_with_a_null_move(self) -> None:
        place, self.rules = self.start()
        moves = self.some_moves(self.rules, 10)
        if not self.rules.in_check and self.rules.moves():
            after = self.rules.copy()
            after.pass_on()
            moves.append(self.rules.null_move)
            self.rules = after
        self.send(f"position {place} moves {' '.join(moves)}")

    def bad_position(self) -> None:
        self.rules = None
        place = self.fresh.place
        what = ["", place, f"{place} 8/8/8/8 w - - 0 1", f"{place} 9/9 b - 1", "here", f"{place} \x00 \u20ac", "moves"]
        self.send(f"position {self.draw.choice(what)}")

    # --- searches ---

    def go(self) -> None:
        limit = self.draw.choice(
            [f"nodes {self.draw.randrange(1, 30)}"] * 4
            + ["movetime 5", "depth 1", "wtime 60 btime 60", "btime 80 wtime 80 winc 1 binc 1", "nodes 20 mate 1"]
            + ["infinite", "", "ponder wtime 50 btime 50", "movetime 3 foo -7", "nodes 1e1 nodes", "movetime x nodes 9"]
        )
        named = self.rules.answers() if self.rules is not None else {self.fresh.nothing}
        chance = self.draw.random()
        if chance < 0.15 and self.rules is not None and (moves := self.rules.moves()):
            only = self.draw.sample(moves, min(len(moves), self.draw.randrange(1, 4)))
            bad = [move for move in ("e2e5", "zz", "0000", "5e5e") if move not in moves][:3]
            if "win" not in named:
                named = set(only)
            mixed = [*only, *bad]
            self.draw.shuffle(mixed)
            limit = f"{limit} searchmoves {' '.join(mixed)}"
        elif chance < 0.2:
            limit = f"searchmoves zz {limit}"
        word = "bestmove"
        if chance > 0.95 and self.fresh is Chess:
            limit, named = "perft 1", {"0000"}
        elif chance > 0.9 and self.fresh is Shogi:
            limit, word, named = f"mate {self.draw.choice([20, 'soon', ''])}", "checkmate", set()
        self.send(f"go {limit}")
        self.due.append(Due(word, named, self.rules.copy() if self.rules is not None else None, limit))

    # --- everything else ---

    def word(self) -> None:
        line = self.draw.choice(
            ["stop", "stop", "ponderhit", "isready", self.fresh.name, "joho", "", "d", "  ", "info x"]
        )
        self.send(line)

    def twice(self) -> None:
        for _ in range(2):
            (self.go if self.draw.random() < 0.5 else self.word)()

    def option(self) -> None:
        lines = ["Nonsense value 1", "Hash value many", "MultiPV value 0", "MultiPV value 3", "Threads value 1"]
        lines += ["USI_Hash value 16", "Ponder value true", "MinibatchSize value 4", "UCI_ShowWDL value 1", "value", ""]
        self.send(f"setoption name {self.draw.choice(lines)}")

    def castling_style(self) -> None:
        if self.fresh is Chess:
            self.chess960 = not self.chess960
            self.send(f"setoption name UCI_Chess960 value {str(self.chess960).lower()}")
            if self.rules is not None:
                self.rules = self.rules.copy()
                self.rules.board.chess960 = self.chess960

    def new_game(self) -> None:
        self.send(f"{self.fresh.name}newgame")
        self.rules = self.new()

    def junk(self) -> None:
        self.send(
            "".join(self.draw.choice("ho 0\t\x7f\u00e9\u6b69{}%s^`") for _ in range(self.draw.randrange(40))).lstrip()
        )

    # --- what comes back ---

    def hear(self, line: str) -> None:
        """Holds one line of the engine against what is due."""
        first = line.split()[:1]
        if first == ["info"] and "string" not in line.split():
            assert self.due, (line, self.log[-5:])
            if self.due[0].rules is not None:
                check_info(line, self.due[0].rules)
        if first in (["bestmove"], ["checkmate"]):
            assert self.due, f"an answer that nobody asked for: {line}; {self.log[-8:]}"
            due = self.due.popleft()
            self.answers += 1
            words = line.split()
            assert words[0] == due.word, (line, due, self.log[-8:])
            if due.word == "bestmove":
                assert words[1] in due.named, (line, due.asked, due.rules and due.rules.text, self.log[-8:])
            elif words[1] not in ("nomate", "timeout", "notimplemented"):
                for move in words[1:]:
                    due.rules.play(move)
                assert not due.rules.moves(), line

    def catch_up(self) -> None:
        """Ends what runs; all answers are there in the end, and no more."""
        self.send("stop")
        while self.due:
            line = self.program.line()
            assert line is not None, (self.program.complaints, self.log[-8:])
            self.hear(line)
        self.send("isready")
        while (line := self.program.line()) != "readyok":
            assert line is not None
            self.hear(line)


MATE = "7nk/9/8G/9/9/9/9/9/K8 b G2P 1"
DECLARED = "2GGKSS2/2RB1SS2/3N1N3/9/9/9/9/9/4k4 b 11P 1"
MATED = "7nk/8G/8G/9/9/9/9/9/K8 w - 1"
POSITIONS = {
    Chess: [
        MIDDLE_GAME,
        "6k1/5ppp/8/8/8/8/8/K2R4 w - - 0 1",
        "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1",  # mated
        "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1",  # stalemate
        "8/8/8/4k3/8/8/8/K6N w - - 0 1",  # a dead draw
        "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1",
        "8/P6k/8/8/8/8/p6K/8 w - - 98 80",
        "k7/8/8/8/8/8/1q6/K7 w - - 0 1",  # one legal move
    ],
    Shogi: [MATE, DECLARED, MATED, "4k4/9/4P4/9/9/9/9/9/4K4 b G2r2b3g4s4n4l17p 1", "8k/9/9/9/9/9/9/7r1/8K b - 1"],
}


def talk(rules: type, seed: int, requests: int = 200) -> int:
    """Asks so many times at random; how many answers there were."""
    draw = random.Random(seed)
    with Program(rules.name, "--model", "uniform") as program:
        t = Talk(program, draw, rules(), rules, POSITIONS[rules], deque(), [])
        steps = [t.good_position] * 6 + [t.go] * 8 + [t.word] * 4 + [t.twice] * 3 + [t.option] * 2
        steps += [t.position_with_a_bad_move] * 2 + [t.position_with_a_null_move, t.bad_position]
        steps += [t.castling_style, t.new_game, t.junk]
        for number in range(1, requests + 1):
            draw.choice(steps)()
            if number % 10 == 0:
                t.catch_up()
        assert [line for line in program.quit() if line.startswith(("bestmove", "checkmate"))] == []
        assert program.complaints[1:] == [], "the first line says who plays"
        return t.answers


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("rules", [Chess, Shogi])
def test_200_random_requests_get_every_answer_for_the_position_asked(rules, seed):
    assert talk(rules, seed) > 50


# --- real clients ---

NOISE = [
    "position startpos moves e2e5",
    "position fen 8/8/8/8 w - - 0 1",
    "position fen",
    "position sfen 9/9 b - 1",
    "setoption name Nonsense value 1",
    "setoption name MultiPV value 0",
    "setoption",
    "joho",
    "stop",
    "stop stop",
    "ponderhit",
    "\x00\u20ac \u6b69",
]


def test_python_chess_gets_200_answers_for_its_positions():
    draw = random.Random(7)
    board = chess.Board()
    limits = [
        chess_engine.Limit(nodes=8),
        chess_engine.Limit(time=0.01),
        chess_engine.Limit(depth=1),
        chess_engine.Limit(white_clock=0.1, black_clock=0.1, white_inc=0.01, black_inc=0.01, remaining_moves=2),
        chess_engine.Limit(mate=1, nodes=20),
    ]
    with chess_engine.SimpleEngine.popen_uci(
        [sys.executable, "-m", "alphazero", "uci", "--model", "uniform"], timeout=10
    ) as engine:
        for number in range(200):
            if board.is_game_over() or draw.random() < 0.05:
                text = draw.choice([chess.STARTING_FEN, *POSITIONS[Chess]])
                board = chess.Board(text, chess960=draw.random() < 0.2)
            if draw.random() < 0.5:
                engine.protocol.loop.call_soon_threadsafe(engine.protocol.send_line, draw.choice(NOISE))
            limit = draw.choice(limits)
            match draw.randrange(6):
                case 0:
                    lines = engine.analyse(board, limit, multipv=draw.randrange(1, 4), game=number // 40)
                    assert all(line["score"] for line in lines)
                case 1 if not board.is_game_over():
                    only = draw.sample(list(board.legal_moves), 1)
                    assert engine.play(board, limit, root_moves=only).move == only[0]
                case 2:
                    with engine.analysis(board) as analysis:
                        analysis.get()
                        analysis.stop()
                        best = analysis.wait().move
                    assert best in board.legal_moves if any(board.legal_moves) else not best
                case 3:
                    engine.configure({"Threads": 1, "UCI_ShowWDL": draw.random() < 0.5, "Hash": draw.randrange(1, 99)})
                    engine.ping()
                case _:
                    move = engine.play(board, limit, ponder=draw.random() < 0.3).move
                    if not any(board.legal_moves):
                        assert move is None
                        continue
                    assert move in board.legal_moves, (board.fen(), move)
                    board.push(move)


def test_cshogi_gets_200_answers_for_its_positions(tmp_path):
    from cshogi.usi import Engine

    script = tmp_path / "engine.sh"  # its client starts a program without arguments
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m alphazero usi --model uniform 2> /dev/null\n")
    script.chmod(0o755)
    engine = Engine(str(script))
    draw = random.Random(7)
    start, moves, rules = "startpos", [], Shogi()
    limits = [{"nodes": 8}, {"byoyomi": 110}, {"btime": 150, "wtime": 150, "binc": 10, "winc": 10}, {"nodes": 1}]
    try:
        engine.isready()
        for _ in range(200):
            if not rules.moves() or draw.random() < 0.05:
                text = draw.choice(["", *POSITIONS[Shogi]])
                start, moves, rules = f"sfen {text}" if text else "startpos", [], Shogi(text)
            if draw.random() < 0.5:
                engine.proc.stdin.write(f"{draw.choice(NOISE)}\n".encode())
            engine.position(moves, start)
            match draw.randrange(8):
                case 0:
                    said = engine.go_mate(draw.choice([10, 30])).split()
                    after = rules.copy()
                    if said not in (["nomate"], ["timeout"]):
                        for move in said:
                            after.play(move)
                        assert not after.moves()
                case 1:
                    engine.setoption("MultiPV", draw.randrange(1, 4))
                    engine.isready()
                case 2:
                    assert any(line.startswith("id name ") for line in engine.usi())
                case _:
                    move, _ = engine.go(**draw.choice(limits))
                    assert move in rules.answers(), (rules.text, move)
                    if move in rules.moves():
                        moves.append(move)
                        rules.play(move)
    finally:
        engine.quit()


# --- USI's own answers ---


@pytest.mark.parametrize(
    ("position", "go", "answer"),
    [
        (f"sfen {DECLARED}", "byoyomi 100", "bestmove win"),
        (f"sfen {DECLARED}", "nodes 5 searchmoves 5a4a", "bestmove win"),
        (f"sfen {MATED}", "byoyomi 100", "bestmove resign"),
        (f"sfen {MATED}", "mate infinite", "checkmate nomate"),
        (f"sfen {MATE}", "mate 5000", "checkmate G*1b"),
        # A win by declaration, however near, is no mate.
        (f"sfen {DECLARED} moves 6b2f+ 5i5h P*1e 5h6g", "mate 300", "checkmate timeout"),
        (f"sfen {MATE} moves pass pass", "mate 5000", "checkmate G*1b"),
        ("sfen 7nk/9/8G/9/9/9/9/9/9 b G2P 1", "mate 5000", "checkmate G*1b"),  # the attacker's king is not on the board
        ("sfen 7nk/9/8G/9/9/9/9/9/9 b - 1", "mate 30", "checkmate timeout"),
        ("sfen 9/9 b - 1", "nodes 5", "bestmove resign"),
        ("sfen 9/9 b - 1", "byoyomi 1000", "bestmove resign"),
        ("sfen 9/9 b - 1", "mate 1000", "checkmate timeout"),
        ("sfen r1sgG4/9/9/9/9/9/9/9/K7k w - 1 moves zz", "mate x", "checkmate timeout"),
        ("fen x", "nodes 5", "bestmove resign"),
    ],
)
def test_usi_answers_what_it_has_words_for(position, go, answer):
    with Program("usi", "--model", "uniform") as d:
        d.send("position startpos moves 7g7f", f"position {position}", f"go {go}")
        assert d.until(answer.split()[0])[-1] == answer
        assert d.quit() == []


@pytest.mark.parametrize(
    ("moves", "after"),
    [
        ("7g7f pass", "lnsgkgsnl/1r5b1/ppppppppp/9/9/2P6/PP1PPPPPP/1B5R1/LNSGKGSNL b - 3"),
        ("pass", "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL w - 2"),
        ("pass pass 2g2f", "lnsgkgsnl/1r5b1/ppppppppp/9/9/7P1/PPPPPPP1P/1B5R1/LNSGKGSNL w - 4"),
    ],
)
def test_usi_reads_a_pass_as_the_other_sides_turn(moves, after):
    with Program("usi", "--model", "uniform") as d:
        d.send(f"position startpos moves {moves}", "d", "go nodes 20")
        assert d.until("sfen")[-1] == f"sfen {after}"
        answered(d, Shogi(after))
        assert d.quit() == []


# --- orders that a GUI may choose, and ends ---


@pytest.mark.parametrize(("command", "rules"), [("uci", Chess()), ("usi", Shogi())])
def test_go_right_after_position_needs_no_isready_before(command, rules, network):
    with Program(command, environment=network) as d:  # with the network of the package
        d.send("position startpos", "go nodes 20", "isready")
        assert d.until("bestmove")[-1].split()[1] in rules.moves()
        if "readyok" not in d.said:
            d.until("readyok")
        assert d.quit() == [] and d.said.count("readyok") == 1


@pytest.mark.parametrize("command", ["uci", "usi"])
@pytest.mark.parametrize("go", ["go infinite", "go nodes 300", "go ponder wtime 1000 btime 1000"])
def test_the_end_of_input_in_a_search_ends_the_program_with_all_it_had_to_say(command, go, network):
    with Program(command, environment=network) as d:
        d.send("position startpos", "isready", go)
        d.process.stdin.close()
        said = d.rest()
        assert d.process.wait(5) == 0
        assert [line.split()[0] for line in said if not line.startswith("info")] == ["readyok", "bestmove"]
        rules = Chess() if command == "uci" else Shogi()
        assert said[-1].split()[1] in rules.moves()
        if "300" in go:
            assert check_info(said[-2], rules)["nodes"] == "300"
        assert len(d.complaints) <= 1, d.complaints


@pytest.mark.parametrize("command", ["uci", "usi"])
def test_quit_in_a_search_of_the_network_ends_within_a_second(command, network):
    with Program(command, environment=network) as d:
        d.send("position startpos", "go infinite")
        d.until("info")
        begin = time.monotonic()
        d.quit()
        assert time.monotonic() - begin < 1.0
        assert [line.split()[0] for line in d.said].count("bestmove") == 1


@pytest.mark.parametrize("command", ["uci", "usi"])
@pytest.mark.parametrize("moment", ["it searches the network", "it waits", "it loads"])
def test_ctrl_c_ends_the_program_with_130_and_no_traceback(command, moment, network):
    with Program(command, environment=network) as d:
        d.send(command)
        d.until(f"{command}ok")
        if moment == "it searches the network":
            d.send("position startpos", "go infinite")
            d.until("info")
        elif moment == "it loads":
            d.send("isready")
        d.process.send_signal(signal.SIGINT)
        assert d.process.wait(10) == 130
        d.rest()
    assert len(d.complaints) == 1, d.complaints
