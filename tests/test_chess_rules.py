"""Chess, Chess960 and Gardner minichess against Stockfish's, python-chess's and pyffish's records, and live python-chess."""

from __future__ import annotations

import random

import numpy as np
import pytest
from mutate import played_where_accepted
from recorded import games_of, hold_mirror_image, hold_planes, positions, recorded, replayed

import alphazero as az

KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"


# --- recorded oracles ---


def test_perft_equals_stockfish():
    for case in recorded("chess_perft.jsonl"):
        if case["nodes"] > 20_000_000:
            continue  # seconds each in this table's deepest lines; `pytest -m slow` runs them
        game = az.Game("chess", chess960=case["game"] == "chess960")
        assert game.position(case["position"]).perft(case["depth"]) == case["nodes"], case


@pytest.mark.slow
def test_perft_equals_stockfish_at_every_depth():
    for case in recorded("chess_perft.jsonl"):
        game = az.Game("chess", chess960=case["game"] == "chess960")
        assert game.position(case["position"]).perft(case["depth"]) == case["nodes"], case


@pytest.mark.parametrize("name", ["chess", "gardner"])
def test_recorded_games_replay_exactly(name):
    """pyffish, which made the Gardner file, stopped two games at a third occurrence without giving it as the reason."""
    game = az.Game(name)
    unnamed_draws = 0
    for number, case in enumerate(games_of(game)):
        position = replayed(game, case, number)
        reasons = case["reasons"] if "reasons" in case else [case["reason"]] if case["reason"] else []
        outcome = position.outcome
        if name == "gardner" and outcome is not None and outcome.reason == "threefold" and not reasons:
            unnamed_draws += 1
        elif outcome is None:
            assert not reasons and case["value"] is None, number
        else:
            assert outcome.reason in reasons and outcome.value == case["value"], (number, outcome)
    assert unnamed_draws == (2 if name == "gardner" else 0)


# --- python-chess, live ---


def board_reasons(board) -> list[str]:
    checks = {
        "checkmate": board.is_checkmate(),
        "stalemate": board.is_stalemate(),
        "insufficient": board.is_insufficient_material(),
        "threefold": board.is_repetition(3),
        "fifty": board.halfmove_clock >= 100,
    }
    return [reason for reason, holds in checks.items() if holds]


def play_beside_python_chess(games: int, seed: int) -> None:
    chess = pytest.importorskip("chess", reason="python-chess is the oracle; it comes with the extra 'test'")
    rng = random.Random(seed)
    for number in range(games):
        chess960 = number % 3 == 0
        board = chess.Board.from_chess960_pos(rng.randrange(960)) if chess960 else chess.Board()
        game = az.Game("chess", chess960=chess960)
        position = game.position(board.fen())
        for _ in range(rng.choice([60, 200, 400])):
            expected = sorted(move.uci() for move in board.legal_moves)
            moves = position.legal_moves()
            assert sorted(moves) == expected, board.fen()
            assert position.text == board.fen()
            assert position.in_check == board.is_check()
            assert position.ply == board.ply()
            reasons = board_reasons(board)
            if position.outcome is not None:
                assert position.outcome.reason in reasons, board.fen()
                break
            assert not reasons, (board.fen(), reasons)
            # Castling and captures more often than chance has them: that is where rules go wrong.
            choice = [m for m in board.legal_moves if board.is_castling(m) or board.is_en_passant(m)]
            if not choice and rng.random() < 0.3:
                choice = [m for m in board.legal_moves if board.is_capture(m)]
            move = rng.choice(choice or list(board.legal_moves))
            position.play(move.uci())
            board.push(move)


def test_random_games_follow_python_chess_move_for_move():
    play_beside_python_chess(60, seed=1)


@pytest.mark.slow
def test_a_thousand_random_games_follow_python_chess_move_for_move():
    play_beside_python_chess(1000, seed=2)


# --- the rules that programs get wrong, one position each ---


def test_en_passant_that_bares_the_king_on_its_rank_is_illegal():
    position = az.Game("chess").position("8/8/8/K2pP2r/8/8/8/4k3 w - d6 0 1")
    assert "e5d6" not in position.legal_moves()
    assert position.text.split()[3] == "-", "the square is kept only where a capture is legal"


