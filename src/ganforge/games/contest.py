"""What every game shares: reals and fakes before a discriminator, and what each player lowers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from ganforge.core import recipe
from ganforge.core.batch import NextBatch, Play
from ganforge.core.declared import GameTraits
from ganforge.core.prior import Prior
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment, cosine
from ganforge.core.space import Space
from ganforge.networks.growing import growing
from ganforge.networks.players import latents_to_samples, samples_to_logits
from ganforge.networks.protocols import Discriminator, Reconstructing
from ganforge.objectives.adversarial import Objective
from ganforge.objectives.augment import Augment
from ganforge.objectives.penalties import Evidence, Penalty
from ganforge.objectives.terms import Terms

__all__ = ["Contest", "JudgedBatch"]


@dataclass(frozen=True)
class JudgedBatch:
    """What a discriminator said, and what it lowers.

    Attributes:
        loss: ``(n,)``, the adversarial loss with the penalties.
        real_seen: ``(N, *shape)``, the reals as it saw them.
        real, fake: its logits, ``(n, *patch)``.
    """

    loss: Tensor
    real_seen: Tensor
    real: Tensor
    fake: Tensor

    @property
    def notes(self) -> dict[str, Tensor]:
        """What the log keeps of it."""
        return {"real_logits": self.real, "fake_logits": self.fake, "margin": self.real - self.fake}


class Contest(nn.Module, GameTraits, ABC):
    """A game of a generator and a discriminator, without the order of play.

    Args:
        generator, discriminator: the two players; each may be several networks that one optimiser moves.
        objective: the adversarial loss.
        penalties: terms of the discriminator's loss, each with its weight and rhythm.
        augment: what the discriminator sees changed, on reals and fakes, in both players' turns.
        discriminator_moves: its moves before the generator's.
        prior: draws latents.
        terms: of the generator's loss.
        adversarial_weight: of the adversarial loss in the generator's turn. At 0 the discriminator does not
            play, in games that have this.
        mismatched: weight of reals with another's condition as further fakes, in games that have this.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        penalties: Sequence[tuple[recipe.Penalty, Penalty]],
        augment: Augment,
        discriminator_moves: int = 1,
        prior: Prior | None = None,
        terms: Terms | None = None,
        adversarial_weight: float = 1.0,
        mismatched: float = 0.0,
    ) -> None:
        super().__init__()
        assert discriminator_moves >= 1
        self.players = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
        self.objective = objective
        self.penalties = nn.ModuleList(term for _, term in penalties)
        self.schedule = [entry for entry, _ in penalties]
        self._differentiates_input = any(term.differentiates_input for _, term in penalties)
        self.augment = augment
        self.discriminator_moves = discriminator_moves
        self._growing = growing(self.players)
        self.prior = Prior(0) if prior is None else prior
        self.terms = Terms({}) if terms is None else terms
        self.adversarial_weight = adversarial_weight
        self.mismatched = mismatched

    @classmethod
    def of(cls, recipe: recipe.Recipe, space: Space, parts: dict[str, Any]) -> Self:
        """The game of a recipe; ``parts`` are this class's arguments as the recipe has them."""
        return cls(**parts)

    @classmethod
    def build_generator(cls, recipe: recipe.Recipe, space: Space, conditions: int) -> nn.Module:
        return latents_to_samples(recipe, space, conditions)

    @classmethod
    def build_discriminator(cls, recipe: recipe.Recipe, space: Space, conditions: int) -> nn.Module:
        return samples_to_logits(recipe, space, conditions)

    @abstractmethod
    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play:
        """One round; the caller moves the named player between two turns."""

    @property
    def generator(self) -> Any:
        """The generator player."""
        return self.players["generator"]

    @property
    def discriminator(self) -> Discriminator:
        """The discriminator player, where it is one network."""
        return cast(Discriminator, self.players["discriminator"])

    @property
    def couples(self) -> str:
        """What of it looks at other examples of the batch, in words; empty where nothing does."""
        return ""

    def noise(self, moment: Moment) -> float | Tensor:
        """Deviation of the noise that the discriminator's examples get now."""
        noisy = self.augment.noise_level(moment.progress) > 0.0
        return moment.at(self.augment.noise_level) if noisy else 0.0

    @property
    def rhythm(self) -> int:
        """Rounds after which the same players play again; penalties have rhythms of their own."""
        return 1

    def branch(self, moment: Moment) -> Hashable:
        """What decides the operations of a round: due penalties, whether there is noise, levels of growth."""
        due = tuple(moment.round % entry.every == 0 for entry in self.schedule)
        levels = tuple(part.level for part in self._growing)
        return due, self.augment.noise_level(moment.progress) > 0.0, levels

    def judge_batch(
        self,
        D: Discriminator,
        real: Tensor,
        fake: Tensor,
        condition: Tensor | None,
        moment: Moment,
        rng: Rng,
        fake_condition: Tensor | None = None,
    ) -> JudgedBatch:
        """What ``D`` says of reals and fakes, each ``(N, *shape)``, and its loss with the penalties.

        No gradient reaches whoever made the fakes. ``fake_condition`` is that of the fakes where it is not
        that of the reals.
        """
        noise = self.noise(moment)
        real_seen, fake_seen = (self.augment(x, rng, noise) for x in (real, fake.detach()))
        if self._differentiates_input:
            real_seen.requires_grad_()
            fake_seen.requires_grad_()
        r, f = _logits(D, real_seen, fake_seen, condition, fake_condition)
        loss = self.objective.discriminator(r, f)
        rebuild = D.reconstruction_loss if isinstance(D, Reconstructing) else None
        evidence = Evidence(
            D, real_seen, fake_seen, condition, r, f, D.examples_are_independent, rebuild, fake_condition
        )
        for entry, penalty in zip(self.schedule, self.penalties, strict=True):
            if moment.round % entry.every == 0:
                weight = moment.at(partial(cosine, entry.weight, entry.weight_final))
                loss = loss + penalty(evidence, entry.every * weight, rng)
        self.augment.adapt(r.detach(), f.detach(), len(real))
        return JudgedBatch(loss, real_seen, r, f)

    def generator_loss(
        self,
        D: Discriminator,
        fake: Tensor,
        condition: Tensor | None,
        moment: Moment,
        rng: Rng,
        real_seen: Tensor | None = None,
        real_condition: Tensor | None = None,
    ) -> Tensor:
        """The generator's adversarial loss ``(n,)`` for fakes ``(N, *shape)``.

        Args:
            real_seen: ``(N, *shape)``, reals as the discriminator saw them, for objectives that compare.
            real_condition: that of the reals, where it is not that of the fakes.
        """
        r = None
        if self.objective.generator_sees_reals:
            assert real_seen is not None
            with torch.no_grad():
                r = D(real_seen.detach(), condition if real_condition is None else real_condition)
        f = D(self.augment(fake, rng, self.noise(moment)), condition)
        return self.objective.generator(r, f)


def _logits(
    D: Discriminator, real: Tensor, fake: Tensor, condition: Tensor | None, fake_condition: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Logits of reals and fakes: in one pass, unless batch statistics would mix them."""
    other = condition if fake_condition is None else fake_condition
    if not D.examples_are_independent:
        return D(real, condition), D(fake, other)
    both = None if condition is None or other is None else torch.cat([condition, other])
    r, f = D(torch.cat([real, fake]), both).chunk(2)
    return r, f
