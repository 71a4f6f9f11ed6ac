"""Curves and bars as SVG: the win rate over a game, a run's figures over time, ratings with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Protocol

from alphazero.web.html import Html, tag

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 26
COLOURS = 8  # classes series-0 to series-7 of the style sheet


@dataclass(frozen=True)
class Series:
    """A curve. points: (x, y), or (x, y, low, high) with an interval; as many as are to be drawn."""

    name: str
    points: Sequence[tuple[float, ...]]
    colour: int = 0


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most about so many round numbers in a range of finite numbers; none where it is too wide to be counted in."""
    least = max(1e-12, 1e-9 * max(abs(low), abs(high)))  # below that, neighbours are the same number
    span = max(least, high - low)
    if not math.isfinite(span):
        return []
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next((s * power for s in (1, 2, 5) if span / (s * power) <= most), 10 * power)
    first = math.ceil(low / step - 1e-9)
    return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]


def scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    """A function from [low, high] to [begin, end]."""
    span = (high - low) or 1.0
    return lambda value: begin + (value - low) / span * (end - begin)


def plot(series: Sequence[Series], *, title: str, x_label: str, x_format: str = "{:g}") -> Html:
    """Curves over one another, with a legend where there are several."""
    shown = [finite for each in series if (finite := _finite(each)).points]
    if not shown:
        return tag("p", f"{title}: nothing yet", class_="empty")
    xs = [point[0] for each in shown for point in each.points]
    ys = [value for each in shown for point in each.points for value in point[1:]]
    low, high = min(ys), max(ys)
    room = 0.06 * ((high - low) or abs(high) or 1.0)
    x = scale(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    y = scale(low - room, high + room, HEIGHT - BOTTOM, TOP)
    out = []
    for tick in ticks(low - room, high + room, 5):
        out.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>')
        out.append(f'<text class="tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    for tick in ticks(min(xs), max(xs), 7):
        told = escape(x_format.format(tick))
        out.append(f'<text class="tick" x="{x(tick):.1f}" y="{HEIGHT - 9}" text-anchor="middle">{told}</text>')
    for each in shown:
        out.append(_curve(each, x, y))
    items = "".join(
        f'<li><svg viewBox="0 0 20 10" aria-hidden="true"><path class="series-{each.colour % COLOURS}" d="M0 5H20"/></svg>'
        f"{escape(each.name)}</li>"
        for each in shown
    )
    legend = f"<ul>{items}</ul>" if len(shown) > 1 else ""
    last = "; ".join(f"{each.name} {_short(each.points[-1][1])}" for each in shown[:6])
    return Html(
        f'<figure class="plot"><figcaption>{escape(title)} <small>over {escape(x_label)}</small></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}, newest: {escape(last)}">{"".join(out)}</svg>'
        f"{legend}</figure>"
    )


def _finite(each: Series) -> Series:
    """A curve without the points that have no place: NaN, and what the scale's arithmetic cannot hold."""
    return replace(each, points=[point for point in each.points if all(abs(value) < 1e100 for value in point)])


def _curve(each: Series, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    kind = f"series-{each.colour % COLOURS}"
    out = []
    points = each.points
    if len(points[0]) == 4:  # an interval
        for px, py, low, high in points:
            out.append(f'<path class="{kind} thin" d="M{x(px):.1f} {y(low):.1f}V{y(high):.1f}"/>')
            out.append(f'<circle class="{kind} dot" cx="{x(px):.1f}" cy="{y(py):.1f}" r="3.5"/>')
    line = " ".join(f"{x(p[0]):.1f},{y(p[1]):.1f}" for p in points)
    return f'<polyline class="{kind}" points="{line}"/>' + "".join(out)


def _short(value: float) -> str:
    if abs(value) >= 1e9:
        return f"{value:.3g}"
    if abs(value) >= 10_000:
        return f"{value / 1000:,.0f}k"
    return f"{value:.4g}"


class Rated(Protocol):
    """A player with a rating and its interval."""

    @property
    def name(self) -> str: ...
    @property
    def elo(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def ladder(players: Sequence[Rated]) -> Html:
    """Ratings with their intervals, a row each."""
    left, width, row = 190, 640, 22
    low, high = min(each.low for each in players), max(each.high for each in players)
    x = scale(low, high, left + 8, width - 12)
    bottom = row * len(players) + 4
    out = []
    for tick in ticks(low, high, 6):
        out.append(f'<path class="grid" d="M{x(tick):.1f} 0V{bottom}"/>')
        out.append(f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 14}" text-anchor="middle">{tick:g}</text>')
    for i, each in enumerate(players):
        y = row * i + 13
        name = each.name if len(each.name) <= 28 else "…" + each.name[-27:]
        out.append(f'<text class="tick" x="{left - 6}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<path class="series-0" d="M{x(each.low):.1f} {y}H{x(each.high):.1f}"/>')
        out.append(f'<circle class="series-0 dot" cx="{x(each.elo):.1f}" cy="{y}" r="4"/>')
    return Html(
        f'<div class="plot ladder"><svg viewBox="0 0 {width} {bottom + 20}" role="img" aria-label="ratings with intervals">'
        f"{''.join(out)}</svg></div>"
    )


# --- a game's win rate ---


def game(
    rates: Sequence[tuple[int, float | None, float | None, str]], current: int, title: str, numbers: Sequence[int]
) -> Html:
    """The first player's win rate, and its lead in points, over a game.

    rates: for each position (ply, win rate, lead, mark). current: the index looked at. numbers: by index, the node to go to.
    """
    width, height, left, bottom, top = 640, 150, 40, 18, 8
    count = max(1, len(rates) - 1)
    x = scale(0, count, left, width - 12)
    y = scale(0.0, 1.0, height - bottom, top)
    out = [
        f'<path class="grid" d="M{left} {y(rate):.1f}H{width - 12}"/>'
        f'<text class="tick" x="{left - 5}" y="{y(rate) + 4:.1f}" text-anchor="end">{round(100 * rate)} %</text>'
        for rate in (0.0, 0.5, 1.0)
    ]
    known = [(i, rate) for i, (_, rate, _, _) in enumerate(rates) if rate is not None]
    if known:
        out.append(
            f'<polyline class="series-0" points="{" ".join(f"{x(i):.1f},{y(rate):.1f}" for i, rate in known)}"/>'
        )
    leads = [(i, lead) for i, (_, _, lead, _) in enumerate(rates) if lead is not None]
    if leads:
        most = max(10.0, max(abs(lead) for _, lead in leads))
        to_y = scale(-most, most, height - bottom, top)
        out.append(
            f'<polyline class="series-1 thin" points="{" ".join(f"{x(i):.1f},{to_y(lead):.1f}" for i, lead in leads)}"/>'
        )
        out.append(
            f'<text class="tick" x="{width - 12}" y="{top + 8}" text-anchor="end">lead, ±{most:.0f} points</text>'
        )
    for i, (_, rate, _, mark) in enumerate(rates):
        if mark and rate is not None:
            kind = {"??": "blunder", "?": "mistake", "?!": "inaccuracy"}[mark]
            out.append(
                f'<circle class="{kind}" cx="{x(i):.1f}" cy="{y(rate):.1f}" r="4"><title>{rates[i][0]}{mark}</title></circle>'
            )
    out.append(f'<path class="cursor" d="M{x(current):.1f} {top}V{height - bottom}"/>')
    wide = (width - 12 - left) / count
    for i, number in enumerate(numbers):
        out.append(
            f'<rect class="touch" data-do="go" data-node="{number}" x="{x(i) - wide / 2:.1f}" y="0" width="{wide:.1f}" height="{height}"/>'
        )
    return Html(
        f'<svg viewBox="0 0 {width} {height}" class="game-graph" role="img" aria-label="{escape(title)}">{"".join(out)}</svg>'
    )


def wdl_bar(win: float, draw: float, names: tuple[str, str]) -> Html:
    """The first player's chances to win, to draw and to lose as a bar."""
    told = f"{names[0]} wins {100 * win:.0f} %, draw {100 * draw:.0f} %, {names[1]} wins {100 * (1 - win - draw):.0f} %"
    return Html(
        f'<svg class="wdl" viewBox="0 0 300 18" preserveAspectRatio="none" role="img" aria-label="{escape(told)}">'
        f'<rect class="second" width="300" height="18"/><rect class="draw" width="{300 * min(1.0, win + draw):.1f}" height="18"/>'
        f'<rect class="first" width="{300 * win:.1f}" height="18"/></svg>'
    )
