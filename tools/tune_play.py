"""Settings of PUCT for play, tuned for a network apart from its training: successive halving, then a test on other games.

    python tools/tune_play.py pretrained:chess --simulations 400 --candidates 12 --games 40 --out tuned/chess

Candidates are drawn around the settings in use (--seed), each plays --games against those, and the better half goes on with
twice the games, until one is left. That one plays an SPRT (0, 20) from other openings, which says whether it is kept: the games
that chose it say too much good of it. Prints the settings and the verdict; OUT/tuning.json has every figure. The same command
goes on where it was stopped; another network needs another OUT. --fixed NAME=VALUE tests that single change instead. A
network's settings for play are `play` in its meta.json.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from types import MappingProxyType

from alphazero import load
from alphazero.arena.match_report import MatchReport
from alphazero.arena.play_match import play_match
from alphazero.arena.registry import Registered
from alphazero.arena.sprt import Sprt
from alphazero.search_settings import SettingValue, read_setting

Settings = dict[str, SettingValue]
CHOICES: dict[str, list[SettingValue]] = {
    "c_init": [0.6, 0.9, 1.25, 1.7, 2.3, 3.0],
    "policy_temperature": [1.0, 1.3, 1.6, 2.0, 2.5, 3.2],
    "fpu_value": [0.0, 0.1, 0.2, 0.35, 0.5],
    "lcb": [0.0, 1.0, 2.0],
}


class Arena:
    """Matches of the network with some settings against itself with those in use."""

    def __init__(self, network: str, simulations: int, opening_plies: int, out: Path):
        self.network = network
        self.simulations = simulations
        self.opening_plies = opening_plies
        self.out = out  # a folder of results a match
        self.game = load(network).game

    def play(self, settings: Settings, games: int, seed: int, sprt: Sprt | None = None) -> MatchReport:
        changed = ",".join(f"{name}={value}" for name, value in settings.items())
        search: Settings = {"kind": "puct", "simulations": self.simulations}
        players = {
            "tuned": Registered(self.network, search={**search, **settings}),
            "in use": Registered(self.network, search=search),
        }
        return play_match(
            "tuned",
            "in use",
            game=self.game,
            games=games,
            opening_plies=self.opening_plies,
            seed=seed,
            out=self.out / f"{changed}@{self.simulations}-{seed}",
            players=MappingProxyType(players),
            sprt=sprt,
        )


def drawn(count: int, seed: int, now: Settings) -> list[Settings]:
    """Different candidates, each with one to three settings other than those in use."""
    draws, found = random.Random(seed), list[Settings]()
    while len(found) < count:
        names = draws.sample(list(CHOICES), draws.randint(1, 3))
        candidate = {name: draws.choice([each for each in CHOICES[name] if each != now.get(name)]) for name in names}
        if candidate not in found:
            found.append(candidate)
    return found


def halved(arena: Arena, field: list[Settings], games: int, seed: int, log: list[dict[str, object]]) -> Settings:
    """The last of the field; with each round half of it and twice the games."""
    while len(field) > 1:
        reports = [(arena.play(each, games, seed), each) for each in field]
        for report, each in reports:
            log.append({"settings": each, "games": games, **report.as_json()})
            print(f"{games} games: {report.elo:+.0f} ({report.low:+.0f} .. {report.high:+.0f})  {each}", flush=True)
        reports.sort(key=lambda pair: -pair[0].elo)
        field = [each for _, each in reports[: max(1, len(field) // 2)]]
        games, seed = 2 * games, seed + 1
    return field[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("--simulations", type=int, default=400, help="a move's")
    parser.add_argument("--candidates", type=int, default=12)
    parser.add_argument("--games", type=int, default=40, help="of each candidate in the first round")
    parser.add_argument("--most", type=int, default=2000, help="games of the test")
    parser.add_argument("--opening-plies", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fixed", metavar="NAME=VALUE", type=read_setting, action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    arena = Arena(args.network, args.simulations, args.opening_plies, args.out)
    log: list[dict[str, object]] = []
    best: Settings = dict(args.fixed)
    if not best:
        field = drawn(args.candidates, args.seed, load(args.network).search_settings())
        best = halved(arena, field, args.games, args.seed, log)
    report = arena.play(best, args.most, args.seed + 1000, Sprt(0.0, 20.0))
    log.append({"settings": best, "test": True, **report.as_json()})
    (args.out / "tuning.json").write_text(json.dumps(log, indent=1) + "\n")
    print(best, report.as_text(), sep="\n")


if __name__ == "__main__":
    main()
