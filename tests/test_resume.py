"""Runs that go on: with other settings, after damage, and with only one process in a directory."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import zstandard
from test_replay import GAME, records, store
from tiny import tiny_file

from alphazero import checkpoint
from alphazero.checkpoint import CheckpointError
from alphazero.config import Config, load_config, resume_changes, to_yaml
from alphazero.errors import UserError
from alphazero.network import Network, shape_of
from alphazero.training import loop
from alphazero.training import run as training_run
from alphazero.training.replay import ChunkError, encode_chunk, read_chunk
from alphazero.training.run import Run
from alphazero.training.selfplay import SelfPlay
from alphazero.training.trainer import Trainer


def tiny(tmp_path: Path, *overrides: str) -> Config:
    return load_config(tiny_file(tmp_path), overrides)


@pytest.fixture
def begun(tmp_path) -> Path:
    directory = tmp_path / "run"
    Run_(tiny(tmp_path), directory).train()
    assert len(checkpoint.steps(directory)) >= 2
    return directory


def Run_(config: Config, directory: Path) -> Run:  # noqa: N802
    directory.mkdir(exist_ok=True)
    return Run(config, directory, out=io.StringIO())


def said(run: Run) -> str:
    out = run.progress._out
    assert isinstance(out, io.StringIO)
    return out.getvalue()


# --- other settings ---


def leaves(value: object, prefix: str = "") -> list[tuple[str, object, str]]:
    found = []
    for each in dataclasses.fields(value):  # type: ignore[arg-type]
        own = getattr(value, each.name)
        if dataclasses.is_dataclass(own):
            found += leaves(own, f"{prefix}{each.name}.")
        else:
            found.append((f"{prefix}{each.name}", own, each.metadata["resume"]))
    return found


def test_every_key_says_what_a_resumed_run_does_with_it():
    for key, _, resume in leaves(Config()):
        assert resume in ("fixed", "taken over", "converted"), key


@pytest.mark.parametrize("override", ["game.name=tictactoe", "network.channels=16", "seed=3", "network.reply=false"])
def test_what_is_fixed_is_refused_before_anything_is_written(begun, tmp_path, override):
    before = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}
    config = tiny(tmp_path)
    key, _, _ = override.partition("=")
    if key == "game.name":
        changed = dataclasses.replace(config, game=dataclasses.replace(config.game, name="gardner"))
    else:
        changed = load_config(tmp_path / "tiny.yaml", [override])
    with pytest.raises(UserError, match=f"another {key.replace('.', '[.]')}"):
        Run_(changed, begun)
    assert {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()} == before


def test_a_new_weight_decay_and_momentum_act_on_a_resumed_run(tmp_path):
    config = tiny(tmp_path).training
    state = Trainer(Network(shape_of(GAME), tiny(tmp_path).network), config, "cpu").state_dict()
    other = dataclasses.replace(config, weight_decay=0.5)
    trainer = Trainer(Network(shape_of(GAME), tiny(tmp_path).network), other, "cpu")
    assert trainer.load_state_dict(state)
    assert [group["weight_decay"] for group in trainer.optimizer.param_groups] == [0.5, 0.0]
    config = dataclasses.replace(config, optimizer="sgd")
    state = Trainer(Network(shape_of(GAME), tiny(tmp_path).network), config, "cpu").state_dict()
    trainer = Trainer(Network(shape_of(GAME), tiny(tmp_path).network), dataclasses.replace(config, momentum=0.3), "cpu")
    assert trainer.load_state_dict(state)
    assert trainer.optimizer.param_groups[0]["momentum"] == 0.3


@pytest.mark.parametrize(("then", "now"), [("adamw", "sgd"), ("sgd", "adamw")])
def test_another_optimizer_begins_anew_with_a_warm_up_and_says_so(tmp_path, then, now):
    directory = tmp_path / "run"
    Run_(tiny(tmp_path, f"training.optimizer={then}"), directory).train()
    run = Run_(tiny(tmp_path, f"training.optimizer={now}", "training.budget_games=60"), directory)
    assert f"training.optimizer is now {now}" in said(run)
    steps = run.trainer.steps
    assert run.trainer.learning_rate(0.0) == pytest.approx(run.config.training.learning_rate / 2)  # of 2 warm-up steps
    run.train()
    assert run.trainer.steps > steps
    assert load_config(directory / "config.yaml").training.optimizer == now


@pytest.mark.parametrize(
    "override", ["training.batch_size=8", "training.batch_size=128", "replay.reuse=12", "replay.reuse=0.1"]
)
def test_pacing_counts_samples_whatever_changes_on_resume(begun, tmp_path, override):
    """Neither a pause nor a burst of steps: what was owed before is owed after."""
    owed = Run_(tiny(tmp_path, "training.budget_games=200"), begun).learner.due() * 32
    run = Run_(tiny(tmp_path, "training.budget_games=200", override), begun)
    batch = run.config.training.batch_size
    assert abs(run.learner.due() * batch - owed) < 32 + batch
    reuse = run.config.replay.reuse
    positions, steps = run.store.positions, run.trainer.samples
    run.train()
    made = run.store.positions - positions
    assert run.trainer.samples - steps == pytest.approx(
        made * reuse, abs=owed + 10 * batch + 8 * 42 * reuse
    )  # a chunk's worth
    assert Run_(run.config, begun).store.paid == run.store.paid  # and again


def test_a_resumed_run_that_was_killed_before_its_first_checkpoint_owes_no_more_than_before(begun, tmp_path):
    owed = [Run_(tiny(tmp_path, "replay.reuse=50"), begun).learner.due() for _ in range(2)]
    assert owed[0] == owed[1] < 10


def test_a_configuration_is_not_written_while_another_process_holds_the_games(begun, tmp_path):
    begun = Path(shutil.copytree(begun, tmp_path / "copy"))  # this process still holds the other
    code = f"from test_replay import store; import pathlib, sys; s = store(pathlib.Path({str(begun / 'replay')!r})); print(1, flush=True); sys.stdin.read()"
    written = (begun / "config.yaml").read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"1\n"
        with pytest.raises(UserError, match="another process writes games into this store"):
            Run_(tiny(tmp_path, "replay.reuse=50"), begun)
        holder.communicate()
    assert (begun / "config.yaml").read_bytes() == written


def test_what_a_run_that_was_stopped_at_its_end_still_owes_is_paid_by_the_next_call(tmp_path, monkeypatch):
    config = tiny(tmp_path, "replay.reuse=4", "training.batch_size=16")
    pay = loop.pay

    def stop_and_pay(run: Run) -> None:
        run.stopping = True
        pay(run)

    with monkeypatch.context() as patched:
        patched.setattr(training_run, "pay", stop_and_pay)
        patched.setattr(
            loop, "_learn", lambda run, steps, due: None
        )  # else it hangs on the machine's load what is owed
        stopped = Run_(config, tmp_path / "run")
        stopped.train()
    owed = stopped.learner.due()
    assert owed > 0
    resumed = Run_(config, tmp_path / "run")
    resumed.train()
    assert resumed.trainer.steps == stopped.trainer.steps + owed
    assert "training budget reached" not in said(resumed)
    again = Run_(config, tmp_path / "run")
    again.train()
    assert again.trainer.steps == resumed.trainer.steps
    assert "training budget reached" in said(again)


@pytest.mark.parametrize("owed", [False, True])
def test_no_step_is_paid_once_the_time_is_up(tmp_path, owed):
    config = tiny(tmp_path, "replay.reuse=8", "training.budget_minutes=1")
    run = Run_(config, tmp_path / "run")
    run.learner.due = lambda: int(owed)  # type: ignore[method-assign]
    assert run.owes() is owed
    run.budget.seconds = 60.0
    assert not run.owes()


def test_a_second_interrupt_does_not_leave_games_running(begun, tmp_path, monkeypatch):
    close, handlers = SelfPlay.close, []

    def close_and_look(playing: SelfPlay) -> None:
        handlers.append(signal.getsignal(signal.SIGINT))
        close(playing)

    monkeypatch.setattr(SelfPlay, "close", close_and_look)
    before = signal.getsignal(signal.SIGINT)
    run = Run_(tiny(tmp_path, "training.budget_games=48"), begun)
    run.train()
    assert handlers == [run._stop]
    assert signal.getsignal(signal.SIGINT) == before


def test_a_checkpoint_of_version_0_1_0_counts_the_samples_of_its_steps(begun, tmp_path):
    path = checkpoint.latest(begun)
    state = torch.load(path / "trainer.pt", weights_only=True)
    samples = state.pop("samples")
    torch.save(state, path / "trainer.pt")
    run = Run_(tiny(tmp_path, "training.batch_size=64"), begun)
    assert run.trainer.samples == samples == 32 * run.trainer.steps


def test_resume_changes_name_keys_and_classes():
    old = Config()
    new = dataclasses.replace(old, seed=1, training=dataclasses.replace(old.training, batch_size=4, clip_norm=2.0))
    assert resume_changes(old, new) == {
        "seed": ("fixed", 0, 1),
        "training.batch_size": ("converted", 256, 4),
        "training.clip_norm": ("taken over", 1.0, 2.0),
    }


# --- damage ---


def spoil_meta(path: Path, text: str) -> None:
    (path / "meta.json").write_text(text)


DAMAGE = {
    "an empty meta.json": lambda p: spoil_meta(p, ""),
    "no meta.json": lambda p: (p / "meta.json").unlink(),
    "meta.json is null": lambda p: spoil_meta(p, "null"),
    "meta.json of wrong types": lambda p: spoil_meta(
        p, json.dumps({**json.loads((p / "meta.json").read_text()), "steps": "many"})
    ),
    "meta.json is nested without end": lambda p: spoil_meta(p, "[" * 100_000),
    "garbage in trainer.pt": lambda p: (p / "trainer.pt").write_bytes(os.urandom(1000)),
    "trainer.pt is a list": lambda p: torch.save([1], p / "trainer.pt"),
    "trainer.pt of another shape": lambda p: torch.save(
        Trainer(
            Network(shape_of(GAME), dataclasses.replace(Config().network, channels=16)), Config().training, "cpu"
        ).state_dict(),
        p / "trainer.pt",
    ),
    "torn weights": lambda p: os.truncate(p / "model.safetensors", 100),
    "no weights": lambda p: (p / "model.safetensors").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_checkpoint_is_set_aside_and_the_whole_one_before_it_goes_on(begun, tmp_path, damage):
    before, newest = checkpoint.steps(begun)[-2:]
    DAMAGE[damage](begun / "checkpoints" / str(newest))
    run = Run_(tiny(tmp_path, "training.budget_games=60"), begun)
    assert run.trainer.steps == before
    assert f"set aside as {newest}.broken" in said(run) and f"at step {before}" in said(run)
    assert (begun / "checkpoints" / f"{newest}.broken").is_dir()
    run.train()
    assert checkpoint.latest(begun).name == str(run.trainer.steps)


def test_where_no_checkpoint_is_whole_one_line_says_what_to_do(begun, tmp_path):
    for step in checkpoint.steps(begun):
        (begun / "checkpoints" / str(step) / "trainer.pt").unlink(missing_ok=True)
    config = (begun / "config.yaml").read_bytes()
    with pytest.raises(UserError, match=r"none of its \d+ checkpoints can be resumed from .* --run") as caught:
        Run_(tiny(tmp_path, "training.clip_norm=3"), begun)
    assert "\n" not in str(caught.value)
    assert (begun / "config.yaml").read_bytes() == config


@pytest.mark.parametrize("pointer", ["", "no number\n", "99999\n", "../../elsewhere", "\xff"])
def test_a_pointer_to_nowhere_leads_to_the_newest_whole_checkpoint(begun, pointer):
    (begun / "checkpoints" / "latest").write_text(pointer, "latin-1")
    assert checkpoint.latest(begun).name == str(checkpoint.steps(begun)[-1])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_whose_weights_are_no_numbers_is_refused_by_name(begun, value):
    from safetensors.torch import load_file, save_file

    path = checkpoint.latest(begun)
    weights = load_file(path / "model.safetensors")
    name = next(name for name, tensor in weights.items() if tensor.dtype.is_floating_point)
    weights[name].view(-1)[0] = value
    save_file(weights, path / "model.safetensors")
    with pytest.raises(CheckpointError, match=f"{path}/model.safetensors: the weights of {name} are no numbers"):
        checkpoint.load(path)


def test_a_full_disk_is_named_when_a_checkpoint_is_written(tmp_path):
    """The limit on a file's size fails a write as a full disk does: in the kernel, with an errno."""
    code = f"""
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from alphazero import checkpoint
from alphazero.config import Config
from alphazero.network import Network, shape_of
from alphazero.training.trainer import Trainer
from alphazero import Game
trainer = Trainer(Network(shape_of(Game("connect4")), Config().network), Config().training, "cpu")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
try:
    checkpoint.save(Path({str(tmp_path)!r}), trainer, {{}})
except checkpoint.CheckpointError as error:
    print(error)
"""
    for most in (1000, 300_000):  # in the weights; in the trainer's state
        told = subprocess.run([sys.executable, "-c", code, str(most)], capture_output=True, text=True)
        assert told.stdout == f"{tmp_path}/checkpoints/0: cannot write the checkpoint: File too large\n", told.stderr
        assert not list((tmp_path / "checkpoints").glob("0*"))


