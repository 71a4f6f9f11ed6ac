"""When new weights go to self-play: as often as the time it takes allows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SWAP_SHARE = 0.02  # of the time may go into handing new weights to self-play


class WeightsSwap:
    """Says when weights that are newer than those that play are handed over, so that it takes at most SWAP_SHARE of the time.

    A backend that compiles its weights in takes a while to swap them.
    """

    def __init__(self) -> None:
        self.stale = False  # there are weights newer than those that play
        self._next = 0.0  # when the next swap may begin, on the clock of perf_counter

    def due(self) -> bool:
        """Whether there are new weights and it is time for them."""
        return self.stale and time.perf_counter() >= self._next

    @contextmanager
    def swapping(self) -> Iterator[None]:
        """Around the handing over: the next one waits as long as this one asks for."""
        begin = time.perf_counter()
        yield
        end = time.perf_counter()
        self._next = end + (end - begin) / SWAP_SHARE
        self.stale = False
