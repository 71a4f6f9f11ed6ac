"""What the levels for people are worth in Elo: a tournament of the ten levels of a shipped network, and random.

    python tools/calibrate_levels.py chess --space --out levels/chess       # finds levels in even steps first
    python tools/calibrate_levels.py chess --games 60 --out levels/chess    # measures those of alphazero.levels

The tournament is `alphazero tournament` with a players file; it goes on where it was stopped. At the end it prints the levels and
their ratings as `alphazero.levels` has them, on the scale of random = 0. Level 10 is played with --full simulations.

--space looks for each level below the one above: on one line of settings from a beginner's to full strength's, the place that
loses by --step Elo in a match of --games. It writes OUT/levels.json, which the tournament then plays.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import yaml

from alphazero.arena.play_match import play_match
from alphazero.arena.ratings import rate
from alphazero.arena.registry import ALL_PLIES, Registered
from alphazero.cli import main as alphazero
from alphazero.formats.results import read_results
from alphazero.levels import MOST, Level, ladder
from alphazero.player import load
from alphazero.search_settings import SettingValue

WEAKEST = Level(8, 8.0, 4.0)
LEAST_FREEDOM = 0.05
TRIES = 3  # of a level's place
MIDDLE = "level-5"  # what intervals are told against
GOOD = 0.25  # of a step: a place that misses it by less is taken


def between(place: float, full: int, usual: float) -> Level:
    """The settings at a place from 0 (WEAKEST) to 1 (full strength, but for a last bit of chance). usual: the network's own
    temperature of the priors, which holds in the upper half."""
    simulations = WEAKEST.simulations * (full / WEAKEST.simulations) ** place
    freedom = WEAKEST.freedom * (LEAST_FREEDOM / WEAKEST.freedom) ** place
    flatness = usual * (WEAKEST.flatness / usual) ** max(0.0, 1.0 - 2.0 * place)
    return Level(round(simulations), round(flatness, 2) if place < 0.5 else 0.0, round(freedom, 3))


def search_of(level: Level, full: int) -> dict[str, SettingValue]:
    """The search of a player that plays as the level does."""
    found: dict[str, SettingValue] = {"kind": "puct", "simulations": level.simulations or full, **level.settings()}
    return {**found, "temperature": level.freedom, "temperature_plies": ALL_PLIES} if level.freedom else found


def spaced(spec: str, game: str, step: float, games: int, full: int) -> list[Level]:
    """Ten levels, each of which loses to the next by about so many Elo."""
    network = load(spec)
    usual = float(network.search_settings(kind="puct")["policy_temperature"])
    levels, place, gap = [Level(0, 0.0, 0.0)], 1.0, 0.1
    for number in range(MOST - 1, 0, -1):
        tried: list[tuple[float, float]] = []  # how far off, the place
        for attempt in range(TRIES):
            here = max(0.0, place - gap)
            level = between(here, full, usual)
            both = {
                "above": Registered(spec, search=search_of(levels[0], full)),
                "here": Registered(spec, search=search_of(level, full)),
            }
            found = play_match(
                "above",
                "here",
                game=network.game,
                games=games,
                opening_plies=2,
                seed=10 * number + attempt,
                players=MappingProxyType(both),
            )
            lost = 400.0 * math.log10((found.wins + found.draws / 2 + 0.5) / (found.losses + found.draws / 2 + 0.5))
            print(f"level {number}: {level} loses by {lost:.0f}", flush=True)
            tried.append((abs(lost - step), here))
            if abs(lost - step) <= GOOD * step or (here == 0.0 and lost < step):
                break
            gap *= min(2.0, max(0.4, step / max(lost, 1.0)))
        best = min(tried)[1]
        gap, place = max(0.02, place - best), best
        levels.insert(0, between(best, full, usual))
    return levels


def players(spec: str, levels: list[Level], full: int) -> dict[str, dict[str, object]]:
    """The levels as a players file has them: a temperature holds for all plies there."""
    found: dict[str, dict[str, object]] = {}
    for number, level in enumerate(levels, 1):
        search = search_of(level, full)
        search.pop("temperature_plies", None)
        found[f"level-{number}"] = {"spec": spec, "search": search.pop("kind"), **search}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("game", choices=["chess", "shogi", "go"])
    parser.add_argument("--network", help="default: pretrained:GAME")
    parser.add_argument("--space", action="store_true", help="find levels in even steps first")
    parser.add_argument("--step", type=float, default=190.0, help="Elo between two levels, for --space")
    parser.add_argument("--games", type=int, default=60, help="of each pairing")
    parser.add_argument("--full", type=int, default=400, help="simulations of level 10")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    spec = args.network or f"pretrained:{args.game}"
    args.out.mkdir(parents=True, exist_ok=True)
    kept = args.out / "levels.json"
    if kept.exists():
        levels = [Level(**each) for each in json.loads(kept.read_text())]
    elif args.space:
        levels = spaced(spec, args.game, args.step, args.games, args.full)
        kept.write_text(json.dumps([asdict(each) for each in levels], indent=1) + "\n")
    else:
        levels = list(ladder(args.game))
    entries = players(spec, levels, args.full)
    file = args.out / "players.yaml"
    file.write_text(yaml.safe_dump({"players": entries}, sort_keys=False))
    names = ["random", *entries]
    options = ["--players", str(file), "--form", "round-robin", "--games", str(args.games), "--opening-plies", "2"]
    code = alphazero(["tournament", *names, *options, "--anchor", "random=0", "--out", str(args.out / "tournament")])
    if code:
        raise SystemExit(code)
    results = read_results([args.out / "tournament" / "results.jsonl"])
    middle = next(each for each in rate(results, "random").players if each.name == MIDDLE)
    # Nearly all games against random are won, so where its 0 lies is uncertain, and the same for all levels: told once.
    print(
        f"{MIDDLE}: {middle.elo:.0f} [{middle.low:.0f}, {middle.high:.0f}] above random; the levels' intervals are against {MIDDLE}"
    )
    rated = {each.name: each for each in rate(results, MIDDLE, middle.elo).players}
    pairs = [(round(rated[n].elo), round((rated[n].high - rated[n].low) / 2)) for n in entries]
    for level in levels:
        print(f"        Level({level.simulations}, {level.flatness}, {level.freedom}),")
    print(f'"{args.game}": ({", ".join(map(str, pairs))}),')
    print("steps:", [b[0] - a[0] for a, b in itertools.pairwise(pairs)])


if __name__ == "__main__":
    main()
