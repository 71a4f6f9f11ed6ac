"""`alphazero bench`: what this machine does a second, each figure with its spread."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING

from alphazero.commands import arguments
from alphazero.terminal import Column, Table, show

if TYPE_CHECKING:
    from alphazero_bench.figures import Figure

ON_REQUEST = (
    "growth",
    "soak",
    "device",
    "arena",
    "cores",
    "engine",
    "open_spiel",
)  # not among what is measured by default
KINDS = ("rules", "search", "inference", "selfplay", "train", *ON_REQUEST)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"what to measure: {', '.join(KINDS)} (default: all but {', '.join(ON_REQUEST)})",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON line per figure: name, value, unit, n, median, min, max"
    )
    parser.add_argument(
        "--seconds", type=arguments.number(0.001, 86400), default=2.0, help="time limit of each measurement (default 2)"
    )
    parser.add_argument(
        "--repeat", type=arguments.whole(1, 10_000), default=3, help="runs of each measurement (default 3)"
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        choices=["open_spiel", "stockfish", "cshogi", "mctx"],
        help="also measure this program, in the same run; may be repeated",
    )


def run(args: argparse.Namespace) -> int:
    from alphazero.errors import UserError
    from alphazero.text import did_you_mean, shown
    from alphazero_bench import adapter, arena, cores, device, engine, networks, rules, search, soak

    benches: dict[str, Callable[[float, int, list[str]], Iterator[Figure]]] = {
        "rules": rules.bench,
        "search": search.bench,
        "inference": networks.inference,
        "selfplay": networks.selfplay,
        "train": networks.train,
        "growth": lambda *how: chain(search.growth(*how), networks.growth(*how)),
        "soak": soak.bench,
        "device": device.bench,
        "arena": arena.bench,
        "cores": cores.bench,
        "engine": engine.bench,
        "open_spiel": adapter.bench,
    }
    wanted = args.what or [kind for kind in KINDS if kind not in ON_REQUEST]
    for what in wanted:
        if what not in benches:
            near = did_you_mean(what, KINDS)
            raise UserError(f"bench: unknown WHAT {shown(what)}; it is one of {', '.join(KINDS)}{near}")
    header = True
    for what in wanted:
        for figure in benches[what](args.seconds / args.repeat, args.repeat, args.peer):
            if args.json:
                print(json.dumps(asdict(figure)), flush=True)
            else:
                show(_row(figure, header))
                header = False
    return 0


def _row(figure: Figure, header: bool) -> Table:
    """A figure as a line of the table, as soon as it is measured."""
    value, low, high = (f"{x:,.3f}" if x < 10 else f"{x:,.0f}" for x in (figure.value, figure.min, figure.max))
    columns = [
        Column("figure", 42, right=False),
        Column("value", 13),
        Column("unit", 15, right=False, drop=1),
        Column("least .. most", 20, right=False, drop=2),
    ]
    plain = f"{figure.name:<42} {value:>14} {figure.unit:<15} ({low} .. {high})"
    return Table(columns, [[figure.name, value, figure.unit, f"{low} .. {high}"]], plain=plain, header=header)
