"""The core on several threads, driven from C++: what a consumer as fast as C++ brings to light, Python's never would."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_rules_searches_and_pools_hold_under_load_whatever_the_number_of_threads(tmp_path):
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler under the name c++")
    program = tmp_path / "stress"
    source = ROOT / "tests" / "cpp" / "stress.cpp"
    made = subprocess.run(
        [compiler, "-std=c++20", "-O1", "-pthread", f"-I{ROOT}", str(source), "-o", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    ran = subprocess.run([str(program)], capture_output=True, text=True, timeout=300, check=False)
    assert (ran.returncode, ran.stdout.split()[-1:]) == (0, ["clean"]), ran.stderr
