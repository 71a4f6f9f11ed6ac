"""What files of games may know: games, and nobody who plays them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import alphazero

FOLDER = Path(alphazero.__file__).parent / "formats"
KNOWN = ("_core", "errors", "files", "formats", "game", "text")


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports, at its head or anywhere else."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "alphazero":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("alphazero."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("alphazero.")}
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_format_knows_games_and_nobody_who_plays_them(path):
    assert imported(path) <= set(KNOWN)


def test_what_the_test_above_looks_for_is_found_in_the_arena():
    assert {"formats", "game", "arena"} <= imported(FOLDER.parent / "arena" / "store.py")
