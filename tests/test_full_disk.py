"""A disk that is full is told in one line with the path, whatever is written.

The limit on a file's size fails a write as a full disk does: in the kernel, with an errno; so does /dev/full.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from test_replay import records, store

from alphazero.arena import scaling
from alphazero.arena.plot import plot_learning_curve
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.files import writing
from alphazero.runs import RunDirectory
from alphazero.runs.curves import Curves


@contextmanager
def full_disk(most: int = 0) -> Iterator[None]:
    """No file grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_tensorboards_folder_is_named_where_it_cannot_be_begun(tmp_path, capfd):
    with full_disk(), pytest.raises(UserError, match=f"^{tmp_path}/tb: cannot write: File too large$"):
        Curves(tmp_path)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("settings", [{}, {"flush_secs": 0}], ids=["at the end", "by its thread"])
def test_tensorboards_folder_is_named_where_it_fills_the_disk(tmp_path, capfd, settings):
    board = Curves(tmp_path, **settings)
    with full_disk(100), pytest.raises(UserError, match=f"^{tmp_path}/tb: cannot write: File too large$"):
        for step in range(1000):
            board.add_scalar("train/loss", 1.0, step)
        board.close()
    assert "Traceback" not in capfd.readouterr().err


def test_curves_are_written_on_once_there_is_room(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = Curves(tmp_path, purge_step=3, flush_secs=0)
    with full_disk(100), pytest.raises(UserError, match="File too large"):
        for step in range(1000):
            board.add_scalar("train/loss", 1.0, step)
    for step in range(1000, 1010):
        board.add_scalar("train/loss", 2.0, step)
    board.close()
    newest = max((tmp_path / "tb").iterdir(), key=lambda file: file.stat().st_size)
    told = EventAccumulator(str(newest)).Reload()
    assert [event.step for event in told.Scalars("train/loss")] == list(range(1000, 1010))


def test_a_file_in_place_of_tensorboards_folder_is_named(tmp_path):
    (tmp_path / "tb").touch()
    with pytest.raises(UserError, match=f"^{tmp_path}/tb: cannot write: "):
        Curves(tmp_path)


def test_a_plot_is_named(tmp_path):
    path = tmp_path / "elo.png"
    path.symlink_to("/dev/full")
    player = {"name": "step-0", "elo": 0.0, "low": -1.0, "high": 1.0}
    meta = {"evaluations": 1, "games": 1, "seconds": 1.0}
    with pytest.raises(UserError, match=f"^{path}: cannot write: No space left on device$"):
        plot_learning_curve(path, {"players": [player], "anchor": "step-0"}, {"step-0": meta}, "a run")
    point = {"budget": 1, "elo": 0.0, "low": 0.0, "high": 0.0, "to": 1}
    summary = {"player": "uniform", "game": "connect4", "unit": "simulations", "points": [point], "doublings": [point]}
    with pytest.raises(UserError, match=f"^{path}: cannot write: No space left on device$"):
        scaling.plot(path, summary)


def test_an_exported_game_is_named(tmp_path, capsys):
    replay = store(tmp_path)
    for game in records(4):
        replay.add(game)
    with full_disk():
        assert main(["replay", str(tmp_path), "--export", str(tmp_path / "games")]) == 2
    assert capsys.readouterr().err == f"alphazero: {tmp_path}/games/00000000.txt: cannot write: File too large\n"


def test_an_error_without_words_is_told_all_the_same():
    with pytest.raises(UserError, match=r"^here: cannot write: Writer is closed$"), writing("here"):
        raise OSError("Writer is closed")


def test_a_runs_log_is_named(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    path = tmp_path / "run" / "log.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(UserError, match=f"^{path}: cannot write: No space left on device$"):
        run.append_to_log({"step": 1})
