"""Answers of the analysis protocol: what a search found, as KataGo's analysis engine tells it.

Win rates, points and ownership are from the side that `perspective` names: "BLACK" (the first player: White in chess), "WHITE" or
"SIDETOMOVE". A draw counts as a half of a win.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphazero._core import Position
from alphazero.player import Evaluation
from alphazero.protocols.gtp_reports import lower_bound, policy_grid, vertex, win_rate
from alphazero.protocols.json_queries import Query
from alphazero.search import SearchResult
from alphazero.symmetry import tables

Report = dict[str, Any]


def side(perspective: str, turn: int) -> float:
    """1 where values are told as the side to move sees them, else -1."""
    wanted = {"BLACK": 0, "WHITE": 1}.get(perspective, turn)
    return 1.0 if wanted == turn else -1.0


def report(
    query: Query,
    number: int,
    position: Position,
    result: SearchResult,
    *,
    perspective: str,
    during: bool,
    line: Callable[[str], list[str]],
    visits: Callable[[str], list[int]] | None = None,
    seen: Evaluation | None,
) -> Report:
    """An answer to one turn of a query. line, visits: the expected line after a root move, and each of its moves' visits. seen: what the network says, for `policy`."""
    sign = side(perspective, position.turn)
    go = position.game.name == "go"
    name = vertex if go else str
    moves = [m for m in result.moves if m.visits]
    best = next((m for m in moves if m.move == result.best_move), None)
    ranked = ([best] if best else []) + [m for m in moves if m is not best]
    infos = []
    for order, move in enumerate(ranked):
        info = {
            "move": name(move.move),
            "order": order,
            "visits": move.visits,
            "edgeVisits": move.visits,
            "prior": _round(move.prior),
            "pv": [name(each) for each in line(move.move)],
            **_values(move.wdl, move.q, move.visits, sign),
            **_points(move.score if move.score is not None else result.score, result.score_spread, sign),
        }
        if query.pv_visits and visits is not None:
            info["pvVisits"] = visits(move.move)[: len(info["pv"])]
        if query.moves_ownership and move.ownership is not None:
            info["ownership"] = _cells(sign * move.ownership)
        if move.proof:
            info["proof"] = move.proof
        infos.append(info)
    answer: Report = {
        "id": query.id,
        "isDuringSearch": during,
        "turnNumber": number,
        "moveInfos": infos,
        "rootInfo": {
            "currentPlayer": "BW"[position.turn],
            "visits": result.simulations + 1,
            **_values(result.wdl, result.value, result.simulations, sign),
            **_points(result.score, result.score_spread, sign),
            **hashes(position),
        },
    }
    if result.plies_left is not None:
        answer["rootInfo"]["pliesLeft"] = _round(result.plies_left)
    if query.ownership and result.ownership is not None:
        answer["ownership"] = _cells(sign * result.ownership)
    if query.policy and seen is not None:
        answer["policy"] = _policy(position, seen) if go else {m: _round(p) for m, p in seen.priors.items()}
    return answer


def ended(query: Query, number: int, position: Position, perspective: str) -> Report:
    """The answer about a position in which the game is over."""
    outcome = position.outcome
    assert outcome is not None
    value = float(outcome.value)  # for the first player
    sign = {"BLACK": 1.0, "WHITE": -1.0}.get(perspective, 1.0 if position.turn == 0 else -1.0)
    root: Report = {
        "currentPlayer": "BW"[position.turn],
        "visits": 1,
        **_values(None, sign * value, 1, 1.0),
        **_points(None if outcome.score is None else float(outcome.score), 0.0, sign),
        **hashes(position),
    }
    answer: Report = {"id": query.id, "isDuringSearch": False, "turnNumber": number, "moveInfos": [], "rootInfo": root}
    if query.ownership and position.game.has_ownership:
        answer["ownership"] = _cells(sign * position.ownership().astype(np.float32))
    return answer


def _values(wdl: tuple[float, float, float] | None, value: float, visits: int, sign: float) -> Report:
    rate = win_rate(wdl, value)
    low = lower_bound(rate, visits)
    if sign < 0:
        rate, low = 1.0 - rate, 1.0 - low
    told: Report = {
        "winrate": _round(rate),
        "lcb": _round(low),
        "utility": _round(sign * value),
        "utilityLcb": _round(2.0 * low - 1.0),
    }
    if wdl is not None:
        told["wdl"] = [_round(each) for each in (wdl if sign > 0 else reversed(wdl))]
    return told


def _points(score: float | None, spread: float | None, sign: float) -> Report:
    """Points, where the game has some."""
    if score is None:
        return {}
    points = _round(sign * score)
    return {"scoreLead": points, "scoreMean": points, "scoreSelfplay": points, "scoreStdev": _round(spread or 0.0)}


def _policy(position: Position, seen: Evaluation) -> list[float]:
    """[size * size + 1] shares from the top left, the pass last; -1 for illegal moves."""
    shares = policy_grid(seen.priors, position.game.planes_shape[1]).ravel()
    return [
        *(-1.0 if np.isnan(each) else _round(float(each)) for each in shares),
        _round(seen.priors.get("pass", -1.0)),
    ]


def hashes(position: Position) -> Report:
    """Names of the position, `symHash` the same for all symmetries of the board: stones, side to move and legal moves."""
    cells = position.cells()
    own = _hash(cells, position)
    if position.game.symmetries == 1:
        return {"thisHash": own, "symHash": own}
    turns, _ = tables(position.game)
    flat = np.ascontiguousarray(cells).ravel()
    all_turned = []
    for goes_to in turns:
        other = np.empty_like(flat)
        other[goes_to] = flat
        all_turned.append(_hash(other.reshape(cells.shape), None, position.turn))
    return {"thisHash": own, "symHash": min(all_turned)}


def _hash(cells: NDArray[np.int8], position: Position | None, turn: int = 0) -> str:
    data = cells.tobytes() + (f"{turn}" if position is None else f"{position.turn} {position.legal_moves()}").encode()
    return hashlib.blake2b(data, digest_size=16).hexdigest().upper()


def _cells(values: NDArray[np.float32]) -> list[float]:
    return [_round(float(each)) for each in values.ravel()]


def _round(value: float) -> float:
    return round(value, 6)
