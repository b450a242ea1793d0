"""The default for shapes of voxels: layers as channels of a picture, from coarse to fine.

In three dimensions the same minutes are a tenth of the examples, and too few steps to learn anything
(results/shapes.md).

Command:   gan train SHAPES --core-minutes 15
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.levels import first_level, levels_of
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import growing, residual

__all__ = ["recipe"]


_SMALLEST = 8  # voxels a side, that the family folded can make


def recipe(space: Space, n: int) -> Recipe:
    if min(space.spatial) < _SMALLEST:
        return residual.recipe(space, n)
    base = growing.recipe(space, n)
    patch = 2 if min(space.spatial[1:]) >= 28 else 1
    sides = levels_of(space.spatial[1:], patch)
    several = len(sides) - first_level(sides) > 1
    player = replace(base.generator, family="folded", width=48, options={"patch": patch})
    return replace(
        base,
        name="shapes",
        generator=player,
        discriminator=player,
        batch=min(base.batch, 16),
        growth=(0.3,) if several else (),
    )
