"""The self-play pool: batches, determinism over threads, pairings, and records."""

from __future__ import annotations

import hashlib
import struct
import threading

import numpy as np
import pytest

import alphazero as az
from alphazero._core import RANDOM, ROLLOUT, UNIFORM, GameRecord, Pool, Sampler
from alphazero.symmetry import tables


def answer(planes: np.ndarray, policy_size: int) -> tuple[np.ndarray, np.ndarray]:
    """A fixed pseudo-random network, row by row."""
    logits = np.empty((len(planes), policy_size), np.float32)
    wdl = np.empty((len(planes), 3), np.float32)
    for i, board in enumerate(planes):
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(board.tobytes()).digest()[:8], "little"))
        logits[i] = rng.standard_normal(policy_size)
        wdl[i] = rng.dirichlet([1, 1, 1])
    return logits, wdl


def play(
    game: az.Game, settings: dict, players: list[dict], pairings: list[tuple[int, int, str]] = ()
) -> list[GameRecord]:
    """Runs a pool to its end; returns the records by number."""
    pool = Pool(game, settings, players, list(pairings))
    records = []
    while True:
        batch = pool.next_batch(0.2)
        if batch is not None:
            assert 1 <= len(batch) <= settings["batch_size"]
            pool.finish(batch, *answer(pool.planes(batch), game.policy_size))
        records += pool.take_finished()
        if batch is None and pool.done:
            break
    records += pool.take_finished()
    pool.close()
    return sorted(records, key=lambda r: r.number)


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
def test_the_same_seed_gives_the_same_games_whatever_the_threads(kind):
    game = az.Game("go", board_size=4, max_plies=40)
    player = {"kind": kind, "simulations": 12, "evaluator": 0, "noise": True, "temperature_plies": 6}
    found = []
    for threads, batch in ((1, 8), (2, 8), (2, 3), (0, 8)):
        settings = {
            "games_in_flight": 16,
            "batch_size": batch,
            "threads": threads,
            "games": 24,
            "seed": 5,
            "symmetry": True,
        }
        found.append([record.to_bytes() for record in play(game, settings, [player])])
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == 24


def test_known_answers_change_no_game_and_spare_evaluations():
    game = az.Game("connect4")
    player = {"kind": "gumbel", "simulations": 16, "evaluator": 0, "noise": True}
    found, asked = [], []
    for threads, megabytes in ((1, 0), (1, 8), (3, 8), (0, 8)):
        settings = {"games_in_flight": 8, "batch_size": 4, "threads": threads, "games": 12, "seed": 5}
        pool = Pool(game, {**settings, "cache_megabytes": megabytes}, [player])
        records = []
        while not pool.done:
            batch = pool.next_batch(0.2)
            if batch is not None:
                pool.finish(batch, *answer(pool.planes(batch), game.policy_size))
            records += pool.take_finished()
        records += pool.take_finished()
        counts = pool.counts
        asked.append(counts["evaluations"])
        assert (counts["cache_hits"] > 0) == (megabytes > 0)
        pool.close()
        found.append([r.to_bytes() for r in sorted(records, key=lambda r: r.number)])
    assert found[0] == found[1] == found[2]
    assert asked[1] < 0.8 * asked[0], "a Gumbel search repeats much of the last one"


def test_a_full_cache_keeps_the_newest_answers_and_new_weights_empty_it():
    game = az.Game("go", board_size=9, max_plies=60)
    player = {"kind": "gumbel", "simulations": 8, "evaluator": 0, "noise": True}
    settings = {"games_in_flight": 4, "batch_size": 4, "threads": 1, "games": 8, "cache_megabytes": 1}
    versions = iter(range(1, 1_000_000))
    shares = []
    for renew in (False, True):
        pool = Pool(game, settings, [player])
        while not pool.done:
            batch = pool.next_batch(0.2)
            if batch is not None:
                if renew:  # while the old weights answer
                    pool.set_version(next(versions))
                pool.finish(batch, *answer(pool.planes(batch), game.policy_size))
            pool.take_finished()
        counts = pool.counts
        assert counts["evaluations"] > 2000, "more than a megabyte holds"
        shares.append(counts["cache_hits"] / (counts["cache_hits"] + counts["evaluations"]))
        pool.close()
    assert shares[0] > 0.1
    assert shares[1] == 0.0, "an answer of old weights was used"


