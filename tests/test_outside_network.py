"""Networks from outside the package: trained, saved, resumed, played, exported, refused."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from tiny import TINY

import alphazero as az
from alphazero import checkpoint
from alphazero.cli import main
from alphazero.errors import UserError
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.network import make_network
from alphazero.protocols.uci import UciEngine

PACKAGE = """
import torch
from torch import nn
from alphazero.network import Output, PolicyValueNet


class Attention(PolicyValueNet):
    \"\"\"A transformer block over the squares, in place of a tower.\"\"\"

    def __init__(self, shape, config):
        super().__init__(shape, config)
        width = config.channels
        self.embed = nn.Linear(shape.planes, width)
        self.place = nn.Parameter(torch.zeros(shape.cells, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True) for _ in range(config.blocks)
        )
        self.to_policy = nn.Linear(shape.cells * width, shape.policy_size)
        self.to_wdl = nn.Linear(width, 3)

    def forward(self, planes):
        x = self.embed(planes.flatten(2).transpose(1, 2)) + self.place
        for block in self.blocks:
            x = block(x)
        return Output(self.to_policy(x.flatten(1)), self.to_wdl(x.mean(1)), {})


class Wrong(Attention):
    def forward(self, planes):
        said = super().forward(planes)
        return Output(said.policy[:, :3], said.wdl, {})


class NoNetwork:
    pass
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "outside_nets.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "outside_nets", raising=False)
    yield "outside_nets:Attention"
    sys.modules.pop("outside_nets", None)


@pytest.fixture
def run(tmp_path, outside):
    config = tmp_path / "c.yaml"
    config.write_text(TINY.replace("network: {", f'network: {{kind: "{outside}", '))
    az.train(config, tmp_path / "run", device="torch")
    return config, tmp_path / "run"


def test_it_trains_resumes_plays_and_is_exported(run, tmp_path, capsys):
    config, folder = run
    before = checkpoint.load(checkpoint.resolve(folder))
    assert type(before.network).__name__ == "Attention" and before.meta["steps"] > 0
    az.train(config, folder, device="torch", overrides=["training.budget_games=60"])
    after = checkpoint.load(checkpoint.resolve(folder))
    assert after.meta["steps"] > before.meta["steps"] and after.meta["games"] >= 60
    player = az.load(folder)
    found = player.search(player.game.position(), 30)
    assert found.simulations == 30 and player.evaluate(player.game.position()).score is None
    assert main(["match", str(folder), "random", "--games", "2"]) == 0
    assert main(["info", str(folder)]) == 0
    pytest.importorskip("onnxruntime", reason="an optional backend")
    assert main(["export", str(folder), "--out", str(tmp_path / "net.onnx")]) == 0
    import onnxruntime

    planes = np.random.default_rng(0).random((2, *player.game.planes_shape)).astype(np.float32)
    said = onnxruntime.InferenceSession(str(tmp_path / "net.onnx")).run(None, {"planes": planes})
    expected = TorchEvaluator(after.network).evaluate(planes)
    assert np.allclose(said[0], expected[0], atol=1e-3) and np.allclose(said[1], expected[1], atol=1e-3)


def test_it_plays_by_uci(outside):
    from alphazero.config import NetworkConfig
    from alphazero.player import NetworkPlayer
    from alphazero.weights import shape_of

    game = az.Game("chess")
    net = make_network(shape_of(game), NetworkConfig(kind=outside, blocks=1, channels=8)).eval()
    out = io.StringIO()
    UciEngine(NetworkPlayer("outside", game, TorchEvaluator(net), {})).serve(
        ["position startpos\n", "go nodes 20\n"], out
    )
    assert out.getvalue().splitlines()[-1].startswith("bestmove ")


def test_without_its_package_there_is_one_clear_line(run, monkeypatch, capsys):
    _, folder = run
    sys.modules.pop("outside_nets", None)
    monkeypatch.setattr(
        sys, "path", [each for each in sys.path if not each.endswith("site") or "site-packages" in each]
    )
    for call in (
        ["match", str(folder), "random", "--games", "2"],
        ["export", str(folder)],
    ):
        capsys.readouterr()
        assert main(call) == 2, call
        error = capsys.readouterr().err
        assert "outside_nets:Attention" in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nosuch_package:Net", "nosuch_package"),
        ("outside_nets:Nothing", "Nothing"),
        ("outside_nets", "package.module:Class"),
        (":", "package.module:Class"),
        ("outside_nets:NoNetwork", "no alphazero.network.PolicyValueNet"),
        ("outside_nets:Wrong", "answers policy"),
    ],
)
def test_what_is_no_network_is_refused(outside, kind, said):
    from alphazero.config import NetworkConfig
    from alphazero.weights import shape_of

    with pytest.raises(UserError, match=said):
        make_network(shape_of(az.Game("connect4")), NetworkConfig(kind=kind, blocks=1, channels=8))


def test_what_only_fits_ours_refuses_it(run, capsys):
    _, folder = run
    assert main(["match", str(folder), "random", "--games", "2", "--device", "openvino"]) == 2
    assert "cannot run outside_nets:Attention" in capsys.readouterr().err
    assert main(["grow", str(folder), "--blocks", "9", "--channels", "64", "--out", str(folder.parent / "big")]) == 2
    assert "from outside" in capsys.readouterr().err