def test_en_passant_may_answer_a_check_by_the_pawn_that_moved():
    position = az.Game("chess").position("8/8/8/2k5/3p4/8/4P3/4K3 w - - 0 1")
    position.play("e2e4")
    assert "d4e3" in position.legal_moves()
    checked = az.Game("chess").position("8/8/8/4k3/5p2/8/4P3/4K3 w - - 0 1")
    checked.play("e2e4")
    assert "f4e3" in checked.legal_moves()


def test_the_repetition_key_counts_en_passant_only_where_it_is_legal():
    game = az.Game("chess")
    assert game.position("4k3/8/8/8/4P3/8/8/4K3 b - e3 0 1").key == game.position("4k3/8/8/8/4P3/8/8/4K3 b - -").key
    legal = game.position("4k3/8/8/8/3pP3/8/8/4K3 b - e3 0 1")
    assert legal.key != game.position("4k3/8/8/8/3pP3/8/8/4K3 b - -").key


def test_castling_960_needs_its_squares_free_and_its_path_safe():
    game = az.Game("chess", chess960=True)
    open_path = game.position("4k3/8/8/8/8/8/8/1R2K1R1 w GB - 0 1")
    assert {"e1g1", "e1b1"} <= set(open_path.legal_moves())
    hit = game.position("3rk3/8/8/8/8/8/8/1R2K1R1 w GB - 0 1")
    assert "e1b1" not in hit.legal_moves() and "e1g1" in hit.legal_moves()
    # The rook that castles shields its king: once it has moved, the rook on a1 would give check.
    shield = game.position("4k3/8/8/8/8/8/8/rR1K4 w B - 0 1")
    assert "d1b1" not in shield.legal_moves()


def test_plain_castling_is_understood_in_both_spellings():
    position = az.Game("chess").position("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1")
    assert "e1g1" in position.legal_moves() and "e1h1" not in position.legal_moves()
    position.play("e1h1")
    assert position.text.startswith("r3k2r/8/8/8/8/8/8/R4RK1 b kq")


def test_third_occurrence_ends_the_game_and_undo_takes_it_back():
    position = az.Game("chess").position()
    for move in ["g1f3", "g8f6", "f3g1", "f6g8"] * 2:
        assert position.outcome is None
        position.play(move)
    assert position.outcome.reason == "threefold" and position.outcome.value == 0
    position.undo()
    assert position.outcome is None


def test_mate_on_the_hundredth_half_move_is_mate():
    position = az.Game("chess").position("7k/8/6K1/8/8/8/8/R7 w - - 99 80")
    position.play("a1a8")
    assert position.outcome.reason == "checkmate" and position.outcome.value == 1
    quiet = az.Game("chess").position("7k/8/6K1/8/8/8/8/R7 w - - 99 80")
    quiet.play("a1b1")
    assert quiet.outcome.reason == "fifty"


def test_gardner_has_no_double_steps_and_no_castling():
    position = az.Game("gardner").position()
    assert sorted(position.legal_moves()) == ["a2a3", "b1a3", "b1c3", "b2b3", "c2c3", "d2d3", "e2e3"]
    promoting = az.Game("gardner").position("4k/P4/5/5/K4 w - - 0 1")
    assert {"a4a5q", "a4a5r", "a4a5b", "a4a5n"} <= set(promoting.legal_moves())


def test_max_plies_ends_a_game_as_a_draw():
    position = az.Game("gardner", max_plies=2).position()
    position.play("a2a3")
    assert position.outcome is None
    position.play("a4a3") if "a4a3" in position.legal_moves() else position.play(position.legal_moves()[0])
    assert position.outcome.reason == "max_plies" and position.outcome.value == 0


# --- text ---


