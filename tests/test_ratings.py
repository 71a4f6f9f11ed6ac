"""Ratings and tests of strength against simulations, an independent fit, and hand-made cases."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from alphazero.arena.match_report import report
from alphazero.arena.ratings import bootstrap, rate
from alphazero.arena.sprt import PairScores
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats.results import append_results, read_results


def tournament(elos, games: int, seed: int, advantage: float = 30.0, draws: float = 0.3, paired: bool = False):
    """Random pairings of players whose expected scores follow the logistic curve; `draws` of even games are drawn."""
    rng = np.random.default_rng(seed)
    n = games // 2 if paired else games
    a = rng.integers(0, len(elos), n)
    b = (a + rng.integers(1, len(elos), n)) % len(elos)
    if paired:
        a, b = np.stack([a, b], 1).ravel(), np.stack([b, a], 1).ravel()
    p = 1 / (1 + 10 ** ((elos[b] - elos[a] - advantage) / 400))
    drawn = np.minimum(4 * draws * p * (1 - p), 2 * np.minimum(p, 1 - p))
    dice = rng.random(len(a))
    score = np.where(dice < p - drawn / 2, 1.0, np.where(dice < p + drawn / 2, 0.5, 0.0))
    results = [{"first": f"p{i}", "second": f"p{j}", "result": float(s)} for i, j, s in zip(a, b, score, strict=True)]
    return [{**game, "pair": k // 2} for k, game in enumerate(results)] if paired else results


def counted(wins: int, draws: int, losses: int, colours: str = "swapped") -> list[dict]:
    """Games of a with b, from a's side."""
    results = []
    for number, score in enumerate([1.0] * wins + [0.5] * draws + [0.0] * losses):
        if colours == "swapped" and number % 2:
            results.append({"first": "b", "second": "a", "result": 1 - score})
        else:
            results.append({"first": "a", "second": "b", "result": score})
    return results


def quality(seeds: int, games: int, draws: float, paired: bool = False) -> tuple[float, float, float]:
    """Share of 95 % intervals (against p0) that hold the truth, mean error in Elo, estimate regressed on truth."""
    elos = np.linspace(-200, 250, 10)
    inside, found, truth = [], [], []
    for seed in range(seeds):
        for player in rate(tournament(elos, games, seed, draws=draws, paired=paired), anchor="p0").players:
            if player.name != "p0":
                truth.append(elos[int(player.name[1:])] - elos[0])
                found.append(player.elo)
                inside.append(player.low <= truth[-1] <= player.high)
    return float(np.mean(inside)), float(np.mean(np.subtract(found, truth))), float(np.polyfit(truth, found, 1)[0])


@pytest.mark.parametrize("draws", [0.0, 0.3, 0.6])
def test_intervals_cover_and_draws_do_not_stretch_the_scale(draws):
    share, bias, scale = quality(seeds=25, games=1500, draws=draws)
    assert 0.91 < share < 0.985
    assert abs(bias) < 8.0
    assert 0.95 < scale < 1.05


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True], ids=["games", "pairs"])
@pytest.mark.parametrize("draws", [0.0, 0.3, 0.6])
def test_intervals_cover_and_the_scale_holds_over_200_tournaments(draws, paired):
    share, bias, scale = quality(seeds=200, games=5000, draws=draws, paired=paired)
    print(f"draws {draws:.0%}: covered {share:.1%}, mean error {bias:+.1f} Elo, scale {scale:.3f}")
    assert 0.93 <= share <= 0.97
    assert abs(bias) < 3.0
    assert 0.98 < scale < 1.02


@pytest.mark.parametrize("colours", ["swapped", "one"])
@pytest.mark.parametrize(
    ("wins", "draws", "losses"),
    [(10, 80, 5), (1200, 8000, 800), (29, 11, 20), (0, 100, 0), (60, 0, 40), (165, 13, 22), (5, 990, 5)],
)
def test_an_elo_difference_is_that_of_the_expected_score_however_many_are_drawn(wins, draws, losses, colours):
    score = (wins + draws / 2) / (wins + draws + losses)
    told = rate(counted(wins, draws, losses, colours), anchor="b").difference("a", "b")
    assert told[0] == pytest.approx(400 * math.log10(score / (1 - score)), abs=0.5 + 0.02 * abs(told[0]))
    deviation = math.sqrt((wins + draws / 4) / (wins + draws + losses) - score**2)
    slope = 400 / math.log(10) / score / (1 - score)
    textbook = 2 * 1.96 * slope * max(deviation, 0.05) / math.sqrt(wins + draws + losses)
    assert 0.9 * textbook < told[2] - told[1] < 2.2 * textbook


