"""What a run says of its health: figures against records made to have them, and warnings that name each failure."""

from __future__ import annotations

import numpy as np
import pytest

import alphazero as az
from alphazero._core import Pool
from alphazero.training.diagnostics import REPEAT_SECONDS, Diagnostics, Seen

CONNECT4 = az.Game("connect4")


def seen(value: int = 1, plies: int = 20, reason: str = "line", lowest=(0.0, 0.0), opening=(), values=(), results=()):
    decided = reason != "max_plies"
    values, results = np.array(values, float), np.array(results, float)
    return Seen(plies, value, reason, opening, values, results, decided, lowest, 0.5 * plies, plies)


def holding(*games: Seen, game: az.Game = CONNECT4) -> Diagnostics:
    diagnostics = Diagnostics(game)
    diagnostics._seen.extend(games)
    diagnostics._to_the_end.extend(game for game in games if game.decided and game.reason != "resign")
    return diagnostics


HEALTHY = {
    "train/value_explained": 0.4,
    "train/value_spread": 0.5,
    "train/gradient_norm": 1.0,
    "train/policy_entropy": 1.5,
    "selfplay/draws": 0.1,
    "selfplay/game_length": 30.0,
    "selfplay/different_openings": 0.9,
    "selfplay/calibration_error": 0.05,
}


def records(game: az.Game, **player):
    pool = Pool(
        game,
        {"games_in_flight": 4, "batch_size": 4, "threads": 1, "games": 12, "seed": 1},
        [{"kind": "gumbel", "simulations": 16, "evaluator": -2, "noise": True, **player}],
    )
    games = []
    while not pool.done:
        pool.next_batch(0.1)
        games += pool.take_finished()
    return games + pool.take_finished()


def test_figures_of_real_games():
    diagnostics = Diagnostics(CONNECT4)
    games = records(CONNECT4)
    for record in games:
        diagnostics.add(record)
    figures = diagnostics.values(-1.0)
    assert figures["game_length"] == pytest.approx(np.mean([record.plies for record in games]))
    assert figures["first_player_score"] == pytest.approx(np.mean([(record.value + 1) / 2 for record in games]))
    assert sum(share for name, share in figures.items() if name.startswith("ended_by_")) == pytest.approx(1.0)
    assert figures["different_openings"] == 1.0
    curve = diagnostics.calibration()
    assert curve.count.sum() == sum(record.searched_plies for record in games)
    # By hand, one bin: the second player moves at odd plies, and for it results have the other sign.
    low, high = 0.2, 0.4
    results = [
        record.value if ply % 2 == 0 else -record.value
        for record in games
        for ply, (value, kind) in enumerate(zip(record.root_values, record.kinds, strict=True))
        if kind >= 2 and low <= value < high
    ]
    assert curve.count[6] == len(results) > 0
    assert curve.result[6] == pytest.approx(np.mean(results))
    assert low <= curve.value[6] < high
    assert diagnostics.figure().axes[0].get_xlabel() == "the search's value"


def test_calibration_error_is_zero_where_values_are_right_and_large_where_they_are_not():
    right = holding(*[seen(values=[0.5] * 4, results=[1, 1, 1, -1])] * 3)
    assert right.calibration().error == pytest.approx(0.0)
    wrong = holding(seen(values=[0.9, 0.9], results=[-1, -1]))
    assert wrong.calibration().error == pytest.approx(1.9)


def test_wrong_resignations_are_counted_among_games_played_to_the_end():
    games = [
        seen(value=-1, lowest=(-0.95, 0.2)),  # the first player lost, and would have resigned: right
        seen(value=1, lowest=(-0.95, -0.3)),  # it won all the same: wrong
        seen(value=0, lowest=(0.0, -0.92)),  # a draw: wrong, too
        seen(value=-1, lowest=(-0.99, 0.4), reason="resign"),  # says nothing
        seen(value=-1, lowest=(-0.5, 0.4)),  # not so low
    ]
    assert holding(*games).resignations(-0.9) == (3, 2)
    assert holding(*games).values(-0.9)["resign_wrong"] == pytest.approx(2 / 3)
    assert "resign_wrong" not in holding(*games).values(-1.0)


