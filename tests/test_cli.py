"""What `alphazero` itself does: versions, suggestions for mistyped words, completion scripts."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import alphazero as az
from alphazero.cli import COMMANDS, SHELLS, build_parser, main
from alphazero.commands import completion
from alphazero.game import games, make
from alphazero.text import did_you_mean


def told(capsys, *arguments: str) -> str:
    """The error line of a call that is a user's mistake."""
    capsys.readouterr()
    assert main(list(arguments)) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("alphazero: ") and error.count("\n") == 1
    return error.removeprefix("alphazero: ").rstrip("\n")


def test_the_version_names_package_core_and_python_and_loads_no_torch():
    program = (
        "import sys\n"
        "from alphazero.cli import main\n"
        "try:\n    main(['--version'])\n"
        "except SystemExit as end:\n"
        "    print(end.code, [m for m in ('torch', 'numpy.random', 'rich', 'shtab') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("alphazero ") and f"core {az.__version__}, Python {sys.version.split()[0]}" in lines[0]
    assert lines[1] == "0 []" and done.stderr == ""


def test_python_m_alphazero_is_the_same_program():
    done = subprocess.run([sys.executable, "-m", "alphazero", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("alphazero ") and done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian", "x.yaml"], "unknown command 'trian'; did you mean train?"),
        (["Train"], "unknown command 'Train'; did you mean train?"),
        (["selfpaly", "uniform"], "unknown command 'selfpaly'; did you mean selfplay?"),
        (["--vrsion"], "unknown option '--vrsion'; did you mean --version?"),
        (["--print-completion", "zhs"], "--print-completion must be one of bash, zsh, tcsh, got 'zhs'; did you mean zsh?"),
        (["play", "--game", "conect4"], "did you mean connect4?"),
        (["match", "random", "random", "--game", "ches"], "did you mean chess?"),
        (["uci", "--game", "gardener"], "uci: --game must be one of chess, gardner, got 'gardener'; did you mean gardner?"),
        (["perft", "minishogy", "2"], "did you mean minishogi?"),
        (["match", "a", "b", "--gmaes", "4"], "match: unknown option '--gmaes'; did you mean --games?"),
        (["match", "a", "b", "--serach=puct"], "match: unknown option '--serach'; did you mean --search?"),
        (["match", "a", "b", "--search", "pcut"], "--search must be one of puct, gumbel, got 'pcut'; did you mean puct?"),
        (["bench", "serach"], "did you mean search?"),
        (["match", "a", "b", "--games"], "match: --games: expected one argument"),
        (["info", "a", "b", "c"], "info: too many arguments: 'b c'"),
    ],
)  # fmt: skip
def test_a_mistyped_word_gets_a_suggestion(capsys, arguments, message):
    assert message in told(capsys, *arguments)


def test_no_command_at_all_gets_the_list(capsys):
    assert told(capsys) == "no command given; commands are: " + ", ".join(COMMANDS)


def test_every_argument_has_a_help_text_that_begins_with_what_it_is():
    for name, command in build_parser(*COMMANDS).commands.items():
        for action in command._actions:
            assert action.help, f"{name}: {action.dest}"
            assert not action.help.startswith(("to ", "in ", "as ", "only ")) and not action.help.endswith(".")
            command.format_help()  # no stray % in it


def test_a_word_that_is_near_to_nothing_gets_the_list_alone(capsys):
    line = told(capsys, "xyzzy")
    assert "did you mean" not in line and line.endswith("commands are: " + ", ".join(COMMANDS))
    assert did_you_mean("\x1b" * 10_000_000, ["train"]) == ""
    with pytest.raises(
        ValueError, match=r"unknown game 'xyzzy'; games are: [^;?]*; a game from outside needs its package installed$"
    ):
        make("xyzzy")


# --- completion ---

NO_SHELL = "this shell is not installed here"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory) -> dict[str, Path]:
    """The completion script of each shell, as the program prints it."""
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        words = [sys.executable, "-m", "alphazero", "--print-completion", shell]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        (folder / shell).write_text(done.stdout)
    return {shell: folder / shell for shell in SHELLS}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_takes_its_completion_script(scripts, shell):
    text = scripts[shell].read_text()
    assert all(command in text for command in COMMANDS) and "--openings-order" in text and "pretrained:chess" in text
    if shutil.which(shell) is None:
        pytest.skip(NO_SHELL)
    checked = subprocess.run([shell, "-n", str(scripts[shell])], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def completed(script: Path, folder: Path, line: str) -> set[str]:
    """What bash offers for the last word of a line."""
    words = line.split(" ")
    program = (
        f"source {script}\n"
        f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}\n"
        "_shtab_alphazero 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, cwd=folder, check=True)
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason=NO_SHELL)
def test_bash_completes_commands_options_games_players_and_files(scripts, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "book.pgn").touch()

    def offered(line: str) -> set[str]:
        return completed(scripts["bash"], tmp_path, line)

    assert offered("alphazero tr") == {"train"}
    assert offered("alphazero match --opening") == {
        "--opening-plies",
        "--openings",
        "--openings-order",
        "--openings-start",
    }
    assert offered("alphazero match --openings-order ") == {"file", "random"}
    assert offered("alphazero match --openings b") == {"book.pgn"}
    assert offered("alphazero play --game ") == set(games())
    assert offered("alphazero perft ") == set(games())
    assert offered("alphazero uci --game ") == {"chess", "gardner"}
    assert {"pretrained:chess", "random", "runs"} <= offered("alphazero match ")
    assert offered("alphazero match random pretrained:ch") == {"pretrained:chess"}
    assert offered("alphazero play --model ru") == {"runs"}
    assert offered("alphazero replay --export ") == {"runs"}
    assert offered("alphazero replay ") == {"runs", "book.pgn"}


def test_every_argument_that_takes_a_game_a_player_or_a_path_is_completed():
    parser = build_parser(*COMMANDS)
    free = {
        "--option",
        "--anchor",
        "--tc",
        "--sprt",
        "--adjudicate-resign",
        "--adjudicate-draw",
        "--position",
        "overrides",
    }
    free |= {"what", "section", "name"}  # words that the command checks itself
    left = set()
    for name, command in parser.commands.items():
        for action in command._actions:
            completes = (
                action.choices or action.dest in completion.GAMES + completion.PLAYERS or action.type is not None
            )
            if action.nargs != 0 and not completes and not free & {action.dest, *action.option_strings}:
                left.add(f"{name} {action.dest}")
    assert not left, "say in completion.py what is completed here"


def test_completion_without_shtab_is_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert told(capsys, "--print-completion", "bash") == "--print-completion needs shtab: pip install shtab"


def test_commands_and_tools_are_made_of_short_functions():
    root = Path(completion.__file__).parents[2]
    long = {
        f"{file.name}: {node.name}"
        for folder in ("alphazero/commands", "tools")
        for file in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60
    }
    assert not long, "parse, call, print: what is more than 60 lines long has a second subject"
