"""Time that tests turn themselves."""

from __future__ import annotations

import itertools

import pytest

from ganforge.training import clock
from ganforge.training.clock import Alarm, Budget, Plan


class Hands:
    """A clock whose hands a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    fake = Hands()
    monkeypatch.setattr(clock, "time", fake)
    return fake


def test_a_budget_is_one_of_two():
    with pytest.raises(AssertionError):
        Budget()
    with pytest.raises(AssertionError):
        Budget(kimg=1, minutes=1)


def test_a_plan_in_examples_does_not_look_at_the_clock(hands: Hands):
    plan = Plan(Budget(kimg=2))
    assert plan.total_nimg == 2000
    assert plan.seconds_left(0) is None
    hands.now += 10
    plan.follow(500)
    assert plan.total_nimg == 2000
    assert plan.progress(500) == 0.25
    assert plan.seconds_left(500) == pytest.approx(30.0)
    assert plan.seconds_left(2050) == 0.0  # a round too many is no time before the end
    assert plan.progress(2050) == 1.0
    assert not plan.done(1999)
    assert plan.done(2000)


def test_a_plan_in_minutes_follows_the_speed(hands: Hands):
    plan = Plan(Budget(minutes=1))
    assert plan.progress(0) == 0.0
    hands.now += 15
    plan.follow(300)
    assert plan.total_nimg == 300 + 900
    assert plan.progress(300) == 0.25
    assert plan.seconds_left(300) == pytest.approx(45.0)
    hands.now += 30  # twice as fast now and then
    plan.follow(1500)
    assert plan.total_nimg == 1500 + 500
    assert not plan.done(10**9)
    hands.now += 15
    assert plan.done(0)
    assert plan.seconds_left(0) == 0.0
    plan.follow(1600)
    assert plan.progress(1600) < 1.0 + 1e-9


def test_what_grows_is_cheap_at_first_in_every_estimate(hands: Hands):
    costs = ((0.4, 1.0), (1.0, 3.0))  # of each tenth of the examples: four of 1 second, six of 3
    plan = Plan(Budget(kimg=1))
    plan.costs = costs
    hands.now += 1
    assert plan.seconds_left(100) == pytest.approx(3 + 18)
    hands.now += 3 + 9
    assert plan.seconds_left(700) == pytest.approx(9)
    assert plan.seconds_left(1000) == plan.seconds_left(1016) == 0.0
    plan = Plan(Budget(minutes=1))
    plan.costs = costs
    hands.now += 12  # half of the first level: 300 of 600, and then 36 s at a third of the speed
    plan.follow(300)
    assert plan.total_nimg == 300 + 300 + 300


def test_a_resumed_plan_counts_the_time_before(hands: Hands):
    plan = Plan(Budget(minutes=1), nimg=600, seconds=30.0, total_nimg=1200)
    assert plan.seconds == 30.0
    assert plan.progress(600) == 0.5
    hands.now += 10
    plan.follow(700)  # another machine: ten a second
    assert plan.total_nimg == 700 + 200
    assert Plan(Budget(kimg=3), nimg=600, seconds=30.0, total_nimg=1200).total_nimg == 3000


def test_an_alarm_rings_soon_then_rarely_and_stays_cheap(hands: Hands):
    alarm = Alarm(first=1.0, longest=60.0, share=0.05)
    rang: list[float] = []
    for _ in range(4_000):
        hands.now += 0.5
        if alarm.rings():
            rang.append(hands.now - 100)
            alarm.acknowledge(0.0)
    gaps = [b - a for a, b in itertools.pairwise(rang)]
    assert rang[0] == 1.0
    assert gaps[0] == 1.0
    assert max(gaps) == 60.0 == gaps[-1]
    assert gaps == sorted(gaps)
    dear = Alarm(first=1.0, longest=60.0, share=0.0, cost_factor=25.0)
    hands.now += 1.0
    assert dear.rings()
    dear.acknowledge(4.0)
    hands.now += 99.0
    assert not dear.rings()  # 25 times what it cost
    hands.now += 1.0
    assert dear.rings()


def test_a_budget_in_minutes_ends_where_examples_would_be_learnt_by_heart(hands: Hands):
    plan = Plan(Budget(minutes=10), most_nimg=1_000)
    hands.now += 30
    plan.follow(500)
    assert plan.total_nimg == 1_000
    assert plan.progress(500) == 0.5
    assert plan.seconds_left(500) == pytest.approx(30.0)
    assert not plan.done(999)
    assert plan.done(1_000)
    assert Plan(Budget(kimg=3), most_nimg=1_000).total_nimg == 3_000  # what is asked for in examples is given
