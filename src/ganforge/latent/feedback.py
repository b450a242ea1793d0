"""The discriminator's advice: how real an example is, what would make it more so, and who hears it.

'Pixel 0 should be brighter by 1, pixel 1 darker by 5': the gradient of the log-odds by each number of the
example, which is all that a generator is ever told.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.latent.opinion import Opinion

__all__ = ["Advice", "Followed", "Hearing", "advise", "follow", "gradients_by_layer", "sentence"]


@dataclass(frozen=True)
class Advice:
    """What a discriminator says of N examples.

    Attributes:
        probability: of being real, ``(N,)``.
        gradient: of the log-odds by the example, in model units, ``(N, *space.shape)``.
        change: the same as one step of advice, in declared units: the largest number changes by ``levels``.
    """

    probability: Tensor
    gradient: Tensor
    change: Tensor


@dataclass(frozen=True)
class Followed:
    """Examples before and after they followed the advice.

    Attributes:
        after: ``(N, *space.shape)`` in declared units.
        before, after_probability: of being real, ``(N,)``; the second is of ``after`` as it stands, rounded.
        path: the probability before each step and after the last, ``(steps + 1, N)``.
    """

    after: Tensor
    before: Tensor
    after_probability: Tensor
    path: Tensor


def advise(
    opinion: Opinion, examples: Tensor, condition: Tensor | None = None, *, levels: float = 5.0
) -> Advice:
    """The probability of ``examples (N, *space.shape)``, in declared units, and what would raise it.

    Args:
        levels: the largest change of one step in declared units (grey levels for pictures).
    """
    x = opinion.space.to_model(examples)
    log_odds, gradient = _climb(opinion, x, condition)
    change = _direction(gradient) * levels
    return Advice(torch.sigmoid(log_odds), gradient, change)


def follow(
    opinion: Opinion,
    examples: Tensor,
    condition: Tensor | None = None,
    *,
    steps: int = 10,
    levels: float = 5.0,
) -> Followed:
    """Let ``examples (N, *space.shape)``, in declared units, follow the advice for ``steps`` steps.

    Each step is as long as told by ``levels``; where it would overshoot, so that the log-odds fall, it is
    halved, up to four times, and left out if that does not help. Bounded examples stay within their range.
    """
    space = opinion.space
    x = space.to_model(examples)
    largest = levels / space.codec.unit(x)
    path: list[Tensor] = []
    for _ in range(steps):
        now, gradient = _climb(opinion, x, condition)
        path.append(torch.sigmoid(now))
        step = _direction(gradient) * largest
        left = torch.ones(len(x), dtype=torch.bool)
        best = x
        for halving in range(5):
            tried = x + step * 0.5**halving
            tried = tried.clamp(-1.0, 1.0) if space.bounded else tried
            with torch.no_grad():
                then = opinion.odds.log_odds(opinion.logits(tried, condition)).cpu()
            better = (then > now) & left
            best = torch.where(_wide(better, x), tried, best)
            left &= ~better
            if not left.any():
                break
        x = best
    after = space.to_declared(x)
    with torch.no_grad():
        path.append(opinion.probability(x, condition).cpu())
        before = opinion.probability(space.to_model(examples), condition).cpu()
        rounded = opinion.probability(space.to_model(after), condition).cpu()
    return Followed(after, before, rounded, torch.stack(path))


def sentence(change: Tensor, *, most: int = 5) -> str:
    """One step of advice in words: ``pixel (3, 4) by +5, …``, the ``most`` important first.

    A pixel is named by its row and column, a voxel by its depth, row and column, all from 0.

    ``change`` is one example's, ``(C, *spatial)`` in declared units; changes of pictures are rounded to
    whole levels where they are larger than one half.
    """
    flat = change.flatten()
    order = flat.abs().argsort(descending=True)[:most]
    said: list[str] = []
    for index in order.tolist():
        place: list[int] = []
        left = index
        for size in reversed(change.shape):
            place.insert(0, left % size)
            left //= size
        value = flat[index].item()
        amount = f"{value:+.0f}" if abs(value) >= 0.5 and float(flat.abs().max()) >= 2 else f"{value:+.2g}"
        said.append(f"{_place(place, change.shape[0])} by {amount}")
    return ", ".join(said)


def _place(place: list[int], channels: int) -> str:
    channel, *spatial = place
    if not spatial:
        return f"coordinate {channel}"
    where = ", ".join(str(number) for number in spatial)
    kind = "sample" if len(spatial) == 1 else "pixel"
    return f"{kind} ({where}{f'; channel {channel}' if channels > 1 else ''})"


@dataclass(frozen=True)
class Hearing:
    """How much of the advice reaches one layer's weights.

    Attributes:
        name: the parameter's, as in the generator.
        gradient: norm of the gradient.
        weight: norm of the parameter; their quotient is how much of it one step would turn over.
    """

    name: str
    gradient: float
    weight: float

    @property
    def relative(self) -> float:
        return self.gradient / max(self.weight, 1e-12)


def gradients_by_layer(
    generator: nn.Module, opinion: Opinion, z: Tensor, condition: Tensor | None = None
) -> list[Hearing]:
    """How the advice for the samples of ``z (N, L)`` flows into the generator's weights, first layer first.

    The loss is the non-saturating one of calibrated log-odds, mean of softplus(−log-odds). ``generator``
    is not changed.
    """
    network = copy.deepcopy(generator).requires_grad_(True)
    device = next(network.parameters()).device
    with torch.enable_grad():
        samples = network(z.to(device), None if condition is None else condition.to(device))
        loss = F.softplus(-opinion.odds.log_odds(opinion.logits(samples, condition))).mean()
        loss.backward()
    return [
        Hearing(name, 0.0 if p.grad is None else p.grad.norm().item(), p.detach().norm().item())
        for name, p in network.named_parameters()
    ]


def _climb(opinion: Opinion, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
    """Log-odds ``(N,)`` of ``x`` and their gradient by it."""
    with torch.enable_grad():
        inputs = x.detach().clone().requires_grad_(True)
        log_odds = opinion.odds.log_odds(opinion.logits(inputs, condition))
        (gradient,) = torch.autograd.grad(log_odds.sum(), inputs)
    return log_odds.detach().cpu(), gradient.detach().cpu()


def _direction(gradient: Tensor) -> Tensor:
    """Each example's gradient, its largest number brought to ±1."""
    largest = gradient.abs().flatten(1).amax(1).clamp_min(1e-20)
    return gradient / _wide(largest, gradient)


def _wide(x: Tensor, like: Tensor) -> Tensor:
    return x.reshape(-1, *(1 for _ in like.shape[1:]))
