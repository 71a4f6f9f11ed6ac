"""`alphazero elo`: ratings with error bars from the results of games."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="RESULTS",
        help="JSON lines, a PGN file, a directory of SGF, or a run directory",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--anchor", metavar="NAME", help="the player at Elo 0 (default: the weakest; for a run step-0)")
    parser.add_argument("--sprt", nargs=2, metavar=("A", "B"), help="test whether A is stronger than B instead")
    parser.add_argument("--elo0", type=float, default=0.0, help="SPRT: what H0 says of A over B (default 0)")
    parser.add_argument("--elo1", type=float, default=10.0, help="SPRT: what H1 says (default 10)")
    parser.add_argument("--alpha", type=float, default=0.05, help="SPRT: rate of wrongly accepting H1 (default 0.05)")
    parser.add_argument("--beta", type=float, default=0.05, help="SPRT: rate of wrongly accepting H0 (default 0.05)")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.ratings import rate
    from alphazero.arena.results import read_results
    from alphazero.arena.sprt import sprt

    files = [path / "rating" / "results.jsonl" if (path / "config.yaml").exists() else path for path in args.files]
    results = read_results(files)
    if args.sprt:
        verdict = sprt(
            results, args.sprt[0], args.sprt[1], elo0=args.elo0, elo1=args.elo1, alpha=args.alpha, beta=args.beta
        )
        if args.json:
            print(json.dumps(verdict))
        else:
            print(
                f"LLR {verdict['llr']:.2f} in [{verdict['lower']:.2f}, {verdict['upper']:.2f}] after {verdict['games']} games "
                f"({verdict['pairs']} pairs): {verdict['verdict']}"
            )
        return 0
    anchor = args.anchor
    if anchor is None and files != args.files and any(game["first"] == "step-0" for game in results):
        anchor = "step-0"
    rated = rate(results, anchor)
    if args.json:
        print(json.dumps(rated.to_json()))
        return 0
    width = max(len(player.name) for player in rated.players)
    print(f"{'player':<{width}}  {'Elo':>6}  {'95 %':>15}  {'games':>6}  {'score':>6}  better than the next")
    for player, below in zip(rated.players, [*rated.players[1:], None], strict=True):
        los = f"{rated.los(player.name, below.name):.1%}" if below else ""
        bounds = f"[{player.low:.0f}, {player.high:.0f}]"
        print(
            f"{player.name:<{width}}  {player.elo:6.0f}  {bounds:>15}  {player.games:6}  {player.score:6.1%}  {los:>8}"
        )
    print(f"{rated.model}; anchor {rated.anchor}; moving first is worth {rated.first_advantage:+.0f} Elo")
    return 0
