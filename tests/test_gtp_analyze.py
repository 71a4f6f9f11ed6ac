"""GTP's analysis commands: what Sabaki, Lizzie, q5Go and GoGui send to Leela Zero and KataGo, and what they read."""

from __future__ import annotations

import io
import queue
import re
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

import alphazero as az
from alphazero.config import NetworkConfig
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.network import Network, shape_of
from alphazero.player import NetworkPlayer, Player
from alphazero.protocols.gtp import GtpEngine
from alphazero.protocols.gtp_reports import AnalyzeWords, lower_bound
from alphazero.protocols.gtp_words import GtpError

LZ = re.compile(
    r"info move (?P<move>\S+) visits (?P<visits>\d+) winrate (?P<winrate>\d+) prior (?P<prior>\d+) lcb (?P<lcb>\d+)"
    r" order (?P<order>\d+) pv (?P<pv>[A-Za-z0-9 ]+?)(?= info|$)"
)


class Live:
    """An engine whose lines are sent one at a time, while its output is read."""

    def __init__(self, engine: GtpEngine):
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.text: queue.Queue[str] = queue.Queue()
        self._rest = ""
        self.thread = threading.Thread(target=engine.serve, args=(iter(self.lines.get, None), self))
        self.thread.start()

    def write(self, text: str) -> None:
        self.text.put(text)

    def flush(self) -> None:
        pass

    def send(self, line: str) -> None:
        self.lines.put(line + "\n")

    def line(self, seconds: float = 20.0) -> str:
        while "\n" not in self._rest:
            self._rest += self.text.get(timeout=seconds)
        found, self._rest = self._rest.split("\n", 1)
        return found

    def answer(self) -> list[str]:
        """All lines up to the blank one that ends an answer."""
        found = [self.line()]
        while found[-1]:
            found.append(self.line())
        return found[:-1]

    @classmethod
    def whole(cls, engine: GtpEngine, line: str) -> list[str]:
        """One command's answer, from an engine that then ends."""
        made = cls(engine)
        made.send(line)
        found = made.answer()
        made.close()
        return found

    def close(self) -> None:
        self.lines.put(None)
        self.thread.join(20)
        assert not self.thread.is_alive()


def networked(size: int = 5) -> GtpEngine:
    game = az.Game("go", board_size=size)
    torch.manual_seed(2)
    net = Network(shape_of(game), NetworkConfig(blocks=1, channels=8)).eval()
    return GtpEngine(NetworkPlayer("net", game, TorchEvaluator(net), {}), simulations=40)


@pytest.fixture
def live():
    made = Live(networked())
    yield made
    made.close()


@pytest.mark.parametrize("ending", ["", "name", "# a comment", "nonsense"])
def test_an_analysis_goes_on_until_the_next_line_whatever_it_is(live, ending):
    live.send("7 lz-analyze 1")
    assert live.line() == "=7"
    for _ in range(3):
        assert LZ.match(live.line())
    live.send(ending)
    rest = live.answer()
    assert all(LZ.match(line) for line in rest), "nothing but reports, and the blank line that ends them"
    live.send("12 version")
    answers = [live.answer()]
    while not answers[-1][0].startswith("=12"):
        answers.append(live.answer())
    assert len(answers) == (2 if ending in ("name", "nonsense") else 1)


def test_leela_zeros_line_says_what_the_search_found(live):
    live.send("play b C3")
    live.answer()
    live.send("lz-analyze 5 minmoves 24")
    assert live.line() == "="
    live.line()
    line = live.line()
    live.send("")
    live.answer()
    moves = [m.groupdict() for m in LZ.finditer(line)]
    assert len(moves) >= 24 and [int(m["order"]) for m in moves] == list(range(len(moves)))
    visits = [int(m["visits"]) for m in moves]
    assert visits[1:] == sorted(visits[1:], reverse=True) and visits[0] >= visits[1]
    assert sum(int(m["prior"]) for m in moves) <= 10_010
    for m in moves:
        assert 0 <= int(m["lcb"]) <= int(m["winrate"]) <= 10_000
        assert m["pv"].split()[0] == m["move"]


