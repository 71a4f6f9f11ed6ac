"""The page's view of runs and tournaments: read beside a training run, never locked, never written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import tiny_file

import alphazero as az
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.web import graphs, results_game, tournaments, watch
from alphazero.web.curves import read_line
from alphazero.web.live import Channel, Update
from alphazero.web.models import Folder, Models, folders
from alphazero.web.runs import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A whole run of a second or two."""
    folder = tmp_path_factory.mktemp("watched")
    assert (
        main(["train", str(tiny_file(folder)), "--run", str(folder / "run"), "--no-rating", "training.budget_games=24"])
        == 0
    )
    return folder / "run"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A run's directory with a log of known figures."""
    (tmp_path / "config.yaml").write_text(
        "game: {name: go, options: {board_size: 7}}\ntraining: {budget_minutes: 10, checkpoint_every: 500, schedule: step}\n"
    )
    lines = [
        {
            "seconds": 60.0 * i,
            "step": 100 * i,
            "train/policy_loss": 3.0 - i / 10,
            "train/value_loss": 0.5,
            "replay/games": 50 * i,
        }
        for i in range(1, 6)
    ]
    lines[3]["warnings"] = ["values <b>collapsed</b>"]
    rated = {"seconds": 250.0, "step": 300, "rating/elo": 120.0, "rating/low": 80.0, "rating/high": 160.0}
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, rated, lines[4]]))
    return tmp_path


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def watched(**paths: Path) -> tuple[watch.Watcher, Channel]:
    channel = Channel("watch", lambda text: None)
    shelf = watch.Shelf.of({name: Folder(name, path) for name, path in paths.items()})
    return watch.Watcher(channel, shelf), channel


def look(watcher: watch.Watcher) -> Update:
    """What a look changes on the page."""
    watcher._take(watcher._shelf.look(watcher._chosen))
    return watcher._show()


def test_a_run_is_read_without_a_trace(trained: Path):
    before = snapshot(trained)
    watcher, _ = watched(run=trained)
    update = look(watcher)
    assert snapshot(trained) == before
    assert (
        "Connect Four" in update.parts["facts"] and "nothing told yet" in update.parts["facts"]
    )  # a line comes every 15 s
    assert update.parts["games"].count("<li>") >= 8 and 'data-cell="d"' in update.parts["board"]


def test_the_newest_games_have_the_searches_numbers(trained: Path):
    watcher, channel = watched(run=trained)
    look(watcher)
    newest = watcher._first.games[0]
    watcher.act({"do": "game", "game": str(newest.number)})
    watcher.act({"do": "step", "by": "2"})
    status = channel._shown["status"]
    assert f"Game {newest.number} after 2 of {newest.plies} plies" in status
    policy = newest.policies(az.Game("connect4"))[2]
    best = max(policy, key=policy.__getitem__)
    assert f"{best} {100 * policy[best]:.0f} %" in status
    assert f"{50 * (1 + float(newest.root_values[2])):.0f} %" in status
    watcher.act({"do": "step", "by": "999"})
    assert f"after {newest.plies} of" in channel._shown["status"]


@pytest.mark.slow  # the browser's test has a page beside a run, too
def test_a_watcher_neither_stops_nor_locks_a_training_run(tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "alphazero",
        "train",
        str(tiny_file(tmp_path)),
        "--run",
        str(tmp_path / "run"),
        "--no-rating",
        "training.budget_games=24",
    ]
    environment = {**os.environ, "ALPHAZERO_EVALUATOR": "torch-fp32"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    looks = 0
    try:
        watcher, _ = watched(run=tmp_path / "run")
        while process.poll() is None:
            if (tmp_path / "run" / "config.yaml").exists():
                watcher, _ = watched(run=tmp_path / "run")
                look(watcher)
                looks += 1
            time.sleep(0.02)
    finally:
        process.kill()
    assert process.returncode == 0, process.stderr
    assert looks > 3
    assert len(Run("run", tmp_path / "run").newest_games()) >= 8


def test_figures_budget_and_ratings_are_those_of_the_files(written: Path):
    run = Run("run", written)
    seen = run.look()
    assert seen.told.lines == 7 and seen.told.step == 500
    losses = seen.told.curves["train/policy_loss", "steps"]
    assert losses == tuple(zip([100, 200, 300, 400, 500, 500], [2.9, 2.8, 2.7, 2.6, 2.5, 2.5], strict=True))
    assert seen.fraction() == pytest.approx(0.5)
    assert [(each.step, each.elo, each.low, each.high) for each in seen.ratings] == [(300, 120.0, 80.0, 160.0)]
    facts = watch.facts("run", seen)
    assert "50 % of its budget, about 5 min 00 s left" in facts and "next checkpoint in 500 steps" in facts
    assert "values &lt;b&gt;collapsed" in facts
    with (written / "log.jsonl").open("a") as file:
        file.write('{"seconds": 360, "step": 600, "train/polic')  # a line that is being written
    assert run.look().told.lines == 7
    with (written / "log.jsonl").open("a") as file:
        file.write('y_loss": 2.2}\n')
    assert run.look().told.curves["train/policy_loss", "steps"][-1] == (600, 2.2)
    (written / "log.jsonl").write_text("")
    assert run.look().told.lines == 0


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"seconds": "x", "step": 1}',
        b'{"seconds": 1, "step": NaN}',
        b'{"seconds": 1, "step": true}',
        b'{"seconds": -1, "step": 1}',
        b'{"seconds": 1e16, "step": 1}',
        b'{"seconds": 1, "step": 1' + b"0" * 400 + b"}",
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=range(12),
)
def test_a_broken_line_of_the_log_is_passed_over(text: bytes):
    assert read_line(text) is None


