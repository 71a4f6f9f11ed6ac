"""GTP 2, the Go Text Protocol: what Go GUIs and tournament programs speak (specification: lysator.liu.se/~gunnar/gtp).

Every line gets one reply, `= ...` or `? reason`; nothing a controller sends ends the engine but `quit` and the end of input.
"""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from alphazero._core import Position, __version__
from alphazero.player import Player
from alphazero.protocols import sgf
from alphazero.protocols.clock import Clock

MOST_SIMULATIONS = 1_000_000  # where time decides: bounds the tree's memory, at 200 bytes a node


class GtpError(Exception):
    """A command that fails: its text is the reply after `?`."""


class GtpEngine:
    """The engine behind the protocol: a player, a position, two clocks.

    simulations: a move's, where no time is set; None leaves it to the player ("mcts:N"). A limit of plies, which training
    may set, is lifted: a game between programs ends by passes alone. log: gets every line and its reply.
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
        self.before: list[Position] = []  # the positions that `undo` goes back to
        self.clocks: dict[str, Clock] = {}
        self.done = False
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
            return f"?{number} internal error: {' '.join(str(error).split())}\n\n"
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
        if not re.fullmatch(r"\d{1,9}", arguments[0]):
            raise GtpError("syntax error")
        return int(arguments[0])

    def use(self, **options: object) -> None:
        """Goes on with other options of the game."""
        self.player = self.player.with_options(**options)

    def start(self, position: Position) -> None:
        """Goes on from a position whose moves cannot be taken back."""
        self.position = position
        self.before = []

    def play(self, colour: str, vertex: str) -> None:
        """Plays for a colour, out of turn too. IllegalMove leaves all as it was."""
        after = sgf.play_colour(self.position, colour, vertex)
        self.before.append(self.position)
        self.position = after

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
        try:
            self.use(board_size=size)
        except ValueError as error:
            raise GtpError("unacceptable size") from error
        self.start(self.player.game.position())
        return ""

    def do_clear_board(self, arguments: list[str]) -> str:
        self.start(self.player.game.position())
        return ""

    def do_komi(self, arguments: list[str]) -> str:
        self.need(arguments, 1)
        try:
            self.use(komi=float(arguments[0]))
        except ValueError as error:
            raise GtpError("syntax error") from error
        position = self.player.game.position()
        for move in self.position.text.split():  # played one by one: what is read from text cannot be taken back
            position.play(move)
        self.position = position
        return ""

    def handicap_points(self) -> list[str]:
        """The fixed handicap points in the order of the GTP specification, section 4.1.1."""
        size = self.size
        if size < 7:
            return []
        low = 3 if size < 13 else 4
        columns = sgf.COLUMNS
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

    def place(self, vertices: list[str]) -> None:
        if self.position.ply > 0:
            raise GtpError("board not empty")
        fresh = self.player.game.position()
        for vertex in vertices:
            try:
                if vertex.lower() == "pass":
                    raise ValueError("a handicap stone is no pass")
                fresh = sgf.play_colour(fresh, "B", vertex)
            except ValueError as error:
                raise GtpError("bad vertex list") from error
        self.start(fresh)

    def do_fixed_handicap(self, arguments: list[str]) -> str:
        vertices = self.handicap_set(self.number_argument(arguments))
        self.place(vertices)
        return " ".join(vertices)

    def do_place_free_handicap(self, arguments: list[str]) -> str:
        count = self.number_argument(arguments)
        if count < 2 or count >= self.size**2:
            raise GtpError("invalid number of stones")
        vertices = self.handicap_set(min(count, max(2, len(self.handicap_points())))) if self.handicap_points() else []
        if not vertices:
            vertices = [m for m in self.player.game.position().legal_moves() if m != "pass"][:: max(1, self.size)][
                :count
            ]
        self.place(vertices)
        return " ".join(vertices)

    def do_set_free_handicap(self, arguments: list[str]) -> str:
        if len(arguments) < 2 or len({a.upper() for a in arguments}) < len(arguments):
            raise GtpError("bad vertex list")
        self.place(arguments)
        return ""

    def do_loadsgf(self, arguments: list[str]) -> str:
        self.need(arguments, 1)
        try:
            game = sgf.read(Path(arguments[0]))
            moves = max(0, self.number_argument(arguments[1:]) - 1) if len(arguments) > 1 else None
            komi = game.komi if game.has_komi else self.player.game.options["komi"]
            player = self.player.with_options(board_size=game.size, komi=komi)
            # The moves of the file can be taken back, the stones of its set-up cannot.
            *before, position = sgf.positions(game, player.game, moves)
        except ValueError as error:
            raise GtpError("cannot load file") from error
        self.player = player
        self.start(position)
        self.before = before
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
        position = self.position.copy()  # a search that fails leaves the game as it was
        if "BW"[position.turn] != colour:
            position.play("pass")
        if position.outcome is not None:
            move = "pass"
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
            if keep and result.value < self.resign_value and result.proof != "win":
                return "resign"
            move = result.best_move
        if keep:
            self.play(colour, move)
        return move

    def do_genmove(self, arguments: list[str]) -> str:
        return self.genmove(arguments, keep=True)

    def do_reg_genmove(self, arguments: list[str]) -> str:
        return self.genmove(arguments, keep=False)

    def do_undo(self, arguments: list[str]) -> str:
        if not self.before:
            raise GtpError("cannot undo")
        self.position = self.before.pop()
        return ""

    # --- time ---

    def do_time_settings(self, arguments: list[str]) -> str:
        self.need(arguments, 3)
        if not all(re.fullmatch(r"\d{1,9}", a) for a in arguments[:3]):
            raise GtpError("syntax error")
        main, period, moves = (int(a) for a in arguments[:3])
        if moves == 0 and (period > 0 or main == 0):  # no limit: the specification's way to say so, and the usual one
            self.clocks = {}
        else:
            self.clocks = {c: Clock(float(main), float(period), moves, 0.0, 0 if main else moves) for c in "BW"}
            for clock in self.clocks.values():
                if main == 0 and moves:
                    clock.main_seconds = float(period)
        return ""

    def do_time_left(self, arguments: list[str]) -> str:
        self.need(arguments, 3)
        colour = self.colour(arguments[0])
        if not re.fullmatch(r"-?\d{1,9}(\.\d+)?", arguments[1]) or not re.fullmatch(r"\d{1,9}", arguments[2]):
            raise GtpError("syntax error")
        clock = self.clocks.setdefault(colour, Clock())
        clock.main_seconds, clock.moves_left = max(0.0, float(arguments[1])), int(arguments[2])
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
        planes = self.position.planes()
        rows, columns = (planes[0] + planes[1]).nonzero()
        return " ".join(f"{sgf.COLUMNS[c]}{self.size - r}" for r, c in zip(rows, columns, strict=True))

    def do_showboard(self, arguments: list[str]) -> str:
        return "\n" + self.position.diagram
