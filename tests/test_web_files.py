"""Files of games on the page: variations, comments and marks come in and go out, and what does not is said in a line."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

import alphazero as az
from alphazero.web import analyse_view, play, reading, saving
from alphazero.web import session as session_module
from alphazero.web.session import Session, Setup, ending, replay, sides_of

GO = "(;GM[1]SZ[5]KM[0.5]C[start](;B[cc]C[good \\] move]BM[2];W[bb](;B[dd];W[bd])(;B[aa]C[other](;W[ab])(;W[ac])))(;B[ee]))"
CHESS = "{ start } 1. e4 e5 (1... c5 $6 2. Nf3 (2. d4 { open })) 2. Nf3 $4 { why } *"
SHOGI = """手合割：平手
手数----指手---------消費時間--
*start
   1 ７六歩(77)
   2 ３四歩(33)
*why
   3 ２六歩(27)

変化：3手
   3 ６六歩(67)
*other
   4 ３二飛(82)

変化：4手
   4 ８四歩(83)

変化：2手
   2 ８四歩(83)
"""


def opened(text: str, name: str = "go") -> tuple[Session, reading.Loaded]:
    """A session with a game that was read, as the page has it."""
    loaded = reading.read(text.encode(), az.Game(name))
    session = Session(Setup(loaded.game, loaded.start, names=loaded.names))
    play.enter(SimpleNamespace(session=session, say=lambda text: None), loaded)
    return session, loaded


def tree_of(session: Session) -> list[tuple[str, int, str, str]]:
    """Moves with their nesting, comments and marks."""
    return [(node.move, level, node.comment, node.mark) for node, level in session.variations()]


TREES = {
    "go": [
        ("C3", 0, "good ] move", "??"),
        ("B4", 0, "", ""),
        ("D2", 0, "", ""),
        ("B2", 0, "", ""),
        ("A5", 1, "other", ""),
        ("A4", 1, "", ""),
        ("A3", 2, "", ""),
        ("E1", 1, "", ""),
    ],
    "chess": [
        ("e2e4", 0, "", ""),
        ("e7e5", 0, "", ""),
        ("g1f3", 0, "why", "??"),
        ("c7c5", 1, "", "?!"),
        ("g1f3", 1, "", ""),
        ("d2d4", 2, "open", ""),
    ],
    "shogi": [
        ("7g7f", 0, "", ""),
        ("3c3d", 0, "why", ""),
        ("2g2f", 0, "", ""),
        ("6g6f", 1, "other", ""),
        ("8b3b", 1, "", ""),
        ("8c8d", 2, "", ""),
        ("8c8d", 1, "", ""),
    ],
}


@pytest.mark.parametrize(("name", "text"), [("go", GO), ("chess", CHESS), ("shogi", SHOGI)])
def test_variations_comments_and_marks_survive_the_page(name, text):
    session, loaded = opened(text)
    assert tree_of(session) == TREES[name] and session.root.comment == "start" and not loaded.warnings
    assert session.moves() == loaded.moves == [move for move, level, _, _ in TREES[name] if level == 0]
    form = saving.formats(name)[0]
    once = saving.write(session, form)
    again, loaded = opened(once)
    assert [each[:2] for each in tree_of(again)] == [each[:2] for each in TREES[name]] and not loaded.warnings
    assert saving.write(again, form) == once, "nothing is doubled when it is saved again"


def test_a_comment_before_the_first_move_is_not_repeated_by_side_lines_at_move_1():
    side = "\n変化：1手\n*not of the start\n   1 {}\n"
    text = SHOGI + side.format("６六歩(67)") + side.format("５六歩(57)")
    session, _ = opened(text)
    assert session.root.comment == "start" and len(session.root.children) == 3
    once = saving.write(session, "kifu")
    again, _ = opened(once)
    assert again.root.comment == "start" and saving.write(again, "kifu") == once


def test_one_who_steps_back_goes_on_in_the_line_that_was_read():
    session, loaded = opened(GO)
    session.step(-3)
    session.step(1)
    assert session.current.move == "B4" and [node.move for node in session.line()] == loaded.moves


def test_what_a_review_found_is_saved_and_read_back():
    session, _ = opened("(;GM[1]SZ[5]KM[0.5];B[cc];W[bb]C[mine];B[dd])")
    node = session.path()[1]
    node.win_rate, node.score, node.mark, node.loss, node.better = 0.6, -0.5, "??", 0.2, ["C4", "D4"]
    text = saving.write(session, "sgf")
    assert "C[mine\nalphazero: White 40.0 %, W+0.5; ?? lost 20.0 %; better: C4 D4]" in text
    assert "V[-0.5]SBKV[60.0]BM[2]LB[cb:A]" in text
    again, loaded = opened(text)
    back = again.path()[1]
    assert (back.comment, back.mark, back.loss, back.better) == ("mine", "??", 0.2, ["C4", "D4"])
    assert back.win_rate == pytest.approx(0.6) and back.score == -0.5
    assert saving.write(again, "sgf") == text and not loaded.warnings


RESULTS = [
    ("1. e4 e5 0-1", "chess", "Black wins", "0-1"),
    ('[Result "1-0"]\n[Termination "time forfeit"]\n\n1. e4 1-0', "chess", "White wins on time", '[Result "1-0"]'),
    ("1. e4 { resignation } 1-0", "chess", "White wins: Black resigned", "{ resignation } 1-0"),
    ("1. e4 1/2-1/2", "chess", "Draw", "1/2-1/2"),
    ("1. e4 *", "chess", "", "*"),
    ("(;SZ[5]RE[W+R];B[cc])", "go", "White wins: Black resigned", "RE[W+R]"),
    ("(;SZ[5]RE[B+T];B[cc])", "go", "Black wins on time", "RE[B+T]"),
    ("(;SZ[5]RE[W+F];B[cc])", "go", "White wins: forfeit", "RE[W+F]"),
    ("(;SZ[5]RE[W+3.5];B[cc])", "go", "White wins by 3.5", "RE[W+3.5]"),
    ("(;SZ[5]RE[Void];B[cc])", "go", "", "(;"),
    ("手合割：平手\n   1 ７六歩(77)\n   2 投了\n", "shogi", "Sente wins: Gote resigned", "   2 投了\n"),
    ("手合割：平手\n   1 ７六歩(77)\n   2 千日手\n", "shogi", "Draw: fourfold repetition", "   2 千日手\n"),
]


@pytest.mark.parametrize(("text", "name", "told", "saved"), RESULTS)
def test_the_result_of_a_game_that_was_opened_is_kept(text, name, told, saved):
    session, _ = opened(text, name)
    once = saving.write(session, saving.formats(name)[0])
    assert ending(session) == told and saved in once
    again, _ = opened(once, name)
    assert ending(again) == told and saving.write(again, saving.formats(name)[0]) == once
    if told:
        session.undo()
        assert session.ended is None and session.legal_moves(), "it can be taken back, and the game goes on"


def test_what_the_rules_say_of_the_end_counts():
    session, _ = opened("1. f3 e5 2. g4 Qh4# 1-0", "chess")
    assert ending(session) == "Black wins: checkmate" and "0-1" in saving.write(session, "pgn")


@pytest.mark.parametrize("mine", ["", "mine"])
def test_the_word_for_the_end_is_not_said_again_at_each_save(mine):
    session, _ = opened(f"1. f3 e5 2. g4 Qh4# {{ {mine} }} 0-1", "chess")
    node = session.current
    node.win_rate, node.mark, node.loss, node.better = 0.0, "?", 0.1, ["d8h4", "e2e4"]
    texts = []
    for _ in range(3):
        texts.append(saving.write(session, "pgn"))
        session, _ = opened(texts[-1], "chess")
    node = session.current
    assert texts[0] == texts[1] == texts[2] and texts[0].count("checkmate") == 1
    assert node.better == ["d8h4", "e2e4"] and node.comment == f"{mine} checkmate" * bool(mine)


@pytest.mark.parametrize("text", ["1. e4? e5 *", "(;SZ[5];B[cc]BM[1];W[bb])"])
def test_marks_of_others_are_not_taken_for_a_reviews(text):
    session, _ = opened(text, "chess")
    node = session.path()[0]
    assert node.mark == "?" and not analyse_view._mistakes(session, sides_of(session.game))
    node.win_rate = 0.5  # a search looked at it
    form = saving.formats(session.game.name)[0]
    once = saving.write(session, form)
    again, _ = opened(once, "chess")
    assert "lost" not in once and again.path()[0].mark == "?" and saving.write(again, form) == once


def test_a_mistake_is_that_of_the_side_that_moved():
    session, _ = opened("(;SZ[5];B[cc];B[bb];W[dd];B[aa])")
    assert [node.move for node in session.path()] == ["C3", "b B4", "D2", "A5"]
    for node in session.path():
        node.mark, node.loss, node.better = "?", 0.9 - 0.1 * node.depth, ["C4"]
    told = re.findall(r" (\w+) lost", analyse_view._mistakes(session, sides_of(session.game)))
    assert told == ["Black", "Black", "White", "Black"]


def test_csa_says_that_it_leaves_variations_out():
    session, _ = opened(SHOGI)
    text = saving.write(session, "csa")
    assert "'3 side lines are left out: CSA has none" in text and "'why" in text
    again, _ = opened(text)
    assert again.moves() == session.moves() and again.root.comment == "start", "what we say of the file is no comment"
    assert "are left out" not in saving.write(again, "csa")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{CHESS}\n\n[Event "b"]\n\n1. d4 *', "the first of 2 games is shown"),
        (f"{GO}{GO}", "the first of 2 games is shown"),
        (f"{SHOGI}\n{SHOGI}", "the first of 2 games is shown"),
        ("PI\n+\n+7776FU\n/\nPI\n+\n+2726FU", "the first of 2 games is shown"),
        ("(;SZ[5];B[cc]LB[aa:1]TR[bb];W[dd])", "not taken over: LB, TR"),
        ("(;SZ[5];B[cc](;W[dd])(;W[cc]))", "side lines with an illegal move"),
        ("(;SZ[5];B[cc](;W[dd])(;AW[aa];B[ab]))", "side lines of before a set-up, or with one"),
        ("1. e4 $1 e5 *", "not taken over: $1"),
        ('[Event "Cup"]\n[Site "Paris"]\n[Date "1851.06.21"]\n\n1. e4 *', "not taken over: Event, Site, Date"),
        (f"1. {'Nf3 Nf6 Ng1 Ng8 ' * 3}*", "the game is over after move 8; what follows is left out"),
        ("(;SZ[5];B[];W[];B[cc])", "the game is over after move 2; what follows is left out"),
        ('[Variant "Atomic"]\n\n1. e4 *', "Atomic is neither chess nor Chess960"),
    ],
)
def test_what_is_not_taken_over_is_said_in_one_line(text, said):
    session, loaded = opened(text)
    line = reading.told(loaded.warnings)
    assert said in line and "\n" not in line
    assert session.moves() == loaded.moves


@pytest.mark.parametrize("remark", ["", "\nalphazero: Black 55.0 %, B+3.0; ? lost 10.0 %; better: C4"])
def test_a_comment_that_is_cut_is_told_and_keeps_what_a_review_found(remark):
    session, loaded = opened(f"(;SZ[5];B[cc]C[{'long ' * 1000}{remark}])")
    node = session.current
    assert len(node.comment) <= reading.MOST_COMMENT and (node.win_rate == 0.55) == bool(remark)
    assert "not taken over: comments beyond 2,000 characters" in reading.told(loaded.warnings)
    whole = "x" * reading.MOST_COMMENT
    session, loaded = opened(f"(;SZ[5];B[cc]C[{whole}{remark}])")
    assert session.current.comment == whole and not loaded.warnings


@pytest.mark.parametrize("tag", ['[Variant "Fischerandom"]\n', ""])
def test_chess960_is_read_as_analyze_reads_it(tag):
    pgn = f'{tag}[SetUp "1"]\n[FEN "bqnrkrnb/pppppppp/8/8/8/8/PPPPPPPP/BQNRKRNB w KQkq - 0 1"]\n\n1. Nf3 Nf6 2. O-O *\n'
    session, loaded = opened(pgn)
    assert loaded.game.options["chess960"] is True and session.moves() == ["g1f3", "g8f6", "e1f1"]


def test_of_very_many_side_lines_only_as_many_moves_are_replayed_as_a_server_has_time_for(monkeypatch):
    played = 0

    def counted(game, start, moves):
        nonlocal played
        played += len(moves)
        return replay(game, start, moves)

    monkeypatch.setattr(session_module, "replay", counted)
    monkeypatch.setattr(reading, "MOST_REPLAYED", 500)
    places = [f"{chr(97 + i % 19)}{chr(97 + i // 19)}" for i in range(101)]
    comb = "".join(f"(;{'BW'[i % 2]}[{places[i]}]" for i in range(100))
    teeth = "".join(f")(;{'BW'[i % 2]}[{places[100]}])" for i in reversed(range(100)))
    session, loaded = opened(f"(;SZ[19]{comb}{teeth})")
    assert len(session.moves()) == 100 and 0 < played <= 500 + 2 * 100
    assert len(session.nodes) < 201 and "moves of side lines are left out" in reading.told(loaded.warnings)
