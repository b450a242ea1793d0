"""The modern default for pictures, sounds and shapes: residual networks without normalisation.

Relativistic pairing with zero-centred penalties on reals and fakes (Huang et al. 2024, arXiv 2501.05441),
the penalties by finite differences.

Command:   gan train FOLDER --recipe residual
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.levels import side_halvings
from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    # Zero-centred penalties grow with the area (Karras et al. 2020). At 28 px, gamma .04, .5 and 3 left 85,
    # 97 and 88 % of samples recognised as asked after 24 kimg: benchmarks/results/residual.md.
    gamma = 0.5 * (max(space.spatial, default=32) / 32) ** 2  # points have no sides, and no such network
    times = [side_halvings(side) for side in space.spatial]
    # What is nearly square is halved as a whole: what it was measured with.
    long = bool(times) and max(times) - min(times) > 1
    player = Player(
        family="residual",
        width=32,
        depth=1,
        options={"halved": "apart"} if long else {},
        learning_rate=5e-4,
        learning_rate_final=1e-4,
        beta1=0.0,
        beta2=0.9,
        beta2_final=0.99,
    )
    r1 = Penalty(
        name="r1", weight=gamma, weight_final=gamma / 10, method="finite_difference", sigma=0.01, share=0.25
    )
    return Recipe(
        name="residual",
        latent=64,
        objective="relativistic",
        generator=player,
        discriminator=player,
        penalties=(
            r1,
            replace(r1, name="r2"),
            Penalty(name="centring", weight=0.01),
        ),
        augmentation=Augmentation(policy="translation", probability=0.3 if n < 5_000 else 0.0),
        mismatched=0.5,  # without it, two in ten digits were others than those asked for after 40 kimg
        batch=64,
        kimg=400,
        ema_nimg=10_000,
    )
