"""UCI, the Universal Chess Interface: what chess GUIs speak (specification of April 2006, Meyer-Kahlen and Huber)."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from alphazero._core import Position, __version__
from alphazero.protocols.analysis import GoLimits, mate_in
from alphazero.protocols.engine import EngineLoop
from alphazero.protocols.lines import Commands
from alphazero.protocols.options import Option, ProtocolError, whole
from alphazero.search import MoveStats, SearchResult
from alphazero.search_settings import FIELDS, SearchSettings

BENCH_POSITIONS = 8  # of `bench`: from the start on, every fourth ply of the expected line


def centipawns(value: float) -> int:
    """A value in [-1, 1] as chess programs show it: 100 * tan(pi / 2 * value) / 1.28, within +-9999.

    The tangent of lc0's scale, brought near what players expect: 0.5 becomes 78, 0.9 becomes 493.
    """
    return max(-9999, min(9999, round(100.0 * math.tan(0.5 * math.pi * max(-0.9999, min(0.9999, value))) / 1.28)))


def wdl_permille(value: float, draw: float) -> tuple[int, int, int]:
    """Win, draw, loss in thousandths from the search's value and the network's share of draws at the root."""
    draw = min(draw, 1.0 - abs(value))
    win = round(500.0 * (1.0 - draw + value))
    loss = round(500.0 * (1.0 - draw - value))
    win, loss = max(0, min(1000, win)), max(0, min(1000, loss))
    return win, 1000 - win - loss, loss


class UciEngine(EngineLoop):
    """The engine for chess and Gardner minichess."""

    name = "uci"
    place_word = "fen"
    sides = "wb"
    clock_words = frozenset({"wtime", "btime", "winc", "binc", "movestogo"})
    null_move = "0000"
    no_move = "0000"
    bytes_a_simulation = 300  # at about 35 legal moves, with the vectors' spare room

    # As options set them:
    show_wdl = False
    show_moves_left = False
    verbose_moves = False
    live_moves = False
    _draw_share = 0.0

    def own_commands(self) -> Commands:
        return {
            "eval": self.evaluate,
            "bench": self.bench,
            "debug": lambda words: None,
            "register": lambda words: None,
            "d": lambda words: self.say(*self.position.diagram.splitlines(), f"Fen: {self.position.text}"),
        }

    def handshake(self) -> list[str]:
        who = [f"id name alphazero {__version__}", "id author the alphazero developers"]
        return [*who, *(option.line for option in self.options()), "uciok"]

    def options(self) -> list[Option]:
        game = self.player.game
        if "chess960" in game.options:
            variant = Option("UCI_Chess960", "check", False, lambda on: self.use(self.player.with_options(chess960=on)))
        else:
            variant = Option("UCI_Variant", "combo", game.name, lambda name: None, choices=(game.name,))
        return [
            Option("Hash", "spin", 256, lambda value: setattr(self, "hash_mb", value), 1, 65536),
            Option("Clear Hash", "button", "", lambda _: self.player.forget()),
            Option("Ponder", "check", False, lambda value: setattr(self, "ponder", value)),
            variant,
            Option("UCI_ShowWDL", "check", False, lambda value: setattr(self, "show_wdl", value)),
            Option("UCI_ShowMovesLeft", "check", False, self._set_moves_left),
            Option("VerboseMoveStats", "check", False, lambda value: setattr(self, "verbose_moves", value)),
            Option("LogLiveStats", "check", False, lambda value: setattr(self, "live_moves", value)),
            Option("Move Overhead", "spin", 100, self._set_overhead, 0, 10000),
            *self.search_options(),
        ]

    def _set_moves_left(self, on: bool) -> None:
        self.show_moves_left = on
        self.player.settings["heads"] = on  # which the network is then asked for, too

    def _set_overhead(self, milliseconds: int) -> None:
        self.overhead_seconds = milliseconds / 1000.0

    def fresh(self, position: Position) -> str:
        placement, side, castling, en_passant, *_ = position.text.split()
        return f"{placement} {side} {castling} {en_passant} 0 1"

    def after_null_move(self, position: Position) -> str:
        placement, side, castling, _, halfmoves, number = position.text.split()
        turn, later = ("b", 0) if side == "w" else ("w", 1)
        return f"{placement} {turn} {castling} - {halfmoves} {int(number) + later}"

    def before_search(self, position: Position) -> None:
        if self.show_wdl:
            self._draw_share = float(self.player.evaluate(position).wdl[1])

    def nothing_to_search(self, position: Position, limits: GoLimits) -> list[str]:
        moves = limits.only or tuple(position.legal_moves())
        mated = position.outcome is not None and position.outcome.reason == "checkmate"
        return [f"info depth 0 score {'mate 0' if mated else 'cp 0'}", f"bestmove {moves[0] if moves else '(none)'}"]

    def score(self, result: SearchResult, move: MoveStats, value: float) -> str:
        mate = mate_in(replace(result, best_move=move.move, proof=move.proof))
        text = f"score cp {centipawns(value)}" if mate is None else f"score mate {mate}"
        if self.show_moves_left and result.plies_left is not None:
            text = f"movesleft {max(1, round(result.plies_left / 2.0))} {text}"
        if not self.show_wdl:
            return text
        exact = {"win": (1000, 0, 0), "draw": (0, 1000, 0), "loss": (0, 0, 1000)}.get(move.proof)
        draw = self._draw_share if move.wdl is None else move.wdl[1]
        return text + " wdl {} {} {}".format(*(exact or wdl_permille(value, draw)))

    # --- what testers and GUIs for networks ask for ---

    def lines_of(self, result: SearchResult, seconds: float, *, last: bool) -> list[str]:
        lines = super().lines_of(result, seconds, last=last)
        if self.verbose_moves and (last or self.live_moves):
            settings = {name: each for name, each in self.player.search_settings().items() if name in FIELDS}
            lines += move_stats(result, SearchSettings.of(settings))
        return lines

    def evaluate(self, words: list[str]) -> None:
        """`eval`: what the network says of the position, without search."""
        self.finish()
        if self.missing:
            raise ProtocolError(f"eval: {self.missing}")
        self.ready()
        seen = self.player.evaluate(self.position)
        win, draw, loss = (round(1000 * float(each)) for each in seen.wdl)
        left = "" if seen.plies_left is None else f", {seen.plies_left / 2.0:.0f} moves left"
        best = sorted(seen.priors.items(), key=lambda each: -each[1])[:8]
        self.say(
            *(f"info string {move}: {100 * share:.2f} %" for move, share in best),
            f"info string value {seen.value:+.4f} ({centipawns(seen.value):+d} cp), wdl {win} {draw} {loss}{left}",
        )

    def bench(self, words: list[str]) -> None:
        """`bench [NODES]`: nodes a second over positions of a game, each searched for so many (10,000), as Stockfish tells it."""
        self.finish()
        self.ready()
        nodes = max(1, whole("".join(words[:1])) or 10_000)
        position = self.player.game.position()
        total, begin = 0, time.perf_counter()
        for number in range(BENCH_POSITIONS):
            self.player.forget()
            result = self.player.search(position, nodes)
            total += result.simulations
            self.say(
                f"info string position {number + 1} of {BENCH_POSITIONS}: {result.best_move}, {result.simulations} nodes"
            )
            for move in result.pv[:4]:
                position.play(move)
            if position.outcome is not None:
                break
        seconds = time.perf_counter() - begin
        self.player.forget()
        self.say(
            "===========================",
            f"Total time (ms) : {round(1000 * seconds)}",
            f"Nodes searched  : {total}",
            f"Nodes/second    : {round(total / max(seconds, 1e-3))}",
        )


def move_stats(result: SearchResult, settings: SearchSettings) -> list[str]:
    """The root's moves as lc0 tells them, the best last; Nibbler reads these lines. What is not known is `-.-`, as there.

    settings: of the search. U is what PUCT adds to Q for the sake of exploration (cpp/search/puct.h), 0 with Gumbel; S is their
    sum, also for moves without visits, whose Q is 0 here and first-play urgency in the search.
    """
    lines = []
    explore = 0.0  # Gumbel chooses at the root by other numbers
    if settings.kind == "puct":
        visits = 1 + sum(move.visits for move in result.moves)
        explore = (math.log((visits + settings.c_base + 1.0) / settings.c_base) + settings.c_init) * math.sqrt(visits)
    left = "-.-" if result.plies_left is None else f"{result.plies_left / 2.0:.1f}"
    for index, move in reversed(list(enumerate(result.moves))):
        draw = move.wdl[1] if move.wdl is not None else 0.0
        u = explore * move.prior / (1 + move.visits)
        lines.append(
            f"info string {move.move:<5} ({index:<4}) N: {move.visits:>7} (+ 0) (P: {100 * move.prior:5.2f}%)"
            f" (WL: {move.q:8.5f}) (D: {draw:.3f}) (M: {left:>5}) (Q: {move.q:8.5f}) (U: {u:7.5f}) (S: {move.q + u:8.5f})"
            f" (V: {f'{move.q:.4f}' if move.proof else '-.----':>7})" + (" (T) " if move.proof else "")
        )
    draw = result.wdl[1] if result.wdl is not None else 0.0
    lines.append(
        f"info string node  ({len(result.moves):<4}) N: {result.simulations:>7} (+ 0) (P: 100.0%) (WL: {result.value:8.5f})"
        f" (D: {draw:.3f}) (M: {left:>5}) (Q: {result.value:8.5f}) (V: {result.network_value:7.4f})"
    )
    return lines
