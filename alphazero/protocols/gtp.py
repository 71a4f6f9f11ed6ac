"""GTP 2, the Go Text Protocol: what Go GUIs and tournament programs speak (specification: lysator.liu.se/~gunnar/gtp).

Every line gets one reply, `= ...` or `? reason`; nothing a controller sends ends the engine but `quit` and the end of input.
"""

from __future__ import annotations

import io
import math
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from alphazero._core import Position, __version__
from alphazero.formats import go_rules, sgf
from alphazero.formats.go import rows_of, stones_of
from alphazero.formats.sgf_values import COLUMNS
from alphazero.player import Player
from alphazero.protocols.clock import Clock
from alphazero.search import SearchResult
from alphazero.text import clean

LONGEST_ERROR = 1000  # characters of a fault's reply
MOST_SIMULATIONS = 1_000_000  # where time decides: bounds the tree's memory, at 200 bytes a node
RESIGN_MOVES = 3  # in a row with a low value before a side resigns
# Nor before so many plies for each point of the board: 20 on 9x9, 90 on 19x19. Until then much can still be turned over.
RESIGN_PLIES_A_POINT = 0.25
TIME_SYSTEMS = {  # of kata-time_settings, with the number of values that follow
    "none": 0,
    "absolute": 1,
    "byoyomi": 3,
    "canadian": 3,
    "fischer": 2,
    "fischer-capped": 4,
}


class GtpError(Exception):
    """A command that fails: its text is the reply after `?`."""


