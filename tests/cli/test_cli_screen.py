"""What a person sees: times, numbers, and lines that hold on a terminal and in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ganforge.cli import screen
from ganforge.cli.options import changes, seeds, size
from ganforge.cli.screen import duration
from ganforge.core.errors import UsageError
from ganforge.health.finding import Finding
from ganforge.training.loop import Tick


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
    assert screen._short(value) == words


def test_a_tick_is_one_honest_line():
    noted = {
        "margin": {"mean": 0.414, "deviation": 1.0, "positive": 0.573},
        "generator_gradient": {"mean": 0.92, "deviation": 0.0, "positive": 1.0},
        "discriminator_gradient": {"mean": 1.24, "deviation": 0.0, "positive": 1.0},
    }
    tick = Tick(12_400, 100_000, 60.0, 420.0, noted, Path("x.png"))
    line = "kimg 12.4 of 100   told apart 57 %   |grad| G .92 D 1.2   ETA 7 m"
    assert screen._tick_line(tick).plain == line
    scored = replace(tick, score=(0.0812, -0.001))
    line = "kimg 12.4 of 100   distance .081 (floor 0)   told apart 57 %   |grad| G .92 D 1.2"
    settled = Finding(code="equilibrium", severity="good", nimg=1, evidence={}, meaning="Both are even.")
    told = screen._tick_line(replace(scored, findings=(settled,))).plain
    assert told == f"{line}   ● healthy: equilibrium   ETA 7 m"
    collapsed = Finding(code="mode-collapse", severity="failure", nimg=1, evidence={}, meaning="One picture.")
    assert screen._tick_line(replace(scored, findings=(collapsed,))).plain.endswith(
        "● failing: mode collapse   ETA 7 m"
    )
    assert screen._tick_line(Tick(0, 1_000, 0.0, None, {}, Path("x.png"))).plain == "kimg 0.0 of 1   ETA ?"


def test_options_in_words():
    assert seeds("3,7,20-23") == [3, 7, 20, 21, 22, 23]
    assert (size("64"), size("96x64"), size("96×64"), size(None)) == (64, (96, 64), (96, 64), None)
    assert changes(["batch=32", "a.b = c=d"]) == {"batch": "32", "a.b": "c=d"}
    for wrong in ("", "a", "3-", "-3", "3-2", "0-999999"):
        with pytest.raises(UsageError):
            seeds(wrong)
