"""The other end of GTP: a Go engine in a process of its own, told the rules, the moves and the clock."""

from __future__ import annotations

import re
import time

from alphazero.errors import UserError
from alphazero.formats.go import PositionText, Stone, stones_in
from alphazero.game import Game
from alphazero.protocols.client import GRACE_SECONDS, MOST_LINES, START_SECONDS, EngineClient, Reply
from alphazero.text import LONGEST_NAME, clean

MOST_CHARACTERS = 1 << 20  # of an answer; the longest good one is a list of commands
VERTEX = re.compile(r"[A-HJ-Z][0-9]{1,2}", re.ASCII)
REMOVE_DEAD = "remove_dead"  # the one option in braces that is ours: see GtpClient


class GtpClient(EngineClient):
    """A GTP 2 engine.

    Options in braces are GTP commands sent at the start: {level=5} sends `level 5` to GNU Go. One is ours: {remove_dead=true}
    asks the engine for its dead stones (`final_status_list dead`) when both sides have passed (see arena.go_score).
    GTP has no words for the ko rule and for suicide: engines that know KataGo's `kata-set-rule` are told, others need them on
    their command line. How long an engine thinks is its command line's, too, or --tc's.
    """

    def _handshake(self) -> None:
        self._number = 0
        self._told: list[tuple[int, str]] = []  # commands whose answers are still to be read
        self._told_komi = float("nan")
        self._set = ""  # the set-up on the engine's board, as in a position's text
        self._known: list[Stone] | None = None  # the moves since; None: it has to be told from the start
        if self.spec.search_limits:
            raise UserError(
                f"{self.name}: GTP has no {', '.join(self.spec.search_limits)}: give limits on the engine's command line, or --tc"
            )
        if self.spec.options.get(REMOVE_DEAD, "false") not in ("true", "false"):
            raise UserError(f"{self.name}: {REMOVE_DEAD} must be true or false, got '{self.spec.options[REMOVE_DEAD]}'")
        self.name = clean(self._ask("name", START_SECONDS), LONGEST_NAME) or self.name
        self.commands = set(self._ask("list_commands", START_SECONDS).split())
        self.removes_dead = self.spec.options.get(REMOVE_DEAD) == "true"
        if self.removes_dead and "final_status_list" not in self.commands:
            raise UserError(f"{self.name}: {REMOVE_DEAD}=true needs the GTP command final_status_list, which it lacks")
        for name, value in self.spec.options.items():
            if name == REMOVE_DEAD:
                continue
            good, text = self._exchange(f"{name} {value}", START_SECONDS)
            if not good:
                raise UserError(
                    f"{self.name}: refuses the option {name}={value} (the GTP command '{name}'): {clean(text)}"
                )

    def set_game(self, game: Game) -> None:
        options = game.options
        self._size, self._komi = int(options["board_size"]), float(options["komi"])
        self._rules = []
        if "kata-set-rule" in self.commands:
            suicide = "true" if options["suicide"] else "false"
            ko = str(options["ko"]).upper()
            self._rules = [f"ko {ko}", "scoring AREA", "tax NONE", f"suicide {suicide}", "hasButton false"]

    def _set_up(self) -> None:
        """An empty board with the game's rules. EngineError where the engine refuses them."""
        self._ask(f"boardsize {self._size}")
        self._ask("clear_board")
        self._tell_komi(self._komi)
        for rule in self._rules:
            self._ask(f"kata-set-rule {rule}")
        self._set, self._known = "", []

    def new_game(self) -> None:
        self._set_up()
        self._timed = False

    def play(self, start: str, moves: list[str], limits: dict[str, int], seconds: float) -> Reply:
        text = PositionText.parse([*start.split(), *moves])
        colour = text.to_move.lower()
        self._tell_position(text)
        self._tell_clock(colour, limits)
        answer = self._ask(f"genmove {colour}", seconds + GRACE_SECONDS).strip()
        move = answer.lower() if answer.lower() in ("pass", "resign") else answer.upper()
        self._known = [*text.moves, (text.to_move, move)]
        return Reply(move)

    def _tell_position(self, text: PositionText) -> None:
        """Brings the engine's board there: by the new moves alone where it can be."""
        goes_on = text.rows == self._set or (not self._set and self._known == [])
        if self._known is None or not goes_on or text.moves[: len(self._known)] != self._known:
            self._set_up()
        assert self._known is not None
        if (komi := self._komi if text.komi is None else text.komi) != self._told_komi:
            self._tell_komi(komi)
        if text.rows != self._set:
            stones = [f"{colour.lower()} {vertex}" for vertex, colour in stones_in(text.rows).items()]
            if "set_position" in self.commands:
                self._ask(f"set_position {' '.join(stones)}")
            else:  # stones of a position with liberties take nothing, in whatever order they come
                for stone in stones:
                    self._ask(f"play {stone}")
            self._set = text.rows
        for colour, vertex in text.moves[len(self._known) :]:
            self._tell(f"play {colour.lower()} {vertex}")
        self._known = text.moves

    def _tell_komi(self, komi: float) -> None:
        self._ask(f"komi {komi:g}")
        self._told_komi = komi

    def _tell_clock(self, colour: str, limits: dict[str, int]) -> None:
        """Main time and byo-yomi as GTP has them, in whole seconds.

        It has no increment: time_left tells what has come of that. Engines that know KataGo's kata-time_settings are told of
        it, and get fractions of seconds.
        """
        if not limits:
            return
        increment = limits.get(f"{colour}inc", 0)
        if increment and "movestogo" not in limits and "kata-time_settings" in self.commands:
            if not self._timed:
                self._ask(f"kata-time_settings fischer {limits['main'] / 1000:.3f} {increment / 1000:.3f}")
                self._timed = True
            self._tell(f"time_left {colour} {limits[f'{colour}time'] / 1000:.3f} 0")
            return
        left, stones = limits[f"{colour}time"] // 1000, 0
        if "movestogo" in limits:  # a period of so many moves: Canadian byo-yomi from the start
            settings = f"0 {limits['main'] // 1000} {limits['period_moves']}"
            stones = limits["movestogo"]
        elif "byoyomi" in limits:
            settings = f"{limits['main'] // 1000} {limits['byoyomi'] // 1000} 1"
            if left == 0:
                left, stones = limits["byoyomi"] // 1000, 1
        else:
            settings = f"{limits['main'] // 1000} 0 0"
        if not self._timed and "time_settings" in self.commands:
            self._ask(f"time_settings {settings}")
            self._timed = True
        if "time_left" in self.commands:
            self._tell(f"time_left {colour} {left} {stones}")

    def dead_stones(self, moves: list[str]) -> set[str]:
        """The vertices of the stones, of both colours, that the engine holds for dead in a position ("D4" and the like).

        moves: the words of the position's text.
        """
        self._tell_position(PositionText.parse(moves))
        words = self._ask("final_status_list dead", START_SECONDS).upper().split()
        return {word for word in words if VERTEX.fullmatch(word)}

    def _ask(self, command: str, seconds: float = START_SECONDS) -> str:
        """The engine's answer; EngineError where it refuses."""
        good, text = self._exchange(command, seconds)
        if not good:
            raise self._error(f"refuses '{command}'")
        return text

    def _tell(self, command: str) -> None:
        """Sends a command without waiting: a clock runs, and every wait costs a change of processes on a busy machine.

        Its answer is read, and a refusal raised, before that of the next command that is waited for.
        """
        self._number += 1
        self._send(f"{self._number} {command}")
        self._told.append((self._number, command))

    def _exchange(self, command: str, seconds: float) -> tuple[bool, str]:
        """Sends a command; whether it succeeded, and what the engine said."""
        self._number += 1
        number = self._number
        self._send(f"{number} {command}")
        end = time.monotonic() + seconds
        told, self._told = self._told, []
        for earlier, said in told:
            if not self._read(earlier, said, seconds, end)[0]:
                raise self._error(f"refuses '{said}'")
        return self._read(number, command, seconds, end)

    def _read(self, number: int, command: str, seconds: float, end: float) -> tuple[bool, str]:
        """Reads the answer to the command of this number by `end`, `seconds` after it was asked; other lines are skipped."""
        good = False
        answer: list[str] | None = None
        room = MOST_CHARACTERS
        for _ in range(MOST_LINES):
            line = self._line(end)
            if line is None:
                self._kill()
                raise self._error(f"no answer to '{command}' within {seconds:.0f} seconds")
            if answer is None:
                if line[:1] in ("=", "?") and (found := self._answer(line, number)) is not None:
                    answer, good = [found], line[0] == "="
            elif line:
                answer.append(line)
                if (room := room - len(line)) < 0:
                    self._kill()
                    raise self._error(f"an answer to '{command}' without end")
            else:
                return good, "\n".join(answer).strip()
        self._kill()
        raise self._error(f"{MOST_LINES:,} lines and no answer to '{command}' among them")

    def _answer(self, line: str, wanted: int) -> str | None:
        """The text of an answer's first line; None where its number is another command's (none at all will do)."""
        rest = line[1:].lstrip("0123456789")
        number = line[1 : len(line) - len(rest)]
        return None if number and number.lstrip("0") != str(wanted) else rest.strip()
