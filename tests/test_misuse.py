"""The core used as it is not meant: each time an exception, never a crash or a hang."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest

import alphazero as az
from alphazero._core import UNIFORM, GameRecord, Pool, Sampler, SearchCore

GAME = az.Game("connect4")


def pool_and_batch():
    pool = Pool(GAME, {"games_in_flight": 2, "batch_size": 2}, [{"evaluator": 0, "simulations": 4}])
    return pool, pool.next_batch(5.0)


def good():
    return np.zeros((2, 7), np.float32), np.full((2, 3), 1 / 3, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("gathered", [False, True])
def test_an_evaluator_that_answers_no_numbers_is_named(value, gathered):
    pool, batch = pool_and_batch()
    for part, where in ((0, (1, 3)), (1, (0, 2))):
        answer = good()
        answer[part][where] = value
        with pytest.raises(ValueError, match="evaluator 0 answered with"):
            pool.finish(batch, *answer, gathered=gathered)
    pool.finish(batch, *good(), gathered=gathered)  # the batch still waited
    pool.close()


@pytest.mark.parametrize("wdl", [[0, 0, 0], [-1, 1, 1], [1, 1, 1], [1e20, 0, 0]])
def test_shares_that_are_no_probabilities_are_refused(wdl):
    pool, batch = pool_and_batch()
    with pytest.raises(ValueError, match="no probabilities"):
        pool.finish(batch, good()[0], np.tile(np.float32(wdl), (2, 1)))
    pool.close()


def test_batches_finished_twice_or_elsewhere_and_closed_pools_are_told():
    pool, batch = pool_and_batch()
    other, _ = pool_and_batch()
    with pytest.raises(ValueError, match="another pool's"):
        other.finish(batch, *good())
    view = pool.planes(batch)
    before = view.copy()
    pool.close()
    pool.close()
    assert np.array_equal(view, before)
    for use in (pool.next_batch, pool.take_finished, lambda: pool.planes(batch), lambda: pool.finish(batch, *good())):
        with pytest.raises(ValueError, match="closed"):
            use()
    other.close()
    pool, batch = pool_and_batch()
    pool.finish(batch, *good())
    with pytest.raises(ValueError, match="finished already"):
        pool.finish(batch, *good())
    pool.close()


def test_a_pool_closes_in_the_middle_of_a_search_without_end():
    pool = Pool(GAME, {"games_in_flight": 1}, [{"evaluator": UNIFORM, "simulations": 10**9}])
    pool.close()
    with pytest.raises(ValueError, match="closed"):
        pool.next_batch(0.1)


def test_one_search_is_for_one_thread():
    inside, go = threading.Event(), threading.Event()

    def evaluate(planes, legal):
        inside.set()
        go.wait(10)
        return [np.zeros(len(each), np.float32) for each in legal], np.zeros(len(planes), np.float32)

    search = az.Search(GAME, evaluate)
    found = []
    thread = threading.Thread(target=lambda: found.append(search.search(GAME.position(), 8)))
    thread.start()
    assert inside.wait(10)
    with pytest.raises(RuntimeError, match="in use by another thread"):
        search.search(GAME.position(), 8)
    go.set()
    thread.join()
    assert found[0].simulations == 8


def test_a_search_core_says_what_comes_first():
    core = SearchCore(GAME, {"kind": "puct"})
    for use in (lambda: core.sample_move(1.0), lambda: core.line("d"), lambda: core.collect(1)):
        with pytest.raises(ValueError, match=r"nothing was searched|begin\(\) comes first"):
            use()
    with pytest.raises(ValueError, match="nothing was searched"):
        az.Search(GAME, lambda planes, legal: None).result()
    core.set_position(GAME.position())
    core.begin(8)
    _, legal, tickets = core.collect(1)
    zeros = np.zeros(len(legal[0]), np.float32)
    for ticket, logits, value in ((99, zeros, 0.0), (-1, zeros, 0.0), (tickets[0], zeros[1:], 0.0),
                                  (tickets[0], zeros + np.nan, 0.0), (tickets[0], zeros, np.nan),
                                  (tickets[0], zeros, 7.0)):  # fmt: skip
        with pytest.raises(ValueError, match="tell: "):
            core.tell(ticket, logits, value)
    core.tell(tickets[0], zeros, 0.0)
    with pytest.raises(ValueError, match="no leaf waits"):
        core.tell(tickets[0], zeros, 0.0)
    for use in (lambda: core.collect(0), lambda: core.collect(10**9), lambda: core.set_budget(-1)):
        with pytest.raises(ValueError, match="must be from"):
            use()
    _, _, tickets = core.collect(1)
    core.begin(8)  # a leaf of the search before is void
    with pytest.raises(ValueError, match="no leaf waits"):
        core.tell(tickets[0], zeros, 0.0)


def records():
    pool = Pool(GAME, {"games": 4, "games_in_flight": 4}, [{"evaluator": UNIFORM, "simulations": 8}])
    while not pool.done:
        pool.next_batch(0.01)
    found = [record.to_bytes() for record in pool.take_finished()]
    pool.close()
    return found


def test_a_record_that_claims_more_than_it_holds_takes_no_memory():
    data = bytearray(records()[0])
    at = 1 + 8 + 4 + 4 + 8 + 2 + 1 + 1 + 4 + 2 + len(GameRecord.from_bytes(bytes(data)).reason) + 1 + 4
    assert int.from_bytes(data[at : at + 4], "little") == GameRecord.from_bytes(bytes(data)).plies
    data[at : at + 4] = (80_000_000).to_bytes(4, "little")
    with pytest.raises(ValueError, match="cut short"):
        GameRecord.from_bytes(bytes(data))


def test_mutated_records_are_read_or_refused():
    rng = random.Random(1)
    whole = records()
    sampler = Sampler(GAME)
    taken = 0
    for _ in range(20_000):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        try:
            sampler.add(bytes(data))
            taken += 1
        except ValueError:
            pass
    assert 0 < taken < 20_000
    batch = sampler.sample(64, 1)
    assert all(np.isfinite(array).all() for array in batch.values())
    for bad in ({"surprise": np.nan}, {"value_blend": 2.0}, {"threads": 0}):
        with pytest.raises(ValueError, match="sample: "):
            sampler.sample(4, 1, **bad)
