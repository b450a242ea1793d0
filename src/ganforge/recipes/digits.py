"""Handwritten digits in a minute on a laptop: scikit-learn's 1,797 real scans, 8×8.

Command:   gan train digits
Expect:    see benchmarks/results/demo.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Penalty, Recipe
from ganforge.core.space import Space
from ganforge.recipes import residual

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = residual.recipe(space, n)
    # A light penalty and eight coins in the latent: without either, all samples of a digit look alike
    # (pixel deviation within a class .51 of the real one's; .66 with the first, .82 with both).
    r1 = Penalty(
        name="r1", weight=0.003, weight_final=0.0003, method="finite_difference", sigma=0.01, share=0.25
    )
    player = replace(base.generator, width=32, learning_rate=1e-3)
    return replace(
        base,
        name="digits",
        latent=16,
        latent_bits=8,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
        generator=player,
        discriminator=player,
        augmentation=Augmentation(),
        kimg=35,
    )
