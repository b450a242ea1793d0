"""A picture with a hole to a whole one.

The hole is cut into the data themselves: the middle half of each side (Pathak et al. 2016,
arXiv 1604.07379). For holes anywhere: --set source=holes

Command:   gan train FOLDER --recipe inpainting
Expect:    benchmarks/results/translation.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import pix2pix

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = pix2pix.restoring(space, n)
    return replace(base, name="inpainting", source="hole:0.5", terms=(*base.terms[:1],))
