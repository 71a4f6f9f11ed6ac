"""Shared by the tests of CSA and KIF: a middle game, every end of a game, every form of a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MIDGAME = "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1"
REASONS = (
    "checkmate", "resignation", "resign", "declaration", "time_forfeit", "illegal_move", "perpetual_check",
    "engine_failure", "adjudication", "repetition", "max_plies", "",
)  # fmt: skip


def for_every_outcome(test: Callable[..., Any]) -> Callable[..., Any]:
    """Parameters plies (1, 2), value and reason."""
    for name, values in (("reason", REASONS), ("value", (1, 0, -1)), ("plies", (1, 2))):
        test = pytest.mark.parametrize(name, values)(test)
    return test


def for_every_encoding(test: Callable[..., Any]) -> Callable[..., Any]:
    """Parameters encoding and newline."""
    test = pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])(test)
    return pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])(test)
