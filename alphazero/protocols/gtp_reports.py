"""What analysis commands of GTP print of a search: the `info` lines of Leela Zero and of KataGo (its docs/GTP_Extensions.md).

All values are for the side whose move is analysed. Winning chances count a draw as a half. Where the network has no score, points
are told as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alphazero.formats.sgf_values import COLUMNS
from alphazero.protocols.gtp_words import GtpError, colour_of, number_of, vertex_of
from alphazero.search import MoveStats, SearchResult

LCB_DEVIATIONS = 1.96  # of the mean of so many wins and losses: the two-sided 95 % interval's lower end
FLAGS = ("ownership", "ownershipStdev", "movesOwnership", "movesOwnershipStdev", "pvVisits", "pvEdgeVisits", "rootInfo")


def win_rate(wdl: tuple[float, float, float] | None, value: float) -> float:
    """The expected result in [0, 1]."""
    return (1.0 + value) / 2.0 if wdl is None else min(1.0, max(0.0, wdl[0] + wdl[1] / 2.0))


def lower_bound(rate: float, visits: int) -> float:
    """A win rate that is hardly too high after so many visits (lower confidence bound)."""
    return max(0.0, rate - LCB_DEVIATIONS * math.sqrt(max(rate * (1.0 - rate), 0.01) / max(1, visits)))


@dataclass
class AnalyzeWords:
    """The arguments of an analysis command. GtpError where they are none."""

    colour: str  # whose move it is
    interval: float | None = None  # seconds between two reports; None: none are asked for
    least_moves: int = 0
    most_moves: int = 1000
    flags: set[str] = field(default_factory=set)
    avoid: set[str] = field(default_factory=set)  # root moves
    allow: set[str] | None = None

    @staticmethod
    def read(arguments: list[str], to_move: str, size: int) -> AnalyzeWords:
        """[COLOUR] [CENTISECONDS] KEY VALUE ..., as Leela Zero and KataGo take them."""
        words = list(arguments)
        asked = AnalyzeWords(to_move)
        if words and words[0].lower() in ("b", "w", "black", "white"):
            asked.colour = colour_of(words.pop(0))
        if words and words[0].isdigit():
            asked.interval = number_of([words.pop(0)]) / 100.0
        while words:
            key = words.pop(0)
            if key in ("avoid", "allow"):
                if len(words) < 3:
                    raise GtpError(f"{key}: a colour, moves with commas and a depth are needed")
                colour, moves, depth = colour_of(words.pop(0)), words.pop(0), number_of([words.pop(0)])
                named = {"pass" if word.lower() == "pass" else vertex_of(word, size) for word in moves.split(",")}
                if colour != asked.colour or depth < 1:
                    continue  # only the root's moves are chosen among
                if key == "avoid":
                    asked.avoid |= named
                else:
                    asked.allow = named
            elif not words:
                raise GtpError(f"{key}: a value is needed")
            elif key == "interval":
                asked.interval = number_of([words.pop(0)]) / 100.0
            elif key == "minmoves":
                asked.least_moves = number_of([words.pop(0)])
            elif key == "maxmoves":
                asked.most_moves = max(1, number_of([words.pop(0)]))
            elif key in FLAGS:
                value = words.pop(0).lower()
                if value not in ("true", "false"):
                    raise GtpError(f"{key}: true or false is needed")
                asked.flags = asked.flags | {key} if value == "true" else asked.flags - {key}
            else:
                raise GtpError(
                    f"unknown key '{key}'; known are interval, minmoves, maxmoves, avoid, allow, {', '.join(FLAGS)}"
                )
        return asked

    def moves(self, legal: Iterable[str]) -> tuple[str, ...]:
        """The root moves to consider; none: all. GtpError where allow and avoid leave none."""
        if not self.avoid and self.allow is None:
            return ()
        chosen = [move for move in legal if move not in self.avoid and (self.allow is None or move in self.allow)]
        if not chosen:
            raise GtpError("no legal move is left")
        return tuple(chosen)


def vertex(move: str) -> str:
    return move if move == "pass" else move.upper()


def shown(result: SearchResult, asked: AnalyzeWords) -> list[MoveStats]:
    """The moves that are told of, the best first: those with visits, and more if so many are wanted."""
    best = next(m for m in result.moves if m.move == result.best_move)
    others = [m for m in result.moves if m is not best]
    tried = [m for m in others if m.visits]
    count = max(1 + len(tried), asked.least_moves)
    return [best, *others][: min(count, asked.most_moves)]


@dataclass
class Lines:
    """The expected line after each root move, and the visits of its moves."""

    moves: dict[str, list[str]]
    visits: dict[str, list[int]]


def lz_line(result: SearchResult, asked: AnalyzeWords, lines: Lines, *, points: bool = False) -> str:
    """Leela Zero's: whole numbers, 10000 being 1. points: with the lead that each move leaves, where it is known."""
    parts = []
    for order, move in enumerate(shown(result, asked)):
        rate = win_rate(move.wdl, move.q)
        score = move.score if move.score is not None else result.score
        lead = f" scoreLead {score:.6g}" if points and score is not None else ""
        parts.append(
            f"info move {vertex(move.move)} visits {move.visits} winrate {round(10000 * rate)} prior {round(10000 * move.prior)}"
            f" lcb {round(10000 * lower_bound(rate, move.visits))} order {order}{lead} pv {_pv(lines.moves[move.move])}"
        )
    return " ".join(parts)


