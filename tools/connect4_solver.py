"""Exact results of Connect Four positions, from tools/connect4_solver.cpp, compiled when first asked for.

python tools/connect4_solver.py ddcf
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("connect4_solver.cpp")


@cache
def _library() -> ctypes.CDLL:
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        raise RuntimeError("connect4_solver: a C++ compiler is needed (c++ or g++ on the PATH)")
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"connect4_solver-{os.getuid()}-{digest}.so"
    if not target.exists():
        fresh = target.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [compiler, "-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", "-o", fresh, SOURCE], check=True
        )
        fresh.replace(target)
    library = ctypes.CDLL(str(target))
    library.connect4_solve.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint64)]
    return library


def solve(moves: str) -> int:
    """The value for the side to move after these columns ("ddcf"): 1 win, 0 draw, -1 loss. ValueError: no such position."""
    value = _library().connect4_solve(moves.encode(), None)
    if value > 1:
        raise ValueError(
            f"connect4_solver: '{moves}' holds an illegal move" if value == 2 else f"'{moves}': the game is over"
        )
    return int(value)


if __name__ == "__main__":
    print({1: "win", 0: "draw", -1: "loss"}[solve(sys.argv[1] if len(sys.argv) > 1 else "")], "for the side to move")
