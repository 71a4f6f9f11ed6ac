"""KIF files: python-shogi reads the same games in them."""

from __future__ import annotations

import json

import pytest

import alphazero as az
from alphazero.arena import kif
from alphazero.arena.game_text import START
from alphazero.arena.seats import Thought
from alphazero.cli import main

reader = pytest.importorskip("shogi.KIF", reason="python-shogi is not installed (extra: test)")
MIDGAME = "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1"


def parsed(text: str) -> dict:
    return reader.Parser.parse_str(text)[0]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("start", ["", MIDGAME])
def test_a_game_is_read_back(seed, start):
    game = az.Game("shogi", max_plies=200)
    position = game.position(start) if start else game.position()
    value, moves = position.random_playout(seed)
    found = parsed(kif.text(moves, white="A", black="B", value=int(value), reason="max_plies", start=start))
    assert found["moves"] == moves
    assert found["names"] == ["A", "B"]
    assert found["sfen"].split()[0] == (start or START).split()[0]


def test_promotions_drops_and_recaptures_are_written_as_shogi_players_do():
    moves = ["7g7f", "3c3d", "8h2b+", "3a2b", "B*4e"]
    lines = kif.text(moves, white="A", black="B", value=0).splitlines()
    told = [line.split()[1] for line in lines if line.strip()[:1].isdigit()]
    assert told == ["７六歩(77)", "３四歩(33)", "２二角成(88)", "同", "４五角打", "中断"]
    assert "   4 同　銀(31)" in lines


@pytest.mark.parametrize(
    ("reason", "value", "plies", "word"),
    [
        ("resignation", -1, 2, "投了"),
        ("checkmate", 1, 1, "詰み"),
        ("repetition", 0, 2, "千日手"),
        ("declaration", 1, 2, "入玉勝ち"),
        ("perpetual_check", 1, 2, "反則勝ち"),
        ("perpetual_check", 1, 1, "反則負け"),
        ("engine_failure", 1, 1, "中断"),
    ],
)
def test_the_ending_is_told(reason, value, plies, word):
    moves = ["7g7f", "3c3d"][:plies]
    lines = kif.text(moves, white="A", black="B", value=value, reason=reason).splitlines()
    assert f"{plies + 1:4} {word}" in lines


def test_times_and_evaluations_stand_beside_the_moves():
    thoughts = [Thought("7g7f", 30.0, None, 5, 62.4, None), Thought("3c3d", 10.0, None, 5, 3.0, None)]
    lines = kif.text(["7g7f", "3c3d"], white="A", black="B", value=0, thoughts=thoughts).splitlines()
    at = lines.index("   1 ７六歩(77)   ( 1:02/00:01:02)")
    assert lines[at + 1 : at + 4] == ["*30", "   2 ３四歩(33)   ( 0:03/00:00:03)", "*-10"]


def test_a_match_and_a_replay_leave_kif_files(tmp_path, capsys):
    out = tmp_path / "match"
    option = ["--option", "max_plies=30"]
    assert main(["match", "random", "mcts:2", "--game", "shogi", *option, "--games", "2", "--out", str(out)]) == 0
    files = sorted((out / "kif").glob("*.kif"))
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert [file.name for file in files] == ["00000001.kif", "00000002.kif"]
    for number, file in enumerate(files):
        result = next(each for each in results if each["game"] == number)
        assert parsed(file.read_text())["moves"] == result["moves"].split()
    store = tmp_path / "store"
    play = [
        "selfplay",
        "uniform",
        "--game",
        "shogi",
        *option,
        "--games",
        "2",
        "--simulations",
        "2",
        "--out",
        str(store),
    ]
    assert main(play) == 0
    assert main(["replay", str(store), "--export", str(tmp_path / "games")]) == 0
    assert len(list((tmp_path / "games").glob("*.kif"))) == 2
    assert "2 KIF files" in capsys.readouterr().out
