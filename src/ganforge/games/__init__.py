"""Who moves when. A game is a generator function that yields a turn whenever a player should move."""

from __future__ import annotations

from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.games.duel import Duel
from ganforge.networks.players import build_discriminator, build_generator
from ganforge.objectives.adversarial import adversarial
from ganforge.objectives.augment import augment
from ganforge.objectives.penalties import penalties

__all__ = ["Duel", "build_game"]


def build_game(recipe: Recipe, space: Space) -> Duel:
    """The recipe's game with its players, their first parameters a function of the recipe's seed.

    Raises:
        RecipeError: a name or a value of the recipe is wrong, or a family cannot make this space.
    """
    objective = adversarial(recipe.objective)
    return Duel(
        generator=build_generator(recipe, space),
        discriminator=build_discriminator(recipe, space),
        prior=Prior.of(recipe),
        objective=objective,
        penalties=penalties(recipe.penalties),
        augment=augment(recipe.augmentation, space, level=objective.level),
        discriminator_moves=recipe.discriminator_moves,
    )
