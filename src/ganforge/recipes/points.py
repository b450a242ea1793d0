"""Points in few dimensions, in separate clumps or along curves.

Relativistic pairing with zero-centred penalties by finite differences. Three things make separate modes
come out whole: random bits in the latent beside two normal numbers, so that the generator need not bridge the
modes; octaves of sines in the discriminator, so that it sees fine structure at once; and noise on reals
and fakes that shrinks during the first half, so that far modes pull on each other's samples.

Command:   gan train FILE.csv
Expect:    benchmarks/results/mixtures.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    generator = Player(
        family="mlp",
        width=128,
        depth=3,
        options={"activation": "silu"},
        learning_rate=1e-3,
        learning_rate_final=1e-5,
        beta1=0.0,
        beta2=0.9,
        beta2_final=0.99,
    )
    r1 = Penalty(
        name="r1", weight=2e-3, weight_final=1e-5, method="finite_difference", sigma=2e-3, share=0.25
    )
    # Sinusoids of many coordinates would drown these, and the network takes none of more than 64.
    waves = {"fourier": 6} if space.channels <= 64 else {}
    batch = 256
    while batch > n:
        batch //= 2
    return Recipe(
        name="points",
        latent=max(10, space.channels + 8),
        latent_bits=8,
        objective="relativistic",
        generator=generator,
        discriminator=replace(generator, options={"activation": "silu", **waves}),
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=1e-3)),
        augmentation=Augmentation(noise=0.5, noise_final=0.1, noise_until=0.45),
        batch=batch,
        kimg=3_072,
        ema_nimg=128_000,
    )
