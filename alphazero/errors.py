"""The one error that means: the user asked for something that cannot be. Commands print its line and exit with 2."""

from __future__ import annotations

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
