"""The entries of a configuration's lists, each checked when the file is read: variants, schedule, starts, opponents."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from alphazero.config import Config, ConfigError, Step, Variant, load_config, resume_changes, to_yaml
from alphazero.training.run import Run

GO = "game: {name: go, options: {board_size: 9}}\ntraining: {budget_games: 1}\n"
PLAYERS = "must be random, uniform, mcts:N, a checkpoint or an engine such as uci:COMMAND"


def read(tmp_path: Path, text: str, head: str = GO, **more: bool) -> Config:
    path = tmp_path / "run.yaml"
    path.write_text(head + text)
    return load_config(path, **more)


def refusal(tmp_path: Path, text: str, head: str = GO) -> str:
    """The one line that refuses this text, after the file's name."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, head)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 500
    return line.removeprefix(f"{tmp_path}/run.yaml: ")


def checkpoint_of(folder: Path, game: str) -> Path:
    folder.mkdir()
    meta = {"game": game, "options": {}, "network": {}, "steps": 1, "games": 0, "positions": 0, "seconds": 0}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


# --- what is read ---


def test_entries_have_types_and_survive_being_written(tmp_path):
    config = read(
        tmp_path,
        "selfplay:\n"
        "  variants: [{share: 0.2, board_size: 7}, {share: 1e-1, komi: 6.5}]\n"
        "  simulations_schedule: [[0, 16], [0.25, 32.0], [1, 1e2]]\n"
        "  starts: [E5, komi=6]\n"
        "rating: {opponents: [random, uniform, 'mcts:100', pretrained:go]}\n",
    )
    play = config.selfplay
    assert play.variants == [Variant(0.2, {"board_size": 7}), Variant(0.1, {"komi": 6.5})]
    assert play.simulations_schedule == [Step(0.0, 16), Step(0.25, 32), Step(1.0, 100)]
    assert [type(step.simulations) for step in play.simulations_schedule] == [int] * 3
    assert play.simulations_schedule[1].fraction == 0.25
    (tmp_path / "again.yaml").write_text(to_yaml(config))
    assert load_config(tmp_path / "again.yaml") == config
    assert "  variants:\n  - share: 0.2\n    board_size: 7\n  - share: 0.1\n    komi: 6.5\n" in to_yaml(config)


def test_a_configuration_is_frozen_and_copied_with_replace(tmp_path):
    config = read(tmp_path, "selfplay: {variants: [{share: 0.2, board_size: 7}]}")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.search.simulations = 5  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.selfplay.variants[0].share = 0.5  # type: ignore[misc]
    other = dataclasses.replace(config, search=dataclasses.replace(config.search, simulations=5))
    assert resume_changes(config, other) == {"search.simulations": ("taken over", 32, 5)}


def test_a_changed_entry_is_told_as_the_file_has_it(tmp_path):
    old = read(tmp_path, "selfplay: {variants: [{share: 0.2, board_size: 7}], simulations_schedule: [[0, 8]]}")
    assert resume_changes(old, read(tmp_path, "")) == {
        "selfplay.variants": ("fixed", [{"share": 0.2, "board_size": 7}], []),
        "selfplay.simulations_schedule": ("taken over", [[0.0, 8]], []),
    }


def test_lists_of_two_configurations_are_not_one_list():
    assert Config().rating.opponents is not Config().rating.opponents


def test_a_start_that_yaml_takes_for_a_number_is_text(tmp_path):
    sfen = "game: {name: chess}\ntraining: {budget_games: 1}\n"
    assert "must be" not in refusal(tmp_path, "selfplay: {starts: [44]}", sfen)  # the rules say what is wrong with it
    assert refusal(tmp_path, "selfplay: {starts: [44]}").startswith("selfplay.starts[0]: go: move 1: '44' is no vertex")


@pytest.mark.parametrize("section", ["game", "network", "search", "selfplay", "replay", "training", "rating"])
def test_a_section_with_nothing_under_it_has_its_defaults(tmp_path, section):
    path = tmp_path / "run.yaml"
    path.write_text(f"{section}:\n")
    config = load_config(path, ["training.budget_games=1"])
    assert resume_changes(Config(), config) == {"training.budget_games": ("taken over", 0, 1)}


# --- what is refused ---


