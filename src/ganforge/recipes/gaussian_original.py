"""The seed of it all: learn a bell curve of mean 4 and deviation 1.25 that the generator never sees.

R is a bell curve, I uniform noise, G and D have two hidden layers each (tanh and sigmoid), three linear
maps each, and the players take turns: the fifty lines with which many people met GANs. The objective
is the original one, of minimax (Goodfellow et al. 2014, equation 1), and it does not end with a bell: the
players go round each other, and the samples are a box with horns. The recipe gaussian keeps the game and
the players, and changes the objective.

Command:   gan train gaussian --recipe gaussian-original
Expect:    benchmarks/results/gaussian.md
"""

from __future__ import annotations

from ganforge.core.recipe import Player, Recipe
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    return Recipe(
        name="gaussian-original",
        latent=1,
        prior="uniform",
        objective="minimax",
        standardise=False,
        generator=Player(
            family="mlp", width=16, depth=2, options={"activation": "tanh"}, learning_rate=1e-3, beta1=0.5
        ),
        discriminator=Player(
            family="mlp", width=16, depth=2, options={"activation": "sigmoid"}, learning_rate=1e-3, beta1=0.5
        ),
        batch=512,
        kimg=5_000,
        ema_nimg=50_000,
    )
