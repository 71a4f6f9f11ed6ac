"""USI, the Universal Shogi Interface: what shogi GUIs speak (specification by Tord Romstad; extensions as ShogiGUI reads them)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from alphazero._core import Position, __version__
from alphazero.protocols.analysis import GoLimits
from alphazero.protocols.engine import EngineLoop
from alphazero.protocols.lines import Commands
from alphazero.protocols.options import Option, ProtocolError, whole
from alphazero.search import MoveStats, SearchResult

PONANZA = 600.0  # shogi's customary scale: centipawns at which the odds of winning grow by e
ANY_MATE = 10**6  # moves: `go mate` bounds the time, not the length


def centipawns(value: float) -> int:
    """A value in [-1, 1] as shogi programs show it: 600 * ln(p / (1 - p)), p the share of points, within +-9999."""
    points = max(1e-9, min(1.0 - 1e-9, 0.5 * (value + 1.0)))
    return max(-9999, min(9999, round(PONANZA * math.log(points / (1.0 - points)))))


class UsiEngine(EngineLoop):
    """The engine for shogi and minishogi. It declares a win where it can, and resigns where it is mated or below a threshold."""

    name = "usi"
    level_option = "Skill_Level"  # USI's names are single words
    place_word = "sfen"
    sides = "bw"
    clock_words = frozenset({"btime", "wtime", "binc", "winc", "byoyomi", "movestogo"})
    null_move = "pass"
    no_move = "resign"
    bytes_a_simulation = 700  # at about 90 legal moves

    resign_permille = 0  # as an option sets it

    def own_commands(self) -> Commands:
        return {
            "gameover": lambda words: self.finish(),
            "d": lambda words: self.say(*self.position.diagram.splitlines(), f"sfen {self.position.text}"),
        }

    def handshake(self) -> list[str]:
        who = [f"id name alphazero {__version__}", "id author the alphazero developers"]
        return [*who, *(option.line for option in self.options()), "usiok"]

    def options(self) -> list[Option]:
        game = self.player.game
        variant = (
            []
            if game.name == "shogi"
            else [Option("UCI_Variant", "combo", game.name, lambda _: None, choices=(game.name,))]
        )
        return [
            Option("USI_Hash", "spin", 256, lambda value: setattr(self, "hash_mb", value), 1, 65536),
            Option("USI_Ponder", "check", False, lambda value: setattr(self, "ponder", value)),
            *variant,
            Option("Byoyomi_Margin", "spin", 100, self._set_margin, 0, 10000),
            Option("Resign_Threshold", "spin", 0, lambda value: setattr(self, "resign_permille", value), 0, 1000),
            Option("MaxMovesToDraw", "spin", game.options["max_plies"], self._set_max_plies, 0, 30000),
            *self.search_options(),
        ]

    def _set_margin(self, milliseconds: int) -> None:
        self.overhead_seconds = milliseconds / 1000.0

    def _set_max_plies(self, plies: int) -> None:
        self.use(self.player.with_options(max_plies=plies))

    def limits(self, words: list[str]) -> GoLimits:
        """`go mate MILLISECONDS | infinite` asks for a forced win, checks or not, and nothing else."""
        if not self._asks_for_mate(words):
            return super().limits(words)
        asked = words[1].lower() if len(words) > 1 else ""
        if asked == "infinite":
            return GoLimits(mate=ANY_MATE)
        milliseconds = whole(asked)
        if milliseconds is None:
            raise ProtocolError(f"expected `go mate MILLISECONDS | infinite`, got 'go {' '.join(words)}'")
        return GoLimits(seconds=max(0.001, milliseconds / 1000.0 - min(self.overhead_seconds, 0.02)), mate=ANY_MATE)

    def no_answer(self, words: list[str]) -> str:
        return "checkmate timeout" if self._asks_for_mate(words) else super().no_answer(words)

    @staticmethod
    def _asks_for_mate(words: list[str]) -> bool:
        return [word.lower() for word in words[:1]] == ["mate"]

    def after_null_move(self, position: Position) -> str:
        placement, side, hands, number = position.text.split()
        return f"{placement} {'w' if side == 'b' else 'b'} {hands} {int(number) + 1}"

    def fresh(self, position: Position) -> str:
        return " ".join(position.text.split()[:3])

    def nothing_to_search(self, position: Position, limits: GoLimits) -> list[str]:
        if limits.mate == ANY_MATE:
            return ["checkmate nomate"]
        if position.can_declare:
            return ["bestmove win"]
        moves = limits.only or tuple(position.legal_moves())
        return [f"bestmove {moves[0] if moves else 'resign'}"]

    def score(self, result: SearchResult, move: MoveStats, value: float) -> str:
        """A proven end counts plies, as USI has it."""
        if move.proof in ("win", "loss") and move.proof_plies > 0:
            return f"score mate {move.proof_plies if move.proof == 'win' else -move.proof_plies}"
        return f"score cp {centipawns(value)}"

    def report(self, result: SearchResult, position: Position, limits: GoLimits) -> list[str]:
        if limits.mate == ANY_MATE:
            if result.proof != "win":
                return ["checkmate nomate" if result.proof else "checkmate timeout"]
            return [f"checkmate {' '.join(result.pv)}" if self._mates(position, result.pv) else "checkmate timeout"]
        if 500.0 * (result.value + 1.0) < self.resign_permille:
            return ["bestmove resign"]
        return super().report(result, position, limits)

    @staticmethod
    def _mates(position: Position, moves: Sequence[str]) -> bool:
        """Whether the line ends in mate: a win may also be proven by a declaration, or by a repetition of checks."""
        end = position.copy()
        for move in moves:
            end.play(move)
        return end.outcome is not None and end.outcome.reason == "checkmate"
