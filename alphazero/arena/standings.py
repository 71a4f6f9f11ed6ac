"""The table of ratings as text: at the end of `elo` and `tournament`, and live while games are played."""

from __future__ import annotations

from alphazero.arena.ratings import Ratings
from alphazero.text import LONGEST_NAME, clean


def _short(name: str) -> str:
    return clean(name, LONGEST_NAME)


def standings(rated: Ratings, intervals: dict[str, tuple[float, float]] | None = None) -> str:
    """Players with ratings, strongest first. intervals: more 95 % bounds to show beside them (the bootstrap's)."""
    width = max(6, *(len(_short(player.name)) for player in rated.players))
    more = f"  {'bootstrap':>15}" if intervals is not None else ""
    lines = [f"{'player':<{width}}  {'Elo':>6}  {'95 %':>15}{more}  {'games':>6}  {'score':>6}  better than the next"]
    for player, below in zip(rated.players, [*rated.players[1:], None], strict=True):
        los = f"{rated.los(player.name, below.name):.1%}" if below else ""
        bounds = f"[{player.low:.0f}, {player.high:.0f}]"
        if intervals is not None:
            low, high = intervals.get(player.name, (float("nan"), float("nan")))
            more = f"  {f'[{low:.0f}, {high:.0f}]':>15}"
        lines.append(
            f"{_short(player.name):<{width}}  {player.elo:6.0f}  {bounds:>15}{more}  {player.games:6}  {player.score:6.1%}  {los:>8}".rstrip()
        )
    return "\n".join(lines)


def advantage(rated: Ratings) -> str:
    """What the ratings were fitted with, in a line."""
    return (
        f"{rated.model}; anchor {_short(rated.anchor)}; moving first is worth {rated.first_advantage:+.0f} Elo "
        f"[{rated.first_low:+.0f}, {rated.first_high:+.0f}]"
    )


def los_table(rated: Ratings) -> str:
    """Likelihoods of superiority in percent: the row's player over the column's."""
    names = [_short(player.name) for player in rated.players]
    width = max(len(name) for name in names)
    cell = max(5, *(len(name) for name in names))
    lines = [" " * width + "".join(f"  {name:>{cell}}" for name in names)]
    for i, (name, row) in enumerate(zip(names, rated.los_matrix(), strict=True)):
        cells = "".join(f"  {'' if i == j else f'{100 * value:.1f}':>{cell}}" for j, value in enumerate(row))
        lines.append(f"{name:<{width}}{cells}".rstrip())
    return "\n".join(lines)
