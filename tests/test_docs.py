"""What is written about the project: its form, its links, and that its commands are understood."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tiny import tiny_file

import alphazero
from alphazero.cli import build_parser

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import build_docs  # noqa: E402
import wrap_prose  # noqa: E402

PAGES = [str(path.relative_to(ROOT)) for path in wrap_prose.files()]
LONG = "word " * 30


@pytest.mark.parametrize("page", PAGES)
def test_prose_wraps_at_100_columns(page):
    assert wrap_prose.faults((ROOT / page).read_text()) == []


def test_every_file_of_tests_is_named_in_their_readme():
    told = (ROOT / "tests" / "README.md").read_text()
    assert [path.name for path in sorted((ROOT / "tests").glob("test_*.py")) if f"`{path.name}`" not in told] == []


def test_every_file_of_the_core_is_named_in_its_readme_and_no_other():
    told = set(re.findall(r"`(?:\w+/)?(\w+\.(?:h|cpp))`", (ROOT / "cpp" / "README.md").read_text()))
    there = {path.name for path in (ROOT / "cpp").rglob("*") if path.suffix in (".h", ".cpp")}
    headers_of_sources = {
        path.name for path in (ROOT / "cpp" / "bind").glob("*.h") if path.with_suffix(".cpp").exists()
    }
    assert told - there - {"game.h"} == set()
    assert there - told - headers_of_sources == set()


def test_hidden_and_written_folders_are_not_read(tmp_path):
    for name in ("README.md", "docs/a.md", ".venv/b.md", "build/c.md", "runs/mine/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [str(path.relative_to(tmp_path)) for path in wrap_prose.files(tmp_path)] == ["README.md", "docs/a.md"]


@pytest.mark.parametrize("text", [LONG, f"- {LONG}", f"Before.\n\n1. {LONG}", f"- item\n  {LONG}", f"    \n{LONG}"])
def test_long_prose_is_found_and_wrapped_without_changing_a_word(text):
    assert wrap_prose.faults(text)
    better = wrap_prose.wrapped(text)
    assert wrap_prose.faults(better) == []
    assert better.split() == text.split()
    assert wrap_prose.wrapped(better) == better


@pytest.mark.parametrize(
    "text",
    [
        f"| {LONG} |\n|---|",
        f"## {LONG}",
        f"```\n{LONG}\n\n    {LONG}\n```",
        f"Text:\n\n    {LONG}",
        "word " * 18 + f"`{LONG.strip()}`",
        "[words](" + "long/" * 30 + ")",
    ],
)
def test_what_cannot_break_may_be_long(text):
    better = wrap_prose.wrapped(text)
    assert wrap_prose.faults(better) == []
    assert LONG.strip() in better or "long/" * 30 in better


@pytest.mark.parametrize("marker", ["-", "+", "*", "12.", "3)", "#", "|", ">", "<-", "="])
def test_no_line_begins_with_what_would_be_a_list_a_heading_or_a_table(marker):
    lines = wrap_prose.wrapped("word " * 20 + f"{marker} {LONG}").splitlines()
    assert lines[0] == "word " * 18 + "word"
    assert lines[1].startswith(f"word {marker} word")


@pytest.mark.parametrize("text", ["Text:\n- a", "Text:\n1. a", "Text:\n| a |\n|---|"])
def test_a_list_or_table_without_an_empty_line_before_it_is_found(text):
    assert [number for number, _ in wrap_prose.faults(text)] == [2]


def test_the_command_tells_file_and_line_and_mends(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{LONG}\n")
    assert wrap_prose.main([str(page)]) == 1
    assert f"{page}:3: " in capsys.readouterr().err
    assert wrap_prose.main(["--fix", str(page)]) == 0
    assert wrap_prose.main([str(page)]) == 0


def test_the_site_has_every_page_and_every_file_that_a_page_links_to(tmp_path):
    pages = tmp_path / "pages"
    build_docs.gather(ROOT, pages)
    assert {str(path.relative_to(pages)) for path in pages.rglob("*.md")} == set(PAGES)
    nav = (ROOT / ".mkdocs.yml").read_text()
    assert {match[1] for match in re.finditer(r"- .+: (.+\.md)$", nav, re.MULTILINE)} == set(PAGES)
    assert (pages / "docs" / "quickstart-elo.png").exists()


def test_a_link_to_a_folder_leads_to_its_readme_on_the_site(tmp_path):
    root, pages = tmp_path / "root", tmp_path / "pages"
    (root / "some").mkdir(parents=True)
    (root / "bare").mkdir()
    (root / "some" / "README.md").write_text("# Some\n")
    (root / "page.md").write_text("[some](some/), [bare](bare), [none](none), [some](some/README.md)\n")
    build_docs.gather(root, pages)
    text = (pages / "page.md").read_text()
    assert text == "[some](some/README.md), bare, [none](none), [some](some/README.md)\n"


def test_a_broken_link_and_an_asset_of_another_server_are_errors(tmp_path):
    pytest.importorskip("material", reason="needs the extra [docs]")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.md").write_text(
        "# Title\n\n[page](nowhere.md) [folder](folder) [part](#nothing) ![picture](https://example.org/a.png)\n"
    )
    (tmp_path / "mkdocs.yml").write_text(
        f"INHERIT: {ROOT / '.mkdocs.yml'}\ndocs_dir: {tmp_path / 'pages'}\nsite_dir: {tmp_path / 'site'}\nnav: [index.md]\n"
    )
    done = build_docs.build(tmp_path / "mkdocs.yml", capture_output=True, text=True)
    assert done.returncode != 0
    for fault in ("nowhere.md", "'folder'", "#nothing", "https://example.org/a.png"):
        assert fault in done.stderr


def commands(page: str) -> list[str]:
    """The commands in the code blocks of a page, continued lines joined, redirections left out."""
    text = (ROOT / page).read_text().replace("\\\n", " ")
    code = [lines[0].strip() for kind, _, lines in wrap_prose.blocks(text.splitlines()) if kind == "other"]
    return [re.split(" [>|] ", line)[0] for line in code if re.match(r"(alphazero|python) ", line)]


COMMANDS = sorted({(command, page) for page in PAGES if page != "CHANGELOG.md" for command in commands(page)})


@pytest.mark.parametrize("command", [command for command, _ in COMMANDS])
def test_a_command_of_the_documentation_is_understood(command):
    program, *words = shlex.split(command, comments=True)
    if program == "alphazero":
        build_parser(words[0]).parse_args(words)
    elif words[0].endswith(".py"):
        source = (ROOT / words[0]).read_text()
        assert all(f'"{word}"' in source for word in words[1:] if word.startswith("--"))


def test_commands_are_found_and_a_wrong_one_is_told():
    assert len(COMMANDS) > 50
    with pytest.raises(ValueError, match="--elo"):
        build_parser("match").parse_args(["match", "A", "B", "--elo", "5"])


# docs/where.md must answer these at the first look.
QUESTIONS = (
    "learning-rate schedule",
    "temperature is decided",
    "add a head or a target",
    "clock becomes the end of a search",
    "add a protocol command",
    "Othello",
    "add an evaluator",
    "network of my own",
    "all configuration keys with defaults",
    "run resigns, and why",
    "in a run directory",
    "format of `results.jsonl`",
    "replay a stored game in Python",
    "which tests cover a file",
)
ANSWERS = dict(re.findall(r"^\| (.+?) \| (.+) \|$", (ROOT / "docs" / "where.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_newcomers_question_has_one_answer(question):
    assert len([each for each in ANSWERS if question in each]) == 1


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS.values() if "/" in answer])
def test_what_an_answer_names_is_there(answer):
    for symbols, path in re.findall(r"((?:`[\w.]+`(?: and )?)+) in \[([^\]]+)\]", answer):
        for symbol in re.findall(r"(\w+)`", symbols):
            assert re.search(rf"\b{symbol}\b", (ROOT / path).read_text()), f"{symbol} is not in {path}"
    for path in re.findall(r"`([\w.]+/[\w./]*)`", answer):
        assert (ROOT / path).exists(), path


PATH = re.compile(r"`((?:alphazero|cpp|games|configs|tests|tools|docs)/[\w./-]+)`")


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_a_path_in_the_documentation_exists(page):
    for path in PATH.findall((ROOT / page).read_text()):
        there = (ROOT / path).exists() or (ROOT / page).parent.joinpath(path).exists()
        assert there or re.search("NAME|GAME|mine|TARGET", path), path


def test_the_tests_that_cover_a_file_are_there():
    named = re.findall(r"`(test_\w+\.py)`", (ROOT / "tests" / "README.md").read_text())
    assert len(named) > 40
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []


def test_the_readme_is_short_and_in_its_order():
    parts = re.split(r"^(#+ .+)$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)[1:]
    headings, texts = parts[::2], parts[1::2]
    assert headings[:6] == ["# alphazero", "## Two commands", "## Play", "## Look", "## Compare", "## Measure"]
    assert texts[0].count("![") == 1, "one picture, before the commands"
    assert max(len(text.splitlines()) for text in texts) <= 25


# Pages whose Python runs, and those that show parts of a file to be changed.
EXAMPLES = (
    "README.md",
    "docs/add-evaluator.md",
    "docs/add-game.md",
    "docs/add-network.md",
    "docs/files.md",
    "docs/open_spiel.md",
    "docs/research.md",
)
PARTS = ("docs/add-command.md", "docs/add-head.md")
RUN = "import sys\nfor block in sys.stdin.read().split(chr(0)):\n    exec(compile(block, block, 'exec', dont_inherit=True), globals())"


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in this language, also those within lists."""
    text = (ROOT / page).read_text()
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(each[2]) for each in found]


