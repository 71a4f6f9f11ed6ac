"""A user's mistake is told in one line, whatever it quotes of what the user wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import alphazero as az
from alphazero import checkpoint
from alphazero.arena.registry import read_players
from alphazero.cli import main
from alphazero.errors import LONGEST, UserError
from alphazero.formats import csa
from alphazero.protocols.client import EngineSpec
from alphazero.training import replay


@pytest.mark.parametrize("between", ["\n", "\r\n", "\x0b", "\x1b[2J", "\x85", "\u2028", "\t"])
def test_an_error_is_one_line_whatever_it_quotes(between):
    (line,) = str(UserError(f"a.sgf: 'x{between}y' is no point")).splitlines()
    assert line.isprintable() and line.startswith("a.sgf: 'x") and line.endswith("y' is no point")


def test_a_long_error_keeps_its_place_and_what_would_be_right():
    text = str(UserError(f"a.yaml: {'x' * 10**6}: one of a, b"))
    assert len(text) < LONGEST + 10 and text.startswith("a.yaml: x") and text.endswith("x: one of a, b")


@pytest.mark.parametrize("odd", ["\uff13", "3\n4", "\udc80", "\ud800", "é" * 30, "\x00"])
@pytest.mark.parametrize("name", az.games())
def test_the_core_refuses_odd_texts_in_one_line(name, odd):
    game = az.Game(name)
    position = game.position()
    for refused in (
        lambda: game.position(f"{odd} x"),
        lambda: position.play(odd),
        lambda: az.Game(name, **{f"k{odd}": 1}),
        lambda: az.Game(name, max_plies=odd),
        lambda: az.Game(f"{name}{odd}"),
    ):
        with pytest.raises(ValueError) as caught:
            refused()
        assert not isinstance(caught.value, UnicodeError) and len(str(caught.value).splitlines()) == 1


def test_an_option_of_two_lines_is_refused_in_one(capsys):
    assert main(["perft", "--game", "go", "--option", "ko=a\u2028b", "1"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("line", ["P+00OU", "P-00OU", "P+00KA00KA00KA", "P-00FU" + "00FU" * 18])
def test_a_hand_that_no_set_has_is_a_warning(line):
    for end in ("", "+\n+5958OU\n"):
        (game,) = csa.read(f"P+59OU\nP-51OU\n{line}\n{end}")
        assert "in hand" in game.warnings[0] and game.start.startswith("4k4/9/9/9/9/9/9/9/4K4")


@pytest.mark.parametrize(
    ("key", "value"),
    [("next_number", 2**70), ("games_before", -1), ("positions", True), ("numbers", ["x"]), ("numbers", [-1])],
)
def test_a_chunk_that_counts_with_no_counts_is_refused(tmp_path, key, value):
    header = {"game": "connect4", "options": {}, "games": 0, "positions": 0, "games_before": 0}
    header |= {"positions_before": 0, "numbers": [], "next_number": 0}
    path = tmp_path / "00000000.azr"
    path.write_bytes(replay.encode_chunk(header, []))
    assert json.dumps(replay.read_chunk(path).header) == json.dumps(header)
    path.write_bytes(replay.encode_chunk({**header, key: value}, []))
    with pytest.raises(replay.ChunkError, match="no counts"):
        replay.read_chunk(path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"players: {a: {spec: \xff}}", "not text in UTF-8"),
        (b"players: " + b"[" * 5000, "nested too deeply"),
        (b"players: {a: {spec: 2001-02-30}}", "day is out of range"),
        (b"players: {a: &b {spec: random}, c: *b}", "aliases"),
    ],
)
def test_a_players_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, data, said):
    path = tmp_path / "players.yaml"
    path.write_bytes(data)
    with pytest.raises(UserError, match=said):
        read_players(path)


def test_digits_of_other_scripts_are_no_numbers(tmp_path):
    for value in ("\u00b2", "\uff13", "9" * 40, "1_0"):
        with pytest.raises(UserError, match="must be a number >= 1"):
            EngineSpec.parse(f"uci:x{{nodes={value}}}")
    for step in ("7", "5\u00b2", "6.tmp"):
        (tmp_path / "checkpoints" / step).mkdir(parents=True)
    assert checkpoint.steps(tmp_path) == [7]
    (game,) = csa.read("PI\nP\u00b2-KY\n+\n+7776FU\n")
    assert game.moves == ["7g7f"] and "no such line" in game.warnings[0]
