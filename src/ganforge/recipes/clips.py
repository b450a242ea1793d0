"""The default for clips.

Command:   gan train FILMS --minutes 15
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.levels import first_level, levels_of
from ganforge.core.recipe import Augmentation, Recipe
from ganforge.core.space import Space
from ganforge.recipes import growing

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = growing.recipe(space, n)
    sides = levels_of(space.spatial[1:], 2)
    several = len(sides) - first_level(sides) > 1
    player = replace(base.generator, family="folded", width=48, options={"patch": 2})
    return replace(
        base,
        name="clips",
        generator=player,
        discriminator=player,
        augmentation=Augmentation(policy="translation", probability=0.1 if n < 5_000 else 0.0),
        batch=min(base.batch, 16),
        growth=(0.3,) if several else (),
    )
