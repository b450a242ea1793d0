"""Samples from latents and latents from samples at once: what a sample is, can be asked.

The game of BiGAN (Donahue et al. 2017, arXiv 1605.09782) and ALI (Dumoulin et al. 2017, arXiv 1606.00704),
with ALICE's term for coming back (Li et al. 2017, arXiv 1709.01215). What does not come back as it was is
unlike the data: a score of anomalies.

Command:   gan train DATA --recipe bigan
Expect:    benchmarks/results/anomaly.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Penalty, Player, Recipe, Term
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    player = Player(
        family="dcgan" if space.dims else "mlp",
        width=32 if space.dims else 128,
        depth=1 if space.dims else 3,
        learning_rate=5e-4,
        learning_rate_final=5e-5,
        beta1=0.0,
        beta2=0.9,
        beta2_final=0.99,
    )
    judge = replace(player, options={"normalisation": "none"}) if space.dims else player
    r1 = Penalty(name="r1", weight=0.3, weight_final=0.03, method="finite_difference", sigma=0.01, share=0.25)
    batch = 64
    while batch > n:
        batch //= 2
    return Recipe(
        name="bigan",
        game="inference",
        generator=player,
        encoder=replace(player, family="encoder", depth=1, options={}),
        discriminator=judge,
        latent=32,
        objective="relativistic",
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
        terms=(Term(name="cycle", weight=1.0),),
        conditional=False,
        batch=batch,
        kimg=300,
        ema_nimg=10_000,
    )
