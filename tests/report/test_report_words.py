"""Numbers in words, markup, axes, and recipes as sentences."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from ganforge.core.recipe import Augmentation
from ganforge.health.history import History
from ganforge.report.film import spread
from ganforge.report.markup import Markup, join, tag
from ganforge.report.panels import game_panels
from ganforge.report.plain import counted, duration, kimg, number, short, words
from ganforge.report.recipe_words import recipe_lines
from ganforge.report.scale import round_steps, scale_for
from tests import players
from tests.report.conftest import PICTURES


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.08137, ".0814"),
        (-0.5, "−.5"),
        (12.345, "12.3"),
        (100.4, "100"),
        (4560.0, "4,560"),
        (1.234e7, "1.23e7"),
        (2e-5, "2e−5"),
        (0.0, "0"),
        (1.0, "1"),
        (math.nan, "–"),
        (-math.inf, "−∞"),
    ],
)
def test_short_numbers(value: float, told: str):
    assert short(value) == told


def test_other_words():
    assert [kimg(n) for n in (0, 3600, 1_240_000, math.nan)] == ["0 kimg", "3.6 kimg", "1,240 kimg", "? kimg"]
    assert [duration(s) for s in (42, 420, 12_000, math.nan)] == ["42 s", "7 min", "3 h 20 min", "?"]
    assert counted(1, "class", "classes") == "1 class"
    assert counted(2000, "file") == "2,000 files"
    assert math.isnan(number(10**400))
    assert math.isnan(number(True))
    assert math.isnan(number("3"))
    assert words({"a": [1, None, "x\n y"]}) == "a 1, none, x y"
    assert len(words("x" * 10_000)) == 400


def test_markup_escapes_what_is_not_markup():
    made = tag(
        "p", "<b>&", tag("i", "x"), None, class_='a"b', aria_label="<", hidden=True, id=None, width=2.5
    )
    assert made == '<p class="a&quot;b" aria-label="&lt;" hidden width="2.5">&lt;b&gt;&amp;<i>x</i></p>'
    assert join("<", Markup("<br>")) == "&lt;<br>"
    assert tag("img", src="x") == '<img src="x">'
    assert isinstance(made, Markup)
    assert not isinstance(made + "<b>", Markup)


def test_a_straight_axis():
    scale = scale_for([0.0, 1.0, 2.0, math.nan])
    assert scale.bend == "straight"
    assert scale.ticks() == [0.0, 1.0, 2.0]
    assert scale.place(1.0) == pytest.approx(0.5)
    # 7 % of the height are free at both ends.
    assert scale.place(0.0) == pytest.approx(0.07 / 1.14)
    assert math.isnan(scale.place(math.nan))


def test_a_logarithmic_axis():
    scale = scale_for([1.0, 1.0, 1.0, 1000.0])
    assert scale.bend == "log"
    assert scale.ticks() == [1.0, 10.0, 100.0, 1000.0]
    assert scale.place(10.0) - scale.place(1.0) == pytest.approx(scale.place(100.0) - scale.place(10.0))


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([240.0, 250.0, 300.0, 300.0, 20_000.0], [300.0, 1000.0, 3000.0, 10_000.0]),
        ([1.0, 1.0, 1.0, 31.0], [1.0, 3.0, 10.0, 30.0]),
        ([1e-12, 1e-12, 1e-12, 1.0], [1e-12, 1e-9, 1e-6, 1e-3, 1.0]),
    ],
)
def test_a_logarithmic_axis_has_some_ticks_and_not_many(values: list[float], ticks: list[float]):
    assert scale_for(values).ticks() == pytest.approx(ticks)


def test_ticks_of_few_rounds_are_put_together():
    # 2 rounds with a loss of 9 beside 98 with 1: (2 · 9 + 98 · 1) / 100.
    rounds, losses = [100, 200, 202, 300, 400, 401], [1.0, 1.0, 9.0, 1.0, 3.0, 7.0]
    lines: list[dict[str, Any]] = [{"nimg": 0, "rounds": 0, "examination": {}}]
    lines += [
        {
            "nimg": 10 * n,
            "rounds": n,
            "generator_loss": {"mean": loss},
            "margin": {"mean": loss, "deviation": 0.0},
        }
        for n, loss in zip(rounds, losses, strict=True)
    ]
    history = History.from_records(
        lines, recipe=players.picture_recipe(), space=PICTURES, training=90, held_out=10
    )
    panels = {panel.key: panel for panel in game_panels(history)}
    assert panels["losses"].nimg == (1000, 2000, 3000, 4010)
    assert panels["losses"].lines[0].values == pytest.approx((1.0, 1.0, 1.16, (300 + 7) / 101))
    margin = panels["margin"].lines[0]
    deviation = math.sqrt(0.02 * 81 + 0.98 - 1.16**2)
    assert margin.high[2] - margin.values[2] == pytest.approx(deviation)
    assert margin.high[0] == margin.low[0] == 1.0


def test_a_bent_axis_keeps_signs_apart():
    scale = scale_for([-1.0, 1.0, 0.5, 1.0, 2.0, 5000.0])
    assert scale.bend == "asinh"
    places = [scale.place(v) for v in (-1.0, 0.0, 1.0, 100.0, 5000.0)]
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] <= 1
    assert places[2] - places[0] > 0.08
    assert 0.0 in scale.ticks()


@pytest.mark.parametrize(
    "values", [[], [math.nan], [0.0], [3.0, 3.0], [1e-300], [1e149, -1e149], [0.0, 1e26]]
)
def test_an_axis_of_next_to_nothing(values: list[float]):
    scale = scale_for(values)
    assert scale.high > scale.low
    assert all(-1e-9 <= scale.place(value) <= 1 + 1e-9 for value in values if not math.isnan(value))
    assert len(scale.ticks()) <= 9
    assert all(math.isfinite(value) for value in scale.ticks())


def test_round_steps():
    assert round_steps(0.0, 10.0, 4) == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert round_steps(-0.3, 0.3, 3) == pytest.approx([-0.2, 0.0, 0.2])
    assert round_steps(5.0, 5.0, 4) == [5.0]


def test_an_even_choice():
    assert spread(3, 24) == [0, 1, 2]
    assert spread(5, 3) == [0, 2, 4]
    assert spread(0, 3) == []
    chosen = spread(1000, 24)
    assert (len(chosen), chosen[0], chosen[-1]) == (24, 0, 999)


def test_a_recipe_in_words():
    recipe = replace(
        players.picture_recipe(),
        discriminator_moves=2,
        packing=2,
        latent_bits=3,
        mirror=True,
        augmentation=Augmentation(policy="color,cutout", probability=0.5, target=0.6, noise=0.2),
    )
    lines = dict(recipe_lines(recipe, PICTURES))
    assert lines["Game"] == (
        "relativistic + r1 (.1 falling to .01) + r2 (.1 falling to .01) + centring (.01); "
        "16 examples a step, judged 2 at a time; 2 steps of the discriminator to each of the generator"
    )
    assert (
        lines["Generator"]
        == "4 normal numbers, 3 of them random bits → residual, 8 wide, 1 deep; adam at a rate of .001"
    )
    assert lines["Classes"] == "2, asked of both players"
    assert lines["Augmentation"] == (
        "color, cutout, with a probability of .5, adapted to hold .6; noise of .2 falling to 0; "
        "on reals and fakes alike"
    )
    assert lines["Mirror"]
    assert "200 examples" in lines["Samples by"]
    bare = dict(recipe_lines(replace(players.recipe(), ema_nimg=0), replace(PICTURES, classes=())))
    assert set(bare) == {"Game", "Generator", "Discriminator"}
