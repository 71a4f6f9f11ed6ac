"""CSA files: cshogi reads what we write, we read what others write, and what cannot be read is told."""

from __future__ import annotations

import pytest
from game_texts import text_of
from shogi_files import MIDGAME, for_every_encoding, for_every_outcome

import alphazero as az
from alphazero.arena import records
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats import csa
from alphazero.formats.shogi import START

HEAD = "V2.2\nN+A\nN-B\nPI\n+\n"


def played(seed: int, start: str = "", plies: int = 120) -> list[str]:
    game = az.Game("shogi", max_plies=plies)
    return (game.position(start) if start else game.position()).random_playout(seed)[1]


def written(moves, value=0, reason="max_plies", **about) -> str:
    return text_of(
        csa.write,
        moves,
        white=about.pop("white", "A"),
        black=about.pop("black", "B"),
        value=value,
        reason=reason,
        **about,
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("start", ["", MIDGAME])
def test_random_games_are_read_back_by_us_and_by_cshogi(seed, start):
    cshogi = pytest.importorskip("cshogi", reason="cshogi is the reader; it comes with the extra 'test'")
    from cshogi import CSA

    moves = played(seed, start)
    text = written(moves, start=start)
    found = csa.read(text)
    assert len(found) == 1 and not found[0].warnings
    assert (found[0].moves, found[0].first, found[0].second, found[0].value) == (moves, "A", "B", 0)
    assert found[0].start.split()[:3] == start.split()[:3]
    theirs = CSA.Parser.parse_str(text)[0]
    assert [cshogi.move_to_usi(move) for move in theirs.moves] == moves
    assert sorted(theirs.sfen.split()[2]) == sorted((start or START).split()[2])
    assert theirs.sfen.split()[:2] == (start or START).split()[:2]


@for_every_outcome
def test_every_reader_knows_who_won(plies, value, reason):
    CSA = pytest.importorskip("cshogi.CSA", reason="cshogi is the reader; it comes with the extra 'test'")
    text = written(["7g7f", "3c3d"][:plies], value=value, reason=reason)
    assert CSA.Parser.parse_str(text)[0].win == {1: 1, 0: 0, -1: 2}[value]
    assert csa.read(text)[0].value == value


@pytest.mark.parametrize(
    ("reason", "value", "plies", "line"),
    [
        ("resignation", -1, 2, "%TORYO"),
        ("checkmate", 1, 1, "%TORYO"),
        ("declaration", 1, 2, "%KACHI"),
        ("repetition", 0, 1, "%SENNICHITE"),
        ("illegal_move", -1, 2, "%ILLEGAL_MOVE"),
        ("time_forfeit", 1, 1, "%TIME_UP"),
        ("max_plies", 0, 1, "%JISHOGI"),
        ("perpetual_check", 1, 1, "%-ILLEGAL_ACTION"),
        ("perpetual_check", 1, 2, "%-ILLEGAL_ACTION"),
    ],
)
def test_the_ending_has_csas_word(reason, value, plies, line):
    assert line in written(["7g7f", "3c3d"][:plies], value=value, reason=reason).splitlines()


def test_a_file_of_games_has_no_empty_last_one(tmp_path):
    CSA = pytest.importorskip("cshogi.CSA", reason="cshogi is the reader; it comes with the extra 'test'")
    for number in range(3):
        records.append(tmp_path / "games.csa", written(["7g7f"], number=number))
    data = (tmp_path / "games.csa").read_text()
    assert len(CSA.Parser.parse_str(data)) == len(csa.read(data)) == 3
    joined = records.joined(az.Game("shogi"), [written(["7g7f"], number=number) for number in range(3)])
    assert joined == data


def test_an_exported_store_is_read_by_cshogi(tmp_path):
    CSA = pytest.importorskip("cshogi.CSA", reason="cshogi is the reader; it comes with the extra 'test'")
    play = ["selfplay", "uniform", "--game", "shogi", "--option", "max_plies=12", "--simulations", "2"]
    assert main([*play, "--games", "3", "--out", str(tmp_path / "store")]) == 0
    assert main(["replay", str(tmp_path / "store"), "--export", str(tmp_path / "games")]) == 0
    found = CSA.Parser.parse_file(str(tmp_path / "games" / "games.csa"))
    assert [len(game.moves) for game in found] == [12, 12, 12]


def test_names_never_break_a_header():
    text = written(["7g7f"], white="a\n%TORYO\n+2726FU", black="b\x1b[31m\u2028c\r\n/" + "x" * 3000)
    found = csa.read(text)[0]
    assert found.moves == ["7g7f"] and found.first == "a %TORYO +2726FU" and found.second.startswith("b[31m c /xx")
    assert "\x1b" not in text and max(map(len, text.splitlines())) < 300


# --- What others write ---


def test_positions_hands_times_comments_and_several_games_are_read():
    text = (
        "'CSA encoding=UTF-8\nV3.0\nN+先手の人\nN-後手\n$EVENT:x\nP1 *  *  *  * -OU *  *  *  * \nP+59OU00FU00KI\nP-00AL\n-\n"
        "-5152OU,T3\n'** 10\n+0053FU\nT4.5\n%KACHI\n/\n" + HEAD + "+7776FU,T12\n-3334FU,T1\n%TORYO,T2\n/\n\n"
    )
    one, two = csa.read(text)
    assert one.moves == ["5a5b", "P*5c"] and one.value == -1 and one.reason == "declaration"
    assert one.start == "4k4/9/9/9/9/9/9/9/4K4 w GP2r2b3g4s4n4l17p 1"
    assert one.seconds == {0: 3.0, 1: 4.5} and one.comments[1] == "** 10" and one.first == "先手の人"
    assert two.moves == ["7g7f", "3c3d"] and two.value == -1 and two.seconds == {0: 12.0, 1: 1.0} and two.start == ""


def test_pieces_are_taken_off_the_usual_start():
    game = csa.read("V2.2\nPI82HI22KA\n-\n-5142OU\n%CHUDAN\n")[0]
    assert game.start.split()[:3] == ["lnsgkgsnl/9/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL", "w", "-"]
    assert game.moves == ["5a4b"] and game.value is None and not game.warnings


@for_every_encoding
def test_every_encoding_and_line_end_is_read(encoding, newline):
    text = HEAD.replace("N+A", "N+羽生").replace("N-B", "N-ソ表能") + "+7776FU\n%TORYO\n"
    game = csa.read(text.replace("\n", newline).encode(encoding))[0]
    assert (game.first, game.second, game.moves, game.value) == ("羽生", "ソ表能", ["7g7f"], 1)


@pytest.mark.parametrize(
    ("moves", "kept", "warning"),
    [
        ("+7776FU\n-3335FU\n+2726FU\n%TORYO", ["7g7f"], "line 7: move 2: '3c3e' is not legal here"),
        ("+7776FU\n-5554FU\n%TORYO", ["7g7f"], "line 7: move 2: no piece of the side to move stands on 5e"),
        ("+7776GI\n%TORYO", [], "line 6: move 1: P stands on 7g, not S"),
        ("+7776FU\n+2726FU\n%TORYO", ["7g7f"], "line 7: '+2726FU': the other side is to move"),
        ("+7776XX\n%TORYO", [], "line 6: '+7776XX': no such piece"),
        ("hello\n+7776FU\n%TORYO", ["7g7f"], "line 6: 'hello': not understood"),
        ("+7776FU\n%NANIKA", ["7g7f"], "line 7: '%NANIKA': no ending"),
        ("+7776FU\nTx\n%TORYO", ["7g7f"], "line 7: 'Tx'"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_is_kept(moves, kept, warning):
    game = csa.read(HEAD + moves + "\n")[0]
    assert game.moves == kept and game.warnings[0].startswith(warning)


@pytest.mark.parametrize("line", ["7776FU", "+7776", "+7776fu", "+7776FU-3334FU"])
def test_a_move_that_is_not_understood_leaves_open_who_resigned(line):
    (game,) = csa.read(HEAD + f"{line}\n%TORYO\n")
    assert game.value is None and "who won" in game.warnings[-1]
    (game,) = csa.read(HEAD + f"{line}\n-3334FU\n%TORYO\n")  # whose turn it is then is told by the move's sign
    assert game.value == -1
    (game,) = csa.read(HEAD + f"{line}\n%-ILLEGAL_ACTION\n")
    assert game.value == 1


def test_the_mover_of_a_recorded_illegal_move_has_lost():
    assert csa.read(HEAD + "+7776FU\n-3335FU\n%ILLEGAL_MOVE\n")[0].value == 1
    assert csa.read(HEAD + "+7776FU\n%ILLEGAL_MOVE\n")[0].value == 1


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"V2.2\nN+A\n", b"/\n/\n", b"hello\n" * 3, b"x" * 1_000_000])
def test_a_file_without_a_game_is_refused_in_one_line(data):
    with pytest.raises(UserError, match="no CSA game in it"):
        csa.read(data)


def test_utf16_is_named():
    with pytest.raises(UserError, match="UTF-16"):
        csa.read((HEAD + "+7776FU\n").encode("utf-16"))
