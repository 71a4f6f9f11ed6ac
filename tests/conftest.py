"""Shared by the tests: evaluators that are deterministic functions of a position, dialogues with our engines."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from alphazero.protocols.engine import EngineLoop
from alphazero.protocols.uci import UciEngine
from alphazero.protocols.usi import UsiEngine

# Several files at a time share the cores: a thread of PyTorch that waits must not keep its core from the others.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest.register_assert_rewrite(
    "cpp_program", "dialogue", "mutate", "recorded"
)  # their assertions tell values as those of tests do

from dialogue import Dialogue  # noqa: E402

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


def _dialogues(engine_class: type[EngineLoop], usual_game: str) -> Iterator[Callable[..., Dialogue]]:
    begun = []

    def start(game: str = usual_game, **settings) -> Dialogue:
        begun.append(Dialogue(engine_class, game, **settings))
        return begun[-1]

    yield start
    for each in begun:
        each.close()


@pytest.fixture
def uci():
    """Begins dialogues with our UCI engine in this process, and closes them."""
    yield from _dialogues(UciEngine, "chess")


@pytest.fixture
def usi():
    """The same with our USI engine."""
    yield from _dialogues(UsiEngine, "shogi")
