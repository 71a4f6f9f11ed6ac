"""SGF: what is read, what is written, and what is said about a file that is wrong."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

import alphazero as az
from alphazero._core import GameRecord, Pool
from alphazero.arena.go_score import area_margin
from alphazero.errors import UserError
from alphazero.formats import sgf
from alphazero.formats.go import stones_of
from alphazero.formats.results import read_results
from alphazero.formats.sgf_tree import collection
from alphazero.formats.sgf_values import COLUMNS, escape


def test_the_main_line_of_a_file_with_variations_is_read(data):
    game = sgf.load(data / "handicap.sgf")
    assert (game.size, game.komi, game.has_komi) == (9, 0.5, True)
    assert game.start == "9/9/2X3X2/2X6/9/9/6X2/9/9 w"
    assert game.moves == [("W", "E5"), ("B", "G5"), ("W", "pass"), ("B", "pass")]
    assert game.properties["PB"] == ["A ] B"]
    assert game.properties["C"] == ["a long line"]
    assert game.warnings == []


def test_a_set_up_is_a_position_and_no_move(data):
    position = sgf.position_of(sgf.load(data / "handicap.sgf"))
    assert position.text == "9/9/2X3X2/2X6/9/9/6X2/9/9 w E5 G5 pass pass"
    assert position.ply == 4
    assert position.outcome.reason == "two_passes"


RETAKE = "(;SZ[5]KM[0]AB[ae][bd][cd][de]AW[ad][ce];W[be];B[ae])"


@pytest.mark.parametrize("ko", ["positional", "situational", "simple"])
def test_set_up_stones_leave_no_history_for_superko(ko):
    position = sgf.position_of(sgf.parse(RETAKE), ko=ko)
    assert position.text == "5/5/5/OXX2/X1OX1 w B1 A1"
    assert stones_of(position) == {"A2": "W", "A1": "B", "B2": "B", "C2": "B", "D1": "B"}
    # Its sister: stones set up and taken off in the middle of the game make boards that no move made.
    again = sgf.parse("(;SZ[3];B[aa];W[bb];AE[aa];AB[aa];W[cc];AE[cc];B[ca];AE[ca];W[cc])")
    assert sgf.position_of(again, ko=ko).text == "X2/1O1/3 w C1"


def test_a_repeated_board_of_a_real_file_is_told_by_its_move():
    ko = "(;SZ[4]AB[ba][ab][bc]AW[bb][ca][db][cc];B[cb];W[bb])"
    with pytest.raises(UserError, match="move 2, W B3"):
        sgf.position_of(sgf.parse(ko))
    with pytest.raises(UserError, match="move 3, W B3"):  # the moves before a set-up count, too
        sgf.position_of(sgf.parse(ko.replace("SZ[4]", "SZ[4];B[dd];")))


@pytest.mark.parametrize(
    ("text", "start", "moves"),
    [
        ("(;SZ[3];B[aa];W[bb];AB[cc];W[ca])", "X2/1O1/2X w", ["C3"]),
        ("(;SZ[3];B[aa];W[bb];AE[aa])", "3/1O1/3 b", []),
        ("(;SZ[3];B[aa];PL[B];B[bb])", "X2/3/3 b", ["B2"]),
        ("(;SZ[3];B[aa];PL[W])", "X2/3/3 w", []),
        ("(;SZ[3];B[aa];W[ba];B[bb];W[ca];B[cb];AW[cc])", "X2/1XX/2O w", []),  # two stones were taken before it
        ("(;SZ[3]AB[aa];AW[bb];AE[aa]AB[aa:ac])", "X2/XO1/X2 b", []),
        ("(;SZ[3]AB[aa]AW[aa]PL[B])", "O2/3/3 b", []),
        ("(;SZ[3]AE[aa];B[bb])", "", ["B2"]),
        ("(;SZ[3]AB[];B[bb])", "", ["B2"]),
        ("(;SZ[3]PL[W];W[bb])", "w", ["B2"]),
    ],
)
def test_a_set_up_begins_a_position_wherever_it_stands(text, start, moves):
    game = sgf.parse(text)
    assert (game.start, [vertex for _, vertex in game.moves]) == (start, moves)
    assert sgf.position_of(game).text == game.position_text() == " ".join([*start.split(), *moves])


def test_every_move_of_the_main_line_can_be_gone_back_to():
    game = sgf.parse("(;SZ[3];B[aa];B[bb];AW[cc];W[ca];B[ab])")
    assert game.length == 4
    texts = ["", "A3", "X2/1X1/2O w", "X2/1X1/2O w C3", "X2/1X1/2O w C3 A2"]
    assert [game.position_text(count) for count in range(5)] == texts
    assert [sgf.play_out(game, az.Game("go", board_size=3), count).text for count in range(5)] == texts
    assert [position.text for position in sgf.positions(game, az.Game("go", board_size=3))] == texts[2:]


def test_a_move_out_of_turn_makes_no_pass():
    game = sgf.parse("(;SZ[5];B[aa];B[bb];W[cc];W[dd];B[ee])")
    assert game.position_text() == "A5 b B4 C3 w D2 E1"
    position = sgf.position_of(game)
    assert (position.text, position.ply) == ("A5 b B4 C3 w D2 E1", 5)


def test_the_side_to_move_is_the_one_the_file_names():
    for text, turn in [
        ("AB[aa]PL[B]", 0), ("AB[aa]PL[W]", 1), ("AB[aa]", 1), ("AB[aa]AW[bb]", 0), ("PL[W]", 1), ("AW[aa]", 0),
        ("AB[aa]PL[b]", 0), ("AB[aa]PL[black]", 0), ("AB[bb]PL[1]", 0), ("AW[bb]PL[2]", 1), ("AW[aa]PL[White]", 1),
    ]:  # fmt: skip
        assert sgf.position_of(sgf.parse(f"(;SZ[5]{text})")).turn == turn, text
    assert sgf.position_of(sgf.parse("(;SZ[5]AW[aa];W[bb];B[cc])")).text == "O4/5/5/5/5 w B4 C3"


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


def recorded(game: az.Game, start: str) -> GameRecord:
    """A game of self-play from this start."""
    settings = {"games_in_flight": 1, "batch_size": 1, "threads": 1, "games": 1, "starts": [start]}
    pool = Pool(game, settings, [{"kind": "puct", "simulations": 4, "evaluator": -2}])
    records = []
    while not pool.done:
        pool.next_batch(0.1)
        records += pool.take_finished()
    (record,) = records + pool.take_finished()
    return record


def test_a_game_with_a_komi_of_its_own_says_so():
    game = az.Game("go", board_size=5, komi=7.0)
    record = recorded(game, "komi=2.5 C3")
    written = sgf.parse(sgf.from_record(game, record))
    assert written.komi == 2.5
    assert written.moves[0] == ("B", "C3")
    assert len(written.moves) == record.plies + 1
    final = sgf.position_of(written)
    assert final.outcome.score == record.score
    assert area_margin(game.position("komi=2.5 C3")) == 22.5


@pytest.mark.parametrize("start", ["5/1X3/2O2/5/5 w C2", "5/1X3/2O2/5/5 w E1 w A1", "w C3", "E1 b A1"])
def test_a_recorded_game_from_a_set_up_is_exported_with_its_stones(start):
    game = az.Game("go", board_size=5)
    record = recorded(game, start)
    written = sgf.parse(sgf.from_record(game, record))
    assert written.position_text() == f"{start} {' '.join(record.moves(game))}"
    assert sgf.position_of(written).outcome.score == record.score


def test_our_files_are_what_sgfmill_reads(data):
    sgfmill = pytest.importorskip("sgfmill.sgf", reason="sgfmill is not installed (extra: test)")
    for line in (data / "go_games.jsonl").read_text().splitlines()[:20]:
        record = json.loads(line)
        start = az.Game("go", board_size=record["size"], komi=record["komi"]).position()
        theirs = sgfmill.Sgf_game.from_string(sgf.write(start, record["moves"], result="B+R"))
        vertices = []
        for node in theirs.get_main_sequence()[1:]:
            _, point = node.get_move()
            vertices.append("pass" if point is None else f"{COLUMNS[point[1]]}{point[0] + 1}")
        assert vertices == record["moves"]
        assert (theirs.get_komi(), theirs.get_winner()) == (record["komi"], "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'(' is missing"),
        ("()", "no nodes"),
        ("(;SZ[nine])", "SZ must be a number"),
        ("(;SZ[1])", "SZ must be 2 to 19, got 1"),
        ("(;SZ[30])", "SZ must be 2 to 19, got 30"),
        ("(;SZ[9:13])", "SZ[9:13] is no square board"),
        ("(;GM[2])", "not a game of Go"),
        ("(;SZ[5];B[zz])", "'zz' is no point of a 5x5 board"),
        ("(;SZ[5];B[ff])", "'ff' is no point of a 5x5 board"),
        ("(;SZ[5];B[abc])", "'abc' is no point"),
        ("(;SZ[5]AB[aa:zz])", "'aa:zz' is no rectangle"),
        ("(;SZ[5];B[aa];W[aa];AB[cc])", "move 2, W A5"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "wrong.sgf"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        sgf.load(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_illegal_move_is_named_by_its_number():
    with pytest.raises(UserError, match=r"game\.sgf: move 2, W A5: "):
        sgf.position_of(sgf.parse("(;SZ[5]AB[ee];B[aa];W[aa])", "game.sgf"))


@pytest.mark.parametrize(
    ("value", "komi"),
    [
        ("375", 7.5), ("325", 6.5), ("275", 5.5), ("750", 7.5), ("650", 6.5), ("550", 5.5), ("50", 0.5), ("-50", -0.5),
        ("0", 0), ("-0", 0), ("6.5", 6.5), ("6,5", 6.5), ("7.5目", 7.5), ("6目半", 6.5), ("６．５", 6.5), ("6½", 6.5), (" 7.5 ", 7.5),
        ("3.75", 7.5), ("3 3/4", 7.5), ("贴3又3/4子", 7.5), ("3.75子", 7.5), ("2.75", 5.5), ("-6.5", -6.5), ("+5.5", 5.5),
        ("7.50", 7.5), ("7", 7), ("7.", 7), (".5", 0.5), ("6.5 points", 6.5), ("0.50", 0.5), ("100", 1), ("12", 12), ("25", 25),
        ("六目半", 6.5), ("七目", 7), ("贴三又四分之三子", 7.5), ("两目半", 2.5), ("5目半", 5.5), ("零", 0),
    ],
)  # fmt: skip
def test_komi_is_what_the_writer_meant(value, komi):
    game = sgf.parse(f"(;SZ[9]KM[{value}];B[ee])")
    assert (game.komi, game.has_komi) == (komi, True)
    plain = value.strip().lstrip("+-").replace(".", "", 1).isdigit() and float(value) == komi
    assert len(game.warnings) == (not plain), game.warnings
    assert str(game.komi) != "-0.0"


@pytest.mark.parametrize(
    "value",
    ["", " ", "none", "nan", "inf", "1e3", "6.5.5", "?", "--5", "1" * 400, "0x10", "99999", "]", "十二目半", "二十目"],
)
def test_komi_that_is_no_number_is_left_out_with_a_warning(value):
    game = sgf.parse(f"(;SZ[9]KM[{escape(value)}];B[ee])")
    assert (game.komi, game.has_komi, len(game.moves)) == (0, False, 1)
    assert len(game.warnings) == 1 and "KM" in game.warnings[0] and "\n" not in game.warnings[0]
    assert not sgf.parse("(;SZ[9];B[ee])").has_komi


@pytest.mark.parametrize(
    "text",
    [
        "(;SZ[9]LZOP2[x y]LZ2[1];B[ee]LZOP[a b];W[dd])",
        "(;SZ[9]id[x]it[y];B[ee]comment[z];W[dd])",
        "(;SZ[9]AE[aa];B[ee];W[dd])",
        "(SZ[9];B[ee];W[dd])",
        "From: a (b) c\n\n(;SZ[9];B[ee];W[dd])",
        "(;SZ[9:9];B[ee];W[dd])",
        "(;SZ[9x9];B[ee];W[dd])",
        "(;SZ[9];B[ee];W[dd]",
        "(;SZ[9];B[ee];W[dd];B[c",
        "(;SZ[9];B[ee];W[dd];C[not closed",
        "(;GaMe[1]SiZe[9];Black[ee];White[dd])",
        "(;S Z[9];B [ee] ; W\n[dd])",
        "(;SZ[9];B[ e\r\ne ];W[dd\n])",
        "(;\0SZ[9]\0;B[ee];W[dd\0])\0",
        "(;SZ[9];B[ee];W[dd]))))",
        "(;SZ[9] ?;B[ee] ];W[dd])",
        "(;[x]SZ[9];B[ee];W[dd])",
        "(;SZ[9];B[EE];W[DD])",
        "(;SZ[9];B[E5];W[D6])",
        "(;SZ[9];b[ee];w[dd])",
        "(;SZ[9];B[ee]W[dd])",
        "(;SZ[9]B[ee];W[dd])",
        "(;SZ[9]();B[ee];(;W[dd])(;W[aa]))",
        "(;SZ[9](;B[ee](;W[dd])(;W[aa];B[bb]))(;B[aa]))",
        "(;SZ[9];B[ee]C[\\] \\\\];W[dd])",
        "(;SZ[9];B[ee]C[a\\:b (;)[ ];W[dd])",
        "\ufeff(;SZ[9];B[ee];W[dd])",
        "(;SZ[9];B[ee];;W[dd];)",
        ";SZ[9];B[ee];W[dd]",
        "(;GM[1];SZ[9];B[ee];W[dd])",
        "(;SZ[9];B[ee];W[dd])(;SZ[19];B[aa])",
        "(;SZ[9]KO[];B[ee]BL[10];W[dd]WL[9.5]OB[1]OW[])",
        "(;SZ[9]HA[2];B[ee];W[dd])",
        "(;SZ[9]PL[nobody];B[ee];W[dd])",
        "(;SZ[9];B[ee]PL[W];W[dd])",
        "(;SZ[9];B[ee];W[dd];B[resign])",
        "(;SZ[9]AB[tt];B[ee];W[dd])",
    ],
)
def test_what_other_programs_write_is_read(text):
    for data in (text, text.encode()):
        game = sgf.parse(data)
        assert game.size == 9
        assert game.position_text() == "E5 D6"


@pytest.mark.parametrize("size", [2, 9, 19])
def test_passes_are_read_in_both_ways(size):
    assert sgf.parse(f"(;SZ[{size}];B[tt];W[];B[ ])").position_text() == "pass pass pass"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("(;SZ[9] ?)", "unexpected '?' at offset 8"),
        ("(;[9])", "a value without a property at offset 3"),
        ("(;SZ[9];B[ee]", "ends inside the game"),
        ("(;SZ[9];B[ee", "ends inside a value"),
        ("(;HA[3];W[ee])", "no handicap stones"),
        ("(;AB[aa]PL[x])", "PL[x] is no side"),
        ("(;AB[aa];B[bb]AW[cc])", "node 2 sets stones up and has a move"),
        ("(;B[EE])", "'EE' is read as E15"),
        ("(;CA[klingon]B[ee])", "CA[klingon]"),
        ("mail (;B[ee])", "before the game"),
        ("(B[ee])", "without its ';'"),
        ("(;B[ee][dd])", "several moves"),
        ("(;;SZ[9]B[ee])", "SZ stands in node 2"),
        ("(;B[ee];W[resign])", "W[resign] is no move"),
        ("(;AW[tt];B[ee])", "'tt' is no point to set up"),
        ("(;B[ee];W[dd]PL[B])", "node 2 has a move and PL"),
    ],
)
def test_a_warning_tells_what_is_read_differently(text, warning):
    warnings = sgf.parse(text.encode()).warnings
    assert len(warnings) == 1 and warning in warnings[0]


def test_deep_variations_need_no_recursion():
    deep = "(;B[ee]" * 10_000 + ")" * 10_000
    assert len(sgf.parse(f"(;SZ[9]{deep})").moves) == 10_000
    assert len(collection(deep)) == 1
    assert sgf.parse("(;SZ[9]" + "(" * 10_000 + ")" * 10_000 + ";B[ee])").position_text() == "E5"


NAMES = {
    "shift_jis": "表示ソ十能予ゾ転", "big5": "許功蓋吳清源", "gb18030": "古力常昊芈昱廷", "gbk": "朱鎔榮", "euc_kr": "이창호", "euc_jp": "趙治勲ソ",
    "utf-8": "井山裕太", "latin-1": "Andr\xe9", "iso2022_jp": "表示ソ十", "cp1251": "Шикшин", "cp949": "똠방각하", "koi8-r": "Шикшин",
    "hz": "古力", "utf-7": "古力",
}  # fmt: skip
SPELLINGS = {
    "shift_jis": ("Shift_JIS", "shift-jis", "SJIS", "x-sjis", "Windows-31J", "MS932", "csShiftJIS", "Shift_JIS-2004"), "big5": ("big5", "Big-5", "cp950"),
    "gb18030": ("gb2312", "GBK", "GB18030", "gb-2312", "x-gbk", "cp936"), "gbk": ("GB2312",), "euc_kr": ("euc-kr", "EUCKR", "ks_c_5601-1987"),
    "euc_jp": ("EUC-JP", "eucjp", "x-euc-jp"), "utf-8": ("UTF-8", "utf8", "Unicode", "utf-8-sig", '"UTF-8"'), "latin-1": ("ISO8859-1", "ISO-8859-1", "latin1"),
    "iso2022_jp": ("ISO-2022-JP", "iso2022jp"), "cp1251": ("windows-1251", "cp1251"), "cp949": ("CP949", "uhc"), "koi8-r": ("KOI8-R",),
    "hz": ("hz-gb-2312",), "utf-7": ("UTF-7",),
}  # fmt: skip


@pytest.mark.parametrize(("codec", "spelt"), [(codec, one) for codec, many in SPELLINGS.items() for one in many])
def test_the_encoding_that_the_file_names_is_obeyed(codec, spelt):
    for name in NAMES[codec]:  # each of the characters as the last one before the bracket
        text = f"(;CA[{spelt}]SZ[9]PB[{name}]C[{name})\n{NAMES[codec]}];B[ee]C[{name}];W[dd])"
        game = sgf.parse(text.encode(codec))
        assert (game.properties["PB"], game.properties["C"]) == ([name], [f"{name})\n{NAMES[codec]}"])
        assert (game.position_text(), game.warnings) == ("E5 D6", [])


@pytest.mark.parametrize("codec", sorted(NAMES.keys() - {"hz", "utf-7"}))
def test_no_stone_is_lost_to_an_encoding_that_nobody_names(codec):
    for name in NAMES[codec]:
        for head in ("", "CA[klingon]", "CA[zlib]", "CA[UTF-8]", "CA[utf-16]", "CA[ascii]"):
            text = f"(;{head}SZ[9]PB[{name}]PW[{NAMES[codec]}];B[ee]C[{NAMES[codec]}{name}];W[dd]C[{name}](;B[cc])(;B[aa]))"
            for data in (text.encode(codec), text.encode(codec).replace(b"]", b" ]")):
                assert sgf.parse(data).position_text() == "E5 D6 C7", (head, name)


@pytest.mark.parametrize("codec", ["shift_jis", "big5", "gb18030", "euc_kr", "euc_jp", "latin-1", "iso2022_jp"])
def test_the_usual_encodings_are_found_out(codec):
    text = {
        "euc_kr": "이창호 구단 조훈현 승",
        "euc_jp": "黒番の勝ちです",
        "shift_jis": "黒番の勝ちソ",
        "big5": "吳清源對許功蓋",
    }.get(codec, NAMES[codec])
    game = sgf.parse(f"(;SZ[9]PB[{text}];B[ee])".encode(codec))
    assert game.properties["PB"] == [text]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_byte_order_mark_and_wide_characters_are_read_whatever_ca_says(codec):
    for charset in ("", "CA[GB2312]"):
        game = sgf.parse(f"(;{charset}SZ[9]PB[古力];B[ee];W[dd])".encode(codec))
        assert (game.properties["PB"], game.position_text()) == (["古力"], "E5 D6")


def test_a_wrong_charset_gives_way_to_utf_8():
    game = sgf.parse("(;CA[gb2312]SZ[9]PB[古力常];B[ee])".encode())
    assert game.properties["PB"] == ["古力常"] and "UTF-8" in game.warnings[0]


def test_a_name_that_is_cut_within_a_character_costs_no_stone():
    for codec, name in (("utf-8", "井山"), ("gb18030", "古力"), ("shift_jis", "表示"), ("euc_kr", "이창")):
        for charset in ("", f"CA[{codec}]"):
            data = f"(;{charset}SZ[9]PB[{name}|]PW[{name}];B[ee]C[{name}|];W[dd])".encode(codec)
            cut = data.replace(b"|", b"", 2)
            cut = cut[: cut.index(b"]PW") - 1] + cut[cut.index(b"]PW") :]
            assert sgf.parse(cut).position_text() == "E5 D6", (codec, charset)


def test_the_sample_of_the_report_keeps_its_stones():
    for head in (b"CA[Shift_JIS]", b""):
        game = sgf.parse(b"(;" + head + b"SZ[9]PB[\x83\x5c];B[ee];W[dd])")
        assert (game.properties["PB"], game.position_text()) == (["ソ"], "E5 D6")


def test_a_writer_that_escapes_bytes_is_read_as_one_that_escapes_characters():
    for value in (b"\x83\x5c\x5c", b"\x83\x5c"):
        game = sgf.parse(b"(;CA[Shift_JIS]SZ[9]PB[" + value + b"];B[ee]C[" + value + b"a];W[dd])")
        assert (game.properties["PB"], game.position_text()) == (["ソ"], "E5 D6")


def test_games_of_a_collection_keep_the_encoding_of_the_file():
    text = "(;SZ[9]PB[表];B[ee])\r\n(;SZ[9]PB[ソ)];W[dd])\n\n(;CA[Shift_JIS]SZ[9];B[cc]C[十]"
    for data in (text.encode("cp932"), text.replace("Shift_JIS", "UTF-8").encode(), text.encode("utf-16")):
        games = collection(data)
        assert [line for line, _ in games] == [1, 2, 4]
        assert [sgf.parse(one).position_text() for _, one in games] == ["E5", "w D6", "C7"]
        assert [sgf.parse(one).properties.get("PB") for _, one in games] == [["表"], ["ソ)"], None]


def test_results_are_read_from_games_in_any_encoding(tmp_path):
    text = "(;CA[Shift_JIS]PB[表ソ]PW[十能]RE[B+R];B[ee])\n(;PB[表ソ\n]PW[十能]RE[W+2.5];B[ee])"
    for codec in ("cp932", "utf-8", "utf-16"):
        (tmp_path / "games.sgf").write_bytes(text.encode(codec))
        results = read_results([tmp_path / "games.sgf"])
        assert [(r["first"], r["second"], r["result"]) for r in results] == [
            ("表ソ", "十能", 1.0),
            ("表ソ", "十能", 0.0),
        ]


def test_random_bytes_never_do_more_than_raise_a_user_error():
    chance = random.Random(5)
    whole = "(;CA[Shift_JIS]SZ[9]KM[6.5]AB[aa:bb]PL[W]PB[表ソ];B[ee]C[a\\]];AE[aa];W[tt](;B[cd])(;W[]))".encode("cp932")
    read = 0
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 3)] = bytes(
                chance.choices(b"[]()\\;:\x81\x83\xe0\xff\0 BWaZ7", k=chance.randint(0, 3))
            )
        with contextlib.suppress(UserError):
            sgf.position_of(sgf.parse(bytes(data)))
            read += 1
        collection(bytes(data))
    assert 200 < read < 1800, "nearly right: many are read, many refused"


POSITIONS = [
    "", "w", "E5 C3", "E5 b C3", "w E5 w C3 b", "9/9/2X3O2/9/9/9/9/9/9 b", "9/9/2X3O2/9/9/9/9/9/9 w E5 pass C3 b D4",
    "komi=5.5 XXX6/9/9/9/9/9/9/9/8O w b E5", "9/9/2X3X2/9/9/9/2X6/9/9 w E5",
]  # fmt: skip


@pytest.mark.parametrize("text", POSITIONS)
def test_what_we_write_is_what_we_read_and_what_sgfmill_reads(text):
    sgfmill = pytest.importorskip("sgfmill.sgf", reason="sgfmill is not installed (extra: test)")
    from sgfmill import sgf_moves

    position = az.Game("go", board_size=9, komi=6.5).position(text)
    names = {"black": "a]\\[b", "white": "石\\", "result": "B+R", "comment": "one\ntwo"}
    written = sgf.write(position, **names)
    game = sgf.parse(written.encode())
    again = sgf.position_of(game)
    assert game.komi == (5.5 if text.startswith("komi") else 6.5) and game.warnings == []
    assert (stones_of(again), again.turn) == (stones_of(position), position.turn)
    theirs = sgfmill.Sgf_game.from_bytes(written.encode())
    board, plays = sgf_moves.get_setup_and_moves(theirs) if not text.endswith(" b") or "/" in text else (None, [])
    if board is not None:
        for colour, point in plays:
            if point is not None:
                board.play(*point, colour)
        assert {f"{COLUMNS[c]}{r + 1}": colour.upper() for colour, (r, c) in board.list_occupied_points()} == stones_of(
            position
        )
    assert (theirs.get_size(), theirs.get_komi(), theirs.get_winner()) == (9, game.komi, "b")
    assert (theirs.get_player_name("b"), theirs.get_player_name("w")) == ("a]\\[b", "石\\")
    assert theirs.get_root().get("GC") == "one\ntwo"
    assert theirs.get_handicap() == (3 if text.startswith("9/9/2X3X2") else None)


@pytest.mark.parametrize("komi", [375, 50, 3.75, -0.25, 7.123456789012345, 400, -400, 1e-7, 0])
def test_our_own_komi_is_read_as_we_write_it(komi):
    game = sgf.parse(sgf.write(az.Game("go", board_size=5, komi=komi).position()))
    assert (game.komi, game.warnings) == (komi, [])


def test_the_rules_are_named():
    rules = {
        sgf.parse(sgf.write(az.Game("go", board_size=5, ko=ko, suicide=suicide).position())).rules
        for ko in ("positional", "situational", "simple")
        for suicide in (False, True)
    }
    assert len(rules) == 6 and {"Tromp-Taylor", "Chinese", "NZ", "AGA"} < rules


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.sgf: cannot read"):
        sgf.load(tmp_path / "nowhere.sgf")


# --- All games of a file, as any format gives them ---


@pytest.mark.parametrize("seed", range(3))
def test_games_are_read_as_they_were_written(seed):
    go = az.Game("go", board_size=5)
    _, moves = go.position().random_playout(seed)
    said = sgf.result_text(1, 3.5, "two_passes")
    one = sgf.write(go.position(), moves, black="Añ", white="b", result=said, event="E 1")
    two = sgf.write(go.position(), moves[:3], black="c", white="d", result="W+R")
    first, second = sgf.read((one + two).encode())
    assert (first.first, first.second, first.event, first.value, first.score) == ("Añ", "b", "E 1", 1, 3.5)
    assert (first.game, first.start, first.moves, first.warnings) == ("go", "", moves, [])
    assert (second.first, second.value, second.reason, second.score) == ("c", -1, "resignation", None)
    assert second.moves == moves[:3] and second.line > first.line == 1


def test_a_set_up_and_moves_out_of_turn_make_the_same_position():
    text = "(;SZ[5]AB[aa][bb]PL[W];W[cc];W[dd];B[ee])"
    (game,) = sgf.read(text)
    position = az.Game("go", board_size=5, komi=0.0).position(" ".join([game.start, *game.moves]))
    assert position.text == sgf.position_of(sgf.parse(text)).text
    (game,) = sgf.read("(;SZ[5];B[aa];W[bb];AB[cc];W[dd])")
    assert game.warnings == ["stones are set up after 2 moves, which are left out"] and game.moves == ["D2"]


def test_a_game_that_cannot_be_read_is_a_warning_and_the_others_are_read():
    bad, good = sgf.read("(;GM[2];B[aa])\n(;SZ[5]RE[Void];B[aa])")
    assert bad.warnings == ["line 1: not a game of Go (GM[2])"] and bad.moves == []
    assert (good.line, good.moves, good.value, good.reason) == (2, ["A5"], None, "unfinished")
    with pytest.raises(UserError, match=r"x.sgf: no game in it"):
        sgf.read("nothing", "x.sgf")