@pytest.mark.parametrize(
    ("fen", "field"),
    [
        ("", "FEN"),
        ("8/8/8/8 w - - 0 1", "placement"),
        ("rnbqkbnr/pppppppp/9/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "placement"),
        ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQ1BNR w kq - 0 1", "king"),
        ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNX w KQkq - 0 1", "placement"),
        ("P3k3/8/8/8/8/8/8/4K3 w - - 0 1", "pawn"),
        ("4k3/8/8/8/8/8/8/4K3 x - - 0 1", "side to move"),
        ("4k3/8/8/8/8/8/8/4K3 w z - 0 1", "castling"),
        ("1r2k2r/8/8/8/8/8/8/4K3 w b - 0 1", "castling.*chess960"),
        ("4k3/8/8/8/8/8/8/4K3 w - e9 0 1", "en passant"),
        ("4k3/8/8/8/8/8/8/4K3 w - - 0 1 bm e4", "FEN"),
        ("4k3/8/8/8/8/8/8/4K3 w - - x 1", "halfmove"),
        ("4k3/8/8/8/8/8/8/4K3 w - - 0 -1", "move number"),
        ("4k3/8/8/8/8/8/8/4K2r b - - 0 1", "check"),
    ],
)
def test_bad_fen_is_refused_by_the_field_that_is_wrong(fen, field):
    with pytest.raises(ValueError, match=field):
        az.Game("chess").position(fen)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("4k3/8/8/8/8/8/8/4K3 w KQkq - 0 1", "4k3/8/8/8/8/8/8/4K3 w - - 0 1"),
        ("r3k2r/8/8/8/8/8/8/1R1K3R w KQkq - 0 1", "r3k2r/8/8/8/8/8/8/1R1K3R w kq - 0 1"),
        ("1r2k2r/8/8/8/8/8/8/4K3 w kq - 0 1", "1r2k2r/8/8/8/8/8/8/4K3 w k - 0 1"),
        ("4k3/8/8/8/8/8/8/R3K2R w KKQH - 0 1", "4k3/8/8/8/8/8/8/R3K2R w KQ - 0 1"),
        ("4k2r/8/8/8/8/8/8/4K3 w H - 0 1", "4k2r/8/8/8/8/8/8/4K3 w - - 0 1"),
        ("4k3/8/8/8/8/8/8/4K3 w - e5 0 1", "4k3/8/8/8/8/8/8/4K3 w - - 0 1"),
        ("4k3/8/8/8/8/8/8/4K3 w - e6 0 1", "4k3/8/8/8/8/8/8/4K3 w - - 0 1"),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - e6 0 1", "4k3/8/8/3pP3/8/8/8/4K3 w - - 0 1"),
        ("4k3/8/8/4p3/8/8/8/4K3 w - e6 0 1", "4k3/8/8/4p3/8/8/8/4K3 w - - 0 1"),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6", "4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1"),
        ("4k3/8/8/8/8/8/8/4K3", "4k3/8/8/8/8/8/8/4K3 w - - 0 1"),
        ("4k3/8/8/8/8/8/8/4K3 b", "4k3/8/8/8/8/8/8/4K3 b - - 0 1"),
        ("4k3/8/8/8/8/8/8/R3K3 b Q", "4k3/8/8/8/8/8/8/R3K3 b Q - 0 1"),
    ],
)
def test_what_a_fen_says_beyond_its_placement_is_read_as_others_read_it(given, read):
    position = az.Game("chess").position(given)
    assert position.text == read
    assert position.key == az.Game("chess").position(read).key


def test_rights_that_a_board_has_no_room_for_are_dropped():
    start = az.Game("gardner").position()
    assert az.Game("gardner").position("rnbqk/ppppp/5/PPPPP/RNBQK w KQkq a3 0 1").key == start.key


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["chess", "gardner"])
def test_no_text_that_is_accepted_breaks_the_rules_code(name, seed):
    """Random changes of real texts: each is refused with a reason, or a game can be played from it and taken back."""
    assert played_where_accepted(az.Game(name), "pnbrqkPNBRQK12345678/ wb-KQkqahe36", 200, seed) > 80


@pytest.mark.parametrize(
    ("fen", "given", "move"),
    [
        ("8/4P1k1/8/8/8/8/8/K7 w - - 0 1", "e7e8Q", "e7e8q"),
        ("8/4P1k1/8/8/8/8/8/K7 w - - 0 1", "E7E8N", "e7e8n"),
        ("4k3/8/8/8/8/8/8/4K2R w K - 0 1", "E1G1", "e1g1"),
    ],
)
def test_moves_are_read_in_any_case(fen, given, move):
    one, other = az.Game("chess").position(fen), az.Game("chess").position(fen)
    one.play(given)
    other.play(move)
    assert one.text == other.text


