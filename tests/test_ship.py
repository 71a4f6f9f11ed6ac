"""Settings for play that are shipped with a network (`tools/ship.py --play`; test_pretrained.py has the rest)."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from tiny import tiny_file

from alphazero import checkpoint
from alphazero.config import load_config
from alphazero.training.run import train

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
import ship


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Ships a tiny run into a folder; gives the network's place and what was said."""
    train(load_config(tiny_file(tmp_path)), tmp_path / "run", "cpu", io.StringIO())

    def call(*more: str) -> Path:
        given = [str(tmp_path / "run"), "--into", str(tmp_path / "package"), "--hardware", "two cores"]
        monkeypatch.setattr(sys, "argv", ["ship.py", *given, *more])
        ship.main()
        return tmp_path / "package" / "alphazero" / "pretrained" / "connect4"

    return call


def test_settings_that_were_tuned_are_shipped_and_missed_by_the_next_network(shipped, capsys):
    folder = shipped("--play", "lcb=2", "--play", "c_init=1.5")
    assert checkpoint.read_meta(folder)["play"] == {"lcb": 2.0, "c_init": 1.5}
    assert "measure anew" not in capsys.readouterr().out
    folder = shipped()
    assert "play {'lcb': 2.0, 'c_init': 1.5}, measured for it alone: measure anew" in capsys.readouterr().out
    assert "play" not in json.loads((folder / "meta.json").read_text())


def test_a_setting_that_is_none_is_refused_before_anything_is_written(tmp_path, shipped, capsys):
    with pytest.raises(SystemExit):
        shipped("--play", "strength=9")
    assert "strength" in capsys.readouterr().err
    assert not (tmp_path / "package").exists()
