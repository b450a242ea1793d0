"""What a person sees: times, numbers, and lines that hold on a terminal and in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ganforge.cli import line
from ganforge.cli.options import changes, size
from ganforge.cli.screen import duration
from ganforge.core.errors import UsageError
from ganforge.core.options import seeds
from ganforge.health.finding import Finding
from ganforge.training.clock import Budget
from ganforge.training.loop import Tick
from tests import players


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "?"),
        (0.0, "0 s"),
        (42.4, "42 s"),
        (89.4, "89 s"),
        (90, "2 m"),
        (420, "7 m"),
        (12_000, "3 h 20 m"),
    ],
)
def test_durations(seconds: float | None, words: str):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.41, ".41"), (-0.055, "-.055"), (1.234, "1.2"), (0.0, "0"), (1234.5, "1,234"), (float("nan"), "nan")],
)
def test_numbers(value: float, words: str):
    assert line.short(value) == words


@pytest.mark.parametrize(
    ("now", "best", "share"),
    [
        (100.0, 1.0, 0.0),
        (10.0, 1.0, 0.5),
        (1.0, 1.0, 1.0),
        (0.5, 1.0, 1.0),
        (200.0, 1.0, 0.0),
        (0.1, -1.0, 0.5),
    ],
)
def test_each_halving_of_the_distance_is_the_same_share_of_the_way(now: float, best: float, share: float):
    """The best possible distance is an estimate, and may be below 0."""
    assert line.way(100.0, now, best) == pytest.approx(share)


class Training:
    """What the line asks of a trainer."""

    def __init__(self, *, kimg: float | None = 100.0) -> None:
        self.budget = Budget(kimg=kimg) if kimg is not None else Budget(core_minutes=10.0)
        scores = {"distance": {"value": 8.12}}
        log = [{"nimg": 0, "examination": {"headline": "distance", "scores": scores}}]
        self.run = SimpleNamespace(space=players.pictures().space, log=lambda: log)


NOTED = {
    "margin": {"mean": 0.414, "deviation": 1.0, "positive": 0.573},
    "generator_gradient": {"mean": 0.92, "deviation": 0.0, "positive": 1.0},
    "discriminator_gradient": {"mean": 1.24, "deviation": 0.0, "positive": 1.0},
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(line, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def test_a_tick_is_one_honest_line(clock: SimpleNamespace):
    told = line.Line(Training())
    assert told.text().plain == "the first rounds …"
    told.follow(Tick(0, 100_000, 0.0, None, {}, Path("x.png")))
    assert told.text().plain == "before training · ETA ?"
    clock.now += 60.0
    tick = Tick(12_400, 100_000, 60.0, 420.0, NOTED, Path("x.png"))
    told.follow(tick)
    assert told.text().plain == "12,400 of 100,000 images · 12 % · ETA 7 m"
    scored = replace(tick, score=(0.0812, 0.000812), record=NOTED | {"examination": {"headline": "distance"}})
    told.follow(scored)
    assert told.text().plain == "12,400 of 100,000 images · 12 % · 50 % of the way · ● undecided · ETA 7 m"
    clock.now += 180.0
    words = "12,400 of 100,000 images · 12 % · 50 % of the way · ● undecided, 3 m ago · ETA 4 m"
    assert told.text().plain == words
    assert told.text(columns=80).plain == f"━─────── {words}"
    assert len(told.text(columns=120).plain) == 21 + len(words)
    coarse = {"examination": {"headline": "distance", "sides": [16, 32]}}
    told.follow(replace(scored, record=NOTED | coarse))
    assert "50 % of the way, at 32×16 so far · ●" in told.text().plain
    collapsed = Finding(code="mode-collapse", severity="failure", nimg=1, evidence={}, meaning="One picture.")
    told.follow(replace(scored, findings=(collapsed,)))
    assert "● failing: mode collapse · ETA" in told.text().plain
    told.follow(replace(tick, nimg=100_096, seconds_left=0.0))  # whole batches end a little late
    assert told.text().plain == "100,096 of 100,096 images · 100 % · ETA 0 s"


def test_a_larger_size_takes_nothing_of_the_way_back(clock: SimpleNamespace):
    """Each size has a distance of its own: a share of one alone fell from 27 % to 0 at the next."""
    trainer = Training()
    told = line.Line(trainer)
    sizes = [{"value": 100.0, "floor": 1.0}, {"value": 10_000.0, "floor": 1.0}]
    trainer.run.log()[0]["examination"]["levels"] = sizes

    def said(*now: float) -> str:
        levels = [{"value": value, "floor": 1.0} for value in now]
        sides = {"sides": [16, 16]} if len(now) == 1 else {}
        record = {"examination": {"headline": "distance", "levels": levels, **sides}}
        told.follow(Tick(12_400, 100_000, 60.0, 420.0, record, Path("x.png"), score=(now[-1], 1.0)))
        return told.text().plain.split(" · ")[2]

    assert said(100.0) == "0 % of the way, at 16×16 so far"
    assert said(10.0) == "25 % of the way, at 16×16 so far"
    assert said(10.0, 20_000.0) == "25 % of the way"
    assert said(10.0, 100.0) == "50 % of the way"
    assert said(1.0, 1.0) == "100 % of the way"


def test_what_begins_near_the_best_possible_distance_has_no_way(clock: SimpleNamespace):
    """A table's distance before training was 1.05 times the best possible: the share was 100 %, then 0 %."""
    told = line.Line(Training())
    record = {"examination": {"headline": "distance"}}
    told.follow(Tick(12_400, 100_000, 60.0, 420.0, record, Path("x.png"), score=(8.2, 7.7)))
    assert "of the way" not in told.text().plain


