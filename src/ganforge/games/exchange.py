"""Two piles of pictures, nothing paired: there, and back again (CycleGAN, StarGAN)."""

# At least one hand is dealt, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch, Deal, Play, Turn
from ganforge.core.draw import Draw
from ganforge.core.schedule import Moment
from ganforge.games.contest import Contest
from ganforge.networks.players import Arrows
from ganforge.networks.protocols import Discriminator
from ganforge.objectives.pool import Pool
from ganforge.objectives.terms import Made, Terms, l1

__all__ = ["Exchange"]

Arrow = Callable[[Tensor, Tensor | None], Tensor]
"""Inputs and conditions to what they become."""


@dataclass(frozen=True)
class Way:
    """One way that pictures are carried.

    Attributes:
        there, back: the arrow that carries them, and the one that brings them back.
        start: what is carried, ``(N, *shape)``.
        aim: real examples of where it should arrive, ``(N, *shape)``.
        start_is, aim_is, wanted: with one arrow for many classes, the classes of ``start`` and of ``aim``,
            and the one asked for, ``(N, C)``; else None.
    """

    there: Arrow
    back: Arrow
    start: Tensor
    aim: Tensor
    start_is: Tensor | None = None
    aim_is: Tensor | None = None
    wanted: Tensor | None = None


class Exchange(Contest):
    """What is carried over must pass for one of the other pile, and come back as it was.

    With two piles: two arrows and two discriminators (Zhu et al. 2017, 'Unpaired Image-to-Image
    Translation', equations 1 to 3, and 5.2 for the identity). With one pile in several classes: one arrow,
    which is told the class that it should lead to (StarGAN: Choi et al. 2018, equations 1, 4 and 6; the
    class is judged by projection instead of by a classifier).

    Args:
        owes: the generator's further terms: cycle, identity, and those between a fake and its input.
        adversarial_weight: of the adversarial loss. At 0 the discriminator does not play.
        pools: of past fakes, for each discriminator; None shows it the present ones alone.
        parts: those of :class:`Contest`.
    """

    def __init__(
        self,
        *,
        owes: Terms,
        adversarial_weight: float = 1.0,
        pools: Sequence[Pool] | None = None,
        **parts: Any,
    ) -> None:
        super().__init__(**parts)
        self.terms = owes
        self.adversarial_weight = adversarial_weight
        self.pools = None if pools is None else nn.ModuleList(pools)

    def play(self, deal: Deal, draw: Draw, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        judges = cast(nn.ModuleList, self.players["discriminator"])
        for _ in range(self.discriminator_moves):
            ways = self.ways(deal())
            if not self.adversarial_weight:
                continue
            losses: list[Tensor] = []
            notes: dict[str, Tensor] = {}
            for i, way in enumerate(ways):
                with torch.no_grad():
                    fake = way.there(way.start, way.wanted)
                shown = fake if self.pools is None else cast(Pool, self.pools[i]).exchange(fake, draw)
                verdict = self.judged(
                    cast(Discriminator, judges[i]),
                    way.aim,
                    shown,
                    moment,
                    draw,
                    condition=way.aim_is,
                    fake_condition=way.wanted,
                )
                losses.append(verdict.loss)
                notes |= verdict.notes if not i else {}
            yield Turn("discriminator", torch.stack(losses).sum(0), notes)
        total, notes = torch.zeros(()), dict[str, Tensor]()
        for i, way in enumerate(ways):
            loss, more = self._owed(way, cast(Discriminator, judges[i]), moment, draw)
            total = total.to(loss.device) + loss
            notes = {name: notes.get(name, 0.0) + value for name, value in more.items()}
        yield Turn("generator", total, notes)

    def ways(self, hand: Batch) -> list[Way]:
        """Where this hand is carried, and by which arrow."""
        G = self.players["generator"]
        if hand.source is not None:
            arrows = cast(Arrows, G)
            there = Way(arrows, arrows.back, hand.source, hand.real)
            return [there, Way(arrows.back, arrows, hand.real, hand.source)]
        assert hand.condition is not None
        wanted = hand.condition.roll(1, 0)
        return [Way(G, G, hand.real, hand.real, hand.condition, hand.condition, wanted)]

    def _owed(
        self, way: Way, D: Discriminator, moment: Moment, draw: Draw
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the generator lowers on one way, ``(N,)``, and its parts for the log."""
        fake = way.there(way.start, way.wanted)
        loss = fake.new_zeros(len(fake))
        if self.adversarial_weight:
            noise, real = self.noise(moment), None
            if self.objective.generator_sees_reals:
                with torch.no_grad():
                    real = D(self.augment(way.aim, draw, noise), way.aim_is)
            f = D(self.augment(fake, draw, noise), way.wanted)
            loss = loss + self.adversarial_weight * self.objective.generator(real, f)
        notes = self.terms(Made(fake, None, way.start))
        loss = loss + self.terms.total(notes)
        if self.terms.cycle:
            notes["cycle"] = l1(way.back(fake, way.start_is), way.start)
            loss = loss + self.terms.cycle * notes["cycle"]
        if self.terms.identity:
            notes["identity"] = l1(way.there(way.aim, way.aim_is), way.aim)
            loss = loss + self.terms.identity * notes["identity"]
        return loss, notes
