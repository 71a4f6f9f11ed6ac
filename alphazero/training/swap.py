"""When new weights go to self-play: as often as the time it takes allows."""

from __future__ import annotations

import time
from collections.abc import Callable

SWAP_SHARE = 0.02  # of the time may go into handing new weights to self-play


class WeightsSwap:
    """Hands weights over once they are newer than those that play, taking at most SWAP_SHARE of the time.

    A backend that compiles its weights in takes a while to swap them.
    """

    def __init__(self) -> None:
        self.stale = False  # there are weights newer than those that play
        self._next = 0.0  # when the next swap may begin, on the clock of perf_counter

    def offer(self, swap: Callable[[], None]) -> None:
        """Calls swap() if there are new weights and it is time for them."""
        begin = time.perf_counter()
        if not self.stale or begin < self._next:
            return
        swap()
        end = time.perf_counter()
        self._next = end + (end - begin) / SWAP_SHARE
        self.stale = False
