"""Small, quick players for stacked MNIST: the default's game and penalties, with strided convolutions.

The default's residual players see 100 pictures a second on one thread, these fifteen times as many; what they
are for needs millions (benchmarks/results/stacked.md).
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import residual

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = residual.recipe(space, n)
    player = replace(base.generator, family="dcgan", depth=0, learning_rate=1e-3)
    return replace(
        base,
        name="stacked",
        generator=replace(player, width=32),
        # Gradient penalties want no normalisation; half the batch is twice the moves at the same cost.
        discriminator=replace(player, width=24, options={"normalisation": "none"}),
        batch=32,
        # Which digits are frequent swings from moment to moment: a long average evens it out.
        ema_nimg=50_000,
    )
