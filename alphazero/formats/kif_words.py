"""The words of KIF: pieces, start positions that have names, and how games end."""

from __future__ import annotations

from alphazero.formats.shogi import MINISHOGI_START, START

NAMES = {"P": "歩", "L": "香", "N": "桂", "S": "銀", "G": "金", "B": "角", "R": "飛", "K": "玉"}
PROMOTED = {"P": "と", "L": "成香", "N": "成桂", "S": "成銀", "B": "馬", "R": "龍"}
IN_DIAGRAM = {**PROMOTED, "L": "杏", "N": "圭", "S": "全"}  # one character a piece
PIECES = (
    {name: piece for piece, name in NAMES.items()}
    | {name: f"+{piece}" for names in (PROMOTED, IN_DIAGRAM) for piece, name in names.items()}
    | {"王": "K", "竜": "+R", "飛車": "R", "角行": "B", "香車": "L", "桂馬": "N", "銀将": "S", "金将": "G", "歩兵": "P"}
)
_OTHER = "9/PPPPPPPPP/1B5R1/LNSGKGSNL w - 1"
_PAWNS = f"ppppppppp/9/9/{_OTHER}"
# The start positions that have names. In a handicap game Gote (上手) gives pieces and moves first.
HANDICAPS = {
    "平手": START,
    "香落ち": f"lnsgkgsn1/1r5b1/{_PAWNS}",
    "右香落ち": f"1nsgkgsnl/1r5b1/{_PAWNS}",
    "角落ち": f"lnsgkgsnl/1r7/{_PAWNS}",
    "飛車落ち": f"lnsgkgsnl/7b1/{_PAWNS}",
    "飛香落ち": f"lnsgkgsn1/7b1/{_PAWNS}",
    "二枚落ち": f"lnsgkgsnl/9/{_PAWNS}",
    "三枚落ち": f"lnsgkgsn1/9/{_PAWNS}",
    "四枚落ち": f"1nsgkgsn1/9/{_PAWNS}",
    "五枚落ち": f"2sgkgsn1/9/{_PAWNS}",
    "左五枚落ち": f"1nsgkgs2/9/{_PAWNS}",
    "六枚落ち": f"2sgkgs2/9/{_PAWNS}",
    "七枚落ち": f"2sgkg3/9/{_PAWNS}",
    "左七枚落ち": f"3gkgs2/9/{_PAWNS}",
    "八枚落ち": f"3gkg3/9/{_PAWNS}",
    "十枚落ち": f"4k4/9/{_PAWNS}",
    "5五将棋": MINISHOGI_START,  # as lishogi writes it
}
# The word in the place of a last move, for the side to move: what became of it, our reason, and the words that mean it.
ENDINGS = {
    "投了": ("loss", "resignation"),
    "詰み": ("loss", "checkmate"),
    "切れ負け": ("loss", "time_forfeit"),
    "時間切れ": ("loss", "time_forfeit"),
    "反則負け": ("loss", "illegal_move"),
    "反則勝ち": ("win", "illegal_move"),
    "入玉勝ち": ("win", "declaration"),
    "入玉宣言": ("win", "declaration"),
    "宣言勝ち": ("win", "declaration"),
    "不戦敗": ("loss", "forfeit"),
    "不戦勝": ("win", "forfeit"),
    "不詰": ("", "unfinished"),
    "千日手": ("draw", "repetition"),
    "持将棋": ("draw", "impasse"),
    "引き分け": ("draw", "agreement"),
    "引分": ("draw", "agreement"),
    "中断": ("", "unfinished"),
}
LOST = {
    "checkmate": "詰み",
    "resignation": "投了",
    "resign": "投了",
    "time_forfeit": "切れ負け",
    "illegal_move": "反則負け",
    "perpetual_check": "反則負け",
}
DRAWN = {"repetition": "千日手", "max_plies": "持将棋", "impasse": "持将棋"}
