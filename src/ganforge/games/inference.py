"""Samples from latents and latents from samples, with one discriminator of pairs (BiGAN, ALI)."""

# At least one hand is dealt, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.core.batch import Deal, Play, Turn
from ganforge.core.draw import Draw
from ganforge.core.recipe import Recipe
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

    def play(self, deal: Deal, draw: Draw, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        both, D = self.generator, self.discriminator
        for _ in range(self.discriminator_moves):
            hand = deal()
            z = self.prior(draw, hand.n)
            with torch.no_grad():
                fake, code = both(z, hand.condition), both.encode(hand.real, hand.condition)
            of_real, of_fake = beside(code, hand.condition), beside(z, hand.condition)
            verdict = self.judged(D, hand.real, fake, of_real, moment, draw, of_fake)
            yield Turn("discriminator", verdict.loss, verdict.notes)
        fake, code = both(z, hand.condition), both.encode(hand.real, hand.condition)
        r = D(self.augment(hand.real, draw, self.noise(moment)), beside(code, hand.condition))
        f = D(self.augment(fake, draw, self.noise(moment)), beside(z, hand.condition))
        loss = self.objective.discriminator(f, r)  # the roles exchanged
        back = l1(both(code, hand.condition), hand.real) if self.terms.weight("cycle") else None
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
