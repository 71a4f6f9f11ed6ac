"""Workers without Ray: where they go, what they say, and that every chunk is stored exactly once."""

from __future__ import annotations

import dataclasses
import importlib.util
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_full_disk import full_disk
from test_replay import GAME, records
from tiny import tiny_file

from alphazero._core import GameRecord
from alphazero.cli import main
from alphazero.cluster.intake import Intake, is_full_disk
from alphazero.cluster.messages import (
    Chunk,
    ChunkRefusedError,
    Identity,
    Orders,
    Start,
    digest_of,
    identity,
    mismatch,
    pack,
)
from alphazero.cluster.places import Node, Place, find_places
from alphazero.cluster.run import train
from alphazero.cluster.worker import Worker, weights_of
from alphazero.config import Config, load_config
from alphazero.errors import UserError
from alphazero.network import make_network, shape_of
from alphazero.training.replay import WORKER_GAMES
from alphazero.training.selfplay import variants_of
from alphazero.training.snapshot import Snapshot
from alphazero.training.store import ReplayStore


def tiny(tmp_path: Path, *overrides: str) -> Config:
    return load_config(tiny_file(tmp_path), overrides)


@pytest.fixture
def config(tmp_path) -> Config:
    return tiny(tmp_path, "cluster.chunk_seconds=0.05")


def opened(folder: Path, config: Config) -> ReplayStore:
    return ReplayStore(folder, variants_of(config, GAME), config.replay)


def chunk_of(
    games: list[GameRecord], worker: int = 1, incarnation: int = 1, sequence: int = 0, config: str = "c"
) -> Chunk:
    payload = pack([(0, game.to_bytes()) for game in games])
    return Chunk(worker, incarnation, sequence, config, payload, digest_of(payload), 0.0)


def numbers(folder: Path, config: Config) -> list[int]:
    """Of all games of a store, those in its journal included."""
    store = opened(folder, config)
    replay = store._replays[0]
    replay.flush()
    return sorted(record.number for record in replay)


# --- the intake ---


def test_a_chunk_is_stored_once_however_often_it_comes(tmp_path, config):
    seen: list[int] = []
    intake = Intake(opened(tmp_path / "s", config), "c", lambda variant, game: seen.append(game.number))
    first = intake.begin(1, 1)[0]
    assert first == WORKER_GAMES
    games = records(20, first=first)
    assert intake.take(chunk_of(games[:12]), [5])
    assert not intake.take(chunk_of(games[:12]), [5])
    assert intake.stored(1) == 0
    assert intake.take(chunk_of(games[12:], sequence=1), [9])
    assert not intake.take(chunk_of(games[:12]), [9])
    intake.settle()
    wanted = sorted(game.number for game in games)
    assert sorted(seen) == wanted == numbers(tmp_path / "s", config)
    assert intake.games[1] == 20


def test_messages_lost_repeated_and_out_of_order_store_every_chunk_once(tmp_path, config):
    """A worker sends its oldest chunks until they are said to be stored, over a line that loses, doubles and delays."""
    intake = Intake(opened(tmp_path / "s", config), "c", lambda variant, game: None)
    rng = random.Random(7)
    games = {worker: records(60, first=intake.begin(worker, 1)[0]) for worker in (1, 2)}
    chunks = {
        worker: [chunk_of(games[worker][at : at + 3], worker, sequence=at // 3) for at in range(0, 60, 3)]
        for worker in games
    }
    line: list[Chunk] = []
    while any(intake.stored(worker) < 19 for worker in chunks):
        worker = rng.choice((1, 2))
        at = intake.stored(worker) + 1
        line += chunks[worker][at : at + rng.randint(1, 3)]
        rng.shuffle(line)
        for chunk in line[: rng.randint(0, 3)]:
            if chunk.sequence <= intake.stored(chunk.worker) + 1:
                intake.take(chunk, [0])
            else:
                with pytest.raises(ChunkRefusedError, match="has to come first"):
                    intake.take(chunk, [0])
        del line[rng.randint(0, 3) :]
        intake.settle()
    assert numbers(tmp_path / "s", config) == sorted(game.number for each in games.values() for game in each)


def test_chunks_of_a_replaced_process_are_refused_and_numbers_go_on(tmp_path, config):
    intake = Intake(opened(tmp_path / "s", config), "c", lambda variant, game: None)
    games = records(6, first=intake.begin(1, 1)[0])
    intake.take(chunk_of(games), [0])
    assert intake.begin(1, 2) == [WORKER_GAMES + 6]
    late = chunk_of(records(2, first=WORKER_GAMES + 6), sequence=1)
    with pytest.raises(ChunkRefusedError, match="process 1, which process 2 has replaced"):
        intake.take(late, [0])
    with pytest.raises(ChunkRefusedError, match="is none of its numbers"):
        intake.take(chunk_of(games, incarnation=2), [0])
    assert intake.take(chunk_of(records(2, first=WORKER_GAMES + 6), incarnation=2), [0])
    # A training process that begins anew finds the numbers in the store.
    del intake
    assert numbers(tmp_path / "s", config) == [WORKER_GAMES + number for number in range(8)]
    assert opened(tmp_path / "s", config).first_games(1) == [WORKER_GAMES + 8]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"payload": b"x"}, "its checksum does not fit its 1 bytes"),
        ({"payload": b"x", "digest": digest_of(b"x")}, "it holds something else than games"),
        ({"config": "d"}, r"played by another configuration \(digest d, this run's c\)"),
        ({"worker": 3}, "this run has no such worker"),
        ({"sequence": 2}, "chunk 0 has to come first"),
    ],
)
def test_what_is_no_chunk_of_this_run_is_named_and_nothing_of_it_stored(tmp_path, config, change, said):
    intake = Intake(opened(tmp_path / "s", config), "c", lambda variant, game: None)
    chunk = chunk_of(records(3, first=intake.begin(1, 1)[0]))
    with pytest.raises(ChunkRefusedError, match=said):
        intake.take(dataclasses.replace(chunk, **change), [0])
    assert numbers(tmp_path / "s", config) == []


