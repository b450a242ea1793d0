"""What a game's discriminator says, and what its generator would do about it: looked at, not changed."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn

from ganforge.core.prior import Prior
from ganforge.networks.players import condition_of
from ganforge.networks.protocols import Discriminator
from ganforge.studio.game import Game

__all__ = ["Onlooker"]


class Onlooker:
    """Reads both players of a game while it stands still. Nothing that training reads is touched.

    Attributes:
        relative: whether logits mean something only beside others.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.space = game.dataset.space
        self.prior = Prior.of(game.recipe)
        self.relative = game.objective.level is None
        self._condition = condition_of(game.recipe, self.space)
        # Networks that keep statistics of what they see are looked at in a copy.
        self._keeps = not cast(Discriminator, game.discriminator).examples_are_independent or any(
            isinstance(module, nn.modules.batchnorm._BatchNorm)  # pyright: ignore[reportPrivateUsage]
            for module in game.generator.modules()
        )
        self._middle = 0.0

    def latents(self, n: int) -> Tensor:
        """The same ``n`` latents every time, ``(n, L)``."""
        return self.prior.seeded(n, seed=self.game.recipe.seed)

    def condition(self, n: int) -> Tensor | None:
        return None if self._condition is None else self._condition.in_turn(range(n))

    def network(self, network: nn.Module) -> nn.Module:
        """One of the players, to be looked at."""
        return copy.deepcopy(network) if self._keeps else network

    @torch.no_grad()
    def generated(self, z: Tensor) -> Tensor:
        """Latents ``(n, L)`` to samples in model units ``(n, *shape)``, by the generator as it is now."""
        return cast(Tensor, self.network(self.game.generator)(z, self.condition(len(z)))).detach()

    def logits(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Examples in model units to logits ``(n,)``, differentiable by ``x``; each judged by itself.

        A discriminator of packs gets packs of the same example.
        """
        packing = self.game.recipe.packing
        if condition is None:
            condition = self.condition(len(x))
        if packing > 1:
            x = x.repeat_interleave(packing, 0)
            condition = None if condition is None else condition.repeat_interleave(packing, 0)
        logits = cast(Tensor, self.network(self.game.discriminator)(x, condition)).float()
        return logits.flatten(1).mean(1) if logits.dim() > 1 else logits

    def settle(self, real: Tensor, fake: Tensor) -> None:
        """Where logits are relative: ½ is the middle between those of reals and those of fakes."""
        if self.relative:
            self._middle = (real.mean().item() + fake.mean().item()) / 2

    def probability(self, logits: Tensor) -> Tensor:
        """Logits as the discriminator means them, 0…1."""
        return self.game.objective.probability(logits - self._middle)

    def advice(self, x: Tensor, real: Tensor) -> Tensor:
        """Where the generator's own loss would move its samples ``x (n, *shape)``, in declared units.

        It is minus the gradient of that loss by the sample.

        Args:
            real: logits of reals ``(K,)``, for losses that compare.
        """
        x = x.detach().requires_grad_()
        logits = self.logits(x)
        beside = (
            real[torch.arange(len(logits)) % len(real)] if self.game.objective.generator_sees_reals else None
        )
        (gradient,) = torch.autograd.grad(self.game.objective.generator(beside, logits).sum(), x)
        if self.space.scale:
            gradient = gradient * self.space.codec.unit(gradient)
        return -gradient
