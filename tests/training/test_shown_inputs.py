"""What a translation is looked at by: inputs, targets, and what the targets say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ganforge import recipes
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import load
from ganforge.tasks.experiment import prepare
from ganforge.training.preview import preview_inputs
from ganforge.training.rounds import loader_of

THIN = {"batch": 8, "generator.width": 8, "discriminator.width": 8}


def scribbles(space: Space, n: int, *, conditional: bool) -> Recipe:
    return recipes.find("scribbles").maker(space, n).with_changes({"conditional": conditional, **THIN})


def test_rows_are_those_of_the_inputs_shown():
    data = load("captioned-shapes", source="scribbles")
    asks = data.space.condition
    assert asks is not None
    recipe = scribbles(data.space, data.train.n, conditional=True)
    kept = preview_inputs(recipe, data, most=20)
    assert kept is not None
    assert kept.rows is not None
    batch = loader_of(data.held_out, recipe, data.space).at(np.arange(20))
    assert batch.condition is not None
    torch.testing.assert_close(asks.vectors(torch.from_numpy(kept.rows)), batch.condition)
    torch.testing.assert_close(kept.targets, batch.real)
    unasked = preview_inputs(scribbles(data.space, data.train.n, conditional=False), data)
    assert unasked is not None
    assert unasked.rows is None


def test_a_sheet_asks_for_what_its_targets_say(tmp_path: Path):
    changes = {"conditional": True, **THIN}
    experiment = prepare("captioned-shapes", recipe="scribbles", kimg=0.016, changes=changes, rescue=False)
    trainer = experiment.measure().start(tmp_path / "run")
    asked: list[torch.Tensor | None] = []
    sample = trainer._sampler.sample

    def heard(*a, **options):
        asked.append(options.get("condition"))
        return sample(*a, **options)

    trainer._sampler.sample = heard
    assert trainer.train().finished
    shown, prior = trainer._preview.inputs, trainer._sampler.prior
    wanted = trainer._sampler.asks.vectors(
        torch.from_numpy(shown.rows[prior.numbers(len(asked[0]), seed=experiment.recipe.seed)])
    )
    torch.testing.assert_close(asked[0], wanted)
