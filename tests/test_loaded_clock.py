"""Engines keep their clocks on a machine whose cores are all busy with other work; what it costs is `pytest -m slow`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import alphazero as az
from alphazero.arena.match import Entrant
from alphazero.arena.seats import Inside
from alphazero.player import NetworkPlayer
from alphazero.protocols.client import EngineError, EngineSpec
from alphazero.protocols.gtp import GtpEngine
from alphazero.protocols.gtp_client import GtpClient

GAMES = 100
TIME_CONTROL = "1+0.01"
ENGINES = {
    "chess": ("uci", f"{sys.executable} -m alphazero uci"),
    "shogi": ("usi", f"{sys.executable} -m alphazero usi"),
    "go": ("gtp", f"{sys.executable} -m alphazero gtp"),
}


@pytest.fixture
def busy_cores() -> Iterator[None]:
    """Every core has a process that never rests, of the same priority as the engines."""
    count = max(2, len(os.sched_getaffinity(0)))
    others = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in others:
            each.kill()
            each.wait()


def played(game: str, folder: Path, games: int) -> list[dict]:
    """The results of a match between two engines with the networks of the package, one game at a time."""
    protocol, command = ENGINES[game]
    players = "".join(f"  {name}:\n    spec: '{protocol}:{command}'\n" for name in ("one", "two"))
    (folder / "players.yaml").write_text(f"players:\n{players}")
    words = [*["match", "one", "two", "--games"], str(games), "--tc", TIME_CONTROL, "--game", game]
    words += ["--players", str(folder / "players.yaml"), "--out", str(folder / "out"), "--json"]
    words += ["--option", "board_size=9"] if game == "go" else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("ALPHAZERO_EVALUATOR", None)  # what users have: the fastest backend
    done = subprocess.run(
        [sys.executable, "-m", "alphazero", *words], env=environment, capture_output=True, text=True, timeout=7200
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (folder / "out" / "results.jsonl").read_text().splitlines()]


@pytest.mark.slow  # 5 to 10 minutes each: a game is 3 to 5 seconds long
@pytest.mark.parametrize("game", ENGINES)
def test_no_game_is_lost_on_time_with_all_cores_busy(game, tmp_path, busy_cores):
    results = played(game, tmp_path, GAMES)
    assert len(results) == GAMES
    ends = Counter(result["termination"] for result in results)
    assert not set(ends) & {"time forfeit", "engine failure", "illegal move"}, ends


class Counted:
    """A network that counts its batches by size."""

    def __init__(self, width: int):
        self.width = width
        self.sizes: list[int] = []

    def evaluate(self, planes):
        self.sizes.append(len(planes))
        return np.zeros((len(planes), self.width), np.float32), np.full((len(planes), 3), 1 / 3, np.float32)


@pytest.mark.parametrize("game", ["chess", "shogi", "go"])
def test_a_player_of_a_match_is_warm_before_its_clock_runs(game):
    rules = az.Game(game)
    network = Counted(rules.policy_size)
    player = NetworkPlayer("net", rules, network, {}, batch_size=3)
    Inside(Entrant("net", player), rules, threading.Lock())
    assert network.sizes == [1, 2, 3]


REFUSES = """
import sys
for line in sys.stdin:
    number, command, *rest = line.split()
    if command == "list_commands":
        print(f"={number} play\\ngenmove\\ntime_left\\ntime_settings\\n")
    elif command == "play" and rest[1] == "E5":
        print(f"?{number} illegal move\\n")
    else:
        print(f"={number} " + ("C3" if command == "genmove" else "") + "\\n")
    sys.stdout.flush()
"""


def test_what_a_go_engine_is_told_without_waiting_is_still_answered_for(tmp_path):
    script = tmp_path / "engine.py"
    script.write_text(REFUSES)
    clock = {"btime": 500, "wtime": 500, "main": 1000}
    with GtpClient(EngineSpec.parse(f"gtp:{sys.executable} {script}")) as client:
        client.set_game(az.Game("go"))
        client.new_game()
        assert client.play("", ["D4", "F6"], clock, 1.0).move == "C3"
        with pytest.raises(EngineError, match="refuses 'play w E5'"):
            client.play("", ["D4", "F6", "C3", "E5"], clock, 1.0)


def test_a_go_engines_board_is_warm_before_a_move_is_asked_for():
    rules = az.Game("go", board_size=9)
    network = Counted(rules.policy_size)
    engine = GtpEngine(NetworkPlayer("net", rules, network, {}, batch_size=3))
    for command in ("boardsize 9", "clear_board", "komi 7", "play b D4"):
        assert engine.answer(command).startswith("=")
    assert network.sizes == [1, 2, 3], "once for each size of board"
    engine.answer("genmove w")
    engine.answer("clear_board")
    searched = len(network.sizes)
    engine.answer("boardsize 9")
    assert len(network.sizes) == searched
