"""Bootstrap intervals of 95 % (Efron 1979), seeded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganforge.metrics.arrays import Array, Indices, random

__all__ = ["around", "of_mean"]

Interval = tuple[float, float]

_MOST = 1_000_000  # numbers drawn at once


def of_mean(values: Array, *, seed: int = 0, resamples: int = 1000) -> Interval:
    """Interval of the mean of ``values`` ``(N,)`` by drawing them anew with replacement.

    Beside a value's influences (how much each example moves it, to first order) it is the interval of
    that value, at the price of one sum a resample.
    """
    chance, n = random(seed, 0xB007), len(values)
    at_once = max(_MOST // n, 1)
    parts = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    means = np.concatenate([values[chance.integers(n, size=(part, n))].mean(axis=1) for part in parts])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def around(
    value: float, n: int, measure: Callable[[Indices], float], *, seed: int = 0, resamples: int = 50
) -> Interval:
    """Interval of ``value = measure(arange(n))`` from ``measure`` at rows drawn with replacement.

    Distances grow when examples repeat, so the spread of the resamples is taken and not their level: the
    interval is moved onto ``value``.
    """
    chance = random(seed, 0xB008)
    values = np.array([measure(chance.integers(n, size=n)) for _ in range(resamples)])
    low, high = np.quantile(values - values.mean(), [0.025, 0.975])
    return float(value + low), float(value + high)
