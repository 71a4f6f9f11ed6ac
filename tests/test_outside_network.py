"""Networks from outside the package: trained, saved, resumed, played, exported, refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from tiny import TINY

import alphazero as az
from alphazero import checkpoint
from alphazero.cli import main
from alphazero.config import NetworkConfig
from alphazero.errors import UserError
from alphazero.evaluators.torch_plain import TorchEvaluator
from alphazero.network import fold_into, folded, from_description, make_network
from alphazero.protocols.uci import UciEngine
from alphazero.weights import shape_of

PACKAGE = """
import torch
from torch import nn
from alphazero.network import ConvNorm, Output, PolicyValueNet


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


class Norms(PolicyValueNet):
    \"\"\"Norms as none of ours is: behind a bias, by themselves, of another eps, without weights.\"\"\"

    def __init__(self, shape, config):
        super().__init__(shape, config)
        width = config.options["width"]
        self.first = nn.Sequential(nn.Conv2d(shape.planes, width, 3, padding=1), nn.BatchNorm2d(width, eps=1e-3))
        self.second = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(width, affine=False))
        self.to_policy = nn.Linear(shape.cells * width, shape.policy_size)
        self.to_wdl = nn.Linear(width, 3)

    def forward(self, planes):
        x = self.second(self.first(planes))
        return Output(self.to_policy(x.flatten(1)), self.to_wdl(x.mean((2, 3))), {})


class Pair(Attention):
    def forward(self, planes):
        return tuple(super().forward(planes)[:2])


class Extended(PolicyValueNet):
    \"\"\"With a layer that extends ours and computes more, and one of ours that stands in two places.\"\"\"

    def __init__(self, shape, config):
        super().__init__(shape, config)
        self.first = Rectified(shape.planes, 6, 3)
        self.second = ConvNorm(6, 6, 3)
        self.third = self.second
        self.to_policy = nn.Linear(shape.cells * 6, shape.policy_size)
        self.to_wdl = nn.Linear(6, 3)

    def forward(self, planes):
        x = self.third(self.second(self.first(planes)))
        return Output(self.to_policy(x.flatten(1)), self.to_wdl(x.mean((2, 3))), {})


class Rectified(ConvNorm):
    def forward(self, x):
        return super().forward(x).relu()


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


CHESS = """
game: {name: chess, options: {max_plies: 30}}
network: {kind: "outside_nets:Attention", blocks: 1, channels: 8}
search: {simulations: 2}
selfplay: {games_in_flight: 8, batch_size: 8}
replay: {window_min: 500, min_positions: 100, chunk_games: 8}
training: {batch_size: 32, warmup_steps: 2, checkpoint_every: 3, budget_games: 100000}
"""


@pytest.mark.slow  # five processes, two of which train
def test_killed_it_resumes_and_then_plays_by_uci_and_is_exported(outside, tmp_path):
    (tmp_path / "c.yaml").write_text(CHESS)
    run, program = tmp_path / "run", [sys.executable, "-m", "alphazero"]
    how = {"env": {**os.environ, "PYTHONPATH": str(tmp_path / "site")}, "cwd": tmp_path, "text": True}
    train = [*program, "train", "c.yaml", "--run", "run", "--no-rating"]
    with subprocess.Popen(train, **how, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 120
            while len(checkpoint.steps(run)) < 3:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.kill()
    before = checkpoint.read_meta(checkpoint.resolve(run))
    more = f"training.budget_games={before['games'] + 40}"
    said = subprocess.run([*train, more], **how, capture_output=True, timeout=200)
    assert said.returncode == 0 and "resuming run at step" in said.stderr, said.stderr
    after = checkpoint.read_meta(checkpoint.resolve(run))
    assert after["steps"] > before["steps"] > 0 and after["network"]["kind"] == "outside_nets:Attention"

    lines = "uci\nisready\nposition startpos moves e2e4\ngo nodes 20\n"
    with subprocess.Popen(
        [*program, "uci", "--model", "run"], **how, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as engine:
        engine.stdin.write(lines)
        engine.stdin.flush()
        best = next(line for line in engine.stdout if line.startswith("bestmove "))
        engine.communicate("quit\n", timeout=30)
    position = az.Game("chess").position()
    position.play("e2e4")
    assert best.split()[1] in position.legal_moves() and engine.returncode == 0

    onnxruntime = pytest.importorskip("onnxruntime", reason="an optional backend")
    said = subprocess.run([*program, "export", "run", "--out", "net.onnx"], **how, capture_output=True, timeout=100)
    assert said.returncode == 0, said.stderr
    planes = position.planes()[None]
    logits, _ = onnxruntime.InferenceSession(str(tmp_path / "net.onnx")).run(None, {"planes": planes})
    trained = checkpoint.load(checkpoint.resolve(run)).network
    assert np.allclose(logits, TorchEvaluator(trained).evaluate(planes)[0], atol=1e-3)


def test_it_plays_by_uci(outside):
    from alphazero.player import NetworkPlayer

    game = az.Game("chess")
    net = make_network(shape_of(game), NetworkConfig(kind=outside, blocks=1, channels=8)).eval()
    out = io.StringIO()
    UciEngine(NetworkPlayer("outside", game, TorchEvaluator(net), {})).serve(
        ["position startpos\n", "go nodes 20\n"], out
    )
    assert out.getvalue().splitlines()[-1].startswith("bestmove ")


@pytest.mark.parametrize("kind", ["Attention", "Norms", "Extended"])
def test_new_weights_in_place_answer_as_the_network_does(outside, kind):
    config = NetworkConfig(kind=f"outside_nets:{kind}", options={"width": 6}, blocks=1, channels=8)
    shape = shape_of(az.Game("connect4"))
    planes = torch.rand(64, shape.planes, shape.height, shape.width)
    trained = make_network(shape, config).train()
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        trained(planes)  # which moves the statistics of the norms
        target = folded(make_network(shape, config))
        fold_into(target, trained)
        for said, wanted in zip(target(planes)[:2], trained.eval()(planes)[:2], strict=True):
            assert torch.allclose(said, wanted, atol=1e-5)


def test_its_own_options_are_kept_with_its_weights(outside):
    config = NetworkConfig(kind="outside_nets:Norms", options={"width": 6}, blocks=1, channels=8)
    made = make_network(shape_of(az.Game("connect4")), config)
    again = from_description(json.loads(json.dumps(made.describe())))
    assert again.config == config and again.first[0].out_channels == 6


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
        ("outside_nets:Pair", "answers tuple, not an alphazero.network.Output"),
        ("outside_nets:Norms", "outside_nets:Norms fails on this game's planes: KeyError: 'width'"),
        ("broken_nets:Net", "broken_nets:Net: SyntaxError"),
    ],
)
def test_what_is_no_network_is_refused(outside, tmp_path, kind, said):
    (tmp_path / "site" / "broken_nets.py").write_text("class Net(:")
    with pytest.raises(UserError, match=said):
        make_network(shape_of(az.Game("connect4")), NetworkConfig(kind=kind, blocks=1, channels=8))


def test_what_only_fits_ours_refuses_it(run, capsys):
    _, folder = run
    assert main(["match", str(folder), "random", "--games", "2", "--device", "openvino"]) == 2
    assert "cannot run outside_nets:Attention" in capsys.readouterr().err
    assert main(["grow", str(folder), "--blocks", "9", "--channels", "64", "--out", str(folder.parent / "big")]) == 2
    assert "from outside" in capsys.readouterr().err
