"""Pictures from captions: 'a red circle, a blue square'.

The recipe growing, asked for captions in place of classes. Real pictures with another picture's caption are
further fakes (Reed et al. 2016, arXiv 1605.05396, section 4.2), so that the words are obeyed. A caption names
nearly one picture, and a class many: so it is as loud as the latent.

Command:   gan train FOLDER --recipe captions      with a captions.json in it
Expect:    benchmarks/results/captions.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.recipes import growing

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    base = growing.recipe(space, n)
    loud = {**base.generator.options, "loudness": 1.0}
    return replace(
        base,
        name="captions",
        latent=128,
        generator=replace(base.generator, options=loud),
        mismatched=1.0,
        batch=min(base.batch, 16),  # moves count, and words are seen seldom
    )
