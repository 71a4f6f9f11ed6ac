"""The time manager: it uses what there is, and never more, however the wire delays and whatever is said of the time left."""

from __future__ import annotations

import random
import time

import pytest

import alphazero as az
from alphazero.player import load
from alphazero.protocols.clock import LEAST_SECONDS, LONGEST_GAME_MOVES, Clock, Lag, Pace, doubt
from alphazero.search import MoveStats, SearchResult

LAG_SECONDS = 0.03  # the longest delay of a move in these tests


def any_clock(rng: random.Random) -> Clock:
    """A time control as people use them, from bullet to an evening's."""
    main = 10 ** rng.uniform(-0.5, 3.5)
    margin = rng.choice([0.03, 0.05, 0.1, 0.5])
    kind = rng.choice(["increment", "moves", "canadian", "japanese", "capped"])
    if kind == "increment":
        return Clock(main, increment_seconds=rng.choice([0.0, 0.01, 0.04, 0.1, 1.0, 30.0]), margin_seconds=margin)
    if kind == "moves":
        moves = rng.randint(1, 60)
        return Clock(main, increment_seconds=rng.choice([0.0, 0.1]), moves_to_go=moves, margin_seconds=margin)
    if kind == "capped":
        most = rng.choice([0.2, 5.0, 60.0])
        return Clock(main, increment_seconds=0.1, margin_seconds=margin, most_main_seconds=main, most_move_seconds=most)
    moves = 1 if kind == "japanese" else rng.randint(2, 30)
    clock = Clock.overtime(rng.choice([0.0, main]), rng.choice([0.1, 1.0, 30.0]) * moves, moves)
    clock.margin_seconds = margin
    return clock


class Controller:
    """The clock as the other end of the wire has it, from the rules of each time control alone."""

    def __init__(self, clock: Clock):
        self.rules = clock
        self.main = clock.main_seconds if clock.moves_left == 0 else 0.0
        self.period, self.stones = clock.byoyomi_seconds, clock.moves_left
        self.to_go = clock.moves_to_go

    @property
    def has(self) -> float:
        """The longest that a move may take."""
        rules = self.rules
        if rules.byoyomi_moves == 0:
            return min(self.main, rules.most_move_seconds)
        return self.main + (rules.byoyomi_seconds if self.stones == 0 else self.period)

    def move(self, seconds: float) -> None:
        rules = self.rules
        self.main -= seconds
        if rules.byoyomi_moves == 0:
            self.main = min(self.main + rules.increment_seconds, rules.most_main_seconds)
            self.to_go -= rules.moves_to_go > 0
            if self.to_go == 0 < rules.moves_to_go:
                self.to_go, self.main = rules.moves_to_go, self.main + rules.main_seconds
        elif self.main < 0.0 or self.stones > 0:
            if self.stones == 0:
                self.stones, self.period = rules.byoyomi_moves, rules.byoyomi_seconds
            self.period, self.main, self.stones = self.period + min(self.main, 0.0), 0.0, self.stones - 1
            if self.stones == 0:
                self.stones, self.period = rules.byoyomi_moves, rules.byoyomi_seconds


@pytest.mark.parametrize("seed", range(300))
@pytest.mark.parametrize("told", [True, False], ids=["told the time", "left to its own account"])
def test_no_clock_runs_out_in_400_moves_unless_the_lag_takes_it(seed, told):
    """A controller that tells the time left before every move, and one that never does, beside a side that never thinks.

    Nobody knows the lag to come. If it takes more than the increment gives, the clock ends at last: then it must have
    lasted for a game twice as long as expected or LONGEST_GAME_MOVES, or for as long as that of the side that did not think.
    """
    rng = random.Random(seed)
    clock = any_clock(rng)
    there, idle = Controller(Clock(**vars(clock))), Controller(Clock(**vars(clock)))
    expected = rng.choice([20.0, 80.0, 120.0, 400.0])
    lasting = min(LONGEST_GAME_MOVES, expected)
    for move in range(400):
        if told or clock.moves_to_go:  # protocols that know moves to go always tell
            clock.main_seconds, clock.moves_to_go = there.main, there.to_go
            if there.stones:
                clock.tell(there.period, there.stones)
        thought = clock.budget(2 * move, expected, rng.uniform(0.6, 2.5))
        lag = rng.uniform(0.0, LAG_SECONDS)
        if thought + lag > there.has:
            drains = clock.byoyomi_moves == 0 and clock.increment_seconds < LAG_SECONDS + LEAST_SECONDS
            assert drains and (move >= lasting or LEAST_SECONDS + lag > idle.has), (
                move,
                lag,
                there.has,
                clock,
            )
            return
        there.move(thought + lag)
        idle.move(LEAST_SECONDS + lag)
        clock.spend(thought + clock.lag_seconds)