def test_records_hold_what_was_searched_and_replay():
    game = az.Game("connect4")
    player = {"kind": "gumbel", "simulations": 16, "evaluator": 0, "noise": True}
    settings = {"games_in_flight": 8, "batch_size": 8, "threads": 1, "games": 8, "opening_plies": 4}
    for record in play(game, settings, [player]):
        position = game.position()
        for move in record.moves(game):
            position.play(move)
        assert (position.outcome.value, position.outcome.reason) == (record.value, record.reason)
        again = GameRecord.from_bytes(record.to_bytes())
        assert again.to_bytes() == record.to_bytes()
        assert len(record.root_values) == record.plies == len(record.kinds)
        assert 0 < record.searched_plies <= record.plies


def test_pairings_are_played_as_asked_and_a_search_beats_random_moves():
    game = az.Game("connect4")
    players = [{"evaluator": ROLLOUT, "simulations": 100}, {"evaluator": RANDOM}]
    pairings = [(0, 1, ""), (1, 0, ""), (0, 1, "dd"), (1, 0, "dd")] * 10
    records = play(game, {"games_in_flight": 8, "batch_size": 4, "threads": 2}, players, pairings)
    assert [(r.first, r.second, r.start) for r in records] == pairings
    points = sum((r.value + 1) / 2 if r.first == 0 else (1 - r.value) / 2 for r in records)
    assert points >= 38


def test_several_networks_share_a_pool_and_each_gets_its_own_leaves():
    game = az.Game("connect4")
    players = [
        {"evaluator": 0, "simulations": 8},
        {"evaluator": 1, "simulations": 8},
        {"evaluator": UNIFORM, "simulations": 8},
    ]
    pool = Pool(
        game, {"games_in_flight": 6, "batch_size": 4, "threads": 2}, players, [(0, 1, ""), (1, 2, ""), (2, 0, "")] * 4
    )
    seen = set()
    games = []
    while True:
        batch = pool.next_batch(0.2)
        if batch is not None:
            seen.add(batch.evaluator)
            pool.finish(batch, *answer(pool.planes(batch), 7))
        games += pool.take_finished()
        if batch is None and pool.done:
            break
    games += pool.take_finished()
    assert seen == {0, 1}
    assert len(games) == 12


def test_a_broken_answer_or_setting_is_refused():
    game = az.Game("connect4")
    with pytest.raises(ValueError, match="unknown setting 'sims'"):
        Pool(game, {}, [{"sims": 3}])
    with pytest.raises(ValueError, match="games_in_flight must be a whole number from 1 to 65536, got 0"):
        Pool(game, {"games_in_flight": 0}, [{}])
    with pytest.raises(ValueError, match="game is over"):
        Pool(game, {}, [{}], [(0, 0, "aabbccd")])
    pool = Pool(game, {"games_in_flight": 2, "batch_size": 2}, [{"evaluator": 0, "simulations": 4}])
    batch = pool.next_batch(5.0)
    with pytest.raises(ValueError, match=r"logits must be \[2, 7\]"):
        pool.finish(batch, np.zeros((2, 8), np.float32), np.zeros((2, 3), np.float32))
    pool.finish(batch, *answer(pool.planes(batch), 7))
    pool.close()


def test_the_sampler_gives_targets_for_the_side_to_move():
    game = az.Game("go", board_size=4, komi=0.5, max_plies=40)
    settings = {"games_in_flight": 4, "batch_size": 4, "threads": 1, "games": 4, "seed": 3}
    records = play(game, settings, [{"kind": "puct", "simulations": 8, "evaluator": 0, "noise": True}])
    sampler = Sampler(game)
    assert sum(sampler.add(r.to_bytes()) for r in records) == sum(r.searched_plies for r in records)
    batch = sampler.sample(256, 1, symmetry=False)
    by_board: dict[bytes, list] = {}  # games share their first positions
    for record in records:
        position = game.position()
        final = game.position()
        for move in record.moves(game):
            final.play(move)
        for move in record.moves(game):
            sign = 1 if position.turn == 0 else -1
            entry = [float(sign * record.value), sign * record.score, *(sign * final.ownership()).flat]
            by_board.setdefault(position.planes().tobytes(), []).append(entry)
            position.play(move)
    for i in range(256):
        win, draw, loss = batch["wdl"][i].tolist()
        assert win + draw + loss == 1.0
        found = [win - loss, batch["score"][i], *batch["ownership"][i].flat]
        assert found in by_board[batch["planes"][i].tobytes()]
        assert batch["policy"][i].sum() == pytest.approx(1.0, abs=1e-4)
    turned = sampler.sample(256, 1, symmetry=True)
    assert turned["policy"].sum(1) == pytest.approx(np.ones(256), abs=1e-4)
    blended = sampler.sample(256, 1, symmetry=False, value_blend=0.5)
    assert blended["wdl"].sum(1) == pytest.approx(np.ones(256), abs=1e-5)


