"""An input to its target: the generator starts from a picture and not from noise."""

# At least one batch is taken, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch, NextBatch, Play, Turn
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Recipe
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.core.space import Space
from ganforge.games.contest import Contest
from ganforge.networks.players import beside_source, inputs_to_samples, samples_to_logits
from ganforge.objectives.terms import Generated

__all__ = ["Translation"]


class Translation(Contest):
    """One direction, a paired target (pix2pix: Isola et al. 2017, equations 1 to 4).

    The discriminator sees each target or fake stacked upon its input, so that a fake must also belong to
    its input. The generator's loss has further terms, such as the distance to the target.
    """

    name = "translation"
    words = "inputs to their targets"
    from_inputs = paired = True
    judged_with = "input"
    settings = ("adversarial_weight",)
    compares = ("target", "input")

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        G, D, weight, loss = self.generator, self.discriminator, self.adversarial_weight, None
        for left in reversed(range(self.discriminator_moves)):
            batch = next_batch()
            shown = _beside_input(batch)
            if left and not weight:
                continue
            with torch.set_grad_enabled(not left):  # only the last fakes are kept
                fake = G(batch.source, batch.condition)
            if weight:
                judged = self.judge_batch(D, shown(batch.real), shown(fake), batch.condition, moment, rng)
                yield Turn("discriminator", judged.loss, judged.notes)
        if weight:
            loss = self.generator_loss(D, shown(fake), batch.condition, moment, rng, judged.real_seen)
            loss = weight * loss
        notes = self.terms(Generated(fake, batch.real, batch.source, lambda x: D.features(shown(x))))
        yield Turn("generator", self.terms.added(loss, notes), notes)

    @classmethod
    def build_generator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        return inputs_to_samples(recipe, space, conditions)

    @classmethod
    def build_discriminator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        return samples_to_logits(recipe, cls.judged_space(space), conditions)

    @classmethod
    def judged_space(cls, space: Space) -> Space:
        if space.source is None:
            raise RecipeError(
                "the game translation needs inputs: --from FOLDER, or a degradation such as edges"
            )
        return replace(space, shape=(space.channels + space.source.channels, *space.spatial), source=None)


def _beside_input(batch: Batch) -> Callable[[Tensor], Tensor]:
    """What the discriminator gets to see of examples ``(N, *shape)``: each upon its input."""
    assert batch.source is not None, "a translation needs inputs"
    return partial(beside_source, source=batch.source)
