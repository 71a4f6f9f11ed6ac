"""The win rate over a game as a picture: SVG of our own, PNG by matplotlib (extra "train")."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from alphazero.errors import UserError
from alphazero.review.judge import Judged

COLOURS = {"??": "#c62828", "?": "#ef6c00", "?!": "#f9a825"}
LINE = "#1565c0"


def check(path: Path) -> None:
    """UserError where no picture of that kind can be drawn: asked before the game is judged."""
    kind = path.suffix.lower()
    if kind not in (".svg", ".png"):
        raise UserError(f"{path}: a graph is .svg or .png")
    if kind == ".png":
        import matplotlib.figure  # noqa: F401


def picture(path: Path, judged: Sequence[Judged], title: str) -> bytes:
    """The first player's win rate over the game, in the format of the path's ending."""
    return png(judged, title) if path.suffix.lower() == ".png" else graph(judged, title).encode()


def png(judged: Sequence[Judged], title: str) -> bytes:
    """The same as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 2.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.plot([each.number for each in judged], [100 * _first(each) for each in judged], color=LINE, linewidth=2)
    for mark, colour in COLOURS.items():
        marked = [each for each in judged if each.mark == mark]
        axes.scatter([each.number for each in marked], [100 * _first(each) for each in marked], color=colour, zorder=3)
    axes.set(xlim=(0, max(1, len(judged))), ylim=(0, 100), yticks=range(0, 101, 25), xlabel="move", ylabel="%")
    axes.set_title(title, loc="left", parse_math=False)
    axes.grid(color="#cccccc")
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def _first(each: Judged) -> float:
    """The first player's win rate after a move."""
    return each.win_rate if each.player == 0 else 1.0 - each.win_rate


def graph(judged: Sequence[Judged], title: str) -> str:
    """The first player's win rate over the game as an SVG picture; marked moves are dots."""
    width, height, left, top = 900, 260, 44, 28
    across, down = width - left - 16, height - top - 34
    count = max(1, len(judged))

    def x(number: int) -> float:
        return left + across * number / count

    def y(rate: float) -> float:
        return top + down * (1.0 - rate)

    points = " ".join(f"{x(each.number):.1f},{y(_first(each)):.1f}" for each in judged)
    dots = "".join(
        f'<circle cx="{x(each.number):.1f}" cy="{y(_first(each)):.1f}" r="4" fill="{COLOURS[each.mark]}">'
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
        f'{grid}{ticks}<polyline points="{points}" fill="none" stroke="{LINE}" stroke-width="2"/>{dots}</svg>\n'
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