@pytest.mark.parametrize(
    "name, options", [("go", {"board_size": 4, "komi": 0.5, "max_plies": 30}), ("connect4", {}), ("minishogi", {})]
)
def test_planes_and_policy_of_a_row_are_turned_alike(name, options):
    game = az.Game(name, **options)
    settings = {"games_in_flight": 2, "batch_size": 2, "threads": 1, "games": 4, "seed": 3}
    records = play(game, settings, [{"kind": "gumbel", "simulations": 8, "evaluator": 0, "noise": True}])
    sampler = Sampler(game)
    cells, moves = tables(game)
    known: dict[bytes, list[dict[int, float]]] = {}  # by turned planes: the policies, by turned indices
    for record in records:
        sampler.add(record.to_bytes())
        position = game.position()
        for move, policy in zip(record.moves(game), record.policies(game), strict=True):
            index = dict(zip(position.legal_moves(), position.policy_indices().tolist(), strict=True))
            planes = position.planes().reshape(game.planes_shape[0], -1)
            for goes_to, turned in zip(cells, moves, strict=True):
                board = np.empty_like(planes)
                board[:, goes_to] = planes
                there = {int(turned[index[text]]): pytest.approx(share, abs=1e-4) for text, share in policy.items()}
                known.setdefault(board.tobytes(), []).append(there)
            position.play(move)
    batch = sampler.sample(300, 1, symmetry=True, reply=False)
    assert batch["policy_index"].dtype == np.int32 and batch["policy_index"].shape == batch["policy"].shape
    for planes, index, policy in zip(batch["planes"], batch["policy_index"].tolist(), batch["policy"], strict=True):
        assert {i: p for i, p in zip(index, policy.tolist(), strict=True) if p} in known[planes.tobytes()]


def test_a_record_with_more_policy_moves_than_legal_ones_is_refused():
    """Its list would not fit the row of a batch."""
    game = az.Game("connect4")
    settings = {"games_in_flight": 1, "batch_size": 1, "threads": 1, "games": 1, "seed": 3}
    (record,) = play(game, settings, [{"kind": "gumbel", "simulations": 8, "evaluator": 0, "noise": True}])
    data, count = record.to_bytes(), len(record.policies(game)[-1])
    head, entries = data[: -4 * count - 2], data[-4 * count :]
    assert data == head + struct.pack("<H", count) + entries
    broken = head + struct.pack("<H", count + 7) + entries + entries[-4:] * 7
    sampler = Sampler(game)
    with pytest.raises(ValueError, match="more policy moves than legal ones at ply"):
        sampler.add(broken)
    assert sampler.add(data) == record.searched_plies


def test_a_policy_without_weight_is_no_target():
    """Ours has none; in a record of somebody else's, each share of nothing was no number, and the network's weights after it."""
    game = az.Game("connect4")
    settings = {"games_in_flight": 1, "batch_size": 1, "threads": 1, "games": 1, "seed": 3}
    (record,) = play(game, settings, [{"kind": "gumbel", "simulations": 8, "evaluator": 0, "noise": True}])
    data, count = record.to_bytes(), len(record.policies(game)[-1])
    entries = b"".join(data[at : at + 2] + b"\0\0" for at in range(len(data) - 4 * count, len(data), 4))
    weightless = data[: -4 * count] + entries
    assert GameRecord.from_bytes(weightless).policies(game)[-1] == {}
    sampler = Sampler(game)
    drawable = sampler.add(weightless)
    assert drawable == record.searched_plies
    batch = sampler.sample(500, 1, reply=True)
    assert all(np.isfinite(column).all() for column in batch.values())
    assert 0 < batch["policy_weight"].mean() < 1 and 0 < batch["reply_weight"].mean() < 1
    assert batch["policy"].sum(1) == pytest.approx(batch["policy_weight"], abs=1e-3)


