"""The sequential test against simulation, theory, and hand-made cases."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from alphazero.arena.ratings import rate
from alphazero.arena.sprt import (
    SCORES,
    PairwiseTest,
    Sprt,
    bounds,
    counts_of,
    expected_length,
    expected_score,
    log_likelihood_ratio,
    mean_and_variance,
    sprt,
    tallies,
)
from alphazero.cli import main

# Shares of an observation's scores 0, 1/4, 1/2, 3/4, 1 between equal players.
PAIRS = np.array([0.05, 0.2, 0.5, 0.2, 0.05])
DECISIVE_OPENINGS = np.array([0.03, 0.12, 0.7, 0.12, 0.03])  # the opening decides most pairs 1 : 1
SINGLE_GAMES = np.array([0.3, 0.0, 0.4, 0.0, 0.3])  # trinomial


def tilted(shares, score: float):
    """The distribution nearest to `shares` with this mean."""
    low, high = -50.0, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        weights = shares * np.exp(middle * SCORES)
        weights /= weights.sum()
        low, high = (middle, high) if weights @ SCORES < score else (low, middle)
    return weights


def simulated(shares, test: Sprt, tests: int, seed: int = 0, chunk: int = 64) -> tuple[float, float]:
    """Share of tests that accept H1, and their mean length in observations; all tests at once, counts carried along."""
    rng = np.random.default_rng(seed)
    lower, upper = bounds(test.alpha, test.beta)
    counts, alive, done = np.zeros((tests, 5)), np.arange(tests), 0
    accepted, length = np.zeros(tests), np.zeros(tests)
    while len(alive):
        drawn = np.eye(5)[rng.choice(5, (len(alive), chunk), p=shares)]
        running = counts[alive][:, None] + drawn.cumsum(1)
        llr = log_likelihood_ratio(running, test.elo0, test.elo1)
        over = (llr >= upper) | (llr <= lower)
        first, ends = over.argmax(1), over.any(1)
        accepted[alive[ends]] = llr[ends, first[ends]] >= upper
        length[alive[ends]] = done + first[ends] + 1
        counts[alive] = running[:, -1]
        alive, done = alive[~ends], done + chunk
    return float(accepted.mean()), float(length.mean())


def check(shares, test: Sprt, tests: int, slack: float) -> list[str]:
    """Simulates at elo0 and at elo1; asserts error rates within the stated ones (and chance), lengths near theory's."""
    told = []
    for elo, wrong_rate in ((test.elo0, test.alpha), (test.elo1, test.beta)):
        score = expected_score(elo)
        weights = tilted(shares, score)
        accepted, length = simulated(weights, test, tests)
        wrong = accepted if elo == test.elo0 else 1 - accepted
        theory = expected_length(score, weights @ (SCORES - score) ** 2, test.elo0, test.elo1, test.alpha, test.beta)
        told.append(f"at {elo:g}: wrong {wrong:.4f}, length {length:.1f}, theory {theory:.1f}")
        assert wrong <= wrong_rate + 3 * math.sqrt(wrong_rate * (1 - wrong_rate) / tests), told
        assert abs(length / theory - 1) < slack, told
    return told


