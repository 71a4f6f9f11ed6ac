"""A person at the terminal: `alphazero play`, for every game."""

from __future__ import annotations

import pytest

import alphazero as az
from alphazero.cli import main


@pytest.fixture
def sit_down(monkeypatch, capsys):
    """Plays with these lines typed, then the end of input; gives (exit code, output)."""

    def play(lines: list[str], *arguments: str) -> tuple[int, str]:
        typed = iter(lines)

        def answer(prompt: str = "") -> str:
            line = next(typed, None)
            if line is None:
                raise EOFError
            return line

        monkeypatch.setattr("builtins.input", answer)
        code = main(["play", "--model", "uniform", "--simulations", "5", *arguments])
        return code, capsys.readouterr().out

    return play


@pytest.mark.parametrize("name", az.games())
def test_every_game_can_be_played_and_left(sit_down, name):
    first = az.Game(name).position().legal_moves()[0]
    code, out = sit_down(["help", "moves", "hint", first, "undo", "undo", "quit"], "--game", name)
    assert code == 0
    assert first in out
    assert "% for the engine" in out
    assert "% for you" in out
    assert "nothing to take back" in out
    assert out.rstrip().endswith("bye")


def test_the_end_of_input_leaves_cleanly(sit_down):
    code, out = sit_down([], "--game", "connect4")
    assert code == 0
    assert "Traceback" not in out


@pytest.mark.parametrize("typed", ["Z99", "I5", "\x00", "d4 d5", "pass pass"])
def test_a_move_that_is_none_gets_one_clear_line_and_changes_nothing(sit_down, typed):
    code, out = sit_down([typed, "quit"], "--game", "go", "--option", "board_size=5")
    assert code == 0
    assert out.count("type `moves`") == 1
    assert "ply 1" not in out


def test_an_occupied_point_is_refused(sit_down):
    code, out = sit_down(["C3", "C3", "quit"], "--game", "go", "--option", "board_size=5")
    assert code == 0
    assert out.count("type `moves`") == 1


def test_undo_gives_the_person_the_move_again(sit_down):
    _, out = sit_down(["a", "undo", "quit"], "--game", "connect4")
    assert out.count(az.Game("connect4").position().diagram) == 2  # at the start, and after the undo


def test_the_second_player_sees_the_engine_move_first(sit_down):
    code, out = sit_down(["quit"], "--game", "connect4", "--colour", "second")
    assert code == 0
    assert out.index("% for the engine") < out.index("bye")


def test_resigning_says_who_wins(sit_down):
    code, out = sit_down(["resign"], "--game", "connect4")
    assert code == 0
    assert "uniform wins" in out


def test_a_finished_game_says_who_won_and_why(sit_down):
    code, out = sit_down(["pass"] * 50, "--game", "go", "--option", "board_size=2", "--option", "komi=0.5")
    assert code == 0
    assert "(two passes" in out.splitlines()[-1]
    assert "wins" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--game", "nosuch"], "nosuch"),
        (["--simulations", "0"], "--simulations must be >= 1, got 0"),
        (["--game", "go", "--option", "board_size=30"], "board_size"),
        (["--game", "go", "--option", "board_size"], "expected KEY=VALUE"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_and_exit_2(capsys, arguments, message):
    assert main(["play", "--model", "uniform", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_an_interrupt_leaves_cleanly(monkeypatch, capsys):
    def interrupted(prompt: str = "") -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert main(["play", "--model", "uniform"]) == 0
    assert capsys.readouterr().out.endswith("bye\n")


def test_the_board_is_drawn_again_only_when_it_changed(sit_down):
    _, out = sit_down(["zz", "zz", "help", "quit"], "--game", "connect4")
    assert out.count(az.Game("connect4").position().diagram) == 1
