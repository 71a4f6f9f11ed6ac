"""Results out of files of games: every format, every language, and what is left out is counted and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats.results import Counted, read_results, sgf_score

CSA = "V2.2\nN+a\nN-b\nPI\n+\n+7776FU\n%TORYO\n"
KIF = "手合割：平手\n先手：a\n後手：b\n手数----指手---\n   1 ７六歩(77)\n   2 投了\n"


def read(folder: Path, name: str, text: str | bytes) -> tuple[list[tuple[str, str, float]], Counted]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    counted = Counted()
    return [(r["first"], r["second"], r["result"]) for r in read_results([path], counted)], counted


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("B+1", 1.0), ("b+r", 1.0), ("W+Resign", 0.0), (" w+T ", 0.0), ("B+", 1.0), ("B", 1.0), ("W", 0.0), ("B+F", 1.0),
        ("黑胜", 1.0), ("黑中盘胜", 1.0), ("白中盘胜", 0.0), ("白胜1又3/4子", 0.0), ("黑勝", 1.0), ("黒中押し勝ち", 1.0),
        ("黒中押し勝", 1.0), ("白２目半勝ち", 0.0), ("白番中押し勝ち", 0.0), ("黒負け", 0.0), ("白负", 1.0), ("흑 불계승", 1.0),
        ("백 반집승", 0.0), ("Black wins by resignation", 1.0), ("White won", 0.0), ("0", 0.5), ("Draw", 0.5), ("Jigo", 0.5),
        ("draw", 0.5), ("持碁", 0.5), ("和棋", 0.5), ("引き分け", 0.5),
        ("", "have no result"), ("?", "have no result"), ("Void", "are unfinished"), ("nobody knows", "have no result"),
        ("Both lost", "have no result"), ("Both players win", "have no result"), ("Won by Black", "have no result"),
        ("Winner: Black", "have no result"), ("Withdrawn", "have no result"), ("Ｂ＋Ｒ", 1.0), ("Ｗ+２.５", 0.0),
        ("W won on time", 0.0), ("Bwin", 1.0), ("blah", "have no result"), ("whatever", "have no result"),
    ],
)  # fmt: skip
def test_a_result_is_read_in_every_language(said, score):
    assert sgf_score(said) == score


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.pgn", '[White "?"]\n[Black "b"]\n[Result "1-0"]\n\n1-0\n'),
        ("x.sgf", "(;PB[b]PW[?]RE[B+1])"),
        ("x.csa", CSA.replace("N+a", "N+???")),
    ],
)
def test_players_whose_name_is_a_question_mark_are_not_one_player(tmp_path, name, text):
    found, counted = read(tmp_path, name, text)
    assert found == [] and counted.left_out == {"name no player": 1}


def test_a_result_in_a_comment_is_none(tmp_path):
    found, counted = read(tmp_path, "x.sgf", "(;PB[a]PW[b]C[RE[W+R\\]]RE [B+1];B[aa]C[RE[W+2\\]])")
    assert found == [("a", "b", 1.0)] and counted.told() == ""
    found, counted = read(tmp_path, "y.sgf", "(;PB[a]PW[b];B[aa]RE[W+R]C[x])")
    assert found == [] and counted.left_out == {"have no result": 1}


def test_one_file_without_a_result_is_told_and_the_others_count(tmp_path, capsys):
    for number, result in enumerate(("RE[B+1]", "", "RE[W+R]", "RE[Void]", "RE[白中盘胜]")):
        read(tmp_path, f"{number}.sgf", f"(;PB[a]PW[b]{result};B[aa])")
    assert main(["elo", str(tmp_path), "--json"]) == 0
    told = capsys.readouterr()
    assert sum(player["games"] for player in json.loads(told.out)["players"]) == 6
    assert told.err.startswith("elo: 2 of 5 games are left out: 1 have no result (") and told.err.count("\n") == 1
    assert "1.sgf:1" in told.err and "1 are unfinished" in told.err


def test_a_directory_is_read_with_its_folders_and_every_format(tmp_path):
    read(tmp_path, "a/b/1.SGF", "(;PB[a]PW[b]RE[B+1])")
    read(tmp_path, "c/2.pgn", '[White "a"][Black "b"][Result "1-0"]\n\n1. e4 1-0\n')
    read(tmp_path, "3.csa", CSA + "/\n" + CSA)
    read(tmp_path, "4.kif", KIF.encode("cp932"))
    read(tmp_path, "5.kifu", KIF)
    (tmp_path / "6.kif").write_text("nonsense")
    (tmp_path / "notes.txt").write_text("not a game")
    counted = Counted()
    assert [r["result"] for r in read_results([tmp_path], counted)] == [1.0] * 6
    assert counted.games == 7 and counted.left_out == {"cannot be read": 1}


def test_pgn_tags_may_share_a_line_and_hold_quotes(tmp_path):
    text = (
        '[Event "x"] [White "a \\"the\\\\ rock\\""][Black "b]"] [Result "0-1"]\n\n1. e4 {[Result "1-0"] [White "no"]} '
        'e5 ; [Black "no"]\n0-1\n[White "a"]\n[Black "b"]\n[Result "*"]\n\n1. d4 *\n\n[White "a"]\n[Black "b"]\n\n1. c4\n'
        '[White "a"]\n[Black "a"]\n[Result "1-0"]\n\n1-0\n[White ""]\n[Black "b"]\n[Result "1-0"]\n\n1-0\n'
    )
    found, counted = read(tmp_path, "g.pgn", "\ufeff" + text.replace("\n", "\r\n"))
    assert found == [('a "the\\ rock"', "b]", 0.0)] and counted.games == 5
    assert counted.left_out == {
        "are unfinished": 1, "have no result": 1, "have one name for both players": 1, "name no player": 1,
    }  # fmt: skip
    assert counted.example["are unfinished"].endswith("g.pgn:5")


def test_nothing_but_games_without_a_result_ends_in_one_line(tmp_path, capsys):
    (tmp_path / "g.pgn").write_text('[White "a"]\n[Black "b"]\n[Result "*"]\n\n1. e4 *\n')
    assert main(["elo", str(tmp_path / "g.pgn")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert "1 of 1 games are left out: 1 are unfinished" in told[0] and "no game has a result" in told[1]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.pgn", b"", "no game in this file"),
        ("x.sgf", b"\xef\xbb\xbf", "no game in this file"),
        ("x.csa", b"", "no CSA game"),
        ("x.kif", b"", "no KIF game"),
        ("x.pgn", '[White "a"]'.encode("utf-16"), "UTF-16"),
        ("x.jsonl", '{"first": "a"}'.encode("utf-16"), "UTF-16"),
        ("x.jsonl", b'{"first": "' + b"a" * 2000 + b'", "second": "b", "result": 1}\n', "x.jsonl:1: first must be a name"),
        ("x.jsonl", b'\n{"first": "a", "second": "\\u001b[2J", "result": 1}\n', "x.jsonl:2: second must be a name"),
        ("x.jsonl", b'{"first": 5, "second": "b", "result": 1}\n', "x.jsonl:1: first must be a player's name, got 5"),
        ("x.jsonl", b'{"first": "", "second": "b", "result": 1}\n', "x.jsonl:1: first must be a player's name"),
        ("x.jsonl", b'{"first": "a", "second": ["b"], "result": 1}\n', "x.jsonl:1: second must be a player's name"),
        ("x.jsonl", b'{"first": "a", "second": "b", "result": "1"}\n', "x.jsonl:1: result must be"),
        ("x.jsonl", b'{"first": "a", "second": "b", "result": [1]}\n', "x.jsonl:1: result must be"),
        ("x.jsonl", b'{"first": "a", "second": "b", "result": NaN}\n', "x.jsonl:1: result must be"),
        ("x.jsonl", b"[" * 100_000 + b"\n\n", "x.jsonl:1: not a JSON object"),
        ("x.jsonl", b"1" * 5000 + b"\n\n", "x.jsonl:1: "),
        ("x.jsonl", b"x" * 2_000_000 + b"\n\n", "x.jsonl:1: a line of 2,000,000 characters"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path, name, data, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, name, data)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_torn_line_of_a_match_is_counted(tmp_path):
    found, counted = read(tmp_path, "r.jsonl", '{"first": "a", "second": "b", "result": 1}\n{"game": 1, "fi')
    assert len(found) == 1 and counted.told().startswith("1 of 2 games are left out: 1 are torn lines (")


@pytest.mark.parametrize("text", ["[" * 200_000, '[White "' * 20_000, "{" * 200_000, '[White "a" ' + " " * 200_000])
def test_a_huge_line_is_read_in_linear_time(tmp_path, text):
    with pytest.raises(UserError, match="no game in this file"):
        read(tmp_path, "x.pgn", text)
