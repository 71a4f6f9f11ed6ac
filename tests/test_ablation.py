"""The ablation harness: its budgets, its sums, and a whole small study."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

import ablation  # noqa: E402

STUDY = """
config: configs/connect4.yaml
common:
  network.channels: 8
  network.blocks: 1
  selfplay.simulations_schedule: []
  selfplay.games_in_flight: 16
  selfplay.batch_size: 16
  search.simulations: 4
  replay.min_positions: 100
  replay.chunk_games: 8
seeds: 2
games: 2
simulations: 4
arms:
  plain: {evaluations: 6000, set: {search.kind: puct}}
  recipe: {evaluations: 3000}
"""


def call(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(TOOLS / "ablation.py"), *arguments], capture_output=True, text=True, cwd=TOOLS.parent
    )


def test_the_studies_that_come_along_are_whole():
    paths = sorted((TOOLS / "ablations").glob("*.yaml"))
    assert len(paths) >= 3
    for path in paths:
        study = ablation.read_study(path)
        from alphazero.config import load_config

        for arm in study["arms"].values():
            config = load_config(TOOLS.parent / study["config"], ablation.overrides(study, arm, 1))
            assert config.training.budget_evaluations == arm["evaluations"]
            assert config.seed == 1


def test_scores_count_both_colours():
    games = [
        {"first": "a-0", "second": "b-1", "result": 1},
        {"first": "b-0", "second": "a-1", "result": 0.5},
        {"first": "b-0", "second": "b-1", "result": 1},
    ]
    assert ablation.score_against(games, "a", "b") == (0.75, 2)
    assert ablation.score_against(games, "b", "a") == (0.25, 2)


def test_the_interval_is_students():
    # Variances 100 and 100, three seeds each: sqrt(200 / 3) * t(4 degrees of freedom).
    assert ablation.interval([0.0, 10.0, 20.0], [100.0, 110.0, 120.0]) == pytest.approx(
        2.776 * (200 / 3) ** 0.5, rel=0.01
    )


def test_a_whole_study(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY)
    done = call(str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out"), "--jobs", "2")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "out" / "ablation.json").read_text())
    assert [row["arm"] for row in rows] == ["plain", "recipe"]
    assert all(row["positions"] > 100 for row in rows)
    assert rows[0]["positions"] > 1.3 * rows[1]["positions"]  # it had twice the evaluations
    assert rows[1]["score_games"] == 8  # two seeds against two, two games each
    assert "| recipe | 3,000 |" in done.stdout
    again = call(str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out"))
    assert again.stdout == done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arms: {}", "a study has `config` and `arms`"),
        ("config: a\narms: {}\nseed: 3", "unknown key seed"),
        ("config: a\narms: {plain: {}}", "arms.plain has `evaluations`"),
        ("config: a\narms: {plain: {}}\nconfig: b", "study.yaml: line 3: not valid YAML: 'config' stands here twice"),
    ],
)
def test_a_broken_study_is_named(tmp_path, text, message):
    (tmp_path / "study.yaml").write_text(text)
    done = call(str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out"))
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
