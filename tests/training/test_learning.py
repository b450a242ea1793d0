"""It learns: modes of a ring, and one batch by heart."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganforge.core.prior import Prior
from ganforge.core.recipe import Augmentation, Penalty
from ganforge.data import Examples, load
from ganforge.data.builtin import modes
from ganforge.metrics.points import mixture_report
from ganforge.tasks.experiment import prepare
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from tests import players

ROUNDS_BY_HEART = 300


def train(rounds: Rounds, nimg: int) -> None:
    while rounds.nimg < nimg:
        rounds.play(rounds.nimg / nimg)


@pytest.mark.slow
def test_the_ring_comes_out_whole_on_a_reduced_budget():
    experiment = prepare("ring", kimg=1_000)
    rounds = Rounds(experiment.recipe, experiment.dataset, Engine())
    train(rounds, 1_000_000)
    recipe, space = experiment.recipe, experiment.dataset.space
    z = Prior(recipe.latent, recipe.prior, recipe.latent_bits).seeded(4_000, seed=1)
    with torch.no_grad():
        made = space.to_declared(rounds.average.network(z)).numpy()
    mixture = modes("ring")
    report = mixture_report(made, mixture.centres, mixture.sigma)
    assert report.covered == 8
    assert 0.6 < report.high_quality <= 1.0
    untrained = Rounds(recipe, experiment.dataset, Engine())
    with torch.no_grad():
        start = space.to_declared(untrained.average.network(z)).numpy()
    assert mixture_report(start, mixture.centres, mixture.sigma).high_quality < 0.3


def nearest(samples: torch.Tensor, reals: torch.Tensor) -> torch.Tensor:
    """Root mean square distance in grey levels from each sample to the nearest real one, ``(N,)``."""
    return torch.cdist(samples.flatten(1).float(), reals.flatten(1).float()).amin(1) / reals[0].numel() ** 0.5


def test_one_batch_of_eight_pictures_is_learnt_by_heart():
    digits = load("digits")
    eight = Examples(digits.train.values[:8], None, digits.train.origin[:8])
    data = replace(digits, train=eight, space=replace(digits.space, classes=()))
    recipe = players.picture_recipe("residual", batch=8, ema_nimg=100, latent=6, latent_bits=5)
    player = replace(recipe.generator, width=16, learning_rate=4e-3)
    r1 = Penalty(name="r1", weight=0.02, method="finite_difference")
    recipe = replace(
        recipe,
        generator=player,
        discriminator=player,
        augmentation=Augmentation(),
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
    )
    rounds = Rounds(recipe, data, Engine())
    reals = torch.from_numpy(eight.values.copy())
    z = Prior(recipe.latent, recipe.prior, recipe.latent_bits).seeded(64, seed=1)

    def distances() -> torch.Tensor:
        with torch.no_grad():
            return nearest(data.space.to_declared(rounds.average.network(z)), reals)

    before = distances().mean().item()
    train(rounds, ROUNDS_BY_HEART * recipe.batch)
    after = distances().mean().item()
    assert before > 60
    assert after < before / 3, (before, after)
