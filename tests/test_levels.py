"""Levels for people: each weaker than the next, in every protocol, and full strength where nothing is said."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections import Counter

import pytest
from dialogue import Dialogue

import alphazero as az
from alphazero import levels
from alphazero.arena import match
from alphazero.arena.openings import random_openings
from alphazero.levels import MOST, USUAL, ladder, level_of, nearest
from alphazero.player import Player, load
from alphazero.protocols.gtp import GtpEngine
from alphazero.protocols.person import PersonGame
from alphazero.protocols.uci import UciEngine
from alphazero.protocols.usi import UsiEngine


@pytest.mark.parametrize("game", ["connect4", *levels.LADDERS])
def test_ten_levels_each_with_more_search_and_less_chance_than_the_one_before(game):
    steps = ladder(game)
    assert len(steps) == MOST == 10
    bounded = steps[:-1]
    assert [each.simulations for each in bounded] == sorted(each.simulations for each in bounded)
    assert [each.freedom for each in steps] == sorted((each.freedom for each in steps), reverse=True)
    assert steps[-1] == levels.Level(0, 0.0, 0.0)
    for number in (0, 11):
        with pytest.raises(ValueError, match="from 1 to 10"):
            level_of(number, game)


def test_measured_levels_are_in_order_and_in_even_steps():
    for game, known in levels.ELO.items():
        ratings = [elo for elo, _ in known]
        steps = [b - a for a, b in itertools.pairwise(ratings)]
        assert len(known) == MOST and all(80 <= step <= 250 for step in steps), (game, steps)
        assert [nearest(game, elo) for elo in ratings] == list(range(1, 11))
        assert nearest(game, -5000) == 1 and nearest(game, 9000) == 10


def test_elo_of_a_game_that_was_not_measured_is_spread_over_the_levels():
    assert [nearest("nosuch", elo) for elo in (0, 1000, 2000, 3000)] == [1, 4, 7, 10]


def test_a_level_draws_its_moves_and_ten_does_not():
    player = Player("uniform", az.Game("connect4"))
    position = player.game.position()
    seen = Counter()
    for seed in range(1, 41):
        own = Player("uniform", az.Game("connect4"), seed=seed)
        found = own.search_at(1, position)
        assert found.best_move == found.pv[0] and found.simulations <= USUAL[0].simulations
        seen[found.best_move] += 1
    assert len(seen) > 3
    full = {
        Player("uniform", az.Game("connect4"), seed=seed).search_at(10, position, simulations=300).best_move
        for seed in range(5)
    }
    assert len(full) == 1
    assert player.search_at(10, position, simulations=300) == Player("uniform", az.Game("connect4")).search(
        position, 300
    )


def test_a_win_that_is_seen_is_taken_at_every_level():
    game = az.Game("connect4")
    position = game.position()
    for move in "aabbcc":
        position.play(move)
    for level in range(1, 11):
        for seed in range(5):
            found = Player("uniform", game, seed=seed).search_at(level, position, simulations=200)
            assert found.best_move == "d", level


def test_stronger_levels_win_against_weaker_ones():
    """The shipped chess network's levels 1 and 5, some 700 Elo apart; tools/calibrate_levels.py measures every step."""
    player = load("pretrained:chess")
    entrants = []
    for number in (1, 5):
        level = level_of(number, "chess")
        drawn = {"temperature": level.freedom, "temperature_plies": 1000}
        entrants.append(
            match.Entrant(
                f"level-{number}",
                player,
                {"kind": "puct", "simulations": level.simulations, **drawn, **level.settings()},
            )
        )
    starts = random_openings(player.game, 10, 2, seed=1)
    pairings = dict(enumerate(match.colour_balanced(1, 0, starts)))
    points = 0.0
    for number, record in match.play(player.game, entrants, pairings, seed=3):
        first = 0.5 + record.value / 2.0
        points += first if pairings[number].first == 1 else 1.0 - first
    assert points >= 18.0


@pytest.mark.parametrize(("engine", "game"), [(UciEngine, "chess"), (UsiEngine, "shogi")])
def test_engines_take_a_level_or_an_elo(engine, game):
    d = Dialogue(engine, game)
    try:
        d.send(engine.name)
        told = d.until(f"{engine.name}ok")
        name = engine.level_option
        assert any(f"name {name} type spin default 10 min 1 max 10" in line for line in told)
        assert any("name UCI_LimitStrength type check default false" in line for line in told)
        assert any("name UCI_Elo type spin" in line for line in told)
        d.send(f"setoption name {name} value 1")
        moves = set()
        for _ in range(12):
            d.send("usinewgame" if engine is UsiEngine else "ucinewgame", "position startpos", "go nodes 5000")
            lines = d.until("bestmove")
            nodes = [int(line.split(" nodes ")[1].split()[0]) for line in lines if " nodes " in line]
            assert max(nodes) <= ladder(game)[0].simulations
            assert lines[-1].split()[1] == lines[-2].split(" pv ")[1].split()[0]
            moves.add(lines[-1].split()[1])
        assert len(moves) > 2
        d.send(f"setoption name {name} value 10", "go nodes 600")
        assert "nodes 600" in d.until("bestmove")[-2]
        d.send("setoption name UCI_LimitStrength value true", "setoption name UCI_Elo value 1", "go nodes 600")
        assert "nodes 600" not in d.until("bestmove")[-2]
        # Analysis is at full strength.
        d.send("go infinite")
        while "nodes" not in (line := d.until("info")[-1]) or int(line.split(" nodes ")[1].split()[0]) < 100:
            pass
        d.send("stop")
        d.until("bestmove")
        d.refuses(f"setoption name {name} value many", name)
    finally:
        d.close()


def test_gtp_has_gnu_go_s_word():
    engine = GtpEngine(Player("uniform", az.Game("go", board_size=5)), simulations=500)
    assert engine.answer("level") == "= 10\n\n"
    assert engine.answer("level 1") == "=\n\n" and engine.answer("level") == "= 1\n\n"
    assert engine.answer("level 11").startswith("? ") and engine.answer("level x").startswith("? ")
    moves = set()
    for _ in range(15):
        engine.answer("clear_board")
        engine.player.forget()
        moves.add(engine.answer("genmove b"))
    assert len(moves) >= 2


def test_a_person_plays_against_a_level(monkeypatch):
    replies = iter(["d", "quit"])
    monkeypatch.setattr("builtins.input", lambda _: next(replies))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        PersonGame(Player("uniform", az.Game("connect4")), 0, 200, level=1).play()
    assert "> " in out.getvalue()


def test_a_player_without_a_search_of_its_own_plays_at_every_level():
    random = load("random", game=az.Game("connect4"))
    assert random.search_at(1, random.game.position()).best_move in "abcdefg"
    rollouts = load("mcts:50", game=az.Game("connect4"))
    assert rollouts.search_at(3, rollouts.game.position()).simulations <= USUAL[2].simulations
