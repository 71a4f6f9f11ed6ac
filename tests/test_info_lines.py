"""`info` lines of UCI and USI engines: the first line's exact scores count, whatever else is said breaks nothing."""

from __future__ import annotations

import pytest

from alphazero.protocols.info import WON, Info

SAID = Info(31.0, None, 7, 100)


def after(*lines: str) -> Info:
    info = Info()
    for line in ("info depth 7 score cp 31 nodes 100 pv e2e4", *lines):
        info.read(line)
    return info


@pytest.mark.parametrize(
    "line",
    [
        "info depth 7 multipv 10 score cp -900 pv a2a3",
        "info multipv 2 depth 9 score mate -3",
        "info depth 9 score cp -900 multipv 3 pv a2a3",  # in any order
        "info multipv x score cp -900",
        "info multipv 0 score cp -900",
        "info multipv ² score cp -900",
        "info string multipv 1 score cp -900 depth 50 nodes 1",
        "info string score mate -1",
        "info depth 9 score cp -900 lowerbound",
        "info depth 9 score cp -900 upperbound pv a2a3",
        "info depth 9 score upperbound cp -900",
        "info depth 9 score mate -2 lowerbound",
        "bestmove e2e4 score cp -900",
        "string info score cp -900",
    ],
)
def test_other_lines_bounds_and_text_leave_the_score_alone(line):
    assert after(line) == SAID


@pytest.mark.parametrize(
    "words",
    [
        "cp inf", "cp -inf", "cp nan", "cp", "cp x", "cp ²", "cp ٣", "cp 1e9", "cp 0x10", "cp 1_000", "cp --5", "cp +", "cp 5 5".replace("5 5", ""),
        "cp " + "9" * 5000, "mate", "mate x", "mate ²", "mate 1.5", "mate " + "9" * 5000, "mate 999999999", "mate -1_0", "", "wdl 1 2 3",
    ],
)  # fmt: skip
def test_scores_that_cannot_be_read_say_nothing(words):
    assert after(f"info score {words}") == SAID


@pytest.mark.parametrize("number", ["²", "-3", "x", "", "1.5", "9" * 5000, "٣", "1_0"])
@pytest.mark.parametrize("field", ["depth", "nodes"])
def test_numbers_that_cannot_be_read_say_nothing(field, number):
    assert after(f"info {field} {number}") == SAID


def test_the_last_exact_score_counts_with_its_depth():
    assert after("info depth 8 multipv 1 score cp -12 nodes 300") == Info(-12.0, None, 8, 300)
    assert after("info nodes 400 score cp 5.5") == Info(5.5, None, 7, 400)
    assert after("info depth 8 score cp 5 wdl 300 400 300 pv e2e4").value == 5
    assert after("info string x", "info depth 9 score cp -1 string score cp 900").value == -1


@pytest.mark.parametrize(
    ("word", "value", "mate"),
    [("3", None, 3), ("-3", None, -3), ("+3", None, 3), ("0", None, 0), ("-0", None, 0), ("+", WON, None), ("-", -WON, None), ("+0", WON, None)],
)  # fmt: skip
def test_mates_are_read_with_and_without_a_length(word, value, mate):
    info = after(f"info depth 9 score mate {word} pv 7g7f")
    assert (info.value, info.mate) == (value, mate)
