"""Photographs as one painter would have painted them, by a network small enough for a film.

The exchange of cyclegan with narrow translators (Johnson et al. 2016, arXiv 1603.08155). The painting must
keep the photograph's coarse picture: without that, a small one repaints everything in the painter's brown.

Command:   gan train PAINTINGS --from PHOTOS --recipe painter
Expect:    benchmarks/results/exchange.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe, Term
from ganforge.core.space import Space
from ganforge.recipes import cyclegan

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = cyclegan.recipe(space, n)
    return replace(
        base,
        name="painter",
        generator=replace(base.generator, depth=3),
        terms=(
            Term(name="cycle", weight=10.0),
            Term(name="identity", weight=2.0),
            Term(name="edges", weight=1.0),
        ),
    )
