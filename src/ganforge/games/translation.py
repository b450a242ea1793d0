"""An input to its target: the duel in which the generator starts from a picture and not from noise."""

# At least one hand is dealt, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganforge.core.batch import Batch, Deal, Play, Turn
from ganforge.core.draw import Draw
from ganforge.core.prior import Prior
from ganforge.core.schedule import Moment
from ganforge.games.duel import Duel
from ganforge.networks.players import beside_source
from ganforge.networks.protocols import Discriminator
from ganforge.objectives.terms import Made, Terms

__all__ = ["Translation"]


class Translation(Duel):
    """One arrow, a paired target (pix2pix: Isola et al. 2017, equations 1 to 4).

    The discriminator sees each target or fake stacked upon its input, so that a fake must also belong to
    its input. The generator's loss has further terms, such as the distance to the target.

    Args:
        owes: the further terms.
        adversarial_weight: of the adversarial loss. At 0 the discriminator does not play.
        parts: those of :class:`Contest`.
    """

    def __init__(self, *, owes: Terms, adversarial_weight: float = 1.0, **parts: Any) -> None:
        super().__init__(prior=Prior(0), **parts)
        self.terms = owes
        self.adversarial_weight = adversarial_weight

    def play(self, deal: Deal, draw: Draw, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        if self.adversarial_weight:
            yield from super().play(deal, draw, moment)
            return
        for _ in range(self.discriminator_moves):
            hand = deal()
        fake = self.made(hand, draw)
        yield Turn("generator", *self.owed(torch.zeros(hand.n, device=fake.device), fake, hand, None))

    def made(self, hand: Batch, draw: Draw) -> Tensor:
        assert hand.source is not None, "a translation needs inputs"
        return self.players["generator"](hand.source, hand.condition)

    def shown(self, x: Tensor, hand: Batch) -> Tensor:
        assert hand.source is not None
        return beside_source(x, hand.source)

    def owed(
        self, adversarial: Tensor, fake: Tensor, hand: Batch, D: Discriminator | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        features = None if D is None else lambda x: D.features(self.shown(x, hand))
        notes = self.terms(Made(fake, hand.real, hand.source, features))
        return self.adversarial_weight * adversarial + self.terms.total(notes), notes
