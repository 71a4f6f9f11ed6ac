"""When the workers of a cluster rest for training."""

from __future__ import annotations

from alphazero.cluster.pace import BEHIND_SECONDS, LEAST_BEHIND, Pace
from alphazero.training.loop import MOST_BEHIND


def test_workers_rest_while_training_is_seconds_behind_and_play_again_at_half_of_that():
    pace = Pace()
    pace.learned(60, 10.0)  # six steps a second
    most = int(6 * BEHIND_SECONDS)
    assert [pace.rest(due) for due in (0, most, most + 1, most // 2 + 1, most // 2, most)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_slow_trainer_still_lets_a_chunk_of_games_wait_and_a_fast_one_no_more_than_any_run():
    for rate, most in ((0.1, LEAST_BEHIND), (1000.0, MOST_BEHIND)):
        pace = Pace()
        pace.learned(int(100 * rate), 100.0)
        assert not pace.rest(most) and pace.rest(most + 1)


def test_before_anything_is_known_of_training_workers_rest_early():
    assert Pace().rest(LEAST_BEHIND + 1)
