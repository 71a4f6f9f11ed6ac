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
    for text in ("komi= C3", "komi=six", "komi=nan", "komi=401", "komi=7x"):
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
