"""Samples from latents and latents from samples, with one discriminator of pairs (BiGAN, ALI)."""

# At least one batch is taken, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.core.batch import NextBatch, Play, Turn
from ganforge.core.recipe import Recipe
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.core.space import Space
from ganforge.games.contest import Contest
from ganforge.networks.encoder import Encoder
from ganforge.networks.joint import JointDiscriminator
from ganforge.networks.players import Inverse, latents_to_samples, samples_to_logits
from ganforge.objectives.terms import l1

__all__ = ["Inference"]


class Inference(Contest):
    """The generator makes samples of latents, the encoder latents of samples; a joint judge sees pairs.

    The discriminator tells (x, E(x)) from (G(z), z); generator and encoder, which one optimiser moves,
    exchange the two: each labels the other's pairs as its own (Donahue et al. 2017, equation 3). Where it
    cannot tell them apart, the encoder is the generator's inverse (their theorem 2).

    The term ``cycle`` is |x − G(E(x))|, the conditional entropy that the game leaves open (ALICE: Li et al.
    2017, section 3.2).
    """

    name = "inference"
    words = "latents to samples, and samples to latents"
    judged_with = "latent"
    settings = ("encoder",)
    own_terms = ("cycle",)

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        both, D = self.generator, self.discriminator
        for _ in range(self.discriminator_moves):
            batch = next_batch()
            z = self.prior(rng, batch.n)
            with torch.no_grad():
                fake, code = both(z, batch.condition), both.encode(batch.real, batch.condition)
            of_real, of_fake = beside(code, batch.condition), beside(z, batch.condition)
            judged = self.judge_batch(D, batch.real, fake, of_real, moment, rng, of_fake)
            yield Turn("discriminator", judged.loss, judged.notes)
        fake, code = both(z, batch.condition), both.encode(batch.real, batch.condition)
        r = D(self.augment(batch.real, rng, self.noise(moment)), beside(code, batch.condition))
        f = D(self.augment(fake, rng, self.noise(moment)), beside(z, batch.condition))
        loss = self.objective.discriminator(f, r)  # the roles exchanged
        back = l1(both(code, batch.condition), batch.real) if self.terms.weight("cycle") else None
        notes = {} if back is None else {"cycle": back}
        yield Turn("generator", self.terms.added(loss, notes), notes)

    @classmethod
    def build_generator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        network = latents_to_samples(recipe, space, conditions)
        assert recipe.encoder is not None
        width = recipe.encoder.width
        return Inverse(network, Encoder(space=space, latent=recipe.latent, condition=conditions, width=width))

    @classmethod
    def build_discriminator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        units = 2 * recipe.latent
        inner = samples_to_logits(recipe, space, units)
        return JointDiscriminator(inner, latent=recipe.latent + conditions, width=units)


def beside(z: Tensor, condition: Tensor | None) -> Tensor:
    """A latent ``(N, L)`` with the condition ``(N, C)`` that goes with it, if there is one."""
    return z if condition is None else torch.cat([z, condition], 1)
