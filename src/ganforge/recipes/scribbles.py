"""A few drawn lines to a picture.

The lines are drawn from the data themselves: their strongest edges, smoothed and broken, so that a
hand-drawn scribble works too (iGAN: Zhu et al. 2016, arXiv 1609.03552, asked the same of latents).

Command:   gan train FOLDER --recipe scribbles
Expect:    benchmarks/results/translation.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe, Term
from ganforge.core.space import Space
from ganforge.recipes import pix2pix

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = pix2pix.recipe(space, n)
    return replace(
        base, name="scribbles", source="scribbles", terms=(Term(name="l1", weight=5.0), base.terms[1])
    )
