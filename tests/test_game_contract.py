"""What games/game.h promises of every game beyond its own rules: players alternate, and policies are plane by plane."""

from __future__ import annotations

import pytest

import alphazero as az

GAMES = [
    az.Game("connect4"),
    az.Game("go", board_size=5, max_plies=80),
    az.Game("go", board_size=11, max_plies=80, ko="situational", suicide=True),
    az.Game("chess", max_plies=120),
    az.Game("chess", chess960=True, max_plies=120),
    az.Game("gardner", max_plies=120),
    az.Game("shogi", max_plies=120),
    az.Game("minishogi", max_plies=120),
]
EVERY = pytest.mark.parametrize("game", GAMES, ids=repr)


@EVERY
def test_players_alternate_whatever_the_move_and_undo_gives_the_turn_back(game):
    for seed in range(3):
        position = game.position()
        turns = [position.turn]
        for move in position.random_playout(seed)[1]:
            position.play(move)
            assert position.turn == 1 - turns[-1], move
            turns.append(position.turn)
        while len(turns) > 1:
            turns.pop()
            position.undo()
            assert position.turn == turns[-1]


@EVERY
def test_a_game_equals_the_same_game_alone(game):
    same = az.Game(game.name, **game.options)
    assert same == game and hash(same) == hash(game)
    assert [other for other in GAMES if other == game] == [game]
    assert game != None and game != game.name and game not in (None, 1)  # noqa: E711


def test_a_pass_is_a_move_and_gives_the_turn_away():
    position = az.Game("go").position("w")
    for turn in (1, 0, 1):
        assert position.turn == turn
        position.play("pass")


@EVERY
def test_there_is_a_move_wherever_the_game_goes_on(game):
    position = game.position()
    for move in position.random_playout(7)[1]:
        assert position.outcome is None and position.legal_moves()
        position.play(move)


@EVERY
def test_policy_indices_are_plane_by_plane_over_the_cells_that_the_network_sees(game):
    """The cell of an index goes where the symmetry takes the cell: true of no other order of the indices."""
    _, height, width = game.planes_shape
    cells, size = height * width, game.policy_size
    if size == width:  # columns
        for s in range(game.symmetries):
            assert all(game.map_policy(s, i) == game.map_cell(s, i) for i in range(size))
        return
    assert size % cells in (0, 1)
    for s in range(game.symmetries):
        for i in range(size - size % cells):
            assert game.map_policy(s, i) % cells == game.map_cell(s, i % cells)
        if size % cells == 1:  # beside the board
            assert game.map_policy(s, size - 1) == size - 1


@EVERY
def test_policy_indices_are_unique_among_the_legal_moves_and_within_the_policy(game):
    position = game.position()
    for move in position.random_playout(3)[1]:
        indices = position.policy_indices().tolist()
        assert len(set(indices)) == len(indices) == len(position.legal_moves())
        assert min(indices) >= 0 and max(indices) < game.policy_size
        position.play(move)


@pytest.mark.parametrize(
    "name, text, move, cell",
    [
        ("chess", None, "e2e4", (6, 4)),
        ("chess", "startpos", "g1f3", (7, 6)),
        ("shogi", None, "7g7f", (6, 2)),
        ("shogi", "4k4/9/9/9/9/9/9/9/4K4 b P 1", "P*5e", (4, 4)),
        ("gardner", None, "b2b3", (3, 1)),
        ("minishogi", None, "5d5c", (3, 0)),
        ("go", None, "C7", (2, 2)),
    ],
)
def test_the_cell_of_a_move_is_where_it_starts_or_where_the_piece_is_put(name, text, move, cell):
    position = az.Game(name).position(text) if text else az.Game(name).position()
    _, height, width = position.game.planes_shape
    index = position.policy_indices()[position.legal_moves().index(move)]
    assert divmod(int(index) % (height * width), width) == cell