def test_values_blend_the_result_with_the_search():
    game = az.Game("go", board_size=4, komi=0.5, max_plies=40)
    settings = {"games_in_flight": 4, "batch_size": 4, "threads": 1, "games": 4, "seed": 3}
    records = play(game, settings, [{"kind": "puct", "simulations": 8, "evaluator": 0, "noise": True}])
    sampler = Sampler(game)
    expected: dict[bytes, list[float]] = {}
    for record in records:
        sampler.add(record.to_bytes())
        position = game.position()
        for ply, (move, value) in enumerate(zip(record.moves(game), record.root_values.tolist(), strict=True)):
            result = record.value if ply % 2 == 0 else -record.value
            expected.setdefault(position.planes().tobytes(), []).append(0.4 * result + 0.6 * value)
            position.play(move)
    batch = sampler.sample(256, 1, symmetry=False, value_blend=0.6)
    assert batch["wdl"].sum(1) == pytest.approx(np.ones(256), abs=1e-5)
    for planes, (win, _, loss) in zip(batch["planes"], batch["wdl"].tolist(), strict=True):
        assert min(abs(win - loss - value) for value in expected[planes.tobytes()]) < 2e-3


def test_surprising_positions_are_drawn_more_often():
    game = az.Game("connect4")
    settings = {"games_in_flight": 8, "batch_size": 8, "threads": 1, "games": 24, "seed": 5}
    records = play(game, settings, [{"kind": "gumbel", "simulations": 16, "evaluator": 0, "noise": True}])
    sampler = Sampler(game)
    surprise: dict[bytes, list[float]] = {}  # of the positions with the same planes
    for record in records:
        sampler.add(record.to_bytes())
        position = game.position()
        for move, nats in zip(record.moves(game), record.surprises, strict=True):
            if nats is not None:
                surprise.setdefault(position.planes().tobytes(), []).append(nats)
            position.play(move)
    every = [nats for each in surprise.values() for nats in each]
    mean = sum(every) / len(every)
    assert max(every) > 2 * mean  # else there is nothing to see

    def drawn(share: float) -> float:
        batch = sampler.sample(20000, 1, symmetry=False, surprise=share)
        return float(np.mean([np.mean(surprise[planes.tobytes()]) for planes in batch["planes"]]))

    weight = np.minimum(np.array(every) / mean, 4.0)
    expected = {0.0: mean, 0.5: np.average(every, weights=0.5 + 0.5 * weight), 1.0: np.average(every, weights=weight)}
    for share, value in expected.items():
        assert drawn(share) == pytest.approx(value, rel=0.05)
    assert expected[0.5] > 1.08 * mean


def test_the_reply_is_the_policy_of_the_opponents_search():
    game = az.Game("go", board_size=4, komi=0.5, max_plies=30)
    settings = {"games_in_flight": 2, "batch_size": 2, "threads": 1, "games": 4, "seed": 3}
    records = play(game, settings, [{"kind": "gumbel", "simulations": 8, "evaluator": 0, "noise": True}])
    sampler = Sampler(game)
    after: dict[bytes, list[dict[str, float]]] = {}  # the policies of the next ply; {}: there is none
    for record in records:
        sampler.add(record.to_bytes())
        position = game.position()
        policies = [*record.policies(game), {}]
        for ply, move in enumerate(record.moves(game)):
            after.setdefault(position.planes().tobytes(), []).append(policies[ply + 1])
            position.play(move)
    batch = sampler.sample(300, 1, symmetry=False)
    vertices = [f"{'ABCD'[i % 4]}{4 - i // 4}" for i in range(16)] + ["pass"]
    told = 0
    columns = (batch[name] for name in ("planes", "reply_index", "reply", "reply_weight"))
    for planes, index, reply, weight in zip(*columns, strict=True):
        assert reply.sum() == pytest.approx(weight, abs=1e-4)
        named = {vertices[i]: pytest.approx(p, abs=1e-4) for i, p in zip(index, reply.tolist(), strict=True) if p}
        assert named in after[planes.tobytes()]
        told += weight == 1.0
    assert 200 < told < 300  # the last plies have no reply
    assert "reply" not in sampler.sample(3, 1, reply=False)


@pytest.mark.parametrize("name, options", [("go", {"board_size": 4}), ("shogi", {}), ("connect4", {})])
def test_any_number_of_threads_draws_the_same_batch(name, options):
    game = az.Game(name, max_plies=20, **options) if name != "connect4" else az.Game(name)
    settings = {"games_in_flight": 2, "batch_size": 2, "threads": 1, "games": 4, "seed": 3}
    sampler = Sampler(game)
    for record in play(game, settings, [{"kind": "gumbel", "simulations": 4, "evaluator": 0, "noise": True}]):
        sampler.add(record.to_bytes())
    for packed in (False, True):
        alone = sampler.sample(61, 5, True, 0.3, 0.5, True, packed)
        for threads in (2, 7, 100):
            batch = sampler.sample(61, 5, True, 0.3, 0.5, True, packed, threads)
            assert batch.keys() == alone.keys()
            for part, array in batch.items():
                assert np.array_equal(array, alone[part]), part