# --- the store ---


def journal_of(tmp_path, count: int) -> bytes:
    replay = store(tmp_path, chunk_games=64)
    for game in records(count):
        replay.add(game)
    return (tmp_path / "journal").read_bytes()


def numbers(replay) -> list[int]:
    replay.flush()
    return sorted(record.number for record in replay)


@pytest.mark.parametrize(
    "tail",
    [b"\0" * 64, b"\0" * 4096, b"\xff" * 7 + b"\0" * 20, os.urandom(50)],
    ids=["zeros", "many zeros", "ones and zeros", "anything"],
)
def test_what_a_power_cut_leaves_behind_the_journal_is_set_aside(tmp_path, tail):
    whole = journal_of(tmp_path, 5)
    (tmp_path / "journal").write_bytes(whole + tail)
    again = store(tmp_path, chunk_games=64)
    assert (tmp_path / "journal").read_bytes() == whole
    for game in records(2, first=again.next_number):
        again.add(game)
    assert numbers(again) == list(range(7))
    third = store(tmp_path)
    assert numbers(third) == list(range(7)) and not third.warnings


@pytest.mark.parametrize("at", [0, 2, 4, 9, 30])
def test_a_flipped_bit_costs_one_game_and_is_told(tmp_path, at):
    whole = bytearray(journal_of(tmp_path, 5))
    first = 8 + struct.unpack_from("<I", whole)[0]
    whole[first + at] ^= 0x40  # in the second entry: its length, its checksum, or its game
    (tmp_path / "journal").write_bytes(whole)
    again = store(tmp_path, chunk_games=64)
    assert len(again.warnings) == 1 and "4 games are whole; set aside as journal.broken" in again.warnings[0]
    assert (tmp_path / "journal.broken").read_bytes() == whole
    assert len(numbers(again)) == 4


