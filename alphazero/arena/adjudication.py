"""Ending games early, off by default: by what the players themselves say of them, or by their length.

Only what players say counts: engines without evaluations (GTP, most of XBoard) are never adjudicated by score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alphazero.arena.go_score import area_margin
from alphazero.errors import UserError
from alphazero.formats.game_text import Thought
from alphazero.game import Position
from alphazero.text import shown

SCORE, COUNT = "([0-9]{1,6})", "([1-9][0-9]{0,5})"  # no game has more moves, no engine says more


@dataclass(frozen=True)
class Adjudication:
    """The rules for a match; each is off where it is 0. Scores are centipawns, moves are one side's own.

    resign: a side loses that says -resign_score or less on so many of its moves in a row.
    draw: the game is drawn when both sides say at most draw_score either way on so many moves each, after draw_from moves.
    max_plies: the game ends there, drawn; in Go scored as the board stands.
    """

    resign_score: int = 0
    resign_moves: int = 0
    draw_score: int = 0
    draw_moves: int = 0
    draw_from: int = 0
    max_plies: int = 0

    @staticmethod
    def parse(resign: str | None, draw: str | None, max_plies: int = 0) -> Adjudication:
        """`SCORE:MOVES` and `SCORE:MOVES:FROM`, as the command line has them."""
        resigning, drawing = (0, 0), (0, 0, 0)
        if resign is not None:
            match = re.fullmatch(rf"{SCORE}:{COUNT}", resign)
            if match is None:
                raise UserError(
                    f"--adjudicate-resign: expected SCORE:MOVES in centipawns, as in 900:4, got {shown(resign)}"
                )
            resigning = (int(match[1]), int(match[2]))
        if draw is not None:
            match = re.fullmatch(rf"{SCORE}:{COUNT}:{SCORE}", draw)
            if match is None:
                raise UserError(f"--adjudicate-draw: expected SCORE:MOVES:FROM, as in 10:8:40, got {shown(draw)}")
            drawing = (int(match[1]), int(match[2]), int(match[3]))
        if max_plies < 0:
            raise UserError(f"--max-plies must be >= 0 (0: no limit), got {max_plies}")
        return Adjudication(*resigning, *drawing, max_plies)

    def verdict(self, position: Position, thoughts: Sequence[Thought]) -> tuple[int, str] | None:
        """The result for the first player and why; None: play on. thoughts: the game's, the newest of the side that moved."""
        said = [[_score(thought) for thought in thoughts if thought.side == side] for side in (0, 1)]
        mover = thoughts[-1].side if thoughts else position.turn
        own = said[mover][-self.resign_moves :] if self.resign_moves else []
        if (
            self.resign_moves
            and len(own) == self.resign_moves
            and all(_lost(score, self.resign_score) for score in own)
        ):
            reason = f"said -{self.resign_score} or less for {self.resign_moves} of its moves"
            return (-1 if mover == 0 else 1), reason
        if self.draw_moves and min(len(each) for each in said) >= max(self.draw_moves, self.draw_from):
            last = [score for each in said for score in each[-self.draw_moves :]]
            if all(score is not None and abs(score) <= self.draw_score for score in last):
                return 0, f"both said at most {self.draw_score} for {self.draw_moves} moves"
        if self.max_plies and len(thoughts) >= self.max_plies:
            if position.game.name != "go":
                return 0, f"{self.max_plies} plies"
            margin = area_margin(position)
            return (margin > 0) - (margin < 0), f"{self.max_plies} plies, Black's margin {margin:g}"
        return None


def _lost(score: float | None, least: int) -> bool:
    return score is not None and score <= -least


def _score(thought: Thought) -> float | None:
    """Centipawns for the mover; a mate is beyond every score, and 'mate 0' a loss."""
    if thought.mate is not None:
        return float("inf") if thought.mate > 0 else float("-inf")
    return thought.centipawns
