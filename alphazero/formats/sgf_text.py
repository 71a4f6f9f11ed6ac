"""The bytes of an SGF file as tokens and text: which encoding they are in, and where a value ends in each.

SGF is ASCII around values in an encoding that CA names, or nobody does. In Shift_JIS, Big5 and GB18030 the second byte of a
character may be `\\` or `]`, which here end or escape nothing. Moves are found even where the encoding is not.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

# Sloppy names and the widest codec of their family: letters and digits only, in lower case.
WIDEST = {
    "gb18030": (
        "gb",
        "gb2312",
        "gb231280",
        "gbk",
        "cp936",
        "ms936",
        "windows936",
        "euccn",
        "eucgb",
        "gb18030",
        "gb18030utf8",
    ),
    "cp932": (
        "shiftjis",
        "sjis",
        "mskanji",
        "cp932",
        "ms932",
        "windows31j",
        "windows932",
        "shiftjis2004",
        "shiftjisx0213",
    ),
    "cp949": ("euckr", "ksc5601", "ksc56011987", "ksx1001", "cp949", "ms949", "uhc", "windows949"),
    "big5hkscs": ("big5", "cnbig5", "cp950", "ms950", "windows950", "big5hkscs", "big5eten"),
    "euc_jp": ("eucjp", "ujis"),
    "iso2022_jp_ext": ("iso2022jp", "jis", "csiso2022jp"),
    "utf-8": ("utf8", "utf8n", "utf8sig", "utf8bom", "unicode", "unicode11utf8"),
}
ALIASES = {alias: codec for codec, aliases in WIDEST.items() for alias in aliases}
NOT_TEXT = {
    "idna",
    "punycode",
    "undefined",
    "unicode-escape",
    "raw-unicode-escape",
    "unicode_escape",
    "raw_unicode_escape",
}
ANY_LEAD = rb"\x81-\xfe"  # first bytes of characters whose second byte may be ASCII, in most encodings
SHIFT_JIS_LEAD = rb"\x81-\x9f\xe0-\xfc"  # the others are whole characters, half as wide
SHIFTED = re.compile(rb"\x1b\$[@AB(]")  # ISO-2022-JP's change to two-byte characters
# What may follow the end of a value. It tells a `]` that ends one from one that is half a character.
NAME = rb"[A-Za-z][A-Za-z0-9_]*"
NEXT = rb"[\s\0]*(?:\Z|;[\s\0]*(?:NAME[\s\0]*\[|[;()]|\Z)|\)[\s\0]*(?:\Z|[;()])|\([\s\0]*;|\[[A-Za-z]{2}[\]:]|NAME[\s\0]*\[)"
NEXT = NEXT.replace(b"NAME", NAME)
# After a first byte: a second one, but not a `]` that ends the value. Of `\`, as many as follow: they may be half a character,
# what a writer of bytes puts before it, and an escape.
SECOND = rb"(?:\\+(?:\](?!" + NEXT + rb"))?|(?=\]" + NEXT + rb")|[^\\]|\Z)"
TOKEN = re.compile(rb"[\s\0]*(?:([();])|(" + NAME + rb")|(\[)|([^\s\0]))")
PLAIN_VALUE = re.compile(rb"[^\]\\]*(?:\\.[^\]\\]*)*", re.DOTALL)


def value_pattern(leads: bytes) -> re.Pattern[bytes]:
    """What stands between the brackets of a value, in an encoding with these first bytes."""
    rest = rb"[^\]\\" + leads + rb"]*"
    return re.compile(rest + rb"(?:(?:\\.|[" + leads + rb"]" + SECOND + rb")" + rest + rb")*", re.DOTALL)


ANY_VALUE, SHIFT_JIS_VALUE = value_pattern(ANY_LEAD), value_pattern(SHIFT_JIS_LEAD)


class Token(NamedTuple):
    """kind: `(`, `)`, `;`, "name", "value", "cut" (a value that the end of the file cuts off) or "junk"."""

    kind: str
    content: bytes
    at: int


@dataclass
class Source:
    """A file's bytes with the encoding of its values: a codec, or "" where that has to be guessed."""

    data: bytes
    codec: str
    warning: str = ""

    def tokens(self, at: int = 0) -> Iterator[Token]:
        """All tokens from an offset on."""
        value = PLAIN_VALUE if self.codec == "utf-8" else ANY_VALUE
        if self.codec == "cp932" or self.codec.startswith("shift_jis"):
            value = SHIFT_JIS_VALUE
        data = self.data
        while (match := TOKEN.match(data, at)) is not None:
            at = match.end()
            mark, name, bracket, junk = match.groups()
            if bracket is not None:
                inside = value.match(data, at)
                assert inside is not None  # it matches nothing, too
                at = inside.end()
                whole = data[at : at + 1] == b"]"
                yield Token("value" if whole else "cut", inside[0], inside.start())
                at = at + 1 if whole else len(data)
            elif mark is not None:
                yield Token(mark.decode(), mark, at - 1)
            else:
                yield Token("name" if name is not None else "junk", name or junk, at - len(name or junk))

    def text(self, content: bytes) -> str:
        """A value's text, without its escapes. Bytes that are no text become U+FFFD."""
        if content.isascii():
            text = content.decode("ascii")
        else:
            for codec in (self.codec, "utf-8"):
                try:
                    text = content.decode(codec)
                    break
                except (UnicodeError, LookupError):
                    continue
            else:
                text = content.decode(self.codec or "latin-1", "replace")
        if "\\" not in text:
            return text
        # An escaped line break is no character, nor is a last backslash that its character lost.
        text = re.sub(r"\\(?:\r\n|\n\r|\n|\r|\Z)", "", text)
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def source(data: str | bytes) -> Source:
    """What a file or a game holds, with its encoding: a BOM tells it, else CA, else UTF-8 that is well-formed, else a guess."""
    if isinstance(data, str):
        return Source(data.removeprefix("\ufeff").encode("utf-8", "replace"), "utf-8")
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _told(data.removeprefix(mark), "utf-8") if codec == "utf-8" else _decoded(data, codec)
    if re.search(rb"\0\(\0[\s\0]*;|\A\(\0[\s\0]*;", data[:4096]):
        return _decoded(data, "utf-16-le" if data[:1] != b"\0" else "utf-16-be")
    named = _charset(data)
    if not named:
        return _guessed(data)
    codec = codec_of(named)
    if not codec:
        return _guessed(data, f"CA[{named}] is no encoding that is known here")
    if codec.startswith(("iso2022", "hz", "utf-7")):
        return _decoded(data, codec)
    return _told(data, codec)


