"""From plain values to a checked configuration. What pydantic finds wrong is told in one line that names the key."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphazero.config.checks import check_whole
from alphazero.config.entries import Variant
from alphazero.config.keys import UnfitError, in_full, kind_of
from alphazero.config.models import Config
from alphazero.config.yaml_files import ConfigError, read_yaml

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

WANTED = {  # by the first word of pydantic's names for errors
    "bool": "true or false",
    "int": "an integer",
    "float": "a number",
    "string": "text",
    "list": "a list",
    "dict": "a section",
    "dataclass": "a section with keys",
}


def load_config(path: Path, overrides: Sequence[str] = (), *, stored: bool = False) -> Config:
    """Reads and checks a YAML file; overrides such as "search.simulations=64" come on top. ConfigError says what is wrong.

    stored: the file is a run's own, which was checked as a whole when the run began. It is read also where the players in
    rating.opponents are gone, or where rules came that it does not keep.
    """
    data = read_yaml(path, overrides)
    if stored:
        _leave_out_removed(data, str(path))
    config: Config = build(Config, data, str(path))
    if not stored:
        check_whole(config, str(path))
    return config


def _leave_out_removed(data: dict[Any, Any], where: str) -> None:
    """Drops keys of runs before 0.2.0 that say what goes without saying now; ConfigError where one says something else."""
    network = data.get("network")
    tower = network.pop("tower", "residual") if isinstance(network, dict) else "residual"
    if tower != "residual":
        raise ConfigError(f"{where}: network.tower: {tower}, which this version no longer has (docs/recipe.md)")


def build(cls: type, data: dict[Any, Any], where: str) -> Any:
    """A dataclass of keys from a mapping; ConfigError names the key that is unknown or wrong."""
    from pydantic import ValidationError

    try:
        return adapter(cls).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{where}: {_told(first, cls)}") from None


@functools.cache
def adapter(cls: type) -> TypeAdapter[Any]:
    """pydantic's reader of a dataclass of keys."""
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def to_plain(value: Any) -> Any:
    """A configuration, a section or a value of it as a YAML file holds it: what build() takes."""
    if isinstance(value, Variant):
        return {"share": value.share, **value.options}
    if dataclasses.is_dataclass(value):
        return {each.name: to_plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_plain(each) for each in value]
    return value


def to_yaml(config: Config) -> str:
    """The configuration with every key, as YAML that load_config reads back."""
    import yaml

    return str(yaml.safe_dump(to_plain(config), sort_keys=False))


def _told(error: ErrorDetails, cls: type) -> str:
    """What pydantic found, as an error line says it."""
    kind, place, value = error["type"], error["loc"], error["input"]
    context = error.get("ctx", {})
    if kind in ("unexpected_keyword_argument", "invalid_key") and place[-1:] != ("[key]",):
        return _unknown(place, cls)
    if place[-1:] == ("[key]",):
        return f"{_name(place[:-2])} must have text for keys, got {kind_of(value)}"
    name = _name(place)
    if kind == "value_error" and isinstance(context["error"], UnfitError):
        return f"{name}{context['error']}"
    if kind == "greater_than_equal":
        return f"{name} must be >= {context['ge']:.12g}, got {value}"
    if kind == "less_than_equal":
        return f"{name} must be <= {context['le']:.12g}, got {value}"
    if kind == "literal_error":
        return f"{name} must be one of {context['expected'].replace(' or ', ', ').replace(chr(39), '')}, got {kind_of(value)}"
    if wanted := WANTED.get(kind.partition("_")[0]):
        return f"{name} must be {wanted}, got {kind_of(value)}"
    return f"{name}: {error['msg']}, got {in_full(value)}"  # what is not declared with keys.py


def _unknown(place: tuple[int | str, ...], cls: type) -> str:
    """An unknown key, with the one that may be meant or all there are."""
    *sections, last = place
    for section in sections:
        cls = typing.get_type_hints(cls)[str(section)]
    names = [each.name for each in dataclasses.fields(cls)]
    prefix = "".join(f"{section}." for section in sections)
    near = difflib.get_close_matches(str(last), names, 1)
    hint = f"did you mean {prefix}{near[0]}?" if near else f"keys are: {', '.join(names)}"
    return f"unknown key {prefix}{last}; {hint}"


def _name(place: Sequence[int | str]) -> str:
    """Where a value stands: rating.opponents[0]."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in place).removeprefix(".")
