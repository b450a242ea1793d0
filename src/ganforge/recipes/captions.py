"""Pictures from captions: 'a red circle, a blue square'.

The recipe residual, asked for captions in place of classes. Real pictures with another picture's caption are
further fakes (Reed et al. 2016, arXiv 1605.05396, section 4.2), so that the words are obeyed. A caption names
nearly one picture, and a class many: so it is as loud as the latent, and enters every stage.

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
    base = residual.recipe(space, n)
    # Small batches: words are seen seldom, and what minutes teach is limited by the number of moves.
    # With 64 a batch, after 16 kimg of emoji 22 % of captions were found among ten, with 16 a batch 30 %.
    faster = {"learning_rate": 1e-3, "learning_rate_final": 1e-4}
    gamma = base.penalties[0].weight / 5
    return replace(
        base,
        name="captions",
        latent=128,
        generator=replace(base.generator, **faster, options={"styles": True, "loudness": 1.0}),
        discriminator=replace(base.discriminator, **faster),
        penalties=tuple(
            replace(p, weight=gamma, weight_final=gamma / 5) if p.name in ("r1", "r2") else p
            for p in base.penalties
        ),
        mismatched=1.0,
        batch=16,
        kimg=120,
        ema_nimg=4_000,
    )
