"""What a budget is enough for: size, width, mirroring, and a budget that is too small."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.recipes import growing
from ganforge.tasks import sizing
from ganforge.tasks.experiment import prepare
from ganforge.training.clock import Budget

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of a known speed: 100 thousand million operations a second."""
    monkeypatch.setattr(sizing, "speed", lambda *_: 1e11)


def folder(path: Path, n: int, size: tuple[int, int]) -> Path:
    path.mkdir()
    rng = np.random.default_rng(0)
    for i in range(n):
        coarse = Image.fromarray(rng.integers(0, 255, (4, 4, 3), np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(path / f"{i:03d}.png")
    return path


@pytest.mark.usefixtures("machine")
def test_more_minutes_are_larger_pictures_and_wider_networks() -> None:
    sides, widths = [], []
    space = Space(kind="pictures", shape=(3, 64, 64))
    for minutes in (0.2, 10, 120, 5_000):
        able = sizing.affordable(Budget(minutes=minutes), CPU)
        found = sizing.side_for(able)
        sides.append(found.side)
        there = Space(kind="pictures", shape=(3, found.side, found.side))
        recipe = growing.recipe(there, 10_000)
        whole = sizing.operations(recipe, there) * sizing.mean_cost(recipe.growth)
        assert found.examples * whole == pytest.approx(able)
        widths.append(sizing.fitted(growing.recipe(space, 10_000), space, able).generator.width)
    assert sides == sorted(sides)
    assert (sides[0], sides[1], sides[-1]) == (32, 64, 256)
    assert widths == sorted(widths)
    assert widths[0] == 32 < widths[-1]


def test_a_round_costs_what_is_counted() -> None:
    """Three passes of G; of D two in its turn, six in its own, and those of both penalties on a quarter."""
    recipe = growing.recipe(Space(kind="pictures", shape=(3, 32, 32)), 10_000)
    space = Space(kind="points", shape=(5,))
    plain = replace(recipe.generator, family="mlp", depth=1, width=7, options={})
    recipe = replace(recipe, generator=plain, discriminator=plain, latent=3, growth=())
    g, d = 2 * (3 * 7 + 7 * 5), 2 * (5 * 7 + 7 * 1)
    assert sizing.operations(recipe, space) == pytest.approx(3 * g + 2 * d + (6 + 1.5 * 2 * 2 * 0.125) * d)


def test_mirrored_pictures_are_told_where_they_differ() -> None:
    rng = np.random.default_rng(1)
    blobs = rng.integers(0, 255, (400, 3, 24, 24), np.uint8)
    found = sizing.mirroring(blobs)
    assert found.allowed
    assert 0.4 < found.share < 0.6
    assert found.words().startswith("also shown mirrored: mirrored pictures are told from yours in ")
    lit = blobs // 2
    lit[..., :12] += 100  # light from the left
    found = sizing.mirroring(lit)
    assert not found.allowed
    assert found.share > 0.95
    assert "told from yours in 100%; to have them all the same: --set mirror=true" in found.words()
    few = sizing.mirroring(blobs[:20])
    assert not few.allowed
    assert few.words().startswith("not shown mirrored: so few pictures do not say whether")


@pytest.mark.parametrize("n", [100, 600])
def test_what_points_one_way_in_any_colour_is_not_mirrored(n: int) -> None:
    """Of 600 drawn boats pixels said 62 %, within two standard errors of what was allowed."""
    rng = np.random.default_rng(n)
    pictures = []
    for _ in range(n):
        ground, sail = rng.integers(0, 255, (2, 3), np.uint8)
        image = Image.new("RGB", (48, 48), tuple(ground.tolist()))
        x, y = rng.integers(4, 24), rng.integers(24, 44)
        ImageDraw.Draw(image).polygon([(x, y), (x, y - 20), (x + 20, y)], fill=tuple(sail.tolist()))
        pictures.append(np.asarray(image).transpose(2, 0, 1))
    sails = np.stack(pictures)
    found = sizing.mirroring(sails)
    assert not found.allowed
    assert found.share > 0.8
    sails[::2] = sails[::2, :, :, ::-1].copy()  # half of them sail the other way
    assert sizing.mirroring(sails).share < 0.62


@pytest.mark.usefixtures("machine")
def test_the_plan_makes_pictures_smaller_says_so_and_keeps_what_was_asked(tmp_path: Path) -> None:
    path = folder(tmp_path / "wide", 60, (300, 150))
    planned = prepare(path, minutes=1)
    assert planned.dataset.space.shape == (3, 32, 64)
    (line,) = [line for line in planned.plan if "shortest side" in line]
    assert "300×150" in line
    assert "--size 300x150" in line
    shown = int(re.search(r"about ([\d,]+)", line)[1].replace(",", ""))  # type: ignore[index]
    assert 10 < shown < 5_000
    asked = prepare(path, minutes=1, size=(300, 150))
    assert asked.dataset.space.shape == (3, 150, 300)
    assert not [line for line in asked.plan if "shortest side" in line]


def test_too_small_a_budget_is_refused_with_the_minutes_that_are_enough() -> None:
    space = Space(kind="pictures", shape=(3, 64, 64))
    recipe = growing.recipe(space, 10_000)
    with pytest.raises(UsageError, match=r"2 minutes are about 50 steps of 16 .* give 8 minutes or more"):
        sizing.check(recipe, space, 800, Budget(minutes=2))
    sizing.check(recipe, space, 16 * 200, Budget(minutes=2))
    sizing.check(recipe, space, 10, Budget(kimg=0.01))


def test_a_budget_of_core_minutes_is_kept_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    path = folder(tmp_path / "small", 80, (16, 16))
    began = time.process_time()
    experiment = prepare(path, core_minutes=0.15, recipe="growing").measure()
    trainer = experiment.start(tmp_path / "run")
    outcome = trainer.train()
    spent = time.process_time() - began
    assert outcome.finished
    assert 0.5 * 9 < spent < 1.25 * 9
    assert trainer.plan.seconds == pytest.approx(spent, abs=1.5)


def test_an_example_costs_less_where_coarse_ones_are_many():
    assert sizing.mean_cost(()) == 1.0
    assert 0.66 < sizing.mean_cost((0.4,)) < 1.0
    assert sizing.mean_cost((0.2, 0.3)) < sizing.mean_cost((0.12, 0.25)) < 1.0
    assert sizing.mean_cost((0.12, 0.18, 0.3)) > 0.48
