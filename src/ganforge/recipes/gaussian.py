"""Learn a bell curve of mean 4 and deviation 1.25 that the generator never sees.

The game and the players of gaussian-original, with an optimum that holds still: relativistic pairing and
zero-centred penalties in place of minimax.

Command:   gan train gaussian
Expect:    a bell in seconds: benchmarks/results/gaussian.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Penalty, Recipe
from ganforge.core.space import Space
from ganforge.recipes import gaussian_original

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = gaussian_original.recipe(space, n)
    r1 = Penalty(name="r1", weight=0.3, weight_final=0.03)
    generator = replace(
        base.generator, width=32, learning_rate=1e-3, learning_rate_final=1e-5, beta1=0.0, beta2=0.99
    )
    # The discriminator learns thirty times as fast: at equal rates the two go round each other for long.
    discriminator = replace(
        base.discriminator, width=32, learning_rate=3e-2, learning_rate_final=3e-3, beta1=0.0, beta2=0.99
    )
    return replace(
        base,
        name="gaussian",
        objective="relativistic",
        generator=generator,
        discriminator=discriminator,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
        kimg=2_000,
    )