def test_the_expert_is_told_the_numbers(clock: SimpleNamespace):
    told = line.Line(Training(), verbose=True)
    record = NOTED | {"examination": {"headline": "distance"}, "progress": 0.5}
    told.follow(Tick(12_400, 24_800, 60.0, 60.0, record, Path("x.png"), score=(0.0812, -0.001)))
    clock.now += 20.0
    assert told.text().plain == (
        "12,400 of 24,800 images · 50 % · 33 % of the way · ● undecided, 20 s ago · ETA 40 s"
        " · distance .081 (best possible 0), 20 s ago"
        " · discriminator right 57 % (50 % = cannot tell) · |grad| G .92 D 1.2"
    )
    assert told.to_json() | {"way": None} == {
        "nimg": 12_400,
        "total_nimg": 24_800,
        "progress": 0.5,
        "seconds": 60.0,
        "seconds_left": 40.0,
        "way": None,
        "sides": None,
        "distance": 0.0812,
        "best_possible": -0.001,
        "examined_seconds_ago": 20.0,
        "health": "undecided",
        "discriminator_right": 0.573,
        "picture": "x.png",
    }


def test_the_time_left_is_by_the_wall_whatever_clock_the_budget_has(clock: SimpleNamespace):
    """10 minutes of a core take 20 where half a core is to be had."""
    told = line.Line(Training(kimg=None))
    for number in range(5):
        tick = Tick(1 + number, 100, 30.0 * number, 600.0 - 30.0 * number, {"progress": 0.1}, Path("x.png"))
        told.follow(tick)
        clock.now += 60.0
    assert "1 of about" not in told.text().plain
    assert "5 of about 100 images · 10 % · ETA 15 m" in told.text().plain  # 480 s of the core, 60 s ago


def test_options_in_words():
    assert seeds("3,7,20-23") == [3, 7, 20, 21, 22, 23]
    assert (size("64"), size("96x64"), size("96×64"), size(None)) == (64, (96, 64), (96, 64), None)
    assert changes(["batch=32", "a.b = c=d"]) == {"batch": "32", "a.b": "c=d"}
    for wrong in ("", "a", "3-", "-3", "3-2", "0-999999"):
        with pytest.raises(UsageError):
            seeds(wrong)
