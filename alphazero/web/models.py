"""Who can play in the page: shipped networks, checkpoints of the runs that were named, and players without a network.

The page names a player by a key of ours; paths of the machine are neither told nor taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from alphazero import checkpoint, pretrained
from alphazero.errors import UserError
from alphazero.game import Game
from alphazero.player import rollouts
from alphazero.text import clean, shown

BY_HAND = {"": "nobody: both sides by hand"}
WITHOUT_NETWORK = {
    "mcts:100": "tree search, random games, 100 a move",
    "mcts:1000": "tree search, random games, 1,000 a move",
    "mcts:10000": "tree search, random games, 10,000 a move",
    "random": "random moves",
}
MOST_CHECKPOINTS = 40  # of a run that are offered


@dataclass(frozen=True)
class Folder:
    """A directory that was named with --run, under its name in the page."""

    name: str
    path: Path


def folders(paths: list[Path]) -> dict[str, Folder]:
    """The directories by name; two of one name get numbers."""
    found: dict[str, Folder] = {}
    for path in paths:
        base = clean(path.resolve().name, 60) or "run"
        name = next(n for i in range(1, 1000) if (n := base if i == 1 else f"{base} ({i})") not in found)
        found[name] = Folder(name, path)
    return found


class Models:
    """The players on offer."""

    def __init__(self, runs: dict[str, Folder]):
        self._runs = runs

    def networks(self, game: Game) -> dict[str, str]:
        """Players with a network for a game: key to name, the shipped one first."""
        found = {}
        if game.name in pretrained.games():
            found[f"pretrained:{game.name}"] = "the shipped network"
        for folder in self._runs.values():
            steps = checkpoint.steps(folder.path)
            newest = checkpoint.latest(folder.path) if steps else None
            if newest is None or checkpoint.read_meta(newest)["game"] != game.name:
                continue
            for step in steps[-MOST_CHECKPOINTS:][::-1]:
                found[f"run:{folder.name}:{step}"] = f"{folder.name}, step {step:,}"
        return found

    def opponents(self, game: Game) -> dict[str, str]:
        """All who can be played against: key to name."""
        return {**self.networks(game), **WITHOUT_NETWORK, **BY_HAND}

    def default(self, game: Game) -> str:
        """Who plays, and analyses, where nobody else is chosen."""
        return next(iter(self.networks(game)), "mcts:1000")

    def resolve(self, key: str, game: Game) -> str:
        """A key as the engine's process loads it. UserError where there is no such player for this game."""
        if key.startswith("mcts:"):
            return f"mcts:{rollouts(key)}"
        if key in ("random", "uniform", f"pretrained:{game.name}") and (
            key[0] != "p" or game.name in pretrained.games()
        ):
            return key
        match = re.fullmatch(r"run:(.{1,80}):([0-9]{1,12})", key)
        folder = self._runs.get(match[1]) if match else None
        if folder is None or match is None or int(match[2]) not in checkpoint.steps(folder.path):
            raise UserError(f"there is no player {shown(key)} here")
        return str(folder.path / "checkpoints" / match[2])
