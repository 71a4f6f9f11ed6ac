"""The win rate over a game as an SVG picture."""

from __future__ import annotations

from collections.abc import Sequence

from alphazero.review.judge import Judged


def graph(judged: Sequence[Judged], title: str) -> str:
    """The first player's win rate over the game as an SVG picture; marked moves are dots."""
    width, height, left, top = 900, 260, 44, 28
    across, down = width - left - 16, height - top - 34
    count = max(1, len(judged))

    def x(number: int) -> float:
        return left + across * number / count

    def y(rate: float) -> float:
        return top + down * (1.0 - rate)

    def first(each: Judged) -> float:
        return each.win_rate if each.player == 0 else 1.0 - each.win_rate

    points = " ".join(f"{x(each.number):.1f},{y(first(each)):.1f}" for each in judged)
    colours = {"??": "#c62828", "?": "#ef6c00", "?!": "#f9a825"}
    dots = "".join(
        f'<circle cx="{x(each.number):.1f}" cy="{y(first(each)):.1f}" r="4" fill="{colours[each.mark]}">'
        f"<title>{each.number}. {_escaped(each.move)} {each.mark}, {100 * each.loss:.0f} % lost</title></circle>"
        for each in judged
        if each.mark
    )
    grid = "".join(
        f'<line x1="{left}" x2="{left + across}" y1="{y(rate):.1f}" y2="{y(rate):.1f}" stroke="#ccc"/>'
        f'<text x="{left - 6}" y="{y(rate) + 4:.1f}" text-anchor="end">{round(100 * rate)} %</text>'
        for rate in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    step = max(1, 10 * round(count / 100)) if count > 20 else 5
    ticks = "".join(
        f'<text x="{x(n):.1f}" y="{top + down + 18}" text-anchor="middle">{n}</text>' for n in range(0, count + 1, step)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fff"/><text x="{left}" y="18">{_escaped(title)}</text>'
        f'{grid}{ticks}<polyline points="{points}" fill="none" stroke="#1565c0" stroke-width="2"/>{dots}</svg>\n'
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
