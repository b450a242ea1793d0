"""One optimiser a player, set to each round's rate."""

from __future__ import annotations

import torch
from torch.nn import Parameter

from ganforge.core.recipe import Player
from ganforge.core.schedule import cosine

__all__ = ["make_optimiser", "set_rates"]


def make_optimiser(player: Player, parameters: list[Parameter]) -> torch.optim.Optimizer:
    """The optimiser that moves ``parameters``. Fused: one kernel for all of them."""
    if player.optimiser == "adam":
        # float() because torch refuses betas that mix whole and real numbers.
        betas = (float(player.beta1), float(player.beta2))
        return torch.optim.Adam(parameters, lr=player.learning_rate, betas=betas, eps=1e-8, fused=True)
    if player.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=player.learning_rate, momentum=player.beta1, fused=True)
    return torch.optim.RMSprop(parameters, lr=player.learning_rate, alpha=player.beta2, foreach=True)


def set_rates(optimiser: torch.optim.Optimizer, player: Player, progress: float) -> None:
    """Set the learning rate and Adam's second beta to what they are at ``progress``, 0…1."""
    for group in optimiser.param_groups:
        group["lr"] = cosine(player.learning_rate, player.learning_rate_final, progress)
        if player.optimiser == "adam":
            group["betas"] = (float(player.beta1), cosine(player.beta2, player.beta2_final, progress))
