"""Files as the programs of the field write them: all are read, stone for stone."""

from __future__ import annotations

import pytest

pytest.importorskip("sgfmill", reason="sgfmill is not installed (extra: test)")

import sgf_wild
from sgfmill import sgf as theirs
from sgfmill import sgf_moves

import alphazero as az
from alphazero.arena.go_score import area_margin
from alphazero.formats import sgf
from alphazero.formats.go import stones_of


def test_there_are_more_than_300_files():
    assert len(sgf_wild.PROGRAMS) * sgf_wild.FILES_EACH >= 300


@pytest.mark.parametrize("program", sgf_wild.PROGRAMS)
def test_the_files_of_the_field_are_read_stone_for_stone(program):
    for number in range(sgf_wild.FILES_EACH):
        truth = sgf_wild.make(program, number)
        where = f"{program} {number}"
        game = sgf.parse(truth.data, where)
        assert (game.size, game.komi, game.has_komi) == (truth.size, truth.komi, truth.has_komi), where
        start = az.Game("go", board_size=truth.size).position(game.start)
        assert stones_of(start) == truth.start, where
        assert game.moves == truth.moves, where
        position = sgf.position_of(game)
        assert stones_of(position) == truth.board, where
        assert "BW"[position.turn] == truth.to_move, where
        assert position.ply == len(truth.moves), where
        if truth.names is not None:
            assert (game.properties["PB"], game.properties["PW"]) == ([truth.names[0]], [truth.names[1]]), where


def test_sgfmill_reads_the_same_where_it_can():
    compared = 0
    for program, manner in sgf_wild.PROGRAMS.items():
        if manner.codec in ("big5", "cp932", "gbk"):
            continue  # it takes the second half of a character for a bracket
        for number in range(sgf_wild.FILES_EACH):
            truth = sgf_wild.make(program, number)
            game = sgf.parse(truth.data)
            try:
                tree = theirs.Sgf_game.from_bytes(truth.data)
                size = tree.get_size()
                board, plays = sgf_moves.get_setup_and_moves(tree)
                for colour, at in plays:
                    if at is not None:
                        board.play(*at, colour)
            except ValueError:  # it refuses more than we do: stones set up after the root among others
                continue
            compared += 1
            assert size == game.size
            if truth.names and b"CA[" in truth.data:  # else it takes every file for Latin-1
                assert tree.get_player_name("b") == truth.names[0]
            assert sgf_wild.stones(board) == stones_of(sgf.position_of(game)), (program, number)
    assert compared > 200


@pytest.mark.parametrize("program", sgf_wild.PROGRAMS)
def test_what_we_write_is_read_by_sgfmill_with_equal_stones_and_score(program):
    for number in range(sgf_wild.FILES_EACH):
        game = sgf.parse(sgf_wild.make(program, number).data)
        position = sgf.position_of(game)
        names = {"black": game.properties["PB"][0], "white": game.properties["PW"][0]}
        written = sgf.write(position, **names).encode()
        ours = sgf.parse(written)
        assert (ours.warnings, ours.komi, ours.start, ours.moves) == ([], game.komi, game.start, game.moves)
        tree = theirs.Sgf_game.from_bytes(written)
        assert (tree.get_size(), tree.get_komi()) == (game.size, game.komi)
        assert (tree.get_player_name("b"), tree.get_player_name("w")) == (names["black"], names["white"])
        board, plays = sgf_moves.get_setup_and_moves(tree)
        for colour, at in plays:
            if at is not None:
                board.play(*at, colour)
        assert sgf_wild.stones(board) == stones_of(position), (program, number)
        assert board.area_score() - game.komi == area_margin(position), (program, number)
