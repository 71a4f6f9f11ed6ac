"""Remarks in files of games: what other programs read of them, and what a second review leaves of the first."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import chess.pgn
import pytest
import sgfmill.sgf
from game_texts import CSA, KIF, PGN, SGF

from alphazero.formats import csa, kif, sgf
from alphazero.formats.annotate import into_csa, into_kif, into_pgn, pgn_games
from alphazero.formats.annotate_sgf import into_sgf
from alphazero.formats.remarks import Remark, ours, without_ours

REMARKS = {
    1: Remark("Black", 0.55, 3.04, 35),
    2: Remark("White", 0.4, -0.5, 80, "??", 0.2, ["C3", "D4"], 0.6),
}
WORDS = {
    1: "alphazero: Black 55.0 %, B+3.0",
    2: "alphazero: White 40.0 %, W+0.5; ?? lost 20.0 %; better: C3 D4 (60.0 %)",
}


@pytest.mark.parametrize("words", [*WORDS.values(), "alphazero: Sente 0.0 %; ?! lost 5.0 %; better: P*5e 2b8h+"])
def test_a_remark_is_read_back_from_its_words(words):
    found = ours(f"mine\n{words}")
    assert found is not None and found.text == words
    assert without_ours(f"mine\n{words}") == "mine" and without_ours(f"a {words} [%eval 0.2]") == "a [%eval 0.2]"
    assert without_ours(" by alphazero: White 55 % ") == " by alphazero: White 55 % ", "somebody else's"
    assert [each.text for each in REMARKS.values()] == list(WORDS.values())


def test_sgf_keeps_its_tree_and_properties():
    text = into_sgf(SGF, REMARKS)
    theirs = sgfmill.sgf.Sgf_game.from_string(text)
    main_line = theirs.get_main_sequence()
    assert [node.get_move() for node in main_line[1:]] == [("b", (2, 2)), ("w", (3, 1)), ("b", (1, 3)), ("w", (1, 1))]
    assert main_line[2].get("BM") == 2 and main_line[2].get("C") == WORDS[2]
    assert len(theirs.get_root()) == 2 and len(main_line[2]) == 2, "variations stay"
    assert theirs.get_root().get("C") == "a game" and theirs.get_root().get("PB") == "A"
    assert sgf.parse(text).moves == sgf.parse(SGF).moves
    other = main_line[2][1]
    assert other.get("C") == "other" and not other.has_property("V"), "side lines get no remarks"


def test_sgf_gets_blacks_score_blacks_win_rate_and_a_label_where_the_better_move_was():
    line = sgfmill.sgf.Sgf_game.from_string(into_sgf(SGF, REMARKS)).get_main_sequence()
    assert [node.get("V") for node in line[1:3]] == [3.0, -0.5], "FF[4]: of Go, the estimated score"
    assert [node.get_raw("SBKV") for node in line[1:3]] == [b"55.0", b"60.0"], "Sabaki's graph"
    assert line[2].get("LB") == [((2, 2), "A")] and not line[1].has_property("LB")
    bare = into_sgf("(;SZ[5];B[cc];W[dd])", {2: Remark("White", 0.4, None, None, "?", 0.1, ["pass"], 0.5)})
    assert "V[" not in bare.replace("SBKV[", "") and "LB[" not in bare, "no score is known, a pass has no point"


def test_sgf_of_before_ff4_is_read_by_the_names_that_it_has():
    text = into_sgf("(;SiZe[5];Black[cc]Comment[mine];White[dd])", REMARKS)
    assert f"Comment[mine\n{WORDS[1]}]" in text and WORDS[2] in text


def test_sgf_in_another_encoding_becomes_utf8():
    data = "(;GM[1]CA[GB2312]SZ[5]PB[古力];B[cc]C[好];W[dd])".encode("gb2312")
    text = into_sgf(data, {1: REMARKS[1]})
    assert "PB[古力]" in text and f"C[好\n{WORDS[1]}]" in text and sgf.parse(text).moves == [("B", "C3"), ("W", "D2")]
    for codec in ("latin-1", "utf-16"):  # without CA a file is Latin-1
        text = into_sgf("(;GM[1]SZ[5]PB[J\u00f6rg];B[cc];W[dd])".encode(codec), {})
        assert text == "(;CA[UTF-8]GM[1]SZ[5]PB[J\u00f6rg];B[cc];W[dd])" == into_sgf(text.encode(), {})
    assert "CA[" not in into_sgf(b"(;SZ[5]PB[A];B[cc])", {}) + into_sgf("(;SZ[5]PB[\u00f6];B[cc])".encode(), {})
    cut = "(;GM[1]SZ[5];B[cc];W[dd]"  # the file ends inside the game
    assert into_sgf(cut, {2: Remark("White", 0.5)}) == f"{cut}SBKV[50.0]C[alphazero: White 50.0 %]"


CHESS = {2: Remark("Black", 0.5, None, 0), 3: Remark("White", 0.0, None, -900, "??", 0.6, ["e2e4", "b8c6"], 0.6)}


def test_pgn_gets_nags_evaluations_and_variations():
    game = chess.pgn.read_game(io.StringIO(into_pgn(PGN, CHESS)))
    line = list(game.mainline())
    assert [node.move.uci() for node in line] == ["f2f3", "e7e5", "g2g4", "d8h4"]
    assert chess.pgn.NAG_BLUNDER in line[2].nags and line[2].eval().white().score() == -900
    assert "weak" in line[0].comment and "alphazero: Black 50.0 %" in line[1].comment
    assert [v.move.uci() for v in line[1].variations] == ["g2g4", "e2e4"], "the variation that was there is not doubled"
    assert game.headers["White"] == "A <b>"


def test_a_comment_before_a_game_without_tags_stays():
    (game,) = pgn_games("{ mine } 1. e4 *")
    assert "{ mine }" in into_pgn(game, {})


def test_kif_and_csa_get_comment_lines():
    text = into_kif(KIF, REMARKS)
    (game,) = kif.read(text)
    assert game.moves == ["7g7f", "3c3d"] == kif.read(KIF)[0].moves
    assert f"*{WORDS[1]}\n" in text and text.count(f"*{WORDS[2]}\n") == 1
    assert text.index(f"*{WORDS[2]}") < text.index("変化")
    text = into_csa(CSA, REMARKS)
    (game,) = csa.read(text)
    assert game.moves == ["7g7f", "3c3d"] and game.seconds == {0: 1.0, 1: 2.0}
    assert f"T1\n'** 35\n'{WORDS[1]}\n-3334FU" in text


@pytest.mark.parametrize(
    "moves",
    [
        "+7776FU,T1\n-3334FU,T2\n",
        "+7776FU,T1,-3334FU,T2\n",
        "+7776FU\nT1,-3334FU\nT2\n",
        "+\n  +7776FU , T1\n-3334FU\n",
    ],
)
def test_csa_with_several_statements_on_a_line_gets_its_remarks(moves):
    text = into_csa(f"V2.2\nPI\n{moves}%TORYO\n", REMARKS)
    (game,) = csa.read(text)
    assert game.moves == ["7g7f", "3c3d"] and game.seconds[0] == 1.0 and not game.warnings
    assert game.comments == {1: f"** 35\n{WORDS[1]}", 2: f"** 80\n{WORDS[2]}"}


# A second review of what a first one wrote: other marks, other words.
LATER = {
    1: Remark("Black", 0.5, 1.0, 10, "?", 0.12, ["A1"], 0.62),
    2: Remark("White", 0.45, 0.0, 20),
}


@pytest.mark.parametrize(
    ("into", "text"),
    [
        (into_sgf, SGF),
        (into_sgf, "(;SZ[5];B[cc]C[a: alphazero]V[3]BM[1]LB[bb:A][dd:x];W[bb]SBKV[1]TE[1])"),
        (into_kif, KIF),
        (into_kif, KIF.replace("*comment", "*comment\n*")),
        (into_csa, CSA),
        (into_csa, CSA.replace("T1\n", "T1\n'** 7 +2726FU\n'mine\n")),
        (into_csa, CSA.replace("\nT", ",T")),
    ],
    ids=range(7),
)
def test_a_second_review_replaces_the_first_and_keeps_what_people_wrote(into, text):
    once = into(into(text, REMARKS), LATER)
    assert once == into(text, LATER) and once.count("alphazero: ") == 2
    assert into(once, {}) == text, "and without remarks, nothing is left of it"


def test_a_second_review_of_pgn_replaces_the_first_and_keeps_what_people_wrote():
    text = PGN.replace("e5 2.", "e5 $1 { mine [%eval 1.0,10] } 2.")
    first = into_pgn(text, CHESS)
    game = chess.pgn.read_game(io.StringIO(first))
    assert list(game.mainline())[1].eval().white().score() == 100 and list(game.mainline())[1].nags == {1}
    later = {2: Remark("Black", 0.3, None, 50, "??", 0.3, ["d7d5"], 0.6), 3: Remark("White", 0.4, None, -90)}
    assert into_pgn(first, later) == into_pgn(text, later)
    assert into_pgn(into_pgn(first, later), {}) == into_pgn(text, {})


def test_what_a_node_has_already_stays_and_is_not_doubled():
    data = "(;GM[1]SZ[5]CA[gb2312]PB[\u53e4];B[cc]C[hello]V[3]BM[1];W[dd]C[a \\] b];B[resign];W[aa])".encode("gb2312")
    marked = {n: Remark("White", 0.5, 0.0, None, "??", 0.5) for n in (1, 2, 3)}
    text = into_sgf(data, marked)
    game = sgfmill.sgf.Sgf_game.from_bytes(text.encode("utf-8"))
    first, second, resigned, last = game.get_main_sequence()[1:]
    assert game.get_charset() == "UTF-8" and game.get_root().get("PB") == "\u53e4"
    assert first.get("C") == f"hello\n{marked[1].text}" and first.get("V") == 3.0 and first.get("BM") == 1
    assert second.get("C") == f"a ] b\n{marked[2].text}" and second.get("BM") == 2
    assert not resigned.has_property("C") and last.get("C") == marked[3].text, "the resignation is no move"
    assert into_sgf(text, marked) == text


# --- read by other programs ---

SABAKI = Path(__file__).resolve().parent.parent / "build/sabaki-sgf/node_modules"
ASK_SABAKI = """
const sgf = require('@sabaki/sgf'), found = []
for (let node = sgf.parse(require('fs').readFileSync(0, 'utf8'))[0]; node; node = node.children[0]) found.push(node.data)
console.log(JSON.stringify(found))
"""


@pytest.mark.skipif(not SABAKI.is_dir() or not shutil.which("node"), reason="no @sabaki/sgf: .ci/run fetches it by npm")
def test_sabaki_reads_the_moves_its_graph_and_the_labels():
    asked = [shutil.which("node"), "-e", ASK_SABAKI]
    text = into_sgf(SGF, REMARKS)
    done = subprocess.run(
        asked, input=text, env={"NODE_PATH": str(SABAKI)}, capture_output=True, text=True, check=True, timeout=60
    )
    nodes = json.loads(done.stdout)
    assert [(node.get("B") or node.get("W"))[0] for node in nodes[1:]] == ["cc", "bb", "dd", "bd"]
    assert [node["SBKV"] for node in nodes[1:3]] == [["55.0"], ["60.0"]] and nodes[2]["LB"] == ["cc:A"]
    assert nodes[1]["C"] == [f"good ] move\n{WORDS[1]}"]


def test_katrains_reader_reads_the_moves_and_the_comments():
    pysgf = pytest.importorskip("pysgf", reason="pysgf is not installed (extra: test)")
    node = pysgf.GoGame.parse(into_sgf(SGF, REMARKS))
    found = []
    while node.children:
        node = node.children[0]
        found.append((node.move.player, node.move.gtp()))
        if len(found) == 2:
            assert node.get_property("C") == WORDS[2] and node.get_property("LB") == "cc:A"
    assert found == sgf.parse(SGF).moves


def test_cshogi_reads_the_moves_of_annotated_shogi():
    cshogi = pytest.importorskip("cshogi", reason="cshogi is not installed (extra: test)")
    from cshogi import CSA as THEIR_CSA
    from cshogi import KIF as THEIR_KIF

    # It takes the moves of side lines for the game's.
    games = [
        THEIR_KIF.Parser.parse_str(into_kif(KIF.partition("変化")[0], REMARKS)),
        THEIR_CSA.Parser.parse_str(into_csa(CSA, REMARKS))[0],
    ]
    for game in games:
        assert [cshogi.move_to_usi(move) for move in game.moves] == ["7g7f", "3c3d"]
    assert WORDS[1] in games[0].comments[0]
