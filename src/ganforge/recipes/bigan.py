"""Samples from latents and latents from samples at once: what a sample is, can be asked.

The game of BiGAN (Donahue et al. 2017, arXiv 1605.09782) and ALI (Dumoulin et al. 2017, arXiv 1606.00704),
with ALICE's term for coming back (Li et al. 2017, arXiv 1709.01215). What does not come back as it was is
unlike the data: a score of anomalies.

The latent is small: of more numbers than examples vary in, the encoder could not fill the prior, and the
discriminator would tell pairs by their latents alone. Both ways are continuous, so between separate clumps
there are bridges of bad samples: for points in clumps `points` is the better generator.

Command:   gan train DATA --recipe bigan
Expect:    benchmarks/results/anomaly.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Penalty, Player, Recipe, Term
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    points = space.dims == 0 or min(space.spatial) < 8  # too small for convolutions
    width = 16 if max(space.spatial, default=0) <= 32 else 32
    player = Player(
        family="mlp" if points else "dcgan",
        width=128 if points else width,
        depth=3 if points else 0,
        learning_rate=5e-4,
        learning_rate_final=5e-5,
        beta1=0.0,
        beta2=0.9,
        beta2_final=0.99,
    )
    judge = player if points else replace(player, options={"normalisation": "none"})
    encoder = replace(player, family="encoder", width=16, depth=1)
    r1 = Penalty(name="r1", weight=0.3, weight_final=0.03, method="finite_difference", sigma=0.01, share=0.25)
    batch = 64
    while batch > n:
        batch //= 2
    return Recipe(
        name="bigan",
        game="inference",
        generator=player,
        encoder=encoder,
        discriminator=judge,
        latent=min(16, space.size),
        objective="relativistic",
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
        terms=(Term(name="cycle", weight=10.0),),
        conditional=False,
        batch=batch,
        kimg=300,
        ema_nimg=10_000,
    )
