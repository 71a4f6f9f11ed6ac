"""Shared by the tests: evaluators that are deterministic functions of a position."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path

import numpy as np
import pytest
from dialogue import Dialogue
from numpy.typing import NDArray

from alphazero.protocols.usi import UsiEngine

# A shell's background job ignores Ctrl-C, and so would all that the tests start: they mean the usual behaviour.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session", autouse=True)
def plain_evaluators():
    """Networks run by plain torch, so that results do not hang on what a machine measures fastest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHAZERO_EVALUATOR", "torch-fp32")
        yield


@pytest.fixture
def data() -> Path:
    """The folder of recorded data."""
    return DATA


def hashed_evaluator(spread: float = 2.0, draws: float = 0.0):
    """A network that never was trained: logits and values are pseudo-random, but fixed for each input."""

    def evaluate(planes: NDArray[np.float32], legal: list[NDArray[np.int32]]):
        logits, values = [], []
        for board, indices in zip(planes, legal, strict=True):
            seed = int.from_bytes(hashlib.sha256(board.tobytes()).digest()[:8], "little")
            rng = np.random.default_rng(seed)
            logits.append((spread * rng.standard_normal(len(indices))).astype(np.float32))
            values.append(rng.uniform(-0.9, 0.9))
        return logits, np.array(values, np.float32)

    return evaluate


@pytest.fixture
def usi():
    """Begins dialogues with our USI engine in this process, and closes them."""
    dialogues = []

    def start(game: str = "shogi", **settings) -> Dialogue:
        dialogues.append(Dialogue(UsiEngine, game, **settings))
        return dialogues[-1]

    yield start
    for each in dialogues:
        each.close()
