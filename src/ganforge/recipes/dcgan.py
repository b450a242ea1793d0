"""The deep convolutional GAN of faces and bedrooms: Radford et al. 2015, arXiv 1511.06434.

The paper's networks, generalised to any size; batch normalisation, Adam 2e-4 with beta1 .5, the
non-saturating loss. At 64×64 it is the network of PyTorch's own example.

Command:   gan train FOLDER --recipe dcgan --size 64
"""

from __future__ import annotations

from ganforge.core.recipe import Player, Recipe
from ganforge.core.space import Space

__all__ = ["recipe"]


def recipe(space: Space, n: int) -> Recipe:
    player = Player(family="dcgan", width=64, depth=0, learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Recipe(
        name="dcgan",
        latent=100,
        objective="non_saturating",
        generator=player,
        discriminator=player,
        conditional=False,
        batch=128,
        kimg=1_000,
        ema_nimg=5_000,
    )