@pytest.mark.parametrize(
    ("move", "why"),
    [
        ("e2e5", "not legal"),
        ("e2", "no move"),
        ("e3e4", "no piece on e3"),
        ("e7e5", "the opponent's"),
        ("e2e4q", "only a pawn on the last rank"),
        ("i2i4", "no move"),
        ("", "no move"),
        ("0000", "no move"),
    ],
)
def test_illegal_moves_say_why(move, why):
    with pytest.raises(az.IllegalMove, match=why):
        az.Game("chess").position().play(move)


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="chess960"):
        az.Game("chess", variant="960")
    with pytest.raises(ValueError, match="max_plies"):
        az.Game("gardner", chess960=True)


def test_shredder_fen_names_the_rook_itself():
    game = az.Game("chess", chess960=True)
    position = game.position("1r2k1r1/8/8/8/8/8/8/1R2K1R1 w GBgb - 0 1")
    assert position.text.split()[2] == "KQkq", "X-FEN writes the outermost rook as K or Q"
    inner = game.position("4k3/8/8/8/8/8/8/RR2K3 w B - 0 1")
    assert inner.text.split()[2] == "B" and game.position(inner.text).key == inner.key


# --- what the network sees ---


def slow_planes(game: az.Game, start: str, moves: list[str]) -> np.ndarray:
    """AlphaZero's input by its table (Silver et al. 2018, table S1), from position texts alone."""
    size = game.planes_shape[1]
    position = game.position(start)
    texts = [position.text]
    for move in moves:
        position.play(move)
        texts.append(position.text)
    identities = [" ".join(text.split()[:4]) for text in texts]
    _, side, castling, _, halfmoves, number = texts[-1].split()
    me = side == "w"

    def board(text: str) -> list[str]:
        rows = []
        for row in text.split()[0].split("/"):
            rows.append("".join("." * int(c) if c.isdigit() else c for c in row))
        return rows if me else rows[::-1]  # the side to move plays up the board

    out = np.zeros((8 * 14 + 7, size, size), np.float32)
    for t in range(min(8, len(texts))):
        rows = board(texts[-1 - t])
        for plane, kind in enumerate("pnbrqk"):
            for r in range(size):
                for c in range(size):
                    own, other = (kind.upper(), kind) if me else (kind, kind.upper())
                    out[14 * t + plane, r, c] = rows[r][c] == own
                    out[14 * t + 6 + plane, r, c] = rows[r][c] == other
        before = identities[: len(identities) - 1 - t].count(identities[-1 - t])
        out[14 * t + 12] = before >= 1
        out[14 * t + 13] = before >= 2
    out[112] = 0 if me else 1
    out[113] = (int(number) - 1) / 100
    for plane, right in zip(range(114, 118), "KQkq" if me else "kqKQ", strict=True):
        out[plane] = right in castling
    out[118] = int(halfmoves) / 100
    return out


@pytest.mark.parametrize("name", ["chess", "gardner"])
def test_planes_equal_a_slow_encoder_written_from_the_papers_table(name):
    game = az.Game(name)
    shuffled = ["b1c3", "b5c3"] if name == "gardner" else ["g1f3", "g8f6", "f3g1", "f6g8", "g1f3"]
    hold_planes(game, slow_planes, 12, shuffled)


