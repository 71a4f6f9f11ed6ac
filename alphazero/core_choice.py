"""Which compiled core is loaded, where a wheel brings several: the best that this processor can run.

A build from source has one core, made for its own machine, and this does nothing there. ALPHAZERO_CORE=v2, v3 or v4 asks for one.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

LEVELS = (4, 3, 2)  # of x86-64, as the psABI has them


def load_core() -> None:
    """Loads alphazero._core where it is not simply there. ImportError says what this processor lacks."""
    folder = Path(__file__).with_name("cores")
    if "alphazero._core" in sys.modules or not folder.is_dir():
        return
    most = int(importlib.import_module("alphazero._level").level())
    wanted = os.environ.get("ALPHAZERO_CORE", "")
    usable = [each for each in LEVELS if each <= most]
    if wanted:
        usable = [each for each in usable if f"v{each}" == wanted]
        if not usable:
            raise ImportError(f"ALPHAZERO_CORE={wanted}: this processor runs v2 to v{most}")
    if not usable:
        raise ImportError("alphazero needs a processor with x86-64-v2 (SSE4.2, POPCNT): from 2009 on most have it")
    found = next((folder / f"v{usable[0]}").glob("_core*"), None)
    if found is None:
        raise ImportError(f"{folder / f'v{usable[0]}'}: the compiled core is missing; install alphazero-engine again")
    spec = importlib.util.spec_from_file_location("alphazero._core", found)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["alphazero._core"] = module
    spec.loader.exec_module(module)
