"""Functions for notebooks: self-play, training and searches with any evaluator."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tiny import tiny_file

import alphazero as az
from alphazero.errors import UserError
from alphazero.search import Search
from alphazero.training import replay


def hashed(game: az.Game):
    """An evaluator whose answer hangs on the planes alone, whatever else is in the batch."""
    rng = np.random.default_rng(3)
    size = int(np.prod(game.planes_shape))
    policy, value = (
        rng.normal(size=(size, game.policy_size)).astype(np.float32),
        rng.normal(size=size).astype(np.float32),
    )

    def evaluator(planes):
        rows = [row.ravel() for row in planes]
        logits = np.stack([row @ policy for row in rows]) / 4
        return logits, np.tanh(np.array([row @ value for row in rows]) / 8).astype(np.float32)

    return evaluator


@pytest.mark.parametrize("game", ["connect4", "chess", "go"])
@pytest.mark.parametrize("kind", ["gumbel", "puct"])
def test_a_batch_of_searches_finds_what_each_search_finds(game, kind):
    """alphazero.search.Search, one position at a time, is the oracle."""
    made = az.Game(game)
    evaluator = hashed(made)
    positions = []
    for seed in range(5):
        position = made.position()
        for move in position.random_playout(seed)[1][: 2 * seed]:
            position.play(move)
        positions.append(position)
    found = az.search_batch(positions, evaluator, simulations=40, seed=7, kind=kind)
    for i, position in enumerate(positions):
        own = Search(made, lambda planes, legal: evaluator(planes), kind=kind, seed=7 + i, simulations=40)
        expected = own.search(position)
        assert found.moves[i] == expected.best_move and found.values[i] == pytest.approx(expected.value)
        by_move = dict(zip(position.legal_moves(), position.policy_indices(), strict=True))
        for stats in expected.moves:
            assert found.visits[i, by_move[stats.move]] == stats.visits
            assert found.policy[i, by_move[stats.move]] == pytest.approx(stats.target, abs=1e-6)
        assert found.policy[i].sum() == pytest.approx(1.0)


def test_rows_of_a_round_share_a_batch():
    made = az.Game("connect4")
    sizes = []

    def evaluator(planes):
        sizes.append(len(planes))
        return np.zeros((len(planes), 7), np.float32), np.zeros((len(planes), 3), np.float32) + 1 / 3

    az.search_batch([made.position() for _ in range(9)], evaluator, simulations=10)
    assert sizes[0] == 9 and len(sizes) <= 12


def test_an_evaluator_may_keep_its_planes_and_positions_may_come_one_by_one():
    made = az.Game("connect4")
    kept, copies = [], []

    def evaluator(planes):
        kept.append(planes)
        copies.append(planes.copy())
        return np.zeros((len(planes), 7), np.float32), np.zeros(len(planes), np.float32)

    found = az.search_batch((made.position(moves) for moves in ("", "d", "d c")), evaluator, simulations=10)
    assert found.policy.shape == (3, 7)
    list(az.self_play(made, evaluator, games=2, simulations=4, games_in_flight=2))
    assert len(kept) > 20 and all(np.array_equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_self_play_is_the_same_again_and_counts_its_games():
    made = az.Game("connect4")
    played = [
        [record.to_bytes() for record in az.self_play(made, hashed(made), games=12, simulations=8, seed=5)]
        for _ in range(2)
    ]
    assert len(played[0]) == 12 and sorted(played[0]) == sorted(played[1])
    endless = az.self_play(made, hashed(made), simulations=4)
    assert [next(endless).plies > 6 for _ in range(3)] == [True] * 3
    endless.close()
    puct = az.self_play(made, hashed(made), games=3, simulations=8, kind="puct", temperature_plies=6)
    assert all(record.reason for record in puct)


def test_answers_that_are_none_are_refused():
    made = az.Game("connect4")
    for values, said in (
        (lambda n: np.full(n, 2.0, np.float32), "in \\[-1, 1\\]"),
        (lambda n: np.full(n, np.nan, np.float32), "numbers|finite"),
        (lambda n: np.zeros((n, 2), np.float32), r"or \[\d, 3\]"),
        (lambda n: np.full((n, 3), 5.0, np.float32), "probabilities"),
        (lambda n: np.tile(np.float32([1.5, 0.0, -0.5]), (n, 1)), "probabilities"),
        (lambda n: np.full((n, 3), np.inf, np.float32), "finite"),
    ):
        wrong = lambda planes, values=values: (np.zeros((len(planes), 7), np.float32), values(len(planes)))  # noqa: E731
        with pytest.raises(ValueError, match=said):
            az.search_batch([made.position()], wrong)
        with pytest.raises(ValueError, match=said):
            next(az.self_play(made, wrong, games=1, games_in_flight=4))
        with pytest.raises(ValueError, match=said):
            Search(made, lambda planes, legal, wrong=wrong: wrong(planes)).search(made.position(), 4)
    for logits in (np.zeros((9, 7), np.float32), np.zeros((1, 8), np.float32), np.zeros(7, np.float32)):
        wrong = lambda planes, logits=logits: (logits, np.zeros(len(planes), np.float32))  # noqa: E731
        with pytest.raises(ValueError, match=r"logits must be \[1, 7\]"):
            az.search_batch([made.position()], wrong)
        with pytest.raises(ValueError, match=r"logits must be \[1, 7\]"):
            next(az.self_play(made, wrong, games=1, games_in_flight=1))
    with pytest.raises(ValueError, match="of one game"):
        az.search_batch([made.position(), az.Game("go").position()], hashed(made))
    with pytest.raises(ValueError, match="of one game"):
        az.search_batch([az.Game("go").position(), az.Game("go", board_size=5).position()], hashed(az.Game("go")))
    with pytest.raises(ValueError, match="no positions"):
        az.search_batch([], hashed(made))
    with pytest.raises(ValueError, match="nosuch"):
        next(az.self_play(made, hashed(made), games=1, nosuch=3))


def test_training_from_a_file_calls_back_and_can_be_ended_and_resumed(tmp_path, monkeypatch):
    seen, also = [], []
    run = az.train(
        tiny_file(tmp_path),
        tmp_path / "run",
        callbacks=(each for each in (lambda run: bool(seen.append(run.trainer.steps)) or True, also.append)),
    )
    assert len(seen) == 1 and also == [run] and run.store.games < 40
    again = az.train(tiny_file(tmp_path), tmp_path / "run", overrides=["training.budget_games=48"])
    assert again.store.games >= 48 and again.trainer.steps > run.trainer.steps
    games = list(az.read_games(tmp_path / "run"))
    assert len(games) == again.store.games
    game, record = games[0]
    assert len(record.moves(game)) == record.plies
    monkeypatch.setattr(replay, "read_chunk", lambda path: SimpleNamespace(header={"game": "gomoku", "options": {}}))
    with pytest.raises(UserError, match=r"unknown game 'gomoku'.*needs its package installed"):
        next(az.read_games(tmp_path / "run"))
    with pytest.raises(UserError, match="no run with stored games"):
        next(az.read_games(tmp_path / "none"))
    with pytest.raises(UserError, match="nosuch"):
        az.train({"nosuch": {}}, tmp_path / "other")
