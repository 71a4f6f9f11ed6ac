"""Network, trainer, evaluator and checkpoints: what is learned, kept, and given back."""

from __future__ import annotations

import copy
import json
import shutil
import threading

import numpy as np
import pytest
import torch

import alphazero as az
from alphazero import checkpoint
from alphazero._core import UNIFORM, Pool, Sampler
from alphazero.config import NetworkConfig, TrainingConfig
from alphazero.network import Network, Shape, folded, shape_of
from alphazero.training.prefetch import Prefetch
from alphazero.training.trainer import Trainer

GO = Shape(planes=23, height=5, width=5, policy_size=26, ownership=True)
TINY = NetworkConfig(blocks=2, channels=16, value_hidden=16)


def batch_of(shape: Shape, n: int = 32, seed: int = 0) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)
    index = np.tile(np.arange(shape.policy_size), (n, 1))
    arrays = {
        "planes": (rng.random((n, shape.planes, shape.height, shape.width)) < 0.3),
        "policy": rng.dirichlet(np.full(shape.policy_size, 0.1), n),
        "policy_weight": np.ones(n),
        "wdl": np.eye(3)[rng.integers(0, 3, n)],
        "ownership": rng.integers(-1, 2, (n, shape.height, shape.width)),
        "score": rng.normal(0, 10, n),
        "plies_left": rng.integers(1, 60, n),
        "ended": rng.integers(0, 2, n),
        "reply": rng.dirichlet(np.full(shape.policy_size, 0.1), n),
        "reply_weight": rng.integers(0, 2, n),
    }
    batch = {name: torch.from_numpy(a.astype(np.float32)) for name, a in arrays.items()}
    return batch | {f"{head}_index": torch.from_numpy(index.astype(np.int32)) for head in ("policy", "reply")}


def trained(shape: Shape = GO, steps: int = 5) -> Trainer:
    torch.manual_seed(0)
    trainer = Trainer(Network(shape, TINY), TrainingConfig(warmup_steps=2), "cpu")
    for i in range(steps):
        trainer.step(batch_of(shape, seed=i), i / 20)
    return trainer


def meta(**changes):
    return {
        "game": "go",
        "options": {"board_size": 5},
        "steps": 5,
        "games": 1,
        "positions": 2,
        "seconds": 3.0,
        **changes,
    }


def test_one_batch_is_overfitted():
    torch.manual_seed(0)
    network = Network(GO, TINY)
    trainer = Trainer(network, TrainingConfig(learning_rate=0.01, warmup_steps=1, schedule="constant"), "cpu")
    batch = batch_of(GO, 16)
    figures = [trainer.step(batch, 0.0) for _ in range(300)]
    assert float(figures[-1]["policy_kl"]) < 0.1 < float(figures[0]["policy_kl"])
    assert float(figures[-1]["value_loss"]) < 0.05
    assert float(figures[-1]["ownership_loss"]) < 0.1


def test_the_policy_loss_is_the_cross_entropy_with_the_listed_moves():
    """Against torch's own, on dense rows: lists in any order, with room left over, rows without a target among them."""
    torch.manual_seed(0)
    trainer = trained()
    batch = batch_of(GO, 8)
    dense = {}
    for head in ("policy", "reply"):
        index = torch.stack([torch.randperm(GO.policy_size)[:9] for _ in range(8)])
        share = torch.rand(8, 9)
        share[:, 6:] = 0.0  # not used: index 0
        index[:, 6:] = 0
        share /= share.sum(1, keepdim=True)
        weight = torch.tensor([1.0, 1, 0, 1, 1, 0, 1, 1])
        share *= weight[:, None]
        batch |= {f"{head}_index": index.int(), head: share, f"{head}_weight": weight}
        dense[head] = torch.zeros(8, GO.policy_size).scatter_add_(1, index, share)
    with torch.no_grad():
        output = trainer.network(batch["planes"])
        _, figures = trainer.losses(output, batch)
    for head, logits in (("policy", output.policy), ("reply", output.heads["reply"])):
        expected = torch.nn.functional.cross_entropy(logits, dense[head], reduction="none").sum() / 6
        assert float(figures[f"{head}_loss"]) == pytest.approx(float(expected), rel=1e-5)
    entropy = torch.special.entr(dense["policy"]).sum() / 6
    assert float(figures["policy_target_entropy"]) == pytest.approx(float(entropy), rel=1e-5)
    right = (output.policy.argmax(1) == dense["policy"].argmax(1)) & (dense["policy"].sum(1) > 0)
    assert float(figures["policy_accuracy"]) == pytest.approx(float(right.sum()) / 6)


