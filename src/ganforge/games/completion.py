"""Rows with some columns hidden, completed: the game of tables."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

import torch

from ganforge.core.batch import NextBatch, Play, Turn
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Recipe
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.core.space import Space
from ganforge.games.contest import Contest
from ganforge.networks.protocols import Completing

__all__ = ["Completion"]

_JUDGED = 4  # one row in so many is judged: the likelihood learns from all of them


class Completion(Contest):
    """Of each real row a random share of the columns is given, and the generator makes the others.

    The discriminator sees whole rows and which columns were given, so a fake must fit what it goes on from:
    this teaches conditions on any subset of columns. What a whole row shall be, such as its class, stands
    after the mask. The generator's other term is the likelihood of the
    hidden columns, each by itself; what columns have in common within one pass the discriminator must teach.
    At ``adversarial_weight`` 0 the discriminator does not play.
    """

    name = "completion"
    words = "rows with some columns hidden to whole rows"
    settings = ("adversarial_weight",)
    own_terms = ("likelihood",)

    @classmethod
    def build_generator(cls, recipe: Recipe, space: Space, conditions: int) -> torch.nn.Module:
        found = super().build_generator(recipe, space, conditions)
        if not isinstance(found, Completing):
            raise RecipeError(
                "the game completion needs a generator that goes on from what is given (columns, recurrent),"
                f" not {recipe.generator.family}"
            )
        return found

    @classmethod
    def build_discriminator(cls, recipe: Recipe, space: Space, conditions: int) -> torch.nn.Module:
        return super().build_discriminator(recipe, space, conditions)

    @property
    def rhythm(self) -> int:
        return cast(Completing, self.generator).judged_every

    def branch(self, moment: Moment) -> Hashable:
        return super().branch(moment), self._judges(moment)

    def _judges(self, moment: Moment) -> bool:
        """Whether the discriminator plays in this round."""
        return moment.round % self.rhythm == 0

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        G, D = cast(Completing, self.generator), self.discriminator
        weight = self.adversarial_weight if self._judges(moment) else 0.0
        notes: dict[str, torch.Tensor] = {}
        loss = None
        for left in reversed(range(self.discriminator_moves)):
            batch = next_batch()
            n = batch.n
            if left and not weight:
                continue
            mask = G.masks(rng, n)
            if batch.condition is not None:
                mask = torch.cat([mask, batch.condition], 1)
            z = self.prior(rng, n)
            few = max(n // _JUDGED, 1)
            with torch.set_grad_enabled(not left):  # only the last fakes are kept
                logits = G.logits(z, batch.real, mask)
                fake = G.fill(logits, z[:few], batch.real[:few], mask[:few]) if weight else batch.real
            if weight:
                judged = self.judge_batch(D, batch.real[:few], fake, mask[:few], moment, rng)
                yield Turn("discriminator", _of_all(judged.loss, n), judged.notes)
        # At least one batch is taken, so what it leaves behind is bound.
        if self.terms.weight("likelihood"):
            notes["likelihood"] = G.likelihood(logits, batch.real, mask)  # pyright: ignore
        if weight:
            fooled = self.generator_loss(D, fake, mask[:few], moment, rng, judged.real_seen)  # pyright: ignore
            loss = weight * _of_all(fooled, n)  # pyright: ignore
        yield Turn("generator", self.terms.added(loss, notes), notes)

    @classmethod
    def of(cls, recipe: Recipe, space: Space, parts: dict[str, object]) -> Completion:
        if recipe.packing > 1:
            raise RecipeError("the game completion judges rows one by one; leave packing out")
        return cls(**parts)  # pyright: ignore[reportArgumentType]


def _of_all(loss: torch.Tensor, n: int) -> torch.Tensor:
    """Losses of the first rows ``(few,)`` as ``(n,)`` with the same mean."""
    few = len(loss)
    return torch.cat([loss * (n / few), loss.new_zeros(n - few)])
