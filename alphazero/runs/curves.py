"""TensorBoard's curves of a run: the folder `tb`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.errors import UserError
from alphazero.files import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch.utils.tensorboard import SummaryWriter

RATINGS = ".rating"  # ends the file that holds the final ratings


class Curves:
    """Writes values by training step. UserError names the folder where they cannot be written, for instance on a full disk.

    What waited then is lost; the next call tries anew, in another file.
    """

    def __init__(self, run: Path, **settings: float | str):
        """settings: as torch's SummaryWriter takes them."""
        self.folder = run / "tb"
        # Its thread keeps an error for the next call, which raises it, and would print a traceback besides.
        self._hook = threading.excepthook
        threading.excepthook = self._unless_ours
        self._settings = settings
        self._board: SummaryWriter | None = None
        with self._writing():
            pass
        self._settings.pop("purge_step", None)  # of what was there; a file after this one takes nothing back

    @contextmanager
    def _writing(self) -> Iterator[SummaryWriter]:
        from torch.utils.tensorboard import SummaryWriter

        try:
            with writing(self.folder):
                if self._board is None:
                    self._board = SummaryWriter(str(self.folder), **self._settings)
                yield self._board
        except UserError:
            self._board = None  # it raises this error for ever
            raise

    def _unless_ours(self, told: threading.ExceptHookArgs) -> None:
        if not (isinstance(told.exc_value, OSError) and type(told.thread).__module__.startswith("tensorboard.")):
            self._hook(told)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """A point of a curve."""
        with self._writing() as board:
            board.add_scalar(name, value, step)

    def add_figure(self, name: str, figure: Figure, step: int) -> None:
        """A picture (matplotlib)."""
        with self._writing() as board:
            board.add_figure(name, figure, step)

    def add_text(self, name: str, text: str, step: int) -> None:
        """A line of text."""
        with self._writing() as board:
            board.add_text(name, text, step)

    def close(self) -> None:
        """Writes what waits."""
        if self._board is not None:
            with self._writing() as board:
                board.flush()  # raises what its thread met; close() would not
                board.close()
        threading.excepthook = self._hook


def write_ratings(run: Path, name: str, elo: dict[int, float]) -> None:
    """Writes the curve of a run's final ratings by step, instead of the one of an earlier rating: a run that goes on is rated anew,
    and a curve that began again would go back.
    """
    with writing(run / "tb"):
        for earlier in (run / "tb").glob(f"events.*{RATINGS}"):
            earlier.unlink()
    board = Curves(run, filename_suffix=RATINGS)
    for step, value in sorted(elo.items()):
        board.add_scalar(name, value, step)
    board.close()
