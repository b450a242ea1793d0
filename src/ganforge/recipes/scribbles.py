"""A few drawn lines to a picture.

The lines are drawn from the data themselves: their strongest edges, smoothed and broken, so that a
hand-drawn scribble works too (iGAN: Zhu et al. 2016, arXiv 1609.03552, asked the same of latents).

Command:   gan train FOLDER --recipe scribbles
Expect:    benchmarks/results/translation.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import pix2pix

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    return replace(pix2pix.recipe(space, n), name="scribbles", source="scribbles")
