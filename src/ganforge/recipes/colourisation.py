"""A grey picture to a coloured one.

The grey input is made from the data themselves (Isola et al. 2017, section 3). The network adds colour to it:
what is drawn is there already.

Command:   gan train FOLDER --recipe colourisation
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
    return replace(base, name="colourisation", source="grey")
