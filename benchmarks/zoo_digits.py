"""The zoo's players of digits: small convolutions, as pictures have them, and not the recipe `digits`."""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Penalty, Recipe
from ganforge.core.space import Space
from ganforge.recipes import residual

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = residual.recipe(space, n)
    # Eight coins in the latent and a light penalty: without either, all samples of a digit look alike. A
    # lighter one, or no augmentation, and they lean towards the scans trained on.
    r1 = Penalty(name="r1", weight=0.02, method="finite_difference", sigma=0.01, share=0.25)
    player = replace(base.generator, width=32, learning_rate=1e-3)
    return replace(
        base,
        name="zoo-digits",
        latent=16,
        latent_bits=8,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
        generator=player,
        discriminator=player,
        augmentation=Augmentation(policy="translation", probability=0.2),
        kimg=35,
    )