@pytest.mark.parametrize("ply", [0, 60, 200, 600])
@pytest.mark.parametrize("increment", [0.0, 0.01, 0.02, 0.031, 0.1])
@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0, 3.0, 6.5, 7.0, 60.0])
def test_every_budget_leaves_enough_for_the_lag_of_the_longest_game(seconds, increment, ply):
    clock = Clock(seconds, increment_seconds=increment, margin_seconds=0.03)
    moves, each = min(LONGEST_GAME_MOVES, max(80, ply)), LAG_SECONDS + LEAST_SECONDS
    before = seconds + moves * (increment - each)
    after = seconds - clock.budget(ply, 80.0) + moves * (increment - each)
    assert after >= -1e-9 or after >= before - LEAST_SECONDS - 1e-9, "it thinks on time that the lag needs"


def test_a_game_at_one_second_and_a_hundredth_lasts_as_long_as_the_lag_lets_it():
    for lag in (0.005, 0.015, 0.03):
        clock, moves = Clock(1.0, increment_seconds=0.01), 0
        while clock.main_seconds > lag + LEAST_SECONDS and moves < 400:
            clock.spend(clock.budget(2 * moves, 120.0) + lag)
            moves += 1
        drain = lag + LEAST_SECONDS - 0.01
        assert moves >= 400 or moves >= 0.95 / drain


def test_the_time_is_used():
    """Safety that plays at once would be no time manager."""
    for clock in (Clock(60.0), Clock(600.0), Clock(10.0, increment_seconds=0.1), Clock(60.0, moves_to_go=40)):
        start, thought = clock.main_seconds, 0.0
        for move in range(40):
            seconds = clock.budget(2 * move, 80.0)
            thought += seconds
            clock.spend(seconds + 0.005)
            clock.moves_to_go = max(0, clock.moves_to_go - 1)
        assert thought >= 0.6 * start


def test_a_short_game_keeps_back_no_time_for_a_long_one():
    """Go 9x9 in ten seconds: 200 moves of one side do not fit on the board."""
    assert 0.17 < Clock(10.0).budget(4, 85.0) < 10.0 / 40


def test_time_on_the_clock_is_shared_out_over_the_game():
    assert 1.0 < Clock(60.0).budget(0, 80) < 2.0
    assert Clock(0.5).budget(0, 80) <= 0.25
    assert 9.0 <= Clock(10.0, 10.0, 1, 0.0, 1).budget(30, 80) <= 10.0


def test_byoyomi_begins_within_the_move_that_ends_the_main_time_and_renews():
    clock = Clock(1.0, 10.0, 2)
    clock.spend(1.5)
    assert (clock.main_seconds, clock.moves_left) == (5.0, 1)  # of 9.5: where the period ends is a guess
    clock.spend(4.0)
    assert (clock.main_seconds, clock.moves_left) == (10.0, 2)
    clock.spend(6.0)
    assert (clock.main_seconds, clock.moves_left) == (4.0, 1)
    clock.spend(4.0)
    assert (clock.main_seconds, clock.moves_left) == (10.0, 2)


def test_a_period_that_was_not_used_up_is_there_again():
    clock = Clock(1.0, 10.0, 1)
    clock.spend(1.5)
    assert (clock.main_seconds, clock.moves_left) == (10.0, 1)
    clock.spend(9.0)
    assert (clock.main_seconds, clock.moves_left) == (10.0, 1)


def test_a_period_holds_no_more_than_its_time_and_its_count_is_of_periods_where_each_is_for_one_move():
    japanese = Clock(600.0, 20.0, 1)
    japanese.tell(1917.0, 1)
    assert (japanese.main_seconds, japanese.moves_left) == (20.0, 1)
    japanese.tell(14.0, 5)  # five periods left, and the running one has 14 seconds
    assert 13.0 < japanese.budget(100, 80.0) < 14.0
    canadian = Clock(600.0, 300.0, 25)
    canadian.tell(1000.0, 10)
    assert (canadian.main_seconds, canadian.moves_left) == (300.0, 10)
    assert 29.0 < canadian.budget(100, 80.0) < 30.0
    canadian.tell(400.0, 0)  # back in main time: a new game
    assert (canadian.main_seconds, canadian.moves_left) == (400.0, 0)


