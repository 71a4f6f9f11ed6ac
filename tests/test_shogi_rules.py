"""Shogi and minishogi against cshogi's and pyffish's records, live cshogi, and the rules that programs get wrong."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from mutate import played_where_accepted
from recorded import games_of, hold_mirror_image, hold_planes, positions, recorded, replayed

import alphazero as az

# --- recorded oracles ---


def test_perft_equals_cshogi():
    game = az.Game("shogi")
    for case in recorded("shogi_perft.jsonl"):
        if case["nodes"] <= 25_000_000:  # `pytest -m slow` runs the rest
            assert game.position(case["position"]).perft(case["depth"]) == case["nodes"], case


@pytest.mark.slow
def test_perft_equals_cshogi_at_every_depth():
    game = az.Game("shogi")
    for case in recorded("shogi_perft.jsonl"):
        assert game.position(case["position"]).perft(case["depth"]) == case["nodes"], case


def test_perft_five_from_the_start():
    assert az.Game("shogi").position().perft(5) == 19_861_490


def test_declarations_equal_cshogi():
    game = az.Game("shogi")
    for case in recorded("shogi_declaration.jsonl"):
        position = game.position(case["position"])
        assert (position.can_declare, position.in_check) == (case["can_declare"], case["check"]), case


@pytest.mark.parametrize("name", ["shogi", "minishogi"])
def test_recorded_games_replay_exactly(name):
    game = az.Game(name)
    for number, case in enumerate(games_of(game)):
        position = replayed(game, case, number)
        if "declaration" in case:
            assert position.can_declare == case["declaration"]
        outcome = position.outcome
        assert (outcome.reason if outcome else None) == case["reason"], number
        assert (outcome.value if outcome else None) == case["value"], number


# --- cshogi, live ---


def play_beside_cshogi(games: int, seed: int) -> dict[str, int]:
    """cshogi knows moves, checks and declarations; the fourth occurrence is counted here, from its position texts."""
    cshogi = pytest.importorskip("cshogi", reason="cshogi is the oracle; it comes with the extra 'test'")
    rng = random.Random(seed)
    game = az.Game("shogi")
    starts = [text for case in recorded("shogi_declaration.jsonl") if not has_dead_piece(text := case["position"])]
    reasons: dict[str, int] = {}
    for number in range(games):
        board = cshogi.Board()
        if number % 4 == 3:  # deep in the endgame: full hands, kings in the open, declarations near
            board.set_sfen(rng.choice(starts))
        position = game.position(board.sfen())
        shuffling = number % 3 == 1  # pieces go back where they came from, checks preferred: repetitions of both kinds
        seen: list[tuple[str, bool]] = []
        texts: set[str] = set()
        for _ in range(400):
            where = board.sfen().rsplit(" ", 1)[0]
            seen.append((where, board.is_check()))
            texts.add(where)
            moves = list(board.legal_moves)
            expected = sorted(cshogi.move_to_usi(move) for move in moves)
            assert sorted(position.legal_moves()) == expected, board.sfen()
            assert position.text == board.sfen()
            assert position.in_check == board.is_check()
            assert position.can_declare == board.is_nyugyoku(), board.sfen()
            verdict = None
            times = [i for i, (text, _) in enumerate(seen) if text == where]
            us = 1 if board.turn == cshogi.BLACK else -1
            if len(times) == 4:
                given = [check for _, check in seen[times[0] + 1 :]]  # by the opponent, by us, by the opponent, ...
                theirs, ours = all(given[1::2]), all(given[::2])
                verdict = ("repetition", 0) if theirs == ours else ("perpetual_check", us if theirs else -us)
            elif board.is_nyugyoku():
                verdict = ("declaration", us)
            elif not moves:
                verdict = ("checkmate", -us)
            outcome = position.outcome
            assert (outcome and (outcome.reason, outcome.value)) == verdict, board.sfen()
            if verdict is not None:
                reasons[verdict[0]] = reasons.get(verdict[0], 0) + 1
                break
            move = rng.choice(moves)
            if shuffling and rng.random() < 0.95:
                back = [m for m in moves if len(seen) > 2 and returns(texts, board, m)]
                move = rng.choice(back or moves)
            board.push(move)
            position.play(cshogi.move_to_usi(move))
    return reasons


def has_dead_piece(text: str) -> bool:
    """Whether a piece stands where it never moves again: cshogi has such a pawn leave the board."""
    rows = [re.sub(r"\+.", "", row) for row in text.split()[0].split("/")]
    ours = set("PLN") & set(rows[0]) or "N" in rows[1]
    return bool(ours or set("pln") & set(rows[8]) or "n" in rows[7])


def returns(texts: set[str], board, move: int) -> bool:
    """Whether the position after the move has been on the board before."""
    board.push(move)
    known = board.sfen().rsplit(" ", 1)[0] in texts
    board.pop()
    return known


def test_random_games_follow_cshogi_move_for_move():
    reasons = play_beside_cshogi(40, seed=1)
    assert {"repetition", "checkmate"} <= set(reasons)


@pytest.mark.slow
def test_a_thousand_random_games_follow_cshogi_move_for_move():
    reasons = play_beside_cshogi(1000, seed=2)
    assert {"repetition", "perpetual_check", "declaration", "checkmate"} <= set(reasons)


# --- the rules that programs get wrong, one drawn board each ---


def drawn(board: str, hands: str = "-", side: str = "b", name: str = "shogi") -> az.Position:
    """A position from a drawing: a row a rank, rank a first, file 1 at the right; capitals are Sente's."""
    rows = [row.split() for row in board.strip().splitlines()]
    placement = []
    for row in rows:
        assert len(row) == len(rows), row
        text = "".join("1" if cell == "." else cell for cell in row)
        placement.append(text)
    merged = "/".join(placement)
    for n in range(9, 1, -1):
        merged = merged.replace("1" * n, str(n))
    return az.Game(name).position(f"{merged} {side} {hands} 1")


