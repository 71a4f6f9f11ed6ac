"""Words of others on one line: no control characters, not too many of them."""

from __future__ import annotations

import time

import pytest

from alphazero.text import clean, is_clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Stockfish 16", "Stockfish 16"),
        ("技巧 2", "技巧 2"),
        ("a\nb\r\nc\td", "a b c d"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("a\x00\x07\x7f\x9bb", "ab"),
        ("left\u202eright\u200b", "leftright"),
        ("half \ud83d", "half"),
        ("  a   b ", "a b"),
        ("", ""),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_a_line_is_cleaned(text, cleaned):
    assert clean(text) == cleaned
    assert is_clean(cleaned) and is_clean(text) == (text == cleaned or len(text) == 300)


def test_a_hundred_megabytes_are_cut_at_once():
    text = "\x1b" * 1000 + "x" * 100_000_000
    begin = time.process_time()
    assert clean(text) == "..." and len(clean(text[1000:])) == 200
    assert time.process_time() - begin < 1  # 100 million characters looked at one by one take ten
