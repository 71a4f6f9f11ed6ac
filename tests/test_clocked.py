"""Matches with engines in other processes: good ones, and ones that crash, cheat, hang or lose on time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from game_texts import text_of
from playing import play

import alphazero as az
from alphazero.arena.clocked import PlayedGame, TimeControl
from alphazero.arena.match import Entrant, Pairing, entrant
from alphazero.arena.play_match import play_match
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.formats import pgn
from alphazero.player import RolloutPlayer
from alphazero.protocols.client import EngineSpec, UciClient

# A UCI engine that answers from a list of moves, then does what it was told to do.
FAKE = """
import sys, time
moves = sys.argv[2].split()
plies = 0
for line in sys.stdin:
    words = line.split()
    if words[:1] == ["uci"]:
        print("id name Fake"); print("option name Level type spin default 1 min 0 max 9"); print("uciok")
    elif words[:1] == ["isready"]:
        print("readyok")
    elif words[:1] == ["ucinewgame"]:
        plies = 0
    elif words[:1] == ["go"]:
        if plies < len(moves):
            print("info depth 7 score cp 31 nodes 100 pv", moves[plies]); print("bestmove", moves[plies]); plies += 1
        elif sys.argv[1] == "crash":
            sys.exit(3)
        elif sys.argv[1] == "cheat":
            print("bestmove e1e8")
        elif sys.argv[1] == "slow":
            time.sleep(0.6); print("bestmove a2a3")
        else:
            time.sleep(60)
    elif words[:1] == ["quit"]:
        break
    sys.stdout.flush()
