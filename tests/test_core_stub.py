"""The compiled core as an IDE sees it: alphazero/_core.pyi names what is there, and everything is documented."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from alphazero import _core

ROOT = Path(__file__).parent.parent
STUB = ast.parse((ROOT / "alphazero" / "_core.pyi").read_text())
CLASSES = [node for node in STUB.body if isinstance(node, ast.ClassDef)]
FUNCTIONS = [node for node in STUB.body if isinstance(node, ast.FunctionDef)]
METHODS = [(c.name, m) for c in CLASSES for m in c.body if isinstance(m, ast.FunctionDef)]
LONGEST = 110  # columns of a line of documentation


def _public(owner: object) -> set[str]:
    return {name for name in vars(owner) if not name.startswith("_")}


def _arguments(function: ast.FunctionDef) -> list[str]:
    """Names, and "=" after those that may be left out."""
    names = [each.arg for each in function.args.args if each.arg != "self"]
    first = len(names) - len(function.args.defaults)
    return [f"{name}=" if i >= first else name for i, name in enumerate(names)]


def _signature(documentation: str) -> list[str]:
    """The same from the first line of a compiled function's documentation."""
    inside = documentation.split("\n", 1)[0].split("(", 1)[1].rsplit(")", 1)[0]
    found = re.findall(r"(?:^|, )(\w+): (.*?)(?=, \w+: |$)", inside)
    return [name + ("=" if " = " in rest else "") for name, rest in found if name != "self"]


def _words(documentation: str) -> str:
    """What is said, without the line that pybind11 writes above it."""
    first, _, rest = documentation.partition("\n")
    return (rest if re.match(r"\w+\(.*\) -> ", first) else documentation).strip()


def _documented() -> list[tuple[str, object]]:
    out: list[tuple[str, object]] = [(c.name, getattr(_core, c.name)) for c in CLASSES]
    out += [(f.name, getattr(_core, f.name)) for f in FUNCTIONS]
    out += [(f"{c}.{m.name}", getattr(getattr(_core, c), m.name)) for c, m in METHODS if not m.name.startswith("__")]
    return out


def test_the_stub_names_every_class_function_and_number_of_the_core_and_nothing_else():
    numbers = {node.target.id for node in STUB.body if isinstance(node, ast.AnnAssign)}  # type: ignore[union-attr]
    named = {node.name for node in (*CLASSES, *FUNCTIONS)} | numbers
    assert {name for name in named if not name.startswith("_")} == _public(_core)


@pytest.mark.parametrize("node", [c for c in CLASSES if c.name != "IllegalMove"], ids=lambda node: node.name)
def test_the_stub_of_a_class_names_all_of_its_members(node):
    named = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
    assert {name for name in named if not name.startswith("_")} == _public(getattr(_core, node.name))


@pytest.mark.parametrize("name, method", METHODS, ids=lambda x: x if isinstance(x, str) else x.name)
def test_arguments_have_the_names_and_the_order_of_the_stub(name, method):
    if any(isinstance(d, ast.Name) and d.id == "property" for d in method.decorator_list):
        assert isinstance(vars(getattr(_core, name))[method.name], property)
        return
    if method.name == "__len__" or method.args.kwarg is not None:
        return
    assert _signature(getattr(getattr(_core, name), method.name).__doc__) == _arguments(method)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda node: node.name)
def test_functions_have_the_arguments_of_the_stub(function):
    assert _signature(getattr(_core, function.name).__doc__) == _arguments(function)


@pytest.mark.parametrize("name, what", _documented(), ids=lambda x: x if isinstance(x, str) else "")
def test_everything_is_documented_in_whole_sentences_that_fit_a_line(name, what):
    words = _words(inspect.getdoc(what) or "")
    assert words, f"{name} has no documentation"
    assert words[-1] in '.)"', f"{name}: {words!r} breaks off"
    lines = words.split("\n")
    assert all(len(line) <= LONGEST and line == line.strip() for line in lines), f"{name}: {lines}"
    summary = words.split("\n\n", 1)[0]
    assert summary.endswith((".", ":")), f"{name}: its first paragraph is no sentence: {summary!r}"


def test_no_source_of_the_bindings_tears_a_sentence_into_pieces():
    for path in sorted((ROOT / "cpp" / "bind").glob("*.cpp")):
        torn = re.findall(r'"[^"\n]*[^\\n"\n]"\n\s+"[^"\n]*"', path.read_text())
        assert not torn, f"{path.name}: {torn[0]}"
