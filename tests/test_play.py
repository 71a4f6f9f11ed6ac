"""Playing a schedule: games handed out as they end, and the file that keeps their results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from engine_double import alive

import alphazero as az
from alphazero.arena.match import Entrant, Pairing, entrant
from alphazero.arena.play import play, run_schedule
from alphazero.arena.store import open_store
from alphazero.errors import UserError
from alphazero.formats.game_text import GameText
from alphazero.player import load

DOUBLE = Path(__file__).parent / "engine_double.py"
NAMES = ["random", "uniform"]


def schedule(count: int) -> list[Pairing]:
    return [Pairing(number % 2, 1 - number % 2, "", number // 2) for number in range(count)]


def entrants(game: az.Game) -> list[Entrant]:
    return [Entrant(name, load(name, game=game), {"simulations": 4}) for name in NAMES]


def finished(number: int) -> dict:
    first, second = NAMES if number % 2 == 0 else NAMES[::-1]
    return {"first": first, "second": second, "result": 1.0, "game": number, "pair": number // 2, "opening": ""}


@pytest.mark.parametrize("leaves", [1, 5])
def test_who_stops_listening_gets_no_more_games_of_the_pool(leaves):
    game = az.Game("connect4")
    seen = []
    for number, record in play(game, entrants(game), dict(enumerate(schedule(200))), seed=3):
        seen.append((number, record.plies))
        if len(seen) == leaves:
            break
    assert len({number for number, _ in seen}) == leaves and all(plies >= 7 for _, plies in seen)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_who_stops_listening_leaves_no_engine_behind(tmp_path, concurrency):
    numbers = tmp_path / "numbers"
    game = az.Game("chess", max_plies=40)
    spec = f"uci:{sys.executable} {DOUBLE} uci chess spawn 0 {numbers}{{nodes=1}}"
    both = [entrant(spec, game, "cpu", {}), entrant("random", game, "cpu", {})]
    games = play(game, both, dict(enumerate(schedule(50))), concurrency=concurrency)
    next(games)
    assert alive(numbers)
    games.close()
    assert not alive(numbers)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_every_game_of_a_schedule_is_handed_out_once(concurrency):
    game = az.Game("connect4")
    timed = [Entrant(each.name, each.player, {"seconds": 0.0, **each.search}) for each in entrants(game)]
    pairings = {number: pairing for number, pairing in enumerate(schedule(12)) if number % 3}
    assert sorted(number for number, _ in play(game, timed, pairings, concurrency=concurrency)) == sorted(pairings)


def test_a_store_takes_the_games_of_its_schedule_and_no_others(tmp_path):
    path = tmp_path / "results.jsonl"
    lines = [finished(1), finished(7), {**finished(2), "opening": "else"}, {**finished(3), "first": "x"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with open_store(path, az.Game("connect4"), schedule(4), NAMES) as store:
        assert store.results() == [finished(1)]
        assert sorted(store.missing()) == [0, 2, 3]
        store.add(0, finished(0), GameText(*NAMES))
        assert [line["game"] for line in store.results()] == [0, 1] and sorted(store.missing()) == [2, 3]
    rules = {"name": "connect4", "options": {}}
    assert json.loads(path.read_text().splitlines()[-1]) == {**finished(0), "rules": rules}


def test_a_store_holds_its_file_until_it_is_left(tmp_path):
    path, game = tmp_path / "results.jsonl", az.Game("connect4")
    with (
        open_store(path, game, [], NAMES),
        pytest.raises(UserError, match="another process is playing these games"),
        open_store(path, game, [], NAMES),
    ):
        pass
    with open_store(path, game, [], NAMES) as store:
        assert store.results() == []


def test_a_store_without_a_file_keeps_results_in_memory():
    game = az.Game("connect4")
    results = run_schedule(game, entrants(game), schedule(4), None, seed=1)
    assert [result["game"] for result in results] == [0, 1, 2, 3] and "record_bytes" not in results[0]


def test_a_killed_match_cuts_the_game_that_has_no_line(tmp_path):
    game = az.Game("go", board_size=5)
    path, moves = tmp_path / "results-a.jsonl", tmp_path / "games-a.sgf"
    with open_store(path, game, schedule(2), NAMES) as store:
        store.add(0, finished(0), GameText(*NAMES, moves=["C3"], value=1))
    whole = moves.read_bytes()
    moves.write_bytes(whole + b"(;GM[1]")
    with open_store(path, game, schedule(2), NAMES) as store:
        assert sorted(store.missing()) == [1] and store.results()[0]["record_bytes"] == len(whole)
    assert moves.read_bytes() == whole
