"""When workers rest, so that they do not play on with weights that training is about to replace."""

from __future__ import annotations

from alphazero.training.loop import MOST_BEHIND

BEHIND_SECONDS = 10.0  # of training that may be due before workers rest; at half of it they play again
LEAST_BEHIND = 32  # steps, likewise: a chunk of games pays for so many


class Pace:
    """Workers rest while training is some seconds behind them, and no more than MOST_BEHIND steps.

    With MOST_BEHIND alone, two workers of Connect Four played 30,000 positions with their first weights: after 1.6 million
    evaluations they were 60 Elo behind one process.
    """

    def __init__(self) -> None:
        self.resting = False
        self._rate = 0.0  # steps a second

    def learned(self, steps: int, seconds: float) -> None:
        """So many steps took so long."""
        self._rate = steps / max(seconds, 1e-3)

    def rest(self, due: int) -> bool:
        """Whether workers rest now that so many steps are due."""
        most = min(MOST_BEHIND, max(LEAST_BEHIND, int(BEHIND_SECONDS * self._rate)))
        if due > most:
            self.resting = True
        elif due <= most // 2:
            self.resting = False
        return self.resting
