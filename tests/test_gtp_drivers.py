"""The GTP engine as its controllers meet it: a process, driven as they drive engines, and a board of sgfmill's kept beside it."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import threading

import pytest

boards = pytest.importorskip("sgfmill.boards", reason="sgfmill keeps the board; it comes with the extra 'test'")

COLUMNS = "ABCDEFGHJKLMNOPQRST"
SECONDS = 60.0  # without an answer: a hang


class Engine:
    """An engine's process. An answer is all lines up to an empty one."""

    def __init__(self, *flags: str):
        command = [sys.executable, "-m", "alphazero", "gtp", "--model", "random", *flags]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Engine:
        self.watch = threading.Timer(SECONDS, self.process.kill)
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()

    def write(self, data: str | bytes) -> None:
        self.process.stdin.write(data if isinstance(data, bytes) else data.encode())
        self.process.stdin.flush()

    def read(self) -> tuple[str, str, str]:
        """(status "=" or "?", id, text)."""
        lines = []
        while (line := self.process.stdout.readline()) not in (b"\n", b""):
            lines.append(line.decode().removesuffix("\n"))
        assert line == b"\n", f"the engine ended within an answer: {lines}"
        match = re.fullmatch(r"([=?])([0-9]*)(?: (.*))?", lines[0])
        assert match, lines
        return match[1], match[2], "\n".join([match[3] or "", *lines[1:]]).strip()

    def ask(self, command: str) -> tuple[str, str]:
        self.write(command + "\n")
        status, _, text = self.read()
        return status, text

    def end(self) -> int:
        """The exit status, once all it said has been read."""
        self.process.stdin.close()
        assert self.process.stdout.read() == b""
        return self.process.wait(SECONDS)


# --- the rules, by sgfmill ---


def point(vertex: str) -> tuple[int, int]:
    return int(vertex[1:]) - 1, COLUMNS.index(vertex[0].upper())


class Referee:
    """What the engine has to answer: positional superko, no suicide, undo, set-ups without a history."""

    def __init__(self, size: int):
        self.new(size)

    def new(self, size: int, stones: dict[str, str] | None = None) -> None:
        self.size = size
        self.board = boards.Board(size)
        for vertex, colour in (stones or {}).items():
            self.board.board[point(vertex)[0]][point(vertex)[1]] = colour
        self.seen = [self.stones()]
        self.past: list[boards.Board] = []
        self.empty = not stones

    def stones(self) -> frozenset[tuple[str, tuple[int, int]]]:
        return frozenset(self.board.list_occupied_points())

    def play(self, colour: str, vertex: str) -> bool:
        """False where it is against the rules."""
        before = self.board.copy()
        if vertex != "pass":
            row, column = point(vertex)
            if row >= self.size or column >= self.size or self.board.get(row, column) is not None:
                return False
            self.board.play(row, column, colour)
            if self.board.get(row, column) is None or self.stones() in self.seen:
                self.board = before
                return False
        self.past.append(before)
        self.seen.append(self.stones())
        self.empty = False
        return True

    def undo(self) -> bool:
        if not self.past:
            return False
        self.board = self.past.pop()
        self.seen.pop()
        self.empty = not self.past and not self.stones()
        return True


def stones_shown(diagram: str) -> frozenset[tuple[str, tuple[int, int]]]:
    """The stones in the answer to showboard."""
    stones = []
    for line in diagram.splitlines():
        if match := re.fullmatch(r" *([0-9]+)([^0-9]+)[0-9]+ *", line):
            cells = re.sub(r"[() ]", "", match[2])
            for column, cell in enumerate(cells):
                if cell != ".":
                    stones.append(({"X": "b", "O": "w"}[cell], (int(match[1]) - 1, column)))
    return frozenset(stones)


GARBAGE = [
    "fly",
    "play",
    "play b",
    "play green D4",
    "play b I5",
    "play b D",
    "play b \x00\x01",
    "genmove",
    "komi x",
    "boardsize 5 7",
    "boardsize 99999999999999999999",
    "set_position b A1 w A1",
    "loadsgf /nowhere.sgf",
    "kata-set-rule ko NONE",
    "kata-set-rules {]",
    "time_settings a b c",
    "time_left b",
    "kgs-time_settings byoyomi",
    "fixed_handicap many",
    "final_status_list gone",
    "é€ ß",
    "= 5",
]


def request(rng: random.Random, referee: Referee) -> tuple[str, str]:
    """A command and what has to come of it: "=", "?", or "move:COLOUR" where the answer is a move of the engine's."""
    size, colour = referee.size, rng.choice("bw")
    said = rng.choice({"b": ["b", "B", "black", "Black"], "w": ["w", "W", "white", "WHITE"]}[colour])
    roll = rng.random()
    if roll < 0.5:
        vertex = rng.choice([f"{COLUMNS[rng.randrange(size)]}{rng.randint(1, size)}"] * 12 + ["pass", "T19"])
        good = referee.play(colour, vertex)
        return f"play {said} {rng.choice([vertex, vertex.lower()])}", "=" if good else "?"
    if roll < 0.62:
        return f"genmove {said}", f"move:{colour}"
    if roll < 0.66:
        return f"reg_genmove {said}", "="
    if roll < 0.74:
        return "undo", "=" if referee.undo() else "?"
    if roll < 0.78:
        return f"komi {rng.choice(['0.5', '-3', '7', '6.50'])}", "="
    if roll < 0.79:
        referee.new(size)
        return "clear_board", "="
    if roll < 0.8:
        size = rng.choice([5, 7, 9])
        referee.new(size)
        return f"boardsize {size}", "="
    if roll < 0.83:
        stones = {f"{COLUMNS[i]}{rng.choice([2, 4])}": rng.choice("bw") for i in range(0, size, 2)}
        referee.new(size, stones)
        return "set_position " + " ".join(f"{c} {v}" for v, c in stones.items()), "="
    if roll < 0.86:
        stones = dict.fromkeys(rng.sample(["A1", "B3", "C2", "D4", "E5"], 3), "b")
        if not referee.empty:
            return "set_free_handicap " + " ".join(stones), "?"
        referee.new(size, stones)
        return "set_free_handicap " + " ".join(stones), "="
    if roll < 0.92:
        return rng.choice(["name", "final_score", "list_commands", "kata-get-rules", "get_komi", "clear_cache"]), "="
    return rng.choice(GARBAGE), "?"


