"""The default for clips.

Command:   gan train FILMS --minutes 15
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Recipe
from ganforge.core.space import Space
from ganforge.recipes import growing

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    augmentation = Augmentation(policy="translation", probability=0.1 if n < 5_000 else 0.0)
    return replace(growing.folded(space, n, name="clips", patch=2), augmentation=augmentation)
