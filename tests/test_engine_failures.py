"""Engines that crash, hang, cheat, flood or do not start, by UCI, USI and GTP: each is scored as such and nothing waits for ever."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path

import pytest
from engine_double import alive
from playing import play

import alphazero as az
from alphazero.arena.clocked import PlayedGame, TimeControl
from alphazero.arena.match import Entrant, Pairing, entrant
from alphazero.arena.play_match import play_match
from alphazero.errors import UserError
from alphazero.protocols.client import EngineSpec

DOUBLE = Path(__file__).parent / "engine_double.py"
GAMES = {"uci": "chess", "usi": "shogi", "gtp": "go"}
GAME_OF = {"chess": az.Game("chess"), "shogi": az.Game("shogi"), "go": az.Game("go", board_size=9)}


def double(protocol: str, behaviour: str, after: int = 0, flag: str | Path = "", braces: str | None = None) -> str:
    """The command of a double, as a player's name."""
    limit = "" if protocol == "gtp" else "{nodes=1}"
    words = f"{sys.executable} {DOUBLE} {protocol} {GAMES[protocol]} {behaviour} {after}" + (f" {flag}" if flag else "")
    return f"{protocol}:{words}{limit if braces is None else braces}"


def games(spec: str, count: int = 1, tc: TimeControl | None = None, **settings) -> list[PlayedGame]:
    """Games of an engine, moving first, against random moves."""
    game = GAME_OF[GAMES[spec.partition(":")[0]]]
    entrants = [entrant(spec, game, "cpu", {}), entrant("random", game, "cpu", {})]
    pairings = {number: Pairing(0, 1, "", number) for number in range(count)}
    played: dict[int, PlayedGame] = {}
    play(game, entrants, pairings, played.__setitem__, time_control=tc, **settings)
    return [played[number] for number in range(count)]


@pytest.mark.parametrize("protocol", GAMES)
@pytest.mark.parametrize(
    ("behaviour", "termination", "note"),
    [
        ("crash", "engine failure", "has ended"),
        ("cheat", "illegal move", "e1e8"),
        ("resign", "resignation", "resigns"),
        ("die", "engine failure", "has ended"),
    ],
)
def test_an_engine_that_misbehaves_loses_that_game(protocol, behaviour, termination, note):
    (played,) = games(double(protocol, behaviour, after=1))
    assert (played.value, played.termination) == (-1, termination)
    assert note.lower() in played.note.lower() and "\n" not in played.note
    assert played.plies == (0 if behaviour == "die" else 2)


@pytest.mark.parametrize("protocol", GAMES)
def test_an_engine_that_failed_is_started_anew_for_the_next_game(protocol, tmp_path):
    """The double crashes in its first process only; the next game is played to its end (here: adjudicated)."""
    from alphazero.arena.adjudication import Adjudication

    spec = double(protocol, "crash", after=1, flag=tmp_path / "flag")
    first, second = games(spec, 2, adjudication=Adjudication(max_plies=6))
    assert first.termination == "engine failure" and first.value == -1
    assert second.termination == "adjudication" and second.plies == 6


@pytest.mark.parametrize("protocol", GAMES)
def test_an_engine_that_leaves_after_a_game_has_lost_nothing(protocol):
    """It resigns in its first move and is gone; the next game begins with a new process."""
    first, second = games(double(protocol, "leave"), 2)
    assert first.termination == second.termination == "resignation", second.note


def test_a_dead_engine_is_quoted():
    (played,) = games(double("uci", "die"))
    assert "has ended with status 1 (last said: 'cannot find my network')" in played.note


@pytest.mark.parametrize("protocol", GAMES)
def test_a_lost_clock_loses_the_game(protocol):
    (played,) = games(double(protocol, "slow", braces=""), tc=TimeControl(0.4))
    assert (played.value, played.termination) == (-1, "time forfeit")


@pytest.mark.parametrize("protocol", GAMES)
@pytest.mark.parametrize("behaviour", ["hang", "flood"])
def test_an_engine_that_gives_no_move_is_ended_without_a_clock_too(protocol, behaviour, monkeypatch):
    monkeypatch.setattr("alphazero.protocols.client.GRACE_SECONDS", 0.0)
    monkeypatch.setattr("alphazero.protocols.gtp_client.GRACE_SECONDS", 0.0)
    begin = time.monotonic()
    (played,) = games(
        double(protocol, behaviour, braces="{patience=1}" if protocol == "gtp" else "{nodes=1; patience=1}")
    )
    assert played.termination == "engine failure"
    assert "within 1 seconds" in played.note or "lines and no" in played.note, played.note
    assert time.monotonic() - begin < 8