def test_error_rates_keep_their_bounds_and_lengths_follow_theory():
    check(PAIRS, Sprt(0, 40), tests=400, slack=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("test", [Sprt(0, 10), Sprt(-5, 5), Sprt(0, 20, 0.02, 0.1)], ids=str)
@pytest.mark.parametrize("shares", [PAIRS, DECISIVE_OPENINGS, SINGLE_GAMES], ids=["pairs", "openings", "single games"])
def test_error_rates_and_lengths_over_2000_tests(shares, test):
    print(*check(shares, test, tests=2000, slack=0.10), sep="\n")


@pytest.mark.parametrize("shares", [PAIRS, SINGLE_GAMES])
def test_wide_hypotheses_keep_their_bounds_too(shares):
    """Twenty games or so decide: the short formula with the variance as observed errs in 8 to 10 % of such tests."""
    for elo, h1 in ((0.0, False), (100.0, True)):
        accepted, _ = simulated(tilted(shares, expected_score(elo)), Sprt(0, 100), 2000, chunk=16)
        assert (1 - accepted if h1 else accepted) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_the_ratio_of_games_without_draws_is_the_exact_binomial_one():
    s0, s1 = expected_score(0), expected_score(50)
    exact = 60 * math.log(s1 / s0) + 40 * math.log((1 - s1) / (1 - s0))
    assert log_likelihood_ratio(np.array([40.0, 0, 0, 0, 60]), 0, 50) == pytest.approx(exact, abs=0.01)


def test_the_ratio_is_that_of_the_best_fitting_distributions():
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed (extra: test)")
    counts = np.array([12.0, 60, 140, 90, 25])

    def best(mean: float) -> float:
        """The greatest log likelihood of any distribution with this mean, by a general optimiser."""
        fit = optimize.minimize(
            lambda p: -counts @ np.log(p),
            np.full(5, 0.2),
            bounds=[(1e-6, 1)] * 5,
            constraints=[
                {"type": "eq", "fun": lambda p: p.sum() - 1},
                {"type": "eq", "fun": lambda p: p @ SCORES - mean},
            ],
            options={"maxiter": 500, "ftol": 1e-12},
        )
        return -fit.fun

    wanted = best(expected_score(25)) - best(expected_score(5))
    assert log_likelihood_ratio(counts, 5, 25) == pytest.approx(wanted, abs=1e-3)


def pairs_of(scores) -> list[dict]:
    """Two games a pair, whose points for a sum to twice the score."""
    results = []
    for pair, score in enumerate(scores):
        first = 1.0 if score > 0.5 else 0.5 if score in (0.25, 0.5) else 0.0
        second = 2 * score - first
        results.append({"first": "a", "second": "b", "result": first, "pair": pair})
        results.append({"first": "b", "second": "a", "result": 1 - second, "pair": pair})
    return results


def test_the_test_while_games_come_in_says_what_the_whole_says_at_every_pair():
    scores = np.random.default_rng(3).choice(SCORES, 150, p=PAIRS)
    results = pairs_of(scores)
    running = PairwiseTest(Sprt(0, 20), "a")
    for count in range(1, len(scores) + 1):
        for game in results[2 * count - 2 : 2 * count]:
            running.add(game)
        whole = sprt(results[: 2 * count], "a", "b", 0, 20)
        assert running.as_json() == whole
        assert whole["llr"] == round(float(log_likelihood_ratio(counts_of(scores[:count]), 0, 20)), 4)
        if running.verdict != "continue":
            break


def test_pairs_are_judged_in_order_however_games_end_and_the_first_verdict_stays():
    results = pairs_of([1.0] * 40 + [0.0] * 400)
    forwards, backwards = PairwiseTest(Sprt(0, 100), "a"), PairwiseTest(Sprt(0, 100), "a")
    for game in results:
        forwards.add(game)
    for game in reversed(results):
        assert backwards.verdict == "continue"
        backwards.add(game)
    assert forwards.as_json() == backwards.as_json()
    assert forwards.verdict == "H1" and forwards.pairs < 40


def colours(as_first: tuple[int, int, int], as_second: tuple[int, int, int]) -> list[dict]:
    """a's wins, draws and losses with either colour, one block after the other: next to no game has a partner."""
    out = []
    for first, second, counts in (("a", "b", as_first), ("b", "a", as_second)):
        for points, count in zip((1.0, 0.5, 0.0), counts, strict=True):
            out += [{"first": first, "second": second, "result": points if first == "a" else 1 - points}] * count
    return out


def test_the_first_move_advantage_is_taken_out_of_games_without_a_partner():
    """8,000 draws moving first and 600 wins moving second: the estimate is +595, and the test said H0."""
    results = colours((600, 8000, 800), (600, 0, 0))
    assert rate(results).difference("a", "b")[0] > 500
    assert sprt(results, "a", "b")["verdict"] == "H1"
    results = colours((600, 0, 200), (100, 0, 300))  # equal but for the colour, and a moved first twice as often
    assert sprt(results, "a", "b", -10, 10)["llr"] == pytest.approx(0, abs=0.05)


def test_the_fitted_advantage_is_that_of_a_general_optimiser():
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed (extra: test)")
    first, second = np.array([60, 0, 80, 0, 160.0]), np.array([90, 0, 70, 0, 100.0])

    def best(elo: float) -> float:
        def loss(x) -> float:
            """Of the shares of three scores for either colour, on the simplex by softmax, tied to one advantage."""
            p, q = (np.exp(np.append(each, 0.0)) / np.exp(np.append(each, 0.0)).sum() for each in (x[:2], x[2:4]))
            return (
                -(first[[0, 2, 4]] @ np.log(p / (first[[0, 2, 4]] / 300)))
                - (second[[0, 2, 4]] @ np.log(q / (second[[0, 2, 4]] / 260)))
                + 0.5 * (x[4] / 2.0) ** 2
            )

        def off(x) -> list[float]:
            p, q = (np.exp(np.append(each, 0.0)) / np.exp(np.append(each, 0.0)).sum() for each in (x[:2], x[2:4]))
            halves = np.array([0.0, 0.5, 1.0])
            d, advantage = elo / 173.7178, x[4]
            return [p @ halves - 1 / (1 + np.exp(-d - advantage)), q @ halves - 1 / (1 + np.exp(-d + advantage))]

        fit = optimize.minimize(
            loss, np.zeros(5), constraints={"type": "eq", "fun": off}, options={"maxiter": 1000, "ftol": 1e-12}
        )
        assert fit.success
        return -fit.fun

    results = [{**game, "pair": None} for game in colours((160, 80, 60), (100, 70, 90))]
    counts = tallies(results, "a", "b")
    assert counts["first"].tolist() == first.tolist() and counts["second"].tolist() == second.tolist()
    assert sprt(results, "a", "b", 0, 40)["llr"] == pytest.approx(best(40) - best(0), abs=2e-2)


@pytest.mark.parametrize("advantage", [0.0, 100.0, 400.0])
def test_games_without_a_partner_keep_the_error_rates_whatever_moving_first_is_worth(advantage):
    """Two thirds of the games have A first; without the advantage in the model, all of these verdicts would be one."""
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(150):
        truth = 100.0 * rng.integers(0, 2)
        results, verdict = [], "continue"
        while verdict == "continue":
            for _ in range(60):
                mine = rng.random() < 2 / 3
                chance = expected_score((truth if mine else -truth) + advantage)
                result = 0.5 if rng.random() < 2 * min(chance, 1 - chance) * 0.5 else None
                if result is None:  # what is left over of the chance, after the draws
                    share = 2 * min(chance, 1 - chance) * 0.5
                    result = float(rng.random() < (chance - share / 2) / (1 - share))
                first, second = ("a", "b") if mine else ("b", "a")
                results.append({"first": first, "second": second, "result": result, "pair": None})
            verdict = sprt(results, "a", "b", 0, 100)["verdict"]
        wrong += verdict != ("H1" if truth else "H0")
    assert wrong / 150 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


def test_the_verdict_never_contradicts_the_estimate():
    rng = np.random.default_rng(11)
    decided = 0
    for _ in range(200):
        truth, advantage = rng.normal(0, 80), rng.normal(0, 60)
        results = []
        for pair in range(int(rng.integers(0, 200))):
            for first, second, d in (("a", "b", truth + advantage), ("b", "a", advantage - truth)):
                results.append({"first": first, "second": second, "result": float(rng.random() < expected_score(d))})
                results[-1]["pair"] = pair
        for _ in range(int(rng.integers(1, 300))):
            mine = rng.random() < 0.8
            chance = expected_score(advantage + (truth if mine else -truth))
            first, second = ("a", "b") if mine else ("b", "a")
            results.append({"first": first, "second": second, "result": float(rng.random() < chance), "pair": None})
        _, low, high = rate(results).difference("a", "b")
        verdict = sprt(results, "a", "b", 0, 40)["verdict"]
        decided += verdict != "continue"
        assert not (verdict == "H0" and low > 40) and not (verdict == "H1" and high < 0), results
    assert decided > 100


def test_decisions_are_as_they_should_be():
    def games(score: float, n: int) -> list[dict]:
        rng = np.random.default_rng(0)
        out = []
        for pair in range(n):
            for first, second in (("a", "b"), ("b", "a")):
                won = rng.random() < score
                out.append({"first": first, "second": second, "result": float(won == (first == "a")), "pair": pair})
        return out

    assert sprt(games(0.60, 300), "a", "b", 0, 30)["verdict"] == "H1"
    assert sprt(games(0.45, 300), "a", "b", 0, 30)["verdict"] == "H0"
    undecided = sprt(games(0.52, 10), "a", "b", 0, 30)
    assert undecided["verdict"] == "continue"
    assert (undecided["games"], undecided["pairs"]) == (20, 10)
    assert undecided["upper"] == pytest.approx(math.log(19), abs=1e-3)
    with pytest.raises(ValueError, match="elo0 must be below elo1"):
        sprt(games(0.5, 1), "a", "b", 10, 0)
    with pytest.raises(ValueError, match="no games between"):
        sprt(games(0.5, 1), "a", "z")


@pytest.mark.parametrize("counts", [[0, 0, 0, 0, 50], [50, 0, 0, 0, 0], [0, 0, 50, 0, 0], [1, 0, 0, 0, 0]])
def test_one_sided_results_give_finite_ratios(counts):
    llr = float(log_likelihood_ratio(np.array(counts, float), 0, 10))
    assert math.isfinite(llr)
    assert np.sign(llr) == (1 if counts[4] else -1)


def test_expected_length_is_walds_table_and_longest_in_between():
    s0, s1 = expected_score(0), expected_score(2)  # steps so small that they overshoot by nothing
    walds = ((0.95 * math.log(19) - 0.05 * math.log(19)) * 2 * 0.06) / (s1 - s0) ** 2
    assert expected_length(s1, 0.06, 0, 2) == pytest.approx(walds, rel=0.01)
    assert expected_length(s0, 0.06, 0, 2) == pytest.approx(walds, rel=0.01)
    between = [expected_length(s0 + t * (s1 - s0), 0.06, 0, 2) for t in (0.0, 0.3, 0.499999, 0.5, 0.500001, 0.7, 1.0)]
    assert max(between) == pytest.approx(between[3])
    assert between[2] == pytest.approx(between[3], rel=1e-3) == between[4]
    assert expected_length(0.99, 0.06, 0, 2) < 0.1 * walds  # and no power overflows far outside


def test_elo_says_the_verdict_and_the_expected_length(tmp_path, capsys):
    scores = np.random.default_rng(1).choice(SCORES, 60, p=PAIRS)
    file = tmp_path / "r.jsonl"
    file.write_text("".join(json.dumps(game) + "\n" for game in pairs_of(scores)))
    assert main(["elo", str(file), "--sprt", "a", "b", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"llr", "lower", "upper", "verdict", "games", "pairs"}
    assert main(["elo", str(file), "--sprt", "a", "b"]) == 0
    _, spread = mean_and_variance(counts_of(scores))
    length = expected_length(expected_score(0), spread, 0, 10)
    assert f"expected length: {length:,.0f} pairs where H0 is true" in capsys.readouterr().out


def test_a_match_stops_when_the_verdict_is_known_and_a_second_call_plays_no_more(tmp_path, capsys):
    call = ["match", "mcts:60", "random", "--game", "connect4", "--games", "400", "--out", str(tmp_path), "--json"]
    call += ["--sprt", "0", "100"]
    assert main(call) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sprt"]["verdict"] == "H1"
    assert report["sprt"]["games"] == 2 * report["sprt"]["pairs"] < 100
    before = (tmp_path / "results.jsonl").read_bytes()
    assert before.count(b"\n") < 300
    assert main(call) == 0
    assert json.loads(capsys.readouterr().out) == report
    assert (tmp_path / "results.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "hypotheses", [("0", "1e-300"), ("0", "0.001"), ("0", "6500"), ("-9999", "0"), ("9000", "10000")]
)
def test_hypotheses_that_no_games_can_tell_apart_are_refused_in_one_line(tmp_path, capsys, hypotheses):
    file = tmp_path / "results.jsonl"
    file.write_text(json.dumps({"first": "a", "second": "b", "result": 1}) + "\n")
    elo0, elo1 = hypotheses
    assert main(["elo", str(file), "--sprt", "a", "b", "--elo0", elo0, "--elo1", elo1]) == 2
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1 and elo0 in told.err
    with pytest.raises(ValueError, match="sprt: elo"):
        Sprt(float(elo0), float(elo1))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("hypotheses", [(-2000, 2000), (-2000, -1999.9), (1999.9, 2000), (0, 0.01)])
@pytest.mark.parametrize("scores", [[1.0], [0.5, 0.5], [0.0, 1.0, 0.5]])
def test_hypotheses_at_their_bounds_give_finite_answers(hypotheses, scores):
    games = [{"first": "a", "second": "b", "result": score} for score in scores]
    test = Sprt(*hypotheses)
    assert math.isfinite(test.judge(games, "a", "b")["llr"])
    assert all(0 < length < math.inf for length in test.lengths(games, "a", "b"))


@pytest.mark.parametrize("late", [0.0, 1.0], ids=["lost", "won"])
def test_games_that_end_after_the_verdict_take_nothing_from_it(late):
    """`elo --sprt` says of a match's file what the match said, which games under way then do not change."""
    first = [{"first": "ab"[i % 2], "second": "ba"[i % 2], "result": 1 - i % 2, "pair": i // 2} for i in range(100)]
    then = [
        {"first": "ab"[i % 2], "second": "ba"[i % 2], "result": late if i % 2 == 0 else 1 - late, "pair": 50 + i // 2}
        for i in range(101)
    ]
    test, played = PairwiseTest(Sprt(0, 50), "a"), first + then
    for game in played:
        test.add(game)
    assert test.as_json()["verdict"] == "H1"
    assert Sprt(0, 50).judge(played[::-1], "a", "b") == test.as_json()
    plain = [{name: value for name, value in game.items() if name != "pair"} for game in played]
    assert Sprt(0, 50).judge(plain, "a", "b")["pairs"] == 100, "games that are no match's are all judged"
    assert Sprt(0, 50).judge(first + first + then, "a", "b")["pairs"] == 150, "nor are those of several matches"


def test_the_expected_length_says_of_what(tmp_path, capsys):
    pair = [
        {"first": "a", "second": "b", "result": 1, "pair": 0},
        {"first": "b", "second": "a", "result": 1, "pair": 0},
    ]
    alone = [{"first": "a", "second": "b", "result": 0.5, "pair": None}]
    for games, what in ((pair, "pairs"), (alone, "games"), (pair + alone, "pairs and games without a partner")):
        file = tmp_path / "results.jsonl"
        file.write_text("".join(json.dumps(game) + "\n" for game in games))
        assert main(["elo", str(file), "--sprt", "a", "b"]) == 0
        assert f" {what} where H0 is true" in capsys.readouterr().out
