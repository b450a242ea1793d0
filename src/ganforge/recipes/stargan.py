"""One mapping between all classes of a domain: it is told the class that it should lead to.

Choi et al. 2018, arXiv 1711.09020, with a projection discriminator in place of its classifier. A picture
that is carried to another class must come back as it was.

Command:   gan train FOLDER --recipe stargan     a subfolder for each class
Expect:    benchmarks/results/exchange.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import cyclegan

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    # No pool: a past fake would have to be kept with the class that it was asked for.
    return replace(cyclegan.recipe(space, n), name="stargan", conditional=True, condition="class", pool=0)
