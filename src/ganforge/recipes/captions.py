"""Pictures from captions: 'a red circle, a blue square'.

The recipe residual, asked for captions in place of classes. Real pictures with another picture's caption are
further fakes (Reed et al. 2016, arXiv 1605.05396, section 4.2), so that the words are obeyed.

Command:   gan train FOLDER --recipe captions      with a captions.json in it
Expect:    benchmarks/results/captions.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import residual

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    return replace(residual.recipe(space, n), name="captions")
