"""KIF files: python-shogi and cshogi read the same games in them, and we read those of others."""

from __future__ import annotations

import json

import pytest
from game_texts import text_of
from shogi_files import MIDGAME, for_every_encoding, for_every_outcome

import alphazero as az
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats import csa, kif
from alphazero.formats.game_text import GameText, Thought
from alphazero.formats.shogi import START

reader = pytest.importorskip("shogi.KIF", reason="python-shogi is not installed (extra: test)")


def parsed(text: str) -> dict:
    return reader.Parser.parse_str(text)[0]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("start", ["", MIDGAME])
def test_a_game_is_read_back(seed, start):
    game = az.Game("shogi", max_plies=200)
    position = game.position(start) if start else game.position()
    value, moves = position.random_playout(seed)
    found = parsed(text_of(kif.write, moves, white="A", black="B", value=int(value), reason="max_plies", start=start))
    assert found["moves"] == moves
    assert found["names"] == ["A", "B"]
    assert found["sfen"].split()[0] == (start or START).split()[0]


def test_promotions_drops_and_recaptures_are_written_as_shogi_players_do():
    moves = ["7g7f", "3c3d", "8h2b+", "3a2b", "B*4e"]
    lines = text_of(kif.write, moves, white="A", black="B", value=0).splitlines()
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
    lines = text_of(kif.write, moves, white="A", black="B", value=value, reason=reason).splitlines()
    assert f"{plies + 1:4} {word}" in lines


def test_times_and_evaluations_stand_beside_the_moves():
    thoughts = [Thought("7g7f", 30.0, None, 5, 62.4, None), Thought("3c3d", 10.0, None, 5, 3.0, None)]
    lines = text_of(kif.write, ["7g7f", "3c3d"], white="A", black="B", value=0, thoughts=thoughts).splitlines()
    at = lines.index("   1 ７六歩(77)   ( 1:02/00:01:02)")
    assert lines[at + 1 : at + 4] == ["*30", "   2 ３四歩(33)   ( 0:03/00:00:03)", "*-10"]


def test_a_match_and_a_replay_leave_kif_files(tmp_path, capsys):
    out = tmp_path / "match"
    option = ["--option", "max_plies=30"]
    assert main(["match", "random", "mcts:2", "--game", "shogi", *option, "--games", "2", "--out", str(out)]) == 0
    files = sorted((out / "kif").glob("*.kifu"))
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert [file.name for file in files] == ["00000001.kifu", "00000002.kifu"]
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
    assert len(list((tmp_path / "games").glob("*.kifu"))) == 2
    assert "2 KIF files" in capsys.readouterr().out


def test_a_match_and_a_replay_of_minishogi_leave_kif_files_that_say_what_they_are(tmp_path, capsys):
    out, store = tmp_path / "match", tmp_path / "store"
    call = ["--game", "minishogi", "--option", "max_plies=40"]
    assert main(["match", "random", "mcts:2", *call, "--games", "4", "--out", str(out)]) == 0
    assert main(["selfplay", "uniform", *call, "--games", "2", "--simulations", "2", "--out", str(store)]) == 0
    assert main(["replay", str(store), "--export", str(tmp_path / "games")]) == 0
    assert "2 KIF files" in capsys.readouterr().out
    results = {r["game"]: r for r in map(json.loads, (out / "results.jsonl").read_text().splitlines())}
    assert sorted(results) == [0, 1, 2, 3]
    for number, result in results.items():
        (found,) = kif.read((out / "kif" / f"{number + 1:08d}.kifu").read_bytes())
        assert (found.first, found.second, found.warnings) == (result["first"], result["second"], [])
        assert found.start.split()[:3] == result["opening"].split()[:3]  # KIF knows no number of the first move
        assert found.moves == result["moves"].split()
        assert found.value == 2 * result["result"] - 1
    files = sorted((tmp_path / "games").iterdir())
    assert [file.suffix for file in files] == [".kifu"] * 2
    assert all("手合割：5五将棋" in file.read_text() for file in files)