def test_the_threshold_is_as_high_as_the_games_say_is_safe():
    lost = [seen(value=-1, lowest=(-0.9 - i / 1000, 1.0)) for i in range(40)]
    assert holding(*lost).safe_threshold(-0.8, 0.05, -1.0) == -0.8
    assert holding(*lost[:10]).safe_threshold(-0.8, 0.05, -0.93) == -0.93  # too few to tell: as it was
    cut = [seen(value=0, lowest=(-0.9, 1.0), reason="max_plies")] * 40
    assert holding(*lost, *cut).safe_threshold(-0.8, 0.05, -1.0) == -0.8  # a game that was cut off says nothing
    won = [seen(value=1, lowest=(-0.99, 1.0))] * 40
    assert holding(*won).safe_threshold(-0.8, 0.05, -0.9) == -1.0  # no threshold is safe
    turned = [seen(value=1, lowest=(-0.85 - i / 1000, 1.0)) for i in range(10)]  # ten wins after values around -0.85
    threshold = holding(*lost, *turned).safe_threshold(-0.8, 0.05, -1.0)
    assert holding(*lost, *turned).resignations(threshold) == (42, 2)  # three in 43 would be too many


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"train/value_explained": 0.001}, "the value head predicts a constant"),
        ({"train/value_spread": 0.001}, "the value head predicts a constant"),
        ({"train/gradient_norm": 50.0}, "lower training.learning_rate"),
        ({"train/policy_entropy": 0.001}, "the policy is certain"),
        ({"selfplay/draws": 0.99}, "99 % of the games are drawn"),
        ({"selfplay/ended_by_max_plies": 0.6}, "60 % of the games end by the limit of plies"),
        ({"selfplay/different_openings": 0.2}, "only 20 % of the games differ"),
        ({"selfplay/calibration_error": 0.5}, "values are off by 0.50"),
        ({"selfplay/resign_wrong": 0.2}, "20 % of the resignations would have been wrong"),
    ],
)
def test_each_failure_is_named_once_in_a_while(monkeypatch, change, text):
    diagnostics = holding(*[seen()] * 300)
    assert diagnostics.warnings(HEALTHY, 5000) == []
    (warning,) = diagnostics.warnings({**HEALTHY, **change}, 5000)
    assert text in warning
    assert diagnostics.warnings({**HEALTHY, **change}, 5000) == []  # told already
    import time

    later = time.monotonic() + REPEAT_SECONDS
    monkeypatch.setattr("alphazero.training.diagnostics.time.monotonic", lambda: later)
    assert len(diagnostics.warnings({**HEALTHY, **change}, 5000)) == 1


def test_nothing_is_said_of_a_few_games_or_steps():
    bad = {**HEALTHY, "train/value_explained": 0.0, "selfplay/draws": 1.0}
    assert holding(*[seen()] * 10).warnings(bad, 100) == []


def test_short_games_of_go_are_named():
    game = az.Game("go", board_size=9)
    resigned = [seen(plies=10, reason="resign")] * 300
    assert holding(*resigned, game=game).warnings({**HEALTHY, "selfplay/game_length": 10.0}, 0) == []
    diagnostics = holding(*[seen(plies=10, reason="two_passes")] * 300, game=game)
    (warning,) = diagnostics.warnings({**HEALTHY, "selfplay/game_length": 10.0}, 0)
    assert "games end after 10 plies, by passes" in warning


def test_self_play_resigns_below_the_threshold_set_while_it_runs():
    settings = {"games_in_flight": 8, "batch_size": 8, "threads": 1, "games": 30, "seed": 1}
    player = {"kind": "puct", "simulations": 8, "evaluator": 0, "resign_threshold": -2.0, "resign_keep": 0.0}
    rng = np.random.default_rng(0)
    for threshold, resigned in [(-1.0, False), (-0.3, True)]:
        pool = Pool(CONNECT4, settings, [player])
        pool.set_resignation(threshold)  # no search is over before its answers come
        games = []
        while not pool.done:
            if (batch := pool.next_batch(5.0)) is not None:
                rows = len(pool.planes(batch))
                wdl = rng.dirichlet([0.3, 0.3, 0.3], rows).astype(np.float32)
                pool.finish(batch, np.zeros((rows, 7), np.float32), wdl)
            games += pool.take_finished()
        games += pool.take_finished()
        assert any(record.reason == "resign" for record in games) is resigned
        for record in games:
            assert record.root_values.min(initial=1.0) >= threshold  # below, no move was played
            if record.reason == "resign":
                assert record.value == (-1 if record.plies % 2 == 0 else 1)  # whoever was to move lost
