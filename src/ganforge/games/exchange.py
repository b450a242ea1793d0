"""Two domains of pictures, nothing paired: there, and back again (CycleGAN, StarGAN)."""

# At least one batch is taken, so what it leaves behind is bound.
# pyright: reportPossiblyUnboundVariable=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch, NextBatch, Play, Turn
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Recipe
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.core.space import Space
from ganforge.games.contest import Contest, JudgedBatch
from ganforge.networks.players import TwoDirections, inputs_to_samples, samples_to_logits
from ganforge.networks.protocols import Discriminator
from ganforge.objectives.pool import Pool
from ganforge.objectives.terms import Generated, l1

__all__ = ["Exchange"]

Translate = Callable[[Tensor, Tensor | None], Tensor]
"""Inputs and conditions to what they become."""


@dataclass(frozen=True)
class ExchangeDirection:
    """One direction in which pictures are carried.

    Attributes:
        there, back: the network that carries them, and the one that brings them back.
        start: what is carried, ``(N, *shape)``.
        aim: real examples of where it should arrive, ``(N, *shape)``.
        start_is, aim_is, wanted: with one network for many classes, the classes of ``start`` and of ``aim``,
            and the one asked for, ``(N, C)``; else None.
    """

    there: Translate
    back: Translate
    start: Tensor
    aim: Tensor
    start_is: Tensor | None = None
    aim_is: Tensor | None = None
    wanted: Tensor | None = None


class Exchange(Contest):
    """What is carried over must pass for one of the other domain, and come back as it was.

    With two domains: two networks and two discriminators (Zhu et al. 2017, 'Unpaired Image-to-Image
    Translation', equations 1 to 3, and 5.2 for the identity). With one domain in several classes: one
    network, conditioned on the class that it should lead to (StarGAN: Choi et al. 2018, equations 1, 4 and 6;
    the class is judged by projection instead of by a classifier).

    Args:
        pools: of past fakes, for each discriminator; None shows it the present ones alone.
        parts: those of :class:`Contest`.
    """

    name = "exchange"
    words = "inputs to another domain, or to another class, and back"
    from_inputs = True
    settings = ("adversarial_weight", "pool")
    own_terms = ("cycle", "identity")
    compares = ("input",)

    def __init__(self, *, pools: Sequence[Pool] | None = None, **parts: Any) -> None:
        super().__init__(**parts)
        self.pools = None if pools is None else nn.ModuleList(pools)

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""
        judges = cast(Iterable[Discriminator], self.players["discriminator"])
        for _ in range(self.discriminator_moves):
            directions = list(zip(self.directions(next_batch()), judges, strict=True))
            if self.adversarial_weight:
                judged_batches = [
                    self._judge(i, way, D, moment, rng) for i, (way, D) in enumerate(directions)
                ]
                loss = torch.stack([judged.loss for judged in judged_batches]).sum(0)
                yield Turn("discriminator", loss, judged_batches[0].notes)
        losses, parts = zip(*(self._loss(way, D, moment, rng) for way, D in directions), strict=True)
        notes = {name: torch.stack([some[name] for some in parts]).sum(0) for name in parts[0]}
        yield Turn("generator", torch.stack(losses).sum(0), notes)

    @property
    def couples(self) -> str:
        return (
            "" if isinstance(self.generator, TwoDirections) else "the class to become is the next example's"
        )

    def directions(self, batch: Batch) -> list[ExchangeDirection]:
        """Where this batch is translated to, and by which translator."""
        G = self.generator
        if batch.source is not None:
            there = ExchangeDirection(G, G.back, batch.source, batch.real)
            return [there, ExchangeDirection(G.back, G, batch.real, batch.source)]
        assert batch.condition is not None
        wanted = batch.condition.roll(1, 0)
        return [ExchangeDirection(G, G, batch.real, batch.real, batch.condition, batch.condition, wanted)]

    def _judge(
        self, i: int, direction: ExchangeDirection, D: Discriminator, moment: Moment, rng: Rng
    ) -> JudgedBatch:
        """What the ``i``-th discriminator says of one direction."""
        with torch.no_grad():
            fake = direction.there(direction.start, direction.wanted)
        judged = fake if self.pools is None else cast(Pool, self.pools[i]).exchange(fake, rng)
        return self.judge_batch(D, direction.aim, judged, direction.aim_is, moment, rng, direction.wanted)

    def _loss(
        self, direction: ExchangeDirection, D: Discriminator, moment: Moment, rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the generator lowers in one direction, ``(n,)``, and its parts for the log."""
        fake, loss = direction.there(direction.start, direction.wanted), None
        if self.adversarial_weight:
            compared = self.objective.generator_sees_reals
            seen = self.augment(direction.aim, rng, self.noise(moment)) if compared else None
            passed = self.generator_loss(D, fake, direction.wanted, moment, rng, seen, direction.aim_is)
            loss = self.adversarial_weight * passed
        found = [self.terms(Generated(fake, None, direction.start))]
        if self.terms.weight("cycle"):
            found.append({"cycle": l1(direction.back(fake, direction.start_is), direction.start)})
        if self.terms.weight("identity"):
            found.append({"identity": l1(direction.there(direction.aim, direction.aim_is), direction.aim)})
        return self.terms.added(loss, *found), {name: x for some in found for name, x in some.items()}

    @classmethod
    def of(cls, recipe: Recipe, space: Space, parts: dict[str, Any]) -> Exchange:
        pools = [Pool(recipe.pool, domain.shape) for domain in _domains(space)] if recipe.pool else None
        return cls(pools=pools, **parts)

    @classmethod
    def build_generator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        here = replace(space, source=None)
        if space.source is None:
            if not conditions:
                raise RecipeError(
                    "the game exchange needs a second domain (--from FOLDER), or classes in subfolders"
                )
            return inputs_to_samples(recipe, replace(space, source=here), conditions)
        back = replace(space.source, source=here)
        return TwoDirections(inputs_to_samples(recipe, space, 0), inputs_to_samples(recipe, back, 0))

    @classmethod
    def build_discriminator(cls, recipe: Recipe, space: Space, conditions: int) -> nn.Module:
        judged_conditions = conditions if space.source is None else 0
        return nn.ModuleList(
            samples_to_logits(recipe, domain, judged_conditions) for domain in _domains(space)
        )

    @classmethod
    def judge(cls, discriminator: nn.Module) -> nn.Module:
        return cast(nn.ModuleList, discriminator)[0]


def _domains(space: Space) -> list[Space]:
    """The domains that are led to."""
    return [replace(space, source=None), *([] if space.source is None else [space.source])]
