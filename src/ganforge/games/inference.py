"""Samples from latents and latents from samples, with one discriminator of pairs (BiGAN, ALI)."""

# At least one hand is dealt, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from ganforge.core.batch import Deal, Play, Turn
from ganforge.core.draw import Draw
from ganforge.core.prior import Prior
from ganforge.core.schedule import Moment
from ganforge.games.contest import Contest
from ganforge.networks.players import Inverse
from ganforge.networks.protocols import Discriminator
from ganforge.objectives.terms import l1

__all__ = ["Inference"]


class Inference(Contest):
    """The generator makes samples of latents, the encoder latents of samples; a joint judge sees pairs.

    The discriminator tells (x, E(x)) from (G(z), z); generator and encoder, which one optimiser moves,
    exchange the two: each labels the other's pairs as its own (Donahue et al. 2017, equation 3). Where it
    cannot tell them apart, the encoder is the generator's inverse (their theorem 2).

    Args:
        prior: draws latents.
        cycle: weight of |x − G(E(x))|, the conditional entropy that the game leaves open (ALICE: Li et al.
            2017, section 3.2); 0 is the game alone.
        parts: those of :class:`Contest`.
    """

    def __init__(self, *, prior: Prior, cycle: float = 0.0, **parts: Any) -> None:
        super().__init__(**parts)
        self.prior = prior
        self.cycle = cycle

    def play(self, deal: Deal, draw: Draw, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        D = cast(Discriminator, self.players["discriminator"])
        both = cast(Inverse, self.players["generator"])
        for _ in range(self.discriminator_moves):
            hand = deal()
            z = self.prior(draw, hand.n)
            with torch.no_grad():
                fake, code = both(z, hand.condition), both.encode(hand.real, hand.condition)
            verdict = self.judged(
                D,
                hand.real,
                fake,
                moment,
                draw,
                condition=beside(code, hand.condition),
                fake_condition=beside(z, hand.condition),
            )
            yield Turn("discriminator", verdict.loss, verdict.notes)
        fake, code = both(z, hand.condition), both.encode(hand.real, hand.condition)
        noise = self.noise(moment)
        r = D(self.augment(hand.real, draw, noise), beside(code, hand.condition))
        f = D(self.augment(fake, draw, noise), beside(z, hand.condition))
        loss = self.objective.discriminator(f, r)  # the roles exchanged
        notes: dict[str, Tensor] = {}
        if self.cycle:
            notes["cycle"] = l1(both(code, hand.condition), hand.real)
            # Where m examples are judged together, a verdict's share is their mean.
            loss = loss + self.cycle * notes["cycle"].unflatten(0, (len(loss), -1)).mean(1)
        yield Turn("generator", loss, notes)


def beside(z: Tensor, condition: Tensor | None) -> Tensor:
    """A latent ``(N, L)`` with the condition ``(N, C)`` that goes with it, if there is one."""
    return z if condition is None else torch.cat([z, condition], 1)
