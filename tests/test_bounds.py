"""Numbers and texts without bounds: each is refused in one line, at once, before anything is loaded."""

from __future__ import annotations

import argparse
import math
import time

import pytest
import yaml

import alphazero as az
from alphazero import _core
from alphazero.cli import COMMANDS, build_parser, main
from alphazero.commands.arguments import number, whole
from alphazero.options import parse_options
from alphazero.search_settings import FIELDS


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Commands that write where they are called leave nothing behind."""
    monkeypatch.chdir(tmp_path)


BAD = ["1" + "0" * 20, "nan", "inf", "-inf", "", "²", "٣", "0x10", "1e400", "1_0", " 1", "9" * 5000, "1\n2", "one"]


def numeric(command: str) -> list[argparse.Action]:
    """The arguments of a command that are numbers: those that read "1", but not a word."""
    parser = next(
        action for action in build_parser(command)._actions if isinstance(action, argparse._SubParsersAction)
    ).choices[command]
    found = []
    for action in parser._actions:
        if callable(action.type) and action.choices is None and action.dest != "settings":  # NAME=VALUE
            try:
                action.type("no such thing")
            except (ValueError, argparse.ArgumentTypeError):
                found.append(action)
    return found


CASES = [(command, action.option_strings[-1] if action.option_strings else action.dest, action)
         for command in COMMANDS for action in numeric(command)]  # fmt: skip


def call(command: str, action: argparse.Action, value: str) -> list[str]:
    """A call of the command that is right but for this value."""
    before = {
        "match": ["random", "random", "--game", "connect4"],
        "perft": ["connect4"],
        "scaling": ["uniform", "--game", "connect4"],
        "selfplay": ["uniform", "--game", "connect4", "--out", "nowhere"],
        "tournament": ["random", "uniform", "--game", "connect4"],
        "replay": ["nowhere"],
        "learn": ["nowhere", "--config", "nowhere", "--run", "nowhere"],
        "elo": ["nowhere"],
        "bench": ["rules"],
    }.get(command, [])
    values = [value] * (action.nargs if isinstance(action.nargs, int) else 1)
    if not action.option_strings:
        return [command, *before, value]
    if len(values) == 1:
        return [command, *before, f"{action.option_strings[-1]}={value}"]
    return [command, *before, action.option_strings[-1], *values]


def test_every_command_that_takes_numbers_is_found():
    assert len(CASES) > 35
    assert {command for command, _, _ in CASES} == set(COMMANDS) - {"export", "info", "config", "doctor", "new-game"}


@pytest.mark.parametrize(("command", "name", "action"), CASES, ids=[f"{c}{n}" for c, n, _ in CASES])
def test_a_number_that_no_machine_can_serve_is_one_line_and_exit_2(command, name, action, capsys):
    for value in BAD:
        begin = time.perf_counter()
        assert main(call(command, action, value)) == 2, value
        assert time.perf_counter() - begin < 1.0
        told = capsys.readouterr()
        lines = told.err.splitlines()
        assert len(lines) == 1, told.err[:300]
        assert told.out == ""
        assert lines[0].startswith("alphazero: ")
        assert len(lines[0]) < 200
        if value[:1] != "-":
            assert f"{name} must be" in lines[0] or action.metavar in lines[0], lines[0]


@pytest.mark.parametrize(
    ("command", "name", "action"),
    [case for case in CASES if case[1] not in ("--elo0", "--elo1", "--sprt", "--komi", "--resign")],
    ids=[f"{c}{n}" for c, n, _ in CASES if n not in ("--elo0", "--elo1", "--sprt", "--komi", "--resign")],
)
def test_what_cannot_be_negative_is_not(command, name, action, capsys):
    assert main(call(command, action, "-1")) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "must be >= " in lines[0] or "expected" in lines[0]


def test_numbers_are_read_as_they_stand():
    assert whole(0, 100)("42") == 42
    assert whole(-5, 5)("-5") == -5
    assert [number(-1, 1)(text) for text in ("0.5", ".5", "5e-1", "-1", "+1.", "1E0")] == [0.5, 0.5, 0.5, -1, 1, 1]
    for text in ("1e999", "-1e999", "nan", "1e", ".", "", "0,5"):
        with pytest.raises(argparse.ArgumentTypeError):
            number(-1e300, 1e300)(text)


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("board_size=1e400", "board_size"),
        ("board_size=" + "1" + "0" * 20, "board_size"),
        ("board_size=-" + "9" * 30, "board_size"),
        ("board_size=" + "9" * 5000, "--option"),
        ("komi=.inf", "komi"),
        ("komi=.nan", "komi"),
        ("komi=-.inf", "komi"),
        ("komi=1" + "0" * 20, "komi"),
        ("board_size=", "board_size"),
        ("board_size=null", "board_size"),
        ("board_size=[", "board_size"),
        ("board_size=[1]", "board_size"),
        ("board_size={a: 1}", "board_size"),
        ("board_size=" + "[" * 100_000, "--option"),
        ("board_size=2001-99-99", "board_size"),
        ("board_size=2001-01-01", "board_size"),
        ("board_size=!!python/object:os.system {}", "board_size"),
        ("board_size=\x00", "board_size"),
        ("max_plies=" + "1" + "0" * 20, "max_plies"),
    ],
    ids=lambda text: text[:24],
)
def test_an_option_of_a_game_that_is_no_number_is_one_line(pair, said, capsys):
    assert main(["perft", "go", "1", "--option", pair]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert len(lines[0]) < 200


def test_options_of_games_are_read_as_yaml():
    wanted = {"board_size": 9, "komi": 6.5, "suicide": True, "ko": "simple"}
    assert parse_options([f"{key}={yaml.safe_dump(value).split()[0]}" for key, value in wanted.items()]) == wanted


def test_a_number_with_an_exponent_is_a_number_and_aliases_are_refused(capsys):
    assert parse_options(["komi=65e-1", "board_size=9"]) == {"komi": 6.5, "board_size": 9}
    for value in ("&a 9", "*a", "{a: 1, a: 2}", "!!int x"):
        assert main(["perft", "go", "1", "--option", f"board_size={value}"]) == (0 if value == "&a 9" else 2)
        assert len(capsys.readouterr().err.splitlines()) == (0 if value == "&a 9" else 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OverflowError("too large"), "too large"),
        (MemoryError(), "more memory"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (UnicodeDecodeError("utf-8", b"ab\xff", 2, 3, "invalid start byte"), "byte 2 is 0xff"),
    ],
)
def test_what_python_says_of_wild_input_is_one_line(error, said, monkeypatch, capsys):
    from alphazero.commands import info

    def fail(args):
        raise error

    monkeypatch.setattr(info, "run", fail)
    assert main(["info", "x"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_a_parser_tells_every_mistake_in_one_line(capsys):
    for arguments in (["match"], ["match", "a", "b", "--nonsense"], ["nonsense"], ["match", "a", "b", "--search", "x"],
                      ["match", "a", "b", "--sprt", "0", "inf"], ["match", "a", "b", "--sprt", "0"], []):  # fmt: skip
        assert main(arguments) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1, arguments


NUMBERS = {name: (row.low, row.high) for name, row in FIELDS.items() if row.is_number}
SEARCH_BAD = [math.inf, -math.inf, math.nan, 10**400, -(10**400), 1e38, -1e38, "1", None, [1], True]


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_setting_of_a_search_has_bounds_and_the_error_names_them(name):
    low, high = NUMBERS[name]
    assert math.isfinite(low)
    assert math.isfinite(high)
    game = az.Game("connect4")
    for value in SEARCH_BAD:
        with pytest.raises(ValueError, match=f"search: {name} must be a") as told:
            az.Search(game, wild(game), **{name: value})
        assert "from " in str(told.value)
        assert len(str(told.value)) < 200
    for value in (low, high):
        whole_one = name in ("simulations", "considered")
        _core.SearchCore(game, {name: int(value) if whole_one else value})


@pytest.mark.parametrize("name", sorted(NUMBERS))
@pytest.mark.parametrize("kind", ["puct", "gumbel"])
@pytest.mark.parametrize("rescale", [False, True])
def test_a_search_ends_at_either_end_of_every_bound(name, kind, rescale):
    game = az.Game("connect4")
    whole_one = name in ("simulations", "considered")
    for value in NUMBERS[name]:
        settings = {name: int(value) if whole_one else value}
        search = az.Search(
            game, wild(game), kind=kind, rescale_q=rescale, batch_size=1 if kind == "gumbel" else 4, **settings
        )
        result = search.search(game.position("ddddd"), 200, noise=True)
        assert sum(move.visits for move in result.moves) >= 100
        assert result.best_move in game.position("ddddd").legal_moves()
        assert all(math.isfinite(x) for move in result.moves for x in (move.q, move.prior, move.target))


def wild(game):
    """A network whose logits are as far apart as float32 has numbers, and whose values are at the ends."""
    import numpy as np

    def evaluate(planes, legal):
        rows = len(planes)
        logits = np.where(np.arange(game.policy_size) % 2 == 0, 1e38, -3e38).astype(np.float32)
        return np.tile(logits, (rows, 1)), np.where(planes.sum((1, 2, 3)).astype(int) % 2 == 0, 1.0, -1.0)

    return evaluate


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"games_in_flight": 10**20}, "games_in_flight must be a whole number from 1 to 65536, got a greater one"),
        ({"games_in_flight": 0}, "games_in_flight must be a whole number from 1"),
        ({"games_in_flight": 2.5}, "games_in_flight must be a whole number"),
        ({"batch_size": 10**9}, "batch_size must be"),
        ({"threads": 999999}, "threads must be"),
        ({"threads": -1}, "threads must be"),
        ({"seed": -1}, "seed must be a whole number from 0 to 2\\^64"),
        ({"seed": 2**64}, "seed must be"),
        ({"seed": 1.5}, "seed must be"),
        ({"version": -3}, "version must be"),
        ({"games": 10**20}, "games must be"),
        ({"games": -2}, "games must be"),
        ({"opening_plies": -1}, "opening_plies must be"),
        ({"opening_plies": 2**31 - 1}, "opening_plies must be"),
        ({"start_share": math.nan}, "start_share must be a number from 0 to 1, got nan"),
        ({"resignation": math.inf}, "resignation must be"),
        ({"cache_megabytes": 2**31}, "cache_megabytes must be"),
        ({"cache_megabytes": -1}, "cache_megabytes must be"),
        ({"simulations": -1}, "simulations must be"),
    ],
)
def test_a_pool_refuses_numbers_out_of_bounds_before_it_takes_memory(settings, said):
    whole_game = {"games": 1, "games_in_flight": 1, "batch_size": 1}
    with pytest.raises(ValueError, match=f"pool: {said}"):
        _core.Pool(az.Game("connect4"), {**whole_game, **settings}, [{"simulations": 1}])


@pytest.mark.parametrize(
    ("player", "said"),
    [
        ({"evaluator": 10**9}, "evaluator must be"),
        ({"evaluator": -4}, "evaluator must be"),
        ({"temperature": math.nan}, "temperature must be"),
        ({"temperature": math.inf}, "temperature must be"),
        ({"temperature_plies": -1}, "temperature_plies must be"),
        ({"full_fraction": math.nan}, "full_fraction must be"),
        ({"fast_simulations": 10**10}, "fast_simulations must be"),
        ({"resign_threshold": math.nan}, "resign_threshold must be"),
        ({"resign_keep": 2.0}, "resign_keep must be"),
        ({"kind": 5}, "kind must be text"),
        ({"c_visit": math.inf}, "c_visit must be a number from 0 to 1000000, got inf"),
    ],
)
def test_a_player_in_a_pool_has_bounds_too(player, said):
    with pytest.raises(ValueError, match=said):
        _core.Pool(az.Game("connect4"), {"games": 1}, [player])


@pytest.mark.parametrize("depth", [-1, 101, 10**9])
def test_perft_of_a_depth_that_nobody_lives_to_see_is_refused(depth):
    with pytest.raises(ValueError, match="perft: depth must be from 0 to 100"):
        az.Game("connect4").position().perft(depth)


def test_a_gumbel_search_that_a_clock_ends_plans_no_more_than_it_can_hold():
    game = az.Game("connect4")
    search = az.Search(game, wild(game), kind="gumbel")
    begin = time.perf_counter()
    result = search.search(game.position(), 10**9, seconds=0.5)
    assert time.perf_counter() - begin < 2.0
    assert result.simulations > 10
    with pytest.raises(ValueError, match="simulations must be from 0 to 4194304"):
        _core.considered_visits(16, 10**9)