def test_a_cap_bounds_the_main_time_and_every_move():
    clock = Clock(10.0, increment_seconds=5.0, most_main_seconds=12.0, most_move_seconds=1.0)
    assert clock.budget(0, 80.0) == pytest.approx(0.9)
    clock.spend(0.5)
    assert clock.main_seconds == 12.0


def found(*visits: int, q: tuple[float, ...] = (), value: float = 0.0) -> SearchResult:
    """What a search may say: the visits of its moves, their values, the root's."""
    moves = [MoveStats(f"m{i}", n, 0.1, (q or [0.0] * len(visits))[i]) for i, n in enumerate(visits)]
    return SearchResult("m0", value, ["m0"], moves, sum(visits))


def test_a_search_in_doubt_gets_more_time_and_a_sure_one_less():
    sure, even = doubt(found(1000, 10), 0.0), doubt(found(1000, 1000), 0.0)
    torn = doubt(found(1000, 900, q=(0.0, 0.1)), 0.0)
    falling = doubt(found(1000, 10, value=-0.3), 0.0)
    assert 0.6 <= sure < 0.7 < falling < 1.0 < even < torn <= 2.5


@pytest.mark.parametrize("clock", [Clock(60.0), Clock(10.0, increment_seconds=0.1), Clock(60.0, moves_to_go=20)])
def test_a_pace_looks_at_what_is_found_and_stays_within_half_of_the_clock(clock):
    pace = Pace(clock, 20, lambda: 120.0)
    usual = pace.seconds
    assert not pace.look(found(100, 99, q=(0.0, 0.1)), 0.001) and usual < pace.seconds <= 0.5 * clock.main_seconds
    assert not pace.look(found(100, 1), 0.001) and pace.seconds < usual


def test_time_that_would_be_lost_is_used_however_sure_the_search_is():
    period = Pace(Clock(30.0, 30.0, 1, moves_left=1), 20, lambda: 120.0)
    assert not period.look(found(1000, 999), 10.0) and period.seconds == period.usual_seconds == pytest.approx(29.9)
    assert not period.look(found(600, 500), 10.0) and period.seconds == pytest.approx(29.9)


def test_a_search_ends_once_no_move_can_overtake_the_best_in_the_time_left():
    pace = Pace(Clock(40.0), 20, lambda: 120.0)
    assert not pace.look(found(600, 400), 0.1)  # ten thousand a second: far more than the lead are to come
    assert pace.look(found(1000, 1), 1000.0)  # one a second


def test_a_pace_is_late_only_when_its_time_is_over():
    pace = Pace(Clock(40.0), 20, lambda: 120.0, begin=time.perf_counter() - 0.5)
    assert not pace.is_late() and pace.seconds > 0.5
    assert Pace(Clock(40.0), 20, lambda: 120.0, begin=time.perf_counter() - 20.0).is_late()


@pytest.mark.parametrize("clock", [Clock(0.1, increment_seconds=0.01), Clock(0.15), Clock(0.05, 1.0, 1, moves_left=1)])
def test_a_clock_that_is_as_good_as_over_costs_a_single_look_of_the_network(clock):
    def asked() -> float:
        raise AssertionError("the network was asked how long the game will be")

    pace = Pace(clock, 100, asked)
    assert pace.hurried and pace.usual_seconds == pytest.approx(0.001)
    assert not Pace(clock, 100, lambda: 140.0, drawn=True).hurried, "a move drawn from visits needs visits"


@pytest.mark.parametrize("clock", [Clock(60.0), Clock(0.5, increment_seconds=0.1), Clock(5.0, 5.0, 1, moves_left=1)])
def test_a_clock_with_time_is_shared_out_by_the_length_of_the_game(clock):
    pace = Pace(clock, 100, lambda: 140.0)
    assert not pace.hurried
    assert pace.usual_seconds == clock.budget(100, 140.0) > 0.01


