"""The search against oracles: a plain PUCT, mctx's recorded Gumbel trees, and positions with known results."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from conftest import hashed_evaluator
from connect4_exact import late_positions, minimax

import alphazero as az
from alphazero._core import SearchCore, considered_visits
from alphazero.search import uniform_evaluator

C_BASE, C_INIT, FPU = 19652.0, 1.25, 0.2


def quantised(p: float) -> float:
    """A prior as the tree stores it: 11 mantissa bits."""
    bits = (np.float32(p).view(np.uint32) + np.uint32(0x800)) >> np.uint32(12) << np.uint32(12)
    return float(np.uint32(bits).view(np.float32))


class Node:
    """The reference tree: AlphaZero's PUCT, written for reading, values for the side to move at the node."""

    def __init__(self, position, evaluate, root=False):
        self.n, self.children = 0, {}
        self.exact = None
        outcome = position.outcome
        if outcome is not None:
            self.exact = float(outcome.value if position.turn == 0 else -outcome.value)
            return
        logits, values = evaluate(position.planes()[None], [position.policy_indices()])
        weights = np.exp(logits[0] - logits[0].max())
        store = float if root else quantised
        self.prior = {m: store(w) for m, w in zip(position.legal_moves(), weights / weights.sum(), strict=True)}
        self.own, self.total, self.n = float(values[0]), float(values[0]), 1

    def choose(self):
        c = (math.log((self.n + C_BASE + 1) / C_BASE) + C_INIT) * math.sqrt(self.n)
        tried = sum(p for m, p in self.prior.items() if m in self.children)
        fresh = self.total / self.n - FPU * math.sqrt(tried)

        def score(move):
            child = self.children.get(move)
            q = fresh if child is None else -child.total / child.n
            return q + c * self.prior[move] / (1 + (child.n if child else 0))

        return max(self.prior, key=score)  # max() keeps the first of equals, as legal order asks

    def simulate(self, position, evaluate):
        """One simulation; returns its value for the side to move here."""
        move = self.choose()
        position.play(move)
        if move not in self.children:
            self.children[move] = Node(position, evaluate)
            value = -self.children[move].own
        else:
            value = -self.children[move].simulate(position, evaluate)
        position.undo()
        self.n += 1
        self.total += value
        return value


@pytest.mark.parametrize("game", [az.Game("connect4"), az.Game("go", board_size=5)], ids=["connect4", "go5"])
@pytest.mark.parametrize("seed", range(3))
def test_puct_visits_equal_a_plain_reference(game, seed):
    position = game.position()
    for move in position.random_playout(seed)[1][: 2 + seed]:
        position.play(move)
    evaluate = hashed_evaluator()
    root = Node(position, evaluate, root=True)
    simulations = 5 if game.name == "connect4" else 150  # below: only while no game ends inside the tree
    try:
        for _ in range(simulations):
            root.simulate(position.copy(), evaluate)
    except AttributeError:
        pytest.fail("the reference ran into a finished game: choose a shorter search")
    result = az.Search(game, evaluate, kind="puct").search(position, simulations)
    assert {m.move: m.visits for m in result.moves if m.visits} == {m: c.n for m, c in root.children.items()}
    assert result.value == pytest.approx(root.total / root.n, abs=1e-5)


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
def test_a_policy_temperature_is_as_good_as_flatter_logits(kind):
    game = az.Game("connect4")
    sharp = hashed_evaluator()

    def flat(planes, legal):
        logits, values = sharp(planes, legal)
        return [np.asarray(row) / 2 for row in logits], values

    # Powers of two: dividing by one rounds nothing.
    found = az.Search(game, sharp, kind=kind, policy_temperature=2.0, seed=1).search(game.position("dd"), 100)
    expected = az.Search(game, flat, kind=kind, seed=1).search(game.position("dd"), 100)
    assert [(m.move, m.visits, m.prior) for m in found.moves] == [(m.move, m.visits, m.prior) for m in expected.moves]
    as_it_is = az.Search(game, sharp, kind=kind, seed=1).search(game.position("dd"), 100)
    assert [m.prior for m in found.moves] != [m.prior for m in as_it_is.moves]
    with pytest.raises(ValueError, match=r"policy_temperature must be a number from 0\.0625 to 100, got 0"):
        az.Search(game, sharp, policy_temperature=0.0)


def test_sequential_halving_follows_the_published_schedules():
    assert considered_visits(8, 24) == [0] * 8 + [1] * 4 + [2] * 4 + [3, 3, 4, 4, 5, 5, 6, 6]
    assert considered_visits(7, 24) == [0] * 7 + [1] * 3 + [2] * 3 + [3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8]
    assert considered_visits(8, 13) == [0] * 8 + [1] * 4 + [2]
    assert considered_visits(1, 4) == [0, 1, 2, 3]


