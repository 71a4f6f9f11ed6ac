"""How a key is declared: its default, the reason for it, its bounds, and what a resumed run does with a new value.

The sections are plain frozen dataclasses, so that a program which only builds a network (an engine) does not import
pydantic. The markers below stand in annotations and tell pydantic, once it reads a file, what the bare types do not say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core.core_schema import CoreSchema

CLOSED = {"extra": "forbid"}  # a section's __pydantic_config__: a key that is not declared is a mistake

# What a resumed run does with a new value. taken over: it holds from now on. converted: likewise, and the state of the run
# is fitted to it. fixed: the run refuses it before anything is written.
Resume = Literal["taken over", "converted", "fixed"]


def key(
    default: Any,
    reason: str,
    *,
    low: float | None = None,
    high: float | None = None,
    resume: Resume = "taken over",
) -> Any:
    """A dataclass field that is a key of a configuration.

    reason: one or two sentences that say what the key does and why the default is what it is, and that stand on their own.
    """
    ours = {"reason": reason, "low": low, "high": high, "resume": resume}
    # pydantic reads these of a dataclass field's metadata, by the names that its own Field() has.
    pydantic = {"ge": low, "le": high, "description": reason, "json_schema_extra": {"x-resume": resume}}
    meta = {**ours, **{name: value for name, value in pydantic.items() if value is not None}}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=meta)
    return field(default=default, metadata=meta)


class UnfitError(ValueError):
    """A value that a key does not take. The text goes on where the key's name ends: " must be ...", ": ..."."""


@dataclass(frozen=True)
class Before:
    """Of an annotated type: the function sees the value first, and gives what the type shall check."""

    change: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core.core_schema import no_info_before_validator_function

        return no_info_before_validator_function(self.change, handler(source))


@dataclass(frozen=True)
class Exact:
    """Of bool, str and list: nothing that could merely be turned into one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = {**handler(source), "strict": True}
        return cast("CoreSchema", schema)


@dataclass(frozen=True)
class Number:
    """Of int and float, with bounds for entries of lists: what YAML takes for a number, in 64 bits. `true` is none."""

    low: float | None = None
    high: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core.core_schema import no_info_before_validator_function

        bounds = {name: value for name, value in (("ge", self.low), ("le", self.high)) if value is not None}
        schema: Any = {**handler(source), **bounds, "strict": True}
        return no_info_before_validator_function(partial(_number, source), schema)


def _number(kind: type[int] | type[float], value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value  # for pydantic to refuse
    if kind is float:
        try:
            value = float(value)
        except OverflowError:
            raise UnfitError(" must be a number that fits 64 bits") from None
        if value != value:
            raise UnfitError(" must be a number, got nan")
        return value
    if isinstance(value, float) and value.is_integer():  # 1e3: YAML's numbers have no types
        value = int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise UnfitError(" must be an integer that fits 64 bits")
    return value


@dataclass(frozen=True)
class Shaped:
    """Of a list's entries: whatever is wrong inside an entry is told as `says`, what such an entry looks like."""

    says: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core.core_schema import no_info_wrap_validator_function

        return no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: Any, check: Callable[[Any], Any]) -> Any:
        from pydantic_core import ValidationError

        try:
            return check(value)
        except ValidationError:
            raise UnfitError(f"{self.says}, got {in_full(value)}") from None


def in_full(value: Any) -> str:
    """An entry as an error line quotes it; the line itself is cut where it grows long."""
    try:
        return str(value)
    except (ValueError, RecursionError):  # an integer of more than 4,300 digits; lists within lists without end
        return kind_of(value)


def kind_of(value: Any) -> str:
    """A value as an error line shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and abs(value) >= 2**63:
        return "a number beyond 64 bits"
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"'{value[:80]}'"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _null_is_empty(value: Any) -> Any:
    return {} if value is None else value


T = TypeVar("T")
Bool = Annotated[bool, Exact()]
Text = Annotated[str, Exact()]
ListOf = Annotated[list[T], Exact()]
Int = Annotated[int, Number()]
Float = Annotated[float, Number()]
Section = Annotated[T, Before(_null_is_empty)]  # `search:` with nothing under it is a section of defaults
