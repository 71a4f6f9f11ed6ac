"""The tables of a run: turns on a device, stores that tell what they cost, weights that are no numbers, resignation."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import alphazero as az
from alphazero import checkpoint
from alphazero._core import GameRecord, Pool, Sampler
from alphazero.config import Config, load_config
from alphazero.errors import UserError
from alphazero.evaluators.torch_packed import PackedTorchEvaluator
from alphazero.network import Network, shape_of
from alphazero.training import loop, run, selfplay, swap
from alphazero.training.prefetch import Prefetch
from alphazero.training.replay import Replay
from alphazero.training.trainer import Trainer

GO = """
game: {name: go, options: {board_size: 5, max_plies: 30}}
network: {blocks: 1, channels: 8, value_hidden: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 16, batch_size: 8, VARIANTS}
replay: {window_min: 500, min_positions: 100, chunk_games: 8}
training: {batch_size: 32, budget_games: 40, checkpoint_every: 10}
"""


def config_of(folder: Path, variants: str = "symmetry: true", *overrides: str) -> Config:
    (folder / "run.yaml").write_text(GO.replace("VARIANTS", variants))
    return load_config(folder / "run.yaml", overrides)


def played(pool: Pool) -> list[GameRecord]:
    """All games of a pool that needs no answers."""
    records = []
    while not pool.done:
        pool.next_batch(0.1)
        records += pool.take_finished()
    return records + pool.take_finished()


def test_variants_take_turns_on_a_device_that_has_batches_under_way(tmp_path):
    config = config_of(tmp_path, "variants: [{share: 0.3, board_size: 4}, {share: 0.2, board_size: 3}]")
    game = az.Game("go", board_size=5, max_plies=30)
    torch.manual_seed(0)
    evaluator = PackedTorchEvaluator(Network(shape_of(game), config.network), "cpu", torch.float32, lanes=3)
    variants = selfplay.variants_of(config, game)
    playing = selfplay.SelfPlay(
        variants,
        evaluator,
        selfplay.plan_run(config, game, gpu=False),
        version=7,
        simulations=config.search.simulations,
        first_games=[0, 100, 200],
    )
    finished = []
    for _ in range(1500):
        finished += playing.step()
    cost = [each.pool.counts["evaluations"] for each in playing._playing]
    playing.close()
    assert [variant.game.options["board_size"] for variant in variants] == [5, 4, 3]
    assert cost[0] / sum(cost) == pytest.approx(0.5, abs=0.1)
    assert cost[1] / sum(cost) == pytest.approx(0.3, abs=0.1)
    assert playing.counts()["evaluations"] == sum(cost), "what was counted stays"
    assert {each.variant for each in finished} == {0, 1, 2}
    assert all(each.record.number >= 100 * each.variant for each in finished)
    assert {each.record.version for each in finished} == {7}  # the first games, too


def test_what_games_cost_is_kept_with_the_games(tmp_path):
    config = config_of(tmp_path, "symmetry: true", "training.checkpoint_every=100000")
    assert run.train(config, tmp_path / "run", "cpu").evaluations > 1000
    whole = checkpoint.read_meta(checkpoint.resolve(tmp_path / "run"))["evaluations"]
    # Killed before any checkpoint but the first: the games are there, and so is what they cost.
    for step in checkpoint.steps(tmp_path / "run")[1:]:
        shutil.rmtree(tmp_path / "run" / "checkpoints" / str(step))
    (tmp_path / "run" / "checkpoints" / "latest").write_text("0\n")
    run_again = run.train(
        config_of(tmp_path, "symmetry: true", "training.budget_evaluations=1"), tmp_path / "run", "cpu"
    )
    assert run_again.trainer.steps > 0  # paid for by those games, though the budget of new ones is spent
    assert 0.6 * whole < run_again.evaluations <= whole  # but for the games that were under way


def test_weights_that_are_no_numbers_are_neither_saved_nor_played_with(tmp_path, monkeypatch):
    step = Trainer.step

    def poisoned(self, batch, progress):
        figures = step(self, batch, progress)
        if self.steps >= 25:
            next(iter(self.averaged.parameters())).data[0] = float("nan")
        return figures

    config = config_of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", poisoned)
        with pytest.raises(UserError, match=r"no longer numbers at step \d+, and were not saved.*from step \d"):
            run.train(config, tmp_path / "run", "cpu")
    saved = checkpoint.steps(tmp_path / "run")
    assert 0 < saved[-1] < 25
    for tensor in checkpoint.load(checkpoint.resolve(tmp_path / "run")).network.state_dict().values():
        assert bool(tensor.isfinite().all())
    assert run.train(config, tmp_path / "run", "cpu").trainer.steps > 25  # and the same call goes on


def test_a_run_goes_on_only_with_the_variants_it_began_with(tmp_path):
    run.train(
        config_of(tmp_path, "variants: [{share: 0.3, board_size: 4}]", "training.budget_games=8"),
        tmp_path / "run",
        "cpu",
    )
    with pytest.raises(UserError, match=r"begun with another selfplay\.variants"):
        run.train(config_of(tmp_path), tmp_path / "run", "cpu")


def test_self_play_resigns_once_games_played_to_the_end_show_that_it_is_safe(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_SECONDS", 0.2)
    monkeypatch.setattr(swap, "SWAP_SHARE", 1.0)  # on a busy machine games would be played with untaught values
    # Half of the games never resign: they take three times as long, so few of them would be among the last finished.
    keys = ["selfplay.resign_threshold=-0.3", "selfplay.resign_from=0.3", "selfplay.resign_wrong=1.0"]
    keys += ["selfplay.resign_keep=0.5", "training.budget_games=300"]
    config = config_of(tmp_path, "symmetry: true", *keys, "search.simulations=8")
    run.train(config, tmp_path / "run", "cpu")
    game = az.Game("go", board_size=5, max_plies=30)
    replay = Replay(tmp_path / "run" / "replay", game, chunk_games=8, window_scale=500, window_exponent=0.75)
    records = list(replay)
    early, late = records[:60], records[150:]
    assert not any(record.reason == "resign" for record in early)
    assert all(record.to_the_end for record in early)
    resigned = [record for record in late if record.reason == "resign"]
    assert len(resigned) > 20
    assert not any(record.to_the_end for record in resigned)
    assert sum(record.to_the_end for record in late) > 10  # to measure by


def test_self_play_goes_on_while_a_batch_is_drawn(tmp_path):
    """As on a device, where batches are drawn ahead: here none is, until half of the games have been played."""
    config = config_of(tmp_path, "symmetry: true", "training.budget_games=80", "replay.chunk_games=4", "replay.reuse=1")
    training = run.Run(config, tmp_path, "cpu")
    came_in_time = []

    def draw(step: int) -> dict[str, torch.Tensor]:
        end = time.monotonic() + 20.0
        while training.store.games < 40 and time.monotonic() < end:
            time.sleep(0.01)
        came_in_time.append(training.store.games >= 40)
        return training.learner.draw(step)

    training.learner.prefetch = Prefetch(draw, 2)
    training.train()
    assert training.trainer.steps > 0
    assert came_in_time and all(came_in_time)


def test_self_play_waits_where_training_is_far_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "MOST_BEHIND", 2)
    keys = ["training.budget_games=40", "replay.chunk_games=4", "replay.reuse=1"]
    config = config_of(tmp_path, "symmetry: true", *keys)
    training = run.Run(config, tmp_path, "cpu")

    def draw(step: int) -> dict[str, torch.Tensor]:
        time.sleep(0.1)
        return training.learner.draw(step)

    training.learner.prefetch = Prefetch(draw, 2)
    training.train()
    paid = training.store.positions / config.training.batch_size
    of_a_chunk = 4 * 30 / config.training.batch_size
    assert 0 <= paid - training.trainer.steps <= 2 + of_a_chunk + 1


def test_the_end_of_a_game_teaches_only_where_it_was_reached():
    game = az.Game("connect4")
    player = {"kind": "puct", "simulations": 8, "evaluator": -2, "resign_threshold": -0.6, "resign_keep": 0.5}
    pool = Pool(game, {"games_in_flight": 8, "batch_size": 8, "threads": 1, "games": 40, "seed": 1}, [player])
    records = played(pool)
    sampler = Sampler(game)
    resigned = positions = 0
    for record in records:
        drawn = sampler.add(record.to_bytes())
        positions += drawn
        resigned += drawn * (record.reason == "resign")
    assert 0.1 < resigned / positions < 0.9
    ended = sampler.sample(4000, 1)["ended"]
    assert set(ended.tolist()) == {0.0, 1.0, 2.0}  # 2: kept from resignation, as one of two is
    assert (ended == 0.0).mean() == pytest.approx(resigned / positions, abs=0.03)


def test_short_searches_do_not_water_surprise_down():
    game = az.Game("connect4")
    player = {
        "kind": "gumbel",
        "simulations": 16,
        "evaluator": -2,
        "noise": True,
        "full_fraction": 0.25,
        "fast_simulations": 4,
    }
    pool = Pool(game, {"games_in_flight": 8, "batch_size": 8, "threads": 1, "games": 60, "seed": 1}, [player])
    records = played(pool)
    sampler = Sampler(game)
    nats = []
    fast = 0
    for record in records:
        sampler.add(record.to_bytes())
        kinds = np.array(record.kinds)
        nats += record.surprises[kinds == 3].tolist()
        fast += int((kinds == 2).sum())
    weights = 0.5 + 0.5 * np.minimum(np.array(nats) / np.mean(nats), 4.0)
    expected = weights.sum() / (weights.sum() + 0.5 * fast)
    share = sampler.sample(20000, 1, surprise=0.5)["policy_weight"].mean()
    assert share == pytest.approx(expected, abs=0.02)
    assert expected < 0.5  # full searches are a quarter of all, and weigh twice as much
