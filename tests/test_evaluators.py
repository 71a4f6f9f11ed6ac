"""Evaluators: every backend says what the network says, takes new weights, and is chosen by what was measured."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

import alphazero as az
from alphazero._core import Pool
from alphazero.arena import match
from alphazero.config import NetworkConfig
from alphazero.errors import UserError
from alphazero.evaluators import choose, divergence, make_evaluator
from alphazero.evaluators.base import F32, MOST_OF_BF16, LanedEvaluator, agrees, bf16_bits, exact, proof_planes
from alphazero.evaluators.openvino_cpu import OpenVinoEvaluator
from alphazero.evaluators.torch_packed import PackedTorchEvaluator
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.feeding import Feed, batch_layout, lanes_for
from alphazero.machine import cores
from alphazero.network import Network, fold_into, folded, shape_of
from alphazero.player import NetworkPlayer
from alphazero.weights import weights_of


def network(game: str = "connect4", seed: int = 0, **options) -> Network:
    """An untrained network whose norms have seen numbers, so that folding them matters."""
    torch.manual_seed(seed)
    made = Network(shape_of(az.Game(game, **options)), NetworkConfig(blocks=2, channels=16))
    made.train()
    planes = torch.from_numpy(proof_planes(made.shape, 32))
    for _ in range(20):
        made(planes)
    return made.eval()


def backends() -> list[str]:
    return [name for name in choose.CPU_BACKENDS if name in [*choose.candidates(), "openvino-fp32"]]


@pytest.mark.parametrize("backend", list(choose.CPU_BACKENDS))
def test_every_backend_agrees_with_the_network_and_takes_new_weights(backend):
    if backend not in backends():
        pytest.skip(f"{backend}: this processor has no bf16")
    for game, options in (("connect4", {}), ("go", {"board_size": 7})):
        first, second = network(game, 1, **options), network(game, 2, **options)
        evaluator = choose.CPU_BACKENDS[backend](first)
        planes = proof_planes(first.shape, 5)
        logits, wdl = evaluator.evaluate(planes)
        assert logits.dtype == wdl.dtype == np.float32
        assert logits.shape == (5, first.shape.policy_size)
        assert np.allclose(wdl.sum(1), 1.0, atol=1e-2 if "bf16" in backend else 1e-5)
        half = "bf16" in backend
        assert agrees(evaluator, first, bf16=half) and not agrees(evaluator, second, bf16=half)
        for now, then in ((second, first), (first, second)):
            evaluator.load_weights(now)
            assert agrees(evaluator, now, bf16=half) and not agrees(evaluator, then, bf16=half)
        kept = evaluator.evaluate(planes)[0]
        before = kept.copy()
        evaluator.evaluate(planes[::-1].copy())
        assert np.array_equal(kept, before), "an answer is not overwritten by the next one"


@pytest.mark.parametrize("backend", ["torch-fp32", "openvino-fp32"])
def test_go_weights_are_evaluated_on_another_board(backend):
    small = network("go", board_size=5)
    evaluator = choose.CPU_BACKENDS[backend](small)
    planes = np.zeros((3, *az.Game("go", board_size=9).planes_shape), np.float32)
    logits, _ = evaluator.evaluate(planes)
    assert logits.shape == (3, 82)
    assert divergence(exact(small, planes)[0], logits) < 1e-3


CONFIGS = (
    NetworkConfig(blocks=2, channels=8, value_hidden=8),
    NetworkConfig(blocks=2, channels=8, value_hidden=8, global_pooling=False),
)


@pytest.mark.parametrize("game", ["connect4", "go", "chess", "gardner", "minishogi", "shogi"])
def test_openvinos_graph_is_the_network_of_every_game_also_after_training_it(game):
    """Built from arrays, not converted: towers and heads of all kinds, weights a hair apart told apart."""
    shape = shape_of(az.Game(game))
    for config in CONFIGS:
        torch.manual_seed(1)
        first = Network(shape, config)
        first.train()(torch.from_numpy(proof_planes(shape, 16)))
        evaluator = choose.CPU_BACKENDS["openvino-fp32"](first.eval())
        second = copy.deepcopy(first)
        with torch.no_grad():
            second.policy_conv[0].weight.mul_(1.001)
        planes = proof_planes(shape, 3)
        for now in (first, second):
            evaluator.load_weights(now)
            for known, found in zip(exact(now, planes), evaluator.evaluate(planes), strict=True):
                assert np.abs(known - found).max() < 2e-5


def test_the_graph_of_a_go_network_is_of_any_board_and_other_precisions_differ_little():
    net = network("go", board_size=7)
    weights = weights_of(net.describe(), {name: tensor.numpy() for name, tensor in net.state_dict().items()})
    evaluator = OpenVinoEvaluator(weights, "fp32")
    for size in (5, 9, 13):
        planes = np.zeros((2, *az.Game("go", board_size=size).planes_shape), np.float32)
        assert np.abs(exact(net, planes)[0] - evaluator.evaluate(planes)[0]).max() < 2e-5


@pytest.mark.parametrize("backend", list(choose.CPU_BACKENDS))
def test_every_backend_computes_on_as_many_threads_as_it_is_told(backend):
    if backend not in backends():
        pytest.skip(f"{backend}: this processor has no bf16")
    net, before = network(), torch.get_num_threads()
    evaluator = choose.CPU_BACKENDS[backend](net)
    planes = proof_planes(net.shape, 3)
    try:
        for count, said in ((1, ", 1 thread"), (2, ", 2 threads")):
            evaluator.set_threads(count)
            assert evaluator.describe().endswith(said)
            assert agrees(evaluator, net, bf16="bf16" in backend)
            evaluator.evaluate(planes)
            if backend.startswith("openvino") and count <= cores():  # it takes no more threads than there are cores
                (request,) = evaluator._alone.values()
                model = request.get_compiled_model()
                if count == 1:  # in the thread that asks, with none of OpenVINO's
                    assert model.get_property("NUM_STREAMS") == 0
                else:
                    assert model.get_property("INFERENCE_NUM_THREADS") == count
            if backend.startswith("onnx"):
                (session,) = evaluator._sessions.values()
                assert session.get_session_options().intra_op_num_threads == count
            if backend.startswith("torch"):
                assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)


def test_bf16_may_be_off_by_a_share_of_what_the_answer_says():
    """A drifted network's logits, rounded to bf16's steps of a quarter: no other path may be off so much."""
    rng = np.random.default_rng(0)

    class Drifted(TorchEvaluator):
        def evaluate(self, planes):
            logits, wdl = super().evaluate(planes)
            return logits + noise[: len(logits)], wdl

    net = network("go", board_size=7)
    with torch.no_grad():
        net.policy_out.weight.mul_(40.0)
    noise = rng.normal(0.0, 0.09, (32, net.shape.policy_size)).astype(np.float32)
    assert agrees(Drifted(net), net, bf16=True) and not agrees(Drifted(net), net)
    noise *= 2.0
    assert not agrees(Drifted(net), net, bf16=True)
    noise *= 0.0
    assert agrees(Drifted(net), net)


MINE = """
import sys, types
import numpy as np, torch
from alphazero import devices
devices.BACKENDS["mine"] = devices.Backend("mine", ("fp32",), ("torch",))
from alphazero.evaluators.torch_plain import TorchEvaluator