def test_gumbel_equals_mctx_on_recorded_trees(data):
    """200 searches recorded from mctx 0.0.71 by tools/make_mctx_corpus.py: same noise, same visits, same action weights."""
    lines = (data / "mctx_gumbel.jsonl").read_text().splitlines()
    assert len(lines) == 200
    game = az.Game("connect4")
    for line in lines:
        case = json.loads(line)
        table = {key: (np.array(logits, np.float32), value) for key, logits, value in case["table"]}

        def evaluate(planes, legal, table=table):
            rows = [table[planes_key(board)] for board in planes]
            return [logits for logits, _ in rows], np.array([value for _, value in rows], np.float32)

        search = az.Search(
            game,
            evaluate,
            kind="gumbel",
            considered=case["considered"],
            c_visit=case["c_visit"],
            c_scale=case["c_scale"],
            rescale_q=case["rescale_q"],
        )
        result = search.search(game.position(case["position"]), case["simulations"], gumbel=case["gumbel"])
        found = {m.move: m for m in result.moves}
        legal = game.position(case["position"]).legal_moves()
        assert [found[m].visits for m in legal] == case["visits"]
        assert [found[m].target for m in legal] == pytest.approx(case["weights"], abs=2e-5)
        assert result.best_move == case["action"]


def planes_key(board) -> str:
    """The two stone planes of Connect Four as text: what the recorded tables are keyed by."""
    return "".join("X" if a else "O" if b else "." for a, b in zip(board[0].flat, board[1].flat, strict=True))


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
def test_a_win_in_one_is_played_with_a_blind_network(kind):
    game = az.Game("connect4")
    position = game.position("aabbcc")  # three in a row at the bottom: d wins
    result = az.Search(game, uniform_evaluator, kind=kind).search(position, 50)
    assert result.best_move == "d"
    assert result.value == 1.0
    assert result.proof == "win"


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
def test_a_loss_in_two_is_parried_with_a_blind_network(kind):
    game = az.Game("connect4")
    position = game.position("abac" + "a")  # three on top of each other in column a
    result = az.Search(game, uniform_evaluator, kind=kind).search(position, 200)
    assert result.best_move == "a"


def test_a_proven_position_is_solved_exactly():
    """Near the end of the game the whole tree fits: the search must prove the minimax value and stop."""
    game = az.Game("connect4")
    proven = 0
    for position in late_positions(range(200), plies=32):
        result = az.Search(game, uniform_evaluator, kind="puct").search(position, 100_000)
        assert result.proof == {1: "win", 0: "draw", -1: "loss"}[minimax(position)]
        assert result.simulations < 100_000
        proven += 1
    assert proven >= 3


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
def test_the_same_seed_gives_the_same_search_and_batching_keeps_the_budget(kind):
    game = az.Game("go", board_size=5)
    runs = [
        az.Search(game, hashed_evaluator(), kind=kind, seed=7).search(game.position(), 64, noise=True) for _ in range(2)
    ]
    assert runs[0] == runs[1]
    batched = az.Search(game, hashed_evaluator(), kind=kind, seed=7, batch_size=8).search(
        game.position(), 64, noise=True
    )
    assert batched.simulations == 64
    assert sum(m.visits for m in batched.moves) == 64


def test_root_noise_changes_the_search_and_is_off_by_default():
    game = az.Game("go", board_size=5)
    quiet = az.Search(game, hashed_evaluator(), seed=1).search(game.position(), 64)
    same = az.Search(game, hashed_evaluator(), seed=2).search(game.position(), 64)
    noisy = az.Search(game, hashed_evaluator(), seed=2).search(game.position(), 64, noise=True)
    visits = [[(m.move, m.visits) for m in r.moves] for r in (quiet, same, noisy)]
    assert visits[0] == visits[1] != visits[2]


def test_a_kept_subtree_brings_its_visits_along():
    game = az.Game("go", board_size=5)
    search = az.Search(game, hashed_evaluator(), kind="puct")
    position = game.position()
    first = search.search(position, 200)
    position.play(first.best_move)
    second = search.search(position, 50)
    assert second.simulations == 50
    assert sum(m.visits for m in second.moves) == first.moves[0].visits - 1 + 50


def test_a_large_tree_keeps_every_visit_while_its_memory_grows():
    core = SearchCore(az.Game("go", board_size=19), {"kind": "puct"})
    core.set_position(az.Game("go", board_size=19).position())
    core.begin(8000)
    core.run_inside("uniform")
    report = core.report()
    assert report["tree_bytes"] > 8 << 20  # two growths of large arrays and more
    assert report["nodes"] == 8001
    assert sum(visits for _, visits, *_ in report["moves"]) == 8000


def searched_inside(game, position, simulations, threads, evaluator="uniform", seed=0, kind="puct"):
    core = SearchCore(game, {"kind": kind}, seed)
    core.set_position(position)
    core.begin(simulations)
    core.run_inside(evaluator, threads=threads)
    assert core.done
    return core.report()


@pytest.mark.parametrize("name", ["connect4", "chess", "shogi", "go"])
@pytest.mark.parametrize("evaluator", ["uniform", "rollout"])
def test_threads_in_one_tree_find_the_same_however_many_they_are(name, evaluator):
    game = az.Game(name)
    simulations = 3000 if evaluator == "uniform" else 200
    two = searched_inside(game, game.position(), simulations, 2, evaluator)
    for threads in (2, 3):
        assert searched_inside(game, game.position(), simulations, threads, evaluator) == two
    assert two["simulations"] == simulations
    assert sum(visits for _, visits, *_ in two["moves"]) == simulations


