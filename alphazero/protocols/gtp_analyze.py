"""The analysis commands of GTP, which Sabaki, Lizzie, q5Go, GoGui and others send to Leela Zero and KataGo.

An `analyze` command prints a line each interval and goes on until the next line of input, whatever it is. `genmove_analyze`
prints the same while a move is searched for, and then `play MOVE`.
"""

from __future__ import annotations

import sys
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence

from alphazero._core import Position
from alphazero.machine import tree_bytes
from alphazero.player import NetworkPlayer, Player
from alphazero.protocols.gtp_loop import GtpLoop, Running
from alphazero.protocols.gtp_reports import (
    AnalyzeWords,
    Lines,
    grid,
    kata_line,
    lz_line,
    policy_grid,
    sabaki_line,
    shown,
    win_rate,
)
from alphazero.protocols.gtp_words import GtpError
from alphazero.search import SearchResult
from alphazero.search_settings import MOST_SIMULATIONS

USUAL_INTERVAL = 0.5  # seconds between two reports where none is given: nothing smaller is read

Line = Callable[[SearchResult, AnalyzeWords, Lines], str]


class LiveAnalysis(Running):
    """A search of a position that prints what it finds, in a thread of its own, until it is stopped."""

    def __init__(self, player: Player, position: Position, asked: AnalyzeWords, form: Line):
        self.player = player
        self.position = position
        self.asked = asked
        self.form = form
        self._most_bytes = tree_bytes()
        self._stop = threading.Event()
        self._write: Callable[[str], None] = lambda text: None
        self._thread = threading.Thread(target=self._run, name="analysis", daemon=True)

    def start(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._thread.start()

    def finish(self) -> str:
        self._stop.set()
        self._thread.join()
        return "\n"

    def _run(self) -> None:
        if self.position.outcome is not None:
            return
        try:
            found = self.player.search(
                self.position,
                MOST_SIMULATIONS,
                only=self.asked.moves(self.position.legal_moves()),
                on_progress=self._report,
                progress_every=self.asked.interval or USUAL_INTERVAL,
                should_stop=self._stop.is_set,
            )
            self._report(found)  # it may have ended by itself: proven, or as large as a tree may be
        except Exception as error:  # an internal error must not end the engine
            print(f"alphazero gtp: the analysis failed: {error!r}", file=sys.stderr)

    def _report(self, result: SearchResult) -> bool:
        if not self._stop.is_set() and self.asked.interval is not None:
            self._write(report_line(self.player, result, self.asked, self.form) + "\n")
        return result.tree_bytes > self._most_bytes


class Pondering(LiveAnalysis):
    """The other side's time used: a search that says nothing, of which the tree is kept."""

    def __init__(self, player: Player, position: Position):
        super().__init__(player, position, AnalyzeWords("BW"[position.turn]), lz_line)

    def finish(self) -> str:
        super().finish()
        return ""


def report_line(player: Player, result: SearchResult, asked: AnalyzeWords, form: Line) -> str:
    """One report, in Leela Zero's or KataGo's form."""
    told = [m.move for m in shown(result, asked)]
    visits = {move: player.line_visits(move) for move in told} if "pvVisits" in asked.flags else {}
    return form(result, asked, Lines({move: player.line(move) for move in told}, visits))


class AnalysisCommands(GtpLoop):
    """The commands; whoever plays says with which player, from which position, and how a move is found."""

    player: Player
    position: Position

    @property
    @abstractmethod
    def size(self) -> int:
        """Of the board."""

    @abstractmethod
    def turned(self, colour: str) -> Position:
        """A copy of the position with this colour to move."""

    @abstractmethod
    def genmove(
        self,
        colour: str,
        *,
        keep: bool,
        watch: Callable[[SearchResult], bool] | None = None,
        only: Sequence[str] = (),
    ) -> tuple[str, SearchResult | None]:
        """The move of a colour by its time or simulations, and the search that found it; keep: it is played.

        watch: gets what is found on the way, as on_progress of a search. only: the moves to choose among; none: all.
        """

    # --- until the next line ---

    def _words(self, arguments: list[str]) -> AnalyzeWords:
        return AnalyzeWords.read(arguments, "BW"[self.position.turn], self.size)

    def _analyze(self, arguments: list[str], form: Line) -> Running:
        asked = self._words(arguments)
        position = self.turned(asked.colour)
        if position.outcome is None:
            asked.moves(position.legal_moves())  # refused now where none is left
        return LiveAnalysis(self.player, position, asked, form)

    def do_lz__analyze(self, arguments: list[str]) -> Running:
        return self._analyze(arguments, lz_line)

    def do_kata__analyze(self, arguments: list[str]) -> Running:
        return self._analyze(arguments, kata_line)

    def do_analyze(self, arguments: list[str]) -> Running:
        """Sabaki's, which is the first that it looks for."""
        return self._analyze(arguments, sabaki_line)

    def do_stop(self, arguments: list[str]) -> str:
        return ""  # every line ends an analysis

    # --- until a move is found ---

    def _genmove_analyze(self, arguments: list[str], form: Line, keep: bool) -> Running:
        asked = self._words(arguments)
        position = self.turned(asked.colour)
        only = asked.moves(position.legal_moves()) if position.outcome is None else ()

        def search(write: Callable[[str], None]) -> str:
            last = time.perf_counter()

            def report(result: SearchResult) -> bool:
                nonlocal last
                now = time.perf_counter()
                if asked.interval is not None and now - last >= asked.interval:
                    last = now
                    write(report_line(self.player, result, asked, form) + "\n")
                return False

            move, found = self.genmove(asked.colour, keep=keep, watch=report, only=only)
            if found is not None and asked.interval is not None:  # a short search has reported nothing yet
                write(report_line(self.player, found, asked, form) + "\n")
            return f"play {move}\n\n"

        return _Foreground(search)

    def do_lz__genmove_analyze(self, arguments: list[str]) -> Running:
        return self._genmove_analyze(arguments, lz_line, keep=True)

    def do_kata__genmove_analyze(self, arguments: list[str]) -> Running:
        return self._genmove_analyze(arguments, kata_line, keep=True)

    def do_genmove_analyze(self, arguments: list[str]) -> Running:
        return self._genmove_analyze(arguments, sabaki_line, keep=True)

    def do_kata__search_analyze(self, arguments: list[str]) -> Running:
        return self._genmove_analyze(arguments, kata_line, keep=False)

    # --- the network alone ---

    def do_kata__raw__nn(self, arguments: list[str]) -> str:
        """What the network says without search, seen through one symmetry of the board or through each."""
        word = arguments[0] if arguments else "0"
        count = self.player.game.symmetries
        if word != "all" and not (word.isdigit() and int(word) < count):
            raise GtpError(f"a number from 0 to {count - 1}, or all, is needed")
        return "\n".join(self._raw(symmetry) for symmetry in (range(count) if word == "all" else [int(word)]))

    def _raw(self, symmetry: int) -> str:
        position = self.position
        if not isinstance(self.player, NetworkPlayer):
            raise GtpError("this player has no network")
        seen = self.player.evaluate(position, symmetry=symmetry)
        white = -1.0 if position.turn == 0 else 1.0
        win, _, loss = (float(each) for each in seen.wdl)
        lead = white * (seen.score or 0.0)
        lines = [
            f"symmetry {symmetry}",
            f"whiteWin {loss if white < 0 else win:.6f}",
            f"whiteLoss {win if white < 0 else loss:.6f}",
            f"noResult {float(seen.wdl[1]):.6f}",
            f"whiteLead {lead:.3f}",
            f"whiteScoreSelfplay {lead:.3f}",
            f"whiteScoreSelfplaySq {lead * lead:.3f}",
            "policy",
            grid(policy_grid(seen.priors, self.size)).replace("nan", "NAN"),
            f"policyPass {seen.priors.get('pass', 0.0):.6f}",
        ]
        if seen.ownership is not None:
            lines += ["whiteOwnership", grid(white * seen.ownership)]
        return "\n".join(lines)

    def do_gogui__analyze_commands(self, arguments: list[str]) -> str:
        """What GoGui's "Analyze" window offers (its documentation, "Analyze Commands")."""
        return "\n".join(
            [
                "dboard/Network's Ownership/alphazero-ownership",
                "pspairs/Network's Policy/alphazero-policy",
                "string/Network's Evaluation/alphazero-value",
                "string/Final Score/final_score",
                "plist/Stones Alive/final_status_list alive",
            ]
        )

    def do_alphazero__ownership(self, arguments: list[str]) -> str:
        seen = self.player.evaluate(self.position)
        if seen.ownership is None:
            raise GtpError("this player knows no ownership")
        return "\n" + grid(seen.ownership if self.position.turn == 0 else -seen.ownership, "{:.3f}")

    def do_alphazero__policy(self, arguments: list[str]) -> str:
        """Labels for a board: whole per cents, since a point of GoGui's shows four characters, of moves that have one at least."""
        priors = sorted(self.player.evaluate(self.position).priors.items(), key=lambda each: -each[1])
        return " ".join(f"{move} {100 * share:.0f}" for move, share in priors if move != "pass" and share >= 0.01)

    def do_alphazero__value(self, arguments: list[str]) -> str:
        seen = self.player.evaluate(self.position)
        colour = "Black" if self.position.turn == 0 else "White"
        rate = win_rate((float(seen.wdl[0]), float(seen.wdl[1]), float(seen.wdl[2])), seen.value)
        points = ""
        if seen.score is not None:
            points = f", {'leads' if seen.score >= 0 else 'is behind'} by {abs(seen.score):.1f} points"
        return f"{colour}: {100 * rate:.1f} %{points}"


class _Foreground(Running):
    """Something that answers by itself, before the next line is read."""

    ends_itself = True

    def __init__(self, search: Callable[[Callable[[str], None]], str]):
        self._search = search
        self._end = ""

    def start(self, write: Callable[[str], None]) -> None:
        self._end = self._search(write)

    def finish(self) -> str:
        return self._end
