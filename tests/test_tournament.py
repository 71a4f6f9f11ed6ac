"""Tournament forms, their configuration, resuming, and the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser

import numpy as np
import pytest

import alphazero as az
from alphazero.arena import schedule
from alphazero.arena.match import Entrant
from alphazero.arena.openings import read_openings
from alphazero.arena.play import run_schedule
from alphazero.arena.ratings import rate
from alphazero.arena.report import write_report
from alphazero.arena.store import being_played
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats.results import read_results
from alphazero.player import load


def no_openings(a: int, b: int, count: int, number: int) -> list[str]:
    return [""] * count


def met(pairings) -> dict[tuple[int, int], int]:
    """How often each two players meet."""
    out: dict[tuple[int, int], int] = {}
    for p in pairings:
        key = (min(p.first, p.second), max(p.first, p.second))
        out[key] = out.get(key, 0) + 1
    return out


def test_in_a_round_robin_all_meet_all_and_colours_are_balanced():
    games = schedule.round_robin(4, 6, no_openings)
    assert met(games) == {(a, b): 6 for a in range(4) for b in range(a + 1, 4)}
    assert sum(p.first < p.second for p in games) == sum(p.first > p.second for p in games)
    assert all(len([q for q in games if q.pair == p.pair]) == 2 for p in games)


def test_in_a_gauntlet_the_first_meets_all_others():
    assert met(schedule.gauntlet(4, 2, no_openings)) == {(0, 1): 2, (0, 2): 2, (0, 3): 2}


def test_the_ladder_first_seats_everybody_beside_a_neighbour():
    assert schedule.informative_pairs(list("abcdef"), [], 3, 10) == [(0, 1), (2, 3), (4, 5)]


def drawn(elos, pairings, rng) -> list[dict]:
    """Results of these pairings for players p0, p1, ... of known strength, without draws."""
    results = []
    for p in pairings:
        chance = 1 / (1 + 10 ** ((elos[p.second] - elos[p.first]) / 400))
        results.append({"first": f"p{p.first}", "second": f"p{p.second}", "result": float(rng.random() < chance)})
    return results


def ladder_of(elos, rounds: int, games: int, seed: int):
    """A ladder of players p0, p1, ... of these strengths: its results and its pairings."""
    rng = np.random.default_rng(seed)
    played: list[dict] = []
    pairings: list = []

    def play(longer):
        played.extend(drawn(elos, longer[len(played) :], rng))
        pairings[:] = longer
        return played

    schedule.ladder([f"p{i}" for i in range(len(elos))], rounds, games, no_openings, play)
    return played, pairings


def test_the_ladder_plays_near_rivals_rather_than_far_ones():
    _, pairings = ladder_of(250.0 * np.arange(8), 12, 10, seed=0)
    near = sum(count for (a, b), count in met(pairings).items() if b - a <= 2)
    assert near > 0.8 * len(pairings)  # in a round robin 13 of 28 pairings
    assert {player for pair in met(pairings) for player in pair} == set(range(8))


def test_a_ladder_knows_more_than_a_round_robin_of_as_many_games():
    """Root mean squared error over twelve players 200 Elo apart, four tournaments."""
    elos = 200.0 * np.arange(12)
    names = [f"p{i}" for i in range(12)]

    def error(results) -> float:
        rated = rate(results, players=names)
        found = np.array([rated.elo_of(name) for name in names])
        return float(np.sqrt(np.mean((found - found.mean() - elos + elos.mean()) ** 2)))

    ladders, robins = [], []
    for seed in range(4):
        results, _ = ladder_of(elos, 11, 20, seed)
        ladders.append(error(results))
        robin = schedule.round_robin(12, 20, no_openings)
        robins.append(error(drawn(elos, robin, np.random.default_rng(seed))))
        assert len(results) == len(robin)
    assert np.mean(ladders) < 0.75 * np.mean(robins)


def test_the_order_of_results_does_not_change_the_ladder():
    rng = np.random.default_rng(2)
    names = [f"p{i}" for i in range(6)]
    results = drawn(np.arange(6) * 80.0, schedule.round_robin(6, 10, no_openings), rng)
    wanted = schedule.informative_pairs(names, results, 5, 10)
    for _ in range(5):
        rng.shuffle(results)
        assert schedule.informative_pairs(names, results, 5, 10) == wanted


PLAYERS = ["uniform", "random", "mcts:5", "mcts:20"]


def test_a_ladder_from_the_command_line_goes_on_after_a_cut_and_ends_the_same(tmp_path, capsys):
    call = ["tournament", *PLAYERS, "--game", "connect4", "--form", "ladder", "--rounds", "3", "--games", "6"]
    call += ["--simulations", "4", "--json"]
    assert main([*call, "--out", str(tmp_path / "whole")]) == 0
    whole = json.loads(capsys.readouterr().out)
    lines = (tmp_path / "whole" / "results.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == 3 * 2 * 6
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "results.jsonl").write_text("".join(lines[:17]) + lines[17][:20])  # a torn line at the end
    assert main([*call, "--out", str(tmp_path / "cut")]) == 0
    assert json.loads(capsys.readouterr().out) == whole
    results = read_results([tmp_path / "cut" / "results.jsonl"])
    assert sorted(g["game"] for g in results) == list(range(36))
    assert json.loads((tmp_path / "cut" / "elo.json").read_text()) == whole


def test_a_tournament_killed_twice_loses_no_game_and_plays_none_twice(tmp_path):
    call = [sys.executable, "-m", "alphazero", "tournament", *PLAYERS, "--game", "connect4"]
    call += ["--games", "50", "--simulations", "10", "--out", str(tmp_path)]
    file = tmp_path / "results.jsonl"
    kept = b""
    for lines in (20, 100):
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (not file.exists() or file.read_bytes().count(b"\n") < lines):
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        now = file.read_bytes()
        assert now.startswith(kept)
        kept = now
    subprocess.run(call, check=True, capture_output=True)
    assert file.read_bytes().startswith(kept)
    results = read_results([file])
    assert sorted(game["game"] for game in results) == list(range(300))


def test_a_tournament_file_names_players_form_and_anchors(tmp_path, capsys):
    config = tmp_path / "t.yaml"
    config.write_text(
        """
