"""GTP 2, the Go Text Protocol: what Go GUIs and tournament programs speak (specification: lysator.liu.se/~gunnar/gtp).

Every line gets one reply, `= ...` or `? reason`; nothing a controller sends ends the engine but `quit` and the end of input.
Here are the commands of the game: set-up, rules, handicap, play, time, the end. Lines and replies are gtp_loop.py's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from alphazero import levels
from alphazero._core import Position
from alphazero.formats import go_rules, sgf
from alphazero.formats.go import rows_of, stones_of
from alphazero.game import OptionValue
from alphazero.player import Player
from alphazero.protocols import gtp_time
from alphazero.protocols.clock import LOOK_SECONDS, Clock, Lag, Looks, Pace
from alphazero.protocols.gtp_analyze import AnalysisCommands, Pondering
from alphazero.protocols.gtp_loop import Running
from alphazero.protocols.gtp_words import GtpError, colour_of, need, number_of, seconds_of, vertex_of
from alphazero.protocols.handicap import free_handicap_set, handicap_set
from alphazero.search import SearchResult

MOST_TIMED_SIMULATIONS = 1_000_000  # where time decides: bounds the tree's memory, at 200 bytes a node
RESIGN_MOVES = 3  # in a row with a low value before a side resigns
# Nor before so many plies for each point of the board: 20 on 9x9, 90 on 19x19. Until then much can still be turned over.
RESIGN_PLIES_A_POINT = 0.25


class GtpEngine(AnalysisCommands):
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
        level: int = levels.MOST,
        ponder: bool = False,
        log: TextIO | None = None,
    ):
        super().__init__(log)
        self.player = player.with_options(max_plies=0) if player.game.options["max_plies"] else player
        self.player.settings["heads"] = (
            True  # score and ownership, for analysis; the tree is kept from one to the other
        )
        self.simulations = simulations
        self.resign_value = resign_value
        self.position: Position = self.player.game.position()
        self.past: list[str] = []  # the position's text before each move that `undo` may take back
        self.level = level
        self.ponder = ponder  # searches on while the other side thinks
        self._awaiting = False  # its move: the last command was a genmove that was played
        self.handicap = 0  # Black's stones more than White's at the start
        self.low_values = {"B": 0, "W": 0}  # moves in a row that spoke for resigning
        self.time: Clock | None = None  # as set for a game; None: no limit
        self.clocks: dict[str, Clock] = {}
        self.lags = {"B": Lag(), "W": Lag()}
        self._warm: set[int] = set()  # board sizes that the network has computed before

    def meanwhile(self) -> Running | None:
        awaiting, self._awaiting = self._awaiting and self.ponder, False
        if not awaiting or self.level < levels.MOST or self.position.outcome is not None:
            return None
        return Pondering(self.player, self.position.copy())

    # --- the position ---

    @property
    def size(self) -> int:
        return int(self.player.game.options["board_size"])

    def use(self, **options: OptionValue) -> None:
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

    # --- setup ---

    def do_boardsize(self, arguments: list[str]) -> str:
        size = number_of(arguments)
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
            point = vertex_of(word, self.size)
            if point in stones:
                raise GtpError(f"illegal position: {point} twice")
            stones[point] = colour_of(colour)
        try:
            self.start(self.set_up(stones, "B") if stones else "")
        except ValueError as error:
            raise GtpError("illegal position: stones without liberties") from error
        return ""

    def do_komi(self, arguments: list[str]) -> str:
        need(arguments, 1)
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
        need(arguments, 1)
        return self.set_rules(" ".join(arguments))

    def do_kata__set__rule(self, arguments: list[str]) -> str:
        need(arguments, 2)
        try:
            self.use(**go_rules.by_fields({arguments[0]: arguments[1]}))
        except ValueError as error:
            raise GtpError(str(error)) from error
        return ""

    def do_kgs__rules(self, arguments: list[str]) -> str:
        """KGS's: its Chinese rules have positional superko."""
        need(arguments, 1)
        return self.set_rules("chinese-kgs" if arguments[0].lower() == "chinese" else arguments[0])

    # --- handicap ---

    def place(self, vertices: list[str]) -> None:
        """Handicap stones on an empty board: a set-up, White to move. The clocks go on."""
        if self.position.text:
            raise GtpError("board not empty")
        clocks = self.clocks
        self.start(self.set_up(dict.fromkeys(vertices, "B"), "W"))
        self.clocks = clocks

    def do_fixed_handicap(self, arguments: list[str]) -> str:
        vertices = handicap_set(number_of(arguments), self.size)
        self.place(vertices)
        return " ".join(vertices)

    def do_place_free_handicap(self, arguments: list[str]) -> str:
        count = number_of(arguments)
        if not 2 <= count < self.size**2:
            raise GtpError("invalid number of stones")
        vertices = free_handicap_set(count, self.size)
        self.place(vertices)
        return " ".join(vertices)

    def do_set_free_handicap(self, arguments: list[str]) -> str:
        try:
            vertices = [vertex_of(word, self.size) for word in arguments]
        except GtpError as error:
            raise GtpError("bad vertex list") from error
        if not 2 <= len(vertices) < self.size**2 or len(set(vertices)) < len(vertices):
            raise GtpError("bad vertex list")
        self.place(vertices)
        return ""

    def do_loadsgf(self, arguments: list[str]) -> str:
        need(arguments, 1)
        moves = max(0, number_of(arguments[1:]) - 1) if len(arguments) > 1 else None
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
        need(arguments, 2)
        colour = colour_of(arguments[0])
        try:
            self.play(colour, arguments[1])
        except ValueError as error:
            raise GtpError("illegal move" if "no vertex" not in str(error) else "syntax error") from error
        return ""

    def genmove(
        self,
        colour: str,
        *,
        keep: bool,
        watch: Callable[[SearchResult], bool] | None = None,
        only: Sequence[str] = (),
    ) -> tuple[str, SearchResult | None]:
        position = self.turned(colour)  # a search that fails leaves the game as it was
        result = None
        if position.outcome is not None:
            move = "pass"  # both have passed: whoever asks for more gets a third pass; `play` goes on with the game
        else:
            clock, pace = self.clocks.get(colour), None
            if clock is None:
                simulations, limits = self.simulations, Looks(on_progress=watch, progress_every=LOOK_SECONDS)
            else:
                drawn = self.level < levels.MOST
                pace = Pace(clock, position.ply, lambda: self.player.expected_plies(position), drawn=drawn)
                simulations, limits = 1 if pace.hurried else MOST_TIMED_SIMULATIONS, pace.limits(watch)
            result = self.player.search_at(self.level, position, simulations=simulations, only=only, **limits)
            if pace is not None and keep:
                pace.spend(self.lags[colour])
            if keep and self.resigns(colour, result):
                return "resign", result
            move = result.best_move
        if keep:
            self.play(colour, move)
            self._awaiting = True
        return move, result

    def resigns(self, colour: str, result: SearchResult) -> bool:
        """Whether a side gives up, by the value of its search now and those of its last moves."""
        stones_behind = max(0, self.handicap if colour == "W" else -self.handicap)
        threshold = -1.0 + (self.resign_value + 1.0) * 0.5**stones_behind
        low = result.value < threshold and result.proof != "win"
        self.low_values[colour] = self.low_values[colour] + 1 if low else 0
        late = self.position.ply >= RESIGN_PLIES_A_POINT * self.size**2
        return late and self.low_values[colour] >= RESIGN_MOVES

    def do_genmove(self, arguments: list[str]) -> str:
        need(arguments, 1)
        return self.genmove(colour_of(arguments[0]), keep=True)[0]

    def do_reg_genmove(self, arguments: list[str]) -> str:
        need(arguments, 1)
        return self.genmove(colour_of(arguments[0]), keep=False)[0]

    def do_level(self, arguments: list[str]) -> str:
        """GNU Go's word: how strong to play, 1 to 10. Without a number: how strong it is now."""
        if not arguments:
            return str(self.level)
        level = number_of(arguments)
        if not 1 <= level <= levels.MOST:
            raise GtpError(f"a level from 1 to {levels.MOST} is needed")
        self.level = level
        return ""

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
        return self.set_time(gtp_time.by_specification(arguments))

    def do_kgs__time_settings(self, arguments: list[str]) -> str:
        return self.set_time(gtp_time.by_kgs(arguments))

    def do_kata__time_settings(self, arguments: list[str]) -> str:
        return self.set_time(gtp_time.by_kata(arguments))

    def do_kata__list_time_settings(self, arguments: list[str]) -> str:
        return " ".join(gtp_time.TIME_SYSTEMS)

    def do_time_left(self, arguments: list[str]) -> str:
        need(arguments, 3)
        colour = colour_of(arguments[0])
        count = number_of(arguments[2:])
        seconds = seconds_of(arguments[1].removeprefix("-"))
        clock = self.clocks.setdefault(colour, Clock())
        clock.tell(0.0 if arguments[1].startswith("-") else seconds, count)
        if "." in arguments[1]:  # whole seconds say nothing of what a move loses
            self.lags[colour].tell(clock, self.position.ply)
        return ""

    # --- the end of the game, and looking at it ---

    def do_final_score(self, arguments: list[str]) -> str:
        """Area as the board stands (Tromp-Taylor): dead stones are to be taken off the board by play."""
        score = float(self.position.ownership().sum()) - float(self.player.game.options["komi"])
        return "0" if score == 0 else f"{'B' if score > 0 else 'W'}+{abs(score):g}"

    def do_final_status_list(self, arguments: list[str]) -> str:
        need(arguments, 1)
        if arguments[0] not in ("alive", "dead", "seki"):
            raise GtpError("syntax error")
        if arguments[0] != "alive":
            return ""  # every stone on the board counts as alive
        return " ".join(stones_of(self.position))

    def do_showboard(self, arguments: list[str]) -> str:
        return "\n" + self.position.diagram
