"""Games as files, from loose words: what tests write and read back."""

from __future__ import annotations

from alphazero.formats.game_text import GameText


def text_of(write, moves, *, white, black, value, minishogi=False, chess960=False, **about) -> str:
    """What `write` makes of a game; white is the first player."""
    game = GameText(white, black, moves=moves, value=value, **about)
    if minishogi:
        game.game = "minishogi"
    return write(game, chess960=True) if chess960 else write(game)


# Games that are annotated, with comments and variations.
SGF = "(;GM[1]FF[4]CA[UTF-8]SZ[5]KM[0.5]PB[A]PW[B]C[a game](;B[cc]C[good \\] move];W[bb](;B[dd];W[bd])(;B[aa]C[other]))(;B[ee]))"
PGN = """[Event "x"]
[White "A <b>"]
[Black "B"]
[Result "0-1"]

1. f3 {weak} e5 2. g4 (2. e4 Nc6) 2... Qh4# 0-1

"""
KIF = """# KIF version=2.0
手合割：平手
先手：A
後手：B
手数----指手---------消費時間--
   1 ７六歩(77)   ( 0:01/00:00:01)
*comment
   2 ３四歩(33)   ( 0:01/00:00:01)
   3 投了

変化：2手
   2 ８四歩(83)
"""
CSA = "V2.2\nN+A\nN-B\nPI\n+\n+7776FU\nT1\n-3334FU\nT2\n%TORYO\n"
