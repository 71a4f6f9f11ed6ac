"""The wheel as people install it: several cores in one file, no compiler and no torch to play. Slow: three cores are compiled."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASK = """
import sys
from pathlib import Path
import alphazero as az
import alphazero._core as core
assert "torch" not in sys.modules
print(Path(core.__file__).parent.name, az.Game("chess").position().perft(3), (az.get_include() / "games/game.h").exists())
"""


@pytest.mark.slow
def test_a_wheel_brings_three_cores_and_plays_where_there_is_no_compiler(tmp_path):
    levels = ["-C", "cmake.define.AZ_LEVELS=ON", "-C", "cmake.define.AZ_NATIVE=OFF"]
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), *levels, str(ROOT)]
    subprocess.run(build, check=True, timeout=1500)
    (wheel,) = tmp_path.glob("alphazero_engine-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {Path(name).parent.name for name in names if "/cores/" in name} == {"v2", "v3", "v4"}
    assert wheel.stat().st_size < 20e6
    venv.create(tmp_path / "bare", with_pip=True)
    python = tmp_path / "bare" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", f"{wheel}[play]"], check=True, timeout=600)
    assert not list((tmp_path / "bare" / "lib").glob("*/site-packages/torch"))
    environment = {"HOME": str(tmp_path), "PATH": "/nonexistent"}
    best = subprocess.run(
        [python, "-c", ASK], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert best[1:] == ["8902", "True"]
    for level in range(2, int(best[0][1]) + 1):
        told = subprocess.run(
            [python, "-c", ASK],
            env={**environment, "ALPHAZERO_CORE": f"v{level}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.split() == [f"v{level}", "8902", "True"]
    played = subprocess.run(
        [tmp_path / "bare" / "bin" / "alphazero-uci"],
        input="isready\nposition startpos\ngo nodes 200\n",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert played.stdout.splitlines()[-1].startswith("bestmove "), played.stderr