@pytest.mark.parametrize(
    "entry",
    [
        "5",
        "[0.2, 7]",
        "{share: true, board_size: 5}",
        "{share: '0.2', board_size: 5}",
        "{share: 0, board_size: 5}",
        "{share: 1, board_size: 5}",
        "{share: .nan, board_size: 5}",
        "{shares: 0.2, board_size: 5}",
        "{share: 0.2, 5: 5}",
    ],
)
def test_a_variant_that_is_none_is_told_with_what_one_looks_like(tmp_path, entry):
    said = refusal(tmp_path, f"selfplay: {{variants: [{{share: 0.1, board_size: 7}}, {entry}]}}")
    assert said.startswith("selfplay.variants[1] has a share, between 0 and 1, and options of the game, got ")


def test_the_options_of_a_variant_are_checked_by_the_rules(tmp_path):
    said = refusal(tmp_path, "selfplay: {variants: [{share: 0.2, bord_size: 7}]}")
    assert said.startswith("selfplay.variants[0]: go: unknown option 'bord_size'; options are: board_size")
    said = refusal(tmp_path, "selfplay: {variants: [{share: 0.2, board_size: [7]}]}")
    assert said.startswith("selfplay.variants[0]: option 'board_size' must be true/false, a number or text")


@pytest.mark.parametrize(
    "entry",
    ["5", "ab", "[0.5]", "[0.5, 3, 4]", "[2, 3]", "[-0.1, 3]", "[0.5, 0]", "[0.5, 2.5]", "[0.5, true]", "{0.5: 3}"],
)
def test_a_step_of_the_schedule_that_is_none_is_told_with_what_one_looks_like(tmp_path, entry):
    said = refusal(tmp_path, f"selfplay: {{simulations_schedule: [[0, 3], {entry}]}}")
    assert said.startswith(
        "selfplay.simulations_schedule[1]: simulations_schedule holds [fraction of the run, simulations], got "
    )


@pytest.mark.parametrize("steps", ["[0.5, 3], [0.2, 4]", "[0, 3], [0, 4]"])
def test_the_schedule_ascends(tmp_path, steps):
    said = refusal(tmp_path, f"selfplay: {{simulations_schedule: [{steps}]}}")
    assert said.startswith("selfplay.simulations_schedule[1] must begin after the entry before it: fractions ascend")


@pytest.mark.parametrize(
    ("entry", "got"),
    [("null", "nothing"), ("1.5", "1.5"), ("[E5]", "a list"), ("true", "true"), ("{E5: 1}", "a section")],
)
def test_a_start_that_is_no_text_is_refused(tmp_path, entry, got):
    assert refusal(tmp_path, f"selfplay: {{starts: [E5, {entry}]}}") == f"selfplay.starts[1] must be text, got {got}"


def test_a_start_that_is_no_position_is_named(tmp_path):
    assert refusal(tmp_path, "selfplay: {starts: [E5, Z9]}").startswith(
        "selfplay.starts[1]: go: move 1: 'Z9' is no vertex"
    )


@pytest.mark.parametrize(
    ("player", "reason"),
    [
        ("mcts:x", "mcts:N needs a number of simulations"),
        ("gtp:gnugo{x}", "expected NAME=VALUE in the braces, got 'x'"),
        ("gtp:gnugo{nodes=0}", "nodes must be a number >= 1, got '0'"),
        ("gtp:gnugo{nodes=1", "the options end with a brace"),
        ('gtp:"', "No closing quotation"),
        ("gtp:", "a command is missing"),
        (" ", "the name of a player is empty"),
        ("runs/lost", "there is no such checkpoint"),
        ("mtcs:100", "there is no such checkpoint"),
    ],
)
def test_a_player_is_read_as_the_arena_reads_it(tmp_path, player, reason):
    said = refusal(tmp_path, f"rating: {{opponents: [random, '{player}']}}")
    assert said.startswith(f"rating.opponents[1] {PLAYERS}, got '{player}' ({reason}")


@pytest.mark.parametrize("entry", ["5", "null", "[random]", "{player: random}", "1.5", "true"])
def test_a_player_that_is_no_text_is_refused(tmp_path, entry):
    assert refusal(tmp_path, f"rating: {{opponents: [{entry}]}}").startswith(f"rating.opponents[0] {PLAYERS}, got ")