players:
  - random
  - {player: "mcts:10", name: ten}
  - {player: uniform, name: quick, simulations: 2}
  - {player: uniform, name: slow, simulations: 20, search: gumbel}
form: gauntlet
games: 4
game: {name: connect4}
anchors: {random: 100}
"""
    )
    assert main(["tournament", str(config), "--json", "--out", str(tmp_path / "out")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {p["name"]: p["games"] for p in told["players"]} == {"random": 12, "ten": 4, "quick": 4, "slow": 4}
    assert told["anchor"] == "random"
    assert next(p["elo"] for p in told["players"] if p["name"] == "random") == 100.0
    assert main(["tournament", str(config), "games=2", "--json"]) == 0  # an override
    assert sum(p["games"] for p in json.loads(capsys.readouterr().out)["players"]) == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("players: [random]", "players must name two and more, got 1"),
        ("players: [random, {name: x}]", "players[1] must be a player's text or a section with `player`"),
        ("players: [random, {player: uniform, strength: 3}]", "unknown key strength"),
        ("players: [random, uniform]\nform: swiss", "form must be one of round-robin, gauntlet, ladder, got 'swiss'"),
        ("players: [random, uniform]\ngames: 0", "games must be >= 1, got 0"),
        ("players: [random, uniform]\nanchors: {random: strong}", "anchors.random must be a number"),
        ("players: [random, uniform]\nanchors: {z: 1}\ngame: {name: connect4}", "the anchor 'z' is no player"),
        ("players: [random, random]\ngame: {name: connect4}", "two players are called 'random'"),
        ("player: [random]", "unknown key player; did you mean players?"),
    ],
)
def test_a_mistake_in_a_tournament_file_is_one_line(tmp_path, capsys, text, message):
    config = tmp_path / "t.yaml"
    config.write_text(text + "\n")
    assert main(["tournament", str(config)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "not a run directory (no config.yaml), nor a YAML file"),
        (["random", "uniform", "games=3", "--game", "connect4"], "games=3: KEY=VALUE overrides"),
        (["random", "uniform", "--game", "connect4", "--anchor", "random"], "--anchor 'random': expected NAME=ELO"),
        (["random", "uniform", "--game", "connect4", "--games", "0"], "games must be >= 1, got 0"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(capsys, arguments, message):
    assert main(["tournament", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_stop_ends_a_schedule_and_the_games_that_are_over_come_back(tmp_path):
    game = az.Game("connect4")
    entrants = [Entrant(name, load(name, game=game), {"simulations": 4}) for name in ("random", "uniform")]
    games = schedule.round_robin(2, 500, no_openings)
    seen: list[dict] = []

    def stop(result) -> bool:
        seen.append(result)
        return len(seen) >= 10

    results = run_schedule(game, entrants, games, tmp_path / "r.jsonl", seed=1, stop=stop)
    assert len(results) == len(seen) == 10
    assert len(read_results([tmp_path / "r.jsonl"])) == 10


def test_two_processes_do_not_play_the_same_games(tmp_path):
    game = az.Game("connect4")
    entrants = [Entrant(name, load(name, game=game), {"simulations": 4}) for name in ("random", "uniform")]
    games = schedule.round_robin(2, 2, no_openings)
    with (
        being_played(tmp_path / "r.jsonl"),
        pytest.raises(UserError, match=r"r.jsonl: another process is playing these games"),
    ):
        run_schedule(game, entrants, games, tmp_path / "r.jsonl", seed=1)
    assert len(run_schedule(game, entrants, games, tmp_path / "r.jsonl", seed=1)) == 2


class Text(HTMLParser):
    """Checks that tags nest, and collects what a page asks from outside."""

    VOID = ("meta", "circle", "path", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_report_is_one_whole_file_and_names_are_escaped(tmp_path):
    bad = '<script>alert("x")</script>'
    results = [
        {"first": bad, "second": "b", "result": 1, "moves": "d1 <d2>", "reason": "four", "plies": 9, "game": 0},
        {"first": "b", "second": bad, "result": 0.5, "opening": "<o>"},
        {"first": "b", "second": "c", "result": 0},
    ]
    (tmp_path / "results.jsonl").write_text("")
    write_report(tmp_path / "report.html", f"{bad} & co", rate(results), results, {bad: 10, "b": 0})
    text = (tmp_path / "report.html").read_text()
    page = Text()
    page.feed(text)
    assert page.open == []
    assert {"svg", "table", "details"} <= page.tags and "script" not in page.tags
    assert page.links == ["results.jsonl"]
    assert "1.5 / 2" in text  # the cross-table: a win and a draw
    assert "d1 &lt;d2&gt;" in text and "Learning curve" in text and "http" not in text


def test_a_report_of_one_pair_without_spread_is_drawn_too(tmp_path):
    results = [{"first": "a", "second": "b", "result": 0.5}]
    write_report(tmp_path / "report.html", "t", rate(results), results, {"a": 5})
    page = Text()
    page.feed((tmp_path / "report.html").read_text())
    assert page.open == []


def test_checkpoints_of_as_many_games_are_drawn_side_by_side(tmp_path):
    """The last steps of a run are paid by no further game: two checkpoints saw the same games."""
    results = [{"first": "a", "second": "b", "result": 1}, {"first": "b", "second": "c", "result": 0.5}]
    write_report(tmp_path / "report.html", "t", rate(results), results, {"a": 40, "b": 40, "c": 10})
    assert "Learning curve" in (tmp_path / "report.html").read_text()


def test_a_tournament_writes_its_report_beside_the_results(tmp_path):
    assert main(["tournament", "random", "uniform", "--game", "connect4", "--games", "2", "--out", str(tmp_path)]) == 0
    assert {"results.jsonl", "elo.json", "report.html"} <= {path.name for path in tmp_path.iterdir()}
    assert 'href="results.jsonl"' in (tmp_path / "report.html").read_text()


def test_scaling_rates_a_player_at_every_budget_and_resumes(tmp_path, capsys):
    call = ["scaling", "mcts:1", "--game", "connect4", "--to", "64", "--from", "4", "--games", "30"]
    call += ["--out", str(tmp_path), "--json"]
    assert main(call) == 0
    told = json.loads(capsys.readouterr().out)
    assert [p["budget"] for p in told["points"]] == [4, 8, 16, 32, 64]
    assert told["points"][-1]["elo"] > 200  # more rollouts play better
    assert len(told["doublings"]) == 4 and all(d["low"] < d["elo"] < d["high"] for d in told["doublings"])
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "scaling.json").read_text()) == told
    before = (tmp_path / "results-simulations.jsonl").read_bytes()
    assert main(call) == 0
    assert (tmp_path / "results-simulations.jsonl").read_bytes() == before


def test_scaling_keeps_the_results_of_one_search_apart_from_anothers(tmp_path, capsys):
    call = [
        "scaling",
        "uniform",
        "--game",
        "connect4",
        "--to",
        "4",
        "--from",
        "2",
        "--games",
        "4",
        "--out",
        str(tmp_path),
    ]
    for more, files in (
        ([], 1),
        (["--set", "c_init=4"], 2),
        (["--set", "c_init=1.25"], 2),
        (["--search", "gumbel"], 3),
    ):
        assert main([*call, *more, "--json"]) == 0
        assert len(list(tmp_path.glob("results-*.jsonl"))) == files
    capsys.readouterr()


def test_scaling_takes_time_budgets(tmp_path, capsys):
    call = ["scaling", "uniform", "--game", "connect4", "--seconds", "0.001", "0.002", "--games", "2"]
    assert main([*call, "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["unit"] == "seconds" and [p["games"] for p in told["points"]] == [2, 2]
    assert (tmp_path / "scaling-seconds.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["random"], "random does not search"),
        (["uniform", "--to", "1"], "below the most, got 1 and 1"),
        (["uniform", "--from", "3", "--to", "5"], "there is no doubling"),
        (["mcts:5", "--seconds", "0.1", "0.2"], "leave --seconds out"),
        (["uniform", "--games", "1"], "--games must be >= 2"),
    ],
)
def test_scaling_says_what_it_cannot_do(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["scaling", *arguments, "--game", "connect4"]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir()), "a call that is refused leaves nothing behind"


def test_a_broken_openings_file_is_named(tmp_path):
    (tmp_path / "o").write_text("nonsense\n")
    with pytest.raises(UserError, match="o:1:"):
        read_openings(tmp_path / "o", az.Game("connect4"), 1)


def test_players_of_a_file_are_named_in_a_tournament(tmp_path, capsys):
    file = tmp_path / "players.yaml"
    file.write_text('players:\n  thinker: {spec: "mcts:20"}\n  blind: {spec: random}\n')
    arguments = [
        "tournament",
        "thinker",
        "blind",
        "--players",
        str(file),
        "--game",
        "connect4",
        "--games",
        "2",
        "--json",
    ]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {player["name"] for player in told["players"]} == {"thinker", "blind"}
    assert main([*arguments[:2], "nobody", *arguments[3:]]) == 2
    assert "nobody: neither in the players file (thinker, blind)" in capsys.readouterr().err
