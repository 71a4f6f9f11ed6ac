"""What the levels for people are worth in Elo: a tournament of the ten levels of a shipped network, and random.

    python tools/calibrate_levels.py chess --games 60 --out levels/chess

It is `alphazero tournament` with a players file that is made from `alphazero.levels`; it goes on where it was stopped. At the
end it prints the ratings as `alphazero.levels.ELO` has them, on the scale of random = 0. Level 10 is played with --full
simulations.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import yaml

from alphazero.cli import main as alphazero
from alphazero.levels import ladder


def players(game: str, full: int) -> dict[str, dict[str, object]]:
    """The levels as a players file has them."""
    found: dict[str, dict[str, object]] = {}
    for number, level in enumerate(ladder(game), 1):
        entry: dict[str, object] = {
            "spec": f"pretrained:{game}",
            "search": "puct",
            "simulations": level.simulations or full,
        }
        if level.freedom:
            entry["temperature"] = level.freedom
        if level.flatness:
            entry["policy_temperature"] = level.flatness
        found[f"level-{number}"] = entry
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("game", choices=["chess", "shogi", "go"])
    parser.add_argument("--games", type=int, default=60, help="of each pairing")
    parser.add_argument("--full", type=int, default=400, help="simulations of level 10")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "players.yaml"
    levels = players(args.game, args.full)
    file.write_text(yaml.safe_dump({"players": levels}, sort_keys=False))
    names = ["random", *levels]
    options = ["--players", str(file), "--form", "round-robin", "--games", str(args.games), "--opening-plies", "2"]
    code = alphazero(["tournament", *names, *options, "--anchor", "random=0", "--out", str(args.out / "tournament")])
    if code:
        raise SystemExit(code)
    rated = {each["name"]: each for each in json.loads((args.out / "tournament" / "elo.json").read_text())["players"]}
    pairs = [(round(rated[n]["elo"]), round((rated[n]["high"] - rated[n]["low"]) / 2)) for n in levels]
    print(f'"{args.game}": ({", ".join(map(str, pairs))}),')
    print("steps:", [b[0] - a[0] for a, b in itertools.pairwise(pairs)])


if __name__ == "__main__":
    main()