def test_sabakis_own_command_tells_points_too(live):
    """Its reader takes `scoreLead` from `analyze`, the first command it looks for, and everything after `pv` for moves."""
    live.send("analyze b 5")
    assert live.line() == "="
    line = live.line()
    live.send("")
    live.answer()
    for info in line.split("info ")[1:]:
        words, moves = info.split(" pv ")
        keys = words.split()[::2]
        assert {"move", "visits", "winrate", "scoreLead"} <= set(keys)
        assert all(re.fullmatch("pass|[A-E][1-5]", move) for move in moves.split())


def test_a_certain_win_keeps_the_decimal_point_of_its_rate():
    """Readers tell KataGo's fractions from Leela Zero's ten-thousandths by it."""
    engine = GtpEngine(Player("uniform", az.Game("go", board_size=2, komi=0.5)), simulations=400)
    engine.answer("play b A1")
    engine.answer("play w pass")
    *_, line, played = Live.whole(engine, "kata-genmove_analyze b 1")
    assert played.startswith("play ")
    rates = re.findall(r" winrate (\S+)", line)
    assert "1.000000" in rates and all(re.fullmatch(r"[01]\.[0-9]+", each) for each in rates)


def test_katago_s_line_has_what_was_asked_for(live):
    live.send("kata-analyze w 5 maxmoves 3 ownership true movesOwnership true pvVisits true rootInfo true")
    assert live.line() == "="
    line = live.line()
    live.send("stop")
    live.answer()
    assert live.answer() == ["="]
    head, _, ownership = line.rpartition(" ownership ")
    assert len(ownership.split()) == 25 and all(-1.0 <= float(each) <= 1.0 for each in ownership.split())
    infos, _, root = head.rpartition(" rootInfo ")
    assert {"visits", "winrate", "scoreLead", "utility"} <= set(root.split()[::2])
    parts = infos.split("info move ")[1:]
    assert len(parts) == 3
    for part in parts:
        words = part.split()
        for name in ("visits", "utility", "winrate", "scoreMean", "scoreStdev", "scoreLead", "scoreSelfplay", "prior"):
            float(words[words.index(name) + 1])
        assert len(part.split(" movesOwnership ")[1].split()) == 25
    plain = "info move"
    live.send("kata-analyze 5")
    live.line()
    line = live.line()
    live.send("")
    live.answer()
    assert line.startswith(plain) and "ownership" not in line.lower() and "rootInfo" not in line


def test_only_the_moves_that_are_allowed_are_analysed(live):
    for words, allowed in (
        ("allow b C3,D4,pass 1", {"C3", "D4", "pass"}),
        ("avoid b C3 30 avoid b D4,E5 1", None),
        ("avoid w C3 30", None),
    ):
        live.send(f"lz-analyze b 5 minmoves 30 {words}")
        assert live.line() == "="
        moves = {m["move"] for m in LZ.finditer(live.line())}
        live.send("")
        live.answer()
        if allowed is not None:
            assert moves == allowed
        elif words.startswith("avoid b"):
            assert moves and not moves & {"C3", "D4", "E5"}
        else:
            assert "C3" in moves, "what the other side is not to play says nothing of this move"


def test_genmove_analyze_reports_and_then_plays(live):
    for command in ("lz-genmove_analyze b 1", "kata-genmove_analyze w 1", "genmove_analyze b 1"):
        live.send(command)
        first, *infos, last = live.answer()
        assert first == "=" and infos and all(each.startswith("info move ") for each in infos)
        word, move = last.split()
        assert word == "play" and (move == "pass" or re.fullmatch("[A-E][1-5]", move))
        assert infos[-1].startswith(f"info move {move} ")
    live.send("kata-search_analyze b 1")
    assert live.answer()[-1].startswith("play ")
    live.send("undo")
    assert live.answer() == ["="], "three moves stand, since a search alone plays none"
    live.send("undo")
    live.answer()
    live.send("undo")
    assert live.answer() == ["="]
    live.send("undo")
    assert live.answer() == ["? cannot undo"]


