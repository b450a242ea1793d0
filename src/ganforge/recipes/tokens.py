"""Sequences of tokens: passages of music and short texts, step by step, from any beginning.

The generator writes one step after another, within it one group of states after another; it learns by the
likelihood of each real step after those before it, and by a relativistic game over whole sequences with
zero-centred penalties by finite differences.

Command:   gan train FOLDER
Expect:    benchmarks/results/music.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Penalty, Player, Recipe, Term
from ganforge.core.sequential import Sequential
from ganforge.core.space import Space

__all__ = ["recipe"]

_TIMES = 150  # that each example is shown; more are learnt by heart


def recipe(space: Space, n: int) -> Recipe:
    codec = space.codec
    if not isinstance(codec, Sequential) or codec.numbers:
        raise RecipeError(f"the recipe tokens is for sequences of tokens, not for {space.describe()}")
    generator = Player(
        family="recurrent",
        width=256,
        depth=1,
        learning_rate=2e-3,
        learning_rate_final=5e-5,
        beta1=0.9,
        beta2=0.99,
        beta2_final=0.99,
        options={"chained": True, "related": bool(codec.degrees), "jitter": 0.05, "judged_every": 8},
    )
    r1 = Penalty(name="r1", weight=0.1, method="finite_difference", sigma=0.05)
    enough = max(_TIMES * n / 1000, 20.0)
    batch = 32
    while batch > n:
        batch //= 2
    return Recipe(
        name="tokens",
        game="completion",
        latent=codec.chances + 16,
        objective="relativistic",
        generator=generator,
        discriminator=replace(
            generator,
            width=32,
            learning_rate=5e-4,
            learning_rate_final=5e-5,
            beta1=0.0,
            options={},
        ),
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=1e-3)),
        terms=(Term(name="likelihood", weight=1.0),),
        adversarial_weight=0.02,
        batch=batch,
        kimg=enough,
        most_kimg=enough,
        ema_nimg=10_000,
    )