@pytest.mark.parametrize("spelt", ["5五将棋", "５五将棋", " 5五将棋 "])
def test_minishogi_is_read_however_it_is_spelt(spelt):
    (found,) = kif.read(f"手合割：{spelt}\n手数----指手---\n   1 １四飛(15)\n   2 投了\n")
    assert (found.moves, found.value, found.warnings) == (["1e1d"], 1, [])
    assert (found.game, found.start) == ("minishogi", "")


@for_every_outcome
def test_every_reader_knows_who_won(plies, value, reason):
    theirs = pytest.importorskip("cshogi.KIF", reason="cshogi is not installed (extra: test)")
    text = text_of(kif.write, ["7g7f", "3c3d"][:plies], white="A", black="B", value=value, reason=reason)
    assert theirs.Parser.parse_str(text).win == {1: 1, 0: 0, -1: 2}[value]
    assert parsed(text)["win"] == {1: "b", 0: "-", -1: "w"}[value]
    assert kif.read(text)[0].value == value


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("handicap", ["平手", "香落ち", "二枚落ち", "十枚落ち"])
def test_written_files_are_read_from_disk_by_cshogi_python_shogi_and_us(tmp_path, seed, handicap):
    cshogi = pytest.importorskip("cshogi", reason="cshogi is not installed (extra: test)")
    from cshogi import KIF

    start = kif.HANDICAPS[handicap]
    value, moves = az.Game("shogi", max_plies=80).position(start).random_playout(seed)
    kif.write_file(tmp_path, GameText("羽生", "Gérard 김", start, moves, int(value), "max_plies"))
    path = tmp_path / "00000001.kifu"
    theirs = KIF.Parser.parse_file(str(path))
    assert [cshogi.move_to_usi(move) for move in theirs.moves] == moves and theirs.sfen == start
    other = reader.Parser.parse_file(str(path))[0]
    assert (other["moves"], other["sfen"], other["names"]) == (moves, start, ["羽生", "Gérard 김"])
    ours = kif.read(path.read_bytes())[0]
    assert (ours.moves, ours.first, ours.second, ours.warnings) == (moves, "羽生", "Gérard 김", [])
    assert ours.start == ("" if handicap == "平手" else start)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("name", "start"), [("shogi", ""), ("shogi", MIDGAME), ("minishogi", "")])
def test_random_games_are_read_back_by_us(seed, name, start):
    game = az.Game(name, max_plies=150)
    value, moves = (game.position(start) if start else game.position()).random_playout(seed)
    thoughts = [Thought(move, 5.0, None, 1, 61.0, None) for move in moves]
    text = text_of(
        kif.write,
        moves,
        white="A",
        black="B",
        value=int(value),
        start=start,
        thoughts=thoughts,
        minishogi=name == "minishogi",
    )
    found = kif.read(text)
    assert len(found) == 1 and (found[0].moves, found[0].game, found[0].warnings) == (moves, name, [])
    assert found[0].start.split()[:3] == start.split()[:3] and found[0].value == int(value)
    assert found[0].seconds == dict.fromkeys(range(len(moves)), 61.0)
    assert found[0].comments[1].strip("-") == "5"


def test_names_never_break_a_header():
    text = text_of(kif.write, ["7g7f"], white="a\n   1 投了\n", black="b\x1b[31m\u2028後手：c", value=1)
    found = kif.read(text)[0]
    assert (found.first, found.second, found.moves) == ("a 1 投了", "b[31m 後手：c", ["7g7f"])
    assert "\x1b" not in text


# --- What others write ---

HEAD = "# ---- Kifu for Windows ----\n開始日時：2026/01/02 10:00\n手合割：平手　　\n先手：羽生 善治\n後手：ソ表能\n手数----指手---------消費時間--\n"
GAME = HEAD + (
    "   1 ７六歩(77)   ( 0:16/00:00:16)+\n*a comment\n*second line\n   2 ３四歩(33)   ( 0:01/00:00:01)\n&bookmark\n"
    "   3 ２二角成(88) ( 1:00/00:01:16)\n   4 同　銀(31)   ( 0:00/00:00:01)\n   5 ４五角打     ( 0:00/00:01:16)\n"
    "   6 投了         ( 0:00/00:00:01)\nまで5手で先手の勝ち\n"
    "\n変化：2手\n   2 ８四歩(83)   ( 0:00/00:00:00)\n   3 ２六歩(27)\n\n変化：1手\n   1 ２六歩(27)\n"
)
MOVES = ["7g7f", "3c3d", "8h2b+", "3a2b", "B*4e"]


