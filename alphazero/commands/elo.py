"""`alphazero elo`: ratings with error bars from the results of games."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alphazero.commands import arguments

if TYPE_CHECKING:
    from alphazero.formats.results import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="RESULTS",
        help="a file of JSON lines or of games (PGN, SGF, CSA, KIF), a directory of these, or a run directory",
    )
    arguments.add_json(parser)
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="NAME[=ELO]",
        help="player of known rating (0 without ELO); may be repeated (default: the weakest player at 0; for a run, step-0)",
    )
    parser.add_argument(
        "--los", action="store_true", help="show the likelihood of superiority of each player over each other"
    )
    parser.add_argument(
        "--bootstrap",
        type=arguments.whole(0, 100_000),
        default=0,
        metavar="N",
        help="check the intervals by a bootstrap of N resamples",
    )
    parser.add_argument(
        "--sprt",
        nargs=2,
        metavar=("A", "B"),
        help="run a sequential test of whether A is stronger than B, instead of ratings",
    )
    parser.add_argument(
        "--elo0",
        type=arguments.number(-10_000, 10_000),
        default=0.0,
        help="SPRT: Elo difference of A over B under H0 (default 0)",
    )
    parser.add_argument(
        "--elo1", type=arguments.number(-10_000, 10_000), default=10.0, help="SPRT: the same under H1 (default 10)"
    )
    arguments.add_errors(parser, "H0", "H1")


def run(args: argparse.Namespace) -> int:
    from alphazero.arena.ratings import bootstrap, rate
    from alphazero.arena.sprt import PairScores
    from alphazero.arena.standings import advantage, los_table, standings
    from alphazero.errors import UserError
    from alphazero.files import is_there
    from alphazero.formats.results import Counted, players_of, read_results
    from alphazero.terminal import say, show
    from alphazero.text import clean

    if args.bootstrap == 1:
        raise UserError(f"elo: --bootstrap must be >= 2, got {args.bootstrap}")
    files = [path / "rating" / "results.jsonl" if is_there(path / "config.yaml") else path for path in args.files]
    counted = Counted()
    results = read_results(files, counted)
    if told := counted.told():
        print(f"elo: {told}", file=sys.stderr)
    if not results and counted.games:
        raise UserError("elo: no game has a result")
    if args.sprt:
        return _test(args, results)
    names = players_of(results)
    fixed = _anchors(args.anchor, names)
    if not fixed and files != args.files and "step-0" in names:
        fixed = {"step-0": 0.0}
    rated = rate(results, fixed=fixed)
    intervals = bootstrap(results, args.bootstrap, fixed=fixed) if args.bootstrap else None
    if args.json:
        summary = rated.to_json()
        if args.los:
            summary["los"] = [[round(value, 4) for value in row] for row in rated.los_matrix()]
        if intervals is not None:
            summary["bootstrap"] = {name: [round(low, 1), round(high, 1)] for name, (low, high) in intervals.items()}
        print(json.dumps(summary))
        return 0
    show(standings(rated, intervals))
    say(advantage(rated))
    if len(rated.players) == 2:
        a, b = (player.name for player in rated.players)
        say(f"{clean(a)}: {PairScores.of(results, a, b).as_text()}")
    if args.los:
        say("\nlikelihood of superiority, the row's player over the column's, in percent")
        show(los_table(rated))
    return 0


def _anchors(texts: list[str], names: set[str]) -> dict[str, float]:
    """["a", "b=1500"] as {"a": 0.0, "b": 1500.0}; a name may hold a '=' itself."""
    from alphazero.errors import UserError
    from alphazero.text import shown

    anchors = {}
    for text in texts:
        name, equals, elo = (text, "", "0") if text in names else text.rpartition("=")
        if not equals and text not in names:
            name, elo = text, "0"
        try:
            anchors[name] = arguments.elo(elo)
        except argparse.ArgumentTypeError as error:
            raise UserError(
                f"--anchor {shown(text)}: expected NAME or NAME=ELO, e.g. gnugo=1500; ELO {error}"
            ) from None
    return anchors


def _test(args: argparse.Namespace, results: list[Result]) -> int:
    """The sequential test of two players instead of ratings."""
    from alphazero.arena.ratings import rate
    from alphazero.arena.sprt import PairScores, Sprt, tallies
    from alphazero.terminal import say

    test = Sprt(args.elo0, args.elo1, args.alpha, args.beta)
    verdict = test.judge(results, *args.sprt)
    if args.json:
        print(json.dumps(verdict))
        return 0
    say(
        f"LLR {verdict['llr']:.2f} in [{verdict['lower']:.2f}, {verdict['upper']:.2f}] after {verdict['games']} games "
        f"({verdict['pairs']} pairs): {verdict['verdict']}"
    )
    counts = tallies(results, *args.sprt)
    pairs, alone = counts["pairs"].sum(), counts["first"].sum() + counts["second"].sum()
    what = "games" if pairs == 0 else "pairs" if alone == 0 else "pairs and games without a partner"
    if_h0, if_h1, between = test.lengths(results, *args.sprt)
    a, b = args.sprt
    elo, low, high = rate([game for game in results if {game["first"], game["second"]} == {a, b}]).difference(a, b)
    say(f"Elo difference {elo:+.1f} [{low:+.1f}, {high:+.1f}] (95 %), the scale of elo0 and elo1")
    say(PairScores.of(results, a, b).as_text())
    say(
        f"expected length: {if_h0:,.0f} {what} where H0 is true, {if_h1:,.0f} where H1 is, {between:,.0f} halfway between"
    )
    return 0