def test_an_analysis_of_a_finished_game_and_of_nonsense(live):
    for line in ("play b pass", "play w pass"):
        live.send(line)
        live.answer()
    live.send("lz-analyze 1")
    assert live.line() == "="
    live.send("lz-analyze interval")
    assert live.answer() == []
    assert live.answer() == ["? interval: a value is needed"]
    for words, said in (
        ("foo 3", "unknown key 'foo'"),
        ("avoid b Z9 3", "syntax error"),
        ("ownership maybe", "true or false"),
        ("maxmoves many", "syntax error"),
    ):
        live.send(f"kata-analyze {words}")
        (told,) = live.answer()
        assert told.startswith("? ") and said in told


def test_the_end_of_input_ends_an_analysis():
    out = io.StringIO()
    networked().serve(["lz-analyze 1\n"], out)
    assert out.getvalue().startswith("=\n") and out.getvalue().endswith("\n\n")


def test_an_analysis_changes_nothing_of_the_game(live):
    live.send("play b C3")
    live.answer()
    live.send("showboard")
    before = live.answer()
    live.send("lz-analyze b 1")  # out of turn
    live.line()
    live.line()
    live.send("showboard")
    live.answer()
    assert live.answer() == before


def test_the_network_alone_through_every_symmetry(live):
    live.send("play b C2")
    live.answer()
    live.send("kata-raw-nn all")
    text = "\n".join(live.answer())
    assert text.count("symmetry ") == 8
    first = text.split("symmetry 1")[0].split()
    for name in ("whiteWin", "whiteLoss", "noResult", "whiteLead", "whiteScoreSelfplay", "policyPass"):
        float(first[first.index(name) + 1])
    policy = first[first.index("policy") + 1 : first.index("policyPass")]
    assert len(policy) == 25 and policy[3 * 5 + 2] == "NAN", "C2 is taken: the fourth row from the top, the third point"
    shares = [float(each) for each in policy if each != "NAN"]
    assert sum(shares) + float(first[first.index("policyPass") + 1]) == pytest.approx(1.0, abs=1e-3)
    win, loss, none = (float(first[first.index(name) + 1]) for name in ("whiteWin", "whiteLoss", "noResult"))
    assert win + loss + none == pytest.approx(1.0, abs=1e-4)
    assert len(first[first.index("whiteOwnership") + 1 :]) == 25
    live.send("kata-raw-nn 9")
    assert live.answer()[0].startswith("? ")


def test_a_symmetry_of_the_board_moves_policy_and_ownership_back():
    """A network that knows no direction says the same through each symmetry of an empty board."""
    engine = networked()
    position = engine.player.game.position()
    position.play("C3")
    seen = [engine.player.evaluate(position, symmetry=s) for s in range(8)]
    turned = engine.player.game.position()
    turned.play("C3")
    # The mean over all symmetries is the same for the mirrored point.
    mean = {move: np.mean([each.priors[move] for each in seen]) for move in seen[0].priors}
    assert mean["A1"] == pytest.approx(mean["E5"], rel=1e-4) == pytest.approx(mean["A5"], rel=1e-4)
    ownership = np.mean([each.ownership for each in seen], axis=0)
    assert np.allclose(ownership, ownership[::-1], atol=1e-5) and np.allclose(ownership, ownership.T, atol=1e-5)


def test_gogui_s_commands_are_known_and_answer(live):
    live.send("gogui-analyze_commands")
    _, *lines = ["", *live.answer()]
    for line in lines:
        kind, _, command = line.removeprefix("= ").split("/")
        live.send(command)
        answer = live.answer()
        assert answer[0].startswith("=")
        if kind == "dboard":
            rows = [row.split() for row in answer[1:]]
            assert len(rows) == 5 and all(len(row) == 5 for row in rows)
        elif command == "alphazero-policy":  # GoGui cuts a label after four characters
            labels = answer[0].split()[2::2]
            assert labels and all(label.isdigit() and 1 <= int(label) <= 100 for label in labels)