def sabaki_line(result: SearchResult, asked: AnalyzeWords, lines: Lines) -> str:
    """What Sabaki's own `analyze` prints (its guide "Engine Analysis Integration"): Leela Zero's line with points."""
    return lz_line(result, asked, lines, points=True)


def kata_line(result: SearchResult, asked: AnalyzeWords, lines: Lines) -> str:
    """KataGo's: fractions, points, and what was asked for with `true`."""
    parts = []
    for order, move in enumerate(shown(result, asked)):
        own_score = move.score if move.score is not None else result.score
        text = f"info move {vertex(move.move)} visits {move.visits} {_values(move.wdl, move.q, own_score, result, move.visits)}"
        text += f" prior {move.prior:.6g} order {order} pv {_pv(lines.moves[move.move])}"
        if asked.flags & {"pvVisits", "pvEdgeVisits"}:
            text += f" pvVisits {' '.join(map(str, lines.visits[move.move]))}"
        if "movesOwnership" in asked.flags and move.ownership is not None:
            text += f" movesOwnership {_cells(move.ownership)}"
        parts.append(text)
    if "rootInfo" in asked.flags:
        values = _values(result.wdl, result.value, result.score, result, result.simulations)
        parts.append(f"rootInfo visits {result.simulations} {values}")
    if "ownership" in asked.flags and result.ownership is not None:
        parts.append(f"ownership {_cells(result.ownership)}")
    return " ".join(parts)


def _values(
    wdl: tuple[float, float, float] | None, value: float, score: float | None, result: SearchResult, visits: int
) -> str:
    rate = win_rate(wdl, value)
    low = lower_bound(rate, visits)
    points = score or 0.0
    spread = result.score_spread or 0.0
    # The rate keeps its decimal point: without one, some readers take it for Leela Zero's ten-thousandths.
    return (
        f"utility {value:.6g} winrate {rate:.6f} scoreMean {points:.6g} scoreStdev {spread:.6g} scoreLead {points:.6g}"
        f" scoreSelfplay {points:.6g} lcb {low:.6g} utilityLcb {2.0 * low - 1.0:.6g}"
    )


def _pv(line: list[str]) -> str:
    return " ".join(vertex(move) for move in line)


def _cells(values: NDArray[np.float32]) -> str:
    """[H, W] from the top left, row by row."""
    return " ".join(f"{each:.4g}" for each in values.ravel())


def grid(values: NDArray[np.float32], form: str = "{:.6f}") -> str:
    """[H, W] as lines, the top row first."""
    return "\n".join(" ".join(form.format(each) for each in row) for row in values)


def policy_grid(priors: dict[str, float], size: int) -> NDArray[np.float32]:
    """[H, W] of the moves' shares, nan where a move is illegal; the pass is left out."""
    values = np.full((size, size), np.nan, np.float32)
    for move, share in priors.items():
        if move != "pass":
            values[size - int(move[1:]), COLUMNS.index(move[0].upper())] = share
    return values