def codec_of(name: str) -> str:
    """The codec of an encoding's name as files spell it; "" for none that keeps SGF's ASCII."""
    squeezed = re.sub(r"[^a-z0-9]", "", name.lower())
    for spelt in (squeezed, squeezed.removeprefix("x"), squeezed.removeprefix("cs")):
        if spelt in ALIASES:
            return ALIASES[spelt]
    try:
        codec = codecs.lookup(name.strip().replace(" ", "-"))
        ascii_too = codec.decode(b"(;SZ[9]\\)")[0] == "(;SZ[9]\\)"
    except (LookupError, ValueError, AttributeError, TypeError):  # no such codec, or one of bytes
        return ""
    except Exception:  # codecs of bytes to bytes have errors of their own (zlib.error, binascii.Error)
        return ""
    return codec.name if ascii_too and codec.name not in NOT_TEXT else ""


def _charset(data: bytes) -> str:
    """CA of the first node; "" for none."""
    name, nodes = b"", 0
    for token in Source(data, "").tokens(begin(data)):
        if token.kind == "name":
            name = token.content
        elif token.kind == "value" and name == b"CA":
            return token.content.decode("ascii", "replace").strip()
        elif token.kind == ";":
            nodes += 1
            if nodes > 1:
                break
    return ""


def _decoded(data: bytes, codec: str) -> Source:
    """A file whose encoding is not ASCII around values, or has states, as UTF-8."""
    return Source(data.decode(codec, "replace").removeprefix("\ufeff").encode("utf-8", "replace"), "utf-8")


