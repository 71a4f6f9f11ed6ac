"""Which compiled core a wheel loads, and what is said where none can be, or a package of another extra is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import types
from pathlib import Path

import pytest

from alphazero import _core, core_choice


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package folder with three cores, as a wheel has them; what is loaded is told by its path."""
    for level in (2, 3, 4):
        folder = tmp_path / "cores" / f"v{level}"
        folder.mkdir(parents=True)
        shutil.copy(_core.__file__, folder / Path(_core.__file__).name)
    monkeypatch.setattr(core_choice, "__file__", str(tmp_path / "core_choice.py"))
    monkeypatch.delenv("ALPHAZERO_CORE", raising=False)
    monkeypatch.delitem(sys.modules, "alphazero._core")
    chosen = []

    def spec(name, path):
        chosen.append(Path(path).parent.name)
        return types.SimpleNamespace(loader=types.SimpleNamespace(exec_module=lambda module: None), name=name)

    monkeypatch.setattr(core_choice.importlib.util, "spec_from_file_location", spec)
    monkeypatch.setattr(core_choice.importlib.util, "module_from_spec", lambda spec: types.ModuleType(spec.name))

    def load(level: int) -> str:
        monkeypatch.setitem(sys.modules, "alphazero._level", types.SimpleNamespace(level=lambda: level))
        sys.modules.pop("alphazero._core", None)
        core_choice.load_core()
        return chosen[-1]

    yield load
    sys.modules["alphazero._core"] = _core


def test_the_best_core_that_the_processor_runs_is_loaded(wheel, monkeypatch):
    assert [wheel(level) for level in (2, 3, 4)] == ["v2", "v3", "v4"]
    monkeypatch.setenv("ALPHAZERO_CORE", "v2")
    assert wheel(4) == "v2"


def test_what_cannot_be_loaded_is_said_in_one_line(wheel, monkeypatch):
    with pytest.raises(ImportError, match="x86-64-v2"):
        wheel(1)
    monkeypatch.setenv("ALPHAZERO_CORE", "v4")
    with pytest.raises(ImportError, match="this processor runs v2 to v3"):
        wheel(3)
    monkeypatch.delenv("ALPHAZERO_CORE")
    shutil.rmtree(Path(core_choice.__file__).with_name("cores") / "v3")
    with pytest.raises(ImportError, match="install alphazero-engine again"):
        wheel(3)


def test_a_build_for_this_machine_has_one_core_and_chooses_nothing():
    before = sys.modules["alphazero._core"]
    core_choice.load_core()
    assert sys.modules["alphazero._core"] is before


def test_the_processor_says_its_level(tmp_path):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source = Path(__file__).parents[1] / "cpp" / "level" / "level.c"
    module = tmp_path / f"_level{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_paths()["include"]
    subprocess.run([compiler, "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(module)], check=True)
    done = subprocess.run(
        [sys.executable, "-c", "import _level; print(_level.level())"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    level = int(done.stdout)
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if " avx512vl" in flags and " avx512bw" in flags:
        assert level == 4
    elif " avx2" in flags:
        assert level == 3
    else:
        assert level in (1, 2)


# --- without torch ---

WITHOUT_TORCH = """
import importlib.abc, importlib.util, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "zstandard", "tensorboard", "matplotlib"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.partition(".")[0] == "torch" else real(name, package)
sys.meta_path.insert(0, Blocked())
from alphazero.cli import main
sys.exit(main(sys.argv[1:]))
"""


def without_torch(*arguments: str, said: str = "", cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *arguments],
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        env={"XDG_CACHE_HOME": str(cache), "PATH": "/usr/bin:/bin"},
    )


@pytest.mark.parametrize(("command", "game"), [("uci", "chess"), ("usi", "shogi"), ("gtp", "go")])
def test_engines_play_without_torch(tmp_path, command, game):
    pytest.importorskip("openvino", reason="the backend that plays without torch")
    ask = "genmove b\nquit\n" if command == "gtp" else "isready\nposition startpos\ngo nodes 50\n"
    done = without_torch(command, said=ask, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("= " if command == "gtp" else "bestmove ") in done.stdout


def test_what_needs_torch_says_where_it_comes_from(tmp_path):
    for arguments in (["train", "configs/quickstart.yaml", "--run", str(tmp_path / "run")], ["doctor"]):
        done = without_torch(*arguments, cache=tmp_path)
        assert done.returncode == 2 and "pip install 'alphazero-engine[train]'" in done.stderr
        assert done.stderr.count("\n") == 1
    done = without_torch("match", "pretrained:chess", "random", "--games", "2", "--device", "torch", cache=tmp_path)
    assert done.returncode == 2 and "alphazero-engine[train]" in done.stderr
