"""Series in time: attributes, gaps, unequal lengths, and going on from a beginning.

The generator first writes what lasts through a series, then step after step; it learns by the likelihood of
each real step after those before it, and by a relativistic game over whole series with zero-centred penalties
by finite differences, in which it goes on from beginnings that are given.

Command:   gan train FILE.csv
Expect:    benchmarks/results/series.md
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from ganforge.core.columns import Columnar
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Penalty, Player, Recipe, Term
from ganforge.core.sequential import Sequential
from ganforge.core.space import Space

__all__ = ["recipe"]

_TIMES = 300  # that each series is shown
_LONG = 128  # steps, beyond which whole series are too dear to be written in every round


def recipe(space: Space, n: int) -> Recipe:
    codec = space.codec
    if not isinstance(codec, Sequential):
        raise RecipeError(f"the recipe series is for series, not for {space.describe()}")
    table = codec.table
    generator = Player(
        family="recurrent",
        width=96 if n < 5_000 else 128,
        depth=2,
        learning_rate=2e-3,
        learning_rate_final=5e-5,
        beta1=0.9,
        beta2=0.99,
        beta2_final=0.99,
    )
    r1 = Penalty(name="r1", weight=0.1, method="finite_difference", sigma=0.05)
    # Beyond some hundred times, few series are learnt by heart: made ones come to lie nearer to them than to
    # others, and the referees see it (benchmarks/results/series.md).
    enough = max(_TIMES * n / 1000, 20.0)
    batch = 128
    while batch > n:
        batch //= 2
    return Recipe(
        name="series",
        game="completion",
        latent=codec.chances + 16 + (0 if table is None else cast(Columnar, table.codec).chances),
        objective="relativistic",
        generator=generator,
        discriminator=replace(
            generator, width=32, depth=1, learning_rate=5e-4, learning_rate_final=5e-5, beta1=0.0
        ),
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=1e-3)),
        terms=(Term(name="likelihood", weight=1.0),),
        adversarial_weight=0.05 if space.shape[1] <= _LONG else 0.0,
        batch=batch,
        kimg=enough,
        most_kimg=enough,
        ema_nimg=10_000,
        conditional=False,
    )
