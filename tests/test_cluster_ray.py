"""Workers in processes of their own, through Ray, on one small cluster that all tests here share."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cluster import numbers, tiny

if importlib.util.find_spec("ray") is None:  # importing it here would be too early: connected() sets what it reads
    pytest.skip("Ray is not installed", allow_module_level=True)

from alphazero import checkpoint
from alphazero.cli import main
from alphazero.cluster import connect
from alphazero.cluster.connect import Head, connected
from alphazero.cluster.run import ClusterRun
from alphazero.config import Config
from alphazero.errors import UserError
from alphazero.formats.results import read_results
from alphazero.training.replay import WORKER_GAMES
from alphazero.training.run import Run

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def head(plain_evaluators) -> Iterator[Head]:
    with connected("local") as begun:
        yield begun


def run_of(config: Config, directory: Path, head: Head) -> ClusterRun:
    directory.mkdir(exist_ok=True)
    return ClusterRun(config, directory, "cpu", io.StringIO(), head)


def said(run: ClusterRun) -> str:
    out = run.progress._out
    assert isinstance(out, io.StringIO)
    return out.getvalue()


def small(tmp_path: Path, *overrides: str) -> Config:
    return tiny(tmp_path, "cluster.workers=2", "cluster.chunk_seconds=0.1", *overrides)


def test_a_run_with_workers_learns_though_one_is_killed_and_this_process_resumes_it_alone(tmp_path, head):
    directory, config = tmp_path / "run", small(tmp_path, "training.budget_games=10000000", "replay.reuse=0.05")
    run = run_of(config, directory, head)
    killed: list[int] = []

    def kill_one(going: Run) -> bool:
        assert isinstance(going, ClusterRun)
        slot = going.fleet.slots[0]
        plays = slot.stage == "playing" and slot.answer.counts["games"] > 0
        if plays and not killed:
            killed.append(slot.pid)
            os.kill(slot.pid, signal.SIGKILL)
        return plays and slot.restarts > 0  # then the run is stopped as by a signal

    run.callback = kill_one
    run.train()
    assert run.trainer.steps > 0 and checkpoint.latest(directory) is not None
    assert f"worker 1 ({run.fleet.slots[0].host}) is lost: its process is gone" in said(run)
    taken = run.intake.games
    assert taken[2] == run.fleet.slots[1].counts()["games"]  # all that the other one finished
    figures, told = run.fleet.figures(), run.fleet.told()[0]
    assert figures["worker/1/restarts"] == 1.0 and "worker/2/version_lag" in figures
    assert told == "no worker plays"  # any more
    del run
    stored = numbers(directory / "replay", config)
    assert len(stored) == len(set(stored)) == sum(taken.values())
    assert {number // WORKER_GAMES for number in stored} == {1, 2}
    alone = Run(
        small(tmp_path, f"training.budget_games={len(stored) + 40}", "replay.reuse=0.05"),
        directory,
        "cpu",
        out=io.StringIO(),
    )
    alone.train()
    del alone
    later = numbers(directory / "replay", config)
    assert len(later) == len(set(later)) and set(stored) <= set(later)
    assert {number // WORKER_GAMES for number in later} == {0, 1, 2}


def test_a_worker_with_other_files_is_refused_in_a_line_that_says_so(tmp_path, head):
    run = run_of(small(tmp_path), tmp_path / "run", head)
    run.identity = dataclasses.replace(run.identity, code="another")
    with pytest.raises(UserError, match=r"no worker can be begun: its files of alphazero [\d.]+ differ"):
        run.train()
    assert "is refused: its files of alphazero" in said(run)


def test_a_tournament_on_workers_has_the_results_of_one_in_this_process(tmp_path, head, capsys):
    players = ["mcts:8", "random", "uniform", "--game", "connect4", "--games", "8", "--simulations", "8", "--json"]
    assert main(["tournament", *players, "--out", str(tmp_path / "here")]) == 0
    assert main(["tournament", *players, "--out", str(tmp_path / "there"), "--workers", "2"]) == 0
    here, there = (
        sorted(
            (line["game"], line["moves"], line["result"]) for line in read_results([tmp_path / name / "results.jsonl"])
        )
        for name in ("here", "there")
    )
    assert here == there and len(here) == 24


def test_the_doctor_tells_what_a_cluster_has(head, capsys):
    assert main(["doctor", "--ray", "local", "--quick"]) == 0
    said = capsys.readouterr().out
    assert head.address in said and re.search(r"\d+ cores, alphazero [\d.]+ \(", said)


def test_nothing_listens_on_other_addresses_and_nothing_is_reported(head):
    """Of the processes of this test: Ray's, the workers', our own."""
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    family = {os.getpid()}
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, rest = stat.read_text().split(" ", 1)
            parents[int(pid)] = int(rest.rpartition(")")[2].split()[1])
    for _ in range(10):
        family |= {pid for pid, parent in parents.items() if parent in family}
    assert len(family) > 3
    sockets = set()
    for pid in family:
        with contextlib.suppress(OSError):
            sockets |= {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    listening = []
    for table, local in (("tcp", "0100007F"), ("tcp6", "0000000000000000FFFF00000100007F")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                listening.append((fields[1].split(":")[0], local))
    assert listening
    assert [address for address, local in listening if address not in (local, "0" * 31 + "1")] == []


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("ray://here:1", "expected local, auto or HOST:PORT"),
        ("nowhere", "expected local, auto or HOST:PORT"),
    ],
)
def test_an_address_that_is_none_is_named(where, said):
    code = f"from alphazero.cluster.connect import connected\nwith connected({where!r}): pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert f"UserError: --ray {where}: {said}" in done.stderr


def test_a_head_that_is_gone_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(connect, "HEAD_SECONDS", 0.0)
    monkeypatch.setattr(connect, "HEAD_LOST_SECONDS", 0.1)
    gone = Head("127.0.0.1:1")
    gone.mind()
    time.sleep(0.15)
    with pytest.raises(
        connect.HeadLostError, match=r"the head of the Ray cluster \(127.0.0.1:1\) has not answered for 0 sec"
    ):
        gone.mind()
    assert gone.lost