def ending(position: az.Position) -> tuple[int, str] | None:
    outcome = position.outcome
    return (outcome.value, outcome.reason) if outcome else None


CORNERED = """
    . . . . . . . n k
    . . . . . . . . .
    . . . . . . . . G
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    K . . . . . . . .
"""


def test_mate_by_a_pawn_drop_is_illegal():
    position = drawn(CORNERED, "P")
    assert "P*1b" not in position.legal_moves()
    with pytest.raises(az.IllegalMove, match="mate by a pawn drop"):
        position.play("P*1b")


def test_mate_by_another_drop_or_by_a_pawn_that_moves_is_legal():
    dropped = drawn(CORNERED, "G")
    dropped.play("G*1b")
    assert ending(dropped) == (1, "checkmate")
    pushed = drawn(
        """
        . . . . . . . n k
        . . . . . . . . .
        . . . . . . . G P
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        K . . . . . . . .
    """
    )
    assert "1c1b" in pushed.legal_moves()
    pushed.play("1c1b")
    assert ending(pushed) == (1, "checkmate")


PINNED = """
    . . . . . . . {escape} k
    . . . . . . . g .
    . . . . . . . . G
    . . . . . {pinner} . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    K . . . . . . . .
"""


def test_the_drop_is_legal_when_the_pinned_piece_cannot_capture_but_the_king_can_step_out():
    position = drawn(PINNED.format(escape=".", pinner="B"), "P")
    assert "P*1b" in position.legal_moves()
    position.play("P*1b")
    assert position.legal_moves() == ["1a2a"]


def test_the_drop_is_illegal_when_the_pinned_piece_cannot_capture_and_the_king_is_shut_in():
    assert "P*1b" not in drawn(PINNED.format(escape="n", pinner="B"), "P").legal_moves()


