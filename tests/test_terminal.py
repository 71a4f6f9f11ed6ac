"""Tables and progress on a terminal (a real one, of any width) and where there is none: scripts read the same bytes as ever."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from screen import Screen, on_a_terminal

from alphazero.arena.standings import scaling_table
from alphazero.progress import Progress
from alphazero.terminal import Column, Table, fact, say, show

WIDTHS = (20, 40, 80, 200)
LONG = "a-player-with-a-rather-long-name-of-its-own"
OTHERS = ("技巧 2", "[red]x[/red]")
RESULTS = [
    game
    for k in range(40)
    for game in (
        {"first": LONG, "second": OTHERS[0], "result": [1, 0.5, 0, 1][k % 4]},
        {"first": OTHERS[0], "second": OTHERS[1], "result": [1, 0.5, 1][k % 3]},
    )
]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A file of results."""
    file = tmp_path_factory.mktemp("elo") / "results.jsonl"
    file.write_text("".join(json.dumps(game) + "\n" for game in RESULTS), encoding="utf-8")
    return file


# --- where there is no terminal ---


def test_standings_in_a_pipe_are_the_plain_lines_that_scripts_read(results):
    words = [sys.executable, "-m", "alphazero", "elo", str(results), "--los"]
    environment = {**os.environ, "COLUMNS": "20", "FORCE_COLOR": "1", "PYTHONUTF8": "1"}  # for terminals, not for files
    out = subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout
    assert out == (
        "player                                          Elo             95 %   games   score  better than the next\n"
        "a-player-with-a-rather-long-name-of-its-own     361       [224, 498]      40   62.5%     95.9%\n"
        f"{OTHERS[0]:<43}     276       [178, 374]      80   60.6%    100.0%\n"
        "[red]x[/red]                                      0           [0, 0]      40   16.2%\n"
        "expected score 1 / (1 + 10^(-d / 400)), draws as half points (quasi-likelihood), with first-move advantage; "
        "one imaginary draw a player; 95 % intervals from the variance of colour-swapped pairs; anchor [red]x[/red]; "
        "moving first is worth +0 Elo [-681, +681]\n"
        "\n"
        "likelihood of superiority, the row's player over the column's, in percent\n"
        f"{'':<43}  {LONG}{OTHERS[0]:>45}{OTHERS[1]:>45}\n"
        f"{LONG}{'95.9':>90}{'100.0':>45}\n"
        f"{OTHERS[0]:<43}{'4.1':>45}{'100.0':>90}\n"
        f"{OTHERS[1]:<43}{'0.0':>45}{'0.0':>45}\n"
    )


def test_other_tables_and_facts_in_a_pipe_are_plain_lines(capsys):
    summary = {
        "unit": "simulations",
        "points": [
            {"budget": 1, "elo": 0.0, "low": 0.0, "high": 0.0, "games": 8},
            {"budget": 2, "elo": 150.4, "low": -20.2, "high": 321.0, "games": 8},
        ],
        "doublings": [{"from": 1, "to": 2, "elo": 150.4, "low": -20.2, "high": 321.0}],
    }
    show(scaling_table(summary))
    fact("plot", "x.png")
    fact("", "more")
    say("one\ntwo")
    assert capsys.readouterr().out == (
        " simulations     Elo             95 %   games  gained by the last doubling\n"
        "           1       0           [0, 0]       8\n"
        "           2     150       [-20, 321]       8    +150  [-20, +321]\n"
        "plot        x.png\n"
        "            more\n"
        "one\ntwo\n"
    )


def test_progress_in_a_log_is_one_line_each(capsys):
    out = io.StringIO()
    progress = Progress(out)
    progress.line(fraction=0.25, seconds=100, parts=["1,234 games", "x" * 200])
    progress.count("rating", 3, 40)
    progress.show(Table([Column("player", right=False), Column("Elo", 6)], [["a", "12"]]))
    progress.note("a word")
    assert out.getvalue() == (
        f" 25% 1:40 (left 5:00)  1,234 games  {'x' * 200}\nrating: 3 of 40 games\nplayer     Elo\na      12\na word\n"
    )


