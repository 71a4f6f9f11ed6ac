"""`alphazero bench`: every figure is there, by its name, as a JSON line; how fast is not asked."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

from alphazero.cli import main

BOARDS = ["chess", "shogi", "go9", "go19", "connect4"]
NAMES = {
    "rules": ["rules.perft.chess", "rules.perft.shogi", *(f"rules.plies.{b}" for b in BOARDS)],
    "search": [
        *(f"search.null.{b}{t}" for b in BOARDS for t in ("", ".t2")),
        *(f"search.tree.{b}" for b in BOARDS),
        "search.tree800k.chess",
        "search.tree800k.chess.t2",
        "search.bytes_per_node.chess",
        "search.bytes_per_node.go19",
    ],
    "selfplay": ["pool.handover_us", "selfplay.evals.go9", "selfplay.ratio.go9", "selfplay.ratio.chess"],
    "engine": [
        *(f"engine.{kind}.{b}" for b in ("chess", "shogi", "go9", "go19") for kind in ("nodes", "ratio")),
        *(f"engine.start.{until}" for until in ("uciok", "readyok", "bestmove")),
    ],
    "train": ["train.samples.go9", "sampler.positions.go9", "sampler.positions.go9.t2", "train.samples.chess"],
}


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict]:
    capsys.readouterr()
    assert main(["bench", "--seconds", "0.2", "--repeat", "1", "--json", *arguments]) == 0
    return {line["name"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}


@pytest.mark.parametrize("what", list(NAMES))
def test_every_figure_is_there_by_its_name(what, capsys):
    found = figures(capsys, what)
    assert set(NAMES[what]) <= set(found)
    for line in found.values():
        assert set(line) == {"name", "value", "unit", "n", "median", "min", "max"}
        assert line["value"] > 0 or line["unit"] == "of leaves"
        assert line["min"] <= line["median"] <= line["max"]


def test_inference_is_measured_by_backend_network_game_and_batch(capsys):
    found = figures(capsys, "inference")
    for backend in ("eager", "torch", "openvino", "onnx"):
        for batch in (1, 32, 128):
            assert f"inference.{backend}.5x64.go9.b{batch}" in found


def test_open_spiel_is_measured_beside_ours_in_python_and_in_cpp(capsys, monkeypatch):
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler: the peer's extension is compiled when it is first asked for")
    from alphazero_bench import figures as known

    monkeypatch.setattr(known, "BOARDS", {"connect4": ("connect4", {})})
    monkeypatch.setattr("alphazero_bench.search.BOARDS", {"connect4": ("connect4", {})})
    monkeypatch.setattr("alphazero_bench.rules.BOARDS", {"connect4": ("connect4", {})})
    found = figures(capsys, "rules", "search", "--peer", "open_spiel")
    for name in ("rules.plies.connect4", "search.null.connect4", "search.tree.connect4", "search.tree_asking.connect4"):
        assert found[f"peer.open_spiel.{name}"]["value"] > 0


def test_a_soak_tells_the_slope_of_memory_and_the_spread_of_the_rate(capsys):
    found = figures(capsys, "soak", "--seconds", "3")
    assert found["soak.rss"]["value"] > 50
    assert found["soak.rate"]["value"] > 0 and found["soak.cpu_rate_spread"]["value"] >= 0
    assert "soak.rss_slope" in found


def test_a_soak_sees_memory_that_grows_and_a_rate_that_falls():
    from alphazero_bench.soak import figures as of

    minutes = np.linspace(0.0, 120.0, 1001)
    flat = np.stack([60 * minutes, np.full(1001, 500.0), 6000 * minutes, 60 * minutes], 1)
    worse = flat.copy()
    worse[:, 1] += 2.0 * minutes
    worse[:, 2] = 6000 * np.minimum(minutes, 60.0) + 3000 * np.maximum(minutes - 60.0, 0.0)
    a, b = ({f.name: f.value for f in of(samples)} for samples in (flat, worse))
    assert abs(a["soak.rss_slope"]) < 1e-6 and a["soak.rate_spread"] < 1e-3 and a["soak.rate"] == pytest.approx(100.0)
    assert b["soak.rss_slope"] == pytest.approx(2.0) and b["soak.rate_spread"] > 0.2


def test_a_peer_that_is_not_there_is_named_in_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mctx", None)
    assert main(["bench", "search", "--seconds", "0.1", "--repeat", "1", "--peer", "mctx"]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and "pip install mctx pgx" in told[0]


def test_growth_tells_of_simulations_games_threads_boards_and_networks(capsys):
    found = figures(capsys, "growth", "--seconds", "0.05")
    for kind in ("simulations", "games", "threads", "board", "network"):
        assert sum(name.startswith(f"growth.{kind}.") for name in found) >= 4 or kind == "threads"
    assert "growth.threads.chess.2" in found and "growth.network.go9.10x128" in found
