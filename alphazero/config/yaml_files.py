"""YAML as people write it: text to plain values, in one line of complaint where that cannot be done."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import Any

import yaml

from alphazero.config.keys import kind_of
from alphazero.errors import UserError
from alphazero.text import clean


class ConfigError(UserError):
    """A configuration that cannot be used; the text names the file, the key, what is wrong and what would be right."""


class _Loader(yaml.SafeLoader):
    """YAML as people write configurations: 1e-3 is a number, a key stands once, and nothing grows beyond what was written."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read here", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be one word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' stands here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# YAML 1.1, which PyYAML reads, takes 1e-3 for text; YAML 1.2 (section 10.3.2) for a number, as everyone means it.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    """YAML 1.1 takes 0100 for octal and 1:40 for 100, base 60; YAML 1.2 and everyone for a hundred and for text."""
    text = node.value.replace("_", "")
    if ":" in text:
        return str(node.value)
    if node.tag.endswith(":float"):
        return float(loader.construct_yaml_float(node))
    return int(text) if re.fullmatch("[-+]?[0-9]+", text) else int(text, 0)


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _number)


def parse_yaml(text: str) -> Any:
    """YAML text as plain values. yaml.YAMLError: it cannot be read."""
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None
    except (ValueError, OverflowError) as error:  # a date or a number that there cannot be
        raise yaml.YAMLError(str(error)) from None


def read_yaml_file(path: Path, what: str) -> Any:
    """A YAML file as plain values; ConfigError in one line, with the line of the file, where `what` cannot be read from it."""
    try:
        return parse_yaml(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read {what}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not text in UTF-8 (byte {error.start})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{path}: {where}not valid YAML: {clean(problem)}") from error


def read_yaml(path: Path, overrides: typing.Sequence[str] = ()) -> dict[str, Any]:
    """A YAML file of sections, with overrides on top, unchecked. ConfigError where it cannot be read."""
    data = read_yaml_file(path, "the configuration")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a mapping of sections is expected, got {kind_of(data)}")
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"{clean(override)}: an override is KEY=VALUE, e.g. search.simulations=64")
        try:
            parsed = parse_yaml(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{clean(override)}: the value is not valid YAML") from error
        at = data
        parts = key.split(".")
        for part in parts[:-1]:
            if at.get(part) is None:
                at[part] = {}
            at = at[part]
            if not isinstance(at, dict):
                raise ConfigError(f"{clean(override)}: '{part}' is not a section")
        at[parts[-1]] = parsed
    return data
