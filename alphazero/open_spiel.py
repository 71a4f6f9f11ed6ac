"""OpenSpiel's games: their adapter (games/open_spiel) is compiled once for the OpenSpiel that is installed, and checked against it.

OpenSpiel's wheel brings its headers and, in pyspiel, its compiled library, but no promise that classes look the same in the next
version. So what is compiled is kept by version, compiler and headers in the cache folder, and each process that loads it counts
positions and plays games in both before anything else uses it.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import os
import platform
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from alphazero._core import Game, Outcome, load_games
from alphazero.errors import UserError
from alphazero.files import writing
from alphazero.headers import get_include
from alphazero.machine import cache_folder, processor
from alphazero.text import clean

Spiel = Any  # pyspiel, and what it makes: it comes without types
NAME = "open_spiel"
SOURCE = """#include "cpp/bind/library.h"
#include "games/open_spiel/open_spiel.h"

ALPHAZERO_GAMES(az::open_spiel::Types);
"""
# As CMakeLists.txt has them for the core's games.
OPTIONS = ("-std=c++20", "-O3", "-march=native", "-DNDEBUG", "-shared", "-fPIC", "-fvisibility=hidden", "-w")
GCC_OPTIONS = ("-fno-gnu-unique", "--param", "inline-unit-growth=300", "--param", "large-unit-insns=200000")
CHECKED = (("tic_tac_toe", 4, 1), ("connect_four", 3, 2), ("chess", 2, 1))  # game, depth of the count, random games
MOST_CHECKED_PLIES = 150
PYTHONS = ((3, 11), (3, 12), (3, 13))  # that OpenSpiel 2.0.2 has wheels for; the extra installs nothing elsewhere
KEPT = 4  # compiled adapters: others may be in use by other installations


def load() -> None:
    """The entry point: loads the adapter into the core. UserError says what is missing, or what does not fit."""
    pyspiel = _pyspiel()
    load_games(str(library(pyspiel)), lambda: check(pyspiel))


def library(pyspiel: Spiel) -> Path:
    """The compiled adapter; it is compiled where it was not yet, which takes about a minute."""
    compiler = _compiler()
    stamp = _stamp(pyspiel, compiler)
    path = cache_folder() / NAME / f"adapter-{stamp}.so"
    if _is_there(path):
        return path
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_name("lock")):
            if not _is_there(path):  # another process made it meanwhile
                _compile(Path(pyspiel.__file__), compiler, path)
                _clean(path.parent)
    return path


def _is_there(path: Path) -> bool:
    """Whether this adapter is compiled. It counts as used now, and those used last are kept."""
    with suppress(OSError):  # not there, or in the folder of another user
        os.utime(path)
    return path.exists()


def _clean(folder: Path) -> None:
    """Deletes the adapters that were not used for longest, and what killed compilations left. The lock is held.

    A process that has one loaded keeps it: the file's name goes, its contents stay until the process ends.
    """
    adapters = sorted(folder.glob("adapter-*.so"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for path in (*adapters[KEPT:], *folder.glob("adapter-*.cpp"), *folder.glob("adapter-*.tmp")):
        path.unlink(missing_ok=True)


def _pyspiel() -> Spiel:
    """The module pyspiel. It sets how OpenSpiel reports errors, so it is imported although only its library is used."""
    if platform.system() != "Linux":
        raise UserError(f"{NAME}: its games are available on Linux only")
    try:
        return importlib.import_module("pyspiel")
    except ImportError as error:
        if sys.version_info[:2] not in PYTHONS:
            known = f"{'.'.join(map(str, PYTHONS[0]))} to {'.'.join(map(str, PYTHONS[-1]))}"
            raise UserError(
                f"{NAME}: OpenSpiel has wheels for Python {known}, and this is Python {platform.python_version()}"
            ) from error
        raise UserError(f"{NAME}: OpenSpiel is needed: pip install 'alphazero-engine[open_spiel]' ({error})") from error


def _version() -> str:
    try:
        return version("open_spiel")
    except PackageNotFoundError:
        return "of unknown version"


def _compiler() -> str:
    asked = os.environ.get("CXX", "")
    for name in (asked, "c++", "g++", "clang++"):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise UserError(
        f"{NAME}: a C++20 compiler is needed once, to compile the adapter to OpenSpiel {_version()}: install g++ 12 or clang 15, "
        "or newer (Debian: apt-get install g++)"
    )


def _stamp(pyspiel: Spiel, compiler: str) -> str:
    """Names all that the compiled adapter depends on."""
    digest = hashlib.sha256()
    wheel = Path(pyspiel.__file__).stat()
    include = get_include()
    said = (_version(), wheel.st_size, wheel.st_mtime_ns, pyspiel.__file__, compiler, processor(), OPTIONS, GCC_OPTIONS)
    digest.update(repr(said).encode() + SOURCE.encode())
    for folder in ("cpp", "games"):
        for header in sorted((include / folder).rglob("*.h")):
            digest.update(header.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a lock that other processes wait for; it goes with the process, whatever happens."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(pyspiel: Path, compiler: str, path: Path) -> None:
    site = pyspiel.parent
    if not (site / "open_spiel" / "spiel.h").exists():
        raise UserError(f"{NAME}: OpenSpiel {_version()} in {site} has no C++ headers; version 2.0.2 has them")
    print(f"compiling the adapter to OpenSpiel {_version()} (once, about a minute) ...", file=sys.stderr, flush=True)
    source, made = path.with_suffix(".cpp"), path.with_suffix(".tmp")
    source.write_text(SOURCE)
    folders = [get_include(), site, *(site / "open_spiel" / each for each in ("", "abseil-cpp", "json/include"))]
    # Linked to pyspiel by its path: the adapter finds OpenSpiel's own functions there, and nobody else has to.
    command = [compiler, *OPTIONS, *(GCC_OPTIONS if _is_gcc(compiler) else ()), *(f"-I{each}" for each in folders)]
    try:
        said = subprocess.run(
            [*command, str(source), str(pyspiel), "-o", str(made)], capture_output=True, text=True, errors="replace"
        )
        if said.returncode != 0:
            first = next((line for line in said.stderr.splitlines() if "error" in line), said.stderr.strip()[-300:])
            raise UserError(f"{NAME}: the adapter to OpenSpiel {_version()} does not compile: {clean(first, 400)}")
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
        source.unlink(missing_ok=True)


def _is_gcc(compiler: str) -> bool:
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, errors="replace").stdout
    return "Free Software Foundation" in said


def refused() -> dict[str, str]:
    """OpenSpiel's games for two players that cannot be played here, and why. docs/open_spiel.md lists them."""
    reasons = {}
    for kind in _pyspiel().registered_games():
        name = str(kind.short_name)
        if not kind.min_num_players <= 2 <= kind.max_num_players or name.startswith("python_"):
            continue  # those in Python are there only where a program imported them
        try:
            Game(NAME, game=name)
        except ValueError as error:
            reasons[name] = str(error).removeprefix(f"{NAME}: '{name}' cannot be played here: ")
    return reasons


