"""`alphazero bench`: every figure is there, by its name, as a JSON line; how fast is not asked."""

from __future__ import annotations

import json
import shutil

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
    "train": ["train.samples.go9", "sampler.positions.go9", "train.samples.chess"],
}


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict]:
    capsys.readouterr()
    assert main(["bench", *arguments, "--seconds", "0.2", "--repeat", "1", "--json"]) == 0
    return {line["name"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}


@pytest.mark.parametrize("what", list(NAMES))
def test_every_figure_is_there_by_its_name(what, capsys):
    found = figures(capsys, what)
    assert set(NAMES[what]) <= set(found)
    for line in found.values():
        assert set(line) == {"name", "value", "unit", "n", "median", "min", "max"}
        assert line["value"] > 0 and line["min"] <= line["median"] <= line["max"]


def test_inference_is_measured_by_backend_network_game_and_batch(capsys):
    found = figures(capsys, "inference")
    for backend in ("eager", "torch", "openvino", "onnx"):
        for batch in (1, 32, 128):
            assert f"inference.{backend}.5x64.go9.b{batch}" in found


def test_open_spiel_is_measured_beside_ours_in_python_and_in_cpp(capsys, monkeypatch):
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler: the peer's extension is compiled when it is first asked for")
    from alphazero.bench import figures as known

    monkeypatch.setattr(known, "BOARDS", {"connect4": ("connect4", {})})
    monkeypatch.setattr("alphazero.bench.search.BOARDS", {"connect4": ("connect4", {})})
    monkeypatch.setattr("alphazero.bench.rules.BOARDS", {"connect4": ("connect4", {})})
    found = figures(capsys, "rules", "search", "--peer", "open_spiel")
    for name in ("rules.plies.connect4", "search.null.connect4", "search.tree.connect4"):
        assert found[f"peer.open_spiel.{name}"]["value"] > 0
