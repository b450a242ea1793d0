"""Augmentation of what the discriminator sees, on reals and fakes alike, in both players' moves.

The policies are those of DiffAugment (Zhao et al. 2020, arXiv 2006.10738, section 4.1); the adaptive
probability is that of ADA (Karras et al. 2020, arXiv 2006.06676, section 3.2). Everything can be
differentiated with respect to the examples, twice too, and nothing waits for the device.

===========  ================================================================================
color        brightness +U(−½, ½); saturation ×U(0, 2) about the grey of each place, skipped for one
             colour; contrast ×U(½, 3/2) about the mean of the example. Transparency is left alone.
translation  by up to ⅛ of each side, either way; what comes in is 0
cutout       a box of half of each side, centred anywhere, becomes 0
===========  ================================================================================

Shapes: examples are ``(N, C, *spatial)`` in model units with 1 to 3 spatial dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ganforge.core import recipe
from ganforge.core.errors import RecipeError, nearest
from ganforge.core.rng import Rng
from ganforge.core.space import Space

__all__ = ["POLICIES", "Augment", "Policy", "augment", "color", "cutout", "translation"]

Policy = Literal["color", "translation", "cutout"]
POLICIES: tuple[Policy, ...] = ("color", "translation", "cutout")

_REACH = 1 / 8  # of a side, for translation
_BOX = 1 / 2  # of a side, for cutout


def color(x: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor, colours: int) -> Tensor:
    """Change the first ``colours`` channels of ``(N, C, *spatial)``; 0, 1 and 1 change nothing.

    Args:
        brightness: added first, ``(N,)``.
        saturation: then multiplies the distance from each place's grey, ``(N,)``.
        contrast: then multiplies the distance from the example's mean, ``(N,)``.
    """
    column = (-1, *[1] * (x.dim() - 1))
    b, s, c = (v.to(x.dtype).view(column) for v in (brightness, saturation, contrast))
    seen = x[:, :colours]
    # The three steps in one: with g a place's grey and m the example's mean,
    # c·(s·(x + b) + (1 − s)·(g + b)) + (1 − c)·(m + b) = c·s·x + c·(1 − s)·g + b + (1 − c)·m.
    grey = seen.mean(1, keepdim=True) if colours > 1 else seen  # (N, 1, *spatial)
    rest = b + (1.0 - c) * grey.mean(tuple(range(1, x.dim())), keepdim=True)
    if colours > 1:
        out = seen * (c * s) + (grey * (c * (1.0 - s)) + rest)
    else:
        out = seen * c + rest
    return out if colours == x.shape[1] else torch.cat([out, x[:, colours:]], dim=1)


class _Shift(torch.autograd.Function):
    """Move each example by whole places; its adjoint is the opposite shift, so gathering is all there is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, by: Tensor, reach: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(by)
        ctx.reach = reach
        return _shifted(x, by, reach)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (by,) = ctx.saved_tensors
        return cast(Tensor, _Shift.apply(gradients[0], -by, ctx.reach)), None, None


def _shifted(x: Tensor, by: Tensor, reach: tuple[int, ...]) -> Tensor:
    """``(N, C, *spatial)`` moved by ``(N, dims)``, each within ±reach."""
    n, channels, *sides = x.shape
    padded = pad(x, [r for side in reversed(reach) for r in (side, side)]).contiguous()
    # From the shape: torch lets a contiguous tensor keep any stride along an axis of one.
    wide = padded.shape[2:]
    strides = [math.prod(wide[axis + 1 :]) for axis in range(len(sides))]
    # A row along the last axis is one run of memory, so a shift only picks where each row starts.
    start = torch.arange(n * channels, device=x.device).view(n, channels) * math.prod(wide)
    for axis, stride in enumerate(strides):
        start = start + (reach[axis] - by[:, axis : axis + 1]) * stride
    for side, stride in zip(sides[:-1], strides[:-1], strict=True):
        start = start.unsqueeze(-1) + torch.arange(side, device=x.device) * stride
    width = sides[-1]
    windows = padded.as_strided((padded.numel() - width + 1, width), (1, 1))  # overlapping, only read
    return windows.index_select(0, start.flatten()).view(x.shape)


def translation(x: Tensor, by: Tensor, reach: tuple[int, ...]) -> Tensor:
    """Move each of ``(N, C, *spatial)`` by ``(N, dims)`` int64 places; what comes in is 0.

    Args:
        by: the places, towards higher indices; none may be more than ``reach`` in size.
        reach: one number for each spatial dimension.
    """
    return cast(Tensor, _Shift.apply(x, by, reach))


