"""The learning curve of a run: Elo with error bars over games seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def plot_learning_curve(path: Path, summary: dict[str, Any], games_seen: dict[str, int], title: str) -> None:
    """Writes a PNG: the rated checkpoints (`games_seen` by name) as a curve, all other players as level lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    players = {player["name"]: player for player in summary["players"]}
    curve = sorted((games, players[name]) for name, games in games_seen.items() if name in players)
    figure, axes = plt.subplots(figsize=(8, 4.8), dpi=120)
    games = [g for g, _ in curve]
    elo = [p["elo"] for _, p in curve]
    below = [p["elo"] - p["low"] for _, p in curve]
    above = [p["high"] - p["elo"] for _, p in curve]
    axes.errorbar(
        games, elo, yerr=[below, above], marker="o", capsize=3, color="#1f5fa8", label="checkpoints (95 % intervals)"
    )
    for colour, (name, player) in zip(
        ("#8a8a8a", "#c0722c", "#4d9a5b", "#7d4fa0"),
        ((n, p) for n, p in players.items() if n not in games_seen),
        strict=False,
    ):
        axes.axhline(player["elo"], linestyle="--", linewidth=1.2, color=colour)
        axes.annotate(
            name,
            (1.0, player["elo"]),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=colour,
        )
    axes.set(title=title, xlabel="self-play games seen", ylabel=f"Elo ({summary['anchor']} = 0)")
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
