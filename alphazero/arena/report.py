"""The report of a tournament or a run as one HTML file: nothing from outside, no script, readable in twenty years.

Ladder with error bars and learning curve as inline SVG, cross-table, likelihoods of superiority, every game with its moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from alphazero.arena.ratings import PlayerRating, Ratings
from alphazero.files import write_atomically
from alphazero.formats.results import Result

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 2em }
table { border-collapse: collapse; font-size: 13px } td, th { padding: .2em .6em; text-align: right; border-bottom: 1px solid #e4e4e4 }
td:first-child, th:first-child { text-align: left } .wide { overflow-x: auto } summary { cursor: pointer }
details p { margin: .2em 0 .6em 1.4em; font-family: monospace; overflow-wrap: anywhere } svg text { font: 12px system-ui, sans-serif }
"""
LINE = "#1f5fa8"
RECORDS = ("games.pgn", "games.csa", "games.sgf", "results.jsonl")  # files of games that may lie beside


def write_report(
    path: Path,
    title: str,
    rated: Ratings,
    results: Sequence[Result],
    games_seen: Mapping[str, int] | None = None,
    folder: str = "",
) -> None:
    """Writes the report. games_seen: self-play games of a run's checkpoints, by player: adds the learning curve.

    folder: where the files of the games lie, as seen from the report.
    """
    parts = [f"<h1>{escape(title)}</h1>", _ladder(rated), _table(rated)]
    if games_seen:
        parts += ["<h2>Learning curve</h2>", _curve(rated, games_seen)]
    parts += ["<h2>Cross-table</h2>", "<p>Points of the row's player against the column's, and how many games.</p>"]
    parts += [_cross_table(rated, results), "<h2>Likelihood of superiority</h2>"]
    parts += ["<p>Probability, in percent, that the row's player is stronger than the column's.</p>", _los(rated)]
    parts += [f"<h2>Games ({len(results)})</h2>", _links(path.parent / folder, folder)]
    parts += [_game(number, game) for number, game in enumerate(results)]
    text = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )
    write_atomically(path, text.encode())


def _scale(values: Sequence[float], begin: float, end: float) -> Callable[[float], float]:
    """A function from the values' range to [begin, end]."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return lambda value: begin + (value - low) / span * (end - begin)


def _ticks(low: float, high: float) -> list[float]:
    """Four to ten round numbers in a range."""
    span = max(1e-9, high - low)
    step = next(s * 10**e for e in range(-3, 9) for s in (1, 2, 5) if span / (s * 10**e) <= 8)
    first = int(low // step) + (low % step > 0)
    return [step * i for i in range(first, int(high // step) + 1)]


def _ladder(rated: Ratings) -> str:
    """Players from strong to weak, each a dot with its interval."""
    players = rated.players
    left, width, row = 190, 860, 24
    x = _scale([bound for p in players for bound in (p.low, p.high)], left, width - 20)
    bottom = row * len(players) + 6
    out = [f'<svg viewBox="0 0 {width} {bottom + 24}" role="img" aria-label="ratings">']
    low, high = min(p.low for p in players), max(p.high for p in players)
    for tick in _ticks(low, high):
        out.append(f'<path d="M{x(tick):.1f} 0V{bottom}" stroke="#e4e4e4"/>')
        out.append(f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle" fill="#666">{tick:g}</text>')
    for i, p in enumerate(players):
        y = row * i + 15
        out.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(_short(p.name))}</text>')
        out.append(f'<path d="M{x(p.low):.1f} {y}H{x(p.high):.1f}" stroke="{LINE}" stroke-width="2"/>')
        out.append(f'<circle cx="{x(p.elo):.1f}" cy="{y}" r="4.5" fill="{LINE}"/>')
    return "".join(out) + "</svg>"


def _short(name: str) -> str:
    return name if len(name) <= 26 else "…" + name[-25:]


def _curve(rated: Ratings, games_seen: Mapping[str, int]) -> str:
    """Elo with error bars over self-play games; the other players as level lines."""
    points = sorted(((games_seen[p.name], p) for p in rated.players if p.name in games_seen), key=lambda each: each[0])
    others = [p for p in rated.players if p.name not in games_seen]
    width, height, left, bottom = 860, 340, 60, 300
    x = _scale([games for games, _ in points], left + 10, width - 120)
    bounds = [b for _, p in points for b in (p.low, p.high)] + [p.elo for p in others]
    y = _scale(bounds, bottom - 8, 12)
    out = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="learning curve">']
    for tick in _ticks(min(bounds), max(bounds)):
        out.append(f'<path d="M{left} {y(tick):.1f}H{width - 110}" stroke="#e4e4e4"/>')
        out.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="#666">{tick:g}</text>')
    for tick in _ticks(points[0][0], points[-1][0]):
        out.append(f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle" fill="#666">{tick:,.0f}</text>')
    out.append(
        f'<text x="{(left + width - 110) / 2}" y="{height - 4}" text-anchor="middle">self-play games seen</text>'
    )
    for p in others:
        out.append(f'<path d="M{left} {y(p.elo):.1f}H{width - 110}" stroke="#c0722c" stroke-dasharray="5 4"/>')
        out.append(f'<text x="{width - 105}" y="{y(p.elo) + 4:.1f}" fill="#c0722c">{escape(_short(p.name))}</text>')
    for games, p in points:
        out.append(f'<path d="M{x(games):.1f} {y(p.low):.1f}V{y(p.high):.1f}" stroke="{LINE}" stroke-width="1.5"/>')
        out.append(
            f'<circle cx="{x(games):.1f}" cy="{y(p.elo):.1f}" r="4" fill="{LINE}"><title>{escape(p.name)}</title></circle>'
        )
    line = " ".join(f"{x(games):.1f},{y(p.elo):.1f}" for games, p in points)
    return "".join(out) + f'<polyline points="{line}" fill="none" stroke="{LINE}"/></svg>'


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are text, not HTML."""
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return '<div class="wide"><table>' + "\n".join(lines) + "</table></div>"