def test_what_moves_lose_to_the_wire_is_measured_and_kept_free():
    lag = Lag()
    clock = Clock(60.0, increment_seconds=1.0)
    lag.tell(clock, 0)
    assert (clock.kept_seconds, clock.lag_seconds) == (0.1, 0.03)  # nothing was measured yet
    lag.after(clock, 0, 2.0)  # 59 are left if nothing is lost
    clock = Clock(58.6, increment_seconds=1.0)
    lag.tell(clock, 2)
    assert clock.kept_seconds == pytest.approx(0.6) and clock.lag_seconds == pytest.approx(1.2 * 0.14)
    lag.after(clock, 2, 2.0)
    clock = Clock(57.6, increment_seconds=1.0)
    lag.tell(clock, 4)
    assert clock.kept_seconds == pytest.approx(0.54) and clock.lag_seconds == pytest.approx(
        1.2 * 0.126
    )  # nothing lost: it fades


def test_what_was_lost_once_fades_on_the_clock_of_a_whole_game():
    """GTP has one clock for the game, where UCI tells a new one for each move."""
    lag, clock = Lag(), Clock(60.0, increment_seconds=1.0)
    left = 60.0
    for ply in range(0, 80, 2):
        clock.tell(left, 0)
        lag.tell(clock, ply)
        if ply == 2:
            assert clock.kept_seconds == pytest.approx(1.35)
        lag.after(clock, ply, 1.0)
        left = clock.main_seconds - (0.9 if ply == 0 else 0.0)
    assert clock.kept_seconds == 0.1 and clock.lag_seconds < 0.05


def test_a_clock_that_an_increment_fills_no_further_loses_nothing():
    lag, clock = Lag(), Clock(20.0, increment_seconds=1.0, most_main_seconds=20.0)
    lag.tell(clock, 0)
    lag.after(clock, 0, 0.3)
    lag.tell(clock, 2)  # 20 seconds again
    assert (lag.worst_seconds, clock.kept_seconds) == (0.0, 0.1)


def test_one_slow_move_does_not_take_the_next_ones_their_time():
    lag, clock = Lag(), Clock(60.0)
    lag.after(clock, 0, 1.0)
    clock = Clock(58.5)  # half a second was lost
    lag.tell(clock, 2)
    assert clock.budget(2, 120.0) > 0.3


def test_time_thought_on_purpose_is_no_lag():
    """A search in doubt has used more than its usual share when the doubt is gone."""
    clock = Clock(60.0)
    pace = Pace(clock, 20, lambda: 120.0, begin=time.perf_counter() - 1.8)
    pace.look(found(100, 99, q=(0.0, 0.1)), 1.0)
    pace.look(found(1000, 1), 1.8)
    assert pace.usual_seconds < 1.8 <= pace.seconds and pace.overrun_seconds < 0.1


def test_on_a_quick_wire_a_short_clock_is_thought_on():
    """Two seconds and a fiftieth: with the usual lag of a busy machine nothing would be left to think."""
    lag, clock = Lag(), Clock(2.0, increment_seconds=0.02)
    lag.after(clock, 0, 0.001)
    clock = Clock(2.018, increment_seconds=0.02)  # a millisecond was lost
    lag.tell(clock, 2)
    assert 0.03 < clock.budget(2, 120.0) < 0.1


def test_a_game_longer_than_usual_has_time_left_for_its_second_half():
    """Shogi at two seconds and a fiftieth: games of 180 plies are common, and were lost from ply 110 on."""
    game = az.Game("shogi")
    player = load("uniform", game=game)
    position = game.position()
    for move in next(moves for seed in range(100) if len(moves := position.random_playout(seed)[1]) > 180)[:180]:
        position.play(move)
    plies = [position.copy()]
    for _ in range(180):
        position.undo()
        plies.insert(0, position.copy())
    main, thought = 2.0, []
    for at in plies[:180:2]:
        clock = Clock(main, increment_seconds=0.02, usual_lag_seconds=0.005)
        thought.append(clock.budget(at.ply, player.expected_plies(at)))
        main += 0.02 - thought[-1] - 0.005
    assert sum(thought[60:]) > 0.4 * sum(thought[:30])


@pytest.mark.parametrize(
    ("clock", "ply"), [(Clock(20.0), 2), (Clock(58.0), 4), (Clock(63.0), 2), (Clock(0.0, 10.0, 1), 2)]
)
def test_a_clock_that_was_set_anew_or_a_move_taken_back_is_no_lag(clock, ply):
    lag = Lag()
    lag.after(Clock(60.0), 0, 1.0)
    lag.tell(clock, ply)
    assert (clock.kept_seconds, clock.lag_seconds) == (0.1, 0.03)
