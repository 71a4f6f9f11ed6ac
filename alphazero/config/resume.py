"""What a resumed run does with each key that changed."""

from __future__ import annotations

import dataclasses
from typing import Any

from alphazero.config.keys import Resume
from alphazero.config.models import Config
from alphazero.config.reading import to_plain


def resume_changes(old: Config, new: Config) -> dict[str, tuple[Resume, Any, Any]]:
    """What differs between a run's configuration and the one it is resumed with: {key: (resume class, then, now)}."""
    changes: dict[str, tuple[Resume, Any, Any]] = {}

    def compare(then: Any, now: Any, prefix: str) -> None:
        for each in dataclasses.fields(then):
            key, a, b = f"{prefix}{each.name}", getattr(then, each.name), getattr(now, each.name)
            if dataclasses.is_dataclass(a):
                compare(a, b, f"{key}.")
            elif a != b:
                changes[key] = (each.metadata["resume"], to_plain(a), to_plain(b))

    compare(old, new, "")
    return changes
