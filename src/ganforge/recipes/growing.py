"""The default for pictures: from coarse to fine, so that minutes yield something worth keeping.

Networks of the family growing; relativistic pairing with zero-centred penalties on reals and fakes (Huang et
al. 2024, arXiv 2501.05441), the penalties by finite differences; small batches, and so thousands of moves.
How large, how wide and how long at which size depends on the budget: the plan before training says so.

Command:   gan train FOLDER --minutes 15
"""

from __future__ import annotations

from dataclasses import replace

from ganforge.core.levels import first_level, levels_of
from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.space import Space

__all__ = ["recipe"]

# Shares of the budget for the coarser levels, by how many there are: benchmarks/results/minutes.md.
_SHARES = {1: (), 2: (0.4,), 3: (0.2, 0.3), 4: (0.12, 0.18, 0.3)}


def recipe(space: Space, n: int) -> Recipe:
    patch = 2 if min(space.spatial) >= 28 else 1
    player = Player(
        family="growing",
        width=32,
        depth=1,
        options={"patch": patch},
        learning_rate=2e-3,
        learning_rate_final=2e-4,
        beta1=0.0,
        beta2=0.95,
    )
    # Of the pixels of the whole size: of a coarser level's own it is γ divided by the area.
    gamma = 1.0 * (max(space.spatial) / 64) ** 2
    r1 = Penalty(
        name="r1", weight=gamma, weight_final=gamma / 10, method="finite_difference", sigma=0.02, share=0.25
    )
    sides = levels_of(space.spatial, patch)
    levels = len(sides) - first_level(sides)
    few = n < 5_000
    return Recipe(
        name="growing",
        latent=64,
        objective="relativistic",
        generator=player,
        discriminator=player,
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.001)),
        augmentation=Augmentation(policy="translation", probability=0.3 if few else 0.0),
        mismatched=0.5,
        batch=_batch(n),
        growth=_SHARES.get(levels, (*(0.5 / (levels - 2) for _ in range(levels - 2)), 0.25)),
        kimg=400,
        ema_nimg=5_000,
        ema_ramp=0.1,
    )


def _batch(n: int) -> int:
    batch = 16
    while batch > n:
        batch //= 2
    return batch
