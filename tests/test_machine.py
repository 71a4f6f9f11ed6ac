"""The plan of self-play for a machine: what is asked for stands, the rest follows from the cores, and memory is bounded."""

from __future__ import annotations

import os
import tempfile

import pytest

import alphazero as az
from alphazero import machine
from alphazero._core import Pool
from alphazero.cli import main
from alphazero_bench.soak import resident_megabytes


@pytest.mark.parametrize(
    "cores, gpu, threads, batch, games",
    [
        (1, False, 0, 64, 64),
        (2, False, 0, 64, 128),
        (12, False, 0, 64, 768),
        (64, False, 0, 64, 4096),
        (16, True, 14, 1024, 4096),
        (2, True, 1, 1024, 4096),
    ],
)
def test_the_plan_follows_from_the_cores_and_the_device(monkeypatch, cores, gpu, threads, batch, games):
    monkeypatch.setattr(machine, "cores", lambda: cores)
    plan = machine.plan_selfplay(az.Game("chess"), gpu=gpu, simulations=64)
    assert (plan.threads, plan.batch_size, plan.games_in_flight) == (threads, batch, games)
    assert plan.lanes == (1 if gpu else cores) and plan.trainer_threads == (0 if gpu else max(1, cores // 2))
    assert len(plan.reasons) == (4 if plan.lanes == 1 else 5) and f"{cores} cores" in plan.reasons[0]


@pytest.mark.parametrize(
    "game, cores, gpu, seconds, batch",
    [
        ("go", 2, False, 1e-3, 32),  # a big network: 32 positions keep a core busy for long
        ("go", 2, False, 124e-6, 64),
        ("go", 2, False, 20e-6, 128),
        ("chess", 2, False, 1e-3, 32),
        ("chess", 2, False, 30e-6, 64),  # no further: the planes would leave the cache
        ("shogi", 2, False, 60e-6, 16),
        ("connect4", 8, False, 5e-6, 128),
        ("connect4", 1, False, 5e-6, 128),
        ("connect4", 2, True, None, 1024),
    ],
)
def test_a_batch_keeps_its_core_busy_long_enough_and_stays_in_its_cache(monkeypatch, game, cores, gpu, seconds, batch):
    monkeypatch.setattr(machine, "cores", lambda: cores)
    options = {"board_size": 9} if game == "go" else {}
    plan = machine.plan_selfplay(az.Game(game, **options), gpu=gpu, simulations=32, position_seconds=seconds)
    assert plan.batch_size == batch and plan.games_in_flight == (4 if gpu else plan.lanes) * batch
    if seconds:
        assert f"one takes {1e3 * batch * seconds:.1f} ms" in " ".join(plan.reasons)


def test_what_is_asked_for_stands(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 2)
    plan = machine.plan_selfplay(
        az.Game("go"), gpu=False, simulations=8, threads=3, batch_size=10, games_in_flight=40, cache_megabytes=0
    )
    assert (plan.threads, plan.batch_size, plan.games_in_flight) == (3, 10, 40)
    assert not any(
        word in " ".join(plan.reasons) for word in ("searches and answers batches", "batches of", "games in flight")
    )


def test_no_lane_goes_without_because_one_batch_holds_all_games(monkeypatch):
    """As configurations of version 0.1.0 ask for it, where one batch at a time was answered on all cores."""
    monkeypatch.setattr(machine, "cores", lambda: 4)
    plan = machine.plan_selfplay(az.Game("chess"), gpu=False, simulations=32, batch_size=128, games_in_flight=128)
    assert (plan.lanes, plan.batch_size, plan.games_in_flight) == (4, 32, 128)
    assert any("batches of 32, not 128" in reason for reason in plan.reasons)
    plan = machine.plan_selfplay(az.Game("chess"), gpu=True, simulations=32, batch_size=128, games_in_flight=128)
    assert plan.batch_size == 128


@pytest.mark.parametrize("name, simulations", [("connect4", 64), ("go", 200), ("chess", 100)])
def test_a_pool_takes_no_more_memory_than_its_plan_says(name, simulations):
    game = az.Game(name)
    plan = machine.plan_selfplay(game, gpu=False, simulations=simulations, cache_megabytes=16)
    settings = {"games_in_flight": plan.games_in_flight, "batch_size": plan.batch_size, "cache_megabytes": 16}
    before = resident_megabytes()
    pool = Pool(game, settings, [{"kind": "gumbel", "simulations": simulations, "evaluator": -1}])
    while pool.counts["simulations"] < 2 * plan.games_in_flight * simulations:
        pool.next_batch(0.1)
        pool.take_finished()
    used = resident_megabytes() - before
    pool.close()
    assert used < plan.megabytes + 10.0


def test_doctor_explains_the_plan(capsys):
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    for word in ("searches and answers batches", "batches of", "games in flight", "MB at most"):
        assert word in told


@pytest.mark.parametrize(
    "home, moved, folder",
    [
        ("/home/a", "", "/home/a/.cache/alphazero"),
        ("/home/a", "/b", "/b/alphazero"),
        ("/home/a", "b", "/home/a/.cache/alphazero"),
        ("/home/a", "./b", "/home/a/.cache/alphazero"),
        ("a", "b", f"{tempfile.gettempdir()}/alphazero-{os.getuid()}"),
    ],
)
def test_the_cache_is_never_below_the_folder_that_the_program_is_started_in(monkeypatch, home, moved, folder):
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("XDG_CACHE_HOME", moved)
    assert str(machine.cache_folder()) == folder
