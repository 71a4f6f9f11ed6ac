"""The tables of ratings: at the end of `elo`, `match`, `tournament` and `scaling`, and live while games are played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alphazero.arena.ratings import Ratings
from alphazero.terminal import Column, Table
from alphazero.text import LONGEST_NAME, clean

if TYPE_CHECKING:
    from alphazero.arena.match_report import MatchReport
    from alphazero.arena.ratings import RatedPlayer
    from alphazero.arena.scaling import Scaling


def _short(name: str) -> str:
    return clean(name, LONGEST_NAME)


def _bounds(low: float, high: float) -> str:
    return f"[{low:.0f}, {high:.0f}]"


def standings(rated: Ratings, intervals: Mapping[str, tuple[float, float]] | None = None) -> Table:
    """Players with ratings, strongest first. intervals: more 95 % bounds to show beside them (the bootstrap's)."""
    columns = [
        Column("player", max(6, *(len(_short(player.name)) for player in rated.players)), right=False),
        Column("Elo", 6),
        Column("95 %", 15, drop=1),
        *([Column("bootstrap", 15, drop=5)] if intervals is not None else []),
        Column("games", 6, drop=2),
        Column("score", 6, drop=3),
        Column("better than the next", 8, drop=4),
    ]
    rows = []
    for player, below in zip(rated.players, [*rated.players[1:], None], strict=True):
        row = [_short(player.name), f"{player.elo:.0f}", _bounds(player.low, player.high)]
        if intervals is not None:
            row.append(_bounds(*intervals.get(player.name, (float("nan"), float("nan")))))
        row += [f"{player.games}", f"{player.score:.1%}"]
        rows.append([*row, f"{rated.los(player.name, below.name):.1%}" if below else ""])
    return Table(columns, rows)


def rated_players(players: Sequence[RatedPlayer], *, plain: str) -> Table:
    """The players of an elo.json. plain: the lines where there is no terminal."""
    columns = [
        Column("player", right=False),
        Column("Elo"),
        Column("95 %", drop=1),
        Column("games", drop=2),
        Column("score", drop=3),
    ]
    rows = []
    for player in players:
        score = player.get("score")
        rows.append(
            [
                _short(player["name"]),
                f"{player['elo']:.0f}",
                _bounds(player["low"], player["high"]),
                f"{player.get('games', '')}",
                f"{score:.1%}" if isinstance(score, float) else "",
            ]
        )
    return Table(columns, rows, plain=plain)


def scaling_table(summary: Scaling) -> Table:
    """Elo against search budget: the object of scaling.json."""
    columns = [
        Column(summary["unit"], 12),
        Column("Elo", 6),
        Column("95 %", 15, drop=2),
        Column("games", 6, drop=3),
        Column("gained by the last doubling", right=False, drop=1),
    ]
    rows = []
    for point, step in zip(summary["points"], [None, *summary["doublings"]], strict=True):
        gain = "" if step is None else f"{step['elo']:+6.0f}  [{step['low']:+.0f}, {step['high']:+.0f}]"
        bounds = _bounds(point["low"], point["high"])
        rows.append([f"{point['budget']:g}", f"{point['elo']:.0f}", bounds, f"{point['games']}", gain])
    return Table(columns, rows)


def match_table(report: MatchReport) -> Table:
    """A match's games from A's side, by who moved first; a line where there is no terminal."""
    first = report.as_first
    every = (report.wins, report.draws, report.losses)
    second = tuple(all_of - part for all_of, part in zip(every, first, strict=True))
    title = f"{_short(report.a)} against {_short(report.b)}"
    columns = [Column(title, right=False, least=14), Column("wins"), Column("draws"), Column("losses")]
    named = (("moving first", first), ("moving second", second), ("in all", every))
    rows = [[name, *(f"{count}" for count in counts)] for name, counts in named]
    return Table(columns, rows, plain=report.as_text().partition("\n")[0])


def advantage(rated: Ratings) -> str:
    """What the ratings were fitted with, in a line."""
    return (
        f"{rated.model}; anchor {_short(rated.anchor)}; moving first is worth {rated.first_advantage:+.0f} Elo "
        f"[{rated.first_low:+.0f}, {rated.first_high:+.0f}]"
    )


def los_table(rated: Ratings) -> Table:
    """Likelihoods of superiority in percent: the row's player over the column's."""
    names = [_short(player.name) for player in rated.players]
    cell = max(5, *(len(name) for name in names))
    cells = [
        ["" if i == j else f"{100 * value:.1f}" for j, value in enumerate(row)]
        for i, row in enumerate(rated.los_matrix())
    ]
    columns = [Column("", max(len(name) for name in names), right=False), *(Column(name, cell) for name in names)]
    plain = str(Table(columns, [[name, *row] for name, row in zip(names, cells, strict=True)]))
    numbers = [f"{number}" for number in range(1, len(names) + 1)]  # a terminal has no room for every name twice
    columns = [Column("", right=False), *(Column(number, 5) for number in numbers)]
    rows = [[f"{number} {name}", *row] for number, name, row in zip(numbers, names, cells, strict=True)]
    return Table(columns, rows, plain=plain)