def test_the_drop_is_legal_when_a_free_piece_can_capture():
    position = drawn(PINNED.format(escape="n", pinner="."), "P")
    assert "P*1b" in position.legal_moves()
    position.play("P*1b")
    assert "2b1b" in position.legal_moves()


DEAD = """
    . . . . . . . . k
    . . . L . . . . .
    . . P . N . . . .
    . . . . . . N . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    K . . . . . . . .
"""


def test_lances_and_knights_must_promote_where_they_would_never_move_again():
    moves = drawn(DEAD).legal_moves()
    assert "6b6a+" in moves and "6b6a" not in moves
    assert {"5c4a+", "5c6a+"} <= set(moves) and not {"5c4a", "5c6a"} & set(moves)
    assert {"3d2b+", "3d4b+"} <= set(moves) and not {"3d2b", "3d4b"} & set(moves)
    assert {"7c7b", "7c7b+"} <= set(moves), "not promoting is allowed while the piece can still move"


def test_nothing_is_dropped_where_it_would_never_move_again():
    moves = drawn(DEAD, "RBGSNLP").legal_moves()
    ranks = {piece: {move[3] for move in moves if move.startswith(f"{piece}*")} for piece in "RBGSNLP"}
    assert min(ranks["P"]) == min(ranks["L"]) == "b" and min(ranks["N"]) == "c"
    assert all(min(ranks[piece]) == "a" for piece in "RBGS")
    theirs = drawn(DEAD, "nlp", "w").legal_moves()
    assert max(m[3] for m in theirs if m[0] == "N") == "g" and max(m[3] for m in theirs if m[0] in "LP") == "h"


def test_a_second_pawn_may_stand_behind_a_promoted_one_only():
    moves = drawn(
        """
        . . . . k . . . .
        . . . . . . . . .
        . . . . . . +P . .
        . . . . . . . . .
        . p . . . . . . .
        . . P . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . K . . . .
    """,
        "P",
    ).legal_moves()
    assert "P*3e" in moves, "a promoted pawn does not count"
    assert "P*8c" in moves, "nor does the opponent's"
    assert not [move for move in moves if move.startswith("P*7")], "nifu"


CHECKER = """
    . . . . k . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . R . . .
    K . . . . . . . .
"""
ROUND = ["4h5h", "5a4a", "5h4h", "4a5a"]
QUIET_ROUND = ["4h6h", "5a4a", "6h4h", "4a5a"]


def turned(move: str) -> str:
    """A move on the board turned by 180 degrees."""
    return "".join(str(10 - int(c)) if c.isdigit() else chr(ord("a") + ord("i") - ord(c)) for c in move)


def test_perpetual_check_loses_for_sente():
    position = drawn(CHECKER)
    for move in ROUND * 3:
        assert position.outcome is None
        position.play(move)
    assert ending(position) == (-1, "perpetual_check")


def test_perpetual_check_loses_for_gote():
    upside_down = "\n".join(
        " ".join(cell.swapcase() for cell in reversed(row.split())) for row in reversed(CHECKER.strip().splitlines())
    )
    position = drawn(upside_down, side="w")
    for move in ROUND * 3:
        assert position.outcome is None
        position.play(turned(move))
    assert ending(position) == (1, "perpetual_check")


def test_one_quiet_move_makes_it_a_plain_repetition():
    position = drawn(CHECKER)
    for move in ROUND + QUIET_ROUND + ROUND:
        assert position.outcome is None
        position.play(move)
    assert ending(position) == (0, "repetition")


def test_a_quiet_move_before_the_first_occurrence_excuses_nothing():
    position = drawn(CHECKER.replace("R", ".").replace("K . .", "K R ."))
    for move in ["8i4i", "5a5b", "4i4h", "5b5a", *ROUND * 3]:
        assert position.outcome is None
        position.play(move)
    assert ending(position) == (-1, "perpetual_check")


