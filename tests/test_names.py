"""Names that people and engines give, from the command line to every file and table; texts of the command line."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import pytest
from game_texts import text_of

import alphazero as az
from alphazero.arena import records
from alphazero.arena.adjudication import Adjudication
from alphazero.arena.match import Entrant
from alphazero.arena.time_control import TimeControl
from alphazero.arena.tournament import TournamentConfig, load_tournament, parse_anchors, play_tournament
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats.results import read_results
from alphazero.player import Player
from alphazero.text import LONGEST_NAME, MOST_OF_A_NAME, clean, listed, player_name

DOUBLE = Path(__file__).parent / "engine_double.py"
NAMES = {
    "quotes": "a \"b\" \\ 'c' [d] {e} ; % (f) :]",
    "lines": "a\r\nb\nResult: 1-0\x0b\x0c\x1c\x85\u2028c",
    "control": "\x1b[31mred\x1b[0m \x00\x07\x7f\x9b",
    "directions": "\u202eabc\u2066d\u200e\u200f\ufeff",
    "long": "x" * 10_000,
    "blank": " \t\u3000 ",
    "nothing": "",
    "unseen": "\x1b\u200b",
    "path": "../../etc/passwd/../a/b",
    "script": "技巧 2 Ångström",
    "half": "\ud83d half",
    "fields": "a N-b '$ 先手：b\t| <b>&amp;",
}


def entrants(name: str) -> list[Entrant]:
    return [Entrant(name, Player("uniform", az.Game("connect4"))), Entrant("b", Player("uniform", az.Game("connect4")))]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_players_name_is_one_clean_line_from_its_entry_on(name):
    own = entrants(name)[0].name
    assert own == player_name(name) and own.isprintable() and 1 <= len(own) <= MOST_OF_A_NAME
    assert own == player_name(own) == own.strip()
    assert own.encode()


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("game", ["chess", "shogi", "go"])
def test_every_record_is_read_back_whatever_the_players_are_called(name, game, tmp_path):
    rules = az.Game(game)
    move = {"chess": "e2e4", "shogi": "7g7f", "go": "D4"}[game]
    if game == "chess":
        pytest.importorskip("chess.pgn", reason="python-chess writes PGN; it comes with the extra 'test'")
    text = text_of(
        partial(records.write, rules),
        [move],
        white=player_name(name),
        black="b",
        value=1,
        reason="resignation",
        start="",
    )
    file = records.file_name(rules)
    (tmp_path / file).write_text(records.joined(rules, [text, text]))
    read = read_results([tmp_path / file])
    assert [(r["second"], r["result"]) for r in read] == [("b", 1.0)] * 2
    assert read[0]["first"][:60] == clean(player_name(name), LONGEST_NAME)[:60] or read[0]["first"] in player_name(name)
    assert "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize("name", [NAMES[key] for key in ("control", "directions", "long")], ids=len)
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("g.pgn", '[White "NAME!"]\n[Black "c"]\n[Result "1-0"]\n\n1. e4 1-0\n'),
        ("g.sgf", "(;SZ[9]PB[NAME!]PW[c]RE[B+1];B[ee])"),
        ("g.csa", "V2.2\nN+NAME!\nN-c\nPI\n+\n+7776FU\n-3334FU\n%TORYO\n"),
        ("g.kifu", "手合割：平手\n先手：NAME!\n後手：c\n手数----指手---\n   1 ７六歩(77)\n   2 投了\n"),
        ("g.jsonl", json.dumps({"first": "NAME!", "second": "c", "result": 1}) + "\n"),
    ],
    ids=["pgn", "sgf", "csa", "kif", "jsonl"],
)
def test_names_in_files_of_others_reach_no_terminal_as_they_are(name, file, text, tmp_path, capsys):
    (tmp_path / file).write_text(text.replace("NAME", name))
    code = main(["elo", str(tmp_path / file)])
    told = capsys.readouterr()
    lines = (told.out + told.err).split("\n")
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 400
    assert code == (2 if file == "g.jsonl" else 0) or len(told.err.splitlines()) in (1, 2)  # read, or refused in a line


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_tournament_names_its_players_cleanly_in_all_it_writes(name, tmp_path):
    config = TournamentConfig(
        players=["random", {"player": "uniform", "name": name, "simulations": 2}],
        games=2,
        game=TournamentConfig().game.__class__(name="connect4"),
    )
    play_tournament(config, "cpu", tmp_path)
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    own = player_name(name) if name else "uniform"
    assert {json.loads(line)["first"] for line in lines} == {"random", own}
    assert len(read_results([tmp_path / "results.jsonl"])) == 2
    assert own in [player["name"] for player in json.loads((tmp_path / "elo.json").read_text())["players"]]
    report = (tmp_path / "report.html").read_text()
    assert not [c for c in report if not c.isprintable() and c != "\n"] and "<b>&amp;" not in report
    again = play_tournament(config, "cpu", tmp_path)  # nothing is played again: the names are those of the file
    assert (tmp_path / "results.jsonl").read_text().splitlines() == lines and again["players"]


@pytest.mark.parametrize("name", ["\x1b[31mno\nsuch", "\u202eplayer", "x" * 10_000, "a/" * 200], ids=ascii)
def test_a_player_that_is_not_there_is_told_in_one_clean_line(name, capsys):
    assert main(["match", name, "random", "--game", "connect4"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told[:-1].isprintable() and len(told) < 1100


def test_two_players_of_one_name_are_told_apart_in_a_match_and_refused_in_a_tournament(tmp_path, capsys):
    call = ["match", "uniform", "uniform", "--game", "connect4", "--games", "2", "--simulations", "2"]
    assert main([*call, "--out", str(tmp_path)]) == 0
    played = sorted((r["first"], r["second"]) for r in read_results([tmp_path / "results.jsonl"]))  # as games end
    assert played == [("uniform", "uniform (B)"), ("uniform (B)", "uniform")]
    assert main(["tournament", "uniform", "uniform", "--game", "connect4"]) == 2
    assert "two players are called 'uniform'; give each a `name`" in capsys.readouterr().err
    players = [{"player": "uniform", "name": "a\x1bb"}, {"player": "random", "name": "ab"}]
    with pytest.raises(UserError, match="two players are called 'ab'"):
        play_tournament(TournamentConfig(players=players, game=TournamentConfig().game.__class__(name="connect4")))


def test_two_engines_whose_commands_differ_at_their_end_keep_their_names(tmp_path):
    long = f"uci:{sys.executable} {DOUBLE} uci chess play " + "y" * 200
    call = [
        "match",
        f"{long}a{{nodes=5}}",
        f"{long}b{{nodes=5}}",
        "--game",
        "chess",
        "--games",
        "2",
        "--max-plies",
        "4",
        "--out",
        str(tmp_path),
    ]
    assert main(call) == 0
    assert {r["first"].partition("{")[0][-1] for r in read_results([tmp_path / "results.jsonl"])} == {"a", "b"}


# --- many names ---


def test_two_thousand_players_are_refused_at_once_in_one_line(tmp_path, capsys):
    names = [f"mcts:{number}" for number in range(1, 2001)]
    for form in ("round-robin", "gauntlet", "ladder"):
        assert main(["tournament", *names, "--game", "connect4", "--form", form]) == 2
        assert "players must name at most 256, got 2,000" in capsys.readouterr().err
    (tmp_path / "t.yaml").write_text(json.dumps({"players": names, "game": {"name": "connect4"}}))
    assert main(["tournament", str(tmp_path / "t.yaml")]) == 2
    assert "players must name at most 256, got 2,000" in capsys.readouterr().err
    assert main(["tournament", *names[:200], "--game", "connect4", "--games", "1000"]) == 2
    assert "19,900 pairings of 1,000 games are more than 1,000,000 games" in capsys.readouterr().err


def test_an_error_lists_twenty_names_and_counts_the_others(tmp_path, capsys):
    (tmp_path / "p.yaml").write_text(
        "players:\n" + "".join(f"  p{number}: {{spec: random}}\n" for number in range(2000))
    )
    assert main(["match", "q", "random", "--players", str(tmp_path / "p.yaml"), "--game", "connect4"]) == 2
    told = capsys.readouterr().err
    assert "q: neither in the players file (p0, p1, " in told and "p19 and 1,980 more) nor a checkpoint" in told
    assert listed(["a", "b\x1b"]) == "a, b" and listed(map(str, range(30)), 2) == "0, 1 and 28 more"


# --- texts of the command line ---

GARBAGE = [
    "",
    "nan",
    "inf",
    "-1",
    "1e5",
    "²",
    "٣",
    "\x1b[0m",
    "x" * 10_000,
    "9" * 5000,
    "1_0",
    "None",
    "--",
    "1\n2",
    "0x10",
]


@pytest.mark.parametrize(
    "text", [*GARBAGE, "0", "0/10", "10/", "+1", "10+nan", "10+-1", "10b", "1000000000", "5+99999999", "99999/5"]
)
def test_a_time_control_that_is_none_is_one_line(text, capsys):
    with pytest.raises(UserError, match="--tc: ") as told:
        TimeControl.parse(text)
    assert len(str(told.value)) < 220 and str(told.value).isprintable()


def test_time_controls_of_a_day_and_of_milliseconds_are_read():
    assert str(TimeControl.parse("86400+0.001")) == "86400+0.001"
    assert TimeControl.parse("40/60+1").moves == 40


@pytest.mark.parametrize(
    "text", [*GARBAGE, "900", "900:", ":4", "900:0", "-900:4", "900:4:5:6", "9999999:4", "9:9999999", "1.5:4"]
)
def test_rules_of_adjudication_that_are_none_are_one_line(text):
    for resign, draw in ((text, None), (None, text), (None, f"{text}:40")):
        with pytest.raises(UserError, match="--adjudicate-") as told:
            Adjudication.parse(resign, draw)
        assert len(str(told.value)) < 220 and str(told.value).isprintable()


@pytest.mark.parametrize(
    "text", [*(f"a={each}" for each in GARBAGE if each not in ("-1", "1e5")), "a", "=5", "a=100001", "a=1e400"]
)
def test_an_anchor_without_a_rating_is_one_line(text):
    with pytest.raises(UserError, match=r"--anchor .*expected NAME=ELO") as told:
        parse_anchors([text])
    assert len(str(told.value)) < 300 and str(told.value).isprintable()


@pytest.mark.parametrize("elo", ["nan", "inf", "1e400", "²", "1_0", "x" * 5000, "\x1b", "100001"])
def test_an_anchor_of_elo_without_a_rating_is_one_line(elo, tmp_path, capsys):
    (tmp_path / "r.jsonl").write_text('{"first": "a", "second": "b", "result": 1}\n')
    assert main(["elo", str(tmp_path / "r.jsonl"), "--anchor", f"a={elo}"]) == 2
    told = capsys.readouterr().err
    assert "expected NAME or NAME=ELO" in told and told[:-1].isprintable() and len(told) < 300


def test_anchors_are_read_with_any_name():
    assert parse_anchors(["a=b=-12.5", "技巧=1e3", "x y=0"]) == {"a=b": -12.5, "技巧": 1000.0, "x y": 0.0}


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1e9", "true", "[1]", "null", "x"])
def test_an_anchor_of_a_file_that_is_no_rating_is_one_line(tmp_path, value):
    path = tmp_path / "t.yaml"
    path.write_text(f"players: [random, uniform]\ngame: {{name: connect4}}\nanchors: {{random: {value}}}")
    with pytest.raises(UserError, match=r"anchors\.random must be a number from -100000 to 100000"):
        load_tournament(path, [])


@pytest.mark.parametrize(
    "count", ["", "0", "-5", "1.5", "x", "²", "٣", "1_0", "1000000001", "9" * 5000, "\x1b", " 5", "1e3"]
)
def test_a_rollout_player_without_a_number_is_one_line_everywhere(count, capsys):
    for call in (
        ["match", f"mcts:{count}", "random", "--game", "connect4"],
        ["play", "--game", "connect4", "--model", f"mcts:{count}"],
        ["gtp", "--model", f"mcts:{count}"],
        ["uci", "--model", f"mcts:{count}"],
        ["tournament", "random", f"mcts:{count}", "--game", "connect4"],
    ):
        assert main(call) == 2
        told = capsys.readouterr().err
        assert "mcts:N needs a number of simulations from 1 to 1000000000" in told, told[:300]
        assert told.count("\n") == 1 and len(told) < 400
