"""The recipe gaussian with a modern objective: the same players, the same game, an optimum that holds still.

Relativistic pairing and zero-centred penalties in place of minimax.

Command:   gan train gaussian --recipe gaussian-modern
Expect:    benchmarks/results/gaussian.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Penalty, Recipe
from ganforge.core.space import Space
from ganforge.recipes import gaussian

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = gaussian.recipe(space, n)
    r1 = Penalty(name="r1", weight=0.02, weight_final=0.002)
    player = replace(base.generator, learning_rate=3e-3, learning_rate_final=3e-5, beta1=0.0, beta2=0.99)
    return replace(
        base,
        name="gaussian-modern",
        objective="relativistic",
        generator=player,
        discriminator=replace(player, options=base.discriminator.options),
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
    )
