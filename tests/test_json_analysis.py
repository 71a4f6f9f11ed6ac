"""`alphazero analysis`: KataGo's JSON protocol, for Go as KataGo means it and for chess and shogi."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import alphazero as az
from alphazero.config import NetworkConfig
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.network import Network, shape_of
from alphazero.player import NetworkPlayer
from alphazero.protocols.json_analysis import JsonAnalysis


def player(game: az.Game) -> NetworkPlayer:
    torch.manual_seed(4)
    net = Network(shape_of(game), NetworkConfig(blocks=1, channels=8)).eval()
    return NetworkPlayer("net", game, TorchEvaluator(net), {})


class Client:
    """An engine in this process, and what it has answered."""

    def __init__(self, game: az.Game, **settings):
        self.engine = JsonAnalysis(player(game), threads=1, visits=30, **settings)
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.answers: queue.Queue[dict] = queue.Queue()
        self.thread = threading.Thread(target=self.engine.serve, args=(iter(self.lines.get, None), self))
        self.thread.start()

    def write(self, text: str) -> None:
        self.answers.put(json.loads(text))

    def flush(self) -> None:
        pass

    def send(self, **query) -> None:
        self.lines.put(json.dumps(query) + "\n")

    def next(self) -> dict:
        return self.answers.get(timeout=20)

    def ask(self, **query) -> dict:
        self.send(**query)
        return self.next()

    def close(self) -> None:
        self.lines.put(None)
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def go():
    client = Client(az.Game("go", board_size=5, komi=6.5))
    yield client
    client.close()


@pytest.fixture
def chess():
    client = Client(az.Game("chess"))
    yield client
    client.close()


PLAIN = {"rules": "tromp-taylor", "komi": 6.5, "boardXSize": 5, "boardYSize": 5, "moves": []}


def test_a_query_is_answered_with_katago_s_fields(go):
    answer = go.ask(
        id="foo", **PLAIN, includeOwnership=True, includePolicy=True, includeMovesOwnership=True, maxVisits=50
    )
    assert (answer["id"], answer["turnNumber"], answer["isDuringSearch"]) == ("foo", 0, False)
    root = answer["rootInfo"]
    assert root["visits"] == 51 and root["currentPlayer"] == "B"
    assert {"winrate", "scoreLead", "scoreSelfplay", "utility", "thisHash", "symHash"} <= set(root)
    moves = answer["moveInfos"]
    assert [m["order"] for m in moves] == list(range(len(moves)))
    assert sum(m["visits"] for m in moves) == 50
    for m in moves:
        assert m["pv"][0] == m["move"] and 0.0 <= m["winrate"] <= 1.0 and len(m["ownership"]) == 25
        assert {"lcb", "prior", "scoreLead", "scoreMean", "scoreStdev", "scoreSelfplay", "utilityLcb"} <= set(m)
        assert sum(m["wdl"]) == pytest.approx(1.0, abs=1e-4)
    assert len(answer["ownership"]) == 25
    policy = answer["policy"]
    assert len(policy) == 26 and sum(each for each in policy if each >= 0) == pytest.approx(1.0, abs=1e-3)


def test_each_turn_that_is_asked_for_gets_one_answer(go):
    moves = [["B", "C3"], ["W", "B2"], ["B", "(3,3)"], ["W", "pass"]]
    go.send(id="game", **{**PLAIN, "moves": moves}, analyzeTurns=[0, 1, 2, 3, 4])
    answers = {a["turnNumber"]: a for a in (go.next() for _ in range(5))}
    assert sorted(answers) == [0, 1, 2, 3, 4]
    assert [answers[n]["rootInfo"]["currentPlayer"] for n in range(5)] == list("BWBWB")
    policy = go.ask(id="end", **{**PLAIN, "moves": moves}, includePolicy=True)["policy"]
    taken = {i for i, each in enumerate(policy) if each == -1}
    # (3,3) is the fourth column and the fourth row from the top: D2.
    assert taken == {2 * 5 + 2, 3 * 5 + 1, 3 * 5 + 3}


def test_values_are_told_from_the_side_that_is_asked_for(go):
    same = {**PLAIN, "moves": [["B", "C3"]], "maxVisits": 1}  # White to move
    told = {
        view: go.ask(id=view, **same, overrideSettings={"reportAnalysisWinratesAs": view}, includeOwnership=True)
        for view in ("BLACK", "WHITE", "SIDETOMOVE")
    }
    black, white, side = (told[view]["rootInfo"] for view in ("BLACK", "WHITE", "SIDETOMOVE"))
    assert white["winrate"] == pytest.approx(side["winrate"]) == pytest.approx(1.0 - black["winrate"])
    assert white["scoreLead"] == pytest.approx(side["scoreLead"]) == pytest.approx(-black["scoreLead"])
    assert white["wdl"] == side["wdl"] == black["wdl"][::-1]
    assert np.allclose(told["WHITE"]["ownership"], -np.array(told["BLACK"]["ownership"]))
    assert go.ask(id="default", **same)["rootInfo"]["winrate"] == pytest.approx(black["winrate"])


def test_symmetric_positions_have_one_symmetric_hash(go):
    hashes = [go.ask(id=p, **{**PLAIN, "moves": [["B", p]]}, maxVisits=1)["rootInfo"] for p in ("A1", "E5", "A2")]
    assert len({h["thisHash"] for h in hashes}) == 3
    assert hashes[0]["symHash"] == hashes[1]["symHash"] != hashes[2]["symHash"]


def test_stones_players_moves_out_of_turn_and_restrictions(go):
    stones = [["B", "B2"], ["B", "D4"]]
    answer = go.ask(id="h", **PLAIN, initialStones=stones, initialPlayer="W", maxVisits=20)
    assert answer["rootInfo"]["currentPlayer"] == "W"
    twice = go.ask(id="t", **{**PLAIN, "moves": [["B", "B2"], ["B", "D4"]]}, maxVisits=20)
    assert twice["rootInfo"]["currentPlayer"] == "W" and "error" not in twice
    allowed = [{"player": "B", "moves": ["C3", "d4", "pass"], "untilDepth": 1}]
    assert {m["move"] for m in go.ask(id="a", **PLAIN, allowMoves=allowed)["moveInfos"]} <= {"C3", "D4", "pass"}
    avoided = [{"player": "B", "moves": ["C3"], "untilDepth": 4}, {"player": "W", "moves": ["D4"], "untilDepth": 4}]
    moves = {m["move"] for m in go.ask(id="v", **PLAIN, avoidMoves=avoided, maxVisits=200)["moveInfos"]}
    assert "C3" not in moves and "D4" in moves


def test_reports_during_the_search_and_termination(go):
    go.send(id="long", **PLAIN, maxVisits=50_000_000, reportDuringSearchEvery=0.02)
    first = go.next()
    assert first["isDuringSearch"] is True
    go.send(id="stop", action="terminate", terminateId="long")
    seen = [go.next()]
    while seen[-1].get("isDuringSearch") is not False:
        seen.append(go.next())
    assert {"id": "stop", "action": "terminate", "terminateId": "long"} in seen
    final = seen[-1]
    assert final["id"] == "long" and first["rootInfo"]["visits"] <= final["rootInfo"]["visits"] < 50_000_000


def test_what_never_began_is_terminated_without_results():
    client = Client(az.Game("go", board_size=5), at_once=1)
    client.send(id="long", **PLAIN, maxVisits=50_000_000)
    client.send(id="queued", **{**PLAIN, "moves": [["B", "C3"]]}, analyzeTurns=[0, 1])
    client.send(id="stop", action="terminate", terminateId="queued", turnNumbers=[1])
    assert client.next() == {"id": "queued", "isDuringSearch": False, "noResults": True, "turnNumber": 1}
    assert client.next()["id"] == "stop"
    client.send(id="all", action="terminate_all")
    answers = [client.next() for _ in range(3)]
    assert {a["id"] for a in answers} == {"long", "queued", "all"}
    client.close()


def test_actions_are_echoed(go):
    version = go.ask(id="v", action="query_version")
    assert version["version"] == az.__version__ and version["action"] == "query_version"
    assert go.ask(id="c", action="clear_cache") == {"id": "c", "action": "clear_cache"}
    assert go.ask(id="m", action="query_models")["models"][0]["name"] == "net"
    assert "query_version" in go.ask(id="x", action="dance")["error"]


def test_a_finished_game_is_told_by_its_result(go):
    moves = [["B", "C3"], ["W", "pass"], ["B", "pass"]]
    answer = go.ask(id="over", **{**PLAIN, "moves": moves}, includeOwnership=True)
    root = answer["rootInfo"]
    assert root["winrate"] == 1.0 and root["scoreLead"] == 25 - 6.5 and answer["moveInfos"] == []
    assert answer["ownership"] == [1.0] * 25


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"moves": [["B", "Z9"]]}, "moves", "no point"),
        ({"moves": [["B", "C3"], ["W", "C3"]]}, "moves", "move 2"),
        ({"moves": [["X", "C3"]]}, "moves", '"B" or "W"'),
        ({"moves": "C3"}, "moves", "a list"),
        ({"moves": [["B"]]}, "moves", "pairs"),
        ({"initialStones": [["B", "A1"], ["W", "A1"]]}, "initialStones", "twice"),
        ({"boardXSize": 25}, "boardXSize", "2 to 19"),
        ({"boardYSize": 4}, "boardYSize", "square"),
        ({"rules": "mars"}, "rules", "unknown rules"),
        ({"rules": {"ko": "FUNNY"}}, "rules", "unsupported"),
        ({"komi": "big"}, "komi", "a number"),
        ({"komi": 1e9}, "komi", "-150"),
        ({"analyzeTurns": [3]}, "analyzeTurns", "from 0 to 0"),
        ({"maxVisits": 0}, "maxVisits", "whole number from 1"),
        ({"maxVisits": True}, "maxVisits", "whole number"),
        ({"includePolicy": "yes"}, "includePolicy", "true or false"),
        ({"priorities": [1, 2]}, "priorities", "as many"),
        ({"allowMoves": [{"player": "B"}]}, "allowMoves", "objects"),
        ({"allowMoves": [{"player": "B", "moves": [], "untilDepth": 1}]}, "allowMoves", "no legal move"),
        ({"overrideSettings": {"maxTime": -1}}, "overrideSettings", "above 0"),
        ({"overrideSettings": {"c_init": "x"}}, "overrideSettings", "c_init"),
        ({"overrideSettings": {"reportAnalysisWinratesAs": "RED"}}, "overrideSettings", "SIDETOMOVE"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(go, change, field, said):
    answer = go.ask(id="bad", **{**PLAIN, **change})
    assert answer["id"] == "bad" and answer["field"] == field and said in answer["error"], answer
    assert "\n" not in answer["error"]


def test_lines_that_are_no_queries_are_answered_and_harm_nothing(go):
    for line in (
        "garbage",
        "[1, 2]",
        "{",
        '{"id": 5}',
        "{}",
        "[" * 100_000,
        '{"id": "x", "moves": NaN}',
        "\x00",
        "null",
    ):
        go.lines.put(line + "\n")
        assert "error" in go.next()
    go.lines.put("\n")
    assert go.ask(id="still", **PLAIN)["id"] == "still"


def test_warnings_name_what_was_not_used(go):
    go.send(id="w", **PLAIN, futureField=3, overrideSettings={"wideRootNoise": 0.04, "noSuchSetting": 1})
    told = [go.next() for _ in range(3)]
    assert {each.get("field") for each in told[:2]} == {"futureField", "overrideSettings"}
    assert all("warning" in each for each in told[:2]) and "moveInfos" in told[2]
    go.send(id="j", **{**PLAIN, "rules": "japanese"})
    assert "area" in go.next()["warning"] and "moveInfos" in go.next()


def test_boards_of_several_sizes_at_a_time(go):
    for size in (5, 7, 9, 5, 7, 9):
        go.send(id=str(size), **{**PLAIN, "boardXSize": size, "boardYSize": size}, includeOwnership=True)
    answers = [go.next() for _ in range(6)]
    assert sorted(len(a["ownership"]) for a in answers) == [25, 25, 49, 49, 81, 81]


def test_chess_speaks_the_same_protocol(chess):
    answer = chess.ask(id="c", moves=["e2e4", ["B", "e7e5"]], maxVisits=40, includePolicy=True)
    assert answer["turnNumber"] == 2 and len(answer["policy"]) == 29
    assert all(m["move"] in answer["policy"] for m in answer["moveInfos"])
    mate = chess.ask(id="m", initialPosition="6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1", moves=[], maxVisits=800)
    assert mate["moveInfos"][0]["move"] == "e1e8" and mate["rootInfo"]["winrate"] == 1.0
    over = chess.ask(id="o", initialPosition="6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1", moves=["e1e8"])
    assert over["rootInfo"]["winrate"] == 1.0 and over["moveInfos"] == []
    for change, field in (
        ({"initialPosition": "junk"}, "initialPosition"),
        ({"moves": ["e2e5"]}, "moves"),
        ({"moves": [7]}, "moves"),
        ({"options": {"nosuch": 1}}, "initialPosition"),
    ):
        assert chess.ask(id="bad", **{"moves": [], **change})["field"] == field


def test_shogi_speaks_the_same_protocol():
    client = Client(az.Game("shogi"))
    answer = client.ask(id="s", moves=["7g7f"], analyzeTurns=[1], maxVisits=20)
    assert answer["moveInfos"] and answer["rootInfo"]["currentPlayer"] == "W"
    client.close()


def test_the_command_answers_what_is_asked_before_the_input_ends():
    lines = "".join(json.dumps({"id": str(i), **PLAIN, "maxVisits": 10}) + "\n" for i in range(5))
    done = subprocess.run(
        [sys.executable, "-m", "alphazero", "analysis", "--game", "go"],
        input=lines,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "ready to begin" in done.stderr
    assert sorted(json.loads(line)["id"] for line in done.stdout.splitlines()) == list("01234")
    refused = subprocess.run(
        [sys.executable, "-m", "alphazero", "analysis", "--game", "go", "--model", "mcts:10"],
        input="",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 2 and "has no network" in refused.stderr


def test_a_client_may_send_all_its_queries_before_it_reads():
    """Nobody reads: answers wait, and the engine takes queries all the same."""
    reading = threading.Event()
    found = []

    class Slow:
        def write(self, text):
            reading.wait(30)
            found.append(json.loads(text))

        def flush(self):
            pass

    engine = JsonAnalysis(player(az.Game("go", board_size=5)), threads=1, visits=5)
    lines = (json.dumps({"id": str(i), **PLAIN}) + "\n" for i in range(60))
    taken = threading.Event()

    def all_lines():
        yield from lines
        taken.set()

    thread = threading.Thread(target=engine.serve, args=(all_lines(), Slow()))
    thread.start()
    assert taken.wait(30)
    reading.set()
    thread.join(60)
    assert sorted(int(each["id"]) for each in found) == list(range(60))


def test_a_full_disk_and_a_client_that_is_gone_end_the_engine(capsys):
    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        def flush(self):
            pass

    engine = JsonAnalysis(player(az.Game("go", board_size=5)), threads=1, visits=20)
    lines = [json.dumps({"id": str(i), **PLAIN, "maxVisits": 10_000_000}) + "\n" for i in range(3)]
    thread = threading.Thread(target=engine.serve, args=(["garbage\n", *lines], Full()))
    thread.start()
    thread.join(30)
    assert not thread.is_alive() and "No space left" in capsys.readouterr().err


def test_turns_asked_for_twice_are_answered_once_and_numbers_have_ends(go):
    go.send(id="twice", **PLAIN, analyzeTurns=[0] * 1000, maxVisits=3)
    assert go.next()["turnNumber"] == 0
    for change, field in (
        ({"komi": 10**400}, "komi"),
        ({"maxVisits": 10**400}, "maxVisits"),
        ({"moves": [["B", "E²"]]}, "moves"),
        ({"moves": [["B", ""]]}, "moves"),
        ({"moves": [["B", "(²,1)"]]}, "moves"),
    ):
        answer = go.ask(id="x", **{**PLAIN, **change})
        assert answer.get("field") == field and "internal" not in answer["error"], answer
    allowed = [{"player": "B", "moves": ["", "C3"], "untilDepth": 1}]
    assert {m["move"] for m in go.ask(id="e", **PLAIN, allowMoves=allowed)["moveInfos"]} == {"C3"}


def test_a_handicap_s_first_move_is_white_s_and_komi_has_its_usual_value(go):
    stones = [["B", "B2"], ["B", "D4"]]
    assert go.ask(id="h", **PLAIN, initialStones=stones)["rootInfo"]["currentPlayer"] == "W"
    plain = {name: value for name, value in PLAIN.items() if name != "komi"}
    moves = [["B", "C3"], ["W", "pass"], ["B", "pass"]]
    assert go.ask(id="k", **{**plain, "moves": moves})["rootInfo"]["scoreLead"] == 25 - 7.5
    assert "error" not in go.ask(id="z", **{**PLAIN, "rules": "new zealand"})


def test_visits_of_lines(go):
    answer = go.ask(id="v", **PLAIN, includePVVisits=True, maxVisits=100)
    for each in answer["moveInfos"]:
        assert len(each["pvVisits"]) == len(each["pv"]) and each["pvVisits"][0] == each["visits"]