@pytest.mark.parametrize("protocol", GAMES)
def test_an_engine_that_is_silent_from_the_start_loses(protocol, monkeypatch):
    for module in ("client", "gtp_client"):
        monkeypatch.setattr(f"alphazero.protocols.{module}.START_SECONDS", 0.5)
    (played,) = games(double(protocol, "silent"))
    assert (played.value, played.termination) == (-1, "engine failure")


@pytest.mark.parametrize("protocol", GAMES)
def test_nonsense_on_the_wire_around_good_answers_is_ignored(protocol):
    from alphazero.arena.adjudication import Adjudication

    (played,) = games(double(protocol, "babble"), adjudication=Adjudication(max_plies=4))
    assert played.termination == "adjudication", played.note


def test_a_refused_board_size_is_an_engine_failure_in_one_line():
    (played,) = games(double("gtp", "refuse"))
    assert (played.value, played.termination) == (-1, "engine failure")
    assert played.note == "Double: refuses 'boardsize 9' (last said: '?3 unacceptable size')"


@pytest.mark.parametrize("behaviour", ["die", "refuse", "cheat"])
def test_an_engine_that_never_makes_a_move_ends_the_match(behaviour, tmp_path):
    with pytest.raises(UserError, match="failed 3 games in a row"):
        play_match(double("gtp", behaviour), "random", game=GAME_OF["go"], games=10, out=tmp_path / "m")
    lines = [json.loads(line) for line in (tmp_path / "m" / "results.jsonl").read_text().splitlines()]
    assert len(lines) == 3 and all(line["first" if line["result"] == 0 else "second"] != "random" for line in lines)


def test_an_error_at_one_table_closes_the_others():
    """Three games at a time; the engine that cannot be used at all ends the match, and no game is counted after that."""
    game = GAME_OF["chess"]
    good, bad = entrant(double("uci", "hang", 1), game, "cpu", {}), entrant("uci:/nowhere/x{nodes=1}", game, "cpu", {})
    entrants = [good, entrant("random", game, "cpu", {}), bad]
    pairings = {0: Pairing(0, 1, "", 0), 1: Pairing(0, 1, "", 1), 2: Pairing(2, 1, "", 2)}
    played: list[int] = []
    begin = time.monotonic()
    with pytest.raises(UserError, match="cannot start"):
        play(game, entrants, pairings, lambda number, _: played.append(number), concurrency=3)
    assert played == [] and time.monotonic() - begin < 20


def test_games_at_a_time_are_the_games_one_after_another(tmp_path):
    """Engines that play by the position alone give the same games, whatever the concurrency."""
    lines = {}
    for concurrency in (1, 3):
        out = tmp_path / str(concurrency)
        play_match(
            double("uci", "play"),
            "random",
            game=GAME_OF["chess"],
            games=6,
            out=out,
            concurrency=concurrency,
            adjudication=_after(30),
        )
        results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
        lines[concurrency] = {result["game"]: (result["first"], result["moves"]) for result in results}
    assert lines[1] == lines[3] and len(lines[1]) == 6


def _after(plies: int):
    from alphazero.arena.adjudication import Adjudication

    return Adjudication(max_plies=plies)


def test_a_network_is_shared_by_games_at_a_time_behind_a_lock():
    """A network that is asked by two games at once would say so."""
    import threading

    import numpy as np

    from alphazero.player import NetworkPlayer

    busy = threading.Lock()
    asked: list[int] = []

    class Network:
        def evaluate(self, planes):
            assert busy.acquire(blocking=False), "two games at once"
            time.sleep(0.001)
            asked.append(len(planes))
            busy.release()
            return np.zeros((len(planes), game.policy_size), np.float32), np.full((len(planes), 3), 1 / 3, np.float32)

        def load_weights(self, network): ...

        def describe(self):
            return "even"

    game = GAME_OF["go"]
    ours = Entrant("ours", NetworkPlayer("ours", game, Network(), {}), {"kind": "puct", "simulations": 4})
    entrants = [entrant(double("gtp", "play"), game, "cpu", {}), ours]
    pairings = {number: Pairing(number % 2, 1 - number % 2, "", number) for number in range(4)}
    ended: list[str] = []
    play(
        game,
        entrants,
        pairings,
        lambda _, each: ended.append(each.termination),
        concurrency=3,
        adjudication=_after(12),
    )
    assert ended == ["adjudication"] * 4 and len(asked) > 20


@pytest.mark.parametrize("protocol", ["uci", "usi"])
@pytest.mark.parametrize("says", ["tenth", "text", "bound"])
def test_what_is_not_the_best_lines_exact_score_adjudicates_nothing(protocol, says):
    """The double's last line says -950 unless it is told to say else: those games go on to their last ply."""
    (lost,) = games(double(protocol, "lost"), adjudication=_resigning())
    assert (lost.value, lost.plies, lost.note) == (-1, 3, "said -900 or less for 2 of its moves")
    (played,) = games(double(protocol, says), adjudication=_resigning())
    assert (played.value, played.plies) == (0, 8), played.note
    assert played.thoughts[0].centipawns == 20 and played.thoughts[0].depth in (9, 10)


