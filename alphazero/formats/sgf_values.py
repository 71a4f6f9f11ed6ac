"""The values of SGF's properties: sizes, komi and points, as files have them and as Go's other formats do."""

from __future__ import annotations

import re
import unicodedata

from alphazero.errors import UserError

LETTERS = "abcdefghijklmnopqrstuvwxyz"
COLUMNS = "ABCDEFGHJKLMNOPQRST"  # of a vertex: no I


def size_of(text: str, where: str) -> int:
    """SZ as a number; UserError for what is no square board of 2 to 19."""
    match = re.fullmatch(
        r"([0-9]{1,9})\s*(?:路|[:xX*×,]\s*([0-9]{1,9}))?", unicodedata.normalize("NFKC", text).strip("\0 ")
    )
    if text.strip("\0 ") == "":
        return 19
    if match is None:
        raise UserError(f"{where}: SZ must be a number, 2 to 19, got '{text}'")
    if match[2] and int(match[2]) != int(match[1]):
        raise UserError(f"{where}: SZ[{text}] is no square board; SZ must be 2 to 19")
    if not 2 <= int(match[1]) <= 19:
        raise UserError(f"{where}: SZ must be 2 to 19, got {int(match[1])}")
    return int(match[1])


PARTS = {
    "½": " 1/2",
    "¼": " 1/4",
    "¾": " 3/4",
    "半": " 1/2",
    "四分之三": " 3/4",
    "四分之一": " 1/4",
    "−": "-",
    "﹣": "-",
}
NUMERALS = str.maketrans("零一二三四五六七八九两兩", "012345678922")
MOST_KOMI = 400
KOMI = re.compile(
    r"([^0-9.,+-]*)([+-]?\s*(?:[0-9]{1,9}(?:[.,][0-9]*)?|[.,][0-9]+)?)\s*(?:(?:又|と|and)?\s*([1-9])\s*/\s*([24]))?([^0-9]*)"
)


def komi_of(text: str, literally: bool = False) -> tuple[float | None, str]:
    """KM as points, None where it is no number; and a warning where that is not what is written.

    Fox writes hundredths of points (650), or of stones (375), of which each counts two points; gokifu and others write stones
    with their quarters (3.75). No rules have a komi of quarter points. literally: the number is points, whatever it is.
    """
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:40]
    plain = text
    for part, words in PARTS.items():
        plain = plain.replace(part, words)
    plain = unicodedata.normalize("NFKC", plain).replace("\0", "").strip().replace("目 1/2", " 1/2")
    match = None if re.search("[十百]", plain) else KOMI.fullmatch(plain.translate(NUMERALS))
    digits = re.sub(r"[+\-\s]", "", match[2]) if match is not None else ""
    if match is None or not (digits or match[3]) or re.match(r"[eE]?[.,]", match[5]):
        return None, f"KM[{shown}] is no number" if shown else "KM is empty"
    sign = -1.0 if "-" in match[2] else 1.0
    komi = float(digits.replace(",", ".").rstrip(".") or 0) + (int(match[3]) / int(match[4]) if match[3] else 0)
    if not literally and komi >= 50 and komi % 25 == 0:
        komi /= 100
    if not literally and komi % 0.5 == 0.25:
        komi *= 2
    if komi > MOST_KOMI:
        return None, f"KM[{shown}] is more than a board has points"
    komi = sign * komi + 0.0
    written = re.fullmatch(r"[+-]?[0-9]*\.?[0-9]*", text.strip()) is not None and float(text) == komi
    return komi, "" if written else f"KM[{shown}] is read as {komi:g}"


def vertex_of(point: str, size: int, where: str, warnings: list[str] | None = None) -> str:
    """An SGF point as a GTP vertex; "" and, up to 19x19, "tt" are passes."""
    text = "".join(point.replace("\0", "").split())
    if text == "" or (text == "tt" and size <= 19):
        return "pass"
    if len(text) == 2 and all(c in LETTERS[:size] for c in text):
        return f"{COLUMNS[LETTERS.index(text[0])]}{size - LETTERS.index(text[1])}"
    # Not SGF, but what it means is plain: capitals, "pass", and vertices as people write them.
    read = ""
    if text.lower() in ("pass", "tt"):
        read = "pass"
    elif len(text) == 2 and all(c in LETTERS[:size] for c in text.lower()):
        read = vertex_of(text.lower(), size, where)
    elif re.fullmatch(r"[A-HJ-T][1-9][0-9]?", text) and text[0] in COLUMNS[:size] and int(text[1:]) <= size:
        read = text
    if not read:
        raise UserError(f"{where}: '{text[:20]}' is no point of a {size}x{size} board")
    if warnings is not None:
        warnings.append(f"'{text}' is read as {read}")
    return read


def points(values: list[str], size: int, where: str, warnings: list[str] | None = None) -> list[str]:
    """Vertices of a list of points, rectangles such as "aa:cc" included. What is empty is none."""
    out = []
    for value in values:
        text = "".join(value.replace("\0", "").split())
        first, colon, last = text.partition(":")
        if not colon:
            vertex = vertex_of(text, size, where, warnings)
            if vertex != "pass":
                out.append(vertex)
            elif text and warnings is not None:
                warnings.append(f"'{text}' is no point to set up, and left out")
            continue
        first, last = first.lower(), last.lower()
        if not (len(first) == len(last) == 2 and all(c in LETTERS[:size] for c in first + last)):
            raise UserError(f"{where}: '{text[:20]}' is no rectangle of points of a {size}x{size} board")
        columns, rows = (sorted(LETTERS.index(c) for c in pair) for pair in zip(first, last, strict=True))
        for y in range(rows[0], rows[1] + 1):
            for x in range(columns[0], columns[1] + 1):
                out.append(vertex_of(LETTERS[x] + LETTERS[y], size, where))
    return out


def point_of(vertex: str, size: int) -> str:
    """A GTP vertex as an SGF point."""
    if vertex.lower() == "pass":
        return ""
    return LETTERS[COLUMNS.index(vertex[0].upper())] + LETTERS[size - int(vertex[1:])]


def escape(text: str) -> str:
    """Text as an SGF value."""
    return text.encode("utf-8", "replace").decode().replace("\\", "\\\\").replace("]", "\\]")


# A side named as the winner or loser: by its word at the start, which is not the start of another ("both", "won by ...").
SIDE = re.compile(r"(?:(?P<black>black|b)|(?P<white>white|w))(?=[^a-z]|win|won|los|\Z)|(?P<b>黑|黒|흑)|(?P<w>白|백)")


def folded(said: str) -> str:
    """RE without what its spelling may add: spaces, capitals, wide letters."""
    return "".join(unicodedata.normalize("NFKC", said).split()).lower()


def value_of(said: str) -> int | None:
    """Black's result by RE in any of the languages that real files have: +1, 0, -1; None where it does not say."""
    words = folded(said)
    if words in ("", "?", "void", "unknown", "n/a"):
        return None
    if words in ("0", "d", "0.5-0.5", "1/2-1/2") or re.search(
        "jigo|(?<!with)draw|和棋|和局|持碁|持棋|平局|引き分け|引分|무승부|빅", words
    ):
        return 0
    side = SIDE.match(words)
    lost = any(word in words for word in ("负", "負け", "負", "패", "lose", "losing", "lost"))
    won = any(word in words for word in ("+", "胜", "勝", "승", "win", "won", "杀", "贏", "赢")) or words in ("b", "w")
    if side is not None and won != lost:
        return 1 if bool(side["black"] or side["b"]) == won else -1
    return None
