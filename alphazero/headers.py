"""Where the C++ headers and CMake files are that come with the package."""

from __future__ import annotations

from pathlib import Path

from alphazero._core import __file__ as core_file


def get_include() -> Path:
    """The folder of the C++ headers: `c++ -I` with it, then `#include "games/game.h"` or `"cpp/search/search.h"`."""
    return _beside_the_core("include") or Path(__file__).parent.parent  # a checkout has them at its root


def get_cmake_dir() -> Path:
    """The folder for CMake's `find_package(alphazero CONFIG)`: `alphazero_DIR`. It builds games from outside."""
    return _beside_the_core("cmake") or Path(__file__).parent.parent / "cmake"


def _beside_the_core(name: str) -> Path | None:
    core = Path(core_file).parent
    for folder in (core, core.parent.parent):  # a wheel has several cores, in folders of their own
        if (folder / name).is_dir():
            return folder / name
    return None
