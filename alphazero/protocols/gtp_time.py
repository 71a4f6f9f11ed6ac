"""Time settings of GTP: what time_settings, kgs-time_settings and kata-time_settings say, made a clock; None: no limit."""

from __future__ import annotations

import math
import re

from alphazero.protocols.clock import Clock
from alphazero.protocols.gtp_words import GtpError, need, number_of, seconds_of

TIME_SYSTEMS = {  # of kata-time_settings, with the number of values that follow
    "none": 0,
    "absolute": 1,
    "byoyomi": 3,
    "canadian": 3,
    "fischer": 2,
    "fischer-capped": 4,
}


def by_specification(arguments: list[str]) -> Clock | None:
    """MAIN PERIOD MOVES. No limit: the specification's way, and the usual one."""
    need(arguments, 3)
    main, period = (seconds_of(word) for word in arguments[:2])
    moves = number_of(arguments[2:])
    if (moves == 0 and period > 0) or main == period == 0:
        return None
    return Clock.overtime(main, period, moves)


def by_kgs(arguments: list[str]) -> Clock | None:
    """KGS's: none, absolute, byoyomi (Japanese; time_left then counts periods) or canadian."""
    if arguments and arguments[0].lower().startswith("fischer"):
        raise GtpError("syntax error")
    return by_kata(arguments)


def by_kata(arguments: list[str]) -> Clock | None:
    """KataGo's: KGS's and fischer MAIN INCREMENT, fischer-capped MAIN INCREMENT MOST_MAIN MOST_A_MOVE (-1: no cap)."""
    need(arguments, 1)
    system, values = arguments[0].lower(), arguments[1:]
    if len(values) != TIME_SYSTEMS.get(system):
        raise GtpError("syntax error")
    if system == "none":
        return None
    main = seconds_of(values[0])
    if system in ("byoyomi", "canadian"):
        period, count = seconds_of(values[1]), number_of(values[2:])
        if system == "canadian" and count == 0:
            raise GtpError("syntax error")
        return Clock.overtime(main, period, min(count, 1) if system == "byoyomi" else count)
    if system == "absolute":
        return Clock(main)
    caps = [math.inf if re.fullmatch(r"-[0-9.]+", word) else seconds_of(word) for word in values[2:]]
    most_main, most_move = caps or (math.inf, math.inf)
    if most_main < main:
        raise GtpError("syntax error")
    increment = seconds_of(values[1])
    return Clock(main, increment_seconds=increment, most_main_seconds=most_main, most_move_seconds=most_move)