def test_a_game_that_was_cut_off_is_worth_what_its_search_says():
    game = az.Game("chess", max_plies=9)
    settings = {"games_in_flight": 1, "batch_size": 1, "threads": 1, "games": 1, "seed": 3}
    (record,) = play(game, settings, [{"kind": "puct", "simulations": 8, "evaluator": 0, "noise": True}])
    assert record.reason == "max_plies"
    sampler = Sampler(game)
    sampler.add(record.to_bytes())
    values = sorted({round(float(value), 5) for value in record.root_values})
    wdl = sampler.sample(200, 1, symmetry=False)["wdl"]
    assert sorted({round(float(row[0] - row[2]), 5) for row in wdl}) == pytest.approx(values, abs=1e-5)
    assert wdl.min() >= 0.0
    assert max(values) - min(values) > 0.01


def test_the_sampler_refuses_broken_records():
    game = az.Game("connect4")
    sampler = Sampler(game)
    settings = {"games_in_flight": 1, "batch_size": 1, "threads": 1, "games": 1}
    (record,) = play(game, settings, [{"simulations": 4, "evaluator": 0}])
    data = record.to_bytes()
    with pytest.raises(ValueError, match="cut short"):
        sampler.add(data[:-3])
    with pytest.raises(ValueError, match="unknown format"):
        sampler.add(b"\xff" + data[1:])
    with pytest.raises(ValueError, match="illegal move"):
        Sampler(az.Game("go", board_size=2)).add(data)
    assert sampler.positions == 0


def test_self_play_begins_at_the_given_positions_for_the_given_share():
    game = az.Game("chess", max_plies=6)
    ending = "8/8/8/4k3/8/8/4K3/4Q3 w - - 0 1"
    settings = {"games": 200, "games_in_flight": 20, "starts": [ending], "start_share": 0.5, "seed": 3}
    pool = Pool(game, settings, [{"simulations": 2, "evaluator": UNIFORM}])
    records = []
    while not pool.done:
        pool.next_batch(0.1)
        records += pool.take_finished()
    records += pool.take_finished()
    begun = [record.start for record in records]
    assert len(begun) == 200 and set(begun) == {"", ending} and 70 < begun.count(ending) < 130
    for record in records:
        position = game.position(record.start or None)
        for move in record.moves(game):
            position.play(move)
        assert position.outcome.value == record.value
    with pytest.raises(ValueError, match="the game is over"):
        Pool(game, {"starts": ["7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"]}, [{"evaluator": UNIFORM}])


@pytest.mark.parametrize("evaluator", [0, -2])
def test_a_pool_without_threads_is_closed_while_a_caller_moves_its_games(evaluator):
    """close() waits for the caller's turn: no game is touched after it, and the caller is told."""
    game = az.Game("connect4")
    settings = {"games_in_flight": 64, "batch_size": 8, "threads": 0}
    for _ in range(20):
        pool = Pool(game, settings, [{"kind": "puct", "simulations": 400, "evaluator": evaluator}])
        inside, told = threading.Event(), []

        def ask(pool=pool, inside=inside, told=told):
            try:
                while True:
                    inside.set()
                    batch = pool.next_batch(0.05, shared=True)
                    if batch is not None:
                        rows = len(batch)
                        pool.finish(batch, np.zeros((rows, 7), np.float32), np.full((rows, 3), 1 / 3, np.float32))
            except ValueError as error:
                told.append(str(error))

        asker = threading.Thread(target=ask)
        asker.start()
        inside.wait()
        pool.close()
        asker.join(20.0)
        assert told and "closed" in told[0]


def test_a_pool_without_threads_moves_on_however_little_time_it_is_given():
    game = az.Game("connect4")
    settings = {"games_in_flight": 4, "batch_size": 4, "threads": 0, "games": 4}
    pool = Pool(game, settings, [{"kind": "puct", "simulations": 4, "evaluator": -1}])
    for _ in range(2000):
        assert pool.next_batch(0.0) is None
        if pool.done:
            break
    assert len(pool.take_finished()) == 4
