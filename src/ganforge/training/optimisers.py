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
    """

    def __init__(self, player: Player, parameters: Sequence[Parameter]) -> None:
        self.player = player
        self.parameters = list(parameters)
        slots = {"adam": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum",), "rmsprop": ("square_avg",)}
        self._slots = {
            name: [torch.zeros_like(p, requires_grad=False) for p in self.parameters]
            for name in slots[player.optimiser]
        }
        self._step = torch.zeros((), device=self.parameters[0].device)  # Adam's, counted from 1

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], progress: float) -> None:
        """Move the parameters once, at this share of the budget, 0…1."""
        player, parameters = self.player, self.parameters
        rate = cosine(player.learning_rate, player.learning_rate_final, progress)
        # Fused kernels walk parameter and gradient side by side, so they must lie in memory alike.
        gradients = [
            g if g.stride() == p.stride() else torch.empty_like(p).copy_(g)
            for p, g in zip(parameters, gradients, strict=True)
        ]
        if player.optimiser == "adam":
            beta2 = cosine(player.beta2, player.beta2_final, progress)
            averages, squares = self._slots["exp_avg"], self._slots["exp_avg_sq"]
            self._step.add_(1.0)
            foreach.adam_(parameters, gradients, averages, squares, self._step, rate, player.beta1, beta2)
        elif player.optimiser == "sgd":
            foreach.sgd_(parameters, gradients, self._slots["momentum"], rate, player.beta1)
        else:
            foreach.rmsprop_(parameters, gradients, self._slots["square_avg"], rate, player.beta2)
        if player.clip is not None:
            foreach.clamp_(parameters, -player.clip, player.clip)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint needs."""
        moments = {
            f"{index}.{name}": value
            for name, values in self._slots.items()
            for index, value in enumerate(values)
        }
        return {"step": self._step, **moments}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of :meth:`tensors`. Raises KeyError or RuntimeError where they do not fit."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])  # each keeps its own memory format
