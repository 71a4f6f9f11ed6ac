"""Nothing leaves the machine: what the commands do is recorded, every socket, every process, every file that is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alphazero.machine import OTHERS_CACHES

# Runs `work` and tells of everything that Python does to the world outside; what C++ does to the home is seen afterwards.
RECORDER = r"""
import json, os, sys
record, work = open(sys.argv[1], "a"), sys.argv[2]
sys.argv = ["alphazero"]
def on(event, args):
    if event == "open":
        path, mode, flags = args
        writes = any(c in (mode or "") for c in "wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if not writes or isinstance(path, int):
            return
        told = ["file", os.path.abspath(os.fsdecode(path))]
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink"):
        told = ["file", os.path.abspath(os.fsdecode(args[1] if event in ("os.rename", "os.link", "os.symlink") else args[0]))]
    elif event.startswith("socket.") and event not in ("socket.gethostname",):
        told = ["socket", event]
    elif event in ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"):
        told = ["process", str(args[0]) if args else event]
    else:
        return
    record.write(json.dumps(told) + "\n")
    record.flush()
sys.addaudithook(on)
exec(work)
"""
CALL = "from alphazero.cli import main; code = main({words!r}); assert code == 0, code"
TRAINING = """game: {name: connect4}
network: {blocks: 1, channels: 8, value_hidden: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 8, batch_size: 8}
replay: {window_min: 200, min_positions: 50}
training: {batch_size: 16, budget_games: 12}
"""
CHESS = "uci\nisready\nposition startpos\ngo nodes 8\nquit\n"


class World:
    """A home and a cache folder of their own, and what was seen in them."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("home", "work"):
            (folder / name).mkdir()
        self.environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("ALPHAZERO", "XDG", *OTHERS_CACHES))
            },
            "HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ALPHAZERO_EVALUATOR": "openvino-fp32",
        }

    def run(self, work: str, said: str = "") -> str:
        """The output of Python code that ran in this world."""
        done = subprocess.run(
            [sys.executable, "-c", RECORDER, str(self.folder / "record"), work],
            input=said,
            env=self.environment,
            cwd=self.folder / "work",
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def seen(self, kind: str) -> list[str]:
        file = self.folder / "record"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [what for each, what in lines if each == kind]

    def strays(self) -> list[str]:
        """What was written neither into the cache folder nor where the command was told to write."""
        ours = tuple(f"{self.folder / name}" for name in ("cache/alphazero", "work"))
        made = str(self.folder / "cache")  # the user's cache folder, where it was not there
        written = [path for path in self.seen("file") if path != made and not path.startswith((*ours, "/dev/"))]
        return (
            written
            + [str(path) for path in (self.folder / "home").rglob("*")]
            + [
                str(path)
                for path in (self.folder / "cache").rglob("*")
                if not path.is_relative_to(self.folder / "cache" / "alphazero")
            ]
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    "words, said",
    [
        (["uci"], CHESS),
        (["usi"], CHESS.replace("uci", "usi", 1)),
        (["gtp", "--model", "pretrained:go", "--simulations", "4"], "genmove b\nquit\n"),
        (["match", "pretrained:chess", "uniform", "--games", "2", "--simulations", "4"], ""),
        (["selfplay", "pretrained:go", "--games", "2", "--simulations", "4", "--out", "games"], ""),
        (["train", "run.yaml", "--run", "run", "--device", "cpu"], ""),
        (
            [
                "tournament",
                "pretrained:go",
                "uniform",
                "random",
                "--games",
                "2",
                "--simulations",
                "2",
                "--out",
                "rated",
            ],
            "",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_opens_no_socket_starts_no_process_and_writes_where_it_should(world, words, said):
    (world.folder / "work" / "run.yaml").write_text(TRAINING)
    world.run(CALL.format(words=words), said)
    assert world.seen("socket") == []
    assert set(world.seen("process")) <= {"fc-list"}  # matplotlib's question for the fonts of this machine
    assert world.strays() == []


@pytest.mark.parametrize(
    "words, said", [(["uci"], CHESS), (["usi"], CHESS.replace("uci", "usi", 1))], ids=["uci", "usi"]
)
def test_onnx_runtime_stays_on_the_machine_too(world, words, said):
    for module in ("onnxruntime", "onnx"):
        pytest.importorskip(module, reason="the backend that is watched; it comes with the extra 'onnx'")
    world.environment["ALPHAZERO_EVALUATOR"] = "onnx-fp32"
    told = world.run(f"{CALL.format(words=words)}; print('onnxruntime' in sys.modules)", said)
    assert told.splitlines()[-1] == "True" and "bestmove" in told
    assert world.seen("socket") == []
    assert world.seen("process") == []
    assert world.strays() == []


@pytest.mark.parametrize("command", ["uci", "usi"])
def test_an_engine_that_started_before_is_ready_without_torch(world, command):
    pytest.importorskip("openvino", reason="the backend that needs no torch; it comes with the extra 'cpu'")
    work = f"{CALL.format(words=[command])}; print(sorted({{'torch', 'openvino', 'onnx'}} & set(sys.modules)), len(sys.modules))"
    said = f"{command}\nisready\nquit\n"
    cold, warm = (world.run(work, said).splitlines()[-1] for _ in range(2))
    assert "torch" in cold
    loaded, _, count = warm.rpartition(" ")
    assert loaded == "['openvino']"
    assert int(count) < 700, "0.3 s of processor time; the half of them are numpy's and OpenVINO's"


@pytest.mark.parametrize(
    "work, kind",
    [
        ("import socket; socket.socket()", "socket"),
        ("import os; os.fork() or os._exit(0)", "process"),
        ("import subprocess; subprocess.run(['true'])", "process"),
        ("import os; open(os.path.expanduser('~/left'), 'w')", "file"),
        ("import os; os.mkdir(os.path.expanduser('~/left'))", "file"),
    ],
)
def test_the_recorder_sees_what_it_is_there_for(world, work, kind):
    world.run(work)
    assert world.seen(kind)
    assert kind != "file" or world.strays()


def test_openvino_by_itself_would_leave_the_machine(world):
    """The reason for all this, and that the recorder sees it: should it become false, openvino_cpu.library() can be simpler."""
    pytest.importorskip("openvino_telemetry")
    world.run("import openvino.tools.ovc")
    assert world.seen("process") or world.seen("socket") or world.strays()


def test_plots_leave_no_files_in_the_home(world):
    del world.environment["XDG_CACHE_HOME"]
    work = "from alphazero import machine; machine.keep_to_cache_folder(); from matplotlib import pyplot"
    world.run(work)
    inside = world.folder / "home" / ".cache" / "alphazero"
    outside = [p for p in (world.folder / "home").rglob("*") if inside not in (p, *p.parents) and p != inside.parent]
    assert outside == []


@pytest.mark.parametrize("module", ["alphazero", "alphazero.cli", "alphazero.evaluators", "alphazero.checkpoint"])
def test_importing_us_does_not_load_torch(world, module):
    assert (
        world.run(f"import sys, {module}; print('torch' in sys.modules, 'openvino' in sys.modules)") == "False False\n"
    )


ASK = (
    "import sys, alphazero as az; p = az.load({name!r}, 'cpu'); "
    "r = p.search(p.game.position(), 8); print(p.evaluator.describe(), r.best_move, 'torch' in sys.modules)"
)


def test_a_proven_checkpoint_plays_without_torch_and_plays_the_same(world):
    world.environment["ALPHAZERO_EVALUATOR"] = "openvino-fp32"
    cold = world.run(ASK.format(name="pretrained:chess")).split()
    warm = world.run(ASK.format(name="pretrained:chess")).split()
    assert cold[-1] == "True" and warm[-1] == "False"
    assert cold[:-1] == warm[:-1]
    (proof,) = (world.folder / "cache" / "alphazero" / "proven").iterdir()
    proof.write_bytes(b"\xff\x00 broken")
    assert world.run(ASK.format(name="pretrained:chess")).split() == cold, "a broken proof is made anew"
    assert proof.read_text() == "openvino-fp32"
