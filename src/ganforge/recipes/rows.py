"""Tables: words, numbers, dates and gaps, with conditions on any subset of columns.

The generator completes rows of which random columns are hidden: by the likelihood of each hidden column, and
by a relativistic game over whole rows with zero-centred penalties by finite differences. Every number is a
level of its own distribution with a place within it, so spikes, whole numbers and decimals come back exactly.
Of fewer than 5,000 rows it begins as a Gaussian copula, and a cost keeps it from learning them by heart.

Command:   gan train FILE.csv
Expect:    benchmarks/results/tables.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.columns import Columnar
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Penalty, Player, Recipe, Term
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    codec = space.codec
    if not isinstance(codec, Columnar):
        raise RecipeError(f"the recipe rows is for tables, not for {space.describe()}")
    player = Player(
        family="columns",
        width=256 if n >= 5_000 else 128 if n >= 1_000 else 64,
        depth=2,
        learning_rate=1e-3,
        learning_rate_final=2e-5,
        beta1=0.0,
        beta2=0.99,
        beta2_final=0.99,
    )
    r1 = Penalty(name="r1", weight=0.02, method="finite_difference", sigma=0.05, share=0.5)
    few = n < 5_000 and codec.correlations  # few rows do not teach what a copula knows of them
    batch = 256
    while batch > n:
        batch //= 2
    return Recipe(
        name="rows",
        game="completion",
        latent=codec.chances + 32,
        objective="relativistic",
        generator=replace(player, options={"copula": 0.02}) if few else player,
        discriminator=player,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=1e-3)),
        terms=(Term(name="likelihood", weight=1.0),),
        adversarial_weight=0.1,
        batch=batch,
        kimg=min(max(100.0 * n / 1000, 500.0), 5_000.0),
        ema_nimg=60_000,
        conditional=False,
    )
