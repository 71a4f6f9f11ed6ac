"""PGN read into the same GameText that is written."""

from __future__ import annotations

import pytest

import alphazero as az
from alphazero.arena.openings import read_openings
from alphazero.errors import UserError
from alphazero.formats import pgn
from alphazero.formats.game_text import GameText, Thought

pytest.importorskip("chess", reason="python-chess is not installed (extra: chess)")
FROM = "4k3/8/8/8/8/8/4P3/4K3 w - - 0 1"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("start", "value"), [("", 1), ("", 0), (FROM, -1), (FROM, None)])
def test_what_is_written_is_read_back(seed, start, value):
    game = az.Game("chess")
    _, moves = (game.position(start) if start else game.position()).random_playout(seed)
    (found,) = pgn.read(pgn.write(GameText('Añ "x"', "b", start, moves[:60], value, game="chess")))
    assert (found.first, found.second, found.start) == ('Añ "x"', "b", start)
    assert (found.moves, found.value, found.warnings) == (moves[:60], value, [])


@pytest.mark.parametrize("reason", ["time_forfeit", "illegal_move", "engine_failure"])
def test_a_forfeit_is_told(reason):
    (found,) = pgn.read(pgn.write(GameText("a", "b", moves=["e2e4"], value=1, reason=reason)))
    assert (found.value, found.reason) == (1, reason)


def test_times_comments_and_variations_are_read():
    thoughts = [Thought("e2e4", 30.0, None, 5, 2.5), Thought("e7e5")]
    (found,) = pgn.read(pgn.write(GameText("a", "b", moves=["e2e4", "e7e5"], value=0, thoughts=thoughts, reason="x y")))
    assert found.seconds == {0: 2.5, 1: 0.0} and found.comments[2].endswith("x y")
    (found,) = pgn.read("1. e4 (1. d4 d5) (1. c4) e5 (1... c5) 2. Nf3 *")
    assert (found.moves, found.variations) == (["e2e4", "e7e5", "g1f3"], 3)


def test_several_games_come_with_their_lines_and_the_broken_one_with_a_warning(capsys):
    one, two, three = pgn.read('[White "a"]\n[Result "1-0"]\n\n1. e4 e5 1-0\n\n1. e4 Ra4 *\n\n[White "c"]\n\n1. d4 *\n')
    assert [game.line for game in (one, two, three)] == [1, 6, 8]
    assert (one.moves, two.moves, three.first) == (["e2e4", "e7e5"], ["e2e4"], "c")
    assert not one.warnings and not three.warnings and "Ra4" in two.warnings[0] and "\n" not in two.warnings[0]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("tag", "value"), [("1-0", 1), ("0\u20131", -1), ("1/2 - 1/2", 0), ("½-½", 0), ("*", None), ("", None)]
)
def test_a_result_is_read_in_the_spellings_that_files_have(tag, value):
    assert pgn.value_of(tag) == value


def test_a_file_without_a_game_is_named():
    with pytest.raises(UserError, match=r"x.pgn: no PGN game in it"):
        pgn.read(b" \n", "x.pgn")


@pytest.mark.parametrize("moves", ["1. e4 Ra4 ) (", "1. e4 Ra4 ) 1... e5"])
def test_a_variation_that_ends_after_an_illegal_move_is_told(moves, tmp_path):
    (found,) = pgn.read(moves)
    assert found.moves[0] == "e2e4" and found.warnings[1] == "line 1: a ')' without its '('"
    (tmp_path / "o.pgn").write_text(moves)
    with pytest.raises(UserError, match=r"o.pgn:1: a '\)' without its '\('"):
        read_openings(tmp_path / "o.pgn", az.Game("chess"), 1)