def test_progress_of_a_program_without_standard_streams_goes_nowhere():
    program = (
        "from alphazero.progress import Progress\n"
        "from alphazero.terminal import say\n"
        "p = Progress(); p.line(fraction=0.5, seconds=1, parts=[]); p.note('x'); say('y')\n"
    )
    words = f'{sys.executable} -c "{program}" >&- 2>&-'
    assert subprocess.run(["bash", "-c", words]).returncode == 0


@pytest.mark.parametrize("command", ["uci", "usi", "gtp"])
def test_engines_on_a_terminal_load_no_rich(command):
    program = (
        "import sys\n"
        "from alphazero import cli\n"
        "leave = cli._leave\n"
        "cli._leave = lambda code: (print('loaded', [m for m in ('rich', 'shtab', 'difflib') if m in sys.modules]), leave(code))\n"
        f"sys.argv = ['alphazero-{command}', '--model', 'uniform']\n"
        "sys.stdin = open('/dev/null')\n"
        f"cli.{command}()\n"
    )
    screen = on_a_terminal("-c", program)
    assert "loaded []" in screen.lines, screen.written


# --- on a terminal ---


@pytest.mark.parametrize("columns", WIDTHS)
def test_standings_fit_the_terminal(results, columns):
    screen = on_a_terminal("-m", "alphazero", "elo", str(results), "--los", "--bootstrap", "2", columns=columns)
    assert screen.code == 0 and screen.widest < columns
    text = "\n".join(screen.lines)
    assert "Elo" in text and "361" in text and "276" in text, "whatever the width, everybody's rating is there"
    assert "[red]" in text, "a name is no markup"
    assert ("[224, 498]" in text) == (columns >= 60) and ("bootstrap" in text) == (columns == 200)
    assert "100.0" in text, "the likelihoods are cut into blocks of columns"


def test_a_tournament_on_a_terminal_of_ten_columns_still_names_the_players():
    players = [{"name": name, "elo": elo, "low": -1.0, "high": 1.0} for name, elo in (("abc", 12.0), ("de", 0.0))]
    program = (
        "from alphazero.arena.standings import rated_players\n"
        "from alphazero.terminal import show\n"
        f"show(rated_players({players!r}, plain=''))\n"
    )
    screen = on_a_terminal("-c", program, columns=10)
    assert [line.split() for line in screen.final()[-2:]] == [["abc", "12"], ["de", "0"]]


PROGRESS = """
from alphazero.progress import Progress
from alphazero.terminal import Column, Table
progress = Progress()
def table(games):
    return Table([Column("player", right=False), Column("Elo", 6)], [[f"name {i}", str(games + i)] for i in range(PLAYERS)])
for number in range(1, 6):
    parts = ["12,345 games", f"step {number}", "policy 1.234", "value 0.567", "12,345 evals/s", "1,234 samples/s", "45 plies"]
    progress.line(fraction=number / 5, seconds=1000 * number, parts=parts)
    if number == 3:
        progress.note("warning: " + "a word " * 20)
print("the end")
progress = Progress()
for number in range(1, 4):
    progress.count("rating", number, 3)
    progress.show(table(number))
"""


@pytest.mark.parametrize("columns", WIDTHS)
def test_progress_is_written_over_and_leaves_no_half_lines(columns):
    screen = on_a_terminal("-c", PROGRESS.replace("PLAYERS", "3"), columns=columns)
    assert screen.code == 0 and screen.widest < columns
    final = screen.final()
    text = " ".join(" ".join(final).split())
    assert text.count("12,345 games") == text.count("1,234 samples/s") == 1, "the newest figures alone, and all of them"
    assert "step 5" in text and "step 4" not in text and text.count("warning:") == 1 and text.count("a word") == 20
    assert text.count("player Elo") == 1 and "name 2 5" in text and "3 of 3 games" in text and "2 of 3" not in text
    assert "the end" in final, "what others print stands on lines of its own"
    assert screen.written.endswith("\n"), "the prompt comes on an empty line"