@pytest.mark.parametrize(
    "damage",
    {
        "a length in the last entry": lambda data, last: data[: last + 1] + b"\x80" + data[last + 2 :],
        "other bytes": lambda data, last: b"\x7f" * len(data),
        "one byte too few": lambda data, last: data[:-1],
    }.values(),
)
def test_a_game_that_the_journal_loses_at_its_end_is_told(tmp_path, damage):
    whole = journal_of(tmp_path, 3)
    last = 0
    for _ in range(2):
        last += 8 + struct.unpack_from("<I", whole, last)[0]
    damaged = damage(whole, last)
    (tmp_path / "journal").write_bytes(damaged)
    again = store(tmp_path, chunk_games=64)
    assert len(again.warnings) == 1 and "set aside as journal.broken" in again.warnings[0]
    assert (tmp_path / "journal.broken").read_bytes() == damaged


def test_a_folder_in_place_of_the_journal_is_set_aside(tmp_path):
    (tmp_path / "journal").mkdir()
    assert "this is no file; set aside as journal.broken" in store(tmp_path).warnings[0]
    assert (tmp_path / "journal").is_file()


def test_files_that_are_no_chunks_do_not_stop_a_run(tmp_path):
    journal_of(tmp_path, 3)
    (tmp_path / "0x.azr").write_bytes(b"")
    (tmp_path / "00000007.azr").write_bytes(b"")
    (tmp_path / "00000008.azr").mkdir()
    (tmp_path / "notes.azr.txt").write_text("mine")
    again = store(tmp_path, chunk_games=64)
    assert numbers(again) == [0, 1, 2]
    assert sorted(warning.rpartition(" ")[2] for warning in again.warnings) == [
        "00000007.azr.broken",
        "00000008.azr.broken",
    ]
    assert (tmp_path / "00000009.azr").exists()  # no number comes twice