# --- the check ---


def check(pyspiel: Spiel) -> None:
    """Counts positions and plays random games in the adapter and in pyspiel. UserError where they differ."""
    for name, depth, games in CHECKED:
        theirs, game = pyspiel.load_game(name), Game(NAME, game=name)
        if game.position().perft(depth) != _count(theirs.new_initial_state(), depth):
            raise _differs(f"{name}: other counts of positions")
        for seed in range(games):
            fault = compare(theirs, game, random.Random(seed), MOST_CHECKED_PLIES)
            if fault:
                raise _differs(f"{name}: {fault}")


def compare(theirs: Spiel, game: Game, draw: random.Random, most_plies: int) -> str:
    """Plays one random game in pyspiel's game and in ours; what differs first, "" where nothing does."""
    state, position = theirs.new_initial_state(), game.position()
    for ply in range(most_plies):
        here = f"at ply {ply} of {state.history()[:40]}"
        outcome = position.outcome
        if state.is_terminal():
            return f"the end {here}" if outcome is None else _returns_fault(state.returns(), outcome, here)
        if outcome is not None:
            return f"an end that is none {here}"
        player, actions = state.current_player(), state.legal_actions()
        if position.turn != player:
            return f"the player to move {here}"
        moves = ["_".join(state.action_to_string(player, each).split(" ")) for each in actions]
        if position.legal_moves() != moves:
            return f"the legal moves {here}"
        planes = position.planes()
        if not np.array_equal(planes[:-1].ravel(), np.array(state.observation_tensor(player), np.float32)):
            return f"the observation {here}"
        if not (planes[-1] == player).all():
            return f"the plane of the player to move {here}"
        number = draw.randrange(len(actions))
        state.apply_action(actions[number])
        position.play(moves[number])
    return ""


def _returns_fault(returns: list[float], outcome: Outcome, here: str) -> str:
    """What is wrong with an outcome beside these returns; a game without a score returns -1, 0 and 1 alone."""
    told = outcome.value if outcome.score is None else outcome.score
    if outcome.value == np.sign(returns[0]) and told == np.float32(returns[0]) and returns[0] == -returns[1]:
        return ""
    return f"the returns {returns}, for which the adapter has {outcome!r}, {here}"


def _count(state: Spiel, depth: int) -> int:
    if depth == 0:
        return 1
    if depth == 1:
        return len(state.legal_actions())
    return sum(_count(state.child(action), depth - 1) for action in state.legal_actions())


def _differs(what: str) -> UserError:
    return UserError(f"{NAME}: the adapter compiled here does not play as OpenSpiel {_version()} does ({what})")
