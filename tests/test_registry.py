"""Players by name from a YAML file: engines with options and limits, our own with simulations, time and temperature."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import alphazero as az
from alphazero.arena.match import entrant
from alphazero.arena.play_match import play_match
from alphazero.arena.registry import read_players
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.protocols.client import EngineSpec

DOUBLE = Path(__file__).parent / "engine_double.py"
FILE = f"""
players:
  fish:
    spec: "uci:{sys.executable} {DOUBLE} uci chess play{{nodes=5; Level=1}}"
    options: {{Level: 3}}
    limits: {{patience: 60}}
  varied: {{spec: uniform, search: puct, simulations: 8, temperature: 1.5, temperature_plies: 6}}
  cautious: {{spec: uniform, set: {{lcb: 1.5, c_init: 2}}}}
  by-time: {{spec: uniform, limits: {{movetime: 10}}}}
"""


@pytest.fixture
def players(tmp_path):
    (tmp_path / "players.yaml").write_text(FILE)
    return tmp_path / "players.yaml"


def test_an_engines_options_and_limits_come_from_the_file(players):
    fish = entrant("fish", az.Game("chess"), "cpu", {}, players=read_players(players))
    assert fish.name == "fish" and isinstance(fish.player, EngineSpec)
    assert fish.player.options == {"Level": "3"} and fish.player.limits == {"nodes": 5, "patience": 60}


def test_what_the_file_says_goes_before_the_command_line(players):
    varied = entrant(
        "varied", az.Game("chess"), "cpu", {"simulations": 100, "kind": "gumbel"}, players=read_players(players)
    )
    assert varied.search == {"simulations": 8, "kind": "puct", "temperature": 1.5, "temperature_plies": 6}
    cautious = entrant("cautious", az.Game("chess"), "cpu", {"lcb": 3.0}, players=read_players(players))
    assert cautious.search == {"lcb": 1.5, "c_init": 2}
    by_time = entrant("by-time", az.Game("chess"), "cpu", {}, players=read_players(players))
    assert by_time.search == {"seconds": 0.01}


@pytest.mark.parametrize("a", ["varied", "by-time", "fish"])
def test_a_match_may_name_them(players, a, tmp_path):
    call = [
        "match",
        a,
        "random",
        "--players",
        str(players),
        "--game",
        "gardner",
        "--games",
        "2",
        "--out",
        str(tmp_path),
    ]
    if a == "fish":
        call = [word.replace("gardner", "chess") for word in call]
    assert main([*call, *([] if a == "varied" else ["--max-plies", "8"])]) == 0
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert {line["first"] for line in lines} == {a, "random"}


def test_a_temperature_draws_other_moves_in_each_game_and_the_same_when_called_again(players, tmp_path):
    """Move by move (a clockless engine at the other side of the board), openings all alike."""
    moves = []
    for call in "xy":
        game, out = az.Game("chess"), tmp_path / call
        from alphazero.arena.adjudication import Adjudication

        rules = Adjudication(max_plies=4)
        known = read_players(players)
        play_match("varied", "fish", game=game, games=6, opening_plies=0, players=known, adjudication=rules, out=out)
        moves.append({json.loads(line)["moves"] for line in (out / "results.jsonl").read_text().splitlines()})
    assert moves[0] == moves[1] and len(moves[0]) > 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("players: []", "expected `players:`"),
        ("{", "line 1: not valid YAML"),
        ("players: {a: {options: {x: 1}}}", "players.a: spec is missing"),
        ("players: {a: {spec: random, nodes: 3}}", "players.a: unknown key 'nodes'"),
        ("players: {a: {spec: random, limits: {nodes: 3}}}", "nodes is for engines"),
        ("players: {a: {spec: 'uci:x', limits: {speed: 3}}}", "limits are nodes"),
        ("players: {a: {spec: 'uci:x', simulations: 3}}", "simulations is for players of this process"),
        ("players: {a: {spec: random, options: {x: 1}}}", "options are for engines"),
        ("players: {a: {spec: uniform, simulations: 0}}", "simulations must be"),
        ("players: {a: {spec: 'mcts:5', simulations: 6}}", "mcts:N says itself"),
        ("players: {a: {spec: uniform, search: alphabeta}}", "search must be puct or gumbel"),
        ("players: {a: {spec: uniform, search: puct, temperature: -1}}", "temperature must be"),
        ("players: {a: {spec: uniform, temperature: 1}}", "needs a checkpoint and search: puct"),
        ("players: {a: {spec: 'mcts:5', policy_temperature: 2}}", "is for players with a network"),
        (
            "players: {a: {spec: runs/x, policy_temperature: 0}}",
            "policy_temperature must be a number from 0.0625 to 100, got 0",
        ),
        ("players: {a: {spec: runs/x, set: {c_int: 2}}}", "set: unknown setting 'c_int'; settings are c_base, c_init"),
        ("players: {a: {spec: runs/x, set: {c_init: -1}}}", "set: c_init must be a number from 0 to 1000, got -1"),
        ("players: {a: {spec: runs/x, set: {c_init: much}}}", "set: c_init must be a number"),
        ("players: {a: {spec: runs/x, set: {noise_alpha: 1}}}", "set: unknown setting 'noise_alpha'"),
        ("players: {a: {spec: random, set: {c_init: 2}}}", "set is for players that search by a network"),
        ("players: {a: {spec: 'uci:x', set: {c_init: 2}}}", "set is for players of this process"),
    ],
)
def test_a_bad_file_is_named_with_the_player(tmp_path, text, message):
    (tmp_path / "players.yaml").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_players(tmp_path / "players.yaml")
    assert str(caught.value).startswith(str(tmp_path / "players.yaml")) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["a\\nb", "\\e[31mred", "a\\0b", "\\tx", " x", "", "a\\u202Eb", "x" * 81, "a\\x9bb"], ids=ascii
)
def test_a_name_that_would_break_headers_or_terminals_is_refused(tmp_path, name):
    (tmp_path / "players.yaml").write_text(f'players: {{"{name}": {{spec: random}}}}')
    with pytest.raises(UserError, match="a name is one line of 1 to 80 characters") as caught:
        read_players(tmp_path / "players.yaml")
    assert str(caught.value).isprintable()


def test_names_in_any_script_are_good(tmp_path):
    (tmp_path / "players.yaml").write_text(
        "players: {技巧 2: {spec: random}, Ångström: {spec: random}}", encoding="utf-8"
    )
    assert list(read_players(tmp_path / "players.yaml")) == ["技巧 2", "Ångström"]


def test_a_name_that_nobody_has_lists_those_of_the_file(players, capsys):
    assert main(["match", "fsh", "random", "--players", str(players), "--game", "chess"]) == 2
    assert (
        "fsh: neither in the players file (fish, varied, cautious, by-time) nor a checkpoint" in capsys.readouterr().err
    )


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot read the players"):
        read_players(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("players:\n  a: {spec: random}\n  a: {spec: uniform}", "line 3: not valid YAML: 'a' stands here twice"),
        ("players: {a: {spec: random, spec: uniform}}", "line 1: not valid YAML: 'spec' stands here twice"),
        ("players: " + "[" * 100_000, "nested too deeply"),
        ("x: &x {spec: random}\nplayers: {a: *x}", "line 2: not valid YAML: aliases"),
        ("players: {a: !!python/object:os.system {}}", "line 1: not valid YAML"),
        ("players: {a: {spec: random}}\n\x00", "not valid YAML"),
        ("players: {a: {spec: 2001-99-99}}", "not valid YAML"),
        ("players: {a: {spec: uniform, simulations: 1e400}}", "simulations must be a whole number"),
        ("players: {a: {spec: uniform, simulations: " + "9" * 4000 + "}}", "got a number of many digits"),
        ("players: {a: {spec: 'uci:x', limits: {nodes: 1.5}}}", "limits are nodes"),
        (
            "players: {a: {spec: runs/x, policy_temperature: .inf}}",
            "policy_temperature must be a number from 0.0625 to 100",
        ),
        (
            "players: {a: {spec: uniform, search: puct, temperature: .nan}}",
            "temperature must be a number from 0.001 to 1000",
        ),
        ("players: {a: {spec: uniform, search: [puct]}}", "search must be puct or gumbel"),
        ('players: {a: {spec: random, "\\e[2J": 3}}', "unknown key '[2J'"),
    ],
    ids=lambda text: text[:40],
)
def test_a_hostile_file_gets_one_short_clean_line(tmp_path, text, message):
    (tmp_path / "players.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read_players(tmp_path / "players.yaml")
    told = str(caught.value)
    assert message in told and told.isprintable() and len(told) < 400


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "players.yaml").write_bytes("players: {größe: {spec: random}}".encode("latin-1"))
    with pytest.raises(UserError, match="not text in UTF-8"):
        read_players(tmp_path / "players.yaml")
    (tmp_path / "players.yaml").write_bytes(
        b"\xef\xbb\xbfplayers: {a: {spec: random}}"
    )  # as editors of Windows write it
    assert list(read_players(tmp_path / "players.yaml")) == ["a"]


def test_numbers_are_read_as_people_type_them(tmp_path):
    (tmp_path / "players.yaml").write_text("players: {a: {spec: uniform, search: puct, temperature: 1e-2}}")
    assert read_players(tmp_path / "players.yaml")["a"].search["temperature"] == 0.01
