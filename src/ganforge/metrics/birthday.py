"""How many different samples can it make? The birthday paradox (Arora & Zhang, arXiv 1706.08224).

If two of s samples are alike with probability ½, the support is about s². Here all pairs are looked at:
with P(two samples are alike) = p the support is as large as that of 1/p equally likely pictures, and
Arora's batch is s = √(2 ln 2 / p).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Examples, rows
from ganforge.metrics.intervals import quantile
from ganforge.metrics.neighbours import References, nearest_neighbours

__all__ = ["Support", "alike_distance", "support_size"]


@dataclass(frozen=True)
class Support:
    """Attributes:
    size: 1 / P(two samples are alike). Where no pair is alike it is a bound: three times as likely
        pairs would have shown with 95 % confidence.
    low, high: interval of 95 % by the number of alike pairs (Poisson, normal on the root); high is
        infinite where none is alike.
    is_bound: no pair is alike, and ``size`` is the least that it can be.
    batch: samples among which two are alike with probability ½.
    alike: pairs that are alike.
    pairs: pairs in all.
    """

    size: float
    low: float
    high: float
    is_bound: bool
    batch: float
    alike: int
    pairs: int


def alike_distance(real: Examples, *, share: float = 0.05) -> float:
    """How near two examples must be to count as alike: a share of real ones has a neighbour so near."""
    y = rows(real, "real")
    return quantile(nearest_neighbours(y, y, exclude_self=True).distance[:, 0], share)


def support_size(features: Examples, alike: float) -> Support:
    """Estimate from the pairs of ``features`` ``(N, D)`` that are within ``alike`` of each other.

    Raises:
        DataError: fewer than 2 samples.
    """
    x = rows(features, "features")
    n = len(x)
    if n < 2:
        raise DataError("a support estimate needs at least 2 samples")
    # The formula of the blocks loses digits below this: equal rows must count as alike for alike = 0.
    slack = 1e-12 * float((x - x.mean(axis=0)).std() ** 2 * x.shape[1])
    near = alike * alike + slack
    found = sum(int(np.count_nonzero(squares.numpy() <= near)) for _, squares in References(x).squares(x))
    count, pairs = (found - n) // 2, n * (n - 1) // 2
    # The root of a Poisson number has deviation ½.
    most = 3.0 if count == 0 else (math.sqrt(count) + 0.98) ** 2
    least = max(math.sqrt(count) - 0.98, 0.0) ** 2
    size = pairs / count if count else pairs / 3
    return Support(
        size=size,
        low=pairs / most,
        high=pairs / least if least > 0 else math.inf,
        is_bound=count == 0,
        batch=math.sqrt(2 * math.log(2) * size),
        alike=count,
        pairs=pairs,
    )
