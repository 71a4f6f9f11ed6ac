"""The curves of the shipped networks (`tools/curves.py`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
import curves


def run(folder: Path, elo: dict[int, float]) -> Path:
    """A run's directory, as far as its curve needs it: a step is a thousand evaluations and two seconds."""
    for step in elo:
        (folder / "checkpoints" / str(step)).mkdir(parents=True)
        meta = {"steps": step, "evaluations": 1000 * step, "seconds": 2.0 * step}
        (folder / "checkpoints" / str(step) / "meta.json").write_text(json.dumps(meta))
    players = [{"name": f"step-{step}", "elo": e, "low": e - 10, "high": e + 10} for step, e in elo.items()]
    players.append({"name": "random", "elo": -500.0, "low": -600.0, "high": -400.0})
    (folder / "elo.json").write_text(json.dumps({"players": players}))
    return folder


def meta(spent: int) -> dict:
    began = {"name": "pretrained:chess", "evaluations": 1000 * spent, "seconds": 2.0 * spent}
    return {"network": {"blocks": 4, "channels": 32}, **({"began_from": began} if spent else {})}


def test_a_curve_goes_on_where_the_network_before_it_ended(tmp_path):
    file = tmp_path / "networks" / "chess.json"
    curves.add_run(file, run(tmp_path / "a", {0: -100.0, 9: 200.0, 100: 500.0}), meta(0))
    curves.add_run(file, run(tmp_path / "b", {0: 0.0, 50: 70.0}), meta(100))
    first, second = curves.curve_of(json.loads(file.read_text()))
    assert [point.elo for point in first] == [0.0, 300.0, 600.0], "steps in the order of their numbers"
    assert [point[:3] for point in second] == [(100_000, 200.0, 600.0), (150_000, 300.0, 670.0)]
    assert second[1][3:] == pytest.approx((660.0, 680.0))
    curves.draw({"chess": [first, second]}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_a_run_that_is_shipped_again_replaces_what_it_told_before(tmp_path):
    file = tmp_path / "chess.json"
    curves.add_run(file, run(tmp_path / "a", {0: 0.0, 100: 500.0}), meta(0))
    curves.add_run(file, run(tmp_path / "b", {0: 0.0, 50: 70.0}), meta(100))
    curves.add_run(file, run(tmp_path / "c", {0: 0.0, 50: 70.0, 80: 90.0}), meta(100))
    assert [len(segment["points"]) for segment in json.loads(file.read_text())] == [2, 3]
    curves.add_run(file, run(tmp_path / "d", {0: 0.0, 1: 1.0}), meta(0))
    assert len(json.loads(file.read_text())) == 1, "what a new beginning made obsolete is forgotten"
