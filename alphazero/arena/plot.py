"""The learning curve of a run: Elo with error bars over what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alphazero.arena.ratings import Summary
from alphazero.files import writing
from alphazero.runs.meta import Meta

COSTS = [("evaluations", 1.0, "self-play evaluations"), ("games", 1.0, "self-play games"), ("seconds", 3600.0, "hours")]


def plot_learning_curve(path: Path, summary: Summary, metas: Mapping[str, Meta], title: str) -> None:
    """Writes a PNG: the rated checkpoints (their meta.json by name) as curves over evaluations (runs of before they were
    counted: over games) and over hours, all other players as level lines.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    players = {player["name"]: player for player in summary["players"]}
    rated = [(meta, players[name]) for name, meta in metas.items() if name in players]
    first = 0 if all("evaluations" in meta for meta, _ in rated) else 1
    figure, both = plt.subplots(1, 2, figsize=(11, 4.8), dpi=110, sharey=True)
    for axes, (key, unit, label) in zip(both, (COSTS[first], COSTS[2]), strict=True):
        curve = sorted(
            ((float(str(meta.get(key, 0))) / unit, player) for meta, player in rated), key=lambda point: point[0]
        )
        elo = [player["elo"] for _, player in curve]
        below = [player["elo"] - player["low"] for _, player in curve]
        above = [player["high"] - player["elo"] for _, player in curve]
        style = {"marker": "o", "capsize": 3, "color": "#1f5fa8", "label": "checkpoints (95 % intervals)"}
        axes.errorbar([cost for cost, _ in curve], elo, yerr=[below, above], **style)
        for colour, (name, player) in zip(
            ("#8a8a8a", "#c0722c", "#4d9a5b", "#7d4fa0"),
            ((n, p) for n, p in players.items() if n not in metas),
            strict=False,
        ):
            axes.axhline(player["elo"], linestyle="--", linewidth=1.2, color=colour)
            if axes is both[-1]:
                place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
                axes.annotate(name, (1.0, player["elo"]), xytext=(4, 0), va="center", color=colour, **place)
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
    both[0].set_ylabel(f"Elo ({summary['anchor']} = 0)")
    both[0].legend(loc="best", frameon=False)
    figure.suptitle(title)
    figure.tight_layout()
    with writing(path):
        figure.savefig(path)
    plt.close(figure)
