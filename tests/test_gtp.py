"""The GTP engine: dialogues, and what it says to nonsense."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys

import pytest

import alphazero as az
from alphazero.formats.go import stones_in, stones_of
from alphazero.player import Player, load
from alphazero.protocols.clock import Clock
from alphazero.protocols.gtp import GtpEngine
from alphazero.search import SearchResult


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
        "get_komi",
        "printsgf",
        "set_position",
        "kata-set-rules",
        "kata-set-rule",
        "kata-get-rules",
        "kgs-rules",
        "kgs-time_settings",
        "kata-time_settings",
        "kata-list_time_settings",
        "clear_cache",
    ]
    listed = engine.answer("list_commands")[2:].split()
    assert set(required) <= set(listed)
    assert all(engine.answer(f"known_command {name}") == "= true\n\n" for name in listed)
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
    assert engine.answer(f"loadsgf {path} x") == "? syntax error\n\n"
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


@pytest.mark.parametrize("told", ["{:.3f}", "{:.0f}"])
def test_what_moves_lose_to_the_wire_is_measured_where_fractions_of_seconds_are_told(engine, told):
    ask(engine, "kata-time_settings fischer 20 5", f"time_left b {told.format(20.0)} 0", "genmove b", "play w pass")
    assert engine.clocks["B"].lag_seconds == 0.03  # nothing was measured yet
    clock = engine.clocks["B"]
    left = round(clock.main_seconds + clock.lag_seconds) - 0.5  # half a second was lost, and what rounding takes
    ask(engine, f"time_left b {told.format(left)} 0")
    assert clock.lag_seconds == 0.03 if told == "{:.0f}" else clock.lag_seconds > 0.1
    assert engine.lags["W"].worst_seconds is None


# --- moves out of turn, undo, komi ---


@pytest.mark.parametrize(
    ("commands", "text"),
    [
        (["play w E5"], "w E5"),
        (["play b E5", "play b C3", "play b G7"], "E5 b C3 b G7"),
        (["play b E5", "play w C3", "play w G7"], "E5 C3 w G7"),
        (["play b pass", "play b pass"], "pass b pass"),
        (["fixed_handicap 2", "play b E5"], "9/9/6X2/9/9/9/2X6/9/9 b E5"),
        (["set_position b E5 w D4", "play w C3"], "9/9/9/9/4X4/3O5/9/9/9 w C3"),
    ],
)
def test_a_move_out_of_turn_makes_up_no_pass(engine, commands, text):
    assert all(reply[0] == "=" for reply in ask(engine, *commands))
    assert engine.position.text == text
    assert engine.position.outcome is None


@pytest.mark.parametrize("colour", ["b", "w"])
@pytest.mark.parametrize("begin", [[], ["play b E5"], ["play b E5", "play b C3", "play b G7"], ["play w C3"]])
def test_a_move_is_asked_of_either_side(engine, begin, colour):
    ask(engine, *begin)
    before = engine.position.text
    assert engine.answer(f"reg_genmove {colour}")[2:].strip() != "pass"
    assert engine.position.text == before
    move = engine.answer(f"genmove {colour}")[2:].strip()
    assert move != "pass"
    assert engine.position.text.split()[-1] == move
    assert "pass" not in engine.position.text
    assert engine.position.turn == "wb".index(colour)
    ask(engine, "undo")
    assert engine.position.text == before


def test_superko_remembers_the_boards_before_a_move_out_of_turn(engine):
    """Black takes a ko and moves again: by a pass, which changes no board, then by a move elsewhere."""
    ask(
        engine,
        "boardsize 5",
        *(
            f"play {c} {v}"
            for c, v in zip("bwbwbwbwb", ["B3", "C3", "C4", "D4", "C2", "D2", "A1", "E3", "D3"], strict=True)
        ),
    )
    assert ask(engine, "play w C3", "play b pass", "play w C3") == ["? illegal move", "=", "? illegal move"]
    ask(engine, "play b A5")
    assert ask(engine, "play w C3") == ["="]


def test_an_illegal_move_out_of_turn_changes_nothing(engine):
    ask(engine, "play b E5")
    assert ask(engine, "play b E5", "play b Z9", "play w E5") == ["? illegal move", "? syntax error", "? illegal move"]
    assert (engine.position.text, engine.position.turn, engine.past) == ("E5", 1, [""])


def test_undo_takes_back_a_move_out_of_turn_alone(engine):
    assert ask(engine, "play w D4", "undo", "undo") == ["=", "=", "? cannot undo"]
    assert (engine.position.text, engine.position.turn) == ("", 0)
    ask(engine, "play b C3", "play b D4", "komi 0.5", "undo")
    assert engine.position.text == "C3"


def test_komi_keeps_the_game_and_all_that_can_be_taken_back(engine):
    begin = ["fixed_handicap 2", "play w E5", "play w D4", "play b pass"]
    assert ask(engine, *begin, "komi 3.5", "get_komi") == ["= C3 G7", "=", "=", "=", "=", "= 3.5"]
    assert engine.position.text == "9/9/6X2/9/9/9/2X6/9/9 w E5 w D4 pass"
    assert ask(engine, "undo", "undo", "undo", "undo") == ["=", "=", "=", "? cannot undo"]
    assert engine.position.text == "9/9/6X2/9/9/9/2X6/9/9 w"
    assert ask(engine, "komi -12", "get_komi", "komi 1e3", "get_komi") == ["=", "= -12", "? syntax error", "= -12"]


def test_undo_never_takes_set_up_stones_apart(engine):
    assert ask(engine, "fixed_handicap 3", "play w E5", "undo", "undo")[1:] == ["=", "=", "? cannot undo"]
    assert engine.position.text == "9/9/2X3X2/9/9/9/2X6/9/9 w"


def test_moves_of_a_file_are_taken_back_one_by_one(engine, tmp_path):
    path = tmp_path / "game.sgf"
    path.write_text("(;SZ[9];B[cc];W[dd];B[ee])")
    assert ask(engine, f"loadsgf {path}", "undo") == ["=", "="]
    assert engine.position.text == "C7 D6"
    assert ask(engine, "undo", "undo", "undo") == ["=", "=", "? cannot undo"]
    path.write_text("(;SZ[9]AB[aa][bb];W[cc];W[dd])")
    assert ask(engine, f"loadsgf {path}", "undo", "undo", "undo") == ["=", "=", "=", "? cannot undo"]
    assert engine.position.text == "X8/1X7/9/9/9/9/9/9/9 w"


def test_after_two_passes_the_engine_passes_and_play_goes_on(engine):
    assert ask(engine, "play b pass", "play w pass", "genmove b") == ["=", "=", "= pass"]
    assert ask(engine, "undo", "play b E5") == ["=", "="]
    assert engine.position.outcome is None
    assert engine.answer("genmove w") != "= pass\n\n"


@pytest.mark.parametrize(
    "commands",
    [
        [],
        ["play b E5", "play w pass", "play b A9"],
        ["play w E5", "play w C3", "play b J9"],
        ["fixed_handicap 4", "play w E5", "play b D5"],
        ["set_position b E5 w D4", "play w C3", "undo", "komi 0.25", "kata-set-rules aga"],
        ["boardsize 19", "play b T19", "play w A1"],
    ],
)
def test_a_game_that_is_printed_is_read_back(engine, tmp_path, commands):
    sgfmill = pytest.importorskip("sgfmill.sgf", reason="sgfmill reads SGF; it comes with the extra 'test'")
    from sgfmill.sgf_moves import get_setup_and_moves

    ask(engine, *commands)
    printed = engine.answer("printsgf")
    assert printed.startswith("= (;") and printed.count("\n\n") == 1
    game = sgfmill.Sgf_game.from_string(printed[2:])
    board, moves = get_setup_and_moves(game)
    for colour, point in moves:
        if point is not None:
            board.play(*point, colour)
    assert {(c.upper(), p) for c, p in board.list_occupied_points()} == {
        (colour, (int(vertex[1:]) - 1, "ABCDEFGHJKLMNOPQRST".index(vertex[0])))
        for vertex, colour in stones_of(engine.position).items()
    }
    assert (game.get_size(), game.get_komi()) == (engine.size, engine.player.game.options["komi"])
    path = tmp_path / "out.sgf"
    assert ask(engine, f"printsgf {path}") == ["="]
    assert path.read_text().strip() == printed[2:].strip()
    text = engine.position.text
    assert ask(engine, "clear_board", f"loadsgf {path}") == ["=", "="]
    assert engine.position.text == text
    assert ask(engine, f"printsgf {tmp_path}/no/folder/x.sgf") == ["? cannot write file"]


# --- set-ups ---


def test_a_position_is_set_up_without_a_history(engine):
    ask(engine, "play b E5")
    assert ask(engine, "set_position b D4 w e5 BLACK a1 White J9", "undo") == ["=", "? cannot undo"]
    assert engine.position.text == "8O/9/9/9/4O4/3X5/9/9/X8 b"
    assert (engine.position.ply, engine.position.turn) == (0, 0)
    assert ask(engine, "set_position") == ["="]
    assert engine.position.text == ""


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("set_position b", "? syntax error"),
        ("set_position b D4 w", "? syntax error"),
        ("set_position x D4", "? syntax error"),
        ("set_position b pass", "? syntax error"),
        ("set_position b K1", "? syntax error"),
        ("set_position b D4 w d4", "? illegal position: D4 twice"),
        ("set_position w A1 b A2 b B1", "? illegal position: stones without liberties"),
    ],
)
def test_a_position_that_cannot_be_changes_nothing(engine, line, reply):
    ask(engine, "time_settings 10 0 0", "play b E5", "time_left b 5 0")
    assert ask(engine, line) == [reply]
    assert engine.position.text == "E5"
    assert engine.clocks["B"].main_seconds == 5.0


@pytest.mark.parametrize("size", [2, 3, 5, 6, 7, 8, 9, 13, 19])
def test_free_handicap_gives_the_number_asked_or_an_error(engine, size):
    ask(engine, f"boardsize {size}")
    for count in sorted({2, 3, 4, 5, 9, 10, 17, size**2 // 2, size**2 - 1}):
        reply = engine.answer(f"place_free_handicap {count}").split()
        if count < 2 or count >= size**2:
            assert reply[0] == "?"
            continue
        assert reply[0] == "="
        assert len(set(reply[1:])) == count
        own, other = engine.position.planes()[:2]
        assert (own.sum(), other.sum(), engine.position.turn) == (0, count, 1)
        assert (engine.position.ply, engine.past) == (0, [])
        ask(engine, "clear_board")
        assert engine.answer(f"place_free_handicap {count}").split() == reply
        ask(engine, "clear_board")
    assert (
        ask(engine, f"place_free_handicap {size**2}", "place_free_handicap 1", "place_free_handicap 0")
        == ["? invalid number of stones"] * 3
    )


def test_free_handicap_begins_with_the_fixed_points_and_goes_on_between_them(engine):
    ask(engine, "boardsize 13")
    fixed = engine.answer("fixed_handicap 9").split()
    ask(engine, "clear_board")
    free = engine.answer("place_free_handicap 10").split()
    assert free[:10] == fixed
    column, row = "ABCDEFGHJKLMN".index(free[10][0]) + 1, int(free[10][1:])
    assert min(column, row, 14 - column, 14 - row) >= 3


def test_handicap_is_for_an_empty_board_and_leaves_the_clocks_alone(engine):
    ask(engine, "time_settings 60 0 0", "time_left b 50 0", "fixed_handicap 2")
    assert engine.clocks["B"].main_seconds == 50.0
    for line in ("fixed_handicap 2", "place_free_handicap 2", "set_free_handicap A1 B2"):
        assert ask(engine, line) == ["? board not empty"]
    assert ask(engine, "clear_board", "set_free_handicap A1", "set_free_handicap A1 K1") == [
        "=",
        "? bad vertex list",
        "? bad vertex list",
    ]


def test_a_board_that_is_not_square_is_refused(engine):
    assert ask(engine, "play b E5", "boardsize 9 13", "boardsize 13 9") == ["=", *["? unacceptable size"] * 2]
    assert (engine.size, engine.position.text) == (9, "E5")
    assert ask(engine, "boardsize 13 13") == ["="]
    assert engine.size == 13


# --- rules ---


@pytest.mark.parametrize(
    ("line", "ko", "suicide"),
    [
        ("kata-set-rules tromp-taylor", "positional", True),
        ("kata-set-rules Chinese", "simple", False),
        ("kata-set-rules AGA", "situational", False),
        ("kata-set-rules new-zealand", "situational", True),
        ("kata-set-rules japanese", "simple", False),
        ('kata-set-rules {"ko": "SITUATIONAL", "scoring":"AREA", "suicide": true, "tax":"NONE"}', "situational", True),
        ("kata-set-rule ko SIMPLE", "simple", False),
        ("kata-set-rule suicide true", "positional", True),
        ("kata-set-rule scoring AREA", "positional", False),
        ("kgs-rules chinese", "positional", False),
        ("kgs-rules aga", "situational", False),
        ("kgs-rules new_zealand", "situational", True),
        ("kgs-rules japanese", "simple", False),
    ],
)
def test_rules_are_chosen_by_name_and_by_field(engine, capsys, line, ko, suicide):
    ask(engine, "play b E5", "play w D4")
    assert ask(engine, line) == ["="]
    options = engine.player.game.options
    assert (options["ko"], options["suicide"]) == (ko, suicide)
    assert (engine.position.text, engine.position.game) == ("E5 D4", engine.player.game)
    fields = json.loads(engine.answer("kata-get-rules")[2:])
    assert (fields["ko"], fields["suicide"], fields["scoring"]) == (ko.upper(), suicide, "AREA")
    assert ask(engine, f"kata-set-rules {json.dumps(fields)}", "undo", "undo", "undo") == [*["="] * 3, "? cannot undo"]
    assert ("scored by area" in capsys.readouterr().err) == ("japanese" in line)


def test_rules_read_as_katago_writes_them(engine):
    assert engine.answer("kata-get-rules") == (
        '= {"friendlyPassOk":false,"hasButton":false,"ko":"POSITIONAL","scoring":"AREA","suicide":false,"tax":"NONE",'
        '"whiteHandicapBonus":"0"}\n\n'
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("kata-set-rules martian", "? unknown rules 'martian': tromp-taylor, chinese,"),
        ("kata-set-rules", "? syntax error"),
        ("kata-set-rules {", "? rules: no JSON object"),
        ("kata-set-rules " + '{"a":' * 5000, "? rules: no JSON object"),
        ('kata-set-rules {"ko": "TRIPLE"}', "? unsupported rule 'ko TRIPLE'; supported: ko POSITIONAL"),
        ('kata-set-rules {"ko": "SIMPLE", "scoring": "TERRITORY"}', "? unsupported rule 'scoring TERRITORY'"),
        ("kata-set-rule scoring TERRITORY", "? unsupported rule 'scoring TERRITORY'; supported: "),
        ("kata-set-rule hasButton true", "? unsupported rule 'hasButton true'"),
        ("kata-set-rule whiteHandicapBonus N-1", "? unsupported rule 'whiteHandicapBonus N-1'"),
        ("kata-set-rule colour None", "? unsupported rule 'colour None'"),
        ("kata-set-rule ko", "? syntax error"),
        ("kgs-rules", "? syntax error"),
        ("kgs-rules stone", "? unknown rules 'stone'"),
    ],
)
def test_rules_that_are_not_supported_are_refused_in_one_line(engine, line, message):
    ask(engine, "play b E5")
    before = engine.answer("kata-get-rules")
    reply = engine.answer(line)
    assert reply.startswith(message)
    assert reply.count("\n") == 2
    assert engine.answer("kata-get-rules") == before
    assert engine.position.text == "E5"


def test_rules_that_forbid_the_game_so_far_are_refused(engine):
    ask(engine, "boardsize 5", "kata-set-rule suicide true")
    ask(engine, "set_position w A2 w B2 w C1 b A1", "play b B1")  # takes two stones of its own off
    assert ask(engine, "kata-set-rule suicide false")[0].startswith("? go: move 1: B1 is suicide")
    assert engine.player.game.options["suicide"] is True
    assert ask(engine, "undo", "kata-set-rule suicide false") == ["=", "="]


def test_the_ko_rule_decides_about_the_retake(engine):
    """After a ko threat and its answer on the first line a retake repeats no board; at once it does."""
    moves = ["B3", "C3", "C4", "D4", "C2", "D2", "A1", "E3", "D3"]
    for ko in ("simple", "positional", "situational"):
        ask(engine, "boardsize 5", f"kata-set-rule ko {ko}", *(f"play {'bw'[i % 2]} {m}" for i, m in enumerate(moves)))
        assert ask(engine, "play w C3", "play w pass", "play b pass") == ["? illegal move", "=", "="]
        assert ask(engine, "play w C3") == ["=" if ko == "simple" else "? illegal move"]


def test_rules_begin_as_the_command_line_says():
    def rules(*flags: str) -> tuple[dict[str, object], str]:
        command = [sys.executable, "-m", "alphazero", "gtp", "--model", "uniform", *flags]
        done = subprocess.run(command, input="kata-get-rules\n", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout[2:]), done.stderr

    fields, _ = rules("--rules", "new-zealand", "--ko", "simple")
    assert (fields["ko"], fields["suicide"]) == ("SIMPLE", True)
    fields, told = rules("--rules", "japanese")
    assert (fields["ko"], fields["suicide"]) == ("SIMPLE", False)
    assert "scored by area" in told


# --- resigning ---


def resigning(value: float, resign_value: float, **options: object) -> GtpEngine:
    """An engine whose searches all end with this value."""
    player = load("uniform", game=az.Game("go", board_size=5, **options))
    search = Player.search

    class Sure(Player):
        def search(self, *arguments: object, **settings: object) -> SearchResult:
            return dataclasses.replace(search(self, *arguments, **settings), value=self.values.pop(0))

        def with_options(self, **options: object) -> Player:
            other = Sure(self.name, player.game.__class__("go", **{**self.game.options, **options}), **self.settings)
            other.values = self.values
            return other

    sure = Sure(player.name, player.game, **player.settings)
    sure.values = [value] * 100
    return GtpEngine(sure, simulations=8, resign_value=resign_value)


def moves_until_resigning(engine: GtpEngine, colour: str, most: int = 30) -> int | None:
    """How many moves the side makes before it resigns; the other one passes."""
    for count in range(most):
        if engine.answer(f"genmove {colour}") == "= resign\n\n":
            return count
        engine.answer(f"play {'w' if colour == 'b' else 'b'} pass")
    return None


def test_nobody_resigns_before_a_share_of_the_game_and_several_low_values():
    assert moves_until_resigning(resigning(-0.95, -0.9), "b") == 4  # ply 8 of 25 / 4
    assert moves_until_resigning(resigning(-0.95, -2.0), "b") is None
    assert moves_until_resigning(resigning(-0.85, -0.9), "b") is None
    engine = resigning(-0.95, -0.9)
    engine.player.values[3] = 0.0
    assert moves_until_resigning(engine, "b") == 6  # three low ones in a row after that


def test_a_side_that_gives_a_handicap_resigns_later():
    engine = resigning(-0.95, -0.9)
    ask(engine, "place_free_handicap 4")
    assert moves_until_resigning(engine, "w") is None, "-0.95 is what four stones are worth"
    engine = resigning(-0.999, -0.9)
    ask(engine, "place_free_handicap 4")
    assert moves_until_resigning(engine, "w") == 4
    engine = resigning(-0.95, -0.9)
    ask(engine, "place_free_handicap 4", "play w pass")
    assert moves_until_resigning(engine, "b") == 3  # Black's threshold is as ever


def test_what_is_only_asked_or_taken_back_does_not_count_towards_resigning():
    engine = resigning(-0.95, -0.9)
    for _ in range(5):
        ask(engine, "play b A1", "play w E5", "undo", "undo", "reg_genmove b")
    ask(engine, *(f"play {'bw'[i % 2]} {m}" for i, m in enumerate(["A1", "E5", "A3", "E3", "C1", "C5", "B2", "D4"])))
    assert moves_until_resigning(engine, "b") == 2


# --- time ---


@pytest.mark.parametrize("command", ["clear_board", "boardsize 9", "boardsize 5", "set_position b A1", "loadsgf {sgf}"])
def test_clocks_begin_anew_with_a_game(engine, tmp_path, command):
    path = tmp_path / "game.sgf"
    path.write_text("(;SZ[9];B[cc])")
    ask(engine, "time_settings 60 10 5", "time_left b 3 0", "time_left w 7 2")
    assert ask(engine, command.format(sgf=path)) == ["="]
    for clock in engine.clocks.values():
        assert (clock.main_seconds, clock.byoyomi_seconds, clock.byoyomi_moves, clock.moves_left) == (60, 10, 5, 0)
    assert ask(engine, "time_settings 0 0 0", "time_left b 3 0", command.format(sgf=path)) == ["="] * 3
    assert engine.clocks == {}


@pytest.mark.parametrize(
    ("settings", "clock"),
    [
        ("kgs-time_settings none", None),
        ("kgs-time_settings absolute 300", Clock(300.0)),
        ("kgs-time_settings byoyomi 600 30 5", Clock(600.0, 30.0, 1)),
        ("kgs-time_settings byoyomi 0 30 5", Clock(30.0, 30.0, 1, moves_left=1)),
        ("kgs-time_settings canadian 600 300 25", Clock(600.0, 300.0, 25)),
        ("kata-time_settings byoyomi 60.5 2.5 3", Clock(60.5, 2.5, 1)),
        ("kata-time_settings byoyomi 60 30 0", Clock(60.0)),
        ("kata-time_settings absolute 2147483647", Clock(2147483647.0)),
        ("kata-time_settings fischer 60 5.5", Clock(60.0, increment_seconds=5.5)),
        (
            "kata-time_settings fischer-capped 60 5 100 20",
            Clock(60.0, increment_seconds=5.0, most_main_seconds=100.0, most_move_seconds=20.0),
        ),
        ("kata-time_settings fischer-capped 86400 3600 172800 -1", Clock(86400.0, 0.0, 0, 3600.0, 0, 0, 0.1, 172800.0)),
        ("time_settings 600 30 1", Clock(600.0, 30.0, 1)),
        ("time_settings 0 30 10", Clock(30.0, 30.0, 10, moves_left=10)),
    ],
)
def test_time_systems_set_the_clocks(engine, settings, clock):
    ask(engine, "time_settings 1 0 0")
    assert ask(engine, settings) == ["="]
    assert engine.clocks == ({} if clock is None else {"B": clock, "W": clock})


@pytest.mark.parametrize(
    "line",
    [
        "kgs-time_settings",
        "kgs-time_settings blitz 5",
        "kgs-time_settings fischer 60 5",
        "kgs-time_settings absolute",
        "kgs-time_settings absolute -5",
        "kgs-time_settings byoyomi 600 30",
        "kgs-time_settings canadian 600 300 0",
        "kgs-time_settings canadian 600 300 2.5",
        "kata-time_settings fischer 60",
        "kata-time_settings fischer nan 5",
        "kata-time_settings fischer 1e999 5",
        "kata-time_settings fischer-capped 60 5 50 -1",
        "kata-time_settings fischer-capped 60 5 --1 -1",
        "time_settings 60 x 0",
        "time_settings -1 0 0",
        "time_left b 1 -1",
        "time_left b --1 0",
        "time_left b inf 0",
    ],
)
def test_time_that_cannot_be_read_changes_nothing(engine, line):
    ask(engine, "time_settings 60 0 0", "time_left b 50 0")
    assert ask(engine, line) == ["? syntax error"]
    assert (engine.clocks["B"].main_seconds, engine.clocks["W"].main_seconds) == (50.0, 60.0)


@pytest.mark.parametrize(
    ("settings", "left", "most"),
    [
        ("time_settings 600 20 1", "1917 1", 20.0),
        ("kgs-time_settings byoyomi 1800 20 5", "1917 5", 20.0),
        ("kgs-time_settings byoyomi 1800 20 5", "12 5", 12.0),
        ("kgs-time_settings canadian 1800 300 25", "1917 10", 30.0),
        ("kata-time_settings fischer-capped 600 30 900 10", "600 0", 10.0),
        ("time_settings 600 0 0", "-3 0", 0.01),
        ("kgs-time_settings byoyomi 1800 20 5", "0 1", 0.01),
    ],
)
def test_no_move_may_take_more_than_its_period(engine, settings, left, most):
    assert ask(engine, settings, f"time_left w {left}") == ["=", "="]
    budget = engine.clocks["W"].budget(30, 85.0)
    assert 0.9 * (most - 0.2) <= budget <= most


def test_time_systems_are_listed(engine):
    listed = engine.answer("kata-list_time_settings")[2:].split()
    assert listed == ["none", "absolute", "byoyomi", "canadian", "fischer", "fischer-capped"]


def test_clearing_the_cache_keeps_the_game(engine):
    ask(engine, "play b E5")
    engine.answer("reg_genmove w")
    assert engine.player._search is not None
    assert ask(engine, "clear_cache") == ["="]
    assert engine.player._search is None
    assert engine.position.text == "E5"


def test_a_file_without_komi_leaves_the_komi_alone(engine, tmp_path):
    path = tmp_path / "game.sgf"
    path.write_text("(;SZ[9];B[cc])")
    ask(engine, "komi 3.5", f"loadsgf {path}")
    assert engine.player.game.options["komi"] == 3.5


@pytest.mark.parametrize(
    "named, rules, told",
    [
        ("Tromp-Taylor", ("positional", True), ""),
        ("Chinese", ("simple", False), ""),
        ("chinese-kgs", ("positional", False), ""),
        ("AGA", ("situational", False), ""),
        ("NZ", ("situational", True), ""),
        ("Japanese", ("simple", False), "scored by area"),
        ("koSIMPLEscoreAREAtaxNONEsui0", ("simple", False), ""),
        ("koPOSITIONALscoreTERRITORYtaxSEKIsui1", ("positional", True), "scored by area"),
        ("koSITUATIONALscoreAREAtaxALLsui0", ("situational", False), "scored by area alone"),
        ("koSIMPLEscoreAREAtaxNONEsui0button1", ("simple", False), "scored by area alone"),
        ("koSIMPLEscoreAREAtaxNONEsui0whbN", ("simple", False), "scored by area alone"),
        ("koSIMPLEscoreAREAtaxNONEsui0whb0friendlyPassOk1", ("simple", False), ""),
        ("a\nb", ("positional", False), "'a b' is not known"),
        ("of the house", ("positional", False), "'of the house' is not known"),
    ],
)
def test_a_file_brings_its_rules(engine, tmp_path, capsys, named, rules, told):
    path = tmp_path / "game.sgf"
    path.write_text(f"(;SZ[9]RU[{named}];B[cc])")
    assert ask(engine, f"loadsgf {path}") == ["="]
    options = engine.player.game.options
    assert (options["ko"], options["suicide"]) == rules
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == bool(told)
    again = tmp_path / "again.sgf"  # what is written is read with the same rules
    assert ask(engine, f"printsgf {again}", "kata-set-rules aga", f"loadsgf {again}") == ["="] * 3
    options = engine.player.game.options
    assert (options["ko"], options["suicide"]) == rules


def test_a_row_with_small_gaps_in_a_row_is_read_as_the_rules_read_it():
    """12X1 on five lines is 1 + 2 + X + 1: no gap is wider than what is left of the row."""
    start = "5/12X1/5/41/5"
    placed = az.Game("go", board_size=5).position(f"{start} w")
    assert stones_of(placed) == stones_in(start) == {"D4": "B"}


def test_a_limit_of_plies_from_training_does_not_end_a_game():
    engine = GtpEngine(load("uniform", game=az.Game("go", board_size=5, max_plies=2)), simulations=10)
    assert ask(engine, "play b A1", "play w E5", "play b A2") == ["="] * 3
    assert engine.position.outcome is None
    assert engine.answer("genmove w") != "= pass\n\n"


@pytest.mark.parametrize("settings", ["0 0 0", "0 10 0", "600 10 0", "0 0 5"])
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
