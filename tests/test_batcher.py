"""The batcher and the pool's scripts: rows given out without a lock, and the several ways to say "never resign"."""

from __future__ import annotations

import numpy as np
import pytest
from cpp_program import runs_clean

import alphazero as az
from alphazero._core import Batch, GameRecord, Pool, Sampler


def test_every_leaf_goes_out_once_and_batches_are_used_again(tmp_path):
    runs_clean("batcher", tmp_path, 120)


def _answer(pool: Pool, batch: Batch, policy_size: int) -> None:
    """The first player is about to lose, more or less surely."""
    planes = pool.planes(batch)
    first = (planes.reshape(len(batch), -1) @ np.arange(3 * 6 * 7) % 61 / 100).astype(np.float32)
    win = np.where(planes[:, 2, 0, 0] == 0, first, 1 - first)
    wdl = np.stack([win, np.zeros_like(win), 1 - win], 1)
    pool.finish(batch, np.zeros((len(batch), policy_size), np.float32), wdl)


def _self_play(
    player: dict, settings: dict | None = None, *calls: float, pairings: list[tuple[int, int, str]] | None = None
) -> list[GameRecord]:
    game = az.Game("connect4")
    pool = Pool(
        game,
        {"games": 6, "games_in_flight": 3, "batch_size": 3, "seed": 2, **(settings or {})},
        [{"simulations": 3, "evaluator": 0, "resign_keep": 0.0, **player}],
        pairings or [],
    )
    for value in calls:  # before any game has an answer, so before any search has a value
        pool.set_resignation(value)
    records: list[GameRecord] = []
    while not pool.done:
        batch = pool.next_batch(1.0)
        if batch is not None:
            _answer(pool, batch, game.policy_size)
    records = pool.take_finished()
    pool.close()
    return sorted(records, key=lambda record: record.number)


def _bytes(records: list[GameRecord]) -> list[bytes]:
    return [record.to_bytes() for record in records]


@pytest.mark.parametrize(
    "never", [{}, {"resign_threshold": -1.0}, {"resign_threshold": -2.0}, {"resign_threshold": -1000.0}]
)
def test_a_player_told_minus_one_or_less_or_nothing_never_resigns(never):
    records = _self_play(never)
    assert all(record.to_the_end and record.reason != "resign" for record in records)
    assert _bytes(records) == _bytes(_self_play({}))


@pytest.mark.parametrize("value", [-1.0, -1.5, -1000.0])
def test_resignation_of_minus_one_or_less_keeps_a_player_from_resigning_from_the_first_game_on(value):
    resigns = {"resign_threshold": -0.3}
    assert any(record.reason == "resign" for record in _self_play(resigns))
    by_setting, by_call = _self_play(resigns, {"resignation": value}), _self_play(resigns, {}, value)
    assert all(record.to_the_end for record in by_setting)
    assert _bytes(by_setting) == _bytes(by_call) == _bytes(_self_play({}))


def test_a_game_kept_from_resignation_stands_for_those_that_were_not():
    """Else score and ownership would learn from other games than the value does."""
    kept = _self_play({"resign_threshold": -0.25, "resign_keep": 0.25}, {"games": 60})
    ends = {(record.reason == "resign", record.to_the_end): 0 for record in kept}
    for record in kept:
        ends[record.reason == "resign", record.to_the_end] += 1
        low = record.to_the_end and (record.root_values < -0.25)[np.array(record.kinds) >= 2].any()
        assert record.stands_for == (4.0 if low else 1.0)
        assert type(record).from_bytes(record.to_bytes()).stands_for == record.stands_for
    assert ends[True, False] and ends[False, True]
    assert {record.stands_for for record in kept} == {1.0, 4.0}
    sampler = Sampler(az.Game("connect4"))
    weights = {record.stands_for for record in kept if record.reason != "resign" and sampler.add(record.to_bytes())}
    assert set(np.unique(sampler.sample(512, 1)["ended"])) == weights


def test_a_threshold_of_the_pool_counts_as_the_players_own_would():
    own = _self_play({"resign_threshold": -0.25})
    assert any(record.reason == "resign" for record in own) and not any(record.to_the_end for record in own)
    for value in (-0.6, -1.0, 0.5):
        player = {"resign_threshold": value}
        assert _bytes(_self_play(player, {"resignation": -0.25})) == _bytes(own)
        assert _bytes(_self_play(player, {}, -0.25)) == _bytes(own)


@pytest.mark.parametrize("calls", [(1.0,), (-1.0, 1.0), (-0.1, 0.5)])
def test_a_threshold_above_zero_gives_the_players_own_back(calls):
    player = {"resign_threshold": -0.25}
    assert _bytes(_self_play(player, {"resignation": -0.9}, *calls)) == _bytes(_self_play(player))


def test_a_match_goes_by_its_players_thresholds_alone():
    pairings = [(0, 0, "")] * 6
    own = _self_play({"resign_threshold": -0.25}, pairings=pairings)
    assert any(record.reason == "resign" for record in own)
    assert _bytes(_self_play({"resign_threshold": -0.25}, {"resignation": -1.0}, -1.0, pairings=pairings)) == _bytes(
        own
    )
