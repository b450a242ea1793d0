"""Who moves when. A game is a generator function that yields a turn whenever a player should move."""

from __future__ import annotations

from typing import Any

from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.games.contest import Contest
from ganforge.games.duel import Duel
from ganforge.games.exchange import Exchange
from ganforge.games.inference import Inference
from ganforge.games.translation import Translation
from ganforge.networks.players import build_discriminator, build_generator, judged_space
from ganforge.objectives.adversarial import adversarial
from ganforge.objectives.augment import augment
from ganforge.objectives.penalties import penalties
from ganforge.objectives.pool import Pool
from ganforge.objectives.terms import terms

__all__ = ["Contest", "Duel", "Exchange", "Inference", "Translation", "build_game"]


def build_game(recipe: Recipe, space: Space) -> Contest:
    """The recipe's game with its players, their first parameters a function of the recipe's seed.

    Raises:
        RecipeError: a name or a value of the recipe is wrong, or a family cannot make this space.
    """
    objective = adversarial(recipe.objective)
    parts: dict[str, Any] = {
        "generator": build_generator(recipe, space),
        "discriminator": build_discriminator(recipe, space),
        "objective": objective,
        "penalties": penalties(recipe.penalties),
        "augment": augment(recipe.augmentation, judged_space(recipe, space), level=objective.level),
        "discriminator_moves": recipe.discriminator_moves,
    }
    owed = terms(recipe.terms, game=recipe.game)
    if recipe.game == "duel":
        return Duel(prior=Prior.of(recipe), mismatched=recipe.mismatched, **parts)
    if recipe.game == "inference":
        return Inference(prior=Prior.of(recipe), cycle=owed.cycle, **parts)
    parts |= {"owes": owed, "adversarial_weight": recipe.adversarial_weight}
    if recipe.game == "translation":
        return Translation(**parts)
    piles = [space] if space.source is None else [space, space.source]
    pools = [Pool(recipe.pool, pile.shape) for pile in piles] if recipe.pool else None
    return Exchange(pools=pools, **parts)
