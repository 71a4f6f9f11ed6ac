"""What is told of the configuration's keys: `alphazero config`, docs/configuration.md and configs/schema.json."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from alphazero.cli import main
from alphazero.config import Config, ConfigError, load_config, parse_yaml
from alphazero.config.describe import as_markdown, schema, schema_json, sections

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
ROWS = [row for _, rows in sections().values() for row in rows]
SCHEMA = schema()


def declared() -> dict[str, dataclasses.Field[Any]]:
    found = {}
    for section in dataclasses.fields(Config):
        value = getattr(Config(), section.name)
        if dataclasses.is_dataclass(value):
            found |= {f"{section.name}.{each.name}": each for each in dataclasses.fields(value)}
        else:
            found[section.name] = section
    return found


def test_the_page_and_the_schema_are_made_from_the_models():
    """Else: alphazero config --markdown > docs/configuration.md; alphazero config --json > configs/schema.json."""
    assert (ROOT / "docs" / "configuration.md").read_text("utf-8") == as_markdown()
    assert (ROOT / "configs" / "schema.json").read_text("utf-8") == schema_json()


def test_every_key_is_told_with_its_reason_and_what_a_resumed_run_does_with_it():
    fields = declared()
    assert {row.key for row in ROWS} == set(fields)
    for row in ROWS:
        meta = fields[row.key].metadata
        assert (row.reason, row.resume) == (meta["reason"], meta["resume"])
        assert (row.bounds == "") == (meta["low"] is None and meta["high"] is None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_a_reason_is_one_or_two_sentences_that_stand_on_their_own(row):
    assert row.reason[0].isupper() or row.reason.startswith(("neighbours:", "bf16"))
    assert row.reason.endswith(".") and len(row.reason) <= 260
    said = re.sub(r"`[^`]*`|\([^)]*\)|[0-9]+\.[0-9]+", "", row.reason)
    assert len(re.findall(r"[.](?: |$)", said)) <= 2
    assert not re.search(r"\b(likewise|ditto|as above|the same as|see)\b", row.reason, re.IGNORECASE)
    assert [each.key for each in ROWS if each.reason == row.reason] == [row.key]


# --- the schema, as an editor uses it ---


def fits(value: Any, rule: dict[str, Any]) -> bool:
    """Whether a value fits a rule of the schema: the words of JSON Schema that ours uses, and no others."""
    if "$ref" in rule:
        return fits(value, SCHEMA["$defs"][rule["$ref"].removeprefix("#/$defs/")])
    if "anyOf" in rule:
        return any(fits(value, each) for each in rule["anyOf"])
    kinds = {"boolean": bool, "string": str, "array": list, "object": dict, "null": type(None)}
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if rule["type"] in kinds:
        right = isinstance(value, kinds[rule["type"]])
    else:
        right = number and (rule["type"] == "number" or value == int(value))
    if not right or value not in rule.get("enum", [value]):
        return False
    if number:
        return (
            rule.get("minimum", value) <= value <= rule.get("maximum", value)
            and value > rule.get("exclusiveMinimum", -1e308)
            and value < rule.get("exclusiveMaximum", 1e308)
        )
    if isinstance(value, dict):
        known = rule.get("properties", {})
        closed = rule["additionalProperties"] is False
        return (
            all(fits(each, known[name]) if name in known else not closed for name, each in value.items())
            and set(rule.get("required", [])) <= value.keys()
        )
    if isinstance(value, list):
        if "prefixItems" in rule:
            return len(value) == rule["minItems"] == rule["maxItems"] and all(map(fits, value, rule["prefixItems"]))
        return all(fits(each, rule["items"]) for each in value)
    return True


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_configuration_names_the_schema_and_fits_it(path):
    text = path.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=./schema.json\n# ")
    assert fits(parse_yaml(text), SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "search: {simulation: 5}",
        "search: {simulations: 0}",
        "search: {simulations: many}",
        "search: {simulations: true}",
        "search: {kind: minimax}",
        "search: 5",
        "network: {global_pooling: 1}",
        "network: {ownership: 1}",
        "training: {learning_rate: 1000}",
        "rating: {opponents: random}",
        "rating: {opponents: [5]}",
        "selfplay: {simulations_schedule: [[2, 5]]}",
        "selfplay: {simulations_schedule: [[0.5]]}",
        "selfplay: {variants: [{board_size: 5}]}",
        "selfplay: {variants: [{share: 1, board_size: 5}]}",
        "seeds: 1",
    ],
)
def test_what_the_schema_refuses_the_reader_refuses_too(tmp_path, text):
    assert not fits(parse_yaml(text), SCHEMA)
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(ConfigError):
        load_config(tmp_path / "run.yaml", ["training.budget_games=1"])


# --- the command ---


def test_a_section_or_a_key_is_printed_with_type_bounds_default_resume_and_reason(capsys):
    assert main(["config", "replay"]) == 0
    told = capsys.readouterr().out
    assert "replay.reuse: number from 0.01 to 100, default 4.0; on resume: converted\n      Training samples" in told
    assert "search." not in told and "replay.window_min: integer >= 100, default 20000" in told
    assert main(["config", "selfplay.variants"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "  selfplay.variants: list of {share: number, OPTION: VALUE, ...}, default []; on resume: fixed"
    )
    assert main(["config"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {row.key}: " in told for row in ROWS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serch"], "no section or key 'serch'; did you mean search?"),
        (["search.simulation"], "did you mean search.simulations?"),
        (["zzz"], "sections are: game, network, search, selfplay, replay, training, rating"),
        (["search", "--json"], "--json and --markdown are about all sections"),
    ],
)
def test_a_section_that_is_not_there_is_told_in_one_line(capsys, arguments, message):
    assert main(["config", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1


def test_json_is_the_schema(capsys):
    assert main(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