def test_a_directory_that_is_no_run_is_no_error(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("[" * 1000)
    (tmp_path / "elo.json").write_text('{"players": [5, {"name": "step-1"}]}')
    (tmp_path / "replay").mkdir()
    (tmp_path / "replay" / "journal").write_bytes(b"\0" * 100)
    (tmp_path / "replay" / "00000000.azr").write_bytes(b"nothing")
    watcher, _ = watched(run=tmp_path)
    update = look(watcher)
    assert "nothing told yet" in update.parts["facts"] and "nothing yet" in update.parts["loss-plot"]
    assert Run("run", tmp_path).newest_games() == ()


def test_a_link_out_of_the_directory_is_no_way_to_other_players(trained: Path):
    models = Models(folders([trained]))
    game = az.Game("connect4")
    keys = list(models.networks(game))
    assert keys[0].startswith("run:run:") and len(keys) > 1
    assert models.resolve(keys[0], game).startswith(str(trained))
    for key in ("run:run:../../x", "run:other:3", "run:run:999999", "run:run:٣", str(trained), "pretrained:../x"):
        with pytest.raises(UserError):
            models.resolve(key, game)


def test_two_directories_of_one_name_are_told_apart(tmp_path: Path):
    paths = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    for path in paths:
        path.mkdir(parents=True)
    assert {name: folder.path for name, folder in folders(paths).items()} == {"run": paths[0], "run (2)": paths[1]}


def test_curves_of_several_runs_lie_over_one_another():
    drawn = graphs.plot(
        [graphs.Series("<a>", [(0.0, 1.0), (1.0, 2.0)], 0), graphs.Series("b", [(0.0, 3.0, 2.0, 4.0)], 1)],
        title="x",
        x_label="minutes",
    )
    assert drawn.count("<polyline") == 2 and "&lt;a&gt;" in drawn and "<a>" not in drawn


# --- tournaments ---


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("played") / "m"
    assert (
        main(["tournament", "random", "mcts:10", "mcts:30", "--game", "connect4", "--games", "6", "--out", str(folder)])
        == 0
    )
    return folder


def test_a_tournaments_page_has_the_reports_numbers(played: Path):
    source = tournaments.sources(folders([played]))["m"]
    table = tournaments.read(source)
    assert table.played.game == az.Game("connect4") and len(table.results) == 18
    told = json.loads((played / "elo.json").read_text())["players"]
    shown = tournaments.ratings_table(table.rated.players)
    for player in told:
        row = re.search(f">{player['name']}</th><td>(-?[0-9]+)</td>", shown)
        assert row is not None and abs(float(row[1]) - player["elo"]) <= 0.6
    cross = tournaments.cross_table([each.name for each in table.rated.players], table.results)
    points = sum(
        game["result"] if game["first"] == "random" else 1 - game["result"]
        for game in table.results
        if "random" in (game["first"], game["second"]) and "mcts:10" in (game["first"], game["second"])
    )
    assert f"{points:g} / 6" in cross


def test_names_of_players_are_escaped(tmp_path: Path):
    line = {"first": "<script>a", "second": "b&c", "result": 1, "moves": "d d", "note": "<i>"}
    (tmp_path / "results.jsonl").write_text(json.dumps(line) + "\n")
    page = tournaments.Tournaments(Channel("tournaments", lambda text: None), folders([tmp_path]))
    page._sources = tournaments.sources(folders([tmp_path]))
    page._take(tournaments.read(next(iter(page._sources.values()))))
    update = page._show()
    assert not any("<script" in part or "<i>" in part for part in update.parts.values())
    assert "&lt;script&gt;a" in update.parts["ratings"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("chess", {}),
        ("shogi", {}),
        ("gardner", {}),
        ("minishogi", {}),
        ("connect4", {}),
        *(("go", {"board_size": size}) for size in (6, 8, 11, 13)),
    ],
)
def test_the_game_of_old_results_is_found_from_the_moves(tmp_path: Path, name: str, options: dict):
    game = az.Game(name, **options)
    results = [
        {"first": "a", "second": "b", "result": 1.0, "moves": " ".join(game.position().random_playout(seed)[1])}
        for seed in range(3)
    ]
    found = results_game.played(results, tmp_path / "results.jsonl", tmp_path).game
    assert found is not None and found.name == name
    assert name != "go" or found.options["board_size"] == options["board_size"]
