"""The default for shapes of voxels: layers as channels of a picture, from coarse to fine.

In three dimensions the same minutes are a tenth of the examples, and too few steps to learn anything
(results/shapes.md).

Command:   gan train SHAPES --core-minutes 15
"""

from __future__ import annotations

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import growing, residual

__all__ = ["recipe"]


_SMALLEST = 8  # voxels a side, that the family folded can make


def recipe(space: Space, n: int) -> Recipe:
    if min(space.spatial) < _SMALLEST:
        return residual.recipe(space, n)
    return growing.folded(space, n, name="shapes", patch=growing.patch_of(space.spatial[1:]))
