"""Handwritten digits in a minute on a laptop: scikit-learn's 1,797 real scans, 8×8.

Command:   gan train digits
Expect:    see benchmarks/results/demo.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Recipe
from ganforge.core.space import Space
from ganforge.recipes import residual

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = residual.recipe(space, n)
    player = replace(base.generator, width=32, learning_rate=1e-3)
    return replace(
        base,
        name="digits",
        generator=player,
        discriminator=player,
        augmentation=Augmentation(),
        kimg=60,
    )