def _resigning():
    from alphazero.arena.adjudication import Adjudication

    return Adjudication(resign_score=900, resign_moves=2, max_plies=8)


@pytest.mark.parametrize("protocol", GAMES)
@pytest.mark.parametrize("says", ["infinite", "digits", "endless", "signs", "bytes", "long", "wide", "numbers"])
def test_whatever_an_engine_says_around_its_moves_the_game_goes_on(protocol, says):
    (played,) = games(double(protocol, says), adjudication=_after(4))
    assert (played.termination, played.plies) == ("adjudication", 4), played.note


@pytest.mark.parametrize("protocol", GAMES)
def test_an_answer_cut_off_by_the_engines_end_loses_with_its_words(protocol):
    (played,) = games(double(protocol, "half"))
    assert (played.value, played.termination) == (-1, "engine failure")
    assert "has ended with status 4 (last said: '=" in played.note


@pytest.mark.parametrize("protocol", GAMES)
@pytest.mark.parametrize(
    "move",
    ["\x1b[2Jx", "A" * 50_000, "²", "D4\u202e", "\x00", "\udcff"],
    ids=["escape", "long", "digit", "direction", "null", "byte"],
)
def test_a_move_that_is_none_is_quoted_in_one_short_clean_line(protocol, move, tmp_path):
    (played,) = games(double(protocol, "say", flag=_file(tmp_path, move)))
    assert (played.value, played.termination) == (-1, "illegal move")
    assert len(played.note) < 300 and played.note.isprintable()


def _file(folder: Path, move: str) -> Path:
    (folder / "move").write_bytes(move.encode(errors="surrogateescape"))
    return folder / "move"


def test_an_engines_name_and_last_words_are_cleaned_and_cut():
    from alphazero.protocols.client import EngineError, UciClient

    words = "printf 'id name \\033[31mBad\\a\\tname\\nuciok\\nreadyok\\n'; head -c 3000000 /dev/zero | tr '\\0' x; printf '\\033[2J\\n'; exit 7"
    with UciClient(EngineSpec.parse(f"uci:sh -c {shlex.quote(words)}")) as client:
        assert client.name == "[31mBad name"
        with pytest.raises(EngineError, match="has ended with status 7") as caught:
            client.play("", [], {"nodes": 1}, 10)
    assert len(str(caught.value)) < 250 and str(caught.value).isprintable()


def test_lines_that_nobody_reads_are_not_kept_without_end():
    from alphazero.protocols import process

    flood = "yes info string nothing at all | head -c 40000000; echo end; sleep 60"
    engine = process.EngineProcess(["sh", "-c", flood])
    try:
        deadline = time.monotonic() + 60
        while not engine._lines or not engine._lines[-1].endswith("end"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert sum(map(len, engine._lines)) <= process.MOST_BYTES
    finally:
        engine.end(0)


@pytest.mark.parametrize("protocol", GAMES)
def test_an_engine_that_does_not_quit_is_ended_with_its_children(protocol, tmp_path, monkeypatch):
    monkeypatch.setattr("alphazero.protocols.client.QUIT_SECONDS", 0.1)
    numbers = tmp_path / "numbers"
    begin = time.monotonic()
    games(double(protocol, "spawn", flag=numbers), 2, adjudication=_after(2))
    games(double(protocol, "deaf"), adjudication=_after(2))
    assert time.monotonic() - begin < 20
    assert len(numbers.read_text().split()) == 3 and not alive(numbers)


def test_an_engine_that_crashes_leaves_no_children(tmp_path):
    numbers = tmp_path / "numbers"
    words = f"sleep 3600 & echo $! >> {numbers}; setsid sleep 3600 & echo $! >> {numbers}; echo no network >&2; exit 3"
    (played,) = games(f"uci:sh -c {shlex.quote(words)}{{nodes=1}}")
    assert played.note == "sh: the engine has ended with status 3 (last said: 'no network')"
    assert len(numbers.read_text().split()) == 2 and not alive(numbers)


def test_a_killed_engine_is_told_from_one_that_exits(tmp_path):
    (played,) = games("uci:sh -c 'kill -SEGV $$'{nodes=1}")
    assert "has ended with status 139" in played.note


@pytest.mark.parametrize(
    ("command", "words"),
    [("/nowhere/x", "No such file"), (str(DOUBLE), "Permission denied"), ("/", "Permission denied")],
)
def test_an_engine_that_cannot_be_started_is_one_line(command, words):
    with pytest.raises(UserError, match=f"cannot start this engine: {words}"):
        games(f"uci:{command}{{nodes=1}}")