@for_every_encoding
def test_every_encoding_and_line_end_is_read(encoding, newline):
    (game,) = kif.read(GAME.replace("\n", newline).encode(encoding))
    assert (game.first, game.second, game.moves, game.value) == ("羽生 善治", "ソ表能", MOVES, 1)
    assert game.variations == 2 and game.comments == {1: "a comment\nsecond line"} and not game.warnings
    assert game.seconds == {0: 16.0, 1: 1.0, 2: 60.0, 3: 0.0, 4: 0.0} and game.reason == "resignation"


def test_several_games_a_file_are_read():
    found = kif.read(GAME + GAME.replace("羽生", "X"))
    assert [game.moves for game in found] == [MOVES, MOVES] and found[1].first == "X 善治"
    assert [game.line for game in found] == [1, GAME.count("\n") + 1]


@pytest.mark.parametrize("name", sorted(set(kif.HANDICAPS) - {"5五将棋"}))
def test_every_named_start_is_legal_and_gote_moves_first_where_pieces_are_given(name):
    (game,) = kif.read(f"手合割：{name}\n上手：A\n下手：B\n手数----\n")
    assert game.start.split()[1:2] == ([] if name == "平手" else ["w"]) and game.second == "A"
    assert not game.warnings
    pieces = sum(c.isalpha() for c in (game.start or START).split()[0])
    counts = dict(zip("二三四五六七八十", (2, 3, 4, 5, 6, 7, 8, 10), strict=True))
    lost = next((counts[c] for c in name if c in counts), 2 if name == "飛香落ち" else int(name != "平手"))
    assert pieces == 40 - lost


def test_diagrams_hands_and_the_side_to_move_are_read():
    rows = "\n".join(f"| ・ ・ ・ ・ ・ ・ ・ ・ ・|{rank}" for rank in "二三四五六七")
    text = (
        "後手の持駒：飛二　歩十七 香4\n  ９ ８ ７ ６ ５ ４ ３ ２ １\n+---------------------------+\n"
        f"| ・ ・ ・ ・v王 ・ ・ ・v杏|一\n{rows}\n| ・ ・ ・ ・ ・ ・ ・ ・ と|八\n| ・ ・ ・ ・ 玉 ・ ・ ・ 竜|九\n"
        "+---------------------------+\n先手の持駒：角\n後手番\n手数＝0\n手数----指手--\n   1 ５二王(51)\n   2 中断\n"
    )
    (game,) = kif.read(text.replace("飛二", "飛").replace("香4", "香3"))
    assert game.start == "4k3+l/9/9/9/9/9/9/8+P/4K3+R w Br3l17p 1"
    assert game.moves == ["5a5b"] and game.value is None and not game.warnings
    (game,) = kif.read(text.replace("飛二", "飛").replace("香4", "香3").replace("後手番\n", ""))
    assert game.start.split()[1] == "w", "the first move's piece says whose turn it is"


@pytest.mark.parametrize(
    ("lines", "moves"),
    [
        ("1 ７六歩(77)", ["7g7f"]),
        ("1 76歩(77)", ["7g7f"]),
        ("   1   ７六歩(77)   ( 0:00.5/)", ["7g7f"]),
        ("1 ▲７六歩(77)", ["7g7f"]),
        ("1 ７六歩（７７）", ["7g7f"]),
        ("1 ７六歩(77)\n2 ３四歩(33)\n3 ２二角不成(88)\n4 同 銀(31)", ["7g7f", "3c3d", "8h2b", "3a2b"]),
        ("1 ７六歩(77)\n2 ３四歩(33)\n3 ２二角成(88)\n4 同銀(31)\n5 ４五角(00)", MOVES),
        ("1 ７六歩(77)\n2 ３四歩(33)\n3 ２二角成(88)\n4 同銀直(31)\n5 ４五角", MOVES),
    ],
)
def test_moves_are_read_however_they_are_written(lines, moves):
    (game,) = kif.read(HEAD + lines + "\n")
    assert (game.moves, game.warnings) == (moves, [])


