"""The table of a search's settings has one home: a row of it acts wherever a search can be told something."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import alphazero as az
from alphazero._core import Pool, SearchCore
from alphazero.arena.match import Entrant, _pool_player
from alphazero.cli import main
from alphazero.config import load_config
from alphazero.player import Player
from alphazero.protocols.uci import UciEngine
from alphazero.search_settings import FIELDS, SearchField, SearchSettings, read_setting

ROOT = Path(__file__).parents[1]


def another(row: SearchField) -> int | float | bool | str:
    """A value that the setting may have and does not have by default."""
    if row.choices:
        return next(each for each in row.choices if each != row.default)
    if isinstance(row.default, bool):
        return not row.default
    return type(row.default)(row.low if row.low != row.default else row.high)


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_a_row_acts_in_a_search_a_pool_a_match_and_the_configuration(row, tmp_path):
    game, value = az.Game("connect4"), another(row)
    SearchCore(game, {row.name: value})
    assert getattr(az.Search(game, az.search.uniform_evaluator, **{row.name: value}).settings, row.name) == value
    Pool(game, {}, [{row.name: value, "evaluator": -1}]).close()
    assert _pool_player(Entrant("a", Player("uniform", game), {row.name: value}), [], [])[row.name] == value
    file = tmp_path / "run.yaml"
    said = str(value).lower() if isinstance(value, bool) else value
    file.write_text(f"search: {{{row.name}: {said}}}\ntraining: {{budget_games: 1}}")
    assert getattr(load_config(file).search, row.name) == value
    assert read_setting(f"{row.name}={said}") == (row.name, value)


@pytest.mark.parametrize("row", [each for each in FIELDS.values() if each.option], ids=lambda row: row.option)
def test_an_engine_option_sets_its_row(row):
    player = Player("uniform", az.Game("chess"))
    engine = UciEngine(player)
    value = another(row)
    [option] = [each for each in engine.search_options() if each.name == row.option]
    option.set(str(value))
    assert engine.player.search_settings()[row.name] == value


@pytest.mark.parametrize("command", ["match", "uci", "usi", "gtp", "scaling", "selfplay"])
def test_the_help_of_a_command_that_searches_names_every_row(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for name, row in FIELDS.items():
        if name not in ("kind", "simulations"):
            assert (name in told) == (command == "selfplay" or not row.noise), name


@pytest.mark.parametrize(
    "text, says",
    [
        ("c_scale", "'c_scale' is no setting of a search: NAME=VALUE, with a name among kind, simulations"),
        ("c_scal=1", "'c_scal=1' is no setting of a search"),
        ("c_scale=x", "c_scale must be a number from 0 to 10000, got 'x'"),
        ("c_scale=1e9", "search: c_scale must be a number from 0 to 10000, got 1000000000"),
        ("considered=1.5", "considered must be a whole number from 1 to 65536, got '1.5'"),
        ("find_wins=2", "find_wins must be true or false, got '2'"),
        ("fpu=none", 'search: fpu must be "reduction" or "value", got \'none\''),
        ("simulations=5", "simulations has an option of its own: --simulations"),
        ("noise_epsilon=0.5", "noise_epsilon acts in self-play alone: here no search has noise"),
        ("gumbel_scale=2", "gumbel_scale acts in self-play alone"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(text, says, capsys):
    assert main(["match", "random", "uniform", "--game", "connect4", "--set", text]) == 2
    told = capsys.readouterr().err
    assert says in told and len(told.splitlines()) == 1


def test_a_setting_of_the_command_line_reaches_the_games(tmp_path):
    """With one move considered, a blind player always takes the first; with all of them it does not."""
    command = ["match", "uniform", "uniform", "--game", "connect4", "--games", "2", "--simulations", "8"]
    command += ["--search", "gumbel", "--opening-plies", "0", "--seed", "1"]
    moves = []
    for number, more in enumerate(([], ["--set", "considered=1"])):
        assert main([*command, *more, "--out", str(tmp_path / str(number))]) == 0
        first = (tmp_path / str(number) / "results.jsonl").read_text().splitlines()[0]
        moves.append(json.loads(first)["moves"].split())
    assert moves[1][:6] == ["a"] * 6
    assert moves[0] != moves[1]


def test_settings_are_replaced_and_never_changed():
    one = SearchSettings.of({"c_init": 2.0})
    other = one.replace(simulations=5)
    assert (one.simulations, other.simulations) == (800, 5)
    assert one.as_dict() == {**{name: row.default for name, row in FIELDS.items()}, "c_init": 2.0}
    with pytest.raises(AttributeError):
        one.simulations = 3
    for bad in ({"c_intit": 1.0}, {"c_init": -1.0}, {"kind": "x"}):
        with pytest.raises(ValueError, match="search: "):
            SearchSettings.of(bad)


MOBILITY_WRITTEN = """template <Game G>
struct Mobility {
  static std::vector<Column> columns(const Shape&, const SampleSettings&) { return {{"mobility"}}; }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    MoveList<G::kMaxMoves> moves;
    drawn.position.legal_moves(moves);
    row.number(0, static_cast<float>(moves.size()));
  }
};
"""
ADDED = [
    ("search/settings.h", "  float policy_temperature = 1.0F;", "  float added = 0.5F;\n"),
    (
        "search/settings.h",
        '    row(s.virtual_loss, "virtual_loss"',
        '    row(s.added, "added", {0, 1}, "Added", "What a test adds.");\n',
    ),
    ("sampler/targets.h", "template <Game G>\nusing Targets", MOBILITY_WRITTEN),
    ("sampler/targets.h", "Reply<G>>;", "Mobility<G>, "),
]
ASKED = """
import sys
from pathlib import Path
import alphazero as az
from alphazero._core import Pool
from alphazero.cli import main
from alphazero.config import load_config
from alphazero.player import Player
from alphazero.protocols.uci import UciEngine
game = az.Game("connect4")
assert az.Search(game, az.search.uniform_evaluator, added=0.25).settings.added == 0.25
Pool(game, {}, [{"added": 0.25, "evaluator": -1}]).close()
assert load_config(Path(sys.argv[1])).search.added == 0.75
assert any(option.name == "Added" for option in UciEngine(Player("uniform", az.Game("chess"))).search_options())
assert main(["match", "uniform", "random", "--game", "connect4", "--games", "2", "--simulations", "2", "--set", "added=1"]) == 0
assert main(["match", "uniform", "random", "--game", "connect4", "--set", "added=2"]) == 2