def test_the_same_board_with_other_hands_is_no_repetition():
    position = drawn(CORNERED.replace("n", ".").replace("G", "."), "3P")
    once = ["P*1b", "1a1b", "9i8i", "1b1a", "8i8h", "1a2a", "8h9i", "2a1a"]
    boards = []
    for _ in range(3):
        for move in once:
            position.play(move)
        boards.append(position.text.split()[0])
        assert position.outcome is None
    assert len(set(boards)) == 1


def test_minishogi_counts_repetition_against_the_first_player():
    position = az.Game("minishogi").position()
    for move in ["4e4d", "2a2b", "4d4e", "2b2a"] * 3:
        assert position.outcome is None
        position.play(move)
    assert ending(position) == (-1, "repetition")


ENTERED = """
    . . G G K S S . .
    . . R B . S S . .
    . . . N . N . . {tenth}
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . k . . . .
"""


def entered(hands: str, side: str = "b", tenth: str = ".", board: str = ENTERED) -> az.Position:
    """Ten pieces in the zone worth 18 points with the king among them (nine and 17 where the tenth is missing)."""
    text = board.format(tenth=tenth)
    if side == "w":
        rows = [row.split() for row in text.strip().splitlines()]
        text = "\n".join(" ".join(cell.swapcase() for cell in reversed(row)) for row in reversed(rows))
        hands = hands.swapcase()
    return drawn(text, hands, side)


@pytest.mark.parametrize(
    ("pawns", "sente", "gote"), [(11, True, True), (10, True, True), (9, False, True), (8, False, False)]
)
def test_declaration_needs_28_points_of_sente_and_27_of_gote(pawns, sente, gote):
    for side, expected in [("b", sente), ("w", gote)]:
        position = entered(f"{pawns}P", side)
        assert position.can_declare == expected, (side, pawns + 18)
        won = (1 if side == "b" else -1, "declaration")
        assert ending(position) == (won if expected else None)


def test_declaration_needs_ten_pieces_the_king_inside_and_no_check():
    assert entered("10P").can_declare
    nine = ENTERED.replace("N . N", "N . .")
    assert not entered("12P", board=nine).can_declare
    assert entered("11P", board=nine, tenth="N").can_declare
    outside = ENTERED.replace("K S S", ". S S").replace(
        ". . . . . . . . .\n    . . . . k", "K . . . . . . . .\n    . . . . k"
    )
    assert not entered("12P", board=outside).can_declare
    checked = ENTERED.replace("R B . S", "R B r S").replace("{tenth}", "N")
    assert not entered("12P", board=checked).can_declare


def test_max_plies_ends_a_game_as_a_draw():
    position = az.Game("shogi", max_plies=2).position()
    position.play("7g7f")
    assert position.outcome is None
    position.play("3c3d")
    assert ending(position) == (0, "max_plies")


# --- text ---


@pytest.mark.parametrize(
    ("sfen", "field"),
    [
        ("", "SFEN"),
        ("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1 b - 1", "placement"),
        ("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSN b - 1", "placement"),
        ("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGXGSNL b - 1", "placement"),
        ("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSKL b - 1", "king for Sente"),
        ("lnsg1gsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSG1GSNL b - 1", "not both"),
        ("4k4/9/9/9/9/9/9/9/4K4 b 18P18P 1", "at most 18 of P"),
        ("4k4/9/9/9/9/9/9/9/4K4 b 2R1B1R 1", "at most 2 of R"),
        ("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL x - 1", "side to move"),
        ("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b P 1", "at most 18 of P"),
        ("4k4/9/9/9/9/9/9/9/4K4 b 0P 1", "hands"),
        ("4k4/9/9/9/9/9/9/9/4K4 b K 1", "hands"),
        ("4k4/9/9/9/9/9/9/9/4K4 b 2 1", "hands"),
        ("4k4/9/9/9/9/9/9/9/4K4 b - 30001", "move number"),
        ("4k4/9/9/9/9/9/9/9/4K4 b - x", "move number"),
        ("4k4/9/+G8/9/9/9/9/9/4K4 b - 1", "gold"),
        ("4k4/9/9/9/9/9/9/9/4K3+ b - 1", "placement"),
    ],
)
def test_bad_sfen_is_refused_by_the_field_that_is_wrong(sfen, field):
    with pytest.raises(ValueError, match=field):
        az.Game("shogi").position(sfen)


