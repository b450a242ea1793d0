"""Noise (and a condition) to a sample: the game of the forger and the inspector (Goodfellow et al. 2014)."""

# At least one discriminator move is made, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

import torch
from torch import Tensor

from ganforge.core.batch import NextBatch, Play, Turn
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.games.contest import Contest, JudgedBatch

__all__ = ["Duel"]


class Duel(Contest):
    """Two players: the discriminator learns to tell reals from fakes, the generator to pass for real.

    A round is ``discriminator_moves`` moves of the discriminator, then one of the generator through the
    discriminator as it is then (Goodfellow et al. 2014, algorithm 1). The fakes of the last
    discriminator move are those that the generator is judged by.
    """

    name = "duel"
    words = "latents to samples"
    settings = ("mismatched",)

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        G, D = self.generator, self.discriminator
        for left in reversed(range(self.discriminator_moves)):
            batch = next_batch()
            with torch.set_grad_enabled(not left):  # only the last fakes are kept
                fake = G(self.prior(rng, batch.n), batch.condition)
            judged = self.judge_batch(D, batch.real, fake, batch.condition, moment, rng)
            yield Turn("discriminator", self._matched(judged, batch.condition), judged.notes)
        yield Turn("generator", self.generator_loss(D, fake, batch.condition, moment, rng, judged.real_seen))

    @property
    def couples(self) -> str:
        return "mismatched conditions are the next example's (--set mismatched=0)" if self.mismatched else ""

    def _matched(self, judged: JudgedBatch, condition: Tensor | None) -> Tensor:
        """The discriminator's loss ``(n,)``, with reals that have the next one's condition as further fakes.

        Reed et al. 2016, section 4.2, 'matching-aware': else nothing but the projection teaches to obey.
        """
        if not self.mismatched or condition is None:
            return judged.loss
        other = condition.roll(1, 0)
        doubtful = self.objective.discriminator(judged.real, self.discriminator(judged.real_seen, other))
        return judged.loss + self.mismatched * doubtful * (other != condition).any(1)
