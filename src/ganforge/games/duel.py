"""Noise (and a condition) to a sample: the game of the forger and the inspector (Goodfellow et al. 2014)."""

# At least one discriminator move is made, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from ganforge.core.batch import Batch, Deal, Play, Turn
from ganforge.core.draw import Draw
from ganforge.core.prior import Prior
from ganforge.core.schedule import Moment
from ganforge.games.contest import Contest
from ganforge.networks.protocols import Discriminator, Generator

__all__ = ["Duel"]


class Duel(Contest):
    """Two players: the discriminator learns to tell reals from fakes, the generator to pass for real.

    A round is ``discriminator_moves`` moves of the discriminator, then one of the generator through the
    discriminator as it is then (Goodfellow et al. 2014, algorithm 1). The fakes of the last
    discriminator move are those that the generator is judged by.

    Args:
        prior: draws latents.
        mismatched: weight of reals with the next example's condition as further fakes (Reed et al. 2016,
            section 4.2, 'matching-aware'): else nothing but the projection teaches to obey a caption.
        parts: those of :class:`Contest`.
    """

    def __init__(self, *, prior: Prior, mismatched: float = 0.0, **parts: Any) -> None:
        super().__init__(**parts)
        self.prior = prior
        self.mismatched = mismatched

    def play(self, deal: Deal, draw: Draw, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        D = cast(Discriminator, self.players["discriminator"])
        for move in range(1, self.discriminator_moves + 1):
            hand = deal()
            with torch.set_grad_enabled(move == self.discriminator_moves):  # only the last fakes are kept
                fake = self.made(hand, draw)
            real_shown, fake_shown = self.shown(hand.real, hand), self.shown(fake, hand)
            verdict = self.judged(D, real_shown, fake_shown, moment, draw, condition=hand.condition)
            loss = verdict.loss
            if self.mismatched and hand.condition is not None:
                other = hand.condition.roll(1, 0)
                doubtful = self.objective.discriminator(verdict.real, D(verdict.real_seen, other))
                loss = loss + self.mismatched * doubtful * (other != hand.condition).any(1)
            yield Turn("discriminator", loss, verdict.notes)
        real = None
        if self.objective.generator_sees_reals:
            with torch.no_grad():
                real = D(verdict.real_seen.detach(), hand.condition)
        f = D(self.augment(self.shown(fake, hand), draw, self.noise(moment)), hand.condition)
        yield Turn("generator", *self.owed(self.objective.generator(real, f), fake, hand, D))

    def made(self, hand: Batch, draw: Draw) -> Tensor:
        """Fakes ``(N, *shape)`` for a hand."""
        G = cast(Generator, self.players["generator"])
        return G(self.prior(draw, hand.n), hand.condition)

    def shown(self, x: Tensor, hand: Batch) -> Tensor:
        """What the discriminator gets to see of examples ``x (N, *shape)``."""
        return x

    def owed(
        self, adversarial: Tensor, fake: Tensor, hand: Batch, D: Discriminator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The generator's loss ``(N,)``, and notes for the log."""
        return adversarial, {}
