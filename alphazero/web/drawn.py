"""Parts of a page that are drawn again only where what they show has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alphazero.errors import one_line
from alphazero.web.html import Html, tag
from alphazero.web.live import Update


class Drawn:
    """What each part of an open page was last drawn from."""

    def __init__(self) -> None:
        self._from: dict[str, Sequence[object]] = {}

    def changed(self, name: str, drawn_from: Sequence[object]) -> bool:
        """Whether a part is to be drawn; it counts as drawn from now on."""
        before = self._from.get(name)
        if before is not None and len(before) == len(drawn_from) and all(map(_same, before, drawn_from)):
            return False
        self._from[name] = drawn_from
        return True

    def forget(self, name: str) -> None:
        """The part is drawn again, whatever it is drawn from."""
        self._from.pop(name, None)

    def part(self, update: Update, name: str, drawn_from: Sequence[object], draw: Callable[[], Html]) -> None:
        """Draws a part into the update, where it has changed."""
        if self.changed(name, drawn_from):
            update.parts[name] = safely(draw)


def _same(one: object, other: object) -> bool:
    """Whether two things look alike. A game of the core is only compared with games."""
    return one is other or (type(one) is type(other) and one == other)


def safely(draw: Callable[[], Html]) -> Html:
    """A part of the page; a line that says why where it cannot be drawn. The other parts are not concerned."""
    try:
        return draw()
    except Exception as error:  # what is drawn was written by others
        return tag("p", f"this cannot be shown: {one_line(str(error))[:300]}", class_="warnings")
