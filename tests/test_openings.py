"""Start positions from files of every form, and what is said of a bad one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import alphazero as az
from alphazero.arena.openings import read_openings
from alphazero.arena.play_match import play_match
from alphazero.errors import UserError

FEN = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
PGN = """[Event "one"]

1. e4 e5 2. Nf3 *

[Event "two"]

1. d4 {a comment} d5 *
"""


def opened(folder: Path, name: str, text: str, game: az.Game, count: int = 2, plies: int | None = None) -> list[str]:
    (folder / name).write_text(text)
    return read_openings(folder / name, game, count, plies)


def after(game: az.Game, *moves: str) -> str:
    position = game.position()
    for move in moves:
        position.play(move)
    return position.text


def test_lines_hold_positions_and_are_repeated_as_needed(tmp_path):
    game = az.Game("chess")
    assert opened(tmp_path, "o.txt", f"# e4\n{FEN} # Black to move\n\n", game, 3) == [FEN] * 3


def test_epd_holds_positions_with_operations(tmp_path):
    game = az.Game("chess")
    text = 'rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - bm e5; id "x";\n4k3/8/8/8/8/8/8/R3K3 w Q - hmvc 7; fmvn 30;\n'
    assert opened(tmp_path, "o.epd", text, game) == [FEN, "4k3/8/8/8/8/8/8/R3K3 w Q - 7 30"]


def test_shogi_lines_may_have_the_words_of_usi(tmp_path):
    game = az.Game("shogi")
    start = game.position().text
    text = f"startpos moves 7g7f 3c3d\nposition sfen {start} moves 7g7f\nsfen {start}\n{start}\n"
    expected = [after(game, "7g7f", "3c3d"), after(game, "7g7f"), start, start]
    assert opened(tmp_path, "o.sfen", text, game, 4) == expected


def test_sgf_games_give_their_first_plies(tmp_path):
    game = az.Game("go", board_size=9)
    text = "(;SZ[9];B[ee];W[cc];B[gg])\n(;SZ[9];B[aa])"
    assert opened(tmp_path, "o.sgf", text, game) == ["E5 C7 G3", "A9"]
    assert opened(tmp_path, "o.sgf", text, game, plies=2) == ["E5 C7", "A9"]


def test_sgf_set_ups_are_openings_in_any_encoding(tmp_path):
    game = az.Game("go", board_size=9)
    text = "(;CA[Shift_JIS]SZ[9]PB[ソ]AB[cc][gg];W[ee]C[表];B[dd])\n(;SZ[9];B[aa];B[bb])\n(;SZ[9];B[aa];AW[bb]PL[W])"
    (tmp_path / "o.sgf").write_bytes(text.encode("cp932"))
    start = "9/9/2X6/9/9/9/6X2/9/9 w"
    set_up = "X8/1O7/9/9/9/9/9/9/9 w"
    assert read_openings(tmp_path / "o.sgf", game, 3) == [f"{start} E5 D6", "A9 b B8", set_up]
    assert read_openings(tmp_path / "o.sgf", game, 3, 1) == [f"{start} E5", "A9", set_up]
    assert read_openings(tmp_path / "o.sgf", game, 3, 0)[:2] == [start, ""]


def test_pgn_games_give_their_first_plies(tmp_path):
    pytest.importorskip("chess.pgn", reason="python-chess reads PGN; it comes with the extra 'test'")
    game = az.Game("chess")
    assert opened(tmp_path, "o.pgn", PGN, game) == [after(game, "e2e4", "e7e5", "g1f3"), after(game, "d2d4", "d7d5")]
    assert opened(tmp_path, "o.pgn", PGN, game, plies=1) == [after(game, "e2e4"), after(game, "d2d4")]


@pytest.mark.parametrize(
    ("name", "game", "text", "message"),
    [
        ("o.txt", "chess", f"{FEN}\nnonsense", "o.txt:2: "),
        ("o.epd", "chess", "\n4k3/8 w - -", "o.epd:2: "),
        ("o.sfen", "shogi", "startpos moves 7g7e", "o.sfen:1: "),
        ("o.sgf", "go", "(;SZ[9];B[ee])\n(;SZ[9];B[zz])", "o.sgf:2: 'zz' is no point"),
        ("o.sgf", "go", "\n(;SZ[13];B[ee])", "o.sgf:2: SZ is 13"),
        ("o.pgn", "chess", PGN + "\n1. e4 e5 2. Ke3 *", "o.pgn:9: illegal san"),
        ("o.pgn", "shogi", PGN, "PGN holds no positions of shogi"),
        ("o.txt", "chess", "# none", "no openings"),
        ("o.pgn", "chess", "", "no openings"),
        (
            "o.txt",
            "chess",
            "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3",
            "o.txt:1: the game is over",
        ),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, name, game, text, message):
    if name.endswith(".pgn") and game == "chess":
        pytest.importorskip("chess.pgn", reason="python-chess reads PGN; it comes with the extra 'test'")
    with pytest.raises(UserError, match=message) as caught:
        opened(tmp_path, name, text, az.Game(game), 3)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.epd: cannot read"):
        read_openings(tmp_path / "none.epd", az.Game("chess"), 1)


def test_each_opening_is_played_with_both_colours(tmp_path):
    (tmp_path / "o.sgf").write_text("(;SZ[5];B[cc])(;SZ[5];B[bb];W[dd])")
    game = az.Game("go", board_size=5)
    play_match("random", "mcts:2", game=game, games=4, openings=tmp_path / "o.sgf", out=tmp_path / "m")
    lines = [json.loads(line) for line in (tmp_path / "m" / "results.jsonl").read_text().splitlines()]
    played = sorted((line["opening"], line["first"]) for line in lines)
    assert played == [("B4 D2", "mcts:2"), ("B4 D2", "random"), ("C3", "mcts:2"), ("C3", "random")]


FINISHED = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"


def test_only_the_games_that_are_needed_are_parsed(tmp_path, monkeypatch):
    chess = pytest.importorskip("chess.pgn", reason="python-chess reads PGN; it comes with the extra 'test'")
    parsed = []
    monkeypatch.setattr(chess, "read_game", lambda file, real=chess.read_game: parsed.append(1) or real(file))
    assert len(opened(tmp_path, "o.pgn", PGN * 500, az.Game("chess"), 4)) == 4
    assert len(parsed) == 4


def test_a_finished_game_in_a_book_is_left_out_and_counted(tmp_path, capsys):
    assert opened(tmp_path, "o.txt", f"{FINISHED}\n{FEN}\n", az.Game("chess"), 2) == [FEN, FEN]
    assert "1 of" in (told := capsys.readouterr().err) and "o.txt:1" in told and told.count("\n") == 1


def test_a_book_begins_where_it_is_told_and_is_shuffled_by_the_seed(tmp_path):
    game = az.Game("shogi")
    moves = game.position().legal_moves()[:20]
    text = "".join(f"startpos moves {move}\n" for move in moves)
    whole = opened(tmp_path, "o.txt", text, game, 20)
    path = tmp_path / "o.txt"
    assert read_openings(path, game, 20, start=5) == whole[4:] + whole[:4]
    shuffled = read_openings(path, game, 20, order="random", seed=3)
    assert shuffled != whole and sorted(shuffled) == sorted(whole)
    assert shuffled[:4] == read_openings(path, game, 4, order="random", seed=3)
    assert shuffled != read_openings(path, game, 20, order="random", seed=4)
    for start in (0, 21, -1):
        with pytest.raises(UserError, match="--openings-start must be 1 to 20"):
            read_openings(path, game, 1, start=start)


def test_a_plain_pgn_book_castles_in_a_chess960_match(tmp_path):
    pytest.importorskip("chess.pgn", reason="python-chess reads PGN; it comes with the extra 'test'")
    text = "1. e4 e5 2. Nf3 Nc6 3. Bc4 Bc5 4. O-O *\n"
    (opening,) = opened(tmp_path, "o.pgn", text, az.Game("chess", chess960=True), 1)
    assert opening.split()[0].endswith("/RNBQ1RK1") and opening.split()[1] == "b"


def test_kif_and_csa_are_books_of_shogi(tmp_path):
    game = az.Game("shogi")
    kif = "手合割：平手\n手数---\n1 ７六歩(77)\n2 ３四歩(33)\n3 投了\n"
    csa = "PI\n+\n+7776FU\n-3334FU\n%TORYO\n"
    for name, text in (("o.kif", kif), ("o.kifu", kif), ("o.csa", csa)):
        assert opened(tmp_path, name, text, game, 1) == [after(game, "7g7f", "3c3d")]
        assert read_openings(tmp_path / name, game, 1, 1) == [after(game, "7g7f")]


def test_a_directory_is_no_book(tmp_path):
    with pytest.raises(UserError, match="cannot read the openings: Is a directory"):
        read_openings(tmp_path, az.Game("chess"), 1)
