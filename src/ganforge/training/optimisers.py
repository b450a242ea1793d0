"""One optimiser a player, set to each round's rate.

These are torch's fused kernels, called without the ceremony around them: on a tiny network
``torch.optim.Adam.step`` takes ten times as long as the kernel does that it ends in.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from ganforge.core.recipe import Player
from ganforge.core.schedule import cosine
from ganforge.training import foreach

__all__ = ["Optimiser"]


class Optimiser:
    """Moves the parameters of one player: adam, sgd or rmsprop, as ``torch.optim`` defines them.

    Args:
        player: the settings; the learning rate and Adam's second beta follow their cosines.
        parameters: what it moves.
        begins: the step of growth at which each of them begins to be moved; None is from the start. Adam
            counts the moves of those that begin together from there.

    Attributes:
        moving: the parameters that are moved now, in the order in which gradients are expected.
    """

    def __init__(
        self, player: Player, parameters: Sequence[Parameter], begins: Sequence[int] | None = None
    ) -> None:
        self.player = player
        self.parameters = list(parameters)
        begins = begins or [0] * len(self.parameters)
        self._groups = {
            step: [index for index, own in enumerate(begins) if own == step] for step in sorted(set(begins))
        }
        slots = {"adam": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum",), "rmsprop": ("square_avg",)}
        self._slots = {
            name: [torch.zeros_like(p, requires_grad=False) for p in self.parameters]
            for name in slots[player.optimiser]
        }
        device = self.parameters[0].device
        self._steps = {step: torch.zeros((), device=device) for step in self._groups}  # Adam's, from 1
        self.grow(max(self._groups))

    def grow(self, step: int) -> None:
        """Move what has begun at this step of growth or before."""
        self._now = [own for own in self._groups if own <= step]
        self.moving = [self.parameters[index] for own in self._now for index in self._groups[own]]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], progress: float, skip: Tensor | None = None) -> None:
        """Move the parameters in :attr:`moving` once, at this share of the budget, 0…1.

        Where ``skip`` ``()`` is 1 nothing changes; its device finds that out, and nobody waits for it.
        """
        first = 0
        for own in self._now:
            indices = self._groups[own]
            self._step(own, indices, gradients[first : first + len(indices)], progress, skip)
            first += len(indices)

    def _step(
        self,
        own: int,
        indices: Sequence[int],
        gradients: Sequence[Tensor],
        progress: float,
        skip: Tensor | None,
    ) -> None:
        player = self.player
        parameters = [self.parameters[index] for index in indices]
        slots = {name: [values[index] for index in indices] for name, values in self._slots.items()}
        rate = cosine(player.learning_rate, player.learning_rate_final, progress)
        # Fused kernels walk parameter and gradient side by side, so they must lie in memory alike.
        gradients = [
            g if g.stride() == p.stride() else torch.empty_like(p).copy_(g)
            for p, g in zip(parameters, gradients, strict=True)
        ]
        before: list[tuple[Tensor, Tensor]] = []
        if skip is not None and (player.optimiser == "rmsprop" or player.clip is not None):
            # Of these no kernel can leave all as it was: what it changed is taken back.
            changed = [*parameters, *(value for values in slots.values() for value in values)]
            before = [(value, value.clone()) for value in changed]
        if player.optimiser == "adam":
            beta2 = cosine(player.beta2, player.beta2_final, progress)
            averages, squares, count = slots["exp_avg"], slots["exp_avg_sq"], self._steps[own]
            count.add_(1.0)
            foreach.adam_(parameters, gradients, averages, squares, count, rate, player.beta1, beta2, skip)
            if skip is not None:
                count.sub_(skip)
        elif player.optimiser == "sgd":
            foreach.sgd_(parameters, gradients, slots["momentum"], rate, player.beta1, skip)
        else:
            foreach.rmsprop_(parameters, gradients, slots["square_avg"], rate, player.beta2)
        if player.clip is not None:
            foreach.clamp_(parameters, -player.clip, player.clip)
        for value, former in before:
            value.copy_(torch.where(skip == 0, value, former))

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint needs."""
        moments = {
            f"{index}.{name}": value
            for name, values in self._slots.items()
            for index, value in enumerate(values)
        }
        counts = {f"step.{own}" if own else "step": count for own, count in self._steps.items()}
        return {**counts, **moments}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of :meth:`tensors`. Raises KeyError or RuntimeError where they do not fit."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])  # each keeps its own memory format
