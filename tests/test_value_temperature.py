"""The tool that says what a network's values are worth: it finds the temperature that made the results."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import fit_value_temperature as tool


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_behind_the_results_is_found(temperature):
    draw = np.random.default_rng(1)
    losses = np.zeros(len(tool.TEMPERATURES))
    for _ in range(4000):
        value = draw.uniform(-0.95, 0.95)
        logit = np.log((1.0 + value) / (1.0 - value))
        won = draw.random() < 1.0 / (1.0 + np.exp(-logit / temperature))
        losses += tool.cross_entropies(np.array([value]), float(won))
    assert tool.TEMPERATURES[losses.argmin()] == pytest.approx(temperature, rel=0.15)


def test_a_draw_speaks_for_values_that_are_level():
    level, lead = (tool.cross_entropies(np.array([value]), 0.5) for value in (0.0, 0.8))
    assert level == pytest.approx(np.log(2.0)) and (lead > level).all()
