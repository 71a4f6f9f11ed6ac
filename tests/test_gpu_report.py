"""`tools/gpu_report` on a machine without a GPU: the same measurements, smaller, and the same report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).parent.parent / "tools" / "gpu_report.py"


def test_the_report_holds_every_figure(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("a GPU is here: the report itself takes minutes")
    command = [
        sys.executable,
        str(TOOL),
        "--no-build",
        "--out",
        str(tmp_path / "out"),
        "--seconds",
        "0.2",
        "--repeat",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["complete"] and report["gpu"] is None
    figures = {each["name"]: each["value"] for each in report["figures"]}
    for name in (
        "device.matmul_peak",
        "inference.eager.2x16.chess.b32",
        "inference.packed.2x16.chess.b32.share",
        "device.selfplay.evals.2x16",
        "device.selfplay.ratio.2x16",
        "device.selfplay.host_cores.2x16",
        "device.swap.2x16",
        "device.train.eager.2x16",
    ):
        assert figures[name] > 0.0
    assert figures["inference.packed.2x16.chess.agrees"] == 1.0
    page = (tmp_path / "out" / "report.md").read_text()
    assert all(f"`{name}`" in page for name in figures)


def test_what_a_position_costs_is_counted():
    import alphazero as az
    from alphazero.config import NetworkConfig
    from alphazero.network import Network, shape_of
    from alphazero_bench.device import operations

    small, big = (
        operations(Network(shape_of(az.Game("chess")), NetworkConfig(blocks=blocks, channels=32))) for blocks in (1, 3)
    )
    tower = 2 * 2 * 2 * 64 * 32 * 32 * 9  # two blocks of two convolutions on 64 cells, a multiplication and an addition
    pooling = 2 * 2 * 32 * 32  # one of them with global pooling
    assert big - small == tower + pooling