import torch
from torch import nn
from torch.nn import functional as F
from alphazero import heads
from alphazero._core import Sampler, UNIFORM
from alphazero.config import NetworkConfig, TrainingConfig
from alphazero.network import Network, shape_of
from alphazero.training.trainer import Trainer

class Mobility(heads.Head):
    name, plays, weight = "mobility", False, 0.1
    def add_layers(self, network, width):
        network.mobility_out = nn.Linear(network.config.value_hidden, 1)
    def out(self, network, features):
        return network.mobility_out(features.hidden).squeeze(1)
    def loss(self, said, batch):
        return F.smooth_l1_loss(said, batch["mobility"] / 20)

heads.HEADS.append(Mobility())
pool = Pool(game, {"games_in_flight": 4, "games": 4}, [{"kind": "gumbel", "simulations": 4, "evaluator": UNIFORM}])
sampler = Sampler(game)
while not pool.done or sampler.games < 4:
    pool.next_batch(0.05)
    for record in pool.take_finished():
        sampler.add(record.to_bytes())
batch = {name: torch.from_numpy(array) for name, array in sampler.sample(64, 1).items()}
assert set(batch["mobility"].tolist()) <= set(range(1, 8)) and len(set(batch["mobility"].tolist())) > 1
torch.manual_seed(0)
trainer = Trainer(Network(shape_of(game), NetworkConfig(blocks=1, channels=8)), TrainingConfig(warmup_steps=1), "cpu")
losses = [float(trainer.step(batch, 0.0)["mobility_loss"]) for _ in range(20)]
assert losses[-1] < losses[0]
main(["match", "--help"])
"""


@pytest.mark.slow
def test_one_setting_and_one_target_more_act_everywhere(tmp_path):
    """The whole core is built again with a row and a target more; in Python a class is added, and no line changed."""
    source = tmp_path / "source"
    for name in ("cpp", "games", "alphazero"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "_core*.so"))
    for name in ("CMakeLists.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, source / name)
    for header, before, line in ADDED:
        text = (source / "cpp" / header).read_text()
        assert text.count(before) == 1
        (source / "cpp" / header).write_text(text.replace(before, line + before))
    import pybind11

    settings = [f"-DPython_EXECUTABLE={sys.executable}", f"-Dpybind11_DIR={pybind11.get_cmake_dir()}"]
    settings += ["-DCMAKE_BUILD_TYPE=Debug", "-DSKBUILD_PROJECT_VERSION=0.1.0"]
    cmake = shutil.which("cmake", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert cmake is not None
    subprocess.run([cmake, "-S", source, "-B", tmp_path / "build", *settings], check=True, capture_output=True)
    subprocess.run([cmake, "--build", tmp_path / "build", "--parallel", "2"], check=True, capture_output=True)
    [core] = (tmp_path / "build").glob("_core*.so")
    shutil.copy(core, source / "alphazero")
    config = tmp_path / "run.yaml"
    config.write_text("search: {added: 0.75}\ntraining: {budget_games: 1}")
    program = f"import sys; sys.path[:0] = [{str(source)!r}]; sys.meta_path[:] = [f for f in sys.meta_path if 'skbc' not in repr(f).lower()]\n"
    ran = subprocess.run([sys.executable, "-c", program + ASKED, config], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "added" in ran.stdout