class Mine(TorchEvaluator):
    def describe(self):
        return "mine"

sys.modules["alphazero.evaluators.mine"] = module = types.ModuleType("mine")
module.make = lambda network, precision: Mine(network)
module.precisions = lambda: ["fp32"]
from alphazero.config import NetworkConfig
from alphazero.evaluators import choose, make_evaluator
from alphazero.game import make
from alphazero.network import Network, shape_of

network = Network(shape_of(make("connect4")), NetworkConfig(blocks=1, channels=8)).eval()
assert make_evaluator(network, "mine").describe() == "mine"
assert "mine-fp32" in choose.candidates() and "mine" in choose.available()
assert "mine" in [name.split("-")[0] for name, _, _ in choose.measured(network, choose.candidates())]
"""


def test_an_evaluator_is_a_file_and_an_entry(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", MINE], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_a_path_that_computes_something_else_is_dropped(monkeypatch):
    class Wrong(TorchEvaluator):
        def evaluate(self, planes):
            logits, wdl = super().evaluate(planes)
            return logits * 2.0, wdl

    monkeypatch.setitem(choose.CPU_BACKENDS, "torch-bf16", Wrong)
    monkeypatch.setattr(choose, "candidates", lambda: ["torch-bf16"])
    monkeypatch.delenv("ALPHAZERO_EVALUATOR")
    net = network()
    assert choose.measured(net, ["torch-bf16"]) == []
    assert make_evaluator(net, "cpu").describe() == "torch cpu fp32"


def test_a_lanes_speed_is_measured_once_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []

    class Counted(TorchEvaluator):
        def evaluate_in_lane(self, planes):
            calls.append(len(planes))
            return super().evaluate_in_lane(planes)

    net = network()
    seconds = choose.lane_seconds(net, Counted(net))
    assert seconds and 0 < seconds < 1 and set(calls) == {choose.MEASURED_BATCH}
    calls.clear()
    assert choose.lane_seconds(net, Counted(net)) == pytest.approx(seconds, rel=1e-3) and not calls
    other = network("go", board_size=7)
    assert choose.lane_seconds(other, Counted(other)) and calls, "another network is another measurement"
    file = tmp_path / "alphazero" / "evaluators.json"
    file.write_text(file.read_text().replace("e-0", "nonsense"))
    calls.clear()
    assert choose.lane_seconds(net, Counted(net)) and calls

    class Whole:  # no lanes: such as on a GPU
        evaluate = load_weights = set_threads = describe = None

    assert choose.lane_seconds(net, Whole()) is None


def test_the_fastest_is_measured_once_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("ALPHAZERO_EVALUATOR")
    monkeypatch.setattr(choose, "candidates", lambda: ["torch-fp32", "torch-bf16"])
    times = []

    def fake(work, times_=5):
        times.append(work)
        return 2.0 if len(times) == 1 else 1.0

    monkeypatch.setattr(choose, "fastest", fake)
    assert make_evaluator(network(), "auto" if not torch.cuda.is_available() else "cpu").describe() == "torch cpu bf16"
    assert list(json.loads((tmp_path / "alphazero" / "evaluators.json").read_text()).values()) == ["torch-bf16"]
    assert make_evaluator(network(seed=1), "cpu").describe() == "torch cpu bf16"
    assert len(times) == 2, "the second time nothing was measured"
    (tmp_path / "alphazero" / "evaluators.json").write_text("not json")
    make_evaluator(network(), "cpu")
    assert len(times) == 4, "a broken memory is measured anew"


@pytest.mark.parametrize(
    "device, message",
    [("tpu", "unknown device 'tpu'"), ("cuda", "no CUDA GPU"), ("openvino", "pip install 'alphazero-engine[play]'")],
)
def test_a_device_that_is_not_there_is_refused_in_one_line(device, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(choose.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as raised:
        make_evaluator(network(), device)
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_a_wrong_evaluator_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("ALPHAZERO_EVALUATOR", "abacus")
    with pytest.raises(UserError, match="ALPHAZERO_EVALUATOR=abacus"):
        make_evaluator(network(), "cpu")


def test_weights_folded_in_place_are_the_weights_folded_anew():
    for game, options in (("connect4", {}), ("go", {"board_size": 5}), ("chess", {})):
        first, second = network(game, 1, **options), network(game, 2, **options)
        target = folded(first)
        held = next(target.parameters())
        fold_into(target, second)
        planes = torch.from_numpy(proof_planes(first.shape, 4))
        own, new = target(planes), folded(second)(planes)
        assert own.heads.keys() == new.heads.keys()
        for a, b in ((own.policy, new.policy), (own.wdl, new.wdl), *((own.heads[n], new.heads[n]) for n in new.heads)):
            assert torch.allclose(a, b, atol=1e-5)
        assert held is next(target.parameters()), "the same tensors, with new numbers"


@pytest.mark.parametrize(
    "game, options, trained_on",
    [
        ("connect4", {}, {}),
        ("go", {"board_size": 9}, {"board_size": 9}),
        ("go", {"board_size": 9}, {"board_size": 7}),
        ("go", {"board_size": 5}, {"board_size": 7}),
        ("chess", {}, {}),
        ("shogi", {}, {}),
    ],
)
def test_packed_positions_are_evaluated_as_their_planes(game, options, trained_on):
    """Two pools of the same games, one handing out planes, one bits: the same leaves, the same answers."""
    made = az.Game(game, **options)
    net = network(game, 3, **trained_on)
    plain, packed = TorchEvaluator(net), PackedTorchEvaluator(net, "cpu", torch.float32)
    settings = {"games_in_flight": 12, "batch_size": 6, "threads": 1, "symmetry": True, "seed": 4}
    player = {"kind": "puct", "simulations": 8, "evaluator": 0, "noise": True}
    pools = [Pool(made, {**settings, "layout": layout}, [player]) for layout in ("float32", "packed")]
    for _ in range(20):
        dense, bits = (pool.next_batch(5.0) for pool in pools)
        logits, wdl = plain.evaluate(pools[0].planes(dense))
        legal, count = pools[1].legal(bits), pools[1].legal_count(bits)
        own_logits, own_wdl = packed.collect(packed.submit(*pools[1].packed(bits), legal, count, pools[1].board))
        assert np.allclose(wdl, own_wdl, atol=1e-5)
        for row in range(len(dense)):
            n = count[row]
            assert np.array_equal(legal[row, :n], pools[0].legal(dense)[row, :n])
            assert np.allclose(logits[row, legal[row, :n]], own_logits[row, :n], atol=1e-4)
        with pytest.raises(ValueError, match="packs its batches"):
            pools[1].planes(bits)
        with pytest.raises(ValueError, match="planes of numbers"):
            pools[0].packed(dense)
        pools[0].finish(dense, logits, wdl)
        gathered = np.stack([logits[row][legal[row]] for row in range(len(bits))])
        pools[1].finish(bits, gathered, wdl, gathered=True)
    for pool in pools:
        pool.close()


@pytest.mark.parametrize("game", ["connect4", "go", "chess", "shogi"])
def test_bf16_planes_are_the_nearest_to_float_planes(game):
    made = az.Game(game)
    # The caller searches: the same rows in the same batches.
    settings = {"games_in_flight": 12, "batch_size": 6, "threads": 0, "symmetry": True, "seed": 4, "opening_plies": 40}
    pools = [Pool(made, {**settings, "layout": layout}, [{"simulations": 8}]) for layout in ("float32", "bfloat16")]
    for _ in range(10):
        dense, halves = (pool.next_batch(5.0) for pool in pools)
        planes = pools[0].planes(dense)
        assert pools[1].planes(halves).dtype == np.uint16
        # PyTorch's own conversion is the oracle.
        expected = torch.from_numpy(planes).to(torch.bfloat16).view(torch.uint16).numpy()
        assert np.array_equal(pools[1].planes(halves), expected)
        assert np.array_equal(bf16_bits(planes), expected)
        for pool, batch in zip(pools, (dense, halves), strict=True):
            rows = len(batch)
            pool.finish(batch, np.zeros((rows, made.policy_size), np.float32), np.full((rows, 3), 1 / 3, np.float32))
    for pool in pools:
        pool.close()


def test_openvino_says_the_same_of_planes_in_either_form():
    net = network("chess")
    planes = proof_planes(net.shape, 8)
    evaluator = OpenVinoEvaluator(net, "bf16")
    assert batch_layout([evaluator]) == "bfloat16"
    assert batch_layout([OpenVinoEvaluator(net, "fp32")]) == "float32"
    assert batch_layout([evaluator, TorchEvaluator(net)]) == "float32"
    evaluator.set_lanes(2)
    known = evaluator.evaluate(planes)
    for found in (evaluator.evaluate(bf16_bits(planes)), evaluator.evaluate_in_lane(bf16_bits(planes))):
        assert divergence(known[0], found[0]) < 1e-5
        assert np.allclose(known[1], found[1], atol=2e-3)


def test_batches_under_way_are_collected_in_order_and_bounded():
    net = network()
    evaluator = PackedTorchEvaluator(net, "cpu", torch.float32, lanes=2)
    assert batch_layout([evaluator]) == "packed" and batch_layout([TorchEvaluator(net)]) == "float32"
    assert batch_layout([evaluator, TorchEvaluator(net)]) == batch_layout([]) == "float32"
    game = az.Game("connect4")
    settings = {"games_in_flight": 24, "batch_size": 8, "threads": 2, "games": 30, "seed": 1, "layout": "packed"}
    pool = Pool(game, settings, [{"kind": "gumbel", "simulations": 8, "evaluator": 0}])
    feed, games, most = Feed(pool, [evaluator], "packed"), 0, 0
    while not pool.done:
        feed.step()
        most = max(most, len(feed._under_way))
        games += len(pool.take_finished())
    feed.drain()
    assert games + len(pool.take_finished()) == 30
    assert 1 <= most <= 2
    pool.close()
    batch = (
        np.zeros((1, 2, 8), np.uint8),
        np.zeros((1, net.shape.planes - 2), np.float32),
        np.zeros((1, 7), np.int32),
        np.ones(1, np.int32),
        (6, 7),
    )
    evaluator.submit(*batch), evaluator.submit(*batch)
    with pytest.raises(RuntimeError, match="2 batches are under way"):
        evaluator.submit(*batch)


def test_a_batch_that_fails_or_is_abandoned_costs_no_lane():
    evaluator = PackedTorchEvaluator(network(), "cpu", torch.float32, lanes=2)
    with pytest.raises(RuntimeError):  # a move that the policy does not have
        legal = np.full((1, 7), 99, np.int32)
        bits, scalars = np.zeros((1, 2, 8), np.uint8), np.zeros((1, evaluator._network.shape.planes - 2), np.float32)
        evaluator.submit(bits, scalars, legal, np.ones(1, np.int32), (6, 7))
    settings = {"games_in_flight": 8, "batch_size": 4, "threads": 1, "layout": "packed"}
    for _ in range(3):
        pool = Pool(az.Game("connect4"), settings, [{"simulations": 8, "evaluator": 0}])
        feed = Feed(pool, [evaluator], "packed")
        assert feed.step() and len(evaluator._free) == 1
        feed.abandon()
        assert len(evaluator._free) == 2
        pool.close()


# --- lanes ---


LANED = [pytest.param("torch", id="torch"), pytest.param("openvino", id="openvino"), pytest.param("onnx", id="onnx")]


@pytest.mark.parametrize("device", LANED)
def test_lanes_answer_as_one_thread_does_and_take_over_new_weights_whole(device):
    if device != "torch":
        pytest.importorskip({"onnx": "onnxruntime"}.get(device, device))
    first, second = network(seed=0), network(seed=1)
    evaluator = make_evaluator(first, device)
    assert isinstance(evaluator, LanedEvaluator)
    evaluator.set_lanes(3)
    assert "3 lanes" in evaluator.describe()
    planes = proof_planes(first.shape, 16)
    known = [exact(net, planes) for net in (first, second)]
    assert divergence(known[0][0], known[1][0]) > 1e-2  # the two can be told apart
    answers: list[F32] = []
    stop = threading.Event()

    def lane() -> None:
        while not stop.is_set():
            answers.append(evaluator.evaluate_in_lane(planes)[0])

    threads = [threading.Thread(target=lane) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(answers) < 10:
        time.sleep(0.001)
    evaluator.load_weights(second)
    later = len(answers)
    while len(answers) < later + 30:
        time.sleep(0.001)
    stop.set()
    for thread in threads:
        thread.join()
    which = [min((0, 1), key=lambda i: divergence(known[i][0], found)) for found in answers]
    for i, found in zip(which, answers, strict=True):
        assert divergence(known[i][0], found) < MOST_OF_BF16  # never a mixture
    assert which[0] == 0
    assert which[later:].count(0) <= 3  # what was under way in each lane, however late it comes


def test_a_pool_on_lanes_plays_the_games_of_one_thread():
    class RowByRow(TorchEvaluator):
        """Sums in one order whatever else is in the batch, as fast networks do not."""

        def evaluate(self, planes: F32) -> tuple[F32, F32]:
            rows = [super(RowByRow, self).evaluate(row[None]) for row in planes]
            return np.concatenate([each[0] for each in rows]), np.concatenate([each[1] for each in rows])

    game = az.Game("connect4")
    net = Network(shape_of(game), NetworkConfig(blocks=1, channels=8)).eval()
    played = []
    for lanes in (1, 3):
        evaluator = RowByRow(net)
        assert lanes_for([evaluator], lanes) == lanes
        settings = {"games_in_flight": 24, "batch_size": 4, "threads": 2, "games": 40, "seed": 5}
        pool = Pool(game, settings, [{"kind": "puct", "simulations": 12, "evaluator": 0, "noise": True}])
        feed = Feed(pool, [evaluator], lanes=lanes)
        records = []
        while feed.step():
            records += pool.take_finished()
        records += pool.take_finished()
        feed.abandon()
        pool.close()
        played.append({record.number: record.to_bytes() for record in records})
    assert len(played[0]) == 40
    assert played[0] == played[1]


def test_lanes_rest_when_they_are_told_to_and_go_on():
    game = az.Game("connect4")
    evaluator = TorchEvaluator(Network(shape_of(game), NetworkConfig(blocks=1, channels=8)))
    pool = Pool(game, {"games_in_flight": 16, "batch_size": 4}, [{"simulations": 8, "evaluator": 0}])
    feed = Feed(pool, [evaluator], lanes=lanes_for([evaluator], 2))

    def answered(steps: int) -> int:
        before = pool.counts["evaluations"]
        for _ in range(steps):
            feed.step()
            pool.take_finished()
        return pool.counts["evaluations"] - before

    assert answered(20) > 0
    feed.drain()
    still = pool.counts["evaluations"]
    time.sleep(0.02)
    assert pool.counts["evaluations"] == still
    feed.use(1)
    assert answered(20) > 0
    feed.use(0)
    answered(20)
    assert answered(5) == 0
    feed.use(2)
    assert answered(20) > 0
    feed.abandon()
    pool.close()


def test_what_fails_in_a_lane_is_told_by_the_step():
    class Broken(TorchEvaluator):
        def evaluate_in_lane(self, planes: F32) -> tuple[F32, F32]:
            raise OSError("the device is gone")

    game = az.Game("connect4")
    evaluator = Broken(Network(shape_of(game), NetworkConfig(blocks=1, channels=8)))
    pool = Pool(game, {"games_in_flight": 16, "batch_size": 4}, [{"simulations": 8, "evaluator": 0}])
    feed = Feed(pool, [evaluator], lanes=lanes_for([evaluator], 2))
    with pytest.raises(OSError, match="the device is gone"):
        for _ in range(1000):
            feed.step()
    feed.abandon()
    pool.close()


def test_one_evaluator_that_knows_no_lanes_keeps_all_in_one_thread():
    class Own:
        def evaluate(self, planes: F32) -> tuple[F32, F32]:
            raise NotImplementedError

    net = Network(shape_of(az.Game("connect4")), NetworkConfig(blocks=1, channels=8))
    assert lanes_for([TorchEvaluator(net), Own()], 4) == 1
    assert lanes_for([], 4) == 1
    assert lanes_for([TorchEvaluator(net)], 1) == 1


def test_lanes_that_nobody_ended_do_not_keep_the_program_alive():
    program = """
