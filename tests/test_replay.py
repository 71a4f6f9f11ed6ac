"""The replay store: nothing finished is lost, nothing comes twice, broken files are named."""

from __future__ import annotations

import numpy as np
import pytest

import alphazero as az
from alphazero._core import UNIFORM, GameRecord, Pool
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.training.replay import Replay, chunk_paths, read_chunk, window_size

GAME = az.Game("connect4")


def records(count: int, first: int = 0) -> list[GameRecord]:
    settings = {"games_in_flight": 4, "threads": 1, "games": count, "first_game": first}
    pool = Pool(GAME, settings, [{"kind": "gumbel", "simulations": 4, "evaluator": UNIFORM, "noise": True}])
    out = []
    while not pool.done:
        pool.next_batch(0.05)
        out += pool.take_finished()
    return out + pool.take_finished()


def store(path, chunk_games: int = 4) -> Replay:
    return Replay(path, GAME, chunk_games=chunk_games, window_scale=10_000, window_exponent=0.75)


def test_games_survive_whether_their_chunk_is_full_or_not(tmp_path):
    replay = store(tmp_path)
    games = records(10)
    for game in games:
        replay.add(game)
    assert (replay.games, len(chunk_paths(tmp_path))) == (8, 2)
    again = store(tmp_path)  # as after kill -9: nothing was closed
    assert (again.games, again.positions, again.next_number) == (8, replay.positions, 10)
    for game in records(2, first=again.next_number):
        again.add(game)
    numbers = [record.number for record in again]
    assert sorted(numbers) == list(range(12))


def test_a_crash_between_chunk_and_journal_brings_no_game_twice(tmp_path):
    replay = store(tmp_path)
    games = records(4)
    for game in games[:3]:
        replay.add(game)
    journal = (tmp_path / "journal").read_bytes()
    replay.add(games[3])
    (tmp_path / "journal").write_bytes(journal)  # the chunk is written, the journal not yet emptied
    again = store(tmp_path)
    again.flush()
    assert sorted(record.number for record in again) == [0, 1, 2, 3]


def test_a_torn_journal_loses_the_torn_game_alone(tmp_path):
    replay = store(tmp_path)
    for game in records(3):
        replay.add(game)
    journal = tmp_path / "journal"
    journal.write_bytes(journal.read_bytes()[:-5])
    again = store(tmp_path)
    again.flush()
    assert again.games == 2
    assert len(again.warnings) == 1 and "2 games are whole; set aside as journal.broken" in again.warnings[0]


def test_a_broken_chunk_is_set_aside_with_a_warning_and_the_command_names_it(tmp_path, capsys):
    replay = store(tmp_path)
    for game in records(12):
        replay.add(game)
    victim = chunk_paths(tmp_path)[1]
    victim.write_bytes(victim.read_bytes()[:-40])
    assert main(["replay", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "00000001.azr: the chunk is cut short or damaged" in error
    assert error.count("\n") == 1
    again = store(tmp_path)
    assert len(again.warnings) == 1
    assert "set aside as 00000001.azr.broken" in again.warnings[0]
    assert (again.games, again.drawable) == (
        12,
        8 * 0 + sum(read_chunk(p).header["positions"] for p in chunk_paths(tmp_path)),
    )
    assert (tmp_path / "00000001.azr.broken").exists()


def test_chunks_of_another_game_are_refused(tmp_path):
    replay = store(tmp_path)
    for game in records(4):
        replay.add(game)
    with pytest.raises(UserError, match="games of connect4"):
        Replay(tmp_path, az.Game("go"), chunk_games=4, window_scale=100, window_exponent=0.75)


def test_a_full_disk_stops_with_a_clear_line_and_loses_nothing(tmp_path):
    replay = store(tmp_path)
    games = records(3)
    replay.add(games[0])
    replay._journal.close()
    replay._journal = open("/dev/full", "ab", buffering=0)  # noqa: SIM115, PTH123
    with pytest.raises(UserError, match="cannot write: No space left on device"):
        replay.add(games[1])
    again = store(tmp_path)
    again.flush()
    assert again.games == 1


def test_the_window_follows_the_power_law():
    assert window_size(100, 1000, 0.75) == 1000
    assert window_size(1000, 1000, 0.75) == 1000
    sizes = [window_size(n, 1000, 0.75) for n in (2000, 4000, 8000, 16000)]
    assert sizes == sorted(sizes)
    assert sizes[-1] < 16000 * 0.5
    assert window_size(16000, 1000, 0.75) == int(1000 * (1 + 0.4 * (16**0.75 - 1) / 0.75))


def test_old_games_leave_the_window(tmp_path):
    replay = Replay(tmp_path, GAME, chunk_games=4, window_scale=100, window_exponent=0.1)
    for game in records(40):
        replay.add(game)
    assert replay.positions > 2 * replay.window
    assert replay.window <= replay.drawable < replay.window + 42
    batch = replay.sample(64, 1, symmetry=True, value_blend=0.0)
    assert batch["planes"].shape == (64, 3, 6, 7)
    assert np.array_equal(batch["planes"], replay.sample(64, 1, symmetry=True, value_blend=0.0)["planes"])
