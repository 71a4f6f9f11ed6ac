"""Runs that begin with the network of another: learning that accumulates over runs."""

from __future__ import annotations

import io

import pytest
import torch

import alphazero as az
from alphazero import checkpoint
from alphazero.cli import main
from alphazero.config import NetworkConfig, load_config
from alphazero.errors import UserError
from alphazero.evaluators.base import proof_planes
from alphazero.growing import grown
from alphazero.network import Network, shape_of
from alphazero.training.run import Run

TINY = """game: {name: connect4}
network: {blocks: 1, channels: 8, value_hidden: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 8, batch_size: 8}
replay: {window_min: 150, min_positions: 50, chunk_games: 4}
training: {batch_size: 16, budget_games: 16, warmup_steps: 2}
"""


def run_of(folder, name: str, *overrides: str, out: io.StringIO | None = None) -> Run:
    file = folder / "tiny.yaml"
    file.write_text(TINY)
    (folder / name).mkdir(exist_ok=True)
    return Run(load_config(file, list(overrides)), folder / name, "cpu", out or io.StringIO())


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in run.trainer.averaged.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def first(tmp_path) -> Run:
    run = run_of(tmp_path, "first")
    run.train()
    return run


def test_a_run_that_begins_with_a_network_trains_once_its_window_is_full(tmp_path, first):
    """It fits its first games as hard as later ones, and of few games it remembers each (docs/recipe.md)."""
    assert first.store.least == 50
    out = io.StringIO()
    run = run_of(tmp_path, "second", f"training.start_from={tmp_path / 'first'}", "training.budget_games=64", out=out)
    begun: list[int] = []
    step = run.learner.step
    run.learner.step = lambda progress: begun.append(run.store.drawable) or step(progress)
    run.train()
    assert begun[0] >= 150
    assert "training begins once there are 150 positions (replay.window_min)" in out.getvalue()
    assert "before training began" not in out.getvalue()
    # What the games before had paid for is not lost.
    assert run.trainer.samples == pytest.approx(run.store.positions * run.config.replay.reuse, abs=2 * 16)
    wider = ("training.budget_games=80", "replay.window_min=5000")
    again = run_of(tmp_path, "second", f"training.start_from={tmp_path / 'first'}", *wider)
    assert again.store.missing == 0  # it has begun: a wider window is filled while it trains


def test_a_budget_that_is_too_small_for_the_window_is_told(tmp_path, first):
    out = io.StringIO()
    run = run_of(tmp_path, "second", f"training.start_from={tmp_path / 'first'}", "replay.window_min=10000", out=out)
    run.train()
    assert run.trainer.steps == 0 and same(weights(run), weights(first))
    positions = run.store.drawable
    assert f"the budget ended before training began: {positions:,} of 10,000 positions" in out.getvalue()


def test_a_window_that_was_brought_along_is_learned_from_at_once(tmp_path, first):
    (tmp_path / "second").mkdir()
    (tmp_path / "first" / "replay").rename(tmp_path / "second" / "replay")
    out = io.StringIO()
    run = run_of(tmp_path, "second", f"training.start_from={tmp_path / 'first'}", "training.budget_games=24", out=out)
    assert run.store.missing == 0
    run.train()
    assert "training begins" not in out.getvalue() and run.trainer.steps > 0


@pytest.mark.parametrize("which", ["first", "first/checkpoints", "first/checkpoints/latest-step"])
def test_a_run_begins_with_the_network_of_another_and_goes_on_from_there(tmp_path, first, which):
    source = tmp_path / which.replace("latest-step", str(first.trainer.steps))
    run = run_of(tmp_path, "second", f"training.start_from={source}")
    assert same(weights(run), weights(first))
    assert run.trainer.steps == 0 and run.trainer.samples == 0
    moments = [state["exp_avg"] for state in run.trainer.optimizer.state.values()]
    assert moments and any(bool(moment.abs().sum() > 0) for moment in moments)  # the optimizer's, too
    assert run.trainer.learning_rate(0.0) == pytest.approx(run.config.training.learning_rate / 2)  # warms up anew
    run.train()
    meta = checkpoint.read_meta(checkpoint.resolve(tmp_path / "second"))
    assert meta["steps"] > 0
    assert meta["began_from"]["steps"] == first.trainer.steps
    assert meta["began_from"]["games"] == 16
    again = run_of(tmp_path, "second", f"training.start_from={source}", "training.budget_games=24")
    assert same(weights(again), weights(run))  # resumed, not begun again
    third = run_of(tmp_path, "third", f"training.start_from={tmp_path / 'second'}")
    third.train()
    meta = checkpoint.read_meta(checkpoint.resolve(tmp_path / "third"))
    assert meta["began_from"]["steps"] == first.trainer.steps + run.trainer.steps  # all that was spent
    assert meta["began_from"]["games"] == 16 + run.store.games


def test_a_checkpoint_without_a_trainers_state_gives_its_weights(tmp_path, first):
    path = checkpoint.resolve(tmp_path / "first")
    (path / "trainer.pt").unlink()
    run = run_of(tmp_path, "second", f"training.start_from={path}")
    assert same(weights(run), weights(first))
    assert same(run.trainer.network.state_dict(), weights(first))
    assert not run.trainer.optimizer.state