import alphazero as az
import numpy as np
from alphazero._core import Pool
from alphazero.feeding import Feed
class Even:
    def evaluate_in_lane(self, planes):
        return np.zeros((len(planes), 7), np.float32), np.full((len(planes), 3), 1 / 3, np.float32)
    evaluate = evaluate_in_lane
    set_lanes = set_threads = load_weights = describe = lambda self, *_: None
pool = Pool(az.Game("connect4"), {"games_in_flight": 16, "batch_size": 2}, [{"simulations": 8, "evaluator": 0}])
feed = Feed(pool, [Even()], lanes=4)
feed.use(2)
feed.step()
raise SystemExit(3)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=20).returncode == 3


@pytest.mark.parametrize("given", [0, 1])
def test_where_there_are_too_few_threads_for_all_lanes_fewer_answer(given, monkeypatch):
    game = az.Game("connect4")
    evaluator = TorchEvaluator(Network(shape_of(game), NetworkConfig(blocks=1, channels=8)))
    pool = Pool(game, {"games_in_flight": 8, "batch_size": 4, "games": 8}, [{"simulations": 4, "evaluator": 0}])
    feed = Feed(pool, [evaluator], lanes=lanes_for([evaluator], 4))
    start, left = threading.Thread.start, [given]

    def start_of_few(thread: threading.Thread) -> None:
        if left[0] == 0:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_of_few)
    try:
        if given:
            while feed.step():
                pass
            assert len(pool.take_finished()) == 8
        else:
            with pytest.raises(UserError, match="gives no thread"):
                feed.step()
    finally:
        feed.abandon()
        pool.close()


