"""Inputs that are nearly right: seeds of a format, cut, spliced and spoilt word by word. The same seed gives the same inputs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

# Letters and digits together, a character of UTF-8 as a whole, a run of blanks, else a byte.
WORD = re.compile(rb"[A-Za-z0-9_]+|[\xc2-\xf4][\x80-\xbf]{1,3}|[ \t]+|.", re.DOTALL)
NUMBER = re.compile(rb"[0-9]+")
LONGEST = 20_000  # bytes of an input

# What readers of any format stumble over.
NUMBERS = (
    *(b"0", b"-1", b"1", b"-0", b"007", b"19", b"255", b"256", b"65535", b"65536", b"2147483648", b"4294967296"),
    *(b"9223372036854775808", b"18446744073709551616", b"9" * 400, b"1e999", b"-1e999", b"1e-999", b"nan", b"inf"),
    *(b"0x10", b"1_000", b"1.5", b".", b"+1", b"\xd9\xa3", b"\xc2\xb2", b"\xef\xbc\x93"),
)
ODD = (
    *(
        b"",
        b" ",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\x0b",
        b"\x0c",
        b"\x1b[31m",
        b"\x7f",
        b"\x85",
        b"\xff",
        b"\xfe",
    ),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xe2\x80\xae",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
    ),
    *(
        b"\\",
        b"'",
        b'"',
        b"(",
        b")",
        b"[",
        b"]",
        b"{",
        b"}",
        b"<",
        b">",
        b";",
        b":",
        b",",
        b"=",
        b"/",
        b"#",
        b"%s",
        b"{0}",
    ),
    *(
        b"null",
        b"true",
        b"[]",
        b"{}",
        b"~",
        b"-",
        b"--",
        b"*",
        b"&a",
        b"*a",
        b"!!python/none",
        b"2001-02-30",
        b"a" * 3000,
    ),
)


class Mutator:
    """Makes inputs from a growing pool, which begins with the seeds. Their words are the format's dictionary."""

    def __init__(self, seeds: Sequence[bytes], seed: int, build: Callable[[random.Random], bytes] | None = None):
        self.random = random.Random(seed)
        self.pool = list(seeds) or [b""]
        self.build = build  # makes a new right input, where a format has such a builder
        words = {word for each in seeds for word in WORD.findall(each)}
        lines = {line for each in seeds for line in each.split(b"\n")}
        self.words = sorted(word for word in words if len(word) < 100)
        self.lines = sorted(lines)

    def keep(self, data: bytes) -> None:
        """An input that showed something new is varied further."""
        if len(self.pool) < 5000:
            self.pool.append(data)

    def input(self) -> bytes:
        """The next input; now and then a seed as it is, mostly one with one to eight changes."""
        if self.build is not None and self.random.random() < 0.3:
            data = self.build(self.random)
        else:
            data = self.random.choice(self.pool)
        return self.spoil(data)

    def spoil(self, data: bytes) -> bytes:
        draw = self.random
        for _ in range(min(draw.randrange(9), draw.randrange(9))):
            data = draw.choice(self.CHANGES)(self, data)[:LONGEST]
        return data

    def _word(self) -> bytes:
        draw = self.random
        kind = draw.random()
        if kind < 0.6 and self.words:
            return draw.choice(self.words)
        return draw.choice(NUMBERS) if kind < 0.75 else draw.choice(ODD)

    def _range(self, length: int) -> tuple[int, int]:
        begin = self.random.randrange(length + 1)
        return begin, min(length, begin + int(self.random.expovariate(0.3)) + 1)

    # --- changes ---

    def _replace(self, data: bytes) -> bytes:
        words = WORD.findall(data)
        if words:
            words[self.random.randrange(len(words))] = self._word()
        return b"".join(words)

    def _insert(self, data: bytes) -> bytes:
        words = WORD.findall(data)
        words.insert(self.random.randrange(len(words) + 1), self._word())
        return b"".join(words)

    def _delete(self, data: bytes) -> bytes:
        words = WORD.findall(data)
        begin, end = self._range(len(words))
        return b"".join(words[:begin] + words[end:])

    def _repeat(self, data: bytes) -> bytes:
        words = WORD.findall(data)
        begin, end = self._range(len(words))
        times = self.random.choice((2, 2, 2, 3, 10, 300))
        return b"".join(words[:begin] + words[begin:end] * times + words[end:])

    def _number(self, data: bytes) -> bytes:
        places = list(NUMBER.finditer(data))
        if not places:
            return self._insert(data)
        place = self.random.choice(places)
        near = str(int(place[0][:18]) + self.random.choice((-1, 1))).encode()
        new = near if self.random.random() < 0.4 else self.random.choice(NUMBERS)
        return data[: place.start()] + new + data[place.end() :]

    def _lines(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        at = self.random.randrange(len(lines))
        kind = self.random.randrange(5)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(self.random.randrange(len(lines) + 1), lines[at])
        elif kind == 2:
            other = self.random.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3 and self.lines:
            lines.insert(at, self.random.choice(self.lines))
        else:
            lines = lines[:at] + self.random.choice(self.pool).split(b"\n")[at:]
        return b"\n".join(lines)

    def _splice(self, data: bytes) -> bytes:
        other = self.random.choice(self.pool)
        return data[: self.random.randrange(len(data) + 1)] + other[self.random.randrange(len(other) + 1) :]

    def _byte(self, data: bytes) -> bytes:
        if not data:
            return bytes([self.random.randrange(256)])
        at = self.random.randrange(len(data))
        new = self.random.choice((data[at] ^ (1 << self.random.randrange(8)), self.random.randrange(256)))
        return data[:at] + bytes([new]) + data[at + 1 :]

    def _cut(self, data: bytes) -> bytes:
        return data[: self.random.randrange(len(data) + 1)]

    def _nest(self, data: bytes) -> bytes:
        opening, closing = self.random.choice(
            ((b"(", b")"), (b"[", b"]"), (b"{", b"}"), (b"(;", b")"), (b"- ", b""), (b'"', b'"'))
        )
        at = self.random.randrange(len(data) + 1)
        depth = self.random.choice((1, 2, 50, 1200, 5000))
        return data[:at] + opening * depth + (closing * depth if self.random.random() < 0.5 else b"") + data[at:]

    CHANGES = (
        *(_replace, _replace, _replace, _insert, _insert, _delete, _delete, _repeat),
        *(_number, _number, _lines, _lines, _splice, _byte, _cut, _nest),
    )
