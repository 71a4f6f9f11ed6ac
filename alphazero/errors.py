"""What is told in one line: UserError, which means that the user asked for something that cannot be (commands print its line and
exit with 2), and warnings of ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 1000  # characters of an error


class UserError(ValueError):
    """One line that names what is wrong and what would be right."""

    def __init__(self, message: object = ""):
        super().__init__(one_line(str(message)))


def one_line(text: str) -> str:
    """An error's text as one line: what it quotes of a user's file may hold line ends, control characters and megabytes.

    Of a long text the beginning, which names the place, and the end, which says what would be right, are kept.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    return "".join(c if c.isprintable() or c == "\u3000" else " " if c.isspace() else "" for c in text)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Our own warnings are told as errors are, in one line; those of other packages as Python does."""
    usual = warnings.formatwarning

    def told(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if Path(filename).is_relative_to(Path(__file__).parent):
            return f"alphazero: warning: {one_line(str(message))}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = told
    try:
        yield
    finally:
        warnings.formatwarning = usual
