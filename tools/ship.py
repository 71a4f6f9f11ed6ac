"""Puts a run's newest network into the package, with its card and its learning curve.

    python tools/ship.py runs/go9 --hardware "two cores of a Xeon (Sapphire Rapids)" \\
        --result "GNU Go 3.8, level 10: 61 % of 200 games (800 simulations, +78 Elo, 95 %: 30 .. 126)"

Writes alphazero/pretrained/GAME/{model.safetensors, meta.json, README.md} and docs/networks/GAME.png, the curve that
`alphazero tournament RUN` drew last, and adds its points to docs/networks/GAME.json (tools/curves.py). The weights are those
that play; they must fit in 5 MB. A limit of plies is a means of training: who plays with a shipped network plays to the end.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

from curves import add_run

from alphazero import checkpoint
from alphazero.config import load_config
from alphazero.errors import UserError
from alphazero.network import parameter_count
from alphazero.search_settings import read_setting

MOST_BYTES = 5_000_000
ROOT = Path(__file__).parent.parent


def evaluations_of(run: Path, meta: dict[str, Any]) -> int:
    """Network evaluations of self-play; from the log for runs begun before checkpoints counted them."""
    if "evaluations" in meta:
        return int(meta["evaluations"])
    total, then = 0.0, 0.0
    for line in (run / "log.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if "speed/evaluations_per_second" in entry and entry["seconds"] > then:
            total += entry["speed/evaluations_per_second"] * (entry["seconds"] - then)
            then = entry["seconds"]
    return round(total)


def options_of(meta: dict[str, Any]) -> str:
    """The options of the game in a line of the card."""
    told = [f"{key} {value}" for key, value in meta["options"].items()]
    return ", ".join(f"{text} (lifted for play)" if text.startswith("max_plies") else text for text in told)


def time_of(seconds: float) -> str:
    """How long it was trained, as the card tells it."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"


def _before(began: dict[str, Any]) -> str:
    """Whose network a run began with, and all that had been spent on it."""
    spent = (
        f"{began['games']:,} games, {began['evaluations'] / 1e6:,.0f} million evaluations, {time_of(began['seconds'])}"
    )
    return f"{began['name']}, step {began['steps']:,}: {spent}, in addition"


def card(run: Path, game: str, meta: dict[str, Any], parameters: int, hardware: str, results: list[str]) -> str:
    """README.md of a shipped network."""
    evaluations = evaluations_of(run, meta)
    shape = meta["network"]
    lines = [
        f"# {game}: {shape['blocks']} blocks x {shape['channels']} channels, {parameters:,} parameters",
        "",
        f"Begun with {meta['lessons']:,} games of others, then trained by self-play."
        if meta.get("lessons")
        else "Trained from random play by this program alone, without games or engines of others.",
        "",
        "| | |",
        "|---|---|",
        f"| options | {options_of(meta)} |",
        f"| self-play games | {meta['games']:,} |",
        f"| positions | {meta['positions']:,} |",
        f"| network evaluations of self-play | {evaluations / 1e6:,.0f} million |",
        f"| training steps | {meta['steps']:,} |",
        f"| time | {time_of(meta['seconds'])} |",
        *([f"| begun from | {_before(meta['began_from'])} |"] if "began_from" in meta else []),
        f"| hardware | {hardware} |",
        "",
        "## Strength",
        "",
        *(textwrap.fill(f"- {result}", 100, subsequent_indent="  ", break_on_hyphens=False) for result in results),
    ]
    elo = run / "elo.json"
    if elo.exists():
        lines += [
            "",
            "Of its run, rated against each other (`alphazero tournament`):",
            "",
            "| player | Elo | 95 % | games |",
            "|---|---|---|---|",
        ]
        for player in json.loads(elo.read_text())["players"]:
            lines.append(
                f"| {player['name']} | {player['elo']:.0f} | {player['low']:.0f} .. {player['high']:.0f} | {player['games']} |"
            )
    lines += [
        "",
        "## Configuration",
        "",
        "    alphazero train FILE --run RUN",
        "",
        "```yaml",
        (run / "config.yaml")
        .read_text()
        .strip(),  # as it was: a key that came later has a default that it did not have
        "```",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Ship a run's newest network.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--into", type=Path, default=ROOT, help="the project's folder (default: this one)")
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--result", action="append", default=[], help="a line of the card; may be repeated")
    parser.add_argument(
        "--play",
        metavar="NAME=VALUE",
        type=read_setting,
        action="append",
        help="a setting of its search that tune_play.py found",
    )
    args = parser.parse_args()
    source = checkpoint.resolve(args.run)
    loaded = checkpoint.load(source)
    size = (source / "model.safetensors").stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{source}: the weights are {size:,} bytes; a network that is shipped has at most {MOST_BYTES:,}")
    game = loaded.meta["game"]
    target = args.into / "alphazero" / "pretrained" / game
    target.mkdir(parents=True, exist_ok=True)
    text = card(args.run, game, loaded.meta, parameter_count(loaded.network), args.hardware, args.result)
    shutil.copyfile(source / "model.safetensors", target / "model.safetensors")
    options = {key: 0 if key == "max_plies" else value for key, value in loaded.meta["options"].items()}
    play: dict[str, Any] = {
        "policy_temperature": load_config(args.run / "config.yaml", stored=True).search.policy_temperature
    }
    if args.play:
        play["play"] = dict(args.play)
    for name in ("play", "value_temperature"):
        was = json.loads((target / "meta.json").read_text()).get(name) if (target / "meta.json").exists() else None
        if was is not None and name not in {**loaded.meta, **play}:
            print(f"the network that was here had {name} {was}, measured for it alone: measure anew")
    (target / "meta.json").write_text(json.dumps({**loaded.meta, "options": options, **play}, indent=1))
    (target / "README.md").write_text(text)
    if (curve := args.run / "elo.png").exists():
        (args.into / "docs" / "networks").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(curve, args.into / "docs" / "networks" / f"{game}.png")
        add_run(args.into / "docs" / "networks" / f"{game}.json", args.run, loaded.meta)
    print(f"{target.relative_to(args.into)}: step {loaded.meta['steps']:,}, {size:,} bytes")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
