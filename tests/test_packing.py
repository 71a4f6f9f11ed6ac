"""A run taken to another machine: its newest window in few files, an older checkpoint, `tools/gpu_train.sh`."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import tiny_file

import alphazero as az
from alphazero import checkpoint, cli
from alphazero._core import GameRecord
from alphazero.config import load_config
from alphazero.errors import UserError
from alphazero.training.packing import pack
from alphazero.training.replay import Replay, chunk_paths, read_chunk
from alphazero.training.run import Run, train

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    train(load_config(tiny_file(folder)), folder / "run", "cpu", io.StringIO())
    return folder / "run"


def records(store: Path) -> list[bytes]:
    return [record for path in chunk_paths(store) for record in read_chunk(path).records]


def opened(store: Path, game) -> Replay:
    return Replay(store, game, chunk_games=8, window_scale=500, window_exponent=0.75)


def test_a_pack_is_the_store_in_fewer_files(run, tmp_path):
    store = run / "replay"
    assert len(chunk_paths(store)) > 3
    part, *journal = pack(store, tmp_path / "pack")
    assert [path.name for path in journal] in ([], ["journal"])
    assert records(tmp_path / "pack") == records(store)
    assert part.stat().st_size < sum(path.stat().st_size for path in chunk_paths(store))
    game = Run(load_config(run / "config.yaml", stored=True), run, "cpu", io.StringIO()).game
    shutil.copytree(store, tmp_path / "copy")
    there, here = opened(tmp_path / "pack", game), opened(tmp_path / "copy", game)
    for name in ("games", "positions", "next_number", "evaluations", "drawable", "mean_version"):
        assert getattr(there, name) == getattr(here, name), name
    one = there.sample(16, 3, symmetry=True, value_blend=0.3)
    for name, array in here.sample(16, 3, symmetry=True, value_blend=0.3).items():
        assert (array == one[name]).all(), name


def test_games_that_wait_for_a_chunk_go_along(run, tmp_path):
    shutil.copytree(run / "replay", tmp_path / "store")
    game = az.Game("connect4")
    store = opened(tmp_path / "store", game)
    before = store.next_number
    store.flush()
    for number in range(before, before + 3):
        store.add(GameRecord.of_game(game, ["a", "b", "a", "b", "a", "b", "a"], 1, number=number))
    with (tmp_path / "store" / "journal").open("ab") as file:
        file.write(b"an entry that is being writ")
    assert pack(tmp_path / "store", tmp_path / "pack")[-1].name == "journal"
    there = opened(tmp_path / "pack", game)
    assert not there.warnings
    assert there.next_number == before + 3
    there.flush()
    assert there.games == store.games + 3
    assert (
        records(tmp_path / "pack")[-1]
        == GameRecord.of_game(game, ["a", "b", "a", "b", "a", "b", "a"], 1, number=before + 2).to_bytes()
    )


def test_a_part_is_no_larger_than_it_may_be(run, tmp_path):
    store = run / "replay"
    most = 2 * max(path.stat().st_size for path in chunk_paths(store)) + 100
    parts = pack(store, tmp_path / "pack", part_bytes=most)
    assert sum(part.suffix == ".azr" for part in parts) > 1
    assert all(part.stat().st_size <= most for part in parts)
    assert records(tmp_path / "pack") == records(store)
    with pytest.raises(UserError, match=r"games take [\d,]+ bytes, more than a part may"):
        pack(store, tmp_path / "other", part_bytes=100)


def test_the_newest_positions_alone_are_packed(run, tmp_path):
    store = run / "replay"
    newest = read_chunk(chunk_paths(store)[-1])
    pack(store, tmp_path / "pack", positions=newest.header["positions"])
    assert records(tmp_path / "pack") == newest.records
    with pytest.raises(UserError, match="holds a replay store already"):
        pack(store, tmp_path / "pack")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no replay chunks here"):
        pack(tmp_path / "empty", tmp_path / "other")


def test_games_brought_along_are_learned_from_and_pay_for_no_steps(run, tmp_path, capsys):
    assert cli.main(["replay", str(run), "--pack", str(tmp_path / "new" / "replay")]) == 0
    assert "put into RUN/replay" in capsys.readouterr().out
    config = load_config(tiny_file(tmp_path), [f"training.start_from={run}", "training.budget_games=64"])
    new = Run(config, tmp_path / "new", "cpu", io.StringIO())
    before = new.store.games
    assert before >= 40 and new.store.drawable > 100
    assert new.learner.due() == 0
    new.train()
    assert new.store.games >= 64
    made = new.store.positions - new.store.paid[0]
    assert new.trainer.samples == pytest.approx(made * config.replay.reuse, abs=config.training.batch_size)


def test_a_run_branches_off_an_older_checkpoint(run, tmp_path, capsys):
    steps = checkpoint.steps(run)
    file = tiny_file(tmp_path)
    call = [
        "train",
        str(file),
        "--run",
        str(tmp_path / "new"),
        "--no-rating",
        "--device",
        "cpu",
        f"training.start_from={run}",
    ]
    assert cli.main([*call, "--from-step", str(steps[1])]) == 0
    meta = checkpoint.read_meta(checkpoint.resolve(tmp_path / "new"))
    assert meta["began_from"]["steps"] == steps[1]
    capsys.readouterr()
    assert cli.main([*call, "--from-step", "99999"]) == 2
    assert f"no checkpoint of step 99999; its checkpoints are {steps[0]}, " in capsys.readouterr().err
    assert cli.main([*call[:-1], "--from-step", "3"]) == 2
    assert "give training.start_from=RUN, too" in capsys.readouterr().err


@pytest.mark.slow
def test_minutes_of_a_gpu_are_used_and_taken_home(tmp_path):
    """On the processor, end to end: begun, brought back, gone on with."""
    environment = {
        **os.environ,
        "ALPHAZERO": str(Path(sys.executable).with_name("alphazero")),
        "CONFIG": str(ROOT / "configs" / "chess-small.yaml"),
        "BLOCKS": "4",
        "CHANNELS": "40",
    }
    call = [str(ROOT / "tools" / "gpu_train.sh"), "chess", "1", str(tmp_path / "out")]
    call += ["training.batch_size=64", "replay.min_positions=500", "--device", "cpu"]
    seconds = []
    for name in ("first", "second"):
        subprocess.run(call, env=environment, check=True, timeout=180)
        parts = sorted((tmp_path / "out").iterdir())
        assert 1 <= len(parts) <= 8 and all(part.stat().st_size <= 16_000_000 for part in parts)
        (tmp_path / name).mkdir()
        archive = b"".join(part.read_bytes() for part in parts)
        subprocess.run(["tar", "-x", "-C", str(tmp_path / name)], input=archive, check=True)
        seconds.append(checkpoint.read_meta(checkpoint.resolve(tmp_path / name))["seconds"])
    assert seconds[1] > seconds[0] + 10.0
    assert {"trainer.pt", "meta.json", "model.safetensors"} <= {
        each.name for each in checkpoint.resolve(tmp_path / "second").iterdir()
    }
    assert chunk_paths(tmp_path / "second" / "replay")
    refused = subprocess.run([call[0], "checkers", "1", "x"], capture_output=True, text=True)
    assert refused.returncode == 2 and "GAME is chess, shogi or go, not checkers" in refused.stderr
