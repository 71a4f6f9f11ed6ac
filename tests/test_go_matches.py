"""Go against GTP engines: what the engine is told, how the game is counted, and the SGF that is left."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest
from game_texts import text_of

import alphazero as az
from alphazero.arena import records
from alphazero.arena.clocked import play_game
from alphazero.arena.go_score import area_margin
from alphazero.arena.match import entrant
from alphazero.arena.play_match import play_match
from alphazero.arena.time_control import TimeControl
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats import sgf
from alphazero.formats.game_text import Thought
from alphazero.formats.go import stones_of
from alphazero.formats.results import read_results
from alphazero.formats.sgf_tree import collection
from alphazero.protocols.client import EngineSpec
from alphazero.protocols.gtp_client import GtpClient

DOUBLE = Path(__file__).parent / "engine_double.py"
GTP = f"gtp:{sys.executable} {DOUBLE} gtp go play"


def test_a_gtp_engine_is_told_the_rules_and_only_the_new_moves():
    with GtpClient(EngineSpec.parse(GTP)) as client:
        client.set_game(az.Game("go", board_size=5, komi=5.5, ko="simple", suicide=True))
        client.new_game()
        first = client.play("C3 D4", [], {}, 10).move
        client.play("C3 D4", [first, "A1"], {}, 10)
        heard = client._ask("heard").split(" | ")
    assert heard[:2] == ["name", "list_commands"]
    rules = ["ko SIMPLE", "scoring AREA", "tax NONE", "suicide true", "hasButton false"]
    assert heard[2:10] == ["boardsize 5", "clear_board", "komi 5.5", *(f"kata-set-rule {rule}" for rule in rules)]
    assert heard[10:] == ["play b C3", "play w D4", "genmove b", "play w A1", "genmove b"]


def test_a_gtp_engine_is_told_the_komi_of_the_position():
    with GtpClient(EngineSpec.parse(GTP)) as client:
        client.set_game(az.Game("go", board_size=5, komi=5.5))
        client.new_game()
        client.play("komi=3 C3", [], {}, 10)
        client.play("", [], {}, 10)
        heard = client._ask("heard").split(" | ")
    told = [line for line in heard if line.startswith(("komi", "play", "genmove", "clear"))]
    assert told == [
        "clear_board",
        "komi 5.5",
        "komi 3",
        "play b C3",
        "genmove w",
        "clear_board",
        "komi 5.5",
        "genmove b",
    ]


SET_UP = "9/9/2X3O2/9/9/9/9/9/9 w E5 w C3"


def test_a_gtp_engine_is_told_a_set_up_and_moves_out_of_turn():
    with GtpClient(EngineSpec.parse(GTP)) as client:
        client.set_game(az.Game("go", board_size=9))
        client.new_game()
        first = client.play(SET_UP, [], {}, 10).move
        client.play(SET_UP, [first, "A1"], {}, 10)
        heard = client._ask("heard").split(" | ")
    told = [line for line in heard if line.startswith(("play", "genmove", "clear"))]
    stones = ["play b C7", "play w G7", "play w E5", "play w C3"]
    assert told == ["clear_board", *stones, "genmove b", "play w A1", "genmove b"]


def test_another_set_up_is_told_from_the_start():
    with GtpClient(EngineSpec.parse(GTP)) as client:
        client.set_game(az.Game("go", board_size=5))
        client.new_game()
        client.play("5/5/2X2/5/5 w", [], {}, 10)
        client.play("5/5/1X3/5/5 b", [], {}, 10)
        heard = client._ask("heard").split(" | ")
    told = [line for line in heard if line.startswith(("play", "genmove", "clear"))]
    assert told == ["clear_board", "play b C3", "genmove w", "clear_board", "play b B3", "genmove b"]


def test_a_match_from_a_set_up_is_recorded_with_its_stones(tmp_path):
    book = tmp_path / "o.sgf"
    book.write_text("(;SZ[5]AB[bb][dd]AW[cc]PL[W];W[bd])")
    out = tmp_path / "m"
    call = ["match", "random", GTP, "--game", "go", "--option", "board_size=5", "--games", "2", "--max-plies", "8"]
    assert main([*call, "--openings", str(book), "--out", str(out)]) == 0
    for _, text in collection((out / "games.sgf").read_bytes()):
        record = sgf.parse(text)
        assert record.start == "5/1X3/2O2/3X1/5 w" and record.moves[:2][0] == ("W", "B2") and record.warnings == []
        colours = [colour for colour, _ in record.moves]
        assert colours == ["WB"[i % 2] for i in range(len(colours))]
        sgf.position_of(record)


@pytest.mark.parametrize(
    ("behaviour", "tc", "settings", "left"),
    [
        ("play", "10+0", "time_settings 10 0 0", "time_left b 10 0"),
        ("play", "10+0.1", "time_settings 10 0 0", "time_left b 10 0"),
        ("play", "60b5", "time_settings 60 5 1", "time_left b 60 0"),
        ("play", "0b5", "time_settings 0 5 1", "time_left b 5 1"),
        ("play", "30/60", "time_settings 0 60 30", "time_left b 60 30"),
        ("fischer", "10+0", "time_settings 10 0 0", "time_left b 10 0"),
        ("fischer", "30/60+1", "time_settings 0 60 30", "time_left b 60 30"),  # KataGo knows no increment there
        ("fischer", "10.5+0.1", "kata-time_settings fischer 10.500 0.100", "time_left b 10.500 0"),
    ],
)
def test_a_gtp_engine_is_told_its_clock(behaviour, tc, settings, left):
    from alphazero.arena.seats import Outside

    control = TimeControl.parse(tc)
    game = az.Game("go", board_size=5)
    seat = Outside(entrant(GTP.replace(" play", f" {behaviour}"), game, "cpu", {}), game, control)
    seat.new_game(0)
    seat.think(game.position(), "", [], [control.clock(), control.clock()])
    client = seat.client()
    assert isinstance(client, GtpClient)
    heard = client._ask("heard").split(" | ")
    seat.retire()
    assert heard[-3:] == [settings, left, "genmove b"]


@pytest.mark.parametrize(
    ("braces", "message"),
    [
        ("{levle=3}", "Double: refuses the option levle=3 .*unknown command"),
        ("{nodes=3}", "GTP has no nodes"),
        ("{remove_dead=yes}", "true or false"),
    ],
)
def test_what_a_gtp_engine_cannot_do_is_one_clear_line(braces, message):
    with pytest.raises(UserError, match=message):
        GtpClient(EngineSpec.parse(GTP + braces))


BOARD = """
    . . O . .
    . . O O O
    X X X X X
    . O X . .
    . . X . .