def cutout(x: Tensor, centre: Tensor, size: tuple[int, ...], on: Tensor) -> Tensor:
    """Set a box of ``size`` places around ``centre`` ``(N, dims)`` to 0 where ``on`` ``(N,)``."""
    dims = x.dim() - 2
    inside = on.view(-1, *[1] * dims)
    for axis in range(dims):
        places = torch.arange(x.shape[2 + axis], device=x.device)
        first = centre[:, axis : axis + 1] - size[axis] // 2
        within = (places >= first) & (places < first + size[axis])  # (N, side)
        inside = inside & within.view(within.shape[0], *[-1 if a == axis else 1 for a in range(dims)])
    return x * (~inside).unsqueeze(1).to(x.dtype)


def _whole(u: Tensor, high: list[int]) -> list[Tensor]:
    """Column a of ``(N, dims)`` numbers in [0, 1) to whole numbers 0 … high[a] − 1, ``(N,)`` each."""
    # Rounding can make u·high the whole of high on a long axis.
    return [(u[:, a] * h).long().clamp_max(h - 1) for a, h in enumerate(high)]


class Augment(nn.Module):
    """The policies, each applied to each example with the same probability.

    Args:
        space: what one example is. Points are left as they are.
        policies: which, in this order.
        probability: 0…1, for each example and each policy; with a target, the value at the start.
        target: the value of the statistic that :meth:`adapt` holds; None keeps the probability.
        ramp_kimg: thousands of examples in which the probability can go from 0 to 1.
        level: the objective's undecided logit (``Objective.level``), None where only differences count.
        noise: deviation of normal noise on everything seen, in model units, at progress 0 and at
            ``noise_until``; between them it shrinks by equal factors, and afterwards there is none
            (instance noise: Sønderby et al. 2017, arXiv 1610.04490).
        noise_until: share of the budget, 0…1.
        highest: the adaptive probability never goes above this: beyond .8 augmentations leak (ADA, 3.1).

    Attributes:
        probability: buffer ``()``.
        statistic: buffer ``()``, the moving average that is compared with the target.
    """

    probability: Tensor
    statistic: Tensor

    def __init__(
        self,
        space: Space,
        *,
        policies: tuple[Policy, ...] = (),
        probability: float = 1.0,
        target: float | None = None,
        ramp_kimg: float = 500.0,
        level: float | None = 0.0,
        noise: tuple[float, float] = (0.0, 0.0),
        noise_until: float = 1.0,
        highest: float = 0.8,
    ) -> None:
        super().__init__()
        never = target is None and probability == 0.0
        self.policies: tuple[Policy, ...] = () if never or space.dims == 0 else policies
        self.colours = space.codec.colours
        self.reach = tuple(int(side * _REACH + 0.5) for side in space.spatial)
        self.box = tuple(int(side * _BOX + 0.5) for side in space.spatial)
        self.target = target
        self.ramp_nimg = 1000.0 * ramp_kimg
        self.level = level
        self.highest = highest
        self.noise = noise
        self.noise_until = noise_until
        start = probability if target is None else min(probability, highest)
        self.register_buffer("probability", torch.tensor(start))
        # At the target, so that the first call alone decides the first step.
        self.register_buffer("statistic", torch.tensor(target or 0.0))

    def noise_level(self, progress: float) -> float:
        """Deviation of the noise at this share of the budget, 0…1; 0 is none."""
        first, last = self.noise
        if first <= 0.0 or progress >= self.noise_until:
            return 0.0
        return first * (last / first) ** (progress / self.noise_until)

    def forward(self, x: Tensor, rng: Rng, noise: float | Tensor = 0.0) -> Tensor:
        """``(N, C, *spatial)`` in model units to the same; ``rng`` must be on the device of ``x``.

        ``noise`` is the deviation of the noise that is added last: :meth:`noise_level`.
        """
        apply: dict[Policy, Callable[[Tensor, Rng], Tensor]] = {
            "color": self._color,
            "translation": self._translation,
            "cutout": self._cutout,
        }
        for policy in self.policies:
            x = apply[policy](x, rng)
        if isinstance(noise, Tensor) or noise > 0.0:
            x = x + noise * rng.normal(*x.shape).to(x)
        return x

    @torch.no_grad()
    def adapt(self, real_logits: Tensor, fake_logits: Tensor, n: int) -> None:
        """Move the probability after ``n`` more reals were judged; does nothing without a target.

        The statistic is E[sign(r − level)], the share of reals above the undecided logit less the share
        below (ADA, equation 1). Where the level is free it is E[sign(r − f)] of pairs. Either is near 1
        where the discriminator overfits.
        """
        if self.target is None:
            return
        margin = real_logits - (fake_logits if self.level is None else self.level)
        # About the last four calls count.
        self.statistic.lerp_(margin.sign().mean().to(self.statistic), 0.25)
        step = (self.statistic - self.target).sign() * (n / self.ramp_nimg)
        self.probability.add_(step).clamp_(0.0, self.highest)

    def _chance(self, x: Tensor, rng: Rng, numbers: int) -> tuple[Tensor, Tensor]:
        """Which examples are changed, ``(N,)`` bool, and numbers in [0, 1), ``(N, numbers)``."""
        chance = rng.uniform(x.shape[0], 1 + numbers)
        return chance[:, 0] < self.probability, chance[:, 1:]

    def _color(self, x: Tensor, rng: Rng) -> Tensor:
        on, u = self._chance(x, rng, 3)
        brightness = torch.where(on, u[:, 0] - 0.5, 0.0)
        saturation = torch.where(on, 2.0 * u[:, 1], 1.0)
        contrast = torch.where(on, u[:, 2] + 0.5, 1.0)
        return color(x, brightness, saturation, contrast, self.colours)

    def _translation(self, x: Tensor, rng: Rng) -> Tensor:
        on, u = self._chance(x, rng, len(self.reach))
        by = _whole(u, [2 * reach + 1 for reach in self.reach])
        by = torch.stack([b - reach for b, reach in zip(by, self.reach, strict=True)], dim=1)
        return translation(x, by * on[:, None], self.reach)

    def _cutout(self, x: Tensor, rng: Rng) -> Tensor:
        on, u = self._chance(x, rng, len(self.box))
        # The centre may be any place; for an even box also one past the end, which keeps it symmetric.
        room = [side + 1 - size % 2 for side, size in zip(x.shape[2:], self.box, strict=True)]
        centre = torch.stack(_whole(u, room), dim=1)
        return cutout(x, centre, self.box, on)


