"""Texts for the page: the machine's own paths are replaced by the names of what they lead to."""

from __future__ import annotations

from pathlib import Path


def without_path(text: str, path: Path, name: str) -> str:
    """The text with `name` in place of this path, as it was given and from the root."""
    for each in (str(path.resolve()), str(path.absolute()), str(path)):
        if "/" in each.strip("/"):  # a name alone tells nothing of the machine
            text = text.replace(each, name)
    return text
