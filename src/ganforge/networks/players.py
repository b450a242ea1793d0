"""A recipe's players as networks: the one way in which training builds and a run folder rebuilds them."""

from __future__ import annotations

from torch import nn

from ganforge.core.draw import key
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.networks import discriminator, generator, seeded

__all__ = ["build_discriminator", "build_generator", "condition_size"]


def condition_size(recipe: Recipe, space: Space) -> int:
    """How many numbers a condition has, 0 for none: one for each class."""
    return len(space.classes) if recipe.conditional else 0


def build_generator(recipe: Recipe, space: Space) -> nn.Module:
    """The recipe's generator, its start a function of the recipe's seed. Raises RecipeError."""
    player = recipe.generator
    with seeded(key(recipe.seed, 1)):
        return generator(
            player.family,
            space=space,
            latent=recipe.latent,
            condition=condition_size(recipe, space),
            width=player.width,
            depth=player.depth,
            options=player.options,
        )


def build_discriminator(recipe: Recipe, space: Space) -> nn.Module:
    """The recipe's discriminator, its start a function of the recipe's seed. Raises RecipeError."""
    player = recipe.discriminator
    with seeded(key(recipe.seed, 2)):
        return discriminator(
            player.family,
            space=space,
            condition=condition_size(recipe, space),
            width=player.width,
            depth=player.depth,
            packing=recipe.packing,
            options=player.options,
        )
