"""One optimiser a player, set to each round's rate.

These are torch's fused kernels, called without the ceremony around them: on a tiny network
``torch.optim.Adam.step`` takes ten times as long as the kernel does that it ends in.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import torch
from torch import Tensor
from torch.nn import Parameter

from ganforge.core.recipe import Player
from ganforge.core.schedule import cosine
from ganforge.training import foreach

__all__ = ["Optimiser", "orthogonal"]

# A parameter is taken for a matrix where its shorter side is within these: muon moves it, and it decays.
# Beyond, as of thousands of phrases that captions may hold, its move would cost more than the round.
_SHORTEST, _LONGEST = 8, 512
# Newton and Schulz's iteration of fifth order, with which five steps bring every singular value of a matrix
# near 1: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
_SCHULZ, _ITERATIONS = (3.4445, -4.7750, 2.0315), 5


class Optimiser:
    """Moves the parameters of one player: adam, sgd or rmsprop, as ``torch.optim`` defines them, or muon.

    muon moves each matrix (a convolution's is its weights for each channel that comes out) by the orthogonal
    one nearest to its averaged gradient, so that all directions are learned at once and not the loudest
    first (Jordan et al. 2024; Bernstein & Newhouse 2024, arXiv 2409.20325). Whatever the matrix' sides, the
    root mean square of its move is the learning rate, as of Adam's without momentum (after Liu et al. 2025,
    arXiv 2502.16982, section 2.2). Everything else is moved by Adam.

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
        self._matrices = [_is_matrix(parameter) for parameter in self.parameters]
        begins = begins or [0] * len(self.parameters)
        self._groups = {
            step: [index for index, own in enumerate(begins) if own == step] for step in sorted(set(begins))
        }
        adam = ("exp_avg", "exp_avg_sq")
        slots = {"adam": adam, "muon": adam, "sgd": ("momentum",), "rmsprop": ("square_avg",)}
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
        matrices = [self._matrices[index] for index in indices]
        before: list[tuple[Tensor, Tensor]] = []
        if skip is not None and not _by_kernel_alone(player):
            # Of these no kernel can leave all as it was: what it changed is taken back.
            changed = [*parameters, *(value for values in slots.values() for value in values)]
            before = [(value, value.clone()) for value in changed]
        if player.weight_decay and any(matrices):
            foreach.mul_(list(compress(parameters, matrices)), 1.0 - rate * player.weight_decay)
        if player.optimiser in ("adam", "muon"):
            beta2 = cosine(player.beta2, player.beta2_final, progress)
            averages, squares, count = slots["exp_avg"], slots["exp_avg_sq"], self._steps[own]
            count.add_(1.0)
            rest = [parameters, gradients, averages, squares]
            if player.optimiser == "muon":
                for parameter, gradient, average in compress(zip(*rest[:3], strict=True), matrices):
                    _move_matrix(parameter, gradient, average, rate, player.beta1)
                others = [not matrix for matrix in matrices]
                rest = [list(compress(some, others)) for some in rest]
            if rest[0]:
                foreach.adam_(*rest, count, rate, player.beta1, beta2, skip)
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


def _by_kernel_alone(player: Player) -> bool:
    """Whether a step is one kernel, which can be told to change nothing."""
    return player.optimiser in ("adam", "sgd") and player.clip is None and not player.weight_decay


def _is_matrix(parameter: Tensor) -> bool:
    rows = parameter.shape[0] if parameter.dim() > 1 else 1
    return _SHORTEST <= min(rows, parameter.numel() // rows) <= _LONGEST


def _move_matrix(parameter: Tensor, gradient: Tensor, average: Tensor, rate: float, beta1: float) -> None:
    """``m ← β₁ m + (1 − β₁) g``, then ``p ← p − rate · √max(sides) · orthogonal(m)``."""
    average.lerp_(gradient, 1.0 - beta1)
    move = orthogonal(average.flatten(1))
    parameter.add_(move.view(parameter.shape), alpha=-rate * max(move.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the orthogonal matrix ``(A, B)`` nearest to one: its singular values are .7 to 1.2."""
    x = matrix / (matrix.norm() + 1e-12)
    wide = x if x.shape[0] <= x.shape[1] else x.mT
    a, b, c = _SCHULZ
    for _ in range(_ITERATIONS):
        gram = wide @ wide.mT
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide if x.shape[0] <= x.shape[1] else wide.mT
