"""Shared by the tests of rules: the records in tests/data, and what is held against them in chess and shogi alike."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import alphazero as az

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> list[dict[str, Any]]:
    """The cases of a file; never none, with which a test would hold nothing."""
    cases = [json.loads(line) for line in (DATA / name).read_text().splitlines()]
    assert cases, name
    return cases


def games_of(game: az.Game) -> list[dict[str, Any]]:
    """The recorded games of chess, Gardner minichess, shogi or minishogi."""
    return recorded(f"{game.name}_games.jsonl")


def positions(game: az.Game, case: dict[str, Any]) -> Iterator[az.Position]:
    """A recorded game's positions from its start to its end: one that is played on."""
    position = game.position(case["start"]) if "start" in case else game.position()
    yield position
    for move in case["moves"]:
        position.play(move)
        yield position


def replayed(game: az.Game, case: dict[str, Any], number: int) -> az.Position:
    """The end of game `number`. Moves, indices and texts are held against the record; how it ended is for the caller."""
    counts = []
    for position in positions(game, case):
        moves = position.legal_moves()
        counts.append(len(moves))
        if len(counts) <= len(case["moves"]):  # before the end
            assert position.outcome is None, (number, position.text)
            indices = position.policy_indices()
            assert len(set(indices.tolist())) == len(moves)
            assert indices.min() >= 0 and indices.max() < game.policy_size
    assert counts == case["legal"], number
    assert position.text == case["end"], number
    assert game.position(position.text).key == position.key
    if "last_legal" in case:
        assert sorted(position.legal_moves()) == case["last_legal"]
    if "check" in case:
        assert position.in_check == case["check"]
    return position


SlowPlanes = Callable[[az.Game, str, list[str]], Any]  # of a start and the moves from there


def hold_planes(game: az.Game, slow_planes: SlowPlanes, count: int, shuffled: list[str]) -> None:
    """Planes within `count` recorded games, and after moves that repeat positions, are those of a slow encoder."""
    rng = random.Random(5)
    plain = game.position().text
    cases = [(case.get("start", plain), case["moves"]) for case in rng.sample(games_of(game), count)]
    cases = [(start, moves[: rng.randrange(len(moves) + 1)]) for start, moves in cases]
    for start, moves in [*cases, (plain, shuffled)]:
        position = game.position(start)
        for move in moves:
            position.play(move)
        np.testing.assert_array_equal(position.planes(), slow_planes(game, start, moves))


def hold_mirror_image(game: az.Game, flipped: Callable[[str], str], plies: int) -> None:
    """Symmetry 1 maps planes and policy indices of a position to those of the position with the mirrored text."""
    rng = random.Random(3)
    position = game.position()
    for _ in range(plies):
        if position.outcome is not None:
            position = game.position()
        position.play(rng.choice(position.legal_moves()))
        here = game.position(position.text)
        there = game.position(flipped(position.text))
        np.testing.assert_array_equal(there.planes(), here.planes()[:, :, ::-1])
        mapped = {game.map_policy(1, i) for i in here.policy_indices().tolist()}
        assert mapped == set(there.policy_indices().tolist())
