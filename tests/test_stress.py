"""The core on several threads, driven from C++: what a consumer as fast as C++ brings to light, Python's never would."""

from __future__ import annotations

from cpp_program import runs_clean


def test_rules_searches_and_pools_hold_under_load_whatever_the_number_of_threads(tmp_path):
    runs_clean("stress", tmp_path, 300)
