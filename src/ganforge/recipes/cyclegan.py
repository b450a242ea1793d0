"""Two domains of pictures, nothing paired: horses to zebras and back again.

Two directions and two discriminators of patches; what is carried over must come back as it was (Zhu et al.
2017, arXiv 1703.10593).

Command:   gan train zebras --from horses --recipe cyclegan
Expect:    benchmarks/results/exchange.md
"""

from __future__ import annotations

from ganforge.core.recipe import Penalty, Player, Recipe, Term
from ganforge.core.space import Space
from ganforge.recipes import pix2pix

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    generator = Player(
        family="translator",
        width=16,
        depth=4,
        learning_rate=5e-4,
        learning_rate_final=5e-5,
        beta1=0.5,
        beta2=0.99,
    )
    return Recipe(
        name="cyclegan",
        game="exchange",
        generator=generator,
        discriminator=pix2pix.recipe(space, n).discriminator,
        conditional=False,
        objective="least_squares",
        # With cycle 10 and identity 2, what may stay as it is stays: white digits did not become dark ones
        # (36 % read as their class; benchmarks/results/exchange.md).
        penalties=(Penalty(name="r1", weight=1.0, method="finite_difference", sigma=0.01, share=0.5),),
        terms=(Term(name="cycle", weight=3.0),),
        pool=50,
        batch=4,
        kimg=40,
        ema_nimg=2_000,
        mirror=space.codec.mirrors,
    )
