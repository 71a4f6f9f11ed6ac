"""Arguments of commands: numbers within bounds, and what several commands take alike.

`type=whole(1, 100)` refuses anything else in a few words, before anything is loaded.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from alphazero.devices import DEVICE_HELP, DEVICES
from alphazero.search_settings import FIELDS, MOST_SIMULATIONS, SettingValue, read_setting
from alphazero.typed import MOST_GAMES
from alphazero.typed import elo as elo
from alphazero.typed import number as number
from alphazero.typed import whole as whole

Parser = argparse.ArgumentParser | argparse._ArgumentGroup

OWN_OPTIONS = {"kind": "--search", "simulations": "--simulations"}  # settings of a search that --set leaves to them

# What a machine can serve at all.
MOST_PLIES = 10_000
MOST_AT_A_TIME = 256  # games with engines or clocks; each may be two processes

games = whole(1, MOST_GAMES)
simulations = whole(1, MOST_SIMULATIONS)
plies = whole(0, MOST_PLIES)
seed = whole(0, 2**31)  # as in a configuration
share = number(1e-9, 0.5)  # of errors that a test may make


def add_game(parser: Parser, when: str) -> None:
    """--game and --option. when: in which case the game has to be named."""
    parser.add_argument("--game", help=f"game to play, {when}")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="option of the game, e.g. board_size=9; may be repeated",
    )


def add_device(parser: Parser) -> None:
    """--device, as `az.load` takes it."""
    parser.add_argument("--device", default="auto", choices=DEVICES, help=DEVICE_HELP)


def add_workers(parser: argparse.ArgumentParser, what: str) -> None:
    """--workers and --ray. what: they do."""
    cluster = parser.add_argument_group("workers (need the extra [ray])")
    cluster.add_argument("--workers", type=whole(0, 10_000), metavar="N", help=f"{what}; 0: in this one")
    cluster.add_argument(
        "--ray",
        metavar="local|auto|HOST:PORT",
        help="where workers run: on this machine (default), in the cluster that this machine is part of, or in the one "
        "with this head",
    )


def add_search(parser: Parser, default: str | None, otherwise: str, *, noise: bool = False) -> None:
    """--search and --set. default: the kind where none is given; otherwise: what the help says of that. noise: the searches
    are those of self-play.
    """
    parser.add_argument(
        "--search",
        choices=FIELDS["kind"].choices,
        default=default,
        help=f"kind of search (default {otherwise})" if default else f"kind of search (default: {otherwise})",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        type=partial(_setting, noise),
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="setting of the search, e.g. c_init=2.0; may be repeated; names are "
        + ", ".join(name for name, row in FIELDS.items() if name not in OWN_OPTIONS and (noise or not row.noise)),
    )


def _setting(noise: bool, text: str) -> tuple[str, SettingValue]:
    """argparse's type of --set."""
    try:
        name, value = read_setting(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if name in OWN_OPTIONS:
        raise argparse.ArgumentTypeError(f"{name} has an option of its own: {OWN_OPTIONS[name]}")
    if FIELDS[name].noise and not noise:
        raise argparse.ArgumentTypeError(f"{name} acts in self-play alone: here no search has noise")
    return name, value


def add_seed(parser: Parser, default: int | None = 0) -> None:
    """--seed. default: None where a configuration may say it."""
    parser.add_argument("--seed", type=seed, default=default, help="seed of all random choices (default 0)")


def add_json(parser: Parser, what: str = "one JSON object") -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help=f"print {what} instead of text")


def add_openings(parser: Parser, *, order: str | None = "file", start: int | None = 1) -> None:
    """--openings and how they are taken. order, start: None where a configuration may say them."""
    parser.add_argument(
        "--openings",
        type=Path,
        metavar="FILE",
        help="start positions: one a line (FEN, SFEN, Go moves), or a file .epd, .pgn, .sgf, .kif or .csa "
        "(default: random moves)",
    )
    parser.add_argument(
        "--openings-order",
        choices=["file", "random"],
        default=order,
        help="order of the openings; random: shuffled by --seed (default file)",
    )
    parser.add_argument(
        "--openings-start",
        type=whole(1, 10**9),
        default=start,
        metavar="K",
        help="number of the first opening to use (default 1)",
    )


def add_engines(parser: Parser, dest: str, concurrency: int | None = 1) -> None:
    """--tc, --players (as `dest`) and --concurrency: for games with engines and clocks."""
    parser.add_argument(
        "--tc", metavar="TIME", help="time control in seconds, e.g. 10+0.1 or 40/60: all players get clocks"
    )
    parser.add_argument(
        "--players",
        dest=dest,
        type=Path,
        metavar="FILE",
        help="YAML file that defines players by name (docs/matches.md)",
    )
    parser.add_argument(
        "--concurrency",
        type=whole(1, MOST_AT_A_TIME),
        default=concurrency,
        metavar="N",
        help="games with engines or clocks that are played at the same time (default 1)",
    )


def add_errors(parser: Parser, elo0: str, elo1: str) -> None:
    """--alpha and --beta of a sequential test (SPRT) between two hypotheses."""
    parser.add_argument(
        "--alpha", type=share, default=0.05, help=f"SPRT: rate of accepting {elo1} wrongly (default 0.05)"
    )
    parser.add_argument(
        "--beta", type=share, default=0.05, help=f"SPRT: rate of accepting {elo0} wrongly (default 0.05)"
    )


def add_level(parser: argparse.ArgumentParser) -> None:
    """--level."""
    parser.add_argument(
        "--level",
        type=whole(1, 10),
        default=10,
        metavar="N",
        help="how strong to play: 1 (a beginner) to 10 (full strength, the default)",
    )