def test_logits_that_drifted_together_come_back():
    """The cross-entropy does not see what is added to all logits of a position; bf16 does."""

    def drift(z_weight: float) -> float:
        torch.manual_seed(0)
        config = TrainingConfig(learning_rate=0.01, warmup_steps=1, schedule="constant", z_weight=z_weight)
        trainer = Trainer(Network(GO, TINY), config, "cpu")
        with torch.no_grad():
            for layer in (trainer.network.policy_out, trainer.network.policy_extra):
                layer.bias += 40.0
        batch = batch_of(GO, 16)
        figures = [trainer.step(batch, 0.0) for _ in range(60)]
        assert float(figures[0]["policy_drift"]) > 35.0
        return float(figures[-1]["policy_drift"])

    assert drift(0.0) > 35.0
    assert drift(1e-2) < 10.0


@pytest.mark.parametrize("game", [az.Game("go", board_size=5), az.Game("shogi"), az.Game("connect4")], ids=str)
def test_packed_batches_teach_what_planes_teach(game):
    """As a run on a device draws them: the same positions, bit for bit the same step."""
    pool = Pool(game, {"games_in_flight": 2, "batch_size": 2, "threads": 1, "games": 2, "seed": 3, "opening_plies": 6},
                [{"kind": "gumbel", "simulations": 4, "evaluator": UNIFORM, "noise": True}])  # fmt: skip
    sampler = Sampler(game)
    while not pool.done:
        pool.next_batch(0.1)
    for record in pool.take_finished():
        sampler.add(record.to_bytes())

    def step(packed: bool) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        torch.manual_seed(1)
        trainer = Trainer(Network(shape_of(game), TINY), TrainingConfig(), "cpu")
        arrays = sampler.sample(16, 1, packed=packed)
        assert ("planes" in arrays) != packed and (arrays["bits"].dtype == np.uint8 if packed else True)
        figures = trainer.step({name: torch.from_numpy(a) for name, a in arrays.items()}, 0.0)
        return figures, torch.cat([p.detach().flatten() for p in trainer.network.parameters()])

    (planes, weights), (bits, same) = step(False), step(True)
    assert planes == bits and torch.equal(weights, same)


def test_positions_without_a_policy_target_teach_no_policy():
    trainer = trained(steps=0)
    batch = batch_of(GO)
    batch["policy_weight"].zero_()
    batch["policy"].zero_()
    output = trainer.network(batch["planes"])
    loss, figures = trainer.losses(output, batch)
    assert float(figures["policy_loss"]) == 0.0
    loss.backward()
    assert trainer.network.policy_out.weight.grad is None or not trainer.network.policy_out.weight.grad.any()


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_training_resumes_bit_for_bit(optimizer, tmp_path):
    def fresh():
        torch.manual_seed(1)
        return Trainer(Network(GO, TINY), TrainingConfig(optimizer=optimizer, warmup_steps=3), "cpu")

    straight, broken = fresh(), fresh()
    for i in range(8):
        straight.step(batch_of(GO, seed=i), i / 10)
    for i in range(4):
        broken.step(batch_of(GO, seed=i), i / 10)
    path = checkpoint.save(tmp_path, broken, meta())
    resumed = fresh()
    resumed.load_state_dict(checkpoint.load_trainer(path))
    for i in range(4, 8):
        resumed.step(batch_of(GO, seed=i), i / 10)
    for mine, theirs in ((straight.network, resumed.network), (straight.averaged, resumed.averaged)):
        for (name, a), b in zip(mine.state_dict().items(), theirs.state_dict().values(), strict=True):
            assert torch.equal(a, b), name


