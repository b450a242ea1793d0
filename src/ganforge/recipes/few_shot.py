"""Few pictures, from some dozens to a thousand: skip-layer excitation and a discriminator that also rebuilds.

The networks of FastGAN (Liu et al. 2021, arXiv 2101.04775), with augmentation always on (Zhao et al. 2020,
arXiv 2006.10738) and zero-centred penalties every fourth round.

Command:   gan train FOLDER --recipe few-shot
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    player = Player(family="few_shot", width=32, depth=1, learning_rate=2e-4, beta1=0.5, beta2=0.9)
    r1 = Penalty(name="r1", weight=1.0, method="finite_difference", sigma=0.01, every=4)
    batch = 16
    while batch > n:
        batch //= 2
    return Recipe(
        name="few-shot",
        latent=128,
        objective="hinge",
        generator=player,
        discriminator=player,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="reconstruction", weight=1.0)),
        augmentation=Augmentation(policy="color,translation,cutout"),
        batch=batch,
        kimg=150,
        ema_nimg=5_000,
    )
