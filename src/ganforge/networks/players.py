"""A recipe's players as networks: the one way in which training builds and a run folder rebuilds them."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.condition import Condition
from ganforge.core.draw import key
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Player, Recipe
from ganforge.core.space import Space
from ganforge.networks import discriminator, generator, seeded, translator
from ganforge.networks.encoder import Encoder
from ganforge.networks.joint import JointDiscriminator

__all__ = [
    "Arrows",
    "Inverse",
    "beside_source",
    "build_discriminator",
    "build_generator",
    "condition_of",
    "condition_size",
    "judged_space",
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


class Arrows(nn.Module):
    """The generator player of ``exchange`` with two piles: called, it leads there; ``back`` leads back."""

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
    conditions = condition_size(recipe, space)
    with seeded(key(recipe.seed, 1)):
        if recipe.game == "translation":
            return _arrow(recipe.generator, space, conditions)
        if recipe.game == "exchange":
            here = replace(space, source=None)
            if space.source is None:
                if not conditions:
                    raise RecipeError(
                        "the game exchange needs a second pile (--from FOLDER), or classes in subfolders"
                    )
                return _arrow(recipe.generator, replace(space, source=here), conditions)
            back = replace(space.source, source=here)
            return Arrows(_arrow(recipe.generator, space, 0), _arrow(recipe.generator, back, 0))
        network = generator(
            recipe.generator.family,
            space=space,
            latent=recipe.latent,
            condition=conditions,
            width=recipe.generator.width,
            depth=recipe.generator.depth,
            options=recipe.generator.options,
        )
        if recipe.encoder is None:
            return network
        encoder = Encoder(space=space, latent=recipe.latent, condition=conditions, width=recipe.encoder.width)
        return Inverse(network, encoder)


def _arrow(player: Player, space: Space, conditions: int) -> nn.Module:
    return translator(
        player.family,
        space=space,
        condition=conditions,
        width=player.width,
        depth=player.depth,
        options=player.options,
    )


def build_discriminator(recipe: Recipe, space: Space) -> nn.Module:
    """The recipe's discriminator player, its start a function of the recipe's seed. Raises RecipeError."""
    conditions = condition_size(recipe, space)
    with seeded(key(recipe.seed, 2)):
        if recipe.game == "translation":
            return _judge(recipe, judged_space(recipe, space), conditions)
        if recipe.game == "exchange":
            piles = [space] if space.source is None else [space, space.source]
            asked = conditions if space.source is None else 0
            return nn.ModuleList(_judge(recipe, replace(pile, source=None), asked) for pile in piles)
        if recipe.encoder is not None:
            units = 2 * recipe.latent
            inner = _judge(recipe, space, units)
            return JointDiscriminator(inner, latent=recipe.latent + conditions, width=units)
        return _judge(recipe, space, conditions)


def judged_space(recipe: Recipe, space: Space) -> Space:
    """What a discriminator of ``recipe`` sees: an example, of a translation stacked upon its input."""
    if recipe.game != "translation":
        return space
    if space.source is None:
        raise RecipeError("the game translation needs inputs: --from FOLDER, or a degradation such as edges")
    return replace(space, shape=(space.channels + space.source.channels, *space.spatial), source=None)


def _judge(recipe: Recipe, space: Space, conditions: int) -> nn.Module:
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
