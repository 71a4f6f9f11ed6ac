"""What kind of file a game's bytes are, where no name says it."""

from __future__ import annotations

import re

HEAD = 4000  # bytes that are looked at
PGN_TAG = re.compile(rb'^\s*\[\s*\w+\s+"', re.MULTILINE)
PGN_MOVES = re.compile(rb"\s*(\{[^}]*\}\s*)?1\s?\.\s*\S")
CSA = re.compile(rb"^(PI|P1|V2|\$EVENT|N\+|'CSA)", re.MULTILINE)
KIF = ("手合割", "手数", "先手：", "後手：", "開始日時", "# ----")


def kind_of(data: bytes) -> str:
    """ "sgf", "pgn", "csa" or "kif"; "" for what looks like none of them."""
    head = data[:HEAD].removeprefix(b"\xef\xbb\xbf")
    if re.match(rb"[^A-Za-z]{0,64}\(\s*;", head):
        return "sgf"
    if PGN_TAG.search(head) or PGN_MOVES.match(head):
        return "pgn"
    if CSA.search(head):
        return "csa"
    if any(word.encode(codec) in head for word in KIF for codec in ("utf-8", "cp932")) or head.startswith(b"#KIF"):
        return "kif"
    return "sgf" if re.search(rb"\(\s*;", head) else ""  # below the text that a mail or a web page puts before it