@pytest.mark.parametrize(
    ("lines", "kept", "warning"),
    [
        ("1 ７五歩(77)\n2 投了", [], "line 7: move 1: '7g7e' is not legal here"),
        ("1 ７六歩(77)\n2 ５四歩(55)\n3 投了", ["7g7f"], "line 8: move 2: no piece of the side to move stands on 5e"),
        ("1 ７六銀(77)\n2 投了", [], "line 7: move 1: P stands on 7g, not S"),
        ("1 ７六歩(77)\n2 なにか\n3 ２六歩(27)", ["7g7f"], "line 8: '2 なにか': no move that can be read"),
        ("1 同　歩(77)\n", [], "line 7: '1 同 歩(77)': 同 needs a move before it"),
        (
            "手合割：九枚落ち\n手数---\n1 ７六歩(77)",
            ["7g7f"],
            "line 7: '手合割：九枚落ち': no start position of that name",
        ),
        ("後手の持駒：玉\n手数---\n1 ７六歩(77)", ["7g7f"], "line 7: '後手の持駒：玉': '玉' is no piece in hand"),
        ("|v王|一\n手数---\n1 ７六歩(77)", [], "start position: a diagram of 1 ranks; no move is read"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_is_kept(lines, kept, warning):
    head = HEAD if lines[0] == "1" else HEAD.replace("手数----指手---------消費時間--\n", "\n")
    (game,) = kif.read(head + lines + "\n")
    assert game.moves == kept and game.warnings[0].startswith(warning)


@pytest.mark.parametrize(
    ("end", "value", "reason"),
    [
        ("2 投了", 1, "resignation"),
        ("2 切れ負け", 1, "time_forfeit"),
        ("2 反則勝ち", -1, "illegal_move"),
        ("2 入玉勝ち", -1, "declaration"),
        ("2 千日手", 0, "repetition"),
        ("2 持将棋", 0, "impasse"),
        ("2 中断", None, "unfinished"),
        ("まで1手で先手の勝ち", 1, "resignation"),
        ("まで1手で時間切れにより後手の勝ち", -1, "time_forfeit"),
        ("まで1手で先手の反則負け", -1, "illegal_move"),
        ("まで、1手で千日手", 0, "repetition"),
        ("2 ３五歩(33)\n3 反則勝ち", 1, "illegal_move"),
        ("2 ３五歩(33)\n3 反則負け", 1, "illegal_move"),
        ("", None, ""),
    ],
)
def test_every_ending_is_read(end, value, reason):
    (game,) = kif.read(HEAD + "1 ７六歩(77)\n" + end)
    assert (game.value, game.reason) == (value, reason)


@pytest.mark.parametrize(
    "data", [b"", b"\xef\xbb\xbf\n", "先手：A\n後手：B\n".encode(), b"hello\n" * 3, b"1" * 1_000_000]
)
def test_a_file_without_a_game_is_refused_in_one_line(data):
    with pytest.raises(UserError, match="no KIF game in it"):
        kif.read(data)


def test_ki2_and_utf16_are_named():
    with pytest.raises(UserError, match="KI2"):
        kif.read("先手：A\n▲７六歩 △３四歩\n")
    with pytest.raises(UserError, match="UTF-16"):
        kif.read(GAME.encode("utf-16"))


@pytest.mark.parametrize("moves", ["▲７六歩 △３四歩 ▲２二角成 △同銀", "☗76歩 ☖34歩", "▲同　歩"])
def test_ki2_with_a_winner_is_no_game_without_moves(moves):
    (game,) = kif.read(f"先手：A\n後手：B\n{moves}\nまで4手で先手の勝ち\n")
    assert (game.moves, game.value) == ([], 1)
    assert len(game.warnings) == 1 and "KI2" in game.warnings[0]


@pytest.mark.parametrize("form", [csa, kif])
def test_a_game_without_a_winner_is_written_as_broken_off(form):
    (found,) = form.read(form.write(GameText("A", "B", moves=["7g7f"])))
    assert (found.moves, found.value, found.reason) == (["7g7f"], None, "unfinished")