def test_a_table_longer_than_the_screen_is_cut_so_that_it_can_be_written_over():
    screen = on_a_terminal("-c", PROGRESS.replace("PLAYERS", "100"), lines=10)
    final = screen.final()
    assert final.count("player      Elo") == 1
    assert len([line for line in final if line.startswith("name")]) == 7 and final[-1].endswith("3 of 3 games")


def test_a_dumb_terminal_gets_no_escapes_and_lines_that_fit():
    screen = on_a_terminal("-c", PROGRESS.replace("PLAYERS", "3"), columns=40, TERM="dumb")
    assert "\x1b" not in screen.written and screen.widest < 40
    assert " ".join(screen.written.split()).count("12,345 games") == 5


def test_no_color_means_no_colours(results):
    def colours(screen: Screen) -> set[str]:
        return {part.split("m")[0] for part in screen.written.split("\x1b[")[1:] if "m" in part.split()[0]}

    plain = on_a_terminal("-c", PROGRESS.replace("PLAYERS", "3"), NO_COLOR="1")
    assert colours(on_a_terminal("-c", PROGRESS.replace("PLAYERS", "3"))) - {"0", "1"}, "the bar has a colour"
    assert colours(plain) <= {"0", "1"}, "bold is no colour"
    assert "12,345 games" in "\n".join(plain.final())


def test_a_terminal_without_unicode_gets_a_bar_of_its_own_characters():
    screen = on_a_terminal("-c", PROGRESS.replace("PLAYERS", "3"), PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert screen.code == 0 and screen.written.isascii() and "---" in screen.written


def test_a_match_on_a_terminal_shows_its_games_by_colour():
    words = ["match", "random", "mcts:2", "--game", "connect4", "--games", "4"]
    screen = on_a_terminal("-m", "alphazero", *words, columns=60)
    final = screen.final()
    assert screen.code == 0 and screen.widest < 60
    assert "random against mcts:2" in " ".join(final) and "4 of 4 games" in " ".join(final)
    start = next(i for i, line in enumerate(final) if "wins" in line)
    assert [line.rsplit(None, 3)[0] for line in final[start + 1 : start + 4]] == [
        "moving first",
        "moving second",
        "in all",
    ]
    assert sum(map(int, final[start + 3].split()[2:])) == 4
    assert any("Elo difference" in line for line in final)


@pytest.mark.parametrize("columns", WIDTHS)
def test_figures_that_come_one_by_one_stand_in_columns(columns):
    program = (
        "from alphazero_bench.figures import Figure\n"
        "from alphazero.commands.bench import _row\n"
        "from alphazero.terminal import show\n"
        "for number, name in enumerate(['rules.plies.go9', 'inference.openvino.4x64.go9.b128']):\n"
        "    show(_row(Figure(name, 1234567.0, 'plies/s', 3, 1234567.0, 1.5, 2e6), number == 0))\n"
    )
    screen = on_a_terminal("-c", program, columns=columns)
    assert screen.code == 0 and screen.widest < columns
    text = "\n".join(screen.lines)
    assert text.count("value") == 1 and text.count("1,234,567") == 2
    assert len({line.index("1,234,567") for line in screen.lines if "1,234,567" in line}) == 1
    assert ("1.500 .. 2,000,000" in text) == (columns >= 80) and ("plies/s" in text) == (columns >= 80)


@pytest.mark.parametrize("columns", WIDTHS)
def test_facts_are_broken_beside_their_labels(columns):
    program = f"from alphazero.terminal import fact\nfact('a label', {' '.join(['word'] * 30)!r})\n"
    screen = on_a_terminal("-c", program, columns=columns)
    first, *others = screen.final()
    assert screen.widest < columns and first.startswith("a") and " ".join(screen.lines).count("word") == 30
    assert columns < 40 or all(line.startswith(" " * 12) for line in others)


def test_results_in_a_pipe_and_progress_on_the_terminal_use_the_terminals_width():
    screen = on_a_terminal("-c", PROGRESS.replace("PLAYERS", "3"), columns=120, stdout=False)
    assert 80 < screen.widest < 120 and "the end" not in screen.written
