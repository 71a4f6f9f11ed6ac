"""Ratings while a run trains: what is played, what it costs, what is logged."""

from __future__ import annotations

import json
import time

import pytest

from alphazero.config import RatingConfig, load_config
from alphazero.formats.results import read_results
from alphazero.game import make
from alphazero.training.background_rating import BackgroundRating
from alphazero.training.run import Run

TINY = """
game: {name: connect4}
network: {blocks: 1, channels: 8, value_hidden: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 16, batch_size: 16}
replay: {window_min: 500, min_positions: 100, chunk_games: 8}
training: {batch_size: 32, budget_minutes: 5, checkpoint_every: 20}
rating: {games: 4, simulations: 2, during: 0.5}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that is rated while it trains, until two checkpoints are."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "tiny.yaml").write_text(TINY)
    (folder / "run").mkdir()
    training = Run(load_config(folder / "tiny.yaml"), folder / "run")
    tell, told = training.report.rating, []

    def tell_and_stop(rated, seconds):
        tell(rated, seconds)
        told.append(rated)
        training.stopping = len(told) == 2

    training.report.rating = tell_and_stop
    training.train()
    return folder / "run"


def rated_lines(run) -> list[dict]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "rating/elo" in line]


def test_a_run_rates_its_checkpoints_while_it_trains_within_the_stated_share(run):
    lines = rated_lines(run)
    assert len(lines) == 2
    for line in lines:
        assert line["rating/low"] < line["rating/elo"] < line["rating/high"]
        assert 0.0 < line["rating/share"] <= 0.5 + 0.02
    assert [line["step"] for line in lines] == sorted({line["step"] for line in lines})
    results = read_results([run / "rating" / "during.jsonl"])
    assert sum(line["step"] == lines[0]["step"] for line in lines) == 1
    assert {game["first"] for game in results} | {game["second"] for game in results} >= {"step-0"}


def test_the_ratings_stand_on_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tb"))
    events.Reload()
    shown = {event.step: event.value for event in events.Scalars("rating/elo")}
    assert shown == {line["step"]: pytest.approx(line["rating/elo"], abs=0.01) for line in rated_lines(run)}


def test_a_finished_runs_ratings_are_written_to_tensorboard_in_ascending_steps(tmp_path):
    """The strongest first, as elo.json has them: TensorBoard drops what it holds when a step goes back."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    from alphazero.runs.curves import write_ratings

    write_ratings(tmp_path, "rating/elo", {900: 700.0, 1000: 650.0, 80: 40.0, 0: 0.0})
    (file,) = (tmp_path / "tb").iterdir()
    written = [
        (event.step, v.tensor.float_val[0]) for event in EventFileLoader(str(file)).Load() for v in event.summary.value
    ]
    assert written == [(0, 0.0), (80, 40.0), (900, 700.0), (1000, 650.0)]


def test_a_run_that_is_rated_again_has_one_curve_in_ascending_steps(tmp_path):
    """As after `tournament RUN`, or once a run that was rated has gone on."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from alphazero.runs.curves import Curves, write_ratings

    write_ratings(tmp_path, "rating/elo", {0: 0.0, 29: 100.0})
    board = Curves(tmp_path, purge_step=29)
    board.add_scalar("train/loss", 1.0, 47)
    board.close()
    write_ratings(tmp_path, "rating/elo", {0: 0.0, 29: 90.0, 47: 150.0})
    events = EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("rating/elo")] == [(0, 0.0), (29, 90.0), (47, 150.0)]
    assert [event.step for event in events.Scalars("train/loss")] == [47]


def background(run, share: float) -> BackgroundRating:
    search = {"kind": "gumbel", "simulations": 2}
    return BackgroundRating(run, make("connect4", {}), RatingConfig(games=4, during=share), search, "cpu", 0)


def test_work_waits_until_its_share_has_grown(run):
    (run / "rating" / "during.jsonl").unlink()
    rating = background(run, 0.25)
    assert rating.work() is None and rating.spent == 0.0  # nothing in the account yet
    rating._begin -= 1000.0  # as if 1,000 seconds had passed
    rated = None
    for _ in range(1000):
        rated = rating.work()
        if rated is not None:
            break
    assert rated is not None and rated.games >= 4
    assert 0.0 < rating.spent < 0.25 * 1000
    rating._next_look = 0.0
    assert rating.work() is None and rating._table is None  # the newest is rated: nothing to do
    again = background(run, 0.25)  # another process goes on from the file
    assert len(again.results) == rated.games and not again._next_match()


def test_a_signal_stops_the_work_at_once(run):
    (run / "rating" / "during.jsonl").unlink(missing_ok=True)
    rating = background(run, 0.5)
    rating._begin -= 1000.0
    assert rating.work() is None  # seats the players
    begin = time.perf_counter()
    assert rating.work(lambda: True) is None
    assert time.perf_counter() - begin < 1.0 and rating.results == []
    rating.close()


def test_the_share_is_checked(tmp_path):
    (tmp_path / "t.yaml").write_text(TINY)
    with pytest.raises(ValueError, match=r"rating.during must be <= 0.5, got 0.9"):
        load_config(tmp_path / "t.yaml", ["rating.during=0.9"])
