"""A recipe's players as networks: the one way in which training builds and a run folder rebuilds them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.condition import Condition
from ganforge.core.declared import GAMES
from ganforge.core.recipe import Recipe
from ganforge.core.rng import key
from ganforge.core.space import Space
from ganforge.networks import discriminator, generator, seeded, translator

__all__ = [
    "Inverse",
    "TwoDirections",
    "beside_source",
    "build_discriminator",
    "build_generator",
    "condition_of",
    "condition_size",
    "inputs_to_samples",
    "latents_to_samples",
    "samples_to_logits",
]


class Inverse(nn.Module):
    """The generator player of ``inference``: a generator, and the encoder that leads back.

    Called as a generator is; ``encode`` is the other way.
    """

    def __init__(self, network: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.encoder = encoder

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latents ``(N, L)`` and conditions to samples ``(N, *shape)``."""
        return self.network(z, condition)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples ``(N, *shape)`` in model units and conditions to latents ``(N, L)``."""
        return self.encoder(x, condition)


class TwoDirections(nn.Module):
    """The generator player of ``exchange`` with two domains: called, it leads there; ``back`` leads back."""

    def __init__(self, there: nn.Module, back: nn.Module) -> None:
        super().__init__()
        self.there = there
        self.back = back

    def forward(self, source: Tensor, condition: Tensor | None = None) -> Tensor:
        """Inputs ``(N, *space.source.shape)`` to ``(N, *space.shape)``, model units."""
        return self.there(source, condition)


def condition_of(recipe: Recipe, space: Space) -> Condition | None:
    """What the players of ``recipe`` are asked for, or None."""
    if not recipe.conditional:
        return None
    if space.condition is not None and recipe.condition != "class":
        return space.condition
    return Condition.of_classes(space.classes) if space.classes else None


def condition_size(recipe: Recipe, space: Space) -> int:
    """How many numbers a condition has, 0 for none."""
    found = condition_of(recipe, space)
    return 0 if found is None else found.size


def beside_source(x: Tensor, source: Tensor) -> Tensor:
    """Examples ``(N, C, *sides)`` stacked upon their inputs, which are brought to the same sides."""
    if source.shape[2:] != x.shape[2:]:
        source = F.interpolate(source, size=x.shape[2:], mode="nearest")
    return torch.cat([x, source], 1)


def build_generator(recipe: Recipe, space: Space) -> nn.Module:
    """The recipe's generator player, its start a function of the recipe's seed. Raises RecipeError."""
    with seeded(key(recipe.seed, 1)):
        return GAMES.find(recipe.game).build_generator(recipe, space, condition_size(recipe, space))


def build_discriminator(recipe: Recipe, space: Space) -> nn.Module:
    """The recipe's discriminator player, its start a function of the recipe's seed. Raises RecipeError."""
    with seeded(key(recipe.seed, 2)):
        return GAMES.find(recipe.game).build_discriminator(recipe, space, condition_size(recipe, space))


def latents_to_samples(recipe: Recipe, space: Space, conditions: int) -> nn.Module:
    """A network by the generator's settings, from latents (and conditions of so many numbers) to samples."""
    player = recipe.generator
    return generator(
        player.family,
        space=space,
        latent=recipe.latent,
        condition=conditions,
        width=player.width,
        depth=player.depth,
        options=player.options,
    )


def inputs_to_samples(recipe: Recipe, space: Space, conditions: int) -> nn.Module:
    """A network by the generator's settings, from inputs of ``space.source`` to samples of ``space``."""
    player = recipe.generator
    return translator(
        player.family,
        space=space,
        condition=conditions,
        width=player.width,
        depth=player.depth,
        options=player.options,
    )


def samples_to_logits(recipe: Recipe, space: Space, conditions: int) -> nn.Module:
    """A network by the discriminator's settings, from samples of ``space`` to logits."""
    player = recipe.discriminator
    return discriminator(
        player.family,
        space=space,
        condition=conditions,
        width=player.width,
        depth=player.depth,
        packing=recipe.packing,
        options=player.options,
    )
