"""The settings of a search, as the compiled core lists them: the table in cpp/search/settings.h is their only home.

A new setting is a member and a row there. Configuration, matches, self-play, engine options and `--set` take it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

from alphazero._core import check_search, search_fields

SettingValue = int | float | bool | str
T = TypeVar("T")


@dataclass(frozen=True)
class SearchField:
    """One row of the table."""

    name: str
    default: SettingValue
    reason: str  # what it does, and why its default is what it is
    low: float  # of a number
    high: float
    choices: tuple[str, ...]  # of a text
    option: str  # the engine option that sets it; "": none
    noise: bool  # it acts on searches with noise alone, which self-play asks for

    @property
    def is_number(self) -> bool:
        return not isinstance(self.default, (bool, str))

    def read(self, text: str) -> SettingValue:
        """The value that a text means. ValueError says what it must be; the core checks the bounds."""
        if isinstance(self.default, bool):
            if text.lower() not in ("true", "false"):
                raise ValueError(f"{self.name} must be true or false, got '{text}'")
            return text.lower() == "true"
        if isinstance(self.default, str):
            return text
        kind = type(self.default)
        try:
            return kind(text)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            raise ValueError(
                f"{self.name} must be {what} from {self.low:.10g} to {self.high:.10g}, got '{text}'"
            ) from None


FIELDS: Mapping[str, SearchField] = MappingProxyType({row["name"]: SearchField(**row) for row in search_fields()})
MOST_SIMULATIONS = int(FIELDS["simulations"].high)  # of a search


def _of_the_table(cls: type[T]) -> type[T]:
    """Makes the class a frozen dataclass with a field for each row of the table."""
    cls.__annotations__ = {
        each.name: Literal[tuple(sorted(each.choices))] if each.choices else type(each.default)
        for each in FIELDS.values()
    }
    for each in FIELDS.values():
        setattr(cls, each.name, each.default)
    return dataclass(frozen=True)(cls)


@_of_the_table
class SearchSettings:
    """Everything that a search can be told; the fields are the table's, and these are those that our own code asks for."""

    kind: str
    simulations: int
    c_base: float
    c_init: float
    policy_temperature: float

    @classmethod
    def of(cls, settings: Mapping[str, SettingValue]) -> SearchSettings:
        """These settings, and the defaults of all others. ValueError names the one that is unknown or cannot be."""
        check(settings)
        return cls(**settings)

    def replace(self, **settings: SettingValue) -> SearchSettings:
        """The same with these settings instead. ValueError as in of()."""
        return self.of({**self.as_dict(), **settings})

    def as_dict(self) -> dict[str, SettingValue]:
        return {name: getattr(self, name) for name in FIELDS}


def check(settings: Mapping[str, SettingValue]) -> None:
    """ValueError names the setting that is unknown or cannot be."""
    check_search(dict(settings))


def read_setting(text: str) -> tuple[str, SettingValue]:
    """(name, value) of a text NAME=VALUE. ValueError says what is wrong."""
    name, equals, value = text.partition("=")
    if not equals or name not in FIELDS:
        raise ValueError(f"'{text}' is no setting of a search: NAME=VALUE, with a name among {', '.join(FIELDS)}")
    found = FIELDS[name].read(value)
    check({name: found})
    return name, found