def test_every_page_with_python_is_run_or_shows_parts_of_files():
    assert {page for page in PAGES if blocks(page, "python")} == {*EXAMPLES, *PARTS}


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_python_of_a_page_runs(page, tmp_path):
    """All blocks in order, in one namespace. One that begins with `# NAME.py` is that file of the current folder, too."""
    if "spiel" in page:
        pytest.importorskip("pyspiel", reason="needs OpenSpiel: pip install 'alphazero-engine[open_spiel]'")
    if page == "docs/files.md":  # it reads a run that is there
        alphazero.train(tiny_file(tmp_path), tmp_path / "runs" / "quickstart")
    code = blocks(page, "python")
    for block in code:
        if named := re.match(r"# (\w+\.py)\n", block):
            (tmp_path / named[1]).write_text(block)
    said = "\0".join(code).replace("simulations=400", "simulations=8")
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=said, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and done.stdout, done.stderr


def changed(text: str, change: str) -> str:
    """A file's text after a `diff` block: each of its parts, between lines of @@, must fit the text in one place."""
    for part in re.split(r"^@@$\n", change, flags=re.MULTILINE):
        lines = part.splitlines()
        before = "\n".join(line[1:] for line in lines if line[0] != "+")
        after = "\n".join(line[1:] for line in lines if line[0] != "-")
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


