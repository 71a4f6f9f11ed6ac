"""A C++ program of tests/cpp, compiled and run: it ends with the line "clean"."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def runs_clean(name: str, folder: Path, seconds: float) -> None:
    """Compiles tests/cpp/NAME.cpp into a folder and runs it, for so long at most."""
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler under the name c++")
    source, program = ROOT / "tests" / "cpp" / f"{name}.cpp", folder / name
    made = subprocess.run(
        [compiler, "-std=c++20", "-O1", "-pthread", f"-I{ROOT}", str(source), "-o", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    ran = subprocess.run([str(program)], capture_output=True, text=True, timeout=seconds, check=False)
    assert (ran.returncode, ran.stdout.split()[-1:]) == (0, ["clean"]), ran.stderr