def augment(entry: recipe.Augmentation, space: Space, *, level: float | None = 0.0) -> Augment:
    """The augmentation that a recipe names, for examples of ``space`` and an objective's ``level``.

    Raises:
        RecipeError: a policy or a value is wrong, or color is asked for of sound.
    """
    names = [name.strip() for name in entry.policy.split(",") if name.strip()]
    for name in names:
        if name not in POLICIES:
            hint = nearest(name, POLICIES)
            raise RecipeError(f"unknown augmentation {name!r}; there is {', '.join(POLICIES)}.{hint}")
        if space.dims and name not in space.codec.augmentations:
            raise RecipeError(
                "the augmentation color is for pictures; set augmentation.policy to translation"
            )
    if not 0.0 <= entry.probability <= 1.0:
        raise RecipeError(f"augmentation.probability is {entry.probability}; it must be from 0 to 1")
    if entry.target is not None and not -1.0 < entry.target < 1.0:
        raise RecipeError(f"augmentation.target is {entry.target}; it must be between -1 and 1, usually 0.6")
    if not (entry.noise == 0.0 or entry.noise >= entry.noise_final > 0.0):
        raise RecipeError(
            f"augmentation.noise goes from {entry.noise} to {entry.noise_final}; "
            "it must shrink and stay above 0, or start at 0"
        )
    if not 0.0 < entry.noise_until <= 1.0:
        raise RecipeError(f"augmentation.noise_until is {entry.noise_until}; it must be in (0, 1]")
    if not (entry.ramp_kimg > 0.0 and math.isfinite(entry.ramp_kimg)):
        raise RecipeError(f"augmentation.ramp_kimg is {entry.ramp_kimg}; it must be more than 0")
    return Augment(
        space,
        policies=tuple(policy for policy in POLICIES if policy in names),
        probability=entry.probability,
        target=entry.target,
        ramp_kimg=entry.ramp_kimg,
        level=level,
        noise=(entry.noise, entry.noise_final),
        noise_until=entry.noise_until,
    )
