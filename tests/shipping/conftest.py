"""Small generators that were never trained, and a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.core.prior import Prior
from ganforge.core.rng import key
from ganforge.core.space import Space
from ganforge.networks import generator, seeded
from ganforge.runs.sampler import GeneratorSampler
from ganforge.shipping.description import Body, Description
from ganforge.tasks.experiment import prepare
from tests import players

DIGITS = Space(kind="pictures", shape=(1, 8, 12), classes=("ant", "bee", "cat"))


def made(
    family: str, space: Space, *, latent: int = 6, **options: int
) -> tuple[GeneratorSampler, Description]:
    """A generator as it is at its start, and what it is."""
    width = 64 if family == "mlp" else 16  # so that some of its weights are worth rounding
    body = Body(family=family, width=width, depth=1, options=options)
    conditions = len(space.classes)
    with seeded(key(5)):
        network = generator(
            family,
            space=space,
            latent=latent,
            condition=conditions,
            width=width,
            depth=1,
            options=options,
        )
    for parameter in network.parameters():  # a start can be so small that every difference is too
        parameter.data.mul_(3.0)
    prior = Prior(latent)
    sampler = GeneratorSampler(network.requires_grad_(False), space=space, prior=prior, conditions=conditions)
    return sampler, Description(space=space, prior=prior, conditions=conditions, body=body)


@pytest.fixture
def pictures() -> tuple[GeneratorSampler, Description]:
    """A conditional generator of pictures that are not square."""
    return made("dcgan", DIGITS)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on pictures with classes."""
    folder = tmp_path_factory.mktemp("runs")
    trainer = prepare("digits", recipe=players.recipe(kimg=0.1)).start(folder / "digits")
    assert trainer.train().finished
    return trainer.run.path