@pytest.mark.parametrize(
    ("move", "why"),
    [
        ("7g7e", "not legal"),
        ("7g", "no move"),
        ("5e5d", "no piece of the side to move on 5e"),
        ("3c3d", "no piece of the side to move on 3c"),
        ("P*5e", "no P in hand"),
        ("7g7f+", "cannot promote"),
        ("0a1a", "no move"),
        ("K*5e", "no move"),
        ("", "no move"),
        ("resign", "no move"),
    ],
)
def test_illegal_moves_say_why(move, why):
    with pytest.raises(az.IllegalMove, match=why):
        az.Game("shogi").position().play(move)


def test_hands_are_written_and_read_in_sfen_order():
    game = az.Game("shogi")
    text = "4k4/9/9/9/9/9/9/9/4K4 b RB2G3S2N4L10Prbsp 57"
    position = game.position(text)
    assert position.text == text and position.ply == 56
    assert game.position("sfen " + text).key == position.key


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("b PP 1", "b 2P 1"),
        ("b 3pP2pBbR 1", "b RBPb5p 1"),
        ("b P4GbP 1", "b 4G2Pb 1"),
        ("b - 0", "b - 1"),
    ],
)
def test_hands_are_read_in_any_order_and_added_up(given, read):
    game = az.Game("shogi")
    position = game.position("4k4/9/9/9/9/9/9/9/4K4 " + given)
    expected = game.position("4k4/9/9/9/9/9/9/9/4K4 " + read)
    assert position.text == expected.text == "4k4/9/9/9/9/9/9/9/4K4 " + read
    assert position.key == expected.key


@pytest.mark.parametrize(("given", "move"), [("7G7F", "7g7f"), ("p*5e", "P*5e"), ("P*5E", "P*5e")])
def test_moves_are_read_in_any_case(given, move):
    start = "lnsgkgsnl/1r5b1/pppp1pppp/9/9/9/PPPP1PPPP/1B5R1/LNSGKGSNL b 2P 1"
    one, other = az.Game("shogi").position(start), az.Game("shogi").position(start)
    one.play(given)
    other.play(move)
    assert one.text == other.text


def test_a_position_whose_king_can_be_taken_is_refused():
    with pytest.raises(ValueError, match="the side that just moved is in check"):
        az.Game("minishogi").position("r1sgG/5/PBr1p/k3b/K1S2 b - 13")


@pytest.mark.parametrize(
    ("start", "capture"),
    [
        ("4k4/9/9/9/9/9/9/4R4/K8 b r2b4g4s4n4l18p 1", "5h5a"),
        ("4k4/4P4/9/9/9/9/9/9/4K4 b - 1", "5b5a+"),
        ("8k/9/9/9/9/9/9/9/K7r w - 1", "1i9i"),
    ],
)
def test_a_king_that_can_be_taken_in_shogi_is_a_legal_capture_that_fills_no_hand(start, capture):
    """cshogi counts it among the legal moves: the corpus begins some games there."""
    position = az.Game("shogi").position(start)
    hands = position.text.split()[2]
    assert capture in position.legal_moves()
    position.play(capture)
    assert position.text.split()[2] == hands
    for seed in range(20):
        position.copy().random_playout(seed)
    position.undo()
    assert position.text == az.Game("shogi").position(start).text


