"""Who moves when. A game is a generator function that yields a turn whenever a player should move."""

from __future__ import annotations

from typing import cast

from ganforge.core.declared import GAMES, TERMS
from ganforge.core.errors import RecipeError
from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.games.contest import Contest
from ganforge.networks.players import build_discriminator, build_generator
from ganforge.objectives.adversarial import adversarial
from ganforge.objectives.augment import augment
from ganforge.objectives.penalties import penalties
from ganforge.objectives.terms import Terms, terms

__all__ = ["build_game"]


def build_game(recipe: Recipe, space: Space) -> Contest:
    """The recipe's game with its players, their first parameters a function of the recipe's seed.

    Raises:
        RecipeError: a name or a value of the recipe is wrong, or a family cannot make this space.
    """
    game = cast(type[Contest], GAMES.find(recipe.game))
    objective, weighted_terms = adversarial(recipe.objective), terms(recipe.terms, game)
    if "adversarial_weight" in game.settings and not recipe.adversarial_weight:
        _check_baseline(weighted_terms)
    parts = {
        "generator": build_generator(recipe, space),
        "discriminator": build_discriminator(recipe, space),
        "objective": objective,
        "penalties": penalties(recipe.penalties),
        "augment": augment(recipe.augmentation, game.judged_space(space), level=objective.level),
        "discriminator_moves": recipe.discriminator_moves,
        "prior": Prior.of(recipe),
        "terms": weighted_terms,
        "adversarial_weight": recipe.adversarial_weight,
        "mismatched": recipe.mismatched,
    }
    return game.of(recipe, space, parts)


def _check_baseline(weighted_terms: Terms) -> None:
    """Raise RecipeError where a game without an adversarial loss would have nothing, or noise, to lower."""
    if not any(weighted_terms.weights.values()):
        raise RecipeError("adversarial_weight is 0 and there are no terms: the generator would learn nothing")
    for name in weighted_terms.weights:
        if TERMS[name].needs_features:
            raise RecipeError(
                f"the term {name} compares what the discriminator sees, which does not learn at "
                "adversarial_weight 0; leave one of the two out"
            )
