"""Words of others (engines, files, people) made fit for one line of a terminal, an error or a game record's header."""

from __future__ import annotations

LONGEST = 200  # characters of what an engine said, where it is quoted
LONGEST_NAME = 80


def clean(text: str, longest: int = LONGEST) -> str:
    """One line without control characters, at most `longest` characters long.

    Line ends, tabs and the like become single spaces; ESC, other control characters, marks that turn the direction of writing
    and halves of surrogate pairs go. What is cut ends in "...".
    """
    head = text[: 4 * longest + 64]  # more is not worth looking at: an engine's line may have megabytes
    words = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in head).split()
    line = " ".join(words)
    if len(line) > longest or len(head) < len(text):
        line = line[: longest - 3] + "..."
    return line


def is_clean(text: str) -> bool:
    """Whether a name can stand in headers and on terminals as it is."""
    return text == clean(text, len(text) + 3)
