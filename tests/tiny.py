"""Shared by the tests: a training run of Connect Four that takes a second or two."""

from __future__ import annotations

from pathlib import Path

TINY = """
game: {name: connect4}
network: {blocks: 1, channels: 8}
search: {simulations: 4}
selfplay: {games_in_flight: 8, batch_size: 8, threads: 1}
replay: {window_min: 500, min_positions: 100, chunk_games: 8, reuse: 2.0}
training: {batch_size: 32, warmup_steps: 2, budget_games: 40, checkpoint_every: 3}
"""


def tiny_file(folder: Path) -> Path:
    """Its configuration as a file in the folder."""
    path = folder / "tiny.yaml"
    path.write_text(TINY)
    return path