def test_a_head_that_the_other_network_lacks_begins_at_random(tmp_path, first):
    run = run_of(tmp_path, "second", f"training.start_from={tmp_path / 'first'}", "network.plies_left=true")
    own = weights(run)
    assert same({name: own[name] for name in weights(first)}, weights(first))
    assert "plies_left_out.weight" in own
    run.train()
    assert run.trainer.steps > 0


@pytest.mark.parametrize("change", ["network.channels=16", "network.blocks=2", "network.value_hidden=16"])
def test_a_network_of_another_size_is_refused(tmp_path, first, change):
    with pytest.raises(UserError, match=r"start_from: .*first has 1 blocks x 8 channels.*network section"):
        run_of(tmp_path, "second", f"training.start_from={tmp_path / 'first'}", change)
    assert not list((tmp_path / "second").glob("checkpoints/*"))


def test_a_bigger_network_does_not_lose_blocks_in_silence(tmp_path):
    run_of(tmp_path, "big", "network.blocks=2").train()
    with pytest.raises(UserError, match="has 2 blocks"):
        run_of(tmp_path, "second", f"training.start_from={tmp_path / 'big'}")


@pytest.mark.parametrize(
    "name, message",
    [
        ("pretrained:chess", "plays chess, this run connect4"),
        ("pretrained:draughts", "no such network"),
        ("nowhere", "no such checkpoint"),
    ],
)
def test_what_a_run_cannot_begin_with_is_told(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        run_of(tmp_path, "second", f"training.start_from={name}")


def test_where_a_run_began_cannot_be_changed_later(tmp_path, first):
    with pytest.raises(UserError, match=r"begun with another training\.start_from"):
        run_of(tmp_path, "first", "training.start_from=pretrained:chess")


# --- growing ---


@pytest.mark.parametrize(
    "name, options", [("connect4", {}), ("go", {"board_size": 5}), ("chess", {}), ("minishogi", {})]
)
@pytest.mark.parametrize("blocks, channels", [(3, 24), (5, 24), (3, 64), (6, 70)])
def test_a_network_that_has_grown_says_the_same(name, options, blocks, channels):
    torch.manual_seed(0)
    shape = shape_of(az.Game(name, **options))
    small = Network(shape, NetworkConfig(blocks=3, channels=24))
    planes = torch.from_numpy(proof_planes(shape, 16))
    optimizer = torch.optim.SGD(small.parameters(), lr=0.1)
    for _ in range(5):  # norms have seen numbers, weights are no longer those of the start
        optimizer.zero_grad()
        output = small.train()(planes)
        (output.policy.square().mean() + output.wdl.square().mean()).backward()
        optimizer.step()
    small.eval()
    big = grown(small, blocks, channels)
    assert (big.config.blocks, big.config.channels) == (blocks, channels)
    with torch.inference_mode():
        for answer, same_answer in zip(small(planes), big(planes), strict=True):
            assert (answer is None) == (same_answer is None)
            if answer is not None:
                torch.testing.assert_close(same_answer, answer, atol=1e-4, rtol=1e-4)


def test_all_that_is_new_in_a_grown_network_learns():
    torch.manual_seed(0)
    shape = shape_of(az.Game("connect4"))
    big = grown(Network(shape, NetworkConfig(blocks=2, channels=16)).eval(), 4, 40).train()
    planes = torch.from_numpy(proof_planes(shape, 32))
    optimizer = torch.optim.SGD(big.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        output = big(planes)
        (output.policy.square().mean() + output.wdl.square().mean() + output.heads["reply"].square().mean()).backward()
        optimizer.step()
    untouched = [
        name for name, p in big.named_parameters() if "plies_left" not in name and not bool(p.grad.abs().sum() > 0)
    ]
    assert untouched == []
    assert bool(big.stem[0].weight.grad[16:].abs().sum() > 0)  # the new channels, through weights that were 0


def test_growing_leads_from_a_run_to_a_bigger_run(tmp_path, first, capsys):
    out = tmp_path / "big"
    assert main(["grow", str(tmp_path / "first"), "--blocks", "2", "--channels", "24", "--out", str(out)]) == 0
    assert "1 x 8 -> 2 x 24" in capsys.readouterr().out
    sizes = ["network.blocks=2", "network.channels=24"]
    run = run_of(tmp_path, "second", f"training.start_from={out}", *sizes)
    run.train()
    assert run.trainer.steps > 0
    assert checkpoint.read_meta(out)["grown_from"] == "1x8"


@pytest.mark.parametrize("words, message", [(["--blocks", "1", "--channels", "4"], "cannot shrink"), ([], "")])
def test_a_network_does_not_shrink_and_nothing_is_written_over(tmp_path, first, capsys, words, message):
    out = tmp_path / ("first" if not words else "small")
    assert main(["grow", str(tmp_path / "first"), *words, "--out", str(out)]) != 0
    told = capsys.readouterr().err
    assert (message or "already exists") in told and told.count("\n") == 1
    assert not (tmp_path / "small").exists()