def test_weights_that_come_while_a_lane_makes_its_session_are_not_lost(monkeypatch):
    pytest.importorskip("onnxruntime")
    from alphazero.evaluators import onnx_cpu

    makes, loaded, make = threading.Event(), threading.Event(), onnx_cpu._session

    def slow(model: bytes, threads: int):
        session = make(model, threads)
        if threads == 1 and not makes.is_set():
            makes.set()
            loaded.wait(0.3)
        return session

    monkeypatch.setattr(onnx_cpu, "_session", slow)
    first, second = network(seed=0), network(seed=1)
    planes = proof_planes(first.shape, 8)
    evaluator = onnx_cpu.OnnxEvaluator(first)
    evaluator.set_lanes(2)
    lane = threading.Thread(target=evaluator.evaluate_in_lane, args=(planes,))
    lane.start()
    makes.wait()
    evaluator.load_weights(second)
    loaded.set()
    lane.join()
    assert divergence(exact(second, planes)[0], evaluator.evaluate_in_lane(planes)[0]) < 1e-4


@pytest.mark.parametrize("backend", list(choose.CPU_BACKENDS))
def test_every_backend_answers_for_other_boards_too(backend):
    """A run with boards of several sizes (selfplay.variants) asks one evaluator for all of them, also with new weights."""
    if backend not in backends():
        pytest.skip(f"{backend}: this processor has no bf16")
    small, same = network("go", board_size=5), network("go", board_size=7)
    same.load_state_dict(small.state_dict())
    planes = {5: proof_planes(small.shape, 3), 7: proof_planes(same.shape, 3)}
    evaluator = choose.CPU_BACKENDS[backend](small)
    bound = 0.05 if "bf16" in backend else 1e-4
    for scale in (1.0, 1.5):
        with torch.no_grad():
            small.policy_out.weight.mul_(scale)
            same.policy_out.weight.mul_(scale)
        evaluator.load_weights(small)
        for size, net in ((5, small), (7, same)):
            for answer in (evaluator.evaluate, evaluator.evaluate_in_lane):
                assert divergence(exact(net, planes[size])[0], answer(planes[size])[0]) < bound


