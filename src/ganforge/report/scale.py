"""The vertical axis of a curve: straight, logarithmic, or bent where numbers of both signs are far apart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["Scale", "round_steps", "scale_for"]

Bend = Literal["straight", "log", "asinh"]
_FAR = 30.0  # the largest number over the middle one, from which an axis is bent
_AIR = 0.07  # of the axis, left free above and below


@dataclass(frozen=True)
class Scale:
    """A map from values to places on an axis, 0 at its low end and 1 at its high end.

    Attributes:
        low, high: the ends, in bent units.
        bend: straight; log, of base 10; or asinh of the value over ``unit``.
        unit: where an asinh axis goes over from straight to logarithmic.
    """

    low: float
    high: float
    bend: Bend = "straight"
    unit: float = 1.0

    def place(self, value: float) -> float:
        """Where ``value`` stands, kept within −0.5 and 1.5; NaN stays NaN."""
        if math.isnan(value):
            return math.nan
        return min(1.5, max(-0.5, (self._bent(value) - self.low) / (self.high - self.low)))

    def _bent(self, value: float) -> float:
        if self.bend == "log":
            return math.log10(max(value, 1e-300))
        return math.asinh(value / self.unit) if self.bend == "asinh" else value

    def ticks(self) -> list[float]:
        """Three to six round values within the axis."""
        if self.bend == "straight":
            return round_steps(self.low, self.high, 4)
        if self.bend == "log":
            return _thinned(_powers(math.ceil(self.low), math.floor(self.high)), self.low, self.high)
        largest = self.unit * math.sinh(max(abs(self.low), abs(self.high)))
        sizes = _powers(math.ceil(math.log10(self.unit)), math.floor(math.log10(largest)))
        inside = [v for v in (*(-s for s in sizes), 0.0, *sizes) if self.low <= self._bent(v) <= self.high]
        far = [v for v in inside if v == 0 or abs(v) == max(map(abs, inside)) or abs(v) in sizes[::2]]
        return sorted(set(inside if len(inside) <= 6 else far))[:9]


def _powers(first: int, last: int) -> list[float]:
    return [10.0**power for power in range(first, last + 1)]


def _thinned(powers: list[float], low: float, high: float) -> list[float]:
    """Powers of ten, fewer where there are many, and values between them where there are few."""
    if len(powers) > 6:
        return powers[:: math.ceil(len(powers) / 5)]
    if len(powers) >= 3:
        return powers
    inside: list[float] = []
    for steps in ((1, 3), (1, 2, 5)):
        around = range(math.floor(low), math.ceil(high) + 1)
        inside = [10.0**power * step for power in around for step in steps]
        inside = [value for value in inside if low <= math.log10(value) <= high]
        if len(inside) >= 3:
            break
    return inside


def round_steps(low: float, high: float, about: int) -> list[float]:
    """About so many values from ``low`` to ``high`` in equal round steps."""
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low]
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= 0.999 * rough)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [0.0 if first + i == 0 else (first + i) * step for i in range(count)]


def scale_for(values: Iterable[float], *, within: tuple[float, float] | None = None) -> Scale:
    """An axis on which all finite ``values`` can be told apart; ``within`` fixes its ends."""
    if within is not None:
        air = _AIR * (within[1] - within[0])
        return Scale(within[0] - air, within[1] + air)
    known = np.array([value for value in values if math.isfinite(value)], dtype=np.float64)
    if not known.size:
        return Scale(0.0, 1.0)
    sizes = np.abs(known[known != 0])
    if not sizes.size or sizes.max() <= _FAR * float(np.median(sizes)):
        return _aired(Scale(float(known.min()), float(known.max())))
    if known.min() > 0:
        return _aired(Scale(math.log10(known.min()), math.log10(known.max()), "log"))
    typical = float(np.quantile(sizes, 0.2))
    unit = 10.0 ** math.floor(math.log10(max(typical, 1e-6 * float(sizes.max()))))
    ends = math.asinh(known.min() / unit), math.asinh(known.max() / unit)
    return _aired(Scale(*ends, "asinh", unit))


def _aired(scale: Scale) -> Scale:
    """The same with room at both ends, and with a height where all values are one."""
    span = scale.high - scale.low
    if span <= 1e-9 * max(abs(scale.low), abs(scale.high)):
        span = max(0.2 * abs(scale.high), 1e-9) if scale.bend == "straight" else 1.0
        return Scale(scale.low - span / 2, scale.high + span / 2, scale.bend, scale.unit)
    return Scale(scale.low - _AIR * span, scale.high + _AIR * span, scale.bend, scale.unit)
