"""Games as files, from loose words: what tests write and read back."""

from __future__ import annotations

from alphazero.formats.game_text import GameText


def text_of(write, moves, *, white, black, value, minishogi=False, chess960=False, **about) -> str:
    """What `write` makes of a game; white is the first player."""
    game = GameText(white, black, moves=moves, value=value, **about)
    if minishogi:
        game.game = "minishogi"
    return write(game, chess960=True) if chess960 else write(game)
