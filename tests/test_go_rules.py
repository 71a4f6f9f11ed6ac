"""Go's rules: recorded games, a slow reference, OpenSpiel, and positions drawn as text."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

import alphazero as az

COLUMNS = "ABCDEFGHJKLMNOPQRST"


def vertex(size: int, cell: int) -> str:
    return "pass" if cell == size * size else f"{COLUMNS[cell % size]}{size - cell // size}"


def stones(position: az.Position) -> str:
    """The board, row 1 first as in the corpus: `.XO`."""
    rows = []
    for line in position.diagram.splitlines()[1:-2]:
        rows.append("".join(c for c in line[2:-2] if c in ".XO"))
    return "".join(reversed(rows))


def setup(drawing: str, to_move: str = "X", **options) -> az.Position:
    """A position with these stones: each stone is played in turn, the other side passing in between."""
    rows = drawing.split()
    size = len(rows)
    position = az.Game("go", board_size=size, **options).position()
    for r, row in enumerate(rows):
        for c, stone in enumerate(row):
            if stone == ".":
                continue
            if ("X", "O")[position.turn] != stone:
                position.play("pass")
            position.play(vertex(size, r * size + c))
    if ("X", "O")[position.turn] != to_move:
        position.play("pass")
    return position


def test_every_recorded_game_replays_exactly(data):
    lines = (data / "go_games.jsonl").read_text().splitlines()
    assert len(lines) == 200
    for line in lines:
        case = json.loads(line)
        game = az.Game("go", board_size=case["size"], komi=case["komi"], ko=case["ko"], suicide=case["suicide"])
        position = game.position()
        for move, count in zip(case["moves"], case["legal"], strict=False):
            assert len(position.legal_moves()) == count
            position.play(move)
        assert len(position.legal_moves()) == case["legal"][-1]
        assert sorted(position.legal_moves()) == sorted(case["last_legal"])
        assert stones(position) == case["board"]
        assert position.turn == case["turn"]
        assert (position.outcome is not None) == case["over"]
        if case["over"]:
            assert position.outcome.score == case["score"]
            assert position.outcome.value == np.sign(case["score"])
        else:
            assert position.ownership().sum() - case["komi"] == case["score"]


class Reference:
    """Go written for reading: sets, flood fill, all earlier boards in a list."""

    def __init__(self, size: int, ko: str, suicide: bool):
        self.size, self.ko, self.suicide = size, ko, suicide
        self.board: tuple[str, ...] = (".",) * (size * size)
        self.turn = "X"
        self.history = {self.situation(self.board, "X")}
        self.barred: int | None = None

    def situation(self, board, turn):
        return (board, turn) if self.ko == "situational" else board

    def near(self, cell):
        r, c = divmod(cell, self.size)
        for dr, dc in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if 0 <= r + dr < self.size and 0 <= c + dc < self.size:
                yield (r + dr) * self.size + c + dc

    def chain(self, board, cell):
        """(stones, liberties) of the chain at a cell."""
        chain, liberties, todo = {cell}, set(), [cell]
        while todo:
            for q in self.near(todo.pop()):
                if board[q] == ".":
                    liberties.add(q)
                elif board[q] == board[cell] and q not in chain:
                    chain.add(q)
                    todo.append(q)
        return chain, liberties

    def after(self, cell):
        """(board, barred cell) after playing on `cell`, or None where that is illegal."""
        if self.board[cell] != ".":
            return None
        other = "O" if self.turn == "X" else "X"
        board = list(self.board)
        board[cell] = self.turn
        taken = set()
        for q in self.near(cell):
            if board[q] == other and not self.chain(board, q)[1]:
                taken |= self.chain(board, q)[0]
        for q in taken:
            board[q] = "."
        own, liberties = self.chain(board, cell)
        if not liberties:
            if not self.suicide or len(own) == 1:
                return None
            for q in own:
                board[q] = "."
        new = tuple(board)
        if self.ko == "simple":
            if cell == self.barred:
                return None
        elif self.situation(new, other) in self.history:
            return None
        single = len(taken) == 1 and len(own) == 1 and liberties == taken
        return new, next(iter(taken)) if single else None

    def legal(self):
        return [c for c in range(self.size**2) if self.after(c)] + [self.size**2]

    def play(self, cell):
        self.barred = None
        if cell < self.size**2:
            self.board, self.barred = self.after(cell)
        self.turn = "O" if self.turn == "X" else "X"
        self.history.add(self.situation(self.board, self.turn))


@pytest.mark.parametrize("ko", ["positional", "situational", "simple"])
@pytest.mark.parametrize("suicide", [False, True])
def test_random_games_agree_with_the_reference(ko, suicide):
    rng = random.Random(f"{ko} {suicide}")
    for size in (2, 3, 4, 5, 7):
        for _ in range(4):
            position = az.Game("go", board_size=size, ko=ko, suicide=suicide).position()
            reference = Reference(size, ko, suicide)
            for _ in range(6 * size * size):
                legal = reference.legal()
                assert position.legal_moves() == [vertex(size, c) for c in legal]
                cell = rng.choice(legal[:-1] or legal) if rng.random() < 0.97 else legal[-1]
                position.play(vertex(size, cell))
                reference.play(cell)
                if position.outcome is not None:
                    break


def test_legality_agrees_with_openspiel_where_the_rules_agree():
    """OpenSpiel: simple ko, no suicide; it ends a game when a board repeats, so each game is compared up to there."""
    pyspiel = pytest.importorskip("pyspiel", reason="open_spiel is not installed (extra: test)")
    rng = random.Random(1)
    for size in (5, 9, 19):
        theirs_game = pyspiel.load_game(f"go(board_size={size},komi=7.5)")
        for _ in range(3):
            ours, theirs = (
                az.Game("go", board_size=size, ko="simple", komi=7.5).position(),
                theirs_game.new_initial_state(),
            )
            while not theirs.is_terminal() and ours.outcome is None:
                names = {theirs.action_to_string(a).split()[-1].lower(): a for a in theirs.legal_actions()}
                assert sorted(m.lower() for m in ours.legal_moves()) == sorted(
                    "pass" if n == "pass" else n for n in names
                )
                move = rng.choice(ours.legal_moves())
                ours.play(move)
                theirs.apply_action(names[move.lower()])
            assert ours.ply > 10


@pytest.mark.parametrize("size", [5, 9, 13])
def test_undo_restores_everything(size):
    position = az.Game("go", board_size=size).position()
    before = []
    for move in position.random_playout(3)[1]:
        before.append(
            (position.text, position.key, position.legal_moves(), position.planes().tobytes(), position.diagram)
        )
        position.play(move)
    while before:
        position.undo()
        assert (
            position.text,
            position.key,
            position.legal_moves(),
            position.planes().tobytes(),
            position.diagram,
        ) == before.pop()
    with pytest.raises(ValueError, match="no move to take back"):
        position.undo()


def test_text_gives_the_position_back():
    game = az.Game("go", board_size=7)
    position = game.position()
    for move in position.random_playout(5)[1][:40]:
        position.play(move)
    again = game.position(position.text)
    assert (again.text, again.key, again.legal_moves()) == (position.text, position.key, position.legal_moves())


@pytest.mark.parametrize("symmetry", range(8))
def test_turning_a_game_turns_its_planes_and_moves(symmetry):
    game = az.Game("go", board_size=6)
    plain, turned = game.position(), game.position()
    for move in plain.random_playout(11)[1][:30]:
        index = plain.policy_indices()[plain.legal_moves().index(move)]
        turned.play(vertex(6, game.map_policy(symmetry, int(index))))
        plain.play(move)
    cells = [game.map_cell(symmetry, c) for c in range(36)]
    flat, other = plain.planes().reshape(-1, 36), turned.planes().reshape(-1, 36)
    assert (other[:, cells] == flat).all()
    assert {game.map_policy(symmetry, int(i)) for i in plain.policy_indices()} == set(turned.policy_indices())


def test_a_simple_ko_may_not_be_retaken_at_once():
    for ko in ("positional", "situational", "simple"):
        position = setup(
            """
            .XO..
            XO.O.
            .XO..
            .....
            .....""",
            "X",
            ko=ko,
        )
        position.play("C4")  # takes B4
        assert "B4" not in position.legal_moves()
        with pytest.raises(az.IllegalMove, match=r"ko|repeats"):
            position.play("B4")
        position.play("A1")
        position.play("E1")
        assert "B4" in position.legal_moves()


def test_snapback_takes_more_stones_than_were_given():
    position = setup(
        """
        .OXX.
        OOX..
        XXX..
        .....
        .....""",
        "X",
    )
    position.play("A5")  # into the last shared liberty: a whole chain of three falls
    assert stones(position)[20:] == "X.XX."


def test_suicide_of_one_stone_is_never_legal_and_of_two_where_allowed():
    drawing = """
        .OO..
        O....
        .....
        .....
        ....."""
    for allowed in (False, True):
        assert "A5" not in setup(drawing, "X", suicide=allowed).legal_moves()
    drawing = """
        .XO..
        OO...
        .....
        .....
        ....."""
    assert "A5" not in setup(drawing, "X", suicide=False).legal_moves()
    position = setup(drawing, "X", suicide=True)
    position.play("A5")
    assert stones(position)[20:] == "..O.."


def test_the_score_counts_stones_and_walled_in_points():
    position = setup(
        """
        .XO.
        .XO.
        XXOO
        .XO.""",
        "X",
        komi=0.5,
    )
    position.play("pass")
    if position.outcome is None:
        position.play("pass")
    assert position.outcome.reason == "two_passes"
    assert position.outcome.score == -0.5
    assert position.ownership().tolist() == [[1, 1, -1, -1]] * 4


def test_a_game_may_go_on_after_two_passes_and_ends_at_the_ply_limit():
    game = az.Game("go", board_size=5, max_plies=6)
    position = game.position("C3 pass pass")
    assert position.outcome.reason == "two_passes"
    position.play("D4")
    assert position.outcome is None
    position.play("pass")
    position.play("A1")
    assert position.outcome.reason == "max_plies"


def test_the_planes_show_what_they_say():
    position = setup(
        """
        .X...
        XO...
        .X...
        .....
        .....""",
        "O",
        komi=6.5,
    )
    planes = position.planes()
    assert planes.shape == az.Game("go", board_size=5).planes_shape == (23, 5, 5)
    assert np.argwhere(planes[0]).tolist() == [[1, 1]]  # White's own stone
    assert np.argwhere(planes[1]).tolist() == [[0, 1], [1, 0], [2, 1]]
    assert np.argwhere(planes[16]).tolist() == [[1, 1]]  # in atari
    assert not planes[17].any()
    assert planes[20].all()
    assert np.allclose(planes[21], 6.5 / 15)
    assert planes[22].all()


def test_a_text_may_begin_with_a_komi_of_its_own():
    game = az.Game("go", board_size=5, komi=7.0)
    plain, other = game.position("C3 D3 pass pass"), game.position("komi=-2.5 C3 D3 pass pass")
    assert other.text == "komi=-2.5 C3 D3 pass pass"
    assert game.position(other.text).text == other.text
    assert plain.outcome.score == -7.0
    assert other.outcome.score == 2.5
    black, white = game.position("komi=3 C3").planes()[21], game.position("komi=3 C3 D3").planes()[21]
    assert set(black.flat) == {np.float32(3 / 15)}  # White is to move, and counts it as its own
    assert set(white.flat) == {np.float32(-3 / 15)}
    for text in ("komi= C3", "komi=six", "komi=nan", "komi=401", "komi=7x", "komi=0x10", "komi=0X1p4"):
        with pytest.raises(ValueError, match=f"'{text.split()[0]}': a komi is a number within -400 and 400"):
            game.position(text)
    with pytest.raises(ValueError, match="move 2"):
        game.position("C3 komi=5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"board_size": 1}, "board_size must be an integer in 2..19, got 1"),
        ({"board_size": 30}, "board_size must be an integer in 2..19, got 30"),
        ({"board_size": 9.5}, "board_size must be an integer"),
        ({"komi": "six"}, "komi must be a number"),
        ({"ko": "triple"}, 'ko must be one of "positional", "situational", "simple"'),
        ({"suicide": 1}, "suicide must be true or false"),
        ({"handicap": 2}, "unknown option 'handicap'; options are: board_size"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        az.Game("go", **options)


@pytest.mark.parametrize(
    ("move", "message"),
    [
        ("I5", "no vertex"),
        ("K1", "off the 9x9 board"),
        ("D10", "off the"),
        ("", "no vertex"),
        ("D", "no vertex"),
        ("D4", "occupied"),
    ],
)
def test_bad_moves_say_why(move, message):
    position = az.Game("go", board_size=9).position("D4")
    with pytest.raises(az.IllegalMove, match=message):
        position.play(move)
    assert position.ply == 1


def test_a_bad_text_names_the_move():
    with pytest.raises(ValueError, match=r"move 2: D4 is occupied"):
        az.Game("go").position("D4 D4")


# --- positions that moves alone cannot say ---


@pytest.mark.parametrize(
    "text, written",
    [
        ("", ""),
        ("5/5/5/5/5", "5/5/5/5/5 b"),
        ("..x2/o4/5/11111/5 w", "2X2/O4/5/5/5 w"),
        ("komi=0.5 5/2X2/5/5/5 w C1 D1", "komi=0.5 5/2X2/5/5/5 w C1 D1"),
        ("komi=7 C3", "C3"),  # the options' komi goes without saying
        ("w C3", "w C3"),
        ("b C3 w D3", "C3 D3"),  # said of the side that is to move anyway
        ("C3 b D3 b E3", "C3 b D3 b E3"),
        ("C3 b", "C3 b"),
        ("w b C3", "C3"),
    ],
)
def test_a_position_has_one_text_and_the_text_gives_it_back(text, written):
    game = az.Game("go", board_size=5)
    position = game.position(text)
    assert position.text == written
    again = game.position(written)
    assert (again.key, again.turn, again.ply, again.diagram) == (
        position.key,
        position.turn,
        position.ply,
        position.diagram,
    )
    assert np.array_equal(again.planes(), position.planes())


@pytest.mark.parametrize(
    "text, message",
    [
        ("5/5/5/5", "4 rows, not the 5 of a 5x5 board"),
        ("5/5/5/5/5/5", "more rows than the 5"),
        ("5/6/5/5/5", "row 2 from the top has more than the 5 points"),
        ("5/4/5/5/5", "row 2 from the top has 4 points, not the 5"),
        ("5/5//5/5", "row 3 from the top has 0 points"),
        ("5/5/2B2/5/5", "row 3 from the top: 'B' is neither X"),
        ("5/0X4/5/5/5", "'0' is neither"),
        ("XO3/O4/5/5/5", "a chain at or next to A4 has no liberties"),
        ("XXXXX/XXXXX/XXXXX/XXXXX/XXXXX", "a chain at or next to E1 has no liberties"),
        ("C3 5/5/5/5/5", "set up once, before the moves"),
        ("5/5/5/5/5 5/5/5/5/5", "set up once, before the moves"),
        ("5/5/2X2/5/5 w C3", "move 1: C3 is occupied"),
        ("5/5/5/5/5 white", "'white' is no vertex"),
    ],
)
def test_a_set_up_that_cannot_be_says_why(text, message):
    with pytest.raises(ValueError) as error:
        az.Game("go", board_size=5).position(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_any_board_without_dead_chains_can_be_set_up_and_is_the_board_that_play_makes():
    rng = random.Random(8)
    for size in (2, 5, 9, 13, 19):
        game = az.Game("go", board_size=size, ko="positional")
        position = game.position()
        for _ in range(3 * size * size):
            board = stones(position)
            rows = [board[i * size : (i + 1) * size] for i in reversed(range(size))]
            side = "bw"[position.turn]
            copy = game.position("/".join(rows) + " " + side)
            assert stones(copy) == board
            assert copy.key == position.key
            assert (copy.turn, copy.ply, copy.outcome) == (position.turn, 0, None)
            assert game.position(copy.text).text == copy.text
            planes, wanted = copy.planes(), position.planes()
            assert np.array_equal(planes[[0, 1, 16, 17, 20, 21, 22]], wanted[[0, 1, 16, 17, 20, 21, 22]])
            assert not planes[2:16].any()
            assert np.array_equal(copy.ownership(), position.ownership())
            assert set(position.legal_moves()) <= set(copy.legal_moves())  # a set-up knows no ko
            position.play(rng.choice(position.legal_moves()))


def test_stones_without_liberties_are_refused_however_they_lie():
    """Every board of 3x3: taken exactly if each chain has a liberty."""
    game = az.Game("go", board_size=3)
    taken = 0
    for number in range(3**9):
        cells = [number // 3**i % 3 for i in range(9)]

        def near(cell):
            row, column = divmod(cell, 3)
            return [
                3 * r + c
                for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
                if 0 <= r < 3 and 0 <= c < 3
            ]

        alive = {c for c in range(9) if cells[c] and any(cells[n] == 0 for n in near(c))}
        while more := {
            c for c in range(9) if cells[c] and c not in alive for n in near(c) if n in alive and cells[n] == cells[c]
        }:
            alive |= more
        text = "/".join("".join(".XO"[cells[3 * r + c]] for c in range(3)) for r in range(3))
        if len(alive) == sum(map(bool, cells)):
            assert stones(game.position(text)) == "".join(".XO"[cells[3 * r + c]] for r in (2, 1, 0) for c in range(3))
            taken += 1
        else:
            with pytest.raises(ValueError):
                game.position(text)
    assert taken == 12675  # the legal boards of 3x3 (Tromp and Farneback, Combinatorics of Go, table 1)


@pytest.mark.parametrize("ko", ["positional", "situational", "simple"])
def test_a_set_up_begins_superkos_history(ko):
    """The shape of a ko whose last capture was before the set-up: it may be retaken at once."""
    game = az.Game("go", board_size=5, ko=ko, komi=0)
    position = game.position(".X.../X1X2/OXO2/1O3/5 w")
    position.play("B4")
    assert stones(position).count("X") == 3
    assert "B3" not in position.legal_moves()  # that would be the board of the set-up
    position.play("E1")
    position.play("E2")
    assert "B3" in position.legal_moves()


@pytest.mark.parametrize("ko", ["positional", "situational"])
def test_a_move_out_of_turn_makes_up_no_pass_and_keeps_superkos_history(ko):
    game = az.Game("go", board_size=5, ko=ko)
    position = game.position("w E5 w D4")
    assert (position.ply, position.turn) == (2, 0)
    assert position.outcome is None
    assert "pass" not in position.text


def test_a_ko_that_play_began_bars_after_a_change_of_turn_under_superko_alone():
    moves = "B3 C3 C4 D4 C2 D2 A1 E3 D3"  # black takes C3 at D3
    for ko, legal in (("positional", False), ("situational", False), ("simple", False)):
        assert ("C3" in az.Game("go", board_size=5, ko=ko).position(moves).legal_moves()) is legal
    # Black moves again, then White: the board has changed, the ko may be retaken.
    assert "C3" in az.Game("go", board_size=5).position(moves + " b A5").legal_moves()
    # White is told to move by hand after Black was: superko still knows, simple ko has been lifted.
    twice = moves + " b w"
    assert "C3" not in az.Game("go", board_size=5).position(twice).legal_moves()
    assert "C3" in az.Game("go", board_size=5, ko="simple").position(twice).legal_moves()


def test_passes_of_one_side_alone_end_no_game():
    game = az.Game("go", board_size=5)
    assert game.position("pass b pass").outcome is None
    assert game.position("pass b pass pass").outcome is not None
    assert game.position("pass pass b").outcome is not None  # Black is to move anyway
    assert game.position("pass pass w").outcome is None


def test_taking_back_ends_at_the_text():
    position = az.Game("go", board_size=5).position("2X2/5/5/5/5 w")
    position.play("A1")
    position.undo()
    assert position.text == "2X2/5/5/5/5 w"
    with pytest.raises(ValueError, match="no move"):
        position.undo()


def test_games_from_a_set_up_are_searched_and_played_as_any_other():
    game = az.Game("go", board_size=5, komi=0.5)
    start = game.position("XXXX1/1XX1X/XXXX1/OOOOO/1O1O1 w")
    player = az.Player("uniform", game=game)
    result = player.search(start, 64)
    assert result.best_move in start.legal_moves()
    end = start.copy()
    rng = random.Random(2)
    while end.outcome is None and end.ply < 200:
        end.play(rng.choice(end.legal_moves()))
    assert game.position(end.text).diagram == end.diagram
