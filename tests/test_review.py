"""`alphazero analyze`: games judged move by move, and their files with remarks, read by other programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from game_texts import CSA, KIF, PGN, SGF

import alphazero as az
from alphazero.cli import main
from alphazero.config import NetworkConfig
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.formats import csa, kif
from alphazero.network import Network, shape_of
from alphazero.player import NetworkPlayer
from alphazero.review.graph import graph, png
from alphazero.review.judge import expected, mark_of, review, summary
from alphazero.web import reading


def player(game: az.Game) -> NetworkPlayer:
    torch.manual_seed(4)
    net = Network(shape_of(game), NetworkConfig(blocks=1, channels=8)).eval()
    return NetworkPlayer("net", game, TorchEvaluator(net), {})


def counting_player(game: az.Game) -> tuple[NetworkPlayer, list[int]]:
    """A player, and the sizes of its batches as they come."""
    sizes: list[int] = []

    class Counter(TorchEvaluator):
        def evaluate(self, planes):
            sizes.append(len(planes))
            return super().evaluate(planes)

    torch.manual_seed(1)
    net = Network(shape_of(game), NetworkConfig(blocks=1, channels=8)).eval()
    return NetworkPlayer("net", game, Counter(net), {}), sizes


def positions_of(game: az.Game, moves: list[str]) -> list[az.Position]:
    position = game.position()
    found = [position.copy()]
    for move in moves:
        position.play(move)
        found.append(position.copy())
    return found


def test_a_mate_that_is_let_in_costs_what_it_was_worth():
    game = az.Game("chess")
    moves = ["f2f3", "e7e5", "g2g4", "d8h4"]
    judged = review(player(game), positions_of(game, moves), moves, simulations=200, threads=1)
    assert [each.number for each in judged] == [1, 2, 3, 4] and [each.player for each in judged] == [0, 1, 0, 1]
    blunder, mate = judged[2], judged[3]
    assert blunder.mark == "??" and blunder.win_rate == 0.0 and 0.4 < blunder.loss <= blunder.best_win_rate
    assert (
        mate.move == mate.best == "d8h4" and mate.loss == 0.0 and mate.win_rate == 1.0 and mate.wdl == (1.0, 0.0, 0.0)
    )
    told = summary(judged, 0)
    assert told.moves == 2 and told.blunders == 1 and told.mean_loss >= 0.2
    assert [mark_of(loss) for loss in (0.0, 0.049, 0.05, 0.1, 0.2, 1.0)] == ["", "", "?!", "?", "??", "??"]


def test_a_value_is_worth_what_its_temperature_says():
    assert expected(0.5, 1.0) == pytest.approx(0.75)
    assert expected(0.5, 0.5) == pytest.approx(0.9)  # odds of three to one become nine to one
    assert expected(-0.5, 0.5) == pytest.approx(0.1)
    for temperature in (0.01, 0.4, 100.0):
        assert [expected(v, temperature) for v in (-1.0, 0.0, 1.0)] == pytest.approx([0.0, 0.5, 1.0])
        assert 0.0 <= expected(-0.999999, temperature) < 0.5 < expected(0.999999, temperature) <= 1.0


def test_a_review_judges_by_the_temperature_of_the_network():
    game = az.Game("chess")
    moves = ["e2e4", "e7e5", "d1h5", "e8e7", "h5h3"]
    plain, sharp = player(game), player(game)
    sharp.meta["value_temperature"] = 0.25
    as_told, judged = (
        review(each, positions_of(game, moves), moves, simulations=2, threads=1) for each in (plain, sharp)
    )
    lost = 0
    for told, each in zip(as_told, judged, strict=True):
        assert (each.win_rate, each.best_win_rate) == (told.win_rate, told.best_win_rate)  # the network's own
        rates = [expected(2.0 * rate - 1.0, 0.25) for rate in (each.best_win_rate, each.win_rate)]
        if each.move != each.best:
            assert each.loss == pytest.approx(max(0.0, rates[0] - rates[1]), abs=1e-6)
            lost += each.loss > told.loss > 0.0
    assert lost


def test_a_punishment_that_is_missed_is_a_mistake_as_well():
    game = az.Game("chess")
    moves = ["e2e4", "e7e5", "d1h5", "e8e7", "h5h3", "d7d6"]
    judged = review(player(game), positions_of(game, moves), moves, simulations=120, threads=1)
    assert [each.mark for each in judged[3:5]] == ["??", "??"]
    assert judged[4].best == "h5e5" and judged[4].best_win_rate == 1.0


def test_moves_after_the_end_by_the_rules_are_not_judged():
    game = az.Game("chess")
    moves = ["g1f3", "g8f6", "f3g1", "f6g8"] * 2 + ["e2e4", "e7e5", "d1h5", "e8e7", "h5e5"]
    judged = review(player(game), positions_of(game, moves), moves, simulations=4, threads=1)
    assert [each.number for each in judged] == list(range(1, 9)), "the position is there for the third time"
    assert judged[-1].win_rate == 0.5


def test_mistakes_are_looked_at_again_within_the_simulations_asked_for():
    game = az.Game("chess")
    moves = ["e2e4", "e7e5", "d1h5", "e8e7", "h5e5"]
    own, leaves = counting_player(game)
    progress = []
    judged = review(
        own,
        positions_of(game, moves),
        moves,
        simulations=100,
        threads=1,
        on_progress=progress.append,
    )
    assert judged[-1].move == "h5e5" and judged[-1].win_rate == 1.0
    blunder = judged[3]
    assert blunder.mark == "??" and blunder.best != "e8e7"
    assert progress[5] == pytest.approx(0.5) and len(progress) > 7, "a second look"
    assert progress == sorted(progress) and progress.count(1.0) == 1 and progress[-1] == 1.0
    assert sum(leaves) <= 100 * len(moves) + 6, "and the roots"


def test_positions_are_evaluated_together():
    game = az.Game("connect4")
    moves = list("ddccbbe")
    own, seen = counting_player(game)
    judged = review(own, positions_of(game, moves), moves, simulations=60, threads=1)
    assert len(judged) == 7 and len(seen) < 7 * 60 / 3, "three leaves a batch and more"


def test_the_last_move_of_go_is_judged_by_the_count():
    game = az.Game("go", board_size=5, komi=0.5)
    moves = ["C3", "pass", "pass"]
    judged = review(player(game), positions_of(game, moves), moves, simulations=30, threads=1)
    assert judged[-1].win_rate == 1.0 and judged[-1].score == 24.5


def test_the_graph_is_a_picture_whose_names_are_text():
    game = az.Game("connect4")
    moves = list("ddcc")
    judged = review(player(game), positions_of(game, moves), moves, simulations=20, threads=1)
    root = ElementTree.fromstring(graph(judged, 'A <script> & "B"'))
    assert root.tag.endswith("svg") and any('A <script> & "B"' in (each.text or "") for each in root)
    assert len(next(each for each in root if each.tag.endswith("polyline")).attrib["points"].split()) == 4


# --- the command ---


@pytest.mark.parametrize(("name", "text"), [("g.sgf", SGF), ("g.pgn", PGN), ("g.kif", KIF), ("g.csa", CSA)])
def test_the_command_reads_and_writes_every_format(tmp_path, capsys, name, text):
    path, out, picture = tmp_path / name, tmp_path / f"out-{name}", tmp_path / "graph.svg"
    path.write_text(text, encoding="utf-8")
    assert (
        main(["analyze", str(path), "--simulations", "10", "--out", str(out), "--graph", str(picture), "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    moves = {"g.sgf": ["C3", "B4", "D2", "B2"], "g.pgn": ["f2f3", "e7e5", "g2g4", "d8h4"]}.get(name, ["7g7f", "3c3d"])
    assert [each["move"] for each in told["moves"]] == moves
    assert all(0.0 <= each["loss"] <= 1.0 for each in told["moves"]) and len(told["summary"]) == 2
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    # What was written is read again with the same moves.
    assert main(["analyze", str(out), "--simulations", "2", "--json"]) == 0
    assert [each["move"] for each in json.loads(capsys.readouterr().out)["moves"]] == moves
    assert main(["analyze", str(path), "--simulations", "5"]) == 0
    plain = capsys.readouterr().out
    assert "lost a move" in plain and moves[0] in plain


def test_several_games_of_a_file_are_judged_one_after_the_other(tmp_path, capsys):
    path = tmp_path / "two.pgn"
    path.write_text(PGN + PGN.replace('"x"', '"y"'))
    assert main(["analyze", str(path), "--simulations", "4", "--json", "--out", str(tmp_path / "o.pgn")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["game_number"] for each in lines] == [1, 2]
    assert (tmp_path / "o.pgn").read_text().count("[Event ") == 2


@pytest.mark.parametrize(
    ("data", "side"),
    [
        (b"1.e4 e5 *", "White"),
        (b"{ mine } 1. e4 *", "White"),
        (b'[White "A"]\n\n1.e4 *', "White"),
        (b"Here it is:\n(;SZ[5];B[cc])", "Black"),
        (b"\xef\xbb\xbf(;SZ[5];B[cc])", "Black"),
        (KIF.encode("cp932"), "Sente"),
        (CSA.encode(), "Sente"),
    ],
)
def test_a_file_without_a_known_name_is_told_by_what_it_holds_as_on_the_page(tmp_path, capsys, data, side):
    path = tmp_path / "game.txt"
    path.write_bytes(data)
    assert main(["analyze", str(path), "--simulations", "2"]) == 0
    assert f"  {side}  " in capsys.readouterr().out
    assert reading.read(data, az.Game("connect4")).moves


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.sgf", b"", "no game"),
        ("none.pgn", b"", "no PGN game"),
        ("none.kif", b"hello", "no KIF game"),
        ("none.csa", b"hello", "no CSA game"),
        ("x.sgf", b"(;GM[1]SZ[5];B[cc];W[cc])", "move 2"),
        ("chess.sgf", b"(;GM[3])", "not a game of Go"),
    ],
)
def test_files_that_cannot_be_judged_are_named(tmp_path, capsys, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    assert main(["analyze", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert name in error and said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert main(["analyze", str(tmp_path / "missing.sgf")]) == 2


def test_a_player_without_a_network_is_refused(tmp_path, capsys):
    path = tmp_path / "g.sgf"
    path.write_text(SGF)
    assert main(["analyze", str(path), "--model", "mcts:10"]) == 2
    assert "has no network" in capsys.readouterr().err


def test_the_program_prints_lines_that_a_pipe_can_read(tmp_path):
    path = Path(tmp_path, "g.sgf")
    path.write_text(SGF)
    done = subprocess.run(
        [sys.executable, "-m", "alphazero", "analyze", str(path), "--simulations", "4"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "Black (A): 2 moves" in done.stdout and done.stderr == ""


def test_a_move_out_of_turn_is_judged_as_its_player_s(tmp_path, capsys):
    path = tmp_path / "g.sgf"
    path.write_text("(;GM[1]SZ[5]KM[0.5];B[cc];B[bb];W[dd])")
    assert main(["analyze", str(path), "--simulations", "20", "--json"]) == 0
    moves = json.loads(capsys.readouterr().out)["moves"]
    assert [(each["player"], each["move"]) for each in moves] == [(0, "C3"), (0, "B4"), (1, "D2")]
    path.write_text("(;GM[1]SZ[5]KM[0.5];W[cc];B[bb])")
    assert main(["analyze", str(path), "--simulations", "20", "--json"]) == 0
    assert [each["player"] for each in json.loads(capsys.readouterr().out)["moves"]] == [1, 0]


def test_a_file_in_shift_jis_stays_so(tmp_path):
    path, out = tmp_path / "g.kif", tmp_path / "out.kif"
    path.write_bytes(KIF.encode("cp932"))
    assert main(["analyze", str(path), "--simulations", "4", "--out", str(out)]) == 0
    assert "Sente" in out.read_bytes().decode("cp932") and kif.read(out.read_bytes())[0].moves == ["7g7f", "3c3d"]


@pytest.mark.parametrize(("name", "text"), [("g.kif", KIF), ("g.csa", CSA), ("g.pgn", PGN)])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig"])
def test_a_file_with_a_bom_keeps_it(tmp_path, name, text, codec):
    path, out = tmp_path / name, tmp_path / f"out-{name}"
    path.write_bytes(text.encode(codec))
    assert main(["analyze", str(path), "--simulations", "4", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbf") == (codec == "utf-8-sig")
    assert out.read_bytes().count(b"\xef\xbb\xbf") == (codec == "utf-8-sig")


# --- kinds of files ---

START_960 = "bqnrkrnb/pppppppp/8/8/8/8/PPPPPPPP/BQNRKRNB w KQkq - 0 1"


@pytest.mark.parametrize("variant", ["Chess960", "chess960", "Fischerandom", "fischerrandom", ""])
def test_chess960_is_judged_by_its_own_rules_whatever_it_is_called(tmp_path, capsys, variant):
    tag = f'[Variant "{variant}"]\n' if variant else ""  # without a tag, the castling rights tell
    path, out = tmp_path / "g.pgn", tmp_path / "o.pgn"
    path.write_text(f'{tag}[SetUp "1"]\n[FEN "{START_960}"]\n\n1. Nf3 Nf6 2. O-O O-O *\n')
    assert main(["analyze", str(path), "--simulations", "2", "--json", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert [each["move"] for each in json.loads(told.out)["moves"]] == ["g1f3", "g8f6", "e1f1", "e8f8"]
    assert told.err == "" and "O-O" in out.read_text()


def test_other_games_in_pgn_are_named_and_not_judged_as_chess(tmp_path, capsys):
    path = tmp_path / "g.pgn"
    path.write_text('[Variant "Atomic"]\n\n1. Nf3 d5 *\n')
    assert main(["analyze", str(path), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["moves"] == [] and "Atomic is neither chess nor Chess960" in told.err


def test_a_start_position_that_no_rules_know_is_one_line(tmp_path, capsys):
    path = tmp_path / "g.pgn"
    path.write_text('[SetUp "1"]\n[FEN "8/8/8/8/8/8/8/8 w - - 0 1"]\n\n*\n')
    assert main(["analyze", str(path)]) == 2
    error = capsys.readouterr().err
    assert "g.pgn: start position" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [("g.kif", f"{KIF}\n{KIF}", kif.read), ("g.csa", f"'head\n{CSA}/\n'note\n/\n{CSA}", csa.read)],
)
def test_all_games_of_a_shogi_file_are_judged(tmp_path, capsys, name, text, read):
    path, out = tmp_path / name, tmp_path / f"o-{name}"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert main(["analyze", str(path), "--simulations", "2", "--json", "--out", str(out)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(each["moves"]) for each in lines] == [2, 2]
    written = out.read_bytes()
    assert [game.moves for game in read(written)] == [["7g7f", "3c3d"]] * 2
    assert written.count(b"alphazero: ") == 4 and written.count(b"\n") == written.count(b"\r\n")


def test_the_graph_is_a_png_where_its_name_says_so(tmp_path, capsys):
    path, picture = tmp_path / "g.sgf", tmp_path / "graph.PNG"
    path.write_text(SGF)
    assert main(["analyze", str(path), "--simulations", "2", "--graph", str(picture)]) == 0
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and png([], "$x_{ $")[:4] == b"\x89PNG"
    capsys.readouterr()
    assert main(["analyze", str(path), "--graph", str(tmp_path / "g.jpg")]) == 2
    assert "a graph is .svg or .png" in capsys.readouterr().err
