"""Searches by a network: lanes, kept answers, batches that grow, and what the leaves' heads sum up to."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch

import alphazero as az
from alphazero._core import SearchCore
from alphazero.config import NetworkConfig
from alphazero.errors import UserError
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.leaf_sums import LeafSums, wdl_of
from alphazero.many_searches import ManySearches
from alphazero.network import Network, shape_of
from alphazero.network_search import NetworkSearch, leaves_at_once
from alphazero.player import NetworkPlayer
from alphazero.search import Limits, Search


def network(game: az.Game) -> Network:
    torch.manual_seed(5)
    return Network(shape_of(game), NetworkConfig(blocks=1, channels=8)).eval()


class Recorder(TorchEvaluator):
    """Remembers the sizes of its batches, and may take its time."""

    def __init__(self, net: Network, seconds: float = 0.0):
        super().__init__(net)
        self.sizes: list[int] = []
        self.seconds = seconds
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()

    def evaluate(self, planes):
        with self._lock:
            self.sizes.append(len(planes))
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self.seconds)
        try:
            return super().evaluate(planes)
        finally:
            with self._lock:
                self._now -= 1


@pytest.mark.parametrize("game", ["connect4", "chess", "go"])
@pytest.mark.parametrize("kind", ["puct", "gumbel"])
def test_one_leaf_at_a_time_finds_what_the_plain_search_finds(game, kind):
    """The plain search, asked leaf by leaf from Python, is the oracle."""
    made = az.Game(game)
    evaluator = TorchEvaluator(network(made))
    settings = {"kind": kind, "simulations": 60}
    plain = Search(made, lambda planes, legal: evaluator.evaluate(planes), batch_size=1, seed=3, **settings)
    own = NetworkSearch(made, evaluator, "net", batch_size=1, seed=3, **settings)
    position = made.position()
    for _ in range(3):
        expected, found = plain.search(position), own.search(position)
        assert [(m.move, m.visits, m.prior, m.q) for m in found.moves] == [
            (m.move, m.visits, m.prior, m.q) for m in expected.moves
        ]
        assert (found.best_move, found.value, found.pv) == (expected.best_move, expected.value, expected.pv)
        position.play(found.best_move)


def test_answers_are_kept_and_change_nothing():
    made = az.Game("connect4")
    net = network(made)
    with_cache, without = Recorder(net), Recorder(net)
    keeping = NetworkSearch(made, with_cache, "net", batch_size=1, cache_megabytes=4, simulations=300)
    plain = NetworkSearch(made, without, "net", batch_size=1, simulations=300)
    first, second = keeping.search(made.position()), plain.search(made.position())
    assert [(m.move, m.visits, m.q) for m in first.moves] == [(m.move, m.visits, m.q) for m in second.moves]
    assert keeping.known_answers > 0 == plain.known_answers
    assert sum(with_cache.sizes) + keeping.known_answers == sum(without.sizes)
    # Another tree of the same network begins with what this one has learned.
    other = NetworkSearch(made, with_cache, "net", batch_size=1, simulations=300)
    other.share_answers(keeping)
    with_cache.sizes.clear()
    third = other.search(made.position())
    assert [(m.move, m.visits) for m in third.moves] == [(m.move, m.visits) for m in first.moves]
    assert with_cache.sizes == [], "all was known"


def test_batches_grow_with_the_tree():
    made = az.Game("chess")
    evaluator = Recorder(network(made))
    NetworkSearch(made, evaluator, "net", batch_size=16, simulations=3000).search(made.position())
    told = 0
    for size in evaluator.sizes:
        assert size <= min(16, leaves_at_once(told + 10)), "but for the few simulations that end on what is proven"
        told += size
    assert max(evaluator.sizes) == 16 and evaluator.sizes[:10] == [1] * 10


def test_a_tree_asks_for_more_leaves_the_larger_it_is():
    assert [leaves_at_once(nodes) for nodes in (0, 15, 16, 111, 112, 959, 960, 4032)] == [1, 1, 2, 7, 8, 15, 16, 64]


def test_lanes_search_side_by_side_and_lose_no_simulation():
    made = az.Game("chess")
    evaluator = Recorder(network(made), seconds=0.002)
    search = NetworkSearch(made, evaluator, "net", batch_size=8, threads=3, simulations=700)
    result = search.search(made.position())
    assert evaluator.most_at_once == 3
    assert result.simulations == 700 == sum(m.visits for m in result.moves)
    assert sum(evaluator.sizes) + search.known_answers <= 701
    # They end within a batch of being told to.
    begin = time.perf_counter()
    stopped = search.search(made.position(), 10_000_000, seconds=0.1)
    assert stopped.simulations > 0 and time.perf_counter() - begin < 5.0


def test_a_search_that_is_soon_over_runs_on_one_core():
    """On a busy machine a move of a few milliseconds mostly waited for the other core to end."""
    game = az.Game("chess")
    evaluator = Recorder(network(game), seconds=0.001)
    search = NetworkSearch(game, evaluator, "net", threads=2)
    for _ in range(3):
        search.within(game.position(), Limits(10**6, seconds=0.002))
    assert evaluator.most_at_once == 1


def test_one_thread_finds_the_same_again():
    made = az.Game("go", board_size=7)
    results = []
    for _ in range(2):
        search = NetworkSearch(made, TorchEvaluator(network(made)), "net", seed=9, simulations=400, heads=True)
        results.append(search.search(made.position()))
    assert results[0] == results[1]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_fails_in_a_lane_is_raised_and_the_next_search_works(threads):
    made = az.Game("connect4")

    class Failing(TorchEvaluator):
        fails = True

        def evaluate(self, planes):
            if self.fails and len(planes) > 1:
                raise OSError("the device is gone")
            return super().evaluate(planes)

    evaluator = Failing(network(made))
    search = NetworkSearch(made, evaluator, "net", threads=threads, simulations=2000)
    with pytest.raises(OSError, match="the device is gone"):
        search.search(made.position())
    evaluator.fails = False
    assert search.search(made.position(), 200).simulations == 200


def test_numbers_that_are_none_name_the_player():
    made = az.Game("connect4")

    class Damaged(TorchEvaluator):
        def evaluate(self, planes):
            logits, wdl = super().evaluate(planes)
            return logits * np.nan, wdl

    with pytest.raises(UserError, match="runs/mine answered with what is no number"):
        NetworkSearch(made, Damaged(network(made)), "runs/mine", simulations=10).search(made.position())


# --- what the leaves say ---


class Told(TorchEvaluator):
    """A network whose heads say what a test wants: the score is 1 point for the side to move at odd plies below the root."""

    head_names = ("ownership", "score", "plies_left")

    def evaluate_heads(self, planes):
        logits, wdl = self.evaluate(planes)
        mine = planes[:, 0].sum((1, 2)) - planes[:, 1].sum((1, 2))
        heads = {
            "score": (mine / 20.0).astype(np.float32),
            "ownership": np.repeat(mine[:, None, None], 25, 1).reshape(-1, 5, 5).astype(np.float32),
            "plies_left": np.log1p(np.full(len(planes), 30.0, np.float32)),
        }
        return logits, wdl, heads


def test_heads_are_summed_for_the_side_to_move_at_the_root():
    made = az.Game("go", board_size=5)
    search = NetworkSearch(made, Told(network(made)), "net", heads=True, simulations=1)
    position = made.position()
    position.play("C3")  # White to move, who has a stone less
    first = search.search(position, 1, only=["B2"])
    # The root says -1 for White. Behind its first move White has as many: the mean of -1 and 0.
    assert first.score == pytest.approx(-0.5, abs=1e-5)
    assert first.plies_left == pytest.approx(30.5, abs=1e-3)
    assert first.ownership is not None and np.allclose(first.ownership, -0.5)
    best = next(m for m in first.moves if m.visits)
    assert best.score == pytest.approx(0.0, abs=1e-6) and best.ownership is not None
    other = search.search(position, 1)
    assert next(m for m in other.moves if not m.visits).score is None


def test_draws_of_leaves_and_the_value_make_wdl():
    sums = LeafSums(2)
    sums.add(
        np.array([-1, 0, 0]),
        np.array([0, 1, 2]),
        np.array([True, False, True]),
        np.array([0.3, 0.5, 0.1]),
        {},
    )
    assert sums.by_move() == [(pytest.approx(0.3), None, None), (None, None, None)]
    assert sums.draws() == pytest.approx(0.3)
    assert wdl_of(0.2, 0.3) == pytest.approx((0.45, 0.3, 0.25))
    assert wdl_of(0.9, 0.5) == pytest.approx((0.95, 0.1, -0.05 + 0.0), abs=0.1)
    for value in (-1.0, -0.4, 0.0, 0.7, 1.0):
        win, draw, loss = wdl_of(value, 0.8)
        assert min(win, draw, loss) >= 0.0 and win + draw + loss == pytest.approx(1.0)
        assert win - loss == pytest.approx(value)


@pytest.mark.parametrize("backend", ["torch", "openvino", "onnx"])
def test_every_backend_tells_the_heads(backend, monkeypatch):
    from alphazero.evaluators import choose
    from alphazero.evaluators.base import HeadsEvaluator, proof_planes

    name = {"torch": "torch-fp32", "openvino": "openvino-fp32", "onnx": "onnx"}[backend]
    maker = next((make for key, make in choose.CPU_BACKENDS.items() if key.startswith(name)), None)
    if backend != "torch":
        pytest.importorskip("openvino" if backend == "openvino" else "onnxruntime", reason="an optional backend")
    assert maker is not None
    for game in (az.Game("go", board_size=7), az.Game("chess")):
        net = network(game)
        evaluator = maker(net)
        assert isinstance(evaluator, HeadsEvaluator)
        planes = proof_planes(net.shape, 3)
        with torch.inference_mode():
            expected = net(torch.from_numpy(planes))
        logits, wdl, heads = evaluator.evaluate_heads(planes)
        assert np.allclose(logits, expected.policy.numpy(), atol=1e-3)
        assert np.allclose(wdl, torch.softmax(expected.wdl, 1).numpy(), atol=1e-3)
        assert set(evaluator.head_names) == set(heads)
        assert set(heads) == {"ownership", "score"} if game.name == "go" else {"plies_left"}
        for head, values in heads.items():
            assert np.allclose(values, expected.heads[head].numpy(), atol=1e-3), head


# --- many positions ---


def player(game: az.Game, evaluator=None) -> NetworkPlayer:
    return NetworkPlayer("net", game, evaluator or TorchEvaluator(network(game)), {})


def test_many_positions_are_each_searched_as_asked_and_share_batches():
    made = az.Game("connect4")
    evaluator = Recorder(network(made))
    searches = ManySearches(player(made, evaluator), threads=1, at_once=8, batch_size=32)
    positions = []
    for start in made.position().legal_moves():
        for reply in made.position().legal_moves():
            position = made.position()
            position.play(start)
            position.play(reply)
            positions.append(position)
    found = {}
    for i, position in enumerate(positions):
        limits = Limits(50 + i)
        searches.submit(position, limits, lambda result, error, i=i: found.__setitem__(i, (result, error)))
    searches.wait()
    searches.close()
    assert sorted(found) == list(range(len(positions)))
    for i, (result, error) in found.items():
        assert error is None and result.simulations == 50 + i
    assert max(evaluator.sizes) >= 8, "leaves of eight trees go out together"


def test_the_highest_priority_comes_first_and_a_cancelled_search_is_told():
    made = az.Game("connect4")
    evaluator = Recorder(network(made), seconds=0.001)
    searches = ManySearches(player(made, evaluator), threads=1, at_once=1)
    order = []
    endless = searches.submit(
        made.position(), Limits(10_000_000), lambda result, error: order.append(("endless", result))
    )
    deadline = time.monotonic() + 30.0
    while len(evaluator.sizes) < 4 and time.monotonic() < deadline:  # it has begun, and has found something
        time.sleep(0.001)
    for name, priority in (("low", -1), ("high", 5), ("middle", 0), ("never", -9)):
        asked = searches.submit(
            made.position(), Limits(20), lambda result, error, n=name: order.append((n, result)), priority=priority
        )
    searches.cancel(asked)
    assert order == [("never", None)]
    searches.cancel(endless)
    searches.wait()
    searches.close()
    assert [name for name, _ in order] == ["never", "endless", "high", "middle", "low"]
    assert 0 < order[1][1].simulations < 10_000_000 and order[2][1].simulations == 20


def test_a_search_that_fails_leaves_the_others_alone():
    made = az.Game("connect4")

    class Failing(TorchEvaluator):
        left = 1

        def evaluate(self, planes):
            self.left -= 1
            if self.left == 0:
                raise OSError("the device is gone")
            return super().evaluate(planes)

    searches = ManySearches(player(made, Failing(network(made))), threads=1, at_once=1)
    told = []
    for _ in range(2):
        searches.submit(made.position(), Limits(20), lambda result, error: told.append((result, error)))
    searches.wait()
    searches.close()
    assert told[0][0] is None and "the device is gone" in str(told[0][1])
    assert told[1][0].simulations == 20 and told[1][1] is None


def test_an_answer_that_cannot_be_told_holds_nobody_up():
    made = az.Game("connect4")
    searches = ManySearches(player(made), threads=1, at_once=4)
    told = []

    def full(result, error):
        raise OSError("no space left on device")

    searches.submit(made.position(), Limits(20), full)
    searches.submit(made.position(), Limits(30), lambda result, error: told.append(result.simulations))
    searches.wait()
    searches.close()
    assert told == [30]


def test_a_thousand_positions_wait_in_line():
    made = az.Game("connect4")
    searches = ManySearches(player(made), threads=1, at_once=16)
    begin, count = time.perf_counter(), []
    for i in range(1000):
        searches.submit(made.position(), Limits(2), lambda result, error, i=i: count.append(i), priority=i % 7)
    assert time.perf_counter() - begin < 5.0
    searches.wait()
    searches.close()
    assert sorted(count) == list(range(1000))


def test_draws_are_told_where_all_answers_were_kept():
    made = az.Game("connect4")
    search = NetworkSearch(made, TorchEvaluator(network(made)), "net", batch_size=1, cache_megabytes=4, simulations=40)
    first = search.search(made.position())
    assert first.wdl is not None
    other = NetworkSearch(made, TorchEvaluator(network(made)), "net", batch_size=1, simulations=40)
    other.share_answers(search)
    again = other.search(made.position())
    assert sum(m.wdl is not None for m in again.moves) > 1
    assert again.wdl == pytest.approx(first.wdl) and again.value == first.value
    assert [m.wdl for m in again.moves] == [m.wdl and pytest.approx(m.wdl) for m in first.moves]


def test_a_line_s_visits_fall_from_move_to_move():
    made = az.Game("chess")
    search = NetworkSearch(made, TorchEvaluator(network(made)), "net", simulations=400)
    found = search.search(made.position())
    visits = search.line_visits(found.best_move)
    assert len(visits) == len(search.line(found.best_move)) and visits[0] == found.moves[0].visits
    assert visits == sorted(visits, reverse=True)


def played(made: az.Game, moves: str) -> az.Position:
    position = made.position()
    for move in moves.split():
        position.play(move)
    return position


@pytest.mark.parametrize(
    ("game", "one", "same", "other"),
    [
        (
            "chess",
            "g1f3 g8f6 b1c3",
            "b1c3 g8f6 g1f3",
            "g1f3 g8f6 b1c3 f6g8 f3g1 g8f6 g1f3",
        ),  # there for the second time
        ("shogi", "7g7f 3c3d 2g2f", "2g2f 3c3d 7g7f", "7g7f 3c3d 2g2f 8b7b 2h1h 7b8b 1h2h"),
        ("go", "D4 F6 E5", "E5 F6 D4", "D4 F6 E6"),
    ],
)
def test_moves_in_another_order_need_no_other_answer_and_a_repetition_does(game, one, same, other):
    made = az.Game(game, **({"board_size": 9} if game == "go" else {}))
    asked = Recorder(network(made))
    keeping = NetworkSearch(made, asked, "net", batch_size=1, cache_megabytes=4)

    def evaluations(moves: str) -> int:
        before = sum(asked.sizes)
        search = NetworkSearch(made, asked, "net", batch_size=1)
        search.share_answers(keeping)
        search.search(played(made, moves), 1)
        return sum(asked.sizes) - before

    assert evaluations(one) >= 1 and evaluations(same) == 0 and evaluations(other) >= 1


@pytest.mark.parametrize("game", ["go", "chess"])
def test_what_heads_say_does_not_depend_on_which_answers_were_kept(game):
    made = az.Game(game, **({"board_size": 5} if game == "go" else {}))
    evaluator = TorchEvaluator(network(made))
    search = NetworkSearch(made, evaluator, "net", batch_size=1, cache_megabytes=4, simulations=30, heads=True)
    first = search.search(made.position())
    other = NetworkSearch(made, evaluator, "net", batch_size=1, simulations=30, heads=True)
    other.share_answers(search)
    again = other.search(made.position())
    assert other.evaluated_leaves == 0 and again.value == first.value
    assert [again.score, again.score_spread] == pytest.approx([first.score, first.score_spread], rel=1e-5)
    assert again.plies_left == pytest.approx(first.plies_left)
    assert (again.ownership is None) == (game != "go") == (again.plies_left is not None)
    if game == "go":
        assert np.allclose(again.ownership, first.ownership, atol=1e-6)
        for now, then in zip(again.moves, first.moves, strict=True):
            assert now.score == then.score or now.score == pytest.approx(then.score)
            assert (now.ownership is None and then.ownership is None) or np.allclose(now.ownership, then.ownership)


def test_as_many_numbers_are_kept_of_each_answer_as_were_announced():
    made = az.Game("connect4")
    core = SearchCore(made, {}, 0)
    core.keep_answers(1, 2)
    core.set_position(made.position())
    core.begin(4)
    planes = np.empty((1, *made.planes_shape), np.float32)
    logits, values = np.zeros((1, made.policy_size), np.float32), np.zeros(1, np.float32)
    tickets = core.collect_batch(planes, 1)
    with pytest.raises(ValueError, match="for each ticket 2 numbers beside logits and value are to be kept"):
        core.tell_batch(tickets, logits, values, np.zeros((1, 1), np.float32))
    core.tell_batch(tickets, logits, values, np.array([[0.25, 0.5]], np.float32))
    assert core.take_known()[3].shape == (0, 0), "nothing was known"
    other = SearchCore(made, {}, 0)
    other.share_answers(core)
    other.set_position(made.position())
    other.begin(4)
    other.collect_batch(planes, 1)
    moves, plies, own, rows = other.take_known()
    assert (moves.tolist(), plies.tolist(), own.tolist(), rows.tolist()) == ([-1], [0], [True], [[0.25, 0.5]])
    assert len(other.take_known()[0]) == 0, "once"


def test_answers_with_what_heads_say_are_not_shared_with_those_without():
    made = az.Game("go", board_size=5)
    evaluator = TorchEvaluator(network(made))
    search = NetworkSearch(made, evaluator, "net", cache_megabytes=4, heads=True)
    with pytest.raises(ValueError, match="both searches must look at the same heads"):
        NetworkSearch(made, evaluator, "net").share_answers(search)
