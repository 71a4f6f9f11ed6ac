"""Words of others (engines, files, people) made fit for one line of a terminal, an error or a game record's header."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 200  # characters of what an engine said, where it is quoted
LONGEST_NAME = 80  # in headers, logs and players files
MOST_OF_A_NAME = 1000  # in results: an engine's name is its command, which tells two of them apart


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


def player_name(text: str) -> str:
    """The name under which a player stands in results, headers, tables and logs, whatever was typed: one clean line."""
    return clean(text, MOST_OF_A_NAME) or "unnamed"


def shown(text: str) -> str:
    """A value as an error line shows it: in quotes, and cut where it is long."""
    return f"'{text}'" if len(text) <= 40 and text.isprintable() else f"{text[:40]!r} and more"


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names in an error line: the first `most` of them and how many more there are."""
    every = [clean(name, LONGEST_NAME) for name in names]
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The end of an error line that suggests the nearest of `names` to a mistyped word; empty where none is near."""
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(word[:LONGEST_NAME].lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""


def is_clean(text: str) -> bool:
    """Whether a name can stand in headers and on terminals as it is."""
    return text == clean(text, len(text) + 3)
