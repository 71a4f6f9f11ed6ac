"""Draws how the shipped networks came to their strength, over hours and over evaluations, across everything they went on from.

    python tools/curves.py

Reads docs/networks/GAME.json, to which tools/ship.py adds the rated checkpoints of each run that a network is shipped from, and
writes docs/networks/curves.png. A run's Elo is above its own beginning; where it went on from an earlier network, its
curve begins where that network's ended, at all that had been spent until then.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

from alphazero.runs.meta import Meta

ROOT = Path(__file__).parent.parent
COLOURS = {"chess": "#1f5fa8", "shogi": "#c0722c", "go": "#4d9a5b"}


class Point(NamedTuple):
    """A rated checkpoint: what had been spent in all, and its Elo on the game's one scale with its 95 % interval."""

    evaluations: float
    seconds: float
    elo: float
    low: float
    high: float


def add_run(file: Path, run: Path, meta: Meta) -> None:
    """Adds a run's rated checkpoints to the file. Runs that began later than this one, or with it, are forgotten."""
    rated = {each["name"]: each for each in json.loads((run / "elo.json").read_text())["players"]}
    began = meta.get("began_from", {"name": "", "evaluations": 0, "seconds": 0.0})
    points = []
    for path in sorted((run / "checkpoints").iterdir(), key=lambda each: each.name.zfill(12)):
        player = rated.get(f"step-{path.name}")
        if player is not None:
            spent = json.loads((path / "meta.json").read_text())
            points.append({"step": spent["steps"], "evaluations": spent["evaluations"], "seconds": spent["seconds"]})
            points[-1] |= {key: player[key] for key in ("elo", "low", "high")}
    shape = meta["network"]
    segment = {
        "began_from": began["name"],
        "evaluations": began["evaluations"],
        "seconds": began["seconds"],
        "network": f"{shape['blocks']}x{shape['channels']}",
        "points": points,
    }
    earlier = json.loads(file.read_text()) if file.exists() else []
    kept = [each for each in earlier if each["evaluations"] < segment["evaluations"]]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([*kept, segment], indent=1) + "\n")


def curve_of(segments: list[dict]) -> list[list[Point]]:
    """The runs of a game, one after the other, on one scale: the first one's beginning is 0."""
    runs: list[list[Point]] = []
    for segment in segments:
        points = segment["points"]
        shift = (runs[-1][-1].elo if runs else 0.0) - points[0]["elo"]
        runs.append(
            [
                Point(
                    segment["evaluations"] + each["evaluations"],
                    segment["seconds"] + each["seconds"],
                    *(each[key] + shift for key in ("elo", "low", "high")),
                )
                for each in points
            ]
        )
    return runs


def draw(games: dict[str, list[list[Point]]], out: Path) -> None:
    """Writes the picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, both = plt.subplots(1, 2, figsize=(11, 4.8), dpi=110, sharey=True)
    for axes, (unit, label) in zip(both, ((1e6, "million evaluations of self-play"), (3600.0, "hours")), strict=True):
        for game, runs in games.items():
            for number, run in enumerate(runs):
                cost = [(point.evaluations if axes is both[0] else point.seconds) / unit for point in run]
                elo = [point.elo for point in run]
                bars = [[point.elo - point.low for point in run], [point.high - point.elo for point in run]]
                axes.errorbar(
                    cost, elo, yerr=bars, marker="o", capsize=3, color=COLOURS.get(game, "#7d4fa0"),
                    linestyle="-" if number % 2 == 0 else "--", label=game if number == 0 else None,
                )  # fmt: skip
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
    both[0].set_ylabel("Elo above the beginning of the first run drawn")
    both[0].legend(loc="best", frameon=False)
    figure.tight_layout()
    figure.savefig(out)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", type=Path, default=ROOT / "docs" / "networks", metavar="DIR")
    folder: Path = parser.parse_args().networks
    games = {file.stem: curve_of(json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))}
    draw(games, folder / "curves.png")
    print(f"{folder / 'curves.png'}: {', '.join(games)}")


if __name__ == "__main__":
    main()
