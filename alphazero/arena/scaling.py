"""Elo against search budget: one player against itself at 1, 2, 4, ... simulations a move, or at growing times a move.

Each budget plays the next one and the one after that, so that neither one-sided results nor one long chain of errors decide.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from alphazero.arena import ratings
from alphazero.arena.match import Entrant, Pairing, colour_balanced
from alphazero.arena.openings import random_openings
from alphazero.arena.play import run_schedule
from alphazero.arena.standings import standings
from alphazero.errors import UserError
from alphazero.files import write_atomically, writing
from alphazero.game import Game
from alphazero.player import NetworkPlayer, Player, RandomPlayer, RolloutPlayer
from alphazero.progress import Progress
from alphazero.search_settings import FIELDS, SettingValue


class Point(TypedDict):
    """The rating of a budget, the least one's at 0; low and high bound 95 %."""

    budget: float
    elo: float
    low: float
    high: float
    games: int


# What a doubling of the budget gains; low and high bound 95 %.
Doubling = TypedDict("Doubling", {"from": float, "to": float, "elo": float, "low": float, "high": float})


class Scaling(TypedDict):
    """The object of scaling.json."""

    player: str
    game: str
    search: str
    unit: str  # "simulations" or "seconds", a move
    points: list[Point]
    doublings: list[Doubling]


MOST_DOUBLINGS = 2.0  # between two budgets that still play each other


def budgets(least: float, most: float) -> list[float]:
    """least, 2 least, 4 least, ... up to `most`."""
    if not 0 < least < most:
        raise UserError(f"scaling: the least budget must be > 0 and below the most, got {least:g} and {most:g}")
    out = [least]
    while 2 * out[-1] <= most * 1.0001:
        out.append(2 * out[-1])
    if len(out) < 2:
        raise UserError(f"scaling: from {least:g} to {most:g} there is no doubling")
    return out


def entrants(player: Player, game: Game, kind: str, amounts: Sequence[float], unit: str) -> list[Entrant]:
    """The player once a budget. unit: "simulations" or "seconds", a move."""
    if isinstance(player, RandomPlayer):
        raise UserError("scaling: random does not search; name a checkpoint, uniform, or mcts:N (any N)")
    out = []
    for amount in amounts:
        if unit == "seconds":
            if isinstance(player, RolloutPlayer):
                raise UserError("scaling: mcts:N plays by simulations alone; leave --seconds out")
            out.append(Entrant(f"{amount:g} s", _another(player), {"kind": kind, "seconds": amount}))
        elif isinstance(player, RolloutPlayer):
            own = RolloutPlayer(player.name, game, **{**player.settings, "simulations": int(amount)})
            out.append(Entrant(f"{amount:g} simulations", own))
        else:
            out.append(Entrant(f"{amount:g} simulations", player, {"kind": kind, "simulations": int(amount)}))
    return out


def _another(player: Player) -> Player:
    """A player like this one: its tree is its own, its network is shared."""
    if isinstance(player, NetworkPlayer):
        return type(player)(player.name, player.game, player.evaluator, player.meta, **player.settings)
    return type(player)(player.name, player.game, **player.settings)


def schedule(game: Game, amounts: Sequence[float], games: int, opening_plies: int, seed: int) -> list[Pairing]:
    """Every two budgets at most two doublings apart, `games` games each."""
    out: list[Pairing] = []
    for a in range(len(amounts)):
        for b in range(a + 1, len(amounts)):
            if amounts[b] / amounts[a] <= 2.0**MOST_DOUBLINGS * 1.0001:
                starts = random_openings(game, (games + 1) // 2, opening_plies, seed + 1000 * a + b)
                out += colour_balanced(a, b, starts, first_pair=len(out))[:games]
    return out


def _of_settings(settings: Mapping[str, SettingValue]) -> str:
    """What the results' file is called after a search that is not the usual one: its results do not answer for another."""
    told = {name: value for name, value in settings.items() if name in FIELDS and value != FIELDS[name].default}
    told.pop("simulations", None)
    return "-" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8] if told else ""


def measure(
    player: Player,
    game: Game,
    kind: str,
    amounts: Sequence[float],
    unit: str,
    *,
    games: int,
    opening_plies: int,
    seed: int,
    out: Path,
) -> Scaling:
    """Plays what is missing; writes results.jsonl, scaling.json and scaling.png into `out`, and returns scaling.json's object."""
    seats = entrants(player, game, kind, amounts, unit)
    pairings = schedule(game, amounts, games, opening_plies, seed)
    out.mkdir(parents=True, exist_ok=True)  # once nothing refuses the call any more
    results = run_schedule(
        game,
        seats,
        pairings,
        out / f"results-{unit}{_of_settings({**player.settings, 'kind': kind})}.jsonl",
        seed=seed,
        progress=Progress(),
        live=lambda results: standings(ratings.rate(results)),
    )
    names = [each.name for each in seats]
    rated = ratings.rate(results, anchor=names[0], players=names)
    by_name = {each.name: each for each in rated.players}
    summary: Scaling = {
        "player": player.name,
        "game": repr(game),
        "search": kind,
        "unit": unit,
        "points": [
            {
                "budget": amount,
                "elo": round(by_name[name].elo, 1),
                "low": round(by_name[name].low, 1),
                "high": round(by_name[name].high, 1),
                "games": by_name[name].games,
            }
            for amount, name in zip(amounts, names, strict=True)
        ],
        "doublings": [],
    }
    for i in range(1, len(amounts)):
        elo, low, high = (round(x, 1) for x in rated.difference(names[i], names[i - 1]))
        summary["doublings"].append({"from": amounts[i - 1], "to": amounts[i], "elo": elo, "low": low, "high": high})
    suffix = "" if unit == "simulations" else "-seconds"
    write_atomically(out / f"scaling{suffix}.json", (json.dumps(summary, indent=1) + "\n").encode())
    plot(out / f"scaling{suffix}.png", summary)
    return summary


def plot(path: Path, summary: Scaling) -> None:
    """Two pictures: Elo over the budget, and what each doubling gains; 95 % intervals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(
        2, 1, figsize=(8, 6.4), dpi=120, sharex=True, gridspec_kw={"height_ratios": [3, 2]}
    )
    points = summary["points"]
    budget = [p["budget"] for p in points]
    bars = [[p["elo"] - p["low"] for p in points], [p["high"] - p["elo"] for p in points]]
    above.errorbar(budget, [p["elo"] for p in points], yerr=bars, marker="o", capsize=3, color="#1f5fa8")
    above.set(title=f"{summary['player']}: {summary['game']}", ylabel=f"Elo ({budget[0]:g} {summary['unit']} = 0)")
    steps = summary["doublings"]
    bars = [[s["elo"] - s["low"] for s in steps], [s["high"] - s["elo"] for s in steps]]
    below.errorbar(
        [s["to"] for s in steps], [s["elo"] for s in steps], yerr=bars, marker="s", capsize=3, color="#c0722c"
    )
    below.axhline(0.0, color="#8a8a8a", linewidth=1)
    below.set(xscale="log", xlabel=f"{summary['unit']} a move", ylabel="Elo gained\nby the last doubling")
    below.set_xticks(budget, [f"{b:g}" for b in budget])
    below.minorticks_off()
    for axes in (above, below):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    with writing(path):
        figure.savefig(path)
    plt.close(figure)