def test_a_game_of_another_workers_numbers_is_refused(tmp_path, config):
    intake = Intake(opened(tmp_path / "s", config), "c", lambda variant, game: None)
    intake.begin(1, 1)
    with pytest.raises(ChunkRefusedError, match=f"game {2 * WORKER_GAMES} is none of its numbers"):
        intake.take(chunk_of(records(1, first=2 * WORKER_GAMES)), [0])


@pytest.mark.parametrize("room", [0, 200, 5000])
def test_a_full_disk_takes_nothing_and_the_same_chunk_is_stored_once_there_is_room(tmp_path, config, room):
    intake = Intake(opened(tmp_path / "s", config), "c", lambda variant, game: None)
    games = records(12, first=intake.begin(1, 1)[0])
    intake.take(chunk_of(games[:2]), [0])
    size = (tmp_path / "s" / "journal").stat().st_size
    with full_disk(size + room):  # in the middle of an entry, or only when the chunk file is written
        for _ in range(2):
            with pytest.raises(UserError, match="cannot write") as caught:
                intake.take(chunk_of(games[2:], sequence=1), [0])
                intake.settle()
            assert is_full_disk(caught.value)
        assert (tmp_path / "s" / "journal").stat().st_size in (
            size,
            size + sum(8 + len(g.to_bytes()) for g in games[2:]),
        )
    intake.take(chunk_of(games[2:], sequence=1), [0])
    intake.settle()
    assert numbers(tmp_path / "s", config) == sorted(game.number for game in games)


# --- a worker ---


def begun(config: Config, worker: int = 1, **orders: float) -> Worker:
    made = Worker()
    network = make_network(shape_of(GAME), config.network)
    start = Start(worker, 1, config, identity(config), "cpu", (), [worker * WORKER_GAMES], Orders(4, **orders))
    hello = made.begin(start, weights_of(Snapshot.of(network, 3)))
    assert mismatch(hello.identity, identity(config)) == ""
    return made


def test_a_worker_keeps_its_chunks_until_they_are_stored_and_hands_over_all_that_is_finished(config):
    worker = begun(config)
    first = worker.exchange(-1, 5.0)
    assert [chunk.sequence for chunk in first.chunks][:1] == [0]
    assert worker.exchange(-1, 0.0).chunks[0] == first.chunks[0]
    second = worker.exchange(first.chunks[-1].sequence, 5.0)
    assert second.chunks[0].sequence == first.chunks[-1].sequence + 1
    worker.finish()
    games: list[int] = []
    stored = first.chunks[-1].sequence
    while (answer := worker.exchange(stored, 0.0)).chunks:
        for chunk in answer.chunks:
            games += [game.number for game in chunk.games()[0]] if chunk.sequence > stored else []
        stored = answer.chunks[-1].sequence
    assert len(games) == len(set(games))
    before = sum(len(chunk.games()[0]) for chunk in first.chunks)
    assert before + len(games) == answer.counts["games"]  # all that were finished
    assert answer.waiting == 0


def test_a_worker_without_a_training_process_plays_on_and_then_waits(config, monkeypatch):
    monkeypatch.setattr("alphazero.cluster.worker.MOST_KEPT", 3)
    worker = begun(config)
    while len(worker._kept) < 3:
        time.sleep(0.01)
    time.sleep(0.2)
    full = worker._selfplay.counts()["evaluations"]
    time.sleep(0.2)
    assert worker._selfplay.counts()["evaluations"] == full
    answer = worker.exchange(worker.exchange(-1, 0.0).chunks[-1].sequence, 5.0)
    assert answer.chunks
    worker.finish()