@pytest.mark.parametrize("score, said", [(3.26, "leads by 3.3 points"), (-4.0, "is behind by 4.0 points")])
def test_the_evaluation_in_words_says_who_is_ahead(score, said):
    class Sure(Player):
        def evaluate(self, position):
            return replace(super().evaluate(position), wdl=(0.25, 0.0, 0.75), value=-0.5, score=score)

    live = Live(GtpEngine(Sure("uniform", az.Game("go", board_size=5))))
    live.send("alphazero-value")
    assert live.answer() == [f"= Black: 25.0 %, {said}"]
    live.close()


def test_a_player_without_a_network_analyses_too():
    live = Live(GtpEngine(Player("uniform", az.Game("go", board_size=5))))
    live.send("kata-analyze 2 ownership true")
    live.line()
    assert live.line().startswith("info move")
    live.send("kata-raw-nn 0")
    live.answer()
    assert live.answer() == ["? this player has no network"]
    live.close()


def test_words_of_an_analysis():
    asked = AnalyzeWords.read(["w", "50", "maxmoves", "3", "avoid", "w", "pass,D4", "9"], "B", 9)
    assert (asked.colour, asked.interval, asked.most_moves) == ("W", 0.5, 3)
    assert asked.moves(["D4", "E5", "pass"]) == ("E5",)
    assert AnalyzeWords.read([], "B", 9).moves(["D4"]) == ()
    with pytest.raises(GtpError):
        AnalyzeWords.read(["avoid", "b"], "B", 9)
    assert lower_bound(0.5, 10_000) > lower_bound(0.5, 100) > lower_bound(0.5, 1) >= 0.0


def test_pondering_says_nothing_and_its_tree_is_used():
    engine = networked()
    engine.ponder = True
    real, seen = engine.player.evaluator.evaluate_heads, []

    def counted(planes):
        seen.append(len(planes))
        return real(planes)

    engine.player.evaluator.evaluate_heads = counted
    live = Live(engine)
    live.send("genmove b")
    assert live.answer()[0].startswith("= ")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and sum(seen) < 500:
        time.sleep(0.01)
    assert sum(seen) >= 500, "a move takes 40: the rest is of the other side's time"
    live.send("1 name")
    assert live.answer() == ["=1 alphazero"], "nothing in between"
    live.send("undo")
    assert live.answer() == ["="]
    live.close()
    quiet = Live(networked())
    quiet.send("genmove b")
    quiet.answer()
    time.sleep(0.05)
    assert quiet.text.empty()
    quiet.close()


def test_a_search_that_ends_by_itself_is_reported():
    """Proven at once: no interval ever passes."""
    live = Live(GtpEngine(Player("uniform", az.Game("go", board_size=2, komi=0.0))))
    for line in ("play b A1", "play w pass"):
        live.send(line)
        live.answer()
    live.send("kata-analyze b 1000 pvVisits true")
    assert live.line() == "="
    assert live.line().startswith("info move")
    live.send("")
    assert live.answer() == []
    live.close()


def test_moves_that_are_not_legal_are_no_choice(live):
    live.send("play w C3")
    live.answer()
    live.send("lz-analyze b 5 allow b C3 1")
    assert live.answer() == ["? no legal move is left"]
    live.send("lz-genmove_analyze b 1 allow b D4 1")
    assert live.answer()[-1] == "play D4"
    points = ",".join(f"{column}{row}" for column in "ABCDE" for row in range(1, 6))
    live.send(f"lz-genmove_analyze w 1 avoid w {points} 1")
    assert live.answer()[-1] == "play pass"


def test_an_error_in_a_move_that_is_analysed_leaves_the_engine_running():
    engine = networked()

    def broken(planes):
        raise MemoryError("the device is full")

    engine.player.evaluator.evaluate_heads = broken
    live = Live(engine)
    live.send("lz-genmove_analyze b 1")
    assert live.answer() == ["="]
    live.send("lz-analyze b 1")
    assert live.line() == "="
    live.send("name")
    live.answer()
    assert live.answer() == ["= alphazero"]
    live.close()


def test_visits_of_a_line_are_as_many_as_its_moves(live):
    live.send("kata-analyze b 5 pvVisits true maxmoves 1")
    live.line()
    line = live.line()
    live.send("")
    live.answer()
    moves, visits = re.search(r" pv (.*) pvVisits ([\d ]+)", line).groups()
    assert len(moves.split()) == len(visits.split())