def test_a_state_saved_on_a_gpu_goes_on_here():
    """There the rate is a tensor that a graph reads; here it is a number again, and the steps are the same."""
    trainer = trained()
    state = copy.deepcopy(trainer.state_dict())
    for group in state["optimizer"]["param_groups"]:
        group["lr"], group["capturable"] = torch.tensor(group["lr"]), True
    other = Trainer(Network(GO, TINY), TrainingConfig(warmup_steps=2), "cpu")
    other.load_state_dict(state)
    for each in (trainer, other):
        each.step(batch_of(GO, seed=9), 0.5)
    for own, new in zip(trainer.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(own, new)


@pytest.mark.parametrize("ahead", [0, 2])
def test_batches_drawn_ahead_come_in_the_order_of_their_steps(ahead):
    drawn = []

    def draw(step: int) -> dict[str, torch.Tensor]:
        drawn.append(step)
        if step == 99:
            raise ValueError("nothing to draw")
        return {"step": torch.tensor([step])}

    drawer = Prefetch(draw, ahead)
    assert [int(drawer.batch(step)["step"]) for step in range(5, 12)] == list(range(5, 12))
    assert int(drawer.batch(40)["step"]) == 40, "after a jump, too"
    assert drawn[:7] == list(range(5, 12)), "each is drawn once"
    with pytest.raises(ValueError, match="nothing to draw"):
        drawer.batch(99)
    drawer.close()


def test_a_batch_that_is_still_drawn_need_not_be_waited_for():
    drawn, go_on = [], threading.Event()

    def draw(step: int) -> dict[str, torch.Tensor]:
        assert go_on.wait(20.0)
        drawn.append(step)
        return {"step": torch.tensor([step])}

    drawer = Prefetch(draw, 2)
    assert not drawer.ready(3) and not drawer.ready(3), "asking does not wait"
    go_on.set()
    assert int(drawer.batch(3)["step"]) == 3
    assert int(drawer.batch(4)["step"]) == 4 and int(drawer.batch(5)["step"]) == 5
    assert drawer.ready(6) or int(drawer.batch(6)["step"]) == 6
    drawer.close()
    assert drawn == sorted(set(drawn)), "each is drawn once, in order"
    assert Prefetch(draw, 0).ready(0), "where nothing is drawn ahead, asking for it is what draws it"


def test_folding_the_norms_changes_nothing():
    network = trained().averaged
    planes = batch_of(GO)["planes"]
    with torch.no_grad():
        plain, fold = network(planes), folded(network)(planes)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded(network).modules())
    assert "reply" in plain.heads
    assert "reply" not in fold.heads  # it teaches, and plays no part
    assert fold.heads.keys() == plain.heads.keys() - {"reply"}
    for a, b in [
        (plain[0], fold[0]),
        (plain[1], fold[1]),
        *((plain.heads[name], fold.heads[name]) for name in fold.heads),
    ]:
        assert torch.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("size", [3, 7, 9, 19])
def test_gos_weights_play_on_any_board(size):
    network = trained().averaged
    with torch.no_grad():
        output = network(torch.zeros(2, 23, size, size))
    assert output.policy.shape == (2, size * size + 1)
    assert output.wdl.shape == (2, 3)
    assert output.heads["ownership"].shape == (2, size, size)
    assert output.heads["score"].shape == (2,)