def test_threads_in_one_tree_prove_what_one_thread_proves():
    game = az.Game("connect4")
    proven = 0
    for position in late_positions(range(200), plies=32):
        report = searched_inside(game, position, 100_000, 2)
        assert report["proof"] == {1: "win", 0: "draw", -1: "loss"}[minimax(position)]
        assert report["simulations"] < 100_000
        assert sum(visits for _, visits, *_ in report["moves"]) == report["simulations"]
        proven += 1
    assert proven >= 3


def test_threads_in_one_tree_mate_and_search_on_in_a_kept_subtree():
    game = az.Game("chess")
    position = game.position("6k1/5ppp/8/8/8/8/r4PPP/1R1R2K1 w - - 0 1")  # a rook to the eighth rank: mate
    assert searched_inside(game, position, 1000, 3)["proof"] == "win"
    core = SearchCore(game, {"kind": "puct"})
    position = game.position()
    for _ in range(3):
        core.set_position(position)
        core.begin(500)
        before = sum(visits for _, visits, *_ in core.report()["moves"])
        core.run_inside("uniform", threads=2)
        report = core.report()
        assert sum(visits for _, visits, *_ in report["moves"]) == before + 500
        position.play(report["best_move"])


def test_a_search_inside_ends_with_its_time_or_says_what_it_cannot_do():
    game = az.Game("go", board_size=9)
    core = SearchCore(game, {"kind": "puct"})
    core.set_position(game.position())
    core.begin(10**9)
    core.run_inside("rollout", 0.05, 2)
    assert 0 < core.report()["simulations"] < 10**6
    with pytest.raises(ValueError, match="Gumbel"):
        searched_inside(game, game.position(), 50, 2, kind="gumbel")
    with pytest.raises(ValueError, match="threads must be >= 1"):
        core.run_inside("uniform", threads=0)


def test_bad_evaluators_and_settings_are_named():
    game = az.Game("connect4")
    position = game.position()
    with pytest.raises(ValueError, match="unknown setting 'sims'"):
        az.Search(game, uniform_evaluator, sims=3)
    with pytest.raises(ValueError, match="kind must be"):
        az.Search(game, uniform_evaluator, kind="alphabeta")
    with pytest.raises(ValueError, match="simulations must be >= 1"):
        az.Search(game, uniform_evaluator).search(position, 0)
    with pytest.raises(ValueError, match="values must be"):
        az.Search(game, lambda p, legal: (np.zeros((1, 7), np.float32), np.zeros((1, 2)))).search(position, 1)
    with pytest.raises(ValueError, match="logits must be"):
        az.Search(game, lambda p, legal: (np.zeros((1, 9), np.float32), np.zeros(1))).search(position, 1)
    with pytest.raises(ValueError, match="finite"):
        az.Search(game, lambda p, legal: (np.zeros((1, 7), np.float32), np.array([np.nan]))).search(position, 1)
    with pytest.raises(ValueError, match="over"):
        az.Search(game, uniform_evaluator).search(game.position("aabbccd"), 1)
    with pytest.raises(ValueError, match="other options"):
        az.Search(game, uniform_evaluator).search(az.Game("go", board_size=5).position(), 1)


def test_the_policy_target_ignores_noise_that_is_smaller_than_the_search_can_see():
    """Root values that differ by 1e-3 must not move a Gumbel target by more than 0.1 in any logit."""
    game = az.Game("go", board_size=5)

    def flat(planes, legal):
        rng = np.random.default_rng(int(planes.sum() * 1000) % 2**32)
        return [np.zeros(len(each), np.float32) for each in legal], rng.uniform(-5e-4, 5e-4, len(planes))

    result = az.Search(game, flat, kind="gumbel").search(game.position(), 64)
    logits = np.log([m.target for m in result.moves])
    assert np.ptp(logits) < 0.1


def test_lcb_plays_the_greatest_lower_confidence_bound_among_moves_with_a_tenth_of_the_most_visits():
    game = az.Game("chess")
    differs = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)

        def evaluate(planes, legal, rng=rng):
            return [rng.normal(0, 1, len(each)) for each in legal], rng.uniform(-0.6, 0.6, len(planes))

        search = az.Search(game, evaluate, lcb=2.0, seed=seed)
        found = search.search(game.position(), 120)
        most = max(m.visits for m in found.moves)
        bounds = {m.move: m.q - 2.0 * ((1 - m.q**2) / m.visits) ** 0.5 for m in found.moves if m.visits >= 0.1 * most}
        assert bounds[found.best_move] == pytest.approx(max(bounds.values()), abs=1e-6)
        differs += found.best_move != found.moves[0].move
    assert 0 < differs < 12


def test_a_move_that_is_named_twice_is_one_move():
    game = az.Game("connect4")
    position = game.position()
    once, twice = (az.Search(game, hashed_evaluator()).search(position, 20, only=only) for only in ("c", "cc"))
    assert once == twice and [each.move for each in once.moves] == ["c"]