"""


def board(text: str) -> az.Position:
    """Stones as a set-up."""
    rows = [line.split() for line in text.strip().splitlines()]
    return az.Game("go", board_size=len(rows), komi=0.5).position("/".join("".join(row) for row in rows))


def test_the_area_is_counted_as_our_rules_count_it_and_without_dead_stones():
    position = board(BOARD)
    assert area_margin(position) == float(position.ownership().sum()) - 0.5 == 11 - 7 - 0.5
    # Without White's stone on B2 the four points of its corner are Black's.
    assert area_margin(position, ["B2"]) == area_margin(position) + 1 + 4


def test_area_margin_is_the_rules_own_on_random_games():
    game = az.Game("go", board_size=7)
    for seed in range(30):
        position = game.position()
        for move in position.random_playout(seed)[1][: 10 + 3 * seed]:
            position.play(move)
        assert area_margin(position) == float(position.ownership().sum()) - 7.0


class Passer:
    """A seat that passes, and names dead stones where it has some."""

    def __init__(self, name: str):
        self.name = name

    def new_game(self, number: int) -> None: ...
    def think(self, position, start, moves, clocks) -> Thought:
        return Thought("pass")

    def close(self) -> None: ...


def test_dead_stones_stay_on_the_board_unless_every_engine_that_is_asked_takes_them_off():
    game = az.Game("go", board_size=9, komi=0.5)
    opening = "A1 B1"
    passer = Passer("passer")
    assert play_game(game, (passer, passer), opening).score == -0.5

    def engine(braces: str):
        from alphazero.arena.seats import Outside

        return Outside(entrant(GTP + braces, game, "cpu", {}), game, None)

    asked, silent = engine("{remove_dead=true}"), engine("")
    asked.think = silent.think = passer.think
    try:
        plain = play_game(game, (passer, silent), opening)
        counted = play_game(game, (passer, asked), "A1 A9")  # the double's dead stones: A1, B1, J9
    finally:
        asked.retire()
        silent.retire()
    assert (plain.score, plain.value, plain.note) == (-0.5, -1, "")
    assert (counted.score, counted.value) == (-81.5, -1) and "A1" in counted.note


def test_a_match_leaves_one_sgf_file_that_elo_and_our_reader_read(tmp_path, capsys):
    out = tmp_path / "m"
    call = ["match", "random", GTP, "--game", "go", "--option", "board_size=5", "--games", "4", "--max-plies", "12"]
    assert main([*call, "--out", str(out), "--json"]) == 0
    lines = read_results([out / "results.jsonl"])
    trees = collection((out / "games.sgf").read_text())
    assert len(lines) == len(trees) == 4
    for line, (_, text) in zip(lines, trees, strict=True):
        record = sgf.parse(text)
        moves = [*line["opening"].split(), *line["moves"].split()]
        assert [vertex for _, vertex in record.moves] == moves
        assert (record.properties["PB"], record.properties["PW"]) == ([line["first"]], [line["second"]])
        assert line["termination"] == "adjudication" and "12 plies" in record.properties["GC"][0]
    played = [(r["first"], r["result"]) for r in lines]
    assert [(r["first"], r["result"]) for r in read_results([out])] == played
    capsys.readouterr()
    assert main(["elo", str(out), "--json"]) == 0
    assert {p["games"] for p in json.loads(capsys.readouterr().out)["players"]} == {4}


@pytest.mark.parametrize(
    ("reason", "result"),
    [("resignation", "B+R"), ("time_forfeit", "B+T"), ("engine_failure", "B+F"), ("two_passes", "B+3.5")],
)
def test_sgf_says_how_a_game_ended(reason, result):
    game = az.Game("go", board_size=5)
    score = 3.5 if reason == "two_passes" else None
    text = text_of(partial(records.write, game), ["C3"], white="a", black="b", value=1, reason=reason, score=score)
    assert sgf.parse(text).properties["RE"] == [result]


def test_a_collection_is_cut_into_its_games():
    text = "(;GM[1]C[a) \\] (b](;B[aa])(;B[bb]))\n\n(;W[cc])"
    assert collection(text) == [(1, text[: text.index("\n")]), (3, "(;W[cc])")]
    assert collection("nothing") == [] and collection("(;B[aa]") == [(1, "(;B[aa]")]


def test_gnu_go_has_the_stones_of_a_set_up_on_its_board():
    command = shutil.which("gnugo") or shutil.which("/usr/games/gnugo")
    if command is None:
        pytest.skip("GNU Go is not installed (Debian package gnugo)")
    position = az.Game("go", board_size=9).position("komi=3.5 XXX6/OOO6/9/9/4X4/9/9/9/7OX w E4 w F5 b D5")
    with GtpClient(EngineSpec.parse(f"gtp:{command} --mode gtp --level 0")) as client:
        client.set_game(position.game)
        client.new_game()
        move = client.play(position.text, [], {}, 10).move
        position.play(move)
        theirs = {v: c for c in "BW" for v in client._ask(f"list_stones {'black' if c == 'B' else 'white'}").split()}
        assert (client._ask("get_komi"), theirs) == ("3.5", stones_of(position))
        client.dead_stones([*position.text.split(), "pass", "pass"])
        assert client._ask("query_boardsize") == "9"


def test_gnu_go_plays_a_whole_game():
    command = shutil.which("gnugo") or shutil.which("/usr/games/gnugo")
    if command is None:
        pytest.skip("GNU Go is not installed (Debian package gnugo)")
    spec = f"gtp:{command} --mode gtp --level 0 --chinese-rules --positional-superko --capture-all-dead"
    report = play_match("random", spec, game=az.Game("go", board_size=5), games=2)
    assert report.losses == 2
