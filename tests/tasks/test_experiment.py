"""From data to what will be played."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganforge.core.errors import RecipeError, UsageError
from ganforge.tasks.experiment import prepare


@pytest.mark.parametrize("said", [{"recipe": "next-frame"}, {"source": "previous:3"}])
def test_grey_clips_are_known_by_what_is_asked_of_them(said: dict[str, str], tmp_path: Path):
    clips = np.random.default_rng(0).integers(0, 256, (30, 6, 32, 32), dtype=np.uint8)
    np.save(tmp_path / "clips.npy", clips)  # six channels, to whom does not know that they are frames
    experiment = prepare(tmp_path / "clips.npy", **said)
    assert experiment.dataset.space.shape == (1, 32, 32)
    assert experiment.dataset.space.source is not None
    assert experiment.dataset.space.source.shape == (3, 32, 32)
    assert experiment.recipe.name == "next-frame"
    assert experiment.dataset.train.n + experiment.dataset.held_out.n == 30 * 3


def test_a_setting_that_the_game_does_not_read_is_refused_and_not_left_out_in_silence():
    for changes in ({"adversarial_weight": 0.5}, {"pool": 20}):
        with pytest.raises(RecipeError, match=f"{next(iter(changes))} .* game duel does not read it"):
            prepare("ring", changes=changes)


@pytest.mark.parametrize(
    ("asked", "rescue"),
    [
        ({}, True),
        ({"condition": "class"}, True),
        ({"changes": {"batch": 32}}, False),
        ({"recipe": "points"}, False),
        ({"recipe": "points", "rescue": True}, True),
        ({"rescue": False}, False),
    ],
)
def test_the_rescue_leaves_experiments_alone(asked: dict[str, Any], rescue: bool):
    assert prepare("digits" if "condition" in asked else "moons", **asked).rescue == rescue


def test_a_budget_too_short_for_a_round_says_the_round_that_is_played():
    measured = prepare("moons", minutes=0.01).measure()
    assert measured.finding is not None
    slow = replace(measured, finding=replace(measured.finding, images_per_second=1e-3))
    assert re.search(r"≈ \d+ examples in 1 step$", dict(slow.lines())["budget"])


def test_a_run_that_is_called_as_its_built_in_data_is_not_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`gan train moons --out moons`, twice: the built-in name goes first."""
    (tmp_path / "moons").mkdir()
    (tmp_path / "moons" / "run.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert prepare("moons", kimg=0.1).dataset.manifest["form"] == "built in"
    with pytest.raises(UsageError, match="is a run folder, not data"):
        prepare(Path("moons"), kimg=0.1)
