"""Handwritten digits in seconds on a laptop: scikit-learn's 1,797 real scans, 8×8.

Fully connected players: on 64 pixels convolutions have little to share. Brightness, contrast and position
are changed at random in front of the discriminator, which would otherwise know the few scans by heart.

Command:   gan train digits
Expect:    see benchmarks/results/demo.md
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    player = Player(
        family="mlp",
        width=256,
        depth=3,
        learning_rate=1e-3,
        learning_rate_final=1e-4,
        beta1=0.0,
        beta2=0.9,
        beta2_final=0.99,
    )
    r1 = Penalty(name="r1", weight=0.2, method="finite_difference", sigma=0.01, share=0.25)
    batch = 64
    while batch > n:
        batch //= 2
    return Recipe(
        name="digits",
        latent=16,
        latent_bits=8,
        objective="relativistic",
        generator=player,
        discriminator=player,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
        augmentation=Augmentation(policy="color,translation", probability=0.4),
        batch=batch,
        kimg=80,
        ema_nimg=10_000,
    )
