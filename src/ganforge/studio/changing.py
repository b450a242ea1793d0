"""Other rules for a game that goes on: which can be changed while it is played, and how."""

from __future__ import annotations

from typing import Any

from ganforge.core.recipe import Recipe
from ganforge.studio.game import Game
from ganforge.studio.settings import Settings

__all__ = ["needs_anew", "went_on", "without_parts"]

# Keys that other players, or other data, come from: the game begins anew with them.
_ANEW = ("latent", "latent_bits", "packing", "conditional", "standardise", "mirror", "seed", "game")
_PARTS = ("family", "width", "depth", "options")


def needs_anew(now: Recipe, then: Recipe) -> bool:
    """Whether the players of one recipe cannot go on under the other."""
    if any(getattr(now, name) != getattr(then, name) for name in _ANEW):
        return True
    pairs = ((now.generator, then.generator), (now.discriminator, then.discriminator))
    return any(getattr(a, name) != getattr(b, name) for a, b in pairs for name in _PARTS)


def without_parts(former: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Former changes, without those of parts of a list that is now given whole."""
    whole = tuple(f"{key}." for key in changes if key == "penalties")
    return {key: value for key, value in former.items() if not key.startswith(whole)}


def went_on(old: Game, settings: Settings, recipe: Recipe) -> Game:
    """The same players under other rules, from where they stand."""
    tensors = old.rounds.tensors()
    game = Game(recipe, old.dataset, noise=settings.noise)
    fresh = game.rounds.tensors()
    for player, now, then in (
        ("generator", recipe.generator, old.recipe.generator),
        ("discriminator", recipe.discriminator, old.recipe.discriminator),
    ):
        if now.optimiser != then.optimiser:  # another optimiser remembers other things
            own = f"{player}."
            kept = {name: value for name, value in tensors["optimisers"].items() if not name.startswith(own)}
            kept |= {name: value for name, value in fresh["optimisers"].items() if name.startswith(own)}
            tensors = {**tensors, "optimisers": kept}
    game.rounds.load(tensors, anew=("penalties.", "augment.", "objective."))
    game.rounds.nimg, game.rounds.rounds = old.rounds.nimg, old.rounds.rounds
    game.rounds.referee.refused = old.rounds.referee.refused
    game.alone, game.altered = old.alone, old.played
    game.rounds.statistics.load(old.rounds.statistics.state())
    return game