HEADER = {
    "game": "connect4",
    "options": {},
    "games": 1,
    "positions": 1,
    "games_before": 0,
    "positions_before": 0,
    "numbers": [0],
    "next_number": 1,
}


@pytest.mark.parametrize(
    ("header", "sent", "message"),
    [
        (HEADER, [bytes(300_000_000)], "would unpack to more than"),
        ({**HEADER, "games": 2}, [b"abc"], "its header says 2 games, and it holds 1"),
        ({**HEADER, "games": "1"}, [b"abc"], "its header lacks one of"),
        ([], [b"abc"], "its header lacks one of"),
        (HEADER, [b""], "record 0 says it has 0 bytes"),
    ],
)
def test_a_chunk_that_lies_about_its_size_is_refused(tmp_path, header, sent, message):
    path = tmp_path / "00000000.azr"
    path.write_bytes(encode_chunk(header, sent))
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(ChunkError, match=message):
        read_chunk(path)
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == most


def test_a_chunk_whose_last_record_is_cut_short_is_refused(tmp_path, monkeypatch):
    payload = zstandard.ZstdCompressor().compress(struct.pack("<I", 4_000_000_000) + b"abc")
    monkeypatch.setattr(zstandard.ZstdCompressor, "compress", lambda self, data: payload)
    path = tmp_path / "00000000.azr"
    path.write_bytes(encode_chunk(HEADER, [b"abc"]))
    with pytest.raises(ChunkError, match="record 0 says it has 4000000000 bytes"):
        read_chunk(path)


def test_a_store_has_one_writer(tmp_path):
    replay = store(tmp_path)
    code = f"""
import alphazero as az
from pathlib import Path
from alphazero.training.replay import Replay
try:
    Replay(Path({str(tmp_path)!r}), az.Game("connect4"), chunk_games=4, window_scale=0, window_exponent=0.75)
except ValueError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stdout.startswith(f"{tmp_path}: another process writes games into this store"), told.stderr
    replay._lock_file.close()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stdout == told.stderr == ""


def test_a_gpu_that_is_not_there_is_one_line(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match="device cuda: torch sees no CUDA GPU here"):
        Run(tiny(tmp_path), tmp_path / "run", "cuda", io.StringIO())
    assert to_yaml(tiny(tmp_path))  # the configuration itself is fine
