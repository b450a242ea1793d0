"""Eight Gaussians on a circle: the classic test for lost modes.

The recipe points with a finer discriminator, under the protocol of PacGAN (Lin et al. 2018, section 4.1).

Command:   gan train ring
Expect:    benchmarks/results/mixtures.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import points

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = points.recipe(space, n)
    # A mode is narrower than the whole by 70 here: a seventh octave shows the discriminator its width.
    fine = replace(base.discriminator, options={**base.discriminator.options, "fourier": 7})
    return replace(base, name="ring", discriminator=fine)