def test_a_player_that_is_not_on_this_machine_or_plays_another_game_is_refused_when_the_file_is_read(tmp_path):
    lines = {
        "gtp:no-such-engine --level 5": "there is no program no-such-engine here",
        f"gtp:{tmp_path}/engine": f"there is no program {tmp_path}/engine here",
        f"uci:{sys.executable}": "UCI engines play chess, gardner, not go",
        "pretrained:chess": "this checkpoint plays chess, not go",
        "pretrained:chequers": "no such network; there are: chess, go, shogi",
        f"{checkpoint_of(tmp_path / 'other', 'connect4')}": "this checkpoint plays connect4, not go",
        f"{tmp_path}": "no checkpoint here (a checkpoint holds model.safetensors and meta.json)",
    }
    for player, reason in lines.items():
        said = refusal(tmp_path, f"rating: {{opponents: ['{player}']}}")
        assert said == f"rating.opponents[0]: {player}: {reason}"
    own = checkpoint_of(tmp_path / "own", "go")
    for player in (f"gtp:{sys.executable}", str(own)):
        assert read(tmp_path, f"rating: {{opponents: ['{player}']}}").rating.opponents == [player]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("game: {name: chequers}", "game: unknown game 'chequers'; games are: "),
        ("game: {name: go, options: {bord_size: 9}}", "game: go: unknown option 'bord_size'"),
        ("game: {options: {5: 1}}", "game.options must have text for keys, got 5"),
        ("game: {options: [board_size]}", "game.options must be a section, got a list"),
        ("game: {name: 5}", "game.name must be text, got 5"),
        ("search: {5: 1}", "unknown key search.5; keys are: kind, simulations"),
        ("5: {}", "unknown key 5; keys are: game, network"),
        ("search: {kind: [puct]}", "search.kind must be one of gumbel, puct, got a list"),
        ("search: {fpu: true}", "search.fpu must be one of reduction, value, got true"),
        ("training: {start_from: !!binary YWJj, budget_games: 1}", "training.start_from must be text"),
        ("selfplay: {starts: !!set {E5, D4}}", "selfplay.starts must be a list"),
        ("seed: null", "seed must be an integer, got nothing"),
        ("network: {ownership: maybe}", "network.ownership must be true or false, got 'maybe'"),
    ],
)
def test_what_is_of_another_kind_is_refused_with_what_is_wanted(tmp_path, text, said):
    head = "" if "training" in text else "training: {budget_games: 1}\n"
    assert refusal(tmp_path, text, head).startswith(said)


# --- stored runs, and who imports what ---


def test_a_run_is_resumed_where_an_opponent_of_its_last_configuration_is_gone(tmp_path):
    tiny = (
        "game: {name: connect4}\nnetwork: {blocks: 1, channels: 8}\nsearch: {simulations: 4}\n"
        "replay: {window_min: 500, min_positions: 100}\ntraining: {batch_size: 32, budget_games: 4}\n"
    )
    there = checkpoint_of(tmp_path / "there", "connect4")
    directory = tmp_path / "run"
    directory.mkdir()
    Run(read(tmp_path, f"rating: {{opponents: ['{there}']}}", tiny), directory, "cpu", io.StringIO())
    assert str(there) in (directory / "config.yaml").read_text()
    there.rename(tmp_path / "gone")
    with pytest.raises(ConfigError, match="there is no such checkpoint"):
        load_config(directory / "config.yaml")
    run = Run(read(tmp_path, "rating: {opponents: [random]}", tiny), directory, "cpu", io.StringIO())
    assert load_config(directory / "config.yaml") == run.config


def test_a_run_of_before_goes_on_though_a_key_of_it_is_gone(tmp_path):
    text = "network: {tower: residual, blocks: 2}\n"
    assert read(tmp_path, text, stored=True).network.blocks == 2
    with pytest.raises(ConfigError, match=r"network\.tower: attention, which this version no longer has"):
        read(tmp_path, text.replace("residual", "attention"), stored=True)
    with pytest.raises(ConfigError, match=r"unknown key network\.tower"):
        read(tmp_path, text)


def test_a_stored_schedule_that_does_not_ascend_is_read_as_it_was(tmp_path):
    text = "selfplay: {simulations_schedule: [[0.5, 3], [0.5, 4]]}"
    assert read(tmp_path, text, stored=True).selfplay.simulations_schedule == [Step(0.5, 3), Step(0.5, 4)]


def test_only_who_reads_a_configuration_imports_pydantic(tmp_path):
    """It takes a tenth of a second: an engine that loads a network starts without it."""
    (tmp_path / "run.yaml").write_text(GO)
    code = (
        "import sys, pathlib\nimport alphazero.config, alphazero.player, alphazero.arena.registry\n"
        "assert 'pydantic' not in sys.modules and 'pydantic_core' not in sys.modules\n"
        f"alphazero.config.load_config(pathlib.Path({str(tmp_path / 'run.yaml')!r}))\n"
        "assert 'pydantic' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
