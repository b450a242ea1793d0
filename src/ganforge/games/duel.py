"""Noise (and a condition) to a sample: the game of the forger and the inspector (Goodfellow et al. 2014)."""

# At least one discriminator move is made, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from ganforge.core import recipe
from ganforge.core.batch import Deal, Play, Turn
from ganforge.core.draw import Draw
from ganforge.core.prior import Prior
from ganforge.core.schedule import Moment, cosine
from ganforge.networks.protocols import Discriminator, Generator, Reconstructing
from ganforge.objectives.adversarial import Objective
from ganforge.objectives.augment import Augment
from ganforge.objectives.penalties import Evidence, Penalty

__all__ = ["Duel"]


class Duel(nn.Module):
    """Two players: the discriminator learns to tell reals from fakes, the generator to pass for real.

    A round is ``discriminator_moves`` moves of the discriminator, then one of the generator through the
    discriminator as it is then (Goodfellow et al. 2014, algorithm 1). The fakes of the last
    discriminator move are those that the generator is judged by.

    Args:
        generator: latents ``(N, L)`` and conditions ``(N, C)`` to samples ``(N, *shape)``.
        discriminator: samples and conditions to logits ``(n,)`` or ``(n, *patch)``.
        prior: draws latents.
        objective: the adversarial loss.
        penalties: terms of the discriminator's loss, each with its weight and rhythm.
        augment: what the discriminator sees changed, on reals and fakes, in both players' turns.
        discriminator_moves: its moves before the generator's.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        prior: Prior,
        objective: Objective,
        penalties: Sequence[tuple[recipe.Penalty, Penalty]],
        augment: Augment,
        discriminator_moves: int = 1,
    ) -> None:
        super().__init__()
        assert discriminator_moves >= 1
        self.players = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
        self.prior = prior
        self.objective = objective
        self.penalties = nn.ModuleList(term for _, term in penalties)
        self.schedule = [entry for entry, _ in penalties]
        self._differentiates_input = any(term.differentiates_input for _, term in penalties)
        self.augment = augment
        self.discriminator_moves = discriminator_moves
        rebuilds = isinstance(discriminator, Reconstructing)
        self._rebuild = discriminator.reconstruction_loss if rebuilds else None

    def play(self, deal: Deal, draw: Draw, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        G = cast(Generator, self.players["generator"])
        D = cast(Discriminator, self.players["discriminator"])
        noisy = self.augment.noise_level(moment.progress) > 0.0
        noise = moment.at(self.augment.noise_level) if noisy else 0.0
        for move in range(1, self.discriminator_moves + 1):
            hand = deal()
            with torch.set_grad_enabled(move == self.discriminator_moves):  # only the last fakes are kept
                fake = G(self.prior(draw, hand.n), hand.condition)
            real_seen, fake_seen = (self.augment(x, draw, noise) for x in (hand.real, fake.detach()))
            if self._differentiates_input:
                real_seen.requires_grad_()
                fake_seen.requires_grad_()
            r, f = self._judge(D, real_seen, fake_seen, hand.condition)
            loss = self.objective.discriminator(r, f)
            evidence = Evidence(
                D, real_seen, fake_seen, hand.condition, r, f, D.examples_are_independent, self._rebuild
            )
            for entry, penalty in zip(self.schedule, self.penalties, strict=True):
                if moment.round % entry.every == 0:
                    weight = moment.at(partial(cosine, entry.weight, entry.weight_final))
                    loss = loss + penalty(evidence, entry.every * weight, draw)
            self.augment.adapt(r.detach(), f.detach(), hand.n)
            yield Turn("discriminator", loss, {"real_logits": r, "fake_logits": f, "margin": r - f})
        real = None
        if self.objective.generator_sees_reals:
            with torch.no_grad():
                real = D(real_seen.detach(), hand.condition)
        f = D(self.augment(fake, draw, noise), hand.condition)
        yield Turn("generator", self.objective.generator(real, f))

    def branch(self, moment: Moment) -> Hashable:
        """What decides the operations of a round: which penalties are due, and whether there is noise."""
        due = tuple(moment.round % entry.every == 0 for entry in self.schedule)
        return due, self.augment.noise_level(moment.progress) > 0.0

    def _judge(
        self, D: Discriminator, real: Tensor, fake: Tensor, condition: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Logits of reals and fakes: in one pass, unless batch statistics would mix them."""
        if not D.examples_are_independent:
            return D(real, condition), D(fake, condition)
        both = None if condition is None else torch.cat([condition, condition])
        r, f = D(torch.cat([real, fake]), both).chunk(2)
        return r, f