class GtpEngine:
    """The engine behind the protocol: a player, a position, two clocks.

    simulations: a move's, where no time is set; None leaves it to the player ("mcts:N"). A limit of plies, which training
    may set, is lifted: a game between programs ends by passes alone. log: gets every line and its reply.
    resign_value: a side resigns after RESIGN_MOVES moves in a row with a value below it, and not early in a game. A side that
    gives a handicap expects low values: each stone halves what is between its threshold and -1. Below -1: never.
    """

    def __init__(
        self,
        player: Player,
        *,
        simulations: int | None = 200,
        resign_value: float = -2.0,
        log: TextIO | None = None,
    ):
        self.player = player.with_options(max_plies=0) if player.game.options["max_plies"] else player
        self.simulations = simulations
        self.resign_value = resign_value
        self.log = log
        self.position: Position = self.player.game.position()
        self.past: list[str] = []  # the position's text before each move that `undo` may take back
        self.handicap = 0  # Black's stones more than White's at the start
        self.low_values = {"B": 0, "W": 0}  # moves in a row that spoke for resigning
        self.time: Clock | None = None  # as set for a game; None: no limit
        self.clocks: dict[str, Clock] = {}
        self.done = False
        self._warm: set[int] = set()  # board sizes that the network has computed before
        self.commands: dict[str, Callable[[list[str]], str]] = {
            name.removeprefix("do_").replace("__", "-"): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }

    # --- the wire ---

    def serve(self, lines: Iterable[str], out: TextIO) -> None:
        """Answers commands until `quit` or the end of input."""
        if isinstance(lines, io.TextIOWrapper):  # bytes that are no text are a bad command, not the end of the engine
            lines.reconfigure(errors="replace")
        for line in lines:
            reply = self.answer(line)
            if self.log is not None:
                self.log.write(f"{line.rstrip()}\n{reply}")
                self.log.flush()
            if reply:
                out.write(reply)
                out.flush()
            if self.done:
                return

    def answer(self, line: str) -> str:
        """The whole reply to a line, with its blank line; "" for a line that holds no command."""
        text = "".join(c for c in line.replace("\t", " ") if c >= " " and c != "\x7f").split("#")[0].strip()
        if not text:
            return ""
        words = text.split()
        number = words.pop(0) if words[0].isascii() and words[0].isdigit() else ""
        if not words:
            return f"?{number} syntax error\n\n"
        command = self.commands.get(words[0])
        try:
            if command is None:
                raise GtpError("unknown command")
            body = command(words[1:])
        except GtpError as error:
            return f"?{number} {error}\n\n"
        except Exception as error:  # a fault of ours must not end a game that is being played
            print(f"alphazero gtp: {words[0]}: {error!r}", file=sys.stderr)
            return f"?{number} internal error: {clean(str(error), LONGEST_ERROR)}\n\n"
        body = re.sub(r"\n\s*\n", "\n", body).rstrip()
        return f"={number} {body}\n\n" if body else f"={number}\n\n"

    # --- arguments ---

    @property
    def size(self) -> int:
        return int(self.player.game.options["board_size"])

    @staticmethod
    def colour(word: str) -> str:
        colours = {"b": "B", "black": "B", "w": "W", "white": "W"}
        if word.lower() not in colours:
            raise GtpError("syntax error")
        return colours[word.lower()]

    @staticmethod
    def need(arguments: list[str], count: int) -> None:
        if len(arguments) < count:
            raise GtpError("syntax error")

    def number_argument(self, arguments: list[str]) -> int:
        self.need(arguments, 1)
        if not re.fullmatch(r"[0-9]{1,9}", arguments[0]):
            raise GtpError("syntax error")
        return int(arguments[0])

    @staticmethod
    def seconds(word: str) -> float:
        """A time, zero or more."""
        if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]*)?|\.[0-9]+", word):
            raise GtpError("syntax error")
        return float(word)

    def vertex(self, word: str) -> str:
        """A point of the board as the rules write it, "D4"; no pass."""
        name = word.upper()
        if re.fullmatch(r"[A-HJ-T][0-9]{1,2}", name):
            vertex = f"{name[0]}{int(name[1:])}"
            if vertex[0] in COLUMNS[: self.size] and 1 <= int(vertex[1:]) <= self.size:
                return vertex
        raise GtpError("syntax error")

    # --- the position ---

    def use(self, **options: object) -> None:
        """Goes on with other options of the game, in the same position. ValueError leaves all as it was."""
        player = self.player.with_options(**options)
        self.position = player.game.position(self.position.text)
        self.player = player

    def start(self, text: str, past: list[str] | None = None) -> None:
        """A new game, with new clocks, that goes on from a position's text. ValueError leaves all as it was.

        past: the texts before its moves that can be taken back.
        """
        first = self.player.game.position(past[0] if past else text)
        self.position = self.player.game.position(text)
        self.past = past or []
        if self.size not in self._warm:  # now, and not on the clock of the first move
            self.player.warm_up()
            self._warm.add(self.size)
        colours = list(stones_of(first).values())
        self.handicap = colours.count("B") - colours.count("W")
        self.low_values = {"B": 0, "W": 0}
        self.restart_clocks()

    def turned(self, colour: str) -> Position:
        """A copy of the position with this colour to move. Out of turn, nobody passed in between."""
        if "BW"[self.position.turn] == colour:
            return self.position.copy()
        return self.player.game.position(f"{self.position.text} {colour.lower()}")

    def play(self, colour: str, vertex: str) -> None:
        """Plays for a colour, out of turn too. IllegalMove leaves all as it was."""
        position = self.turned(colour)
        position.play(vertex)
        self.past.append(self.position.text)
        self.position = position

    def set_up(self, stones: dict[str, str], turn: str) -> str:
        """The text of stones by vertex, each "B" or "W", with a side to move."""
        return f"{rows_of(stones, self.size)} {turn.lower()}"

    # --- administration ---

    def do_protocol_version(self, arguments: list[str]) -> str:
        return "2"

    def do_name(self, arguments: list[str]) -> str:
        return "alphazero"

    def do_version(self, arguments: list[str]) -> str:
        return __version__

    def do_known_command(self, arguments: list[str]) -> str:
        return "true" if arguments and arguments[0] in self.commands else "false"

    def do_list_commands(self, arguments: list[str]) -> str:
        return "\n".join(sorted(self.commands))

    def do_quit(self, arguments: list[str]) -> str:
        self.done = True
        return ""

    # --- setup ---

    def do_boardsize(self, arguments: list[str]) -> str:
        size = self.number_argument(arguments)
        if len(arguments) > 1 and arguments[1] != arguments[0]:  # some programs know oblong boards
            raise GtpError("unacceptable size")
        try:
            self.player = self.player.with_options(board_size=size)
        except ValueError as error:
            raise GtpError("unacceptable size") from error
        self.start("")
        return ""

    def do_clear_board(self, arguments: list[str]) -> str:
        self.start("")
        return ""

    def do_set_position(self, arguments: list[str]) -> str:
        """KataGo's: colours and vertices by turns, Black to move. Without any: an empty board."""
        if len(arguments) % 2:
            raise GtpError("syntax error")
        stones: dict[str, str] = {}
        for colour, word in zip(arguments[::2], arguments[1::2], strict=True):
            vertex = self.vertex(word)
            if vertex in stones:
                raise GtpError(f"illegal position: {vertex} twice")
            stones[vertex] = self.colour(colour)
        try:
            self.start(self.set_up(stones, "B") if stones else "")
        except ValueError as error:
            raise GtpError("illegal position: stones without liberties") from error
        return ""

    def do_komi(self, arguments: list[str]) -> str:
        self.need(arguments, 1)
        if not re.fullmatch(r"[+-]?([0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9})", arguments[0]):
            raise GtpError("syntax error")
        try:
            self.use(komi=float(arguments[0]) + 0.0)  # no -0
        except ValueError as error:
            raise GtpError("syntax error") from error
        return ""

    def do_get_komi(self, arguments: list[str]) -> str:
        return f"{self.player.game.options['komi']:.10g}"

    def do_clear_cache(self, arguments: list[str]) -> str:
        self.player.forget()
        return ""

    # --- rules ---

    def set_rules(self, text: str) -> str:
        """Changes the rules, by name or JSON, if the game so far is legal under them."""
        try:
            self.use(**go_rules.by_text(text))
        except ValueError as error:
            raise GtpError(str(error)) from error
        if told := go_rules.warning(text):
            print(f"alphazero gtp: {told}", file=sys.stderr)
        return ""

    def do_kata__get__rules(self, arguments: list[str]) -> str:
        return go_rules.fields_of(self.player.game.options)

    def do_kata__set__rules(self, arguments: list[str]) -> str:
        self.need(arguments, 1)
        return self.set_rules(" ".join(arguments))

    def do_kata__set__rule(self, arguments: list[str]) -> str:
        self.need(arguments, 2)
        try:
            self.use(**go_rules.by_fields({arguments[0]: arguments[1]}))
        except ValueError as error:
            raise GtpError(str(error)) from error
        return ""

    def do_kgs__rules(self, arguments: list[str]) -> str:
        """KGS's: its Chinese rules have positional superko."""
        self.need(arguments, 1)
        return self.set_rules("chinese-kgs" if arguments[0].lower() == "chinese" else arguments[0])

    # --- handicap ---

    def handicap_points(self) -> list[str]:
        """The fixed handicap points in the order of the GTP specification, section 4.1.1."""
        size = self.size
        if size < 7:
            return []
        low = 3 if size < 13 else 4
        columns = COLUMNS
        a, m, z = columns[low - 1], columns[size // 2], columns[size - low]
        r, s, t = low, size // 2 + 1, size + 1 - low
        corners = [f"{a}{r}", f"{z}{t}", f"{a}{t}", f"{z}{r}"]
        if size % 2 == 0 or size == 7:
            return corners
        return [*corners, f"{a}{s}", f"{z}{s}", f"{m}{r}", f"{m}{t}", f"{m}{s}"]

    def handicap_set(self, count: int) -> list[str]:
        points = self.handicap_points()
        if not 2 <= count <= len(points):
            raise GtpError("invalid number of stones")
        if count <= 4:
            return points[:count]
        chosen = points[:4] + (points[4:6] if count >= 6 else []) + (points[6:8] if count >= 8 else [])
        return chosen + (points[8:9] if count % 2 else [])

    def free_handicap_set(self, count: int) -> list[str]:
        """As many points as asked: the fixed ones first, then always one that is farthest from all stones.

        Such points lie on the third line or above while there are some, then on the second, then on the edge.
        """
        fixed = self.handicap_points()
        chosen = self.handicap_set(min(count, len(fixed))) if fixed else []
        size = self.size
        middle = (size + 1) / 2
        distance = dict.fromkeys(((c, r) for r in range(1, size + 1) for c in range(1, size + 1)), math.inf)

        def rank(point: tuple[int, int]) -> tuple[int, float, float, tuple[int, int]]:
            line = min(*point, size + 1 - point[0], size + 1 - point[1], 3)
            return line, distance[point], -math.dist(point, (middle, middle)), point

        for number in range(count):
            if number == len(chosen):
                column, row = max(distance, key=rank)
                chosen.append(f"{COLUMNS[column - 1]}{row}")
            placed = (COLUMNS.index(chosen[number][0]) + 1, int(chosen[number][1:]))
            distance.pop(placed)
            for point in distance:
                distance[point] = min(distance[point], math.dist(point, placed))
        return chosen

    def place(self, vertices: list[str]) -> None:
        """Handicap stones on an empty board: a set-up, White to move. The clocks go on."""
        if self.position.text:
            raise GtpError("board not empty")
        clocks = self.clocks
        self.start(self.set_up(dict.fromkeys(vertices, "B"), "W"))
        self.clocks = clocks

    def do_fixed_handicap(self, arguments: list[str]) -> str:
        vertices = self.handicap_set(self.number_argument(arguments))
        self.place(vertices)
        return " ".join(vertices)

    def do_place_free_handicap(self, arguments: list[str]) -> str:
        count = self.number_argument(arguments)
        if not 2 <= count < self.size**2:
            raise GtpError("invalid number of stones")
        vertices = self.free_handicap_set(count)
        self.place(vertices)
        return " ".join(vertices)

    def do_set_free_handicap(self, arguments: list[str]) -> str:
        try:
            vertices = [self.vertex(word) for word in arguments]
        except GtpError as error:
            raise GtpError("bad vertex list") from error
        if not 2 <= len(vertices) < self.size**2 or len(set(vertices)) < len(vertices):
            raise GtpError("bad vertex list")
        self.place(vertices)
        return ""

    def do_loadsgf(self, arguments: list[str]) -> str:
        self.need(arguments, 1)
        moves = max(0, self.number_argument(arguments[1:]) - 1) if len(arguments) > 1 else None
        try:
            game = sgf.load(Path(arguments[0]))
            komi = game.komi if game.has_komi else self.player.game.options["komi"]
            rules, told = go_rules.by_sgf(game.rules)
            player = self.player.with_options(board_size=game.size, komi=komi, **rules)
            # The moves of the file can be taken back, the stones of its set-up cannot.
            *past, text = (position.text for position in sgf.positions(game, player.game, moves))
        except ValueError as error:
            print(f"alphazero gtp: {error}", file=sys.stderr)
            raise GtpError("cannot load file") from error
        for warning in (*game.warnings, *filter(None, [told])):
            print(f"alphazero gtp: {game.where}: {warning}", file=sys.stderr)
        self.player = player
        self.start(text, past)
        return ""

    def do_printsgf(self, arguments: list[str]) -> str:
        """The game since its set-up, as the answer or into a file."""
        text = sgf.write(self.position)
        if not arguments:
            return text
        try:
            Path(arguments[0]).write_text(text, encoding="utf-8")
        except (OSError, ValueError) as error:
            print(f"alphazero gtp: {arguments[0]}: {error}", file=sys.stderr)
            raise GtpError("cannot write file") from error
        return ""

    # --- play ---

    def do_play(self, arguments: list[str]) -> str:
        self.need(arguments, 2)
        colour = self.colour(arguments[0])
        try:
            self.play(colour, arguments[1])
        except ValueError as error:
            raise GtpError("illegal move" if "no vertex" not in str(error) else "syntax error") from error
        return ""

    def genmove(self, arguments: list[str], keep: bool) -> str:
        self.need(arguments, 1)
        colour = self.colour(arguments[0])
        position = self.turned(colour)  # a search that fails leaves the game as it was
        if position.outcome is not None:
            move = "pass"  # both have passed: whoever asks for more gets a third pass; `play` goes on with the game
        else:
            begin = time.perf_counter()
            clock = self.clocks.get(colour)
            if clock is None:
                result = self.player.search(position, self.simulations)
            else:
                seconds = clock.budget(position.ply, 1.05 * self.size**2)
                result = self.player.search(position, MOST_SIMULATIONS, seconds=seconds)
                if keep:
                    clock.spend(time.perf_counter() - begin + clock.lag_seconds)
            if keep and self.resigns(colour, result):
                return "resign"
            move = result.best_move
        if keep:
            self.play(colour, move)
        return move

    def resigns(self, colour: str, result: SearchResult) -> bool:
        """Whether a side gives up, by the value of its search now and those of its last moves."""
        stones_behind = max(0, self.handicap if colour == "W" else -self.handicap)
        threshold = -1.0 + (self.resign_value + 1.0) * 0.5**stones_behind
        low = result.value < threshold and result.proof != "win"
        self.low_values[colour] = self.low_values[colour] + 1 if low else 0
        late = self.position.ply >= RESIGN_PLIES_A_POINT * self.size**2
        return late and self.low_values[colour] >= RESIGN_MOVES

    def do_genmove(self, arguments: list[str]) -> str:
        return self.genmove(arguments, keep=True)

    def do_reg_genmove(self, arguments: list[str]) -> str:
        return self.genmove(arguments, keep=False)

    def do_undo(self, arguments: list[str]) -> str:
        if not self.past:
            raise GtpError("cannot undo")
        self.position = self.player.game.position(self.past.pop())
        self.low_values = {"B": 0, "W": 0}
        return ""

    # --- time ---

    def set_time(self, clock: Clock | None) -> str:
        """The time of a game for each side; None: no limit."""
        self.time = clock
        self.restart_clocks()
        return ""

    def restart_clocks(self) -> None:
        self.clocks = {} if self.time is None else {colour: replace(self.time) for colour in "BW"}

    def do_time_settings(self, arguments: list[str]) -> str:
        self.need(arguments, 3)
        main, period = (self.seconds(word) for word in arguments[:2])
        moves = self.number_argument(arguments[2:])
        if (moves == 0 and period > 0) or main == period == 0:  # no limit: the specification's way, and the usual one
            return self.set_time(None)
        return self.set_time(Clock.overtime(main, period, moves))

    def do_kgs__time_settings(self, arguments: list[str]) -> str:
        """KGS's: none, absolute, byoyomi (Japanese; time_left then counts periods) or canadian."""
        if arguments and arguments[0].lower().startswith("fischer"):
            raise GtpError("syntax error")
        return self.do_kata__time_settings(arguments)

    def do_kata__time_settings(self, arguments: list[str]) -> str:
        """KataGo's: KGS's and fischer MAIN INCREMENT, fischer-capped MAIN INCREMENT MOST_MAIN MOST_A_MOVE (-1: no cap)."""
        self.need(arguments, 1)
        system, values = arguments[0].lower(), arguments[1:]
        if len(values) != TIME_SYSTEMS.get(system):
            raise GtpError("syntax error")
        if system == "none":
            return self.set_time(None)
        main = self.seconds(values[0])
        if system in ("byoyomi", "canadian"):
            period, count = self.seconds(values[1]), self.number_argument(values[2:])
            if system == "canadian" and count == 0:
                raise GtpError("syntax error")
            return self.set_time(Clock.overtime(main, period, min(count, 1) if system == "byoyomi" else count))
        if system == "absolute":
            return self.set_time(Clock(main))
        caps = [math.inf if re.fullmatch(r"-[0-9.]+", word) else self.seconds(word) for word in values[2:]]
        most_main, most_move = caps or (math.inf, math.inf)
        if most_main < main:
            raise GtpError("syntax error")
        increment = self.seconds(values[1])
        clock = Clock(main, increment_seconds=increment, most_main_seconds=most_main, most_move_seconds=most_move)
        return self.set_time(clock)

    def do_kata__list_time_settings(self, arguments: list[str]) -> str:
        return " ".join(TIME_SYSTEMS)

    def do_time_left(self, arguments: list[str]) -> str:
        self.need(arguments, 3)
        colour = self.colour(arguments[0])
        count = self.number_argument(arguments[2:])
        seconds = self.seconds(arguments[1].removeprefix("-"))
        clock = self.clocks.setdefault(colour, Clock())
        clock.tell(0.0 if arguments[1].startswith("-") else seconds, count)
        return ""

    # --- the end of the game, and looking at it ---

    def do_final_score(self, arguments: list[str]) -> str:
        """Area as the board stands (Tromp-Taylor): dead stones are to be taken off the board by play."""
        score = float(self.position.ownership().sum()) - float(self.player.game.options["komi"])
        return "0" if score == 0 else f"{'B' if score > 0 else 'W'}+{abs(score):g}"

    def do_final_status_list(self, arguments: list[str]) -> str:
        self.need(arguments, 1)
        if arguments[0] not in ("alive", "dead", "seki"):
            raise GtpError("syntax error")
        if arguments[0] != "alive":
            return ""  # every stone on the board counts as alive
        return " ".join(stones_of(self.position))

    def do_showboard(self, arguments: list[str]) -> str:
        return "\n" + self.position.diagram
