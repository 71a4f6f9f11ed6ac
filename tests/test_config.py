"""Configurations: what is accepted, and what is said of what is not."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from alphazero import _core
from alphazero.config import Config, ConfigError, SearchConfig, SelfplayConfig, load_config, to_yaml
from alphazero.game import Game, make
from alphazero.search_settings import FIELDS

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_shipped_configuration_is_valid(path):
    config = load_config(path)
    assert make(config.game.name, config.game.options).policy_size > 1


def write(tmp_path, text: str) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


def test_a_configuration_survives_being_written(tmp_path):
    config = load_config(CONFIGS[0], ["search.simulations=77", "seed=5"])
    assert config.search.simulations == 77
    assert load_config(write(tmp_path, to_yaml(config))) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("search: {simulations: 0}", "search.simulations must be >= 1, got 0"),
        ("search: {simulation: 5}", "unknown key search.simulation; did you mean search.simulations"),
        ("serch: {}", "unknown key serch; did you mean search"),
        ("search: {simulations: many}", "search.simulations must be an integer, got 'many'"),
        ("search: {simulations: 2.5}", "must be an integer, got 2.5"),
        ("search: {simulations: true}", "must be an integer, got true"),
        ("search: {kind: minimax}", "search.kind must be one of gumbel, puct, got 'minimax'"),
        ("search: 5", "search must be a section with keys, got 5"),
        ("network: {global_pooling: 1}", "must be true or false, got 1"),
        ("training: {learning_rate: .nan}", "got nan"),
        ("training: {learning_rate: 1e9}", "learning_rate must be"),
        ("rating: {opponents: random}", "rating.opponents must be a list, got 'random'"),
        ("network: {options: {width: 6}}", "network.options are for a class of your own"),
        ("selfplay: {full_search_fraction: 0.5}", "fast_simulations must be >= 1"),
        ("selfplay: {simulations_schedule: [[2, 5]]}", "simulations_schedule holds"),
        (
            "game: {name: go}\nselfplay: {variants: [{board_size: 7}]}",
            "selfplay.variants[0] has a share, between 0 and 1, and options of the game, got {'board_size': 7}",
        ),
        ("game: {name: go}\nselfplay: {variants: [{share: 0.2}]}", "variants[0]: the same game as another table's"),
        ("game: {name: go}\nselfplay: {variants: [{share: 0.2, komi: 7}]}", "variants[0]: the same game as another"),
        (
            "game: {name: go}\nselfplay: {variants: [{share: 0.2, board_size: 5}, {share: 0.1, board_size: 5}]}",
            "variants[1]: the same game as another table's",
        ),
        (
            "game: {name: go}\nselfplay: {starts: [E5], variants: [{share: 0.2, board_size: 4}]}",
            "selfplay.starts[0]: go: move 1: 'E5' is off the 4x4 board (in the variant {'board_size': 4})",
        ),
        (
            "game: {name: go}\nselfplay: {variants: [{share: 0.5, board_size: 99}]}",
            "selfplay.variants[0]: go: board_size must be",
        ),
        (
            "game: {name: go}\nselfplay: {variants: [{share: 0.6, board_size: 7}, {share: 0.4, board_size: 5}]}",
            "leave nothing to the game itself",
        ),
        ("a: [", "line 1"),
        ("- 1", "a mapping of sections is expected"),
        ("{}", "set training.budget_minutes"),
    ],
)
def test_mistakes_are_named_in_one_line(tmp_path, text, message):
    body = (
        text
        if text in ("a: [", "- 1", "{}") or text.startswith("training")
        else text + "\ntraining: {budget_minutes: 1}"
    )
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, body))
    assert message in str(error.value)
    assert "run.yaml" in str(error.value)
    assert "\n" not in str(error.value)


SETTINGS = [name for name, row in FIELDS.items() if row.is_number]


def test_the_search_section_is_the_cores_table_with_its_bounds():
    section = {f.name: f for f in dataclasses.fields(SearchConfig)}
    assert list(section) == list(FIELDS)
    for name, row in FIELDS.items():
        bounds = (row.low, row.high) if row.is_number else (None, None)
        assert (section[name].metadata["low"], section[name].metadata["high"]) == bounds
    otherwise = {name for name, each in section.items() if each.default != FIELDS[name].default}
    assert otherwise == {"kind", "simulations"}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_setting_that_the_search_would_refuse_is_refused_by_the_configuration(tmp_path, name):
    low, high = FIELDS[name].low, FIELDS[name].high
    for value, said in (
        (".inf", "must be"),
        ("-.inf", "must be"),
        (".nan", "must be"),
        ("1e38", f"{high:.12g}"),
        (f"{int(low) - 1}", f"must be >= {low:.12g}, got {int(low) - 1}"),
        (f"{int(high) + 1}", f"must be <= {high:.12g}, got {int(high) + 1}"),
    ):
        path = write(tmp_path, f"search: {{{name}: {value}}}\ntraining: {{budget_games: 1}}")
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        assert str(caught.value).startswith(f"{path}: search.{name} must be ")
        if value != "1e38" or name not in ("simulations", "considered"):
            assert said in str(caught.value)
        assert "\n" not in str(caught.value)
    kind = int if name in ("simulations", "considered") else float
    for bound in (low, high):
        path = write(tmp_path, f"search: {{{name}: {kind(bound)}}}\ntraining: {{budget_games: 1}}")
        assert getattr(load_config(path).search, name) == bound


@pytest.mark.parametrize(
    "setting",
    [
        "games_in_flight",
        "batch_size",
        "threads",
        "cache_megabytes",
        "opening_plies",
        "temperature_plies",
        "fast_simulations",
    ],
)
def test_no_number_of_self_play_that_the_configuration_takes_is_refused_by_the_pool(setting):
    meta = next(f.metadata for f in dataclasses.fields(SelfplayConfig) if f.name == setting)
    beyond = {setting: 2**62 + 1}  # refused before anything is made: the error tells the core's own bounds
    of_player = {"simulations": 1, **(beyond if setting in ("temperature_plies", "fast_simulations") else {})}
    of_pool = {"games": 1, **({} if setting in of_player else beyond)}
    with pytest.raises(ValueError, match=rf"{setting} must be a whole number from \d+ to \d+") as caught:
        _core.Pool(Game("connect4"), of_pool, [of_player])
    assert meta["high"] <= int(re.search(r" to (\d+)", str(caught.value)).group(1))


def test_bad_overrides_and_missing_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match="an override is KEY=VALUE"):
        load_config(CONFIGS[0], ["search.simulations"])
    with pytest.raises(ConfigError, match=r"unknown key search\.sims"):
        load_config(CONFIGS[0], ["search.sims=3"])
    with pytest.raises(ConfigError, match="cannot read the configuration: No such file"):
        load_config(tmp_path / "none.yaml")


def test_the_defaults_are_within_their_own_bounds(tmp_path):
    assert load_config(write(tmp_path, to_yaml(Config())), ["training.budget_games=1"]).training.budget_games == 1


@pytest.mark.parametrize(
    ("text", "number"), [("0100", 100), ("010", 10), ("09", 9), ("+64", 64), ("1_000", 1000), ("0x40", 64), ("0b11", 3)]
)
def test_a_whole_number_is_decimal_unless_it_says_otherwise(tmp_path, text, number):
    path = write(tmp_path, f"game: {{name: connect4}}\ntraining: {{budget_games: 1}}\nseed: {text}\n")
    config = load_config(path, [f"search.simulations={text}"])
    assert (config.search.simulations, config.seed) == (number, number)


@pytest.mark.parametrize("key", ["search.simulations", "training.learning_rate", "search.c_init"])
@pytest.mark.parametrize("text", ["1:30", "0:05", "1:30.5"])
def test_hours_and_minutes_are_no_number(tmp_path, key, text):
    with pytest.raises(ConfigError, match=f"{key} must be .*'{text}'"):
        load_config(write(tmp_path, "game: {name: connect4}"), [f"{key}={text}"])


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "1.0e-3", "+1e-3", ".001", "1.e-3"])
def test_numbers_are_read_as_people_type_them(tmp_path, text):
    path = write(tmp_path, f"training: {{learning_rate: {text}, budget_games: 1}}")
    assert load_config(path).training.learning_rate == 0.001
    path = write(tmp_path, "training: {budget_games: 1}")
    assert load_config(path, [f"training.learning_rate={text}"]).training.learning_rate == 0.001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("a: &a [1]\nb: *a", "aliases"),
        ("seed: 1\nseed: 2", "'seed' stands here twice"),
        ("search: {simulations: 5, simulations: 6}", "'simulations' stands here twice"),
        ("? [1, 2]\n: 3", "a key must be one word"),
        (f"seed: {10**400}", "seed must be an integer that fits 64 bits"),
        (f"training: {{learning_rate: {10**400}}}", "learning_rate must be a number that fits 64 bits"),
        ("rating: {opponents: [5]}", "rating.opponents[0] must be random, uniform, mcts:N"),
        ('rating: {opponents: [random, "mtcs:100"]}', "rating.opponents[1] must be random"),
        ('rating: {opponents: ["mcts:0"]}', "got 'mcts:0'"),
        ('rating: {opponents: ["mcts:²"]}', "rating.opponents[0]"),
        ('rating: {opponents: ["uci:"]}', "got 'uci:'"),
        ("selfplay: {simulations_schedule: [[a, 3]]}", "simulations_schedule[0]"),
        ("selfplay: {simulations_schedule: [[0, 3], [0.5, .nan]]}", "simulations_schedule[1]"),
        ("selfplay: {simulations_schedule: [[true, 3]]}", "simulations_schedule[0]"),
        ("seed: 2001-99-99", "not valid YAML"),
    ],
)
def test_hostile_and_mistyped_files_get_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), ["training.budget_games=1"])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes("seed: 1 # größer".encode("latin-1"))
    with pytest.raises(ConfigError, match="not text in UTF-8"):
        load_config(path)
