"""Games from outside: a package that `alphazero new-game` wrote is built, installed, trained and played; and rules in Python."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import alphazero as az
from alphazero import checkpoint, outside
from alphazero.cli import main
from alphazero.commands import new_game
from alphazero.errors import UserError
from alphazero.search import uniform_evaluator

CONFIG = """
game: {name: gomoku, options: {board_size: 6}}
network: {blocks: 1, channels: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 8, batch_size: 8}
replay: {window_min: 500, min_positions: 100, chunk_games: 8}
training: {batch_size: 32, warmup_steps: 2, budget_games: 24}
rating: {checkpoints: 2, games: 2, simulations: 2, opponents: [random]}
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, as new-game wrote it, and the folder that it is installed in."""
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler under the name c++")
    folder = tmp_path_factory.mktemp("outside")
    assert main(["new-game", "gomoku", str(folder / "gomoku")]) == 0
    made = install(folder / "gomoku", folder / "site", "--no-build-isolation", flags="-O1")
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    return folder


def install(package: Path, target: Path, *options: str, flags: str) -> subprocess.CompletedProcess[str]:
    """What pip says of installing the package into a folder, compiled with these flags."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", *options]
    quick = ["-C", f"cmake.define.CMAKE_CXX_FLAGS_RELEASE={flags}", "--target", str(target), str(package)]
    return subprocess.run([*pip, *quick], capture_output=True, text=True, timeout=500)


@pytest.mark.slow  # compiles once more, and pip downloads scikit-build-core
def test_the_documented_pip_install_builds_it_against_the_alphazero_that_is_installed(package, tmp_path):
    made = install(package / "gomoku", tmp_path / "site", flags="-O0")
    if "No matching distribution" in made.stderr or "Could not find a version" in made.stderr:
        pytest.skip("pip reaches no package index")
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    said = alphazero(tmp_path / "site", "-m", "alphazero", "perft", "gomoku", "2", "--option", "board_size=5")
    assert said.stdout.startswith("600 nodes"), said.stderr


def test_it_is_configured_where_pip_hides_the_alphazero_that_is_installed(tmp_path):
    """As pip's build isolation does: a sitecustomize.py on PYTHONPATH takes the installed packages out of sys.path."""
    if shutil.which("cmake") is None or shutil.which("c++") is None:
        pytest.skip("no CMake or C++ compiler under the names cmake and c++")
    assert main(["new-game", "gomoku", str(tmp_path / "gomoku")]) == 0
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "sys.path = [p for p in sys.path if 'site-packages' not in p and not os.path.isdir(f'{p}/alphazero')]\n"
        "sys.meta_path = [each for each in sys.meta_path if '_editable' not in type(each).__module__]\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    hidden = [sys.executable, "-c", "import alphazero"]
    assert subprocess.run(hidden, env=environment, cwd=tmp_path, capture_output=True).returncode == 1

    def configure(python: str) -> subprocess.CompletedProcess[str]:
        cmake = ["cmake", "-S", str(tmp_path / "gomoku"), "-B", str(tmp_path / f"build-{Path(python).name}")]
        return subprocess.run(
            [*cmake, f"-DPython_EXECUTABLE={python}"], env=environment, capture_output=True, text=True
        )

    made = configure(sys.executable)
    assert made.returncode == 0, made.stderr
    bare = tmp_path / "bare-python"  # as of an environment that has no alphazero at all
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    made = configure(str(bare))
    assert made.returncode != 0 and "finds no alphazero (pip install alphazero-engine)" in " ".join(made.stderr.split())