@pytest.fixture
def changed_package(tmp_path):
    """Runs words of Python in a copy of the package, with the changes and the new files that a page shows."""

    def run(page: str, *words: str, **environment: str) -> str:
        shutil.copytree(ROOT / "alphazero", tmp_path / "alphazero", ignore=shutil.ignore_patterns("__pycache__"))
        core = Path(alphazero._core.__file__)
        shutil.copy(core, tmp_path / "alphazero" / core.name)
        for block in blocks(page, "diff"):
            name, change = re.fullmatch(r"\+\+\+ (\S+)\n(.*)", block, re.DOTALL).groups()
            (tmp_path / name).write_text(changed((tmp_path / name).read_text(), change))
        for block in blocks(page, "python"):
            if named := re.match(r"# (alphazero/\S+\.py)\n", block):
                (tmp_path / named[1]).write_text(block)
        paths = os.pathsep.join([str(tmp_path), *(each for each in sys.path if each.endswith("site-packages"))])
        done = subprocess.run(
            [sys.executable, "-S", *words],  # without what puts the package of this folder before all others
            env={**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(tmp_path / "cache"), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def test_the_backend_of_the_page_plays_and_agrees(changed_package):
    script = """
import torch
from alphazero.config import NetworkConfig
from alphazero.evaluators import make_evaluator
from alphazero.network import Network, shape_of
import alphazero as az
print(make_evaluator(Network(shape_of(az.Game("connect4")), NetworkConfig()).eval(), "mine").describe())
"""
    assert "mine cpu fp32" in changed_package("docs/add-evaluator.md", "-c", script)


def test_the_network_of_the_page_is_openvinos_graph_and_off_in_older_checkpoints(changed_package):
    pytest.importorskip("openvino", reason="an optional backend")
    script = """
import torch
from alphazero.config import NetworkConfig
from alphazero.evaluators.base import agrees
from alphazero.evaluators.choose import CPU_BACKENDS
from alphazero.network import Network, folded, from_description, shape_of
import alphazero as az
torch.manual_seed(1)
net = Network(shape_of(az.Game("go")), NetworkConfig(squeeze=True)).eval()
plain = dict(net.describe(), squeeze=False)
print(agrees(CPU_BACKENDS["openvino-fp32"](net), net, bf16=False), "gate" in str(net), "gate" in str(from_description(plain)))
"""
    assert changed_package("docs/add-network.md", "-c", script).split() == ["True", "True", "False"]