@pytest.mark.parametrize(
    ("shape", "head"),
    [
        (Shape(3, 6, 7, 7, False), "columns"),
        (Shape(119, 8, 8, 4672, False), "board"),
        (Shape(362, 9, 9, 11259, False), "board"),
        (Shape(4, 5, 5, 13, False), "dense"),
    ],
)
def test_the_policy_head_fits_the_game(shape, head):
    assert shape.head == head
    output = Network(shape, TINY)(torch.zeros(2, shape.planes, shape.height, shape.width))
    assert output.policy.shape == (2, shape.policy_size)
    assert "ownership" not in output.heads


def test_the_average_lies_between_start_and_now():
    trainer = trained(steps=1)
    before = {name: p.clone() for name, p in trainer.averaged.named_parameters()}
    trainer.step(batch_of(GO, seed=9), 0.5)
    decay = 3.0 / 12.0
    for name, p in trainer.averaged.named_parameters():
        now = dict(trainer.network.named_parameters())[name]
        assert torch.allclose(p, decay * before[name] + (1 - decay) * now, atol=1e-6)


def test_a_checkpoint_gives_the_same_player_back(tmp_path):
    game = az.Game("go", board_size=5)
    trainer = trained(shape_of(game))
    path = checkpoint.save(tmp_path, trainer, meta(options=game.options))
    assert checkpoint.latest(tmp_path) == path
    player = az.load(tmp_path, device="cpu")
    assert player.game == game
    evaluation = player.evaluate(game.position("C3"))
    assert sum(evaluation.priors.values()) == pytest.approx(1.0)
    assert evaluation.value == pytest.approx(evaluation.wdl[0] - evaluation.wdl[2])
    result = player.search(game.position("C3"), 50)
    assert result.best_move in result.pv[0]
    assert player.with_options(board_size=9).search(az.Game("go", board_size=9).position(), 10).simulations == 10


def test_checkpoints_written_later_replace_the_latest_and_older_ones_can_only_play(tmp_path):
    trainer = trained()
    for _ in range(4):
        trainer.step(batch_of(GO), 0.5)
        checkpoint.save(tmp_path, trainer, meta())
    assert checkpoint.steps(tmp_path) == [6, 7, 8, 9]
    assert checkpoint.latest(tmp_path).name == "9"
    assert checkpoint.load(tmp_path / "checkpoints" / "6").meta["game"] == "go"
    with pytest.raises(checkpoint.CheckpointError, match="can play but not go on training"):
        checkpoint.load_trainer(tmp_path / "checkpoints" / "6")


def test_broken_checkpoints_are_named(tmp_path):
    good = checkpoint.save(tmp_path / "run", trained(), meta())

    def broken(name):
        target = tmp_path / name
        shutil.copytree(good, target)
        return target

    with pytest.raises(ValueError, match="no such checkpoint"):
        az.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no checkpoint here"):
        az.load(tmp_path / "empty")
    (broken("a") / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"model\.safetensors: the weights are missing"):
        az.load(tmp_path / "a")
    file = broken("b") / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut short or damaged"):
        az.load(tmp_path / "b")
    (broken("c") / "meta.json").write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        az.load(tmp_path / "c")
    file = broken("d") / "meta.json"
    text = json.loads(file.read_text())
    text["network"]["channels"] = 8
    file.write_text(json.dumps(text))
    with pytest.raises(ValueError, match="do not fit the network"):
        az.load(tmp_path / "d")
    with pytest.raises(ValueError, match="plays go, not connect4"):
        az.load(good, game=az.Game("connect4"))


def test_the_stable_schedule_falls_over_the_last_tenth():
    config = TrainingConfig(learning_rate=0.01, warmup_steps=1, schedule="stable", final_fraction=0.1)
    trainer = Trainer(Network(GO, TINY), config, "cpu")
    rates = [trainer.learning_rate(progress) for progress in (0.0, 0.5, 0.9, 0.95, 1.0, 1.2)]
    assert rates == pytest.approx([0.01, 0.01, 0.01, 0.0055, 0.001, 0.001])
