"""UCI, the Universal Chess Interface: what chess GUIs speak (specification of April 2006, Meyer-Kahlen and Huber)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TextIO

from alphazero._core import Position, __version__
from alphazero.player import Player
from alphazero.protocols.analysis import GoLimits, mate_in
from alphazero.protocols.engine import EngineLoop
from alphazero.protocols.options import Option
from alphazero.search import MoveStats, SearchResult


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

    def __init__(
        self,
        player: Player,
        *,
        device: str = "auto",
        simulations: int | None = None,
        threads: int | None = None,
        log: TextIO | None = None,
    ):
        super().__init__(player, device=device, simulations=simulations, threads=threads, log=log)
        self.show_wdl = False
        self._draw_share = 0.0
        self.commands |= {
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
            Option("Move Overhead", "spin", 100, self._set_overhead, 0, 10000),
            *self.search_options(),
        ]

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
        if not self.show_wdl:
            return text
        exact = {"win": (1000, 0, 0), "draw": (0, 1000, 0), "loss": (0, 0, 1000)}.get(move.proof)
        return text + " wdl {} {} {}".format(*(exact or wdl_permille(value, self._draw_share)))