@pytest.mark.parametrize("side", ["b", "w"])
@pytest.mark.parametrize("missing", ["K", "k"])
def test_a_side_without_a_king_plays_by_the_rules_and_is_never_in_check(side, missing):
    game = az.Game("shogi")
    start = "lnsgkgsnl/1r5b1/pppp1pppp/9/9/9/PPPP1PPPP/1B5R1/LNSGKGSNL".replace(missing, "1")
    start = f"{start} {side} 2P 1"
    for seed in range(20):
        position = game.position(start)
        for move in position.random_playout(seed)[1]:
            kingless = position.turn == (0 if missing == "K" else 1)
            assert not (kingless and position.in_check) and not (kingless and position.can_declare)
            assert move in position.legal_moves()
            position.policy_indices()
            position.planes()
            position.play(move)


def test_a_problem_without_the_attackers_king_is_solved():
    position = az.Game("shogi").position("7nk/9/8G/9/9/9/9/9/9 b G2P 1")
    result = az.load("uniform", game=az.Game("shogi")).search(position, 200)
    assert (result.proof, result.best_move) == ("win", "G*1b")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["shogi", "minishogi"])
def test_no_text_that_is_accepted_breaks_the_rules_code(name, seed):
    """Random changes of real texts: each is refused with a reason, or a game can be played from it and taken back."""
    assert played_where_accepted(az.Game(name), "plnbrsgkPLNBRSGK12345/ wb-+", 200, seed) > 75


# --- what the network sees ---

PIECES = {
    "shogi": ["P", "L", "N", "S", "G", "B", "R", "+P", "+L", "+N", "+S", "+B", "+R", "K"],
    "minishogi": ["P", "S", "G", "B", "R", "+P", "+S", "+B", "+R", "K"],
}
HANDS = {"shogi": "PLNSBRG", "minishogi": "PSBRG"}
IN_THE_BOX = {
    "shogi": {"P": 18, "L": 4, "N": 4, "S": 4, "B": 2, "R": 2, "G": 4},
    "minishogi": {"P": 2, "S": 2, "B": 2, "R": 2, "G": 2},
}


def slow_planes(game: az.Game, start: str, moves: list[str]) -> np.ndarray:
    """AlphaZero's input for shogi by its table (Silver et al. 2018, table S1), from position texts alone; the README's order."""
    size = game.planes_shape[1]
    kinds, droppable, most = PIECES[game.name], HANDS[game.name], IN_THE_BOX[game.name]
    position = game.position(start)
    texts = [position.text]
    for move in moves:
        position.play(move)
        texts.append(position.text)
    identities = [" ".join(text.split()[:3]) for text in texts]
    me = texts[-1].split()[1] == "b"
    bits = 8 * (2 * len(kinds) + 3)
    out = np.zeros((bits + 8 * 2 * len(droppable) + 2, size, size), np.float32)
    for t in range(min(8, len(texts))):
        placement, _, hands, _ = texts[-1 - t].split()
        base = t * (2 * len(kinds) + 3)
        for r, row in enumerate(placement.split("/")):
            c = 0
            plus = ""
            for letter in row:
                if letter.isdigit():
                    c += int(letter)
                elif letter == "+":
                    plus = "+"
                else:
                    own = letter.isupper() == me
                    plane = base + (0 if own else len(kinds)) + kinds.index(plus + letter.upper())
                    out[(plane, r, c) if me else (plane, size - 1 - r, size - 1 - c)] = 1
                    c, plus = c + 1, ""
        before = identities[: len(identities) - 1 - t].count(identities[-1 - t])
        for n in range(min(before, 3)):
            out[base + 2 * len(kinds) + n] = 1
        count = ""
        held = dict.fromkeys([*droppable, *droppable.lower()], 0)
        for letter in hands.replace("-", ""):
            if letter.isdigit():
                count += letter
            else:
                held[letter], count = int(count or 1), ""
        for side, own in enumerate([True, False]):
            for i, piece in enumerate(droppable):
                letter = piece if own == me else piece.lower()
                out[bits + (t * 2 + side) * len(droppable) + i] = np.float32(held[letter]) / np.float32(most[piece])
    out[-2] = 0 if me else 1
    out[-1] = np.float32(int(texts[-1].split()[3]) - 1) / np.float32(100)
    return out


