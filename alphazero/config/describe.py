"""All keys as a reader wants them: in a terminal, as a page of documentation, and as a JSON Schema for editors.

Everything comes from the schema that pydantic makes of the sections, so it is what load_config checks.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import textwrap
import typing
from dataclasses import dataclass
from typing import Any

from alphazero.config.models import Config
from alphazero.config.reading import adapter, to_plain
from alphazero.errors import UserError
from alphazero.text import shown

PAGE = """# Configuration

Every key of a training configuration, such as [quickstart.yaml](../configs/quickstart.yaml). This
page is made by `alphazero config --markdown` from the package itself. To change it, edit the
reasons in [alphazero/config/](../alphazero/config).

A file has sections, and each section has keys, as in `search: {simulations: 64}`. A key that is
left out has its default. On the command line, `KEY=VALUE` overrides the file:
`alphazero train configs/quickstart.yaml search.simulations=64`. `alphazero config SECTION` prints a
section in a terminal. Editors with a YAML language server complete and check keys with
[schema.json](../configs/schema.json), which the first line of each file in `configs/` names.

The column "on resume" says what happens when a run is resumed with another value:

- *taken over*: the new value holds from then on.
- *converted*: the new value holds, and the state of the run is adapted to it.
- *fixed*: the run refuses the new value before it writes anything.
"""


@dataclass(frozen=True)
class Row:
    """One key, in words."""

    key: str
    type: str
    default: str
    bounds: str  # "" where there are none
    resume: str
    reason: str


def schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of a configuration file; `x-resume` says what a resumed run does with a new value."""
    made = adapter(Config).json_schema()
    made.pop("description", None)
    defaults = to_plain(Config())
    for name, kind in typing.get_type_hints(Config).items():
        if dataclasses.is_dataclass(kind):
            inner = _section(made, made["properties"][name])
            inner.pop("description", None)  # not all versions of pydantic take a dataclass's text over
            inner["description"] = kind.__doc__
            for key, described in inner["properties"].items():
                described["default"] = defaults[name][key]  # pydantic leaves out lists
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A training run of alphazero"}
    return {**head, **_untitled(made)}


def schema_json() -> str:
    """configs/schema.json."""
    return json.dumps(schema(), indent=1) + "\n"


def sections() -> dict[str, tuple[str, list[Row]]]:
    """By section: what it is for, and its keys. The keys of no section stand under ""."""
    whole = schema()
    found: dict[str, tuple[str, list[Row]]] = {}
    loose = []
    for name, each in whole["properties"].items():
        inner = _section(whole, each)
        if "properties" in inner:
            rows = [_row(whole, f"{name}.{key}", one) for key, one in inner["properties"].items()]
            found[name] = (inner["description"], rows)
        else:
            loose.append(_row(whole, name, inner))
    return {**found, "": ("Keys outside the sections.", loose)}


def as_text(wanted: str = "", width: int = 100) -> str:
    """All keys, those of a section, or one (`search.kind`), for a terminal. UserError where there is no such thing."""
    out = []
    every = sections()
    for name, (purpose, rows) in every.items():
        chosen = [row for row in rows if wanted in ("", name, row.key)]
        if chosen and wanted in ("", name):
            out.append(f"{name}: {purpose}" if name else purpose)
        for row in chosen:
            bounds = f" {row.bounds}" if row.bounds else ""
            out.append(f"  {row.key}: {row.type}{bounds}, default {row.default}; on resume: {row.resume}")
            out += textwrap.wrap(row.reason, width, initial_indent="      ", subsequent_indent="      ")
    if not out:
        keys = [row.key for _, rows in every.values() for row in rows]
        near = difflib.get_close_matches(wanted, [*filter(None, every), *keys], 1)
        hint = f"did you mean {near[0]}?" if near else f"sections are: {', '.join(filter(None, every))}"
        raise UserError(f"config: no section or key {shown(wanted)}; {hint}")
    return "\n".join(out)


def as_markdown() -> str:
    """docs/configuration.md."""
    out = [PAGE]
    for name, (purpose, rows) in sections().items():
        out.append(f"## {name or 'Other keys'}\n{purpose}\n")
        out.append("| key | type | default | on resume | what it does, and why the default |\n|---|---|---|---|---|")
        for row in rows:
            kind = f"{row.type} {row.bounds}".rstrip()
            out.append(f"| `{row.key}` | {kind} | `{row.default}` | {row.resume} | {row.reason} |")
        out.append("")
    return "\n".join(out)


def _section(whole: dict[str, Any], each: dict[str, Any]) -> dict[str, Any]:
    """A property as it is, or what its $ref points to."""
    found: dict[str, Any] = whole["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
    return found


def _untitled(value: Any) -> Any:
    """Without pydantic's titles, which repeat the names."""
    if isinstance(value, dict):
        return {key: _untitled(each) for key, each in value.items() if key != "title" or not isinstance(each, str)}
    return [_untitled(each) for each in value] if isinstance(value, list) else value


def _row(whole: dict[str, Any], key: str, each: dict[str, Any]) -> Row:
    low, high = (each.get(name) for name in ("minimum", "maximum"))
    bounds = f">= {low:,.12g}" if low is not None else ""
    if high is not None:
        bounds = f"from {low:,.12g} to {high:,.12g}"
    default = "empty" if each["default"] == "" else json.dumps(each["default"])
    return Row(key, _type(whole, each), default.strip('"'), bounds, each["x-resume"], each["description"])


def _type(whole: dict[str, Any], each: dict[str, Any]) -> str:
    """A property's type in words."""
    each = _section(whole, each)
    if "enum" in each:
        return " or ".join(each["enum"])
    if "anyOf" in each:
        return " or ".join(_type(whole, one) for one in each["anyOf"])
    if "prefixItems" in each:
        return f"[{', '.join(_type(whole, one) for one in each['prefixItems'])}]"
    if each["type"] == "array":
        return f"list of {_type(whole, each['items'])}"
    if each["type"] == "object":
        own = [f"{name}: {_type(whole, one)}" for name, one in each.get("properties", {}).items()]
        return f"{{{', '.join([*own, 'OPTION: VALUE, ...'])}}}"
    return {"boolean": "true or false", "string": "text"}.get(each["type"], str(each["type"]))
