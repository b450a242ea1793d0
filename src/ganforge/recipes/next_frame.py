"""The next frame of a clip from those before it.

Absolute and gradient difference and an adversarial term, as in Mathieu et al. 2016, arXiv 1511.05440:
absolute distance alone blurs what may move either way.

Command:   gan train CLIPS --recipe next-frame
Expect:    benchmarks/results/translation.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe, Term
from ganforge.core.space import Space
from ganforge.recipes import pix2pix

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = pix2pix.restoring(space, n)
    return replace(
        base,
        name="next-frame",
        source="previous:3",
        terms=(*base.terms[:1], Term(name="gradient_difference", weight=10.0)),
        mirror=False,
    )