@pytest.mark.parametrize("name", ["shogi", "minishogi"])
def test_planes_equal_a_slow_encoder_written_from_the_papers_table(name):
    game = az.Game(name)
    shuffled = ["2h3h", "8b7b", "3h2h", "7b8b"] * 2 + ["2h3h"]
    if name == "minishogi":
        shuffled = ["4e4d", "2a2b", "4d4e", "2b2a"] * 2 + ["4e4d"]
    hold_planes(game, slow_planes, 20, shuffled)


def slow_policy_index(name: str, size: int, turn: int, move: str) -> int:
    """AlphaZero's 139 planes on 9x9 (Silver et al. 2018, table S2), plane-major; the README's arithmetic."""
    knights = 2 if name == "shogi" else 0
    steps = 8 * (size - 1) + knights

    def cell(square: str) -> tuple[int, int]:
        row, column = ord(square[1]) - ord("a"), size - int(square[0])
        return (row, column) if turn == 0 else (size - 1 - row, size - 1 - column)

    to_row, to_column = cell(move[2:4])
    if move[1] == "*":
        return ((2 * steps + HANDS[name].index(move[0])) * size + to_row) * size + to_column
    row, column = cell(move[:2])
    right, ahead = to_column - column, row - to_row
    if abs(right) == 1 and ahead == 2 and knights:
        plane = 8 * (size - 1) + (right > 0)
    else:
        distance = max(abs(right), abs(ahead))
        ways = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
        plane = ways.index((right // distance, ahead // distance)) * (size - 1) + distance - 1
    return ((plane + steps * move.endswith("+")) * size + row) * size + column


@pytest.mark.parametrize("name", ["shogi", "minishogi"])
def test_policy_indices_are_the_papers_and_unique(name):
    game = az.Game(name)
    size = game.planes_shape[1]
    assert game.policy_size == {"shogi": 139 * 81, "minishogi": 69 * 25}[name]
    seen = set()
    for case in games_of(game)[:40]:
        for position in positions(game, case):
            moves = position.legal_moves()
            expected = [slow_policy_index(name, size, position.turn, each) for each in moves]
            assert position.policy_indices().tolist() == expected
            seen |= {(position.turn, each[0]) for each in moves if "*" in each}
            seen |= {(position.turn, "+") for each in moves if "+" in each}
    assert {(turn, piece) for turn in (0, 1) for piece in "+" + HANDS[name]} <= seen


def test_the_readmes_worked_example_holds():
    position = az.Game("shogi").position()
    index = dict(zip(position.legal_moves(), position.policy_indices().tolist(), strict=True))
    assert index["7g7f"] == 56 and index["2h5h"] == 4120


@pytest.mark.parametrize("name", ["shogi", "minishogi"])
def test_the_mirror_image_is_the_same_game(name):
    """Symmetry 1 maps planes and policy indices of a position to those of the mirrored one."""
    game = az.Game(name)
    assert game.symmetries == 2

    def flipped(text: str) -> str:
        placement, *rest = text.split()
        rows = []
        for row in placement.split("/"):
            rows.append("".join(reversed(re.findall(r"\+?.", row))))
        return " ".join(["/".join(rows), *rest])

    hold_mirror_image(game, flipped, 60)


# --- tactics without knowledge ---


def test_a_blind_search_finds_a_mate_by_a_drop():
    from alphazero.search import uniform_evaluator

    position = drawn(CORNERED, "GP")
    result = az.Search(az.Game("shogi"), uniform_evaluator).search(position, 50)
    assert result.best_move in ("G*1b", "1c1b") and result.proof == "win" and result.simulations == 1
