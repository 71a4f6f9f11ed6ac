"""Two clocks of a game between a person and an engine, or two persons: main time and an increment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Clocks:
    """Seconds of both sides. `now` is given by the caller (any clock that only goes forward), so that tests need not wait."""

    main: float
    increment: float
    left: list[float] = field(default_factory=list)
    running: int | None = None  # the side whose time runs
    since: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.left or [self.main, self.main]

    def shown(self, side: int, now: float) -> float:
        """What is left of a side's time, at least 0."""
        spent = now - self.since if self.running == side else 0.0
        return max(0.0, self.left[side] - spent)

    def start(self, side: int, now: float) -> None:
        """A side's time runs from now on, the other's stands."""
        self.stop(now)
        self.running, self.since = side, now

    def stop(self, now: float) -> None:
        """Nobody's time runs."""
        if self.running is not None:
            self.left[self.running] = self.shown(self.running, now)
        self.running = None

    def restore(self, left: tuple[float, float] | None) -> None:
        """Both sides have this much again (None: all of it), and nobody's time runs."""
        self.left = [self.main, self.main] if left is None else list(left)
        self.running = None

    def moved(self, now: float) -> None:
        """The side whose time runs has moved: it gets its increment, and the other's time runs."""
        side = self.running
        if side is None:
            return
        self.start(1 - side, now)
        self.left[side] += self.increment

    def fallen(self, now: float) -> int | None:
        """The side whose time is over."""
        side = self.running
        return side if side is not None and self.shown(side, now) <= 0.0 else None