"""


@pytest.fixture
def fake(tmp_path):
    script = tmp_path / "fake.py"
    script.write_text(FAKE)

    def command(behaviour: str, moves: str = "", braces: str = "{nodes=1}") -> str:
        return f"uci:{sys.executable} {script} {behaviour} '{moves}'{braces}"

    return command


def random_entrant(game: az.Game) -> Entrant:
    return entrant("random", game, "cpu", {})


def one_game(spec: str, tc: TimeControl | None = None) -> PlayedGame:
    game = az.Game("chess")
    games: list[PlayedGame] = []
    entrants = [entrant(spec, game, "cpu", {}), random_entrant(game)]
    play(game, entrants, {0: Pairing(0, 1, "", 0)}, lambda number, played: games.append(played), time_control=tc)
    return games[0]


@pytest.mark.parametrize(
    ("behaviour", "termination", "note"),
    [("crash", "engine failure", "has ended"), ("cheat", "illegal move", "e1e8")],
)
def test_an_engine_that_misbehaves_loses_that_game(fake, behaviour, termination, note):
    played = one_game(fake(behaviour, "g1f3"))
    assert (played.value, played.termination) == (-1, termination) and note in played.note
    assert played.thoughts[0].move == "g1f3"
    assert played.thoughts[0].centipawns == 31 and played.thoughts[0].depth == 7


def test_a_lost_clock_loses_the_game(fake):
    played = one_game(fake("slow", "g1f3", ""), TimeControl(0.4))
    assert (played.value, played.termination) == (-1, "time forfeit")


def test_a_hung_engine_is_ended(fake, monkeypatch):
    monkeypatch.setattr("alphazero.protocols.client.GRACE_SECONDS", 0.3)
    played = one_game(fake("hang", "", ""), TimeControl(0.2))
    assert played.termination == "engine failure" and "no bestmove within" in played.note


def test_an_engine_that_always_fails_ends_the_match(fake, tmp_path):
    with pytest.raises(UserError, match="failed 3 games in a row"):
        play_match(fake("crash"), "random", game=az.Game("chess"), games=10, opening_plies=0, out=tmp_path / "m")
    lines = (tmp_path / "m" / "results.jsonl").read_text().splitlines()
    assert len(lines) == 3 and all(json.loads(line)["termination"] == "engine failure" for line in lines)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("uci:/nowhere/engine{nodes=1}", "cannot start"),
        ("uci:", "command is missing"),
        ("uci:stockfish{nodes=0}", "nodes must be"),
        ("uci:stockfish{Level 3}", "NAME=VALUE"),
        ("uci:stockfish{Level=3", "brace"),
        ("usi:engine", "USI engines play shogi"),
        ("gtp:engine", "GTP engines play go"),
    ],
)
def test_a_bad_engine_name_is_one_clear_line(spec, message):
    with pytest.raises(UserError, match=message):
        play_match(spec, "random", game=az.Game("chess"), games=2)


def test_an_engine_without_a_limit_or_an_option_it_lacks_is_refused(fake):
    with pytest.raises(UserError, match="how long"):
        one_game(fake("crash", "", ""))
    with pytest.raises(UserError, match="no option 'Depth'"):
        one_game(fake("crash", "", "{Depth=3; nodes=1}"))


def test_monte_carlo_players_search_as_long_as_their_name_says(fake, monkeypatch):
    """Move by move as in the pool, whatever the match says of other players."""
    budgets = []
    search = RolloutPlayer.search
    monkeypatch.setattr(
        RolloutPlayer,
        "search",
        lambda self, position, simulations=None, **settings: (
            budgets.append(simulations or self.settings["simulations"])
            or search(self, position, simulations, **settings)
        ),
    )
    play_match("mcts:7", fake("crash", "g1f3"), game=az.Game("chess"), games=1, opening_plies=0, simulations=3)
    assert set(budgets) == {7}


def test_time_controls_are_read_and_refused():
    assert TimeControl.parse("10+0.1") == TimeControl(10.0, 0.1)
    assert TimeControl.parse("40/60") == TimeControl(60.0, 0.0, 40) and str(TimeControl.parse("40/60")) == "40/60+0"
    for bad in ("", "fast", "0+1", "-3", "10+"):
        with pytest.raises(UserError, match="--tc"):
            TimeControl.parse(bad)


def test_braces_hold_options_and_limits():
    spec = EngineSpec.parse("uci:/usr/games/stockfish -x{Skill Level=3; nodes=500}")
    assert spec.command == ("/usr/games/stockfish", "-x")
    assert spec.options == {"Skill Level": "3"} and spec.limits == {"nodes": 500}


def test_our_own_engine_is_a_good_opponent_and_the_pgn_tells_the_game(tmp_path, capsys):
    """The engine in another process, the player in this one, both on a clock; the same call resumes."""
    chess = pytest.importorskip("chess", reason="python-chess reads the PGN back; it comes with the extra 'test'")
    pytest.importorskip("chess.pgn")
    out = tmp_path / "match"
    ours = f"uci:{sys.executable} -m alphazero uci"
    call = ["match", "uniform", ours, "--game", "chess", "--games", "2", "--tc", "1+0.05", "--out", str(out), "--json"]
    assert main(call) == 0
    first = capsys.readouterr().out
    report = json.loads(first)
    assert report["wins"] + report["draws"] + report["losses"] == 2
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert all(result["termination"] == "normal" for result in results), results
    with (out / "games.pgn").open() as file:
        for result in results:
            game = chess.pgn.read_game(file)
            assert game is not None and not game.errors
            assert [move.uci() for move in game.mainline_moves()] == result["moves"].split()
            assert game.headers["White"] == result["first"] and game.headers["TimeControl"] == "1+0.05"
            nodes = list(game.mainline())
            assert all(node.clock() is not None for node in nodes) and any(node.eval() is not None for node in nodes)
    assert main(call) == 0
    assert capsys.readouterr().out == first, "a finished match is reported again, not played again"


def test_gardner_is_played_against_our_engine_too():
    game = az.Game("gardner")
    with UciClient(EngineSpec.parse(f"uci:{sys.executable} -m alphazero uci --game gardner")) as client:
        client.set_game(az.Game("gardner"))
        client.new_game()
        reply = client.play("", ["a2a3"], {"nodes": 50}, 20.0)
    position = game.position()
    position.play("a2a3")
    assert reply.move in position.legal_moves() and reply.nodes == 50


def test_chess960_games_are_written_so_that_they_can_be_read(tmp_path):
    chess = pytest.importorskip("chess", reason="python-chess writes PGN; it comes with the extra 'test'")
    import io

    start = "1r2k3/8/8/8/8/8/8/1R2K1R1 w GBb - 0 1"
    text = text_of(
        pgn.write, ["e1g1", "e8b8"], white="a", black="b", value=0, start=start, chess960=True, reason="fifty"
    )
    game = chess.pgn.read_game(io.StringIO(text))
    assert [move.uci() for move in game.mainline_moves()] == ["e1g1", "e8b8"] and game.headers["Variant"] == "Chess960"


def test_self_play_exports_as_pgn(tmp_path):
    """A replay of chess becomes one PGN file that python-chess reads."""
    chess = pytest.importorskip("chess", reason="python-chess reads the PGN back; it comes with the extra 'test'")
    pytest.importorskip("chess.pgn")
    run = tmp_path / "run"
    tiny = ["network.blocks=1", "network.channels=8", "search.simulations=2", "search.considered=2"]
    short = [
        "training.budget_games=8",
        "replay.chunk_games=4",
        "game.options={max_plies: 20}",
        "selfplay.games_in_flight=4",
    ]
    assert main(["train", "configs/chess-small.yaml", "--run", str(run), *tiny, "--no-rating", *short]) == 0
    assert main(["replay", str(run), "--export", str(tmp_path / "out")]) == 0
    with Path(tmp_path / "out" / "games.pgn").open() as file:
        game = chess.pgn.read_game(file)
    assert game is not None and not game.errors and game.headers["Event"] == "self-play"