def test_a_worker_rests_plays_on_and_takes_over_weights(config):
    worker = begun(config)
    worker.exchange(-1, 5.0)
    worker.follow(Orders(4, resting=True))
    time.sleep(0.3)
    rested = worker._selfplay.counts()["evaluations"]
    time.sleep(0.2)
    assert worker._selfplay.counts()["evaluations"] == rested
    worker.follow(Orders(4))
    worker.load(weights_of(Snapshot.of(make_network(shape_of(GAME), config.network), 9)))
    end = time.monotonic() + 10.0
    while worker.exchange(-1, 0.05).version != 9 and time.monotonic() < end:
        time.sleep(0.01)
    assert worker.exchange(-1, 0.0).version == 9
    assert worker._selfplay.counts()["evaluations"] > rested
    worker.finish()


def test_an_error_of_self_play_reaches_who_asks(config, monkeypatch):
    worker = begun(config)
    monkeypatch.setattr(worker._selfplay, "step", lambda: (_ for _ in ()).throw(UserError("no answer")))
    with pytest.raises(UserError, match="no answer"):
        for _ in range(100):
            worker.exchange(-1, 0.1)
    worker._selfplay.close()


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (Identity("0.0.9", "a", "c"), "it has alphazero 0.0.9, this run 0.1.0"),
        (Identity("0.1.0", "b", "c"), r"its files of alphazero 0.1.0 differ \(digest b, here a\)"),
        (Identity("0.1.0", "a", "d"), r"it plays by another configuration \(digest d, this run's c\)"),
        (Identity("0.1.0", "a", "c"), "^$"),
    ],
)
def test_a_worker_of_another_version_or_configuration_is_told_which(theirs, said):
    assert re.search(said, mismatch(theirs, Identity("0.1.0", "a", "c")))


def test_a_worker_begins_with_nothing_else_than_what_is_expected(config):
    other = dataclasses.replace(identity(config), config="d")
    with pytest.raises(UserError, match="another configuration"):
        Worker().begin(
            Start(1, 1, config, other, "cpu", (), [0], Orders(4)),
            weights_of(Snapshot.of(make_network(shape_of(GAME), config.network), 0)),
        )


# --- places ---


def counts(places: list[Place]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for place in places:
        found.setdefault(place.node, []).append((len(place.cores), place.gpus))
    return found


def test_workers_of_one_machine_share_its_cores_evenly():
    here = Node("a", "here", 8)
    assert counts(find_places([here], [], 3)) == {"a": [(2, 0.0), (3, 0.0), (3, 0.0)]}
    places = find_places([here], [], 3)
    assert sorted(core for place in places for core in place.cores) == list(range(8))


def test_each_gpu_has_a_worker_and_machines_without_one_get_the_others():
    nodes = [Node("g", "gpu", 32, 2), *(Node(f"c{i}", "cpu", 16) for i in range(4))]
    assert counts(find_places(nodes, [], 6)) == {
        "g": [(16, 1.0), (16, 1.0)],
        **{f"c{i}": [(16, 0.0)] for i in range(4)},
    }
    assert counts(find_places(nodes, [], 2)) == {"g": [(16, 1.0), (16, 1.0)]}
    assert "g" in counts(find_places(nodes, [], 5, gpus=0.0))


def test_a_worker_that_died_gets_its_cores_back_and_a_machine_that_joins_is_used():
    here = Node("a", "here", 4)
    first, second = find_places([here], [], 2)
    assert find_places([here], [second], 1) == [first]
    assert find_places([here], [first, second], 1) == []
    assert counts(find_places([here, Node("b", "new", 2)], [first, second], 1)) == {"b": [(2, 0.0)]}


def test_workers_of_a_stated_size_go_where_so_many_cores_are_free():
    nodes = [Node("a", "x", 5), Node("b", "y", 3)]
    assert counts(find_places(nodes, [], 9, cores=2)) == {"a": [(2, 0.0), (2, 0.0)], "b": [(2, 0.0)]}


def test_workers_without_ray_are_refused_in_one_line_that_says_what_to_install(tmp_path, monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "ray" else found(name, *rest))
    command = ["train", str(tiny_file(tmp_path)), "--run", str(tmp_path / "run")]
    assert main([*command, "--workers", "2"]) == 2
    said = capsys.readouterr().err
    assert said == "alphazero: workers need Ray, which is not installed: pip install 'alphazero-engine[ray]'\n"
    assert not (tmp_path / "run").exists()
    assert main([*command, "--ray", "auto"]) == 2
    assert capsys.readouterr().err == "alphazero: train: --ray is for a run with workers; give --workers N, too\n"


def test_more_workers_than_this_machine_has_cores_are_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"cluster.workers: 9999 workers of 1 cores are more than this machine's \d+ cores"
    ):
        train(tiny(tmp_path, "cluster.workers=9999"), tmp_path / "run")


def test_a_run_without_workers_never_imports_ray(tmp_path):
    code = f"import sys; from alphazero.cli import main; main(['train', {str(tiny_file(tmp_path))!r}, '--run', {str(tmp_path / 'r')!r}, '--no-rating', '--device', 'torch']); assert not any(name == 'ray' or name.startswith('alphazero.cluster') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)