def test_a_hundred_draws_are_known_well_and_a_few_wins_badly():
    elo, low, high = rate(counted(0, 100, 0)).difference("a", "b")
    assert elo == pytest.approx(0.0, abs=1e-6) and 5 < high < 20 and low == pytest.approx(-high)
    assert rate(counted(0, 400, 0)).difference("a", "b")[2] < high / 2
    elo, low, high = rate(counted(3, 0, 0), anchor="b").difference("a", "b")
    assert low < 0 < elo and high - low > 700
    elo, low, high = rate(counted(20, 0, 0), anchor="b").difference("a", "b")
    assert 100 < low < 300 and high > 1000  # that of a score of 83 %, which wins 20 of 20 in 2.5 %, is 278


def test_a_one_sided_score_among_many_draws_keeps_a_wide_interval():
    """Draws between others say nothing of a player who wins all: at that score there is no room for draws."""
    results = counted(5, 490, 5) + [{"first": "a", "second": "z", "result": 1.0}] * 10
    results += [{"first": "z", "second": "a", "result": 0.0}] * 10
    _, low, high = rate(results, anchor="z").difference("a", "z")
    assert low < 420 < high and high - low > 500  # 20 of 20 in 2.5 %: 415 Elo with draws for the rest


def test_the_opening_and_the_colour_are_not_in_the_variance_of_swapped_pairs():
    """White wins every second opening with either player: both games of such a pair cancel."""
    results = []
    for pair in range(100):
        for first, second in (("a", "b"), ("b", "a")):
            results.append({"first": first, "second": second, "result": 1.0 if pair % 2 else 0.0, "pair": pair})
    alone = [{key: value for key, value in game.items() if key != "pair"} for game in results]
    paired, single = (rate(games).difference("a", "b") for games in (results, alone))
    assert paired[2] - paired[1] < 0.3 * (single[2] - single[1])
    again = rate(results + results).difference("a", "b")  # numbers of pairs that come twice are other pairs
    assert 0.4 < (again[2] - again[1]) / (paired[2] - paired[1]) < 0.8


def test_the_fit_agrees_with_an_independent_one_within_an_elo():
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed (extra: test)")
    results = tournament(np.array([0.0, 100.0, 300.0, -50.0]), 40_000, 1)
    a, b, score = (np.array([game[key] for game in results]) for key in ("first", "second", "result"))
    i, j = (np.array([int(name[1:]) for name in names]) for names in (a, b))

    def loss(x):
        d = x[i] - x[j] + x[4]
        return float((np.logaddexp(0, d) - score * d).sum() / len(d)) + 1e-6 * x[:4].sum() ** 2

    fit = optimize.minimize(loss, np.zeros(5), method="BFGS", tol=1e-9).x * 400 / math.log(10)
    rated = rate(results, anchor="p0")
    for player in rated.players:
        assert player.elo == pytest.approx(fit[int(player.name[1:])] - fit[0], abs=1.0)
    assert rated.first_advantage == pytest.approx(fit[4], abs=1.0)


def test_the_order_of_games_and_their_aggregation_change_nothing():
    results = tournament(np.array([0.0, 100.0, 50.0]), 300, 2, draws=0.5)
    one, other = rate(results, anchor="p0"), rate(results[::-1], anchor="p0")
    for a, b in zip(one.players, other.players, strict=True):
        assert (a.elo, a.low, a.high) == pytest.approx((b.elo, b.low, b.high), abs=1e-6)


def test_known_ratings_are_superior_for_certain():
    results = tournament(np.array([0.0, 100.0, 200.0]), 100, 5)
    rated = rate(results, fixed={"p0": 1500.0, "p1": 1400.0})
    assert rated.los("p0", "p1") == 1.0 and rated.los("p1", "p0") == 0.0
    assert rate(results, fixed={"p0": 1500.0, "p1": 1500.0}).los("p0", "p1") == 0.5
    assert rated.los("p0", "p0") == 0.5
    assert 0.0 < rated.los("p0", "p2") < 1.0