def slow_policy_index(size: int, turn: int, move: str) -> int:
    """AlphaZero's 73 planes on 8x8 (Silver et al. 2018, table S2), plane-major; the README's arithmetic."""
    file, rank, to_file, to_rank = (ord(c) - ord(base) for c, base in zip(move[:4], "a1a1", strict=True))
    df, dr = to_file - file, (to_rank - rank) * (1 if turn == 0 else -1)
    row = size - 1 - rank if turn == 0 else rank
    if len(move) == 5 and move[4] in "nbr":
        plane = 8 * (size - 1) + 8 + 3 * "nbr".index(move[4]) + df + 1
    elif sorted((abs(df), abs(dr))) == [1, 2]:
        leaps = [(1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2)]
        plane = 8 * (size - 1) + leaps.index((df, dr))
    else:
        distance = max(abs(df), abs(dr))
        ways = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
        plane = ways.index((df // distance, dr // distance)) * (size - 1) + distance - 1
    return (plane * size + row) * size + file


@pytest.mark.parametrize("name", ["chess", "gardner"])
def test_policy_indices_are_the_papers_and_unique(name):
    game = az.Game(name)
    size = game.planes_shape[1]
    assert game.policy_size == {"chess": 4672, "gardner": 1225}[name]
    promotions = set()
    for case in games_of(game)[:60]:
        for position in positions(game, case):
            moves = position.legal_moves()
            promotions |= {(position.turn, each[4]) for each in moves if len(each) == 5}
            expected = [slow_policy_index(size, position.turn, each) for each in moves]
            assert position.policy_indices().tolist() == expected
    assert promotions == {(turn, piece) for turn in (0, 1) for piece in "nbrq"}


def test_the_readmes_worked_example_holds():
    position = az.Game("chess").position()
    index = dict(zip(position.legal_moves(), position.policy_indices().tolist(), strict=True))
    assert index["g1f3"] == 4094 and index["e2e4"] == 116


def test_gardners_mirror_image_is_the_same_game():
    """Symmetry 1 maps planes and policy indices of a position to those of the mirrored one."""
    game = az.Game("gardner")
    assert game.symmetries == 2 and az.Game("chess").symmetries == 1

    def flipped(text: str) -> str:
        placement, *rest = text.split()
        return " ".join(["/".join(row[::-1] for row in placement.split("/")), *rest])

    hold_mirror_image(game, flipped, 30)


# --- tactics without knowledge ---


def searched(game: az.Game, fen: str) -> tuple[str, str]:
    from alphazero.search import uniform_evaluator

    result = az.Search(game, uniform_evaluator, batch_size=8).search(game.position(fen), 10_000)
    return result.best_move, result.proof


def test_a_blind_search_finds_every_mate_in_one_and_in_two():
    """The sets come from tools/make_mate_sets.py, with Stockfish; required: 30 of 30 and 28 of 30."""
    game = az.Game("chess")
    found = {1: 0, 2: 0}
    for case in recorded("chess_mates.jsonl"):
        move, proof = searched(game, case["fen"])
        found[case["mate"]] += move in case["moves"] and proof == "win"
    assert found == {1: 30, 2: 30}


def test_a_blind_search_never_steps_into_a_mate_in_one():
    game = az.Game("chess")

    def allows_mate(position: az.Position, move: str) -> bool:
        position.play(move)
        mated = False
        for reply in position.legal_moves() if position.outcome is None else []:
            position.play(reply)
            mated |= position.outcome is not None and position.outcome.reason == "checkmate"
            position.undo()
        position.undo()
        return mated

    tried = 0
    for case in recorded("chess_mates.jsonl"):
        if case["mate"] != 1:
            continue
        # The side that is about to be mated, one ply earlier: give it the move in a mirrored position.
        placement, side, *_ = case["fen"].split()
        other = " ".join([placement, "b" if side == "w" else "w", "-", "-", "0", "1"])
        try:
            position = game.position(other)
        except ValueError:
            continue  # that side gives check: the position cannot be turned
        if position.outcome is not None:
            continue
        verdicts = {move: allows_mate(position, move) for move in position.legal_moves()}
        if all(verdicts.values()) or not any(verdicts.values()):
            continue
        tried += 1
        from alphazero.search import uniform_evaluator

        result = az.Search(game, uniform_evaluator, batch_size=8).search(position, 1000)
        assert not verdicts[result.best_move], (other, result.best_move)
    assert tried >= 15


def test_a_winning_move_ends_the_search_at_once_and_can_be_switched_off():
    from alphazero.search import uniform_evaluator

    game = az.Game("chess")
    position = game.position("6k1/5ppp/8/8/8/8/8/K2R4 w - - 0 1")
    for kind in ("puct", "gumbel"):
        result = az.Search(game, uniform_evaluator, kind=kind).search(position, 50)
        assert result.best_move == "d1d8" and result.proof == "win" and result.simulations == 1
    slow = az.Search(game, uniform_evaluator, find_wins=False).search(position, 200)
    assert slow.best_move == "d1d8" and slow.proof == "win" and slow.simulations > 1
