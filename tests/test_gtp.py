"""The GTP engine: dialogues, and what it says to nonsense."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

import alphazero as az
from alphazero.player import load
from alphazero.protocols.clock import Clock
from alphazero.protocols.gtp import GtpEngine


@pytest.fixture
def engine() -> GtpEngine:
    return GtpEngine(load("uniform", game=az.Game("go", board_size=9)), simulations=30)


def ask(engine: GtpEngine, *lines: str) -> list[str]:
    return [engine.answer(line).rstrip("\n") for line in lines]


def test_the_required_commands_are_all_there(engine):
    required = [
        "protocol_version",
        "name",
        "version",
        "known_command",
        "list_commands",
        "quit",
        "boardsize",
        "clear_board",
        "komi",
        "play",
        "genmove",
        "undo",
        "time_settings",
        "time_left",
        "final_score",
        "showboard",
        "loadsgf",
        "reg_genmove",
        "fixed_handicap",
        "place_free_handicap",
        "set_free_handicap",
        "final_status_list",
    ]
    listed = engine.answer("list_commands")[2:].split()
    assert set(required) <= set(listed)
    assert ask(engine, "known_command genmove", "known_command fly", "protocol_version", "name") == [
        "= true",
        "= false",
        "= 2",
        "= alphazero",
    ]


def test_ids_comments_and_control_characters_follow_the_specification(engine):
    assert ask(engine, "17 name", "# nothing", "", "  name # who", "na\x01me", "3 nonsense") == [
        "=17 alphazero",
        "",
        "",
        "= alphazero",
        "= alphazero",
        "?3 unknown command",
    ]
    assert engine.answer("name").endswith("\n\n")


def test_a_game_is_played_taken_back_and_scored(engine):
    assert ask(engine, "boardsize 5", "komi 0.5", "clear_board") == ["=", "=", "="]
    assert ask(engine, "play b C3", "play W c4", "play b C4") == ["=", "=", "? illegal move"]
    move = engine.answer("genmove b").split()[1]
    assert move == "pass" or move in engine.position.text
    assert ask(engine, "undo", "undo", "undo", "undo") == ["=", "=", "=", "? cannot undo"]
    assert ask(engine, "play b C3", "final_score", "final_status_list alive", "final_status_list dead") == [
        "=",
        "= B+24.5",
        "= C3",
        "=",
    ]
    assert "X" in engine.answer("showboard")


def test_colours_may_move_out_of_turn_and_after_two_passes(engine):
    assert ask(engine, "play w D4", "play w E5", "play b pass", "play w pass", "play b F6") == ["="] * 5
    assert "F6" in engine.position.text


def test_reg_genmove_leaves_the_board_alone(engine):
    before = engine.position.text
    assert engine.answer("reg_genmove b").startswith("= ")
    assert engine.position.text == before


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("boardsize 1", "? unacceptable size"),
        ("boardsize 30", "? unacceptable size"),
        ("boardsize nine", "? syntax error"),
        ("boardsize", "? syntax error"),
        ("komi many", "? syntax error"),
        ("komi nan", "? syntax error"),
        ("play b", "? syntax error"),
        ("play green D4", "? syntax error"),
        ("play b Z99", "? syntax error"),
        ("play b T19", "? illegal move"),
        ("play b I5", "? syntax error"),
        ("genmove", "? syntax error"),
        ("genmove x", "? syntax error"),
        ("time_left b x 0", "? syntax error"),
        ("time_settings 1 2", "? syntax error"),
        ("loadsgf /nowhere/at/all.sgf", "? cannot load file"),
        ("fixed_handicap 1", "? invalid number of stones"),
        ("fixed_handicap 10", "? invalid number of stones"),
        ("set_free_handicap D4 D4", "? bad vertex list"),
        ("set_free_handicap D4 pass", "? bad vertex list"),
        ("final_status_list gone", "? syntax error"),
        ("\x00\xff{}[]", "? unknown command"),
        ("12345", "?12345 syntax error"),
    ],
)
def test_garbage_gets_a_reply_and_changes_nothing(engine, line, reply):
    engine.answer("play b E5")
    if "handicap D4" in line:
        engine.answer("clear_board")
    before = (engine.position.text, engine.size)
    assert engine.answer(line).rstrip("\n") == reply
    assert (engine.position.text, engine.size) == before


def test_handicap_stones_stand_where_the_specification_says(engine):
    assert engine.answer("fixed_handicap 5") == "= C3 G7 C7 G3 E5\n\n"
    assert engine.position.turn == 1
    assert engine.answer("fixed_handicap 2") == "? board not empty\n\n"
    ask(engine, "boardsize 19", "clear_board")
    assert engine.answer("fixed_handicap 9")[2:].split() == ["D4", "Q16", "D16", "Q4", "D10", "Q10", "K4", "K16", "K10"]
    ask(engine, "clear_board")
    assert engine.answer("set_free_handicap D4 Q16 C3") == "=\n\n"
    assert engine.position.turn == 1


def test_a_file_is_loaded_up_to_the_move_asked_for(engine, tmp_path):
    path = tmp_path / "game.sgf"
    path.write_text("(;GM[1]SZ[5]KM[6.5]AB[aa][bb:cc];W[dd](;B[ee];W[ed])(;B[de]))")
    assert engine.answer(f"loadsgf {path}") == "=\n\n"
    assert engine.size == 5
    assert engine.player.game.options["komi"] == 6.5
    assert engine.position.text.split()[-3:] == ["D2", "E1", "E2"]
    assert engine.answer(f"loadsgf {path} 2") == "=\n\n"
    assert engine.position.text.split()[-1] == "D2"
    path.write_text("(;GM[1]SZ[5];B[zz])")
    assert engine.answer(f"loadsgf {path}") == "? cannot load file\n\n"
    assert engine.position.text.split()[-1] == "D2"


def test_time_is_kept():
    assert Clock(60.0).budget(0, 80) < 2.0
    assert Clock(0.5).budget(0, 80) <= 0.25
    assert 9.0 <= Clock(10.0, 10.0, 1, 0.0, 1).budget(30, 80) <= 10.0
    engine = GtpEngine(load("uniform", game=az.Game("go", board_size=9)), simulations=10**6)
    ask(engine, "time_settings 0 1 5", "time_left b 1 5")
    import time

    begin = time.perf_counter()
    assert engine.answer("genmove b").startswith("= ")
    assert time.perf_counter() - begin < 1.0


def test_undo_takes_back_a_move_together_with_the_pass_it_needed(engine):
    assert ask(engine, "play w D4", "undo", "undo") == ["=", "=", "? cannot undo"]
    assert (engine.position.text, engine.position.turn) == ("", 0)
    ask(engine, "play b C3", "play b D4", "komi 0.5", "undo")
    assert engine.position.text == "C3"


def test_undo_never_takes_handicap_stones_apart(engine, tmp_path):
    assert ask(engine, "fixed_handicap 3", "play w E5", "undo", "undo")[1:] == ["=", "=", "? cannot undo"]
    assert engine.position.text == "C3 b G7 b C7"
    path = tmp_path / "game.sgf"
    path.write_text("(;SZ[9]AB[aa][bb];W[cc];W[dd])")
    assert ask(engine, f"loadsgf {path}", "undo", "undo", "undo") == ["=", "=", "=", "? cannot undo"]
    assert engine.position.text == "X8/1X7/9/9/9/9/9/9/9 w"


def test_a_file_without_komi_leaves_the_komi_alone(engine, tmp_path):
    path = tmp_path / "game.sgf"
    path.write_text("(;SZ[9];B[cc])")
    ask(engine, "komi 3.5", f"loadsgf {path}")
    assert engine.player.game.options["komi"] == 3.5


def test_a_limit_of_plies_from_training_does_not_end_a_game():
    engine = GtpEngine(load("uniform", game=az.Game("go", board_size=5, max_plies=2)), simulations=10)
    assert ask(engine, "play b A1", "play w E5", "play b A2") == ["="] * 3
    assert engine.position.outcome is None
    assert engine.answer("genmove w") != "= pass\n\n"


@pytest.mark.parametrize("settings", ["0 0 0", "0 10 0", "600 10 0"])
def test_no_time_limit_leaves_the_simulations_in_charge(engine, settings):
    assert ask(engine, "time_settings 60 0 0", f"time_settings {settings}") == ["=", "="]
    assert engine.clocks == {}


def test_a_fault_inside_is_a_reply_and_the_game_is_as_it_was(engine, monkeypatch, capsys):
    def fail(*arguments: object, **settings: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(engine.player, "search", fail)
    engine.answer("play b E5")
    assert engine.answer("genmove b") == "? internal error: two lines\n\n"
    assert engine.position.text == "E5"
    assert ask(engine, "name", "undo", "undo") == ["= alphazero", "=", "? cannot undo"]


def test_bytes_that_are_no_text_do_not_end_the_engine(engine):
    lines = io.TextIOWrapper(io.BytesIO(b"name\n\xff\xfe junk\r\nname\n"), encoding="utf-8", errors="strict")
    out = io.StringIO()
    engine.serve(lines, out)
    assert out.getvalue() == "= alphazero\n\n? unknown command\n\n= alphazero\n\n"


def test_the_program_talks_over_pipes_and_ends_with_its_input():
    command = [sys.executable, "-m", "alphazero", "gtp", "--board-size", "5", "--simulations", "10"]
    done = subprocess.run(command, input="name\ngenmove b\nfly\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    replies = done.stdout.split("\n\n")
    assert replies[0] == "= alphazero"
    assert replies[1].startswith("= ")
    assert replies[2] == "? unknown command"


def test_the_command_takes_a_game_and_keeps_a_log(tmp_path):
    log = tmp_path / "gtp.log"
    command = [sys.executable, "-m", "alphazero", "gtp", "--game", "go", "--log", str(log)]
    done = subprocess.run(command, input="name\nfly\n", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "= alphazero\n\n? unknown command\n\n")
    assert log.read_text() == "name\n= alphazero\n\nfly\n? unknown command\n\n"
    assert done.stderr.startswith("alphazero gtp: pretrained:go, 9x9")


def test_serve_stops_at_quit(engine):
    out = io.StringIO()
    engine.serve(["name\n", "quit\n", "name\n"], out)
    assert out.getvalue() == "= alphazero\n\n=\n\n"