def test_lanes_of_torch_leave_other_threads_their_cores():
    before = torch.get_num_threads()
    found: list[int] = []
    try:
        torch.set_num_threads(3)
        evaluator = TorchEvaluator(network())
        evaluator.set_lanes(2)
        for work in (
            lambda: evaluator.evaluate_in_lane(proof_planes(network().shape, 2)),
            lambda: found.append(torch.get_num_threads()),
        ):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert found == [3] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("games, lanes", [(1, 1), (3, 3), (40, 8)])
def test_a_match_of_few_games_has_no_more_lanes_than_games(games, lanes, monkeypatch):
    monkeypatch.setattr(match, "cores", lambda: 8)
    game = az.Game("connect4")
    players = [NetworkPlayer(str(seed), game, TorchEvaluator(network(seed=seed)), {}) for seed in (0, 1)]
    entrants = [match.Entrant(player.name, player, {"simulations": 4}) for player in players]
    pairings = {number: match.Pairing(number % 2, 1 - number % 2, "", number // 2) for number in range(games)}
    table = match.Table(game, entrants, pairings)
    assert table._feed.lanes == lanes
    finished = []
    while table.step():
        finished += table.take_finished()
    finished += table.take_finished()
    table.close()
    assert sorted(record.number for record in finished) == list(range(games))


def test_a_signal_comes_in_after_another_thread_took_an_evaluator_down():
    """OpenVINO gives the thread that makes its plugin a stack for signals, and took it away from whatever thread dropped it."""
    pytest.importorskip("openvino", reason="the backend in question")
    program = """
import signal, threading, time
import alphazero as az
from alphazero.evaluators import load_evaluator
from alphazero.pretrained import path_of
from alphazero.checkpoint import read_meta
from alphazero.evaluators.openvino_cpu import OpenVinoEvaluator
from alphazero import weights
folder = path_of("pretrained:chess")
held = [OpenVinoEvaluator(weights.read(folder, read_meta(folder)["network"]), "fp32")]
import numpy as np
held[0].evaluate(np.zeros((1, *az.Game("chess").planes_shape), np.float32))
thread = threading.Thread(target=held.clear)
thread.start()
thread.join()
came = []
signal.signal(signal.SIGALRM, lambda *_: came.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.05)
end = time.monotonic() + 5
while not came and time.monotonic() < end:
    pass
print(len(came))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