def _table(rated: Ratings) -> str:
    def row(p: PlayerRating) -> list[str]:
        return [p.name, f"{p.elo:.0f}", f"{p.low:.0f} … {p.high:.0f}", str(p.games), f"{p.score:.1%}"]

    told = (
        f"<p>{escape(rated.model)}; anchor {escape(rated.anchor)}; moving first is worth {rated.first_advantage:+.0f} Elo "
        f"({rated.first_low:+.0f} … {rated.first_high:+.0f}). Intervals bound 95 %.</p>"
    )
    return _rows(["player", "Elo", "95 %", "games", "score"], [row(p) for p in rated.players]) + told


def _cross_table(rated: Ratings, results: Sequence[Result]) -> str:
    points: dict[tuple[str, str], list[float]] = {}
    for game in results:
        score = float(game["result"])
        points.setdefault((game["first"], game["second"]), []).append(score)
        points.setdefault((game["second"], game["first"]), []).append(1.0 - score)
    names = [p.name for p in rated.players]
    rows = []
    for name in names:
        cells = [points.get((name, other)) for other in names]
        rows.append([name, *(f"{sum(cell):g} / {len(cell)}" if cell else "" for cell in cells)])
    return _rows(["", *names], rows)


def _los(rated: Ratings) -> str:
    names = [p.name for p in rated.players]
    matrix = rated.los_matrix()
    rows = [
        [name, *("" if i == j else f"{100 * value:.1f}" for j, value in enumerate(matrix[i]))]
        for i, name in enumerate(names)
    ]
    return _rows(["", *names], rows)


def _links(directory: Path, folder: str) -> str:
    found = [name for name in RECORDS if (directory / name).exists()]
    return "<p>" + " · ".join(f'<a href="{escape(folder + name)}">{escape(name)}</a>' for name in found) + "</p>"


def _game(number: int, game: Result) -> str:
    result = {1.0: "1-0", 0.5: "½-½", 0.0: "0-1"}[float(game["result"])]
    about = ", ".join(str(part) for part in (game.get("reason"), game.get("termination")) if part and part != "normal")
    plies = f", {game['plies']} plies" if "plies" in game else ""
    head = f"{int(game.get('game', number)) + 1}. {game['first']} – {game['second']} {result}"
    head += f" ({about}{plies})" if about or plies else ""
    body = (f"from {game['opening']}: " if game.get("opening") else "") + str(game.get("moves", ""))
    return f"<details><summary>{escape(head)}</summary><p>{escape(body)}</p></details>"
