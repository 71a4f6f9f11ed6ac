"""SGF: what is read, what is written, and what is said about a file that is wrong."""

from __future__ import annotations

import json

import pytest

import alphazero as az
from alphazero._core import Pool
from alphazero.arena.go_score import area_margin
from alphazero.errors import UserError
from alphazero.protocols import sgf


def test_the_main_line_of_a_file_with_variations_is_read(data):
    game = sgf.read(data / "handicap.sgf")
    assert (game.size, game.komi) == (9, 0.5)
    assert game.setup == [("B", "C7"), ("B", "C6"), ("B", "G3"), ("B", "G7")]
    assert game.moves == [("W", "E5"), ("B", "G5"), ("W", "pass"), ("B", "pass")]
    assert game.properties["PB"] == ["A ] B"]
    assert game.properties["C"] == ["a long line"]


def test_set_up_stones_become_moves_with_passes_between(data):
    position = sgf.position_of(sgf.read(data / "handicap.sgf"))
    assert position.text == "C7 pass C6 pass G3 pass G7 E5 G5 pass pass"
    assert position.outcome.reason == "two_passes"


def test_the_plies_before_the_moves_are_those_of_the_position(data):
    game = sgf.parse("(;SZ[9]AB[aa][bb];B[cc];B[dd];W[ee])")
    whole = sgf.position_of(game)
    for count, ply in enumerate(sgf.plies_before_moves(game)):
        part = sgf.parse("(;SZ[9]AB[aa][bb];B[cc];B[dd];W[ee])")
        part.moves = part.moves[:count]
        assert sgf.position_of(part).ply == ply
    assert whole.text == "A9 pass B8 pass C7 pass D6 E5"


def test_the_side_to_move_is_the_one_the_file_names():
    assert sgf.position_of(sgf.parse("(;SZ[5]AB[aa]PL[B])")).turn == 0
    assert sgf.position_of(sgf.parse("(;SZ[5]AB[aa]PL[W])")).turn == 1
    assert sgf.position_of(sgf.parse("(;SZ[5]AB[aa])")).turn == 1


def test_recorded_games_survive_a_round_trip(data):
    lines = (data / "go_games.jsonl").read_text().splitlines()[:60]
    for line in lines:
        record = json.loads(line)
        options = {"board_size": record["size"], "komi": record["komi"]}
        start = az.Game("go", **options).position()
        game = sgf.parse(sgf.write(start, record["moves"]))
        assert (game.size, game.komi) == (record["size"], record["komi"])
        assert [vertex for _, vertex in game.moves] == record["moves"]
        assert [colour for colour, _ in game.moves] == ["BW"[i % 2] for i in range(len(game.moves))]


def test_a_game_with_a_komi_of_its_own_says_so():
    game = az.Game("go", board_size=5, komi=7.0)
    settings = {"games_in_flight": 1, "batch_size": 1, "threads": 1, "games": 1, "starts": ["komi=2.5 C3"]}
    pool = Pool(game, settings, [{"kind": "puct", "simulations": 4, "evaluator": -2}])
    records = []
    while not pool.done:
        pool.next_batch(0.1)
        records += pool.take_finished()
    (record,) = records + pool.take_finished()
    written = sgf.parse(sgf.from_record(game, record))
    assert written.komi == 2.5
    assert written.moves[0] == ("B", "C3")
    assert len(written.moves) == record.plies + 1
    final = sgf.position_of(written)
    assert final.outcome.score == record.score
    assert area_margin(game.position("komi=2.5 C3")) == 22.5


def test_our_files_are_what_sgfmill_reads(data):
    sgfmill = pytest.importorskip("sgfmill.sgf", reason="sgfmill is not installed (extra: test)")
    for line in (data / "go_games.jsonl").read_text().splitlines()[:20]:
        record = json.loads(line)
        start = az.Game("go", board_size=record["size"], komi=record["komi"]).position()
        theirs = sgfmill.Sgf_game.from_string(sgf.write(start, record["moves"], result="B+R"))
        vertices = []
        for node in theirs.get_main_sequence()[1:]:
            _, point = node.get_move()
            vertices.append("pass" if point is None else f"{sgf.COLUMNS[point[1]]}{point[0] + 1}")
        assert vertices == record["moves"]
        assert (theirs.get_komi(), theirs.get_winner()) == (record["komi"], "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'(' is missing"),
        ("(;SZ[9]", "ends inside a game at offset 7"),
        ("(;SZ[9] ?", "unexpected '?' at offset 8"),
        ("(;[9])", "a value without a property at offset 2"),
        ("()", "no nodes"),
        ("(;SZ[nine])", "SZ and KM must be numbers"),
        ("(;SZ[1])", "SZ must be 2 to 19, got 1"),
        ("(;SZ[30])", "SZ must be 2 to 19, got 30"),
        ("(;KM[nan])", "KM must be a number, got nan"),
        ("(;GM[2])", "not a game of Go"),
        ("(;SZ[5];B[zz])", "'zz' is no point of a 5x5 board"),
        ("(;SZ[5]AB[cc:aa])", "'cc:aa' is no rectangle"),
        ("(;SZ[5]AB[AA:CC])", "'AA:CC' is no rectangle"),
        ("(;SZ[5]AB[aa]AE[aa])", "(AE)"),
        ("(;SZ[5]AB[aa]PL[x])", "PL must be B or W"),
        ("(;SZ[5];B[aa];AB[bb])", "middle of the game"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "wrong.sgf"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        sgf.read(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_illegal_move_is_named_by_its_number():
    with pytest.raises(UserError, match=r"game\.sgf: move 2, W A5: "):
        sgf.position_of(sgf.parse("(;SZ[5]AB[ee];B[aa];W[aa])", "game.sgf"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.sgf: cannot read"):
        sgf.read(tmp_path / "nowhere.sgf")
