"""Training steps that two processes share: the same as one process's, and a process that dies is replaced."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest
import torch
from test_cluster import opened, tiny
from test_replay import GAME, records

from alphazero import checkpoint
from alphazero.cluster.learners import SharedLearner
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.network import make_network, shape_of
from alphazero.training.learner import Learner
from alphazero.training.store import ReplayStore
from alphazero.training.trainer import Trainer


def trainer_of(config: Config) -> Trainer:
    torch.manual_seed(0)
    return Trainer(make_network(shape_of(GAME), config.network), config.training, "cpu")


def filled(folder: Path, config: Config) -> ReplayStore:
    store = opened(folder, config)
    for game in records(64):
        store.add(game)
    return store


def shared(config: Config, store: ReplayStore, run: Path, out: io.StringIO) -> SharedLearner:
    return SharedLearner(trainer_of(config), store, config, run, lambda text: out.write(text + "\n") and None)


@pytest.fixture
def config(tmp_path) -> Config:
    # Two blocks, one of them with global pooling, in float32. The two ways round differently, and training is chaotic: at a
    # rate of 2e-3 a single weight that is changed by 1e-7 changes the loss by 0.1 within 200 steps; at 1e-4 by 3e-4.
    keys = ["network.blocks=2", "training.amp=false", "training.learning_rate=1e-4", "training.warmup_steps=100"]
    return tiny(tmp_path, *keys, "training.batch_size=64", "cluster.learners=2")


@pytest.mark.parametrize("steps", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_two_processes_learn_what_one_does_and_go_on_when_one_is_killed(tmp_path, config, steps):
    store = filled(tmp_path / "replay", config)
    alone = Learner(trainer_of(config), store, config)
    wanted = [{name: float(value) for name, value in alone.step(0.0).items()} for _ in range(steps)]
    out = io.StringIO()
    together = shared(config, store, tmp_path, out)
    try:
        begin = {"game": "connect4", "options": {}, "steps": 0, "games": 0, "positions": 0, "seconds": 0.0}
        found = []
        for step in range(steps):
            found.append({name: float(value) for name, value in together.step(0.0).items()})
            if step == steps // 2:
                checkpoint.save(tmp_path, together.trainer, begin)
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.keys() == theirs.keys()
            assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-3)
        for name, tensor in alone.trainer.averaged.state_dict().items():  # running means and variances among them
            assert torch.allclose(tensor.float(), together.trainer.averaged.state_dict()[name].float(), atol=5e-3), name

        pid = together.processes[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        again = float(together.step(0.0)["loss"])
        assert f"learner-1 is gone: training goes on from step {steps // 2 + 1}" in out.getvalue()
        assert again == pytest.approx(wanted[steps // 2 + 1]["loss"], abs=1e-3)
    finally:
        together.close()
    assert together.processes == []


def test_a_batch_that_cannot_be_shared_evenly_is_refused(tmp_path, config):
    uneven = tiny(tmp_path, "training.batch_size=33", "cluster.learners=2")
    with pytest.raises(UserError, match="2 processes cannot share a batch of 33 evenly"):
        shared(uneven, opened(tmp_path / "replay", uneven), tmp_path, io.StringIO())