def test_without_swapped_colours_the_advantage_is_not_told_and_takes_nothing_from_the_difference():
    rated = rate(counted(60, 0, 40, "one"))
    assert rated.first_advantage == 0.0 and rated.first_high - rated.first_low > 1000
    swapped = rate(counted(60, 0, 40))
    assert rated.difference("a", "b")[0] == pytest.approx(swapped.difference("a", "b")[0], abs=1.0)


def test_what_is_fitted_is_said():
    told = rate(counted(3, 4, 3)).to_json()
    assert "1 / (1 + 10^(-d / 400))" in told["model"] and "imaginary draw" in told["model"]


def test_extreme_anchors_give_finite_answers():
    rated = rate(counted(5, 0, 5), fixed={"a": 0.0, "b": 1e6})
    assert rated.to_json()["players"][0]["elo"] == 1e6


def test_elo_match_and_the_test_agree_on_one_file(tmp_path, capsys):
    """1,200 won, 8,000 drawn, 800 lost: 52 %, +13.9 Elo, far below what `--sprt 20 40` asks about."""
    rng = np.random.default_rng(0)
    scores = rng.permutation([1.0] * 1200 + [0.5] * 8000 + [0.0] * 800)
    results = []
    for number, score in enumerate(scores):
        first, second = ("a", "b") if number % 2 == 0 else ("b", "a")
        result = float(score if first == "a" else 1 - score)
        results.append({"first": first, "second": second, "result": result, "pair": number // 2})
    file = tmp_path / "r.jsonl"
    append_results(file, results)
    told = report(results, "a", "b").as_json()
    assert told["elo"] == pytest.approx(13.9, abs=0.1) and 9 < told["low"] < told["high"] < 19
    assert main(["elo", str(file), "--anchor", "b", "--json"]) == 0
    best = json.loads(capsys.readouterr().out)["players"][0]
    assert (best["name"], best["elo"], best["low"]) == ("a", round(told["elo"], 1), round(told["low"], 1))
    for elo0, elo1, verdict in ((20, 40, "H0"), (0, 10, "H1"), (-10, 5, "H1")):
        call = ["elo", str(file), "--sprt", "a", "b", "--elo0", str(elo0), "--elo1", str(elo1)]
        assert main([*call, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["verdict"] == verdict
        assert main(call) == 0
        assert "Elo difference +13.9 [+" in capsys.readouterr().out


def test_elo_and_match_show_pentanomial_counts_and_normalised_elo(tmp_path, capsys):
    results = []
    for pair, (x, y) in enumerate([(0, 0), (0, 0.5), (1, 0), (0.5, 0.5), (0.5, 1), (1, 1), (1, 1)]):
        results.append({"first": "a", "second": "b", "result": x, "pair": pair})
        results.append({"first": "b", "second": "a", "result": 1 - y, "pair": pair})
    results.append({"first": "a", "second": "b", "result": 1, "pair": 7})  # its partner was not played
    file = tmp_path / "r.jsonl"
    append_results(file, results)
    told = report(results, "a", "b")
    scores = np.array([0, 0.25, 0.5, 0.5, 0.75, 1, 1])
    wanted = (scores.mean() - 0.5) / (math.sqrt(2) * scores.std()) * 800 / math.log(10)
    assert told.as_json()["pentanomial"] == [1, 1, 2, 1, 2]
    assert told.as_json()["nelo"] == pytest.approx(wanted)
    shown = f"[1, 1, 2, 1, 2]; normalised Elo {wanted:+.1f}"
    assert shown in told.as_text()
    for call in (["elo", str(file)], ["elo", str(file), "--sprt", "a", "b"]):
        assert main(call) == 0
        assert shown in capsys.readouterr().out


def test_normalised_elo_of_games_without_partners_and_of_scores_without_variance():
    scores = np.array([1.0] * 6 + [0.5] * 2 + [0.0] * 2)
    single = PairScores.of(counted(6, 2, 2, "one"), "a", "b")
    assert single.pentanomial == [0, 0, 0, 0, 0]
    assert single.nelo == pytest.approx((scores.mean() - 0.5) / scores.std() * 800 / math.log(10))
    assert PairScores.of(counted(0, 10, 0), "a", "b").nelo == 0.0
    assert PairScores.of(counted(10, 0, 0), "a", "b").nelo is None
    assert "not defined" in PairScores.of(counted(10, 0, 0), "a", "b").as_text()
    assert PairScores.of([], "a", "b").nelo == 0.0


def test_the_first_movers_advantage_has_an_interval_that_covers_it():
    inside = []
    for seed in range(40):
        rated = rate(tournament(np.linspace(0, 200, 5), 400, seed, advantage=30.0))
        assert rated.first_low < rated.first_advantage < rated.first_high
        inside.append(rated.first_low <= 30.0 <= rated.first_high)
    assert sum(inside) >= 33  # of 40, 38 expected


def test_anchors_keep_their_ratings_and_others_are_fitted_between():
    results = tournament(np.array([0.0, 100.0, 200.0]), 3000, 5)
    free = {p.name: p for p in rate(results, anchor="p0").players}
    one = {p.name: p for p in rate(results, fixed={"p0": 1500.0}).players}
    assert all(one[name].elo == pytest.approx(free[name].elo + 1500.0) for name in free)
    rated = rate(results, fixed={"p0": 1000.0, "p2": 1300.0})  # 100 more apart than they are
    two = {p.name: p for p in rated.players}
    assert (two["p0"].elo, two["p2"].elo) == pytest.approx((1000.0, 1300.0))
    assert two["p2"].low == two["p2"].high == pytest.approx(1300.0)
    assert 1100 < two["p1"].low < two["p1"].elo < two["p1"].high < 1200
    assert rated.anchor == "p0, p2"
    with pytest.raises(ValueError, match="'z' played no game"):
        rate(results, fixed={"p0": 0.0, "z": 0.0})


def test_likelihoods_of_superiority_of_two_players_sum_to_one():
    rated = rate(tournament(np.array([0.0, 60.0, 120.0]), 300, 4))
    matrix = np.array(rated.los_matrix())
    assert np.allclose(matrix + matrix.T, 1.0)
    assert matrix[0, 2] > matrix[0, 1] > 0.5  # strongest first
    assert matrix[0, 1] == rated.los(rated.players[0].name, rated.players[1].name)


def test_elo_shows_anchors_superiority_and_the_bootstrap(tmp_path, capsys):
    file = tmp_path / "r.jsonl"
    append_results(file, tournament(np.array([0.0, 80.0]), 200, 1))
    assert main(["elo", str(file), "--anchor", "p0=1500", "--los", "--bootstrap", "50"]) == 0
    shown = capsys.readouterr().out
    assert "anchor p0; moving first is worth" in shown and "bootstrap" in shown
    assert shown.count("[1500, 1500]") == 2
    assert "likelihood of superiority" in shown
    assert main(["elo", str(file), "--anchor", "p0=1500", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["players"][-1]["elo"] == 1500.0 and told["anchor"] == "p0"
    assert main(["elo", str(file), "--los", "--bootstrap", "20", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert np.shape(told["los"]) == (2, 2) and told["bootstrap"].keys() == {"p0", "p1"}
    assert main(["elo", str(file), "--anchor", "p0=strong"]) == 2
    assert "--anchor 'p0=strong': expected NAME or NAME=ELO" in capsys.readouterr().err


def test_the_bootstrap_draws_whole_pairs():
    """Where the second game of a pair repeats the first with colours swapped, there is half as much to know."""
    results = []
    for pair in range(200):
        won = float(np.random.default_rng(pair).random() < 0.5)
        results.append({"first": "a", "second": "b", "result": won, "pair": pair})
        results.append({"first": "b", "second": "a", "result": 1 - won, "pair": pair})
    alone = [{key: value for key, value in game.items() if key != "pair"} for game in results]
    (low, high), (alone_low, alone_high) = (bootstrap(games, 500, anchor="b")["a"] for games in (results, alone))
    assert (high - low) / (alone_high - alone_low) == pytest.approx(math.sqrt(2), rel=0.25)


def test_the_bootstrap_finds_intervals_like_the_covariances():
    results = tournament(np.array([0.0, 150.0, 80.0]), 600, 2)
    rated = {p.name: p for p in rate(results, anchor="p0").players}
    for name, (low, high) in bootstrap(results, 200, anchor="p0").items():
        if name != "p0":
            assert high - low == pytest.approx(rated[name].high - rated[name].low, rel=0.35)


@pytest.mark.parametrize(
    "results",
    [
        [{"first": "a", "second": "b", "result": 1}],
        [{"first": "a", "second": "b", "result": 1}] * 100,
        [{"first": "a", "second": "b", "result": 0.5}] * 4,
        [{"first": "a", "second": "b", "result": 1}, {"first": "c", "second": "d", "result": 0}],
    ],
    ids=["one game", "all won", "all drawn", "two islands"],
)
def test_poor_data_gives_finite_and_wide_answers(results):
    rated = rate(results)
    for player in rated.players:
        assert all(math.isfinite(x) for x in (player.elo, player.low, player.high))
        if player.name != rated.anchor:
            assert player.high - player.low > 150
            assert player.low < player.elo < player.high
    assert json.loads(json.dumps(rated.to_json()))["players"]


def test_more_games_narrow_the_interval_and_a_stronger_player_is_above():
    won = [{"first": "a", "second": "b", "result": 1}, {"first": "b", "second": "a", "result": 0}] * 3
    lost = [{"first": "a", "second": "b", "result": 0}, {"first": "b", "second": "a", "result": 1}]
    few, many = (rate((won + lost) * n, anchor="b") for n in (2, 50))
    assert many.players[0].name == "a"
    assert 0 < many.players[0].low < many.players[0].elo < many.players[0].high
    assert (many.players[0].high - many.players[0].low) < 0.5 * (few.players[0].high - few.players[0].low)
    assert many.los("a", "b") > 0.999


def test_elo_reads_json_lines_pgn_and_sgf_and_prints_the_agreed_object(tmp_path, capsys):
    lines = tmp_path / "r.jsonl"
    append_results(lines, [{"first": "a", "second": "b", "result": 1}, {"first": "b", "second": "a", "result": 0.5}])
    pgn = tmp_path / "games.pgn"
    pgn.write_text(
        '[Event "x"]\n[White "a"]\n[Black "b"]\n[Result "1-0"]\n\n1. e4 1-0\n\n[Event "x"]\n[White "b"]\n[Black "a"]\n[Result "1/2-1/2"]\n\n*\n'
    )
    folder = tmp_path / "sgf"
    folder.mkdir()
    (folder / "1.sgf").write_text("(;GM[1]PB[a]PW[b]RE[B+3.5])")
    (folder / "2.sgf").write_text("(;GM[1]PB[b]PW[a]RE[0])")
    printed = []
    for path in (lines, pgn, folder):
        assert main(["elo", str(path), "--json"]) == 0
        printed.append(json.loads(capsys.readouterr().out))
    assert printed[0] == printed[1] == printed[2]
    assert printed[0].keys() == {"players", "model", "anchor", "first_advantage"}
    assert printed[0]["players"][0].keys() == {"name", "elo", "low", "high", "games", "score"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"first": "a"}\n', r"r.jsonl:1: expected"),
        ('{"first": "a", "second": "b", "result": 2}\n', "result must be 1, 0.5 or 0"),
        ("nonsense\n", "r.jsonl:1: not a JSON object"),
        ('{"first": "a", "second": "a", "result": 1}\n', "plays itself"),
        ('{"first": "a", "second": "b", "result": 1, "pair": [1]}\n', "r.jsonl:1: pair must be a number"),
        ('{"first": "a", "second": "b", "result": 1, "pair": {"number": 1}}\n', "r.jsonl:1: pair must be a number"),
    ],
)
def test_bad_results_name_the_line(tmp_path, line, message):
    path = tmp_path / "r.jsonl"
    path.write_text(line)
    with pytest.raises(UserError, match=message):
        read_results([path])


def test_a_line_cut_short_by_a_crash_is_skipped_and_the_file_goes_on(tmp_path):
    path = tmp_path / "r.jsonl"
    game = {"first": "a", "second": "b", "result": 1, "game": 0}
    append_results(path, [game])
    for torn in ('{"first": "a", "game": 1, "sec', '{"fi', '{"first": "ä'):
        whole = path.read_bytes()
        path.write_bytes(whole + torn.encode())
        assert len(read_results([path])) == whole.count(b"\n")
        append_results(path, [{**game, "game": 2}])
    assert [g["game"] for g in read_results([path])] == [0, 2, 2, 2]


def test_a_line_that_lacks_its_end_alone_is_kept(tmp_path):
    path = tmp_path / "r.jsonl"
    game = {"first": "a", "second": "b", "result": 1, "game": 0}
    path.write_text(json.dumps(game))
    assert [g["game"] for g in read_results([path])] == [0]
    append_results(path, [{**game, "game": 1}])
    assert [g["game"] for g in read_results([path])] == [0, 1]
