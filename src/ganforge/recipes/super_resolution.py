"""A small picture to one four times as wide and high.

The input is made from the data themselves, by averaging. The network adds to the enlarged input what it
lacks (Ledig et al. 2017, arXiv 1609.04802), and what it makes must still average to the input.

Command:   gan train FOLDER --recipe super-resolution
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
        name="super-resolution",
        source="low-resolution:4",
        terms=(*base.terms, Term(name="low_pass", weight=10.0)),
    )
