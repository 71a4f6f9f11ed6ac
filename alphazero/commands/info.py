"""`alphazero info PATH`: what a checkpoint or a run directory holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.commands import arguments
from alphazero.errors import UserError
from alphazero.files import read_json
from alphazero.text import clean

if TYPE_CHECKING:
    from alphazero.arena.ratings import RatedPlayer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="a run directory or a checkpoint")
    arguments.add_json(parser)


def rated(path: Path) -> list[RatedPlayer]:
    """The players of an elo.json."""
    content = read_json(path)
    players = content.get("players") if isinstance(content, dict) else None
    if not isinstance(players, list):
        players = [None]
    for player in players:
        numbers = [player.get(key) for key in ("elo", "low", "high")] if isinstance(player, dict) else [None]
        if not all(isinstance(each, (int, float)) for each in numbers) or not isinstance(player["name"], str):
            raise UserError(
                f"{path}: expected players with name, elo, low and high; run `alphazero tournament` to write it again"
            )
    return players


def _line(player: RatedPlayer) -> str:
    return f"  {clean(player['name']):<16} {player['elo']:7.0f}  [{player['low']:.0f}, {player['high']:.0f}]"


def run(args: argparse.Namespace) -> int:
    from alphazero import checkpoint
    from alphazero.arena.standings import rated_players
    from alphazero.terminal import fact, show
    from alphazero.training.replay import chunk_paths

    path = checkpoint.resolve(args.path)
    loaded = checkpoint.load(path)
    facts: dict[str, object] = {
        "checkpoint": str(path),
        **loaded.meta,
        "parameters": sum(p.numel() for p in loaded.network.parameters()),
    }
    chunks = chunk_paths(args.path / "replay")
    if chunks:
        facts["replay"] = {"chunks": len(chunks), "bytes": sum(chunk.stat().st_size for chunk in chunks)}
    players = rated(args.path / "elo.json") if (args.path / "elo.json").exists() else None
    if args.json:
        print(json.dumps(facts if players is None else {**facts, "elo": players}))
        return 0
    for name, value in facts.items():
        told = json.dumps(value) if isinstance(value, dict) else clean(str(value), 1000)
        fact(clean(name), told, pad=12)
    if players is not None:
        show(rated_players(players, plain="\n".join(map(_line, players))))
    return 0
