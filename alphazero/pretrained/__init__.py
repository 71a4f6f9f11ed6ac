"""Networks that come with the package, one folder a game: a checkpoint that plays, and README.md, the card that says how it
was trained and what it beats. `pretrained:GAME` names one wherever a checkpoint may be named.
"""

from __future__ import annotations

from pathlib import Path

PREFIX = "pretrained:"
FOLDER = Path(__file__).parent


def games() -> list[str]:
    """The games there is a network for."""
    return sorted(path.parent.name for path in FOLDER.glob("*/model.safetensors"))


def path_of(name: str) -> Path | None:
    """The checkpoint that `pretrained:GAME` means, or None where there is none."""
    game = name.removeprefix(PREFIX)
    return FOLDER / game if name.startswith(PREFIX) and game in games() else None


def default_model(game: str, otherwise: str = "uniform") -> str:
    """Who plays a game where the user names no model."""
    return PREFIX + game if game in games() else otherwise