def alphazero(folder: Path | None, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The program, with what is installed in `folder` beside it."""
    environment = {**os.environ, **more}
    environment.pop("PYTHONPATH", None)
    if folder is not None:
        environment["PYTHONPATH"] = str(folder)
    return subprocess.run(
        [sys.executable, *map(str, words)], env=environment, capture_output=True, text=True, timeout=200
    )


def test_it_passes_its_own_tests(package):
    said = alphazero(package / "site", "-m", "pytest", "-q", "-p", "no:cacheprovider", package / "gomoku" / "tests")
    assert said.returncode == 0, said.stdout[-2000:]


def test_it_trains_resumes_is_rated_and_played_and_without_it_there_is_one_clear_line(package, tmp_path):
    site, run, config = package / "site", tmp_path / "run", tmp_path / "gomoku.yaml"
    config.write_text(CONFIG)
    program = ("-m", "alphazero")
    for words in (
        ("train", config, "--run", run),
        ("train", config, "--run", run, "training.budget_games=32"),
        ("match", run, "mcts:20", "--games", "2"),
        ("info", run),
        ("perft", "gomoku", "2", "--option", "board_size=6"),
    ):
        said = alphazero(site, *program, *words)
        assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("1260 nodes")
    for words in (
        ("train", config, "--run", run, "training.budget_games=40"),
        ("train", config, "--run", tmp_path / "other"),
        ("match", run, "random", "--games", "2"),
        ("play", "--model", run),
        ("replay", run),
    ):
        said = alphazero(None, *program, *words)
        assert said.returncode == 2, (words, said.stdout, said.stderr)
        (line,) = said.stderr.splitlines()
        assert "unknown game 'gomoku'" in line and "needs its package installed" in line
    said = alphazero(None, *program, "info", run)  # tells what it can
    assert said.returncode in (0, 2) and "Traceback" not in said.stderr
    assert "gomoku" in said.stdout + said.stderr


def test_games_that_are_installed_are_listed_and_loaded_when_they_are_asked_for(package):
    script = (
        "import alphazero as az, sys; assert 'gomoku' in az.games() and 'alphazero_gomoku' not in sys.modules;"
        "game = az.Game('gomoku', board_size=7); assert 'alphazero_gomoku' in sys.modules;"
        "import pickle; assert pickle.loads(pickle.dumps(game)) == game; print(game)"
    )
    said = alphazero(package / "site", "-c", script)
    assert said.stdout == "Game('gomoku', board_size=7)\n", said.stderr


def test_a_library_of_other_headers_is_refused(package, tmp_path):
    library = next((package / "site").rglob("gomoku_game.so"))
    stamp = next(
        line.split('"')[1].split()[0]
        for line in (az.get_include() / "cpp/bind/stamp.h").read_text().splitlines()
        if "kStamp" in line
    )
    other = tmp_path / "other.so"
    other.write_bytes(library.read_bytes().replace(stamp.encode(), b"0" * len(stamp)))
    with pytest.raises(ImportError, match=r"was built with other headers than this alphazero.*build it again"):
        az._core.load_games(str(other))
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(ImportError, match=r"text\.so"):
        az._core.load_games(str(tmp_path / "text.so"))
    with pytest.raises(ImportError, match="is no library of games"):
        az._core.load_games(az._core.__file__)


class Entry:
    """An entry point of a package that is not what it should be."""

    name, value, dist = "broken", "broken:library", None

    def __init__(self, function):
        self.load = lambda: function


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda: "/nowhere/broken.so", "nowhere/broken.so"),
        (lambda: 1 / 0, "division by zero"),
        (lambda: None, "has no game of this name"),
    ],
)
def test_a_broken_package_is_named_in_one_line(monkeypatch, function, said):
    monkeypatch.setattr(outside, "entry_points", lambda group: [Entry(function)])
    with pytest.raises(UserError, match=said) as refused:
        az.Game("broken")
    assert "game 'broken' of the package broken:library" in str(refused.value)


@pytest.mark.parametrize(
    "name", ["Gomoku", "go moku", "1st", "a__b", "_a", "a-b", "chess", "python", "engine", "bench", "x" * 31, ""]
)
def test_new_game_refuses_what_can_be_no_name(name, tmp_path, capsys):
    assert main(["new-game", name, str(tmp_path / "x")]) == 2
    assert "new-game" in capsys.readouterr().err and not (tmp_path / "x").exists()


def test_in_cpp_and_cmake_a_name_stands_with_an_ending_that_makes_it_unique():
    for source in ("game.h.in", "game.cpp.in"):
        code = re.sub(r'//.*|"(\\.|[^"\\])*"', "", (new_game.TEMPLATE / source).read_text())
        assert set(re.findall(r"\w*@\w+@\w*", code)) == {"@NAME@_game"}
    cmake = (new_game.TEMPLATE / "CMakeLists.txt.in").read_text()
    assert re.findall(r"(?:alphazero_add_game\(|TARGETS )(\S+)", cmake) == ["@NAME@_game"] * 2


@pytest.mark.parametrize("name", ["class", "install", "position", "yes"])
def test_a_name_that_means_something_elsewhere_is_taken(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new-game", name, name]) == 0
    assert f"pip install ./{name} " in capsys.readouterr().out  # `pip install NAME` would be one of the package index
    assert yaml.safe_load((tmp_path / name / f"{name}.yaml").read_text())["game"]["name"] == name
    written = [path.read_text() for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert len(written) == len(new_game.FILES) and not any("@NAME@" in text for text in written)


@pytest.mark.parametrize("name", ["game", "position", "std"])
def test_a_hard_name_compiles(name, tmp_path):
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler under the name c++")
    assert main(["new-game", name, str(tmp_path / name)]) == 0
    check = ["c++", "-std=c++20", "-fsyntax-only", f"-I{az.get_include()}", str(tmp_path / name / "src" / f"{name}.h")]
    made = subprocess.run(check, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-2000:]


@pytest.mark.slow  # trains for a minute
def test_its_own_configuration_trains_for_a_minute_and_beats_random_play(package, tmp_path):
    run = tmp_path / "run"
    minute = ("training.budget_minutes=1", "rating.games=2", "rating.checkpoints=2", "rating.opponents=[random]")
    small = ("game.options={board_size: 7}", "network.blocks=1", "network.channels=16", "search.simulations=8")
    quick = ("selfplay.games_in_flight=16", "replay.min_positions=500", "replay.chunk_games=8")
    program, config = ("-m", "alphazero"), package / "gomoku" / "gomoku.yaml"
    said = alphazero(package / "site", *program, "train", config, "--run", run, *minute, *small, *quick)
    assert said.returncode == 0, said.stderr
    assert checkpoint.read_meta(checkpoint.resolve(run))["steps"] > 0
    said = alphazero(package / "site", *program, "match", run, "random", "--games", "20", "--out", tmp_path / "match")
    assert said.returncode == 0, said.stderr
    results = [json.loads(line) for line in (tmp_path / "match" / "results.jsonl").read_text().splitlines()]
    assert sum(1 - each["result"] if each["first"] == "random" else each["result"] for each in results) >= 15


def test_new_game_overwrites_nothing(tmp_path, capsys):
    assert main(["new-game", "othello", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err


# --- rules in Python ---


class Nim:
    """Three heaps; who takes the last stone wins. Move 3 * heap + n - 1 takes n stones."""

    planes_shape = (2, 1, 3)
    policy_size = 9

    def __init__(self):
        self.heaps, self.plies = [2, 3, 1], 0

    def turn(self):
        return self.plies % 2

    def legal_moves(self):
        return [3 * heap + n for heap in range(3) for n in range(min(3, self.heaps[heap]))]

    def play(self, move):
        self.heaps[move // 3] -= move % 3 + 1
        self.plies += 1

    def outcome(self):
        return None if any(self.heaps) else 1 if self.plies % 2 else -1

    def planes(self):
        return np.array([[self.heaps], [[self.turn()] * 3]], np.float32)

    def __str__(self):
        return f"heaps {self.heaps}"


class Shape(Nim):
    def planes(self):
        return np.zeros((1, 1, 3))


class Raises(Nim):
    def legal_moves(self):
        raise KeyError("heap")


class Stuck(Nim):
    def legal_moves(self):
        return []


class Beyond(Nim):
    def legal_moves(self):
        return [9]


class Wide(Nim):
    policy_size = 100_000


@pytest.fixture
def nim():
    with pytest.warns(RuntimeWarning, match="a hundred times as slow"):
        return az.Game("python", rules=f"{__name__}:Nim")


def lost(heaps):
    """Whether who is to move loses: the exclusive or of the heaps is 0."""
    return heaps[0] ^ heaps[1] ^ heaps[2] == 0


def test_rules_in_python_are_searched_to_their_proof(nim):
    position = nim.position()
    assert position.legal_moves() == [str(move) for move in (0, 1, 3, 4, 5, 6)]
    for seed in range(5):
        heaps, position = Nim(), nim.position()
        for move in position.random_playout(seed)[1]:
            found = az.Search(nim, uniform_evaluator).search(position, 500)
            assert found.value == (-1.0 if lost(heaps.heaps) else 1.0)
            assert az.load("mcts:500", game=nim).search(position).value == found.value
            assert np.array_equal(position.planes(), heaps.planes()) and position.turn == heaps.turn()
            assert position.diagram == str(heaps) and nim.position(position.text).key == position.key
            heaps.play(int(move))
            position.play(move)
        assert position.outcome.value == heaps.outcome() and position.legal_moves() == []
        for _ in range(position.ply):
            position.undo()
        assert position.key == nim.position().key
    assert nim.position().perft(3) == sum(1 for a in moves(Nim()) for b in moves(a) for _ in moves(b))


def moves(state):
    import copy

    for move in state.legal_moves():
        after = copy.deepcopy(state)
        after.play(move)
        yield after


def test_rules_in_python_have_no_pool(nim, tmp_path):
    with pytest.raises(ValueError, match=r"python: no self-play, training or matches.*write them in C\+\+"):
        list(az.self_play(nim, lambda planes: (np.zeros((len(planes), 9)), np.zeros(len(planes))), games=1))


@pytest.fixture
def own_rules(tmp_path):
    """A folder with rules and a configuration; it is to hold nothing else at the end."""
    (tmp_path / "own_nim.py").write_text(f"import numpy as np\n\n\n{inspect.getsource(Nim)}")
    rules = 'python, options: {rules: "own_nim:Nim"}'
    (tmp_path / "c.yaml").write_text(CONFIG.replace("gomoku, options: {board_size: 6}", rules))
    yield tmp_path
    assert {each.name for each in tmp_path.iterdir()} - {"__pycache__"} == {"own_nim.py", "c.yaml"}


NO_POOL = "python: no self-play, training or matches with these rules"


def test_the_command_line_finds_rules_in_its_folder_and_warns_in_a_line(own_rules):
    program = shutil.which("alphazero", path=str(Path(sys.executable).parent))
    assert program is not None
    for words, code in (
        (("play", "--game", "python", "--option", "rules=own_nim:Nim", "--model", "mcts:20"), 0),
        (("train", "c.yaml", "--run", "run"), 2),
    ):
        said = subprocess.run(
            [program, *words], cwd=own_rules, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100
        )
        warning, *refused = said.stderr.splitlines()
        assert said.returncode == code, (words, said.stderr)
        assert re.fullmatch(r"alphazero: warning: own_nim:Nim: .*a hundred times as slow.*", warning)
        assert [line.startswith(f"alphazero: c.yaml: game: {NO_POOL}") for line in refused] == [True] * (code == 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "words",
    [
        ("selfplay", "uniform", "--out", "games"),
        ("match", "mcts:2", "random", "--games", "2", "--out", "match"),
        ("tournament", "mcts:2", "random", "--games", "2", "--out", "all"),
    ],
)
def test_a_command_that_cannot_play_rules_in_python_writes_nothing(own_rules, words, monkeypatch, capsys):
    monkeypatch.chdir(own_rules)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    assert main([*words, "--game", "python", "--option", "rules=own_nim:Nim"]) == 2
    assert NO_POOL in capsys.readouterr().err


def test_a_file_of_the_folder_passes_for_no_package(tmp_path):
    """Only a module that the user names is looked for there."""
    (tmp_path / "torch.py").write_text("raise SystemExit('taken from the folder')")
    (tmp_path / "chess.py").write_text("raise SystemExit('taken from the folder')")
    script = (
        "import sys; sys.path = [each for each in sys.path if each]; import os; import alphazero as az;"
        "az.Game('go'); assert os.getcwd() not in sys.path\n"
        "try: az.game.make('python', {'rules': 'nowhere:Nim'})\n"
        "except ValueError: assert sys.path[-1] == os.getcwd()\n"
        "import torch"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("", "option 'rules' is needed"),
        ("nowhere", "module:Class"),
        ("nowhere:Nim", "No module named 'nowhere'"),
        (f"{__name__}:Nothing", "Nothing"),
        (f"{__name__}:Wide", "policy_size must be 1 to 4096"),
    ],
)
def test_a_class_that_is_none_is_named(rules, said):
    with pytest.raises(ValueError, match=r"^python: ") as refused:
        az.Game("python", **({"rules": rules} if rules else {}))
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "call", "said"),
    [
        ("Shape", lambda p: p.planes(), "planes() must be an array of planes_shape"),
        ("Raises", lambda p: p.legal_moves(), "KeyError"),
        ("Stuck", lambda p: p.legal_moves(), "a side that cannot move has to pass"),
        ("Beyond", lambda p: p.perft(1), "numbers from 0 to policy_size - 1, got 9"),
    ],
)
def test_mistakes_of_the_class_name_it_and_its_method(name, call, said):
    with pytest.raises(ValueError, match=f"python: .*:{name}") as refused:
        call(az.Game("python", rules=f"{__name__}:{name}").position())
    assert said in str(refused.value)
