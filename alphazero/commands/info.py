"""`alphazero info PATH`: what a checkpoint or a run directory holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="a run directory or a checkpoint")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from alphazero import checkpoint
    from alphazero.replay import chunk_paths

    path = checkpoint.resolve(args.path)
    loaded = checkpoint.load(path)
    facts = {"checkpoint": str(path), **loaded.meta, "parameters": sum(p.numel() for p in loaded.network.parameters())}
    chunks = chunk_paths(args.path / "replay")
    if chunks:
        facts["replay"] = {"chunks": len(chunks), "bytes": sum(chunk.stat().st_size for chunk in chunks)}
    if (args.path / "elo.json").exists():
        facts["elo"] = json.loads((args.path / "elo.json").read_text())["players"]
    if args.json:
        print(json.dumps(facts))
        return 0
    for name, value in facts.items():
        if name == "elo":
            for player in value:
                print(f"  {player['name']:<16} {player['elo']:7.0f}  [{player['low']:.0f}, {player['high']:.0f}]")
        else:
            print(f"{name:<12} {json.dumps(value) if isinstance(value, dict) else value}")
    return 0
