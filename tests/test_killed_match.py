"""A match with engines, killed at any instant and called again: every game is in the results and in its record file once."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alphazero.arena import records
from alphazero.protocols import sgf

DOUBLE = Path(__file__).parent / "engine_double.py"


def numbers(out: Path) -> list[int]:
    lines = (out / "results.jsonl").read_text().splitlines() if (out / "results.jsonl").exists() else []
    return [json.loads(line)["game"] for line in lines if line.endswith("}")]


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.slow)])  # each costs a start of Python
def test_killed_at_any_instant_a_match_goes_on_without_loss_or_repetition(tmp_path, kills):
    engine = f"gtp:{sys.executable} {DOUBLE} gtp go play"
    games = 10 * kills
    call = [sys.executable, "-m", "alphazero", "match", engine, "random", "--game", "go", "--games", str(games)]
    call += ["--option", "board_size=9", "--max-plies", "60", "--concurrency", "2", "--out", str(tmp_path)]
    draw = random.Random(kills)
    killed = 0
    for _ in range(kills):
        before = len(numbers(tmp_path))
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(numbers(tmp_path)) < before + draw.randint(1, 5):
            time.sleep(0.01)
        time.sleep(0.05 * draw.random())
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed == kills, "the match ended before it could be killed"
    last = subprocess.run([*call, "--json"], capture_output=True, text=True, check=True)
    report = json.loads(last.stdout)
    assert report["wins"] + report["draws"] + report["losses"] == games
    assert sorted(numbers(tmp_path)) == list(range(games))
    rounds = [
        int(sgf.parse(text).properties["RO"][0]) for _, text in sgf.collection((tmp_path / "games.sgf").read_text())
    ]
    assert rounds == [number + 1 for number in numbers(tmp_path)]


def test_a_record_whose_result_a_kill_prevented_is_taken_off(tmp_path):
    path = tmp_path / "games.sgf"
    end = records.append(path, "(;B[aa])\n")
    records.append(path, "(;B[b")
    records.cut(path, end)
    assert path.read_text() == "(;B[aa])\n"
    records.cut(path, 100)
    assert path.read_text() == "(;B[aa])\n"