@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_requests_get_two_hundred_answers_and_one_board(seed):
    """As gomill and twogtp drive an engine: one command at a time, with its number; after each the board is compared."""
    rng = random.Random(seed)
    referee = Referee(5)
    kinds = {"=": 0, "?": 0}
    with Engine("--board-size", "5") as engine:
        for number in range(200):
            said = str(rng.choice([number, 10**6 + number])) if rng.random() < 0.8 else ""
            command, wanted = request(rng, referee)
            noise = rng.choice(["", "", "\n", "# a comment\n", "   \t\n", "\r\n"])
            comment = rng.choice(["", "", "", "  # why not"])
            engine.write(
                f"{noise}{said} {command}{comment}{rng.choice(['', '', chr(13)])}\n".replace(" play", "\tplay")
            )
            status, got, text = engine.read()
            assert got == said
            if wanted.startswith("move:"):
                assert status == "=" and text != "resign"
                assert referee.play(wanted[-1], text), f"{command}: {text} is against the rules"
            else:
                assert status == wanted, f"request {number}, {command}: {text}"
            kinds[status] += 1
            engine.write(f"{number} showboard\n")
            status, got, text = engine.read()
            assert (status, got) == ("=", str(number))
            assert stones_shown(text) == referee.stones(), f"request {number}, {command}"
        assert min(kinds.values()) >= 30
        assert engine.end() == 0


def test_requests_that_are_all_sent_at_once_are_answered_in_order():
    """A program that does not wait for answers, and closes its end after the last command."""
    rng = random.Random(7)
    commands = [request(rng, Referee(9))[0] for _ in range(200)]
    with Engine("--board-size", "9") as engine:
        engine.write("".join(f"{number} {command}\n" for number, command in enumerate(commands)))
        engine.process.stdin.close()
        for number in range(200):
            assert engine.read()[1] == str(number)
        assert engine.process.stdout.read() == b""
        assert engine.process.wait(SECONDS) == 0


# --- what known controllers send when they start an engine and a game ---

KGS = """
list_commands
name
version
kgs-rules chinese
boardsize 9
kgs-time_settings byoyomi 60 20 5
komi 7.5
clear_board
place_free_handicap 2
time_left w 60 0
genmove w
play b F4
time_left w 1917 5
genmove w
final_status_list dead
? kgs-chat game someone hello
? kgs-game_over
quit
"""
SABAKI = """
name
version
protocol_version
list_commands
boardsize 9
clear_board
komi 6.5
set_free_handicap D4 E5
play W C3
genmove B
undo
undo
boardsize 9
komi 7.5
clear_board
genmove B
quit
"""
GOGUI = """
protocol_version
list_commands
name
version
? gogui-title
gogui-analyze_commands
boardsize 9
clear_board
komi 6.5
time_settings 1800 60 5
play b E5
play b C3
time_left w 1799 0
genmove w
? gogui-interrupt
undo
showboard
final_score
quit
"""
GOMILL = """
protocol_version
list_commands
known_command kgs-genmove_cleanup
known_command gomill-explain_last_move
name
version
boardsize 7
clear_board
komi 9.5
fixed_handicap 3
genmove w
play b A1
genmove w
known_command final_score
final_score
clear_board
genmove b
play w pass
genmove b
quit
"""
KATAGO_GUI = """
name
list_commands
kata-get-rules
kata-set-rules {"friendlyPassOk":false,"hasButton":false,"ko":"SITUATIONAL","scoring":"AREA","suicide":true,"tax":"NONE"}
? kata-set-rules {"ko":"SIMPLE","scoring":"TERRITORY","tax":"SEKI","suicide":false,"hasButton":false}
kata-set-rule ko SIMPLE
boardsize 13
? boardsize 9 13
clear_board
kata-list_time_settings
kata-time_settings fischer-capped 60 5 120 -1
time_left b 12.5 0
get_komi
komi 7
set_position b D4 w E5
genmove w
clear_cache
undo
? undo
? place_free_handicap 1
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(
    "script", [KGS, SABAKI, GOGUI, GOMILL, KATAGO_GUI], ids=["kgsGtp", "Sabaki", "GoGui", "gomill", "KataGo's"]
)
def test_controllers_begin_a_game(script, ending):
    """A leading `?` marks what we do not know or must refuse."""
    with Engine() as engine:
        for number, line in enumerate(script.strip().splitlines()):
            refused = line.startswith("? ")
            engine.write(f"{number} {line.removeprefix('? ')}{ending}")
            status, got, text = engine.read()
            assert got == str(number)
            assert (status == "?") == refused, f"{line}: {text}"
            if "genmove" in line and "known" not in line:
                assert text == "pass" or re.fullmatch(r"[A-HJ-T][0-9]{1,2}", text)
        assert engine.end() == 0
