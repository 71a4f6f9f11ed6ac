"""`alphazero new-game NAME DIR`: a package with a game of its own, to be changed: rules, test, configuration, CMake."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

TEMPLATE = Path(__file__).parents[1] / "game_template"
# Where its files go, by their place in the template.
FILES = {
    "README.md.in": "README.md",
    "pyproject.toml.in": "pyproject.toml",
    "CMakeLists.txt.in": "CMakeLists.txt",
    "game.yaml.in": "{name}.yaml",
    "game.h.in": "src/{name}.h",
    "game.cpp.in": "src/{name}.cpp",
    "init.py.in": "alphazero_{name}/__init__.py",
    "test_game.py.in": "tests/test_{name}.py",
}
# alphazero-NAME or alphazero_NAME is a part of this program. In C++ and CMake the names end in _game or are the same for all.
OURS = ("bench", "engine")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of the game: lower case, for example othello")
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="folder to write the package into; it must not be there"
    )


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError
    from alphazero.files import writing
    from alphazero.game import FAMILIES, games
    from alphazero.text import shown

    name, folder = args.name, args.folder
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > 30:
        raise UserError(
            f"new-game: {shown(name)} cannot be a game's name: lower-case letters, digits and single _, at most 30"
        )
    if name in OURS:
        raise UserError(f"new-game: {name} cannot be a game's name: alphazero-{name} is a part of alphazero itself")
    if name in (*games(), *FAMILIES):
        raise UserError(f"new-game: there is a game {name} already")
    if folder.exists():
        raise UserError(f"new-game: {folder} is there already")
    with writing(folder):
        for source, target in FILES.items():
            path = folder / target.format(name=name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text((TEMPLATE / source).read_text("utf-8").replace("@NAME@", name), "utf-8")
    place = shlex.quote(str(folder) if folder.is_absolute() else f"./{folder}")  # without ./ pip asks the package index
    print(f"wrote {len(FILES)} files into {folder}: it is Gomoku, until you change src/{name}.h")
    print(f"next: pip install {place} && alphazero play --game {name} --model mcts:2000")
    return 0
