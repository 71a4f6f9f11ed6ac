"""Ratings and tests of strength against simulations, an independent fit, and hand-made cases."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from alphazero.arena.ratings import bootstrap, rate
from alphazero.arena.results import append_results, read_results
from alphazero.cli import main
from alphazero.errors import UserError


def tournament(elos, games: int, seed: int, advantage: float = 30.0, nu: float = 0.4) -> list[dict]:
    """Random pairings of players with known ratings, drawn from Davidson's model."""
    rng = np.random.default_rng(seed)
    names = [f"p{i}" for i in range(len(elos))]
    results = []
    for _ in range(games):
        a, b = rng.choice(len(elos), 2, replace=False)
        d = (elos[a] + advantage - elos[b]) * math.log(10) / 400
        weights = np.array([math.exp(d / 2), nu, math.exp(-d / 2)])
        results.append(
            {"first": names[a], "second": names[b], "result": rng.choice([1.0, 0.5, 0.0], p=weights / weights.sum())}
        )
    return results


def coverage(seeds: int, games: int) -> tuple[float, float]:
    """Share of 95 % intervals (against p0) that hold the truth, and the mean error in Elo."""
    elos = np.linspace(-200, 250, 10)
    inside, errors = [], []
    for seed in range(seeds):
        rated = rate(tournament(elos, games, seed), anchor="p0")
        for player in rated.players:
            if player.name != "p0":
                truth = elos[int(player.name[1:])] - elos[0]
                inside.append(player.low <= truth <= player.high)
                errors.append(player.elo - truth)
    return float(np.mean(inside)), float(np.mean(errors))


def test_intervals_cover_the_truth_and_ratings_are_unbiased():
    share, bias = coverage(seeds=30, games=1500)
    assert 0.91 < share < 0.985
    assert abs(bias) < 8.0


@pytest.mark.slow
def test_intervals_cover_the_truth_over_200_tournaments():
    share, bias = coverage(seeds=200, games=5000)
    assert 0.93 <= share <= 0.97
    assert abs(bias) < 5.0


def test_the_fit_agrees_with_an_independent_one():
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed (extra: test)")
    results = tournament(np.array([0.0, 100.0, 300.0, -50.0]), 4000, 1)

    def loss(x):
        total = 0.0
        for game in results:
            a, b = int(game["first"][1:]), int(game["second"][1:])
            d = x[a] + x[4] - x[b]
            terms = {1.0: d / 2, 0.5: x[5], 0.0: -d / 2}
            total -= terms[game["result"]] - np.logaddexp(np.logaddexp(d / 2, -d / 2), x[5])
        return total + 1e-6 * x[:4].sum() ** 2

    fit = optimize.minimize(loss, np.zeros(6), method="BFGS").x * 400 / math.log(10)
    rated = rate(results, anchor="p0")
    for player in rated.players:
        assert player.elo == pytest.approx(fit[int(player.name[1:])] - fit[0], abs=3.0)
    assert rated.first_advantage == pytest.approx(fit[4], abs=3.0)


def test_the_fit_agrees_with_r(tmp_path):
    """Davidson's model by R's BradleyTerry2, which has no prior: apt-get install r-cran-bradleyterry2 r-cran-gnm."""
    script = Path(__file__).parent / "data" / "davidson.R"
    results = tournament(np.array([0.0, 100.0, 300.0, -50.0]), 2000, 1)
    rows = [f"{game['first']},{game['second']},{game['result']}" for game in results]
    (tmp_path / "r.csv").write_text("\n".join(["first,second,result", *rows]) + "\n")
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    run = subprocess.run(["Rscript", str(script), str(tmp_path / "r.csv")], capture_output=True, text=True)
    if "no package called" in run.stderr:
        pytest.skip("R's BradleyTerry2 or gnm is not installed")
    found = {name: float(value) for name, value in (line.split() for line in run.stdout.splitlines())}
    rated = rate(results, anchor="p0")
    for player in rated.players:
        assert player.elo == pytest.approx((found[player.name] - found["p0"]) * 400 / math.log(10), abs=1.0)
    assert rated.first_advantage == pytest.approx(found["home.adv"] * 400 / math.log(10), abs=1.0)


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
    assert "--anchor p0=strong: expected NAME or NAME=ELO" in capsys.readouterr().err


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