def _told(data: bytes, codec: str) -> Source:
    """A file that names its encoding, which it may do wrongly: many are saved anew in another."""
    if data.isascii():
        return Source(data, codec)
    if _fits(data, "utf-8"):
        if codec == "utf-8":
            return Source(data, codec)
        # By chance short names may be both, but no text that is plausible in another encoding has such bytes.
        alone = codec not in WIDEST or not _fits(data, codec)
        if alone or re.search(rb"[\xe0-\xef][\x80-\xbf]{2}", data):
            return Source(data, "utf-8", f"the file is UTF-8, not {codec} as its CA says")
    elif codec == "utf-8":
        return _guessed(data, "not all of the file is UTF-8")
    return Source(data, codec, "" if _fits(data, codec) else f"not all of the file is {codec}, as its CA says")


def _fits(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeError:
        return False
    return True


def _guessed(data: bytes, warning: str = "") -> Source:
    if data.isascii() and SHIFTED.search(data):
        return _decoded(data, "iso2022_jp_ext")
    if _fits(data, "utf-8"):
        return Source(data, "utf-8", warning)
    codec = guess(data)
    guessed = f"the file's encoding is a guess: {codec}"
    return Source(data, codec, f"{warning}; {guessed}" if warning else guessed)


TWO = rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x80-\xff]"
# Codec: its characters beyond ASCII, and those of them that a page of its language mostly consists of.
USUAL = {
    "gb18030": (TWO, rb"[\xb0-\xd7][\xa1-\xfe]|[\xa1\xa3][\xa1-\xfe]"),
    "cp949": (TWO, rb"[\xb0-\xc8][\xa1-\xfe]|[\xa1\xa3][\xa1-\xfe]"),
    "euc_jp": (TWO, rb"[\xb0-\xcf][\xa1-\xfe]|[\xa1\xa3-\xa5][\xa1-\xfe]"),
    "big5hkscs": (TWO, rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]|\xa1[\x40-\x7e\xa1-\xfe]"),
    "cp932": (
        rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\x80-\xff]",
        rb"[\x81\x88-\x97][\x40-\x7e\x80-\xfc]|\x82[\x4f-\x9a\x9f-\xf1]|\x83[\x40-\x96]",
    ),
}
SAMPLE = 10_000  # bytes
ENOUGH = 6  # characters: Chinese text of so many has one beyond the range of Hangul


def guess(data: bytes) -> str:
    """The encoding that a text not in UTF-8 most probably has, by the characters that are usual in it."""
    if not re.search(rb"[\x80-\xff]{2}|[\x80-\x9f]", data):
        return "latin-1"  # single letters between ASCII's
    best, best_share = "latin-1", 0.5
    sample = b"".join(re.findall(rb"[\x80-\xff][\x40-\xff]*", data))[:SAMPLE]
    for codec, (character, usual) in USUAL.items():
        found = re.findall(character, sample)
        if codec == "cp949" and len(found) < ENOUGH:
            continue
        share = sum(re.fullmatch(usual, one) is not None for one in found) / len(found)
        # Hangul's range lies within the Chinese one: where all is in it, it is Hangul.
        if share > best_share or (codec == "cp949" and share == best_share):
            best, best_share = codec, share
    return best


def begin(data: bytes) -> int:
    """Where the first game begins, past the text that a mail or a web page puts before it; -1 for no game."""
    for pattern in (
        rb"\([\s\0]*;",
        rb"\([\s\0]*[A-Z][A-Za-z]*[\s\0]*\[",
        rb"\A[\s\0]*;[\s\0]*[A-Za-z]+[\s\0]*\[",
        rb"\(",
    ):
        if (match := re.search(pattern, data)) is not None:
            return match.start()
    return -1
