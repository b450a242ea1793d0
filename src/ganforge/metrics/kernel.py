"""Kernel distance: the squared maximum mean discrepancy with a cubic kernel (Bińkowski et al. 2018, KID).

k(x, y) = (x·y / D + 1)³. The estimate is unbiased: it is 0 on average between equal distributions, at
any number of examples, and so it may be a little below 0. That makes it the headline for small data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, random, rows

__all__ = ["KernelDistance", "kernel_distance"]


@dataclass(frozen=True)
class KernelDistance:
    """The distance and what each example adds to it.

    Attributes:
        value: mean over the subsets; 0 is best.
        influence: ``(n,)``, first-order influences of the samples used, of mean 0.
        n: examples used of each set.
        subset: the largest size of a subset.
    """

    value: float
    influence: Array
    n: int
    subset: int


def kernel_distance(
    features: Examples, reference: Examples, *, subset: int = 1000, seed: int = 0
) -> KernelDistance:
    """Unbiased squared discrepancy between ``(N, D)`` and ``(M, D)``.

    The larger set is cut to the size of the smaller, both are shuffled and split into disjoint subsets
    of at most ``subset`` examples, and the subsets' estimates are averaged by their size: every example
    is used once, memory is flat, and sets smaller than ``subset`` are one subset.

    Raises:
        DataError: fewer than 2 examples on a side, or dimensions differ.
    """
    x, y = rows(features, "features"), rows(reference, "reference")
    if x.shape[1] != y.shape[1]:
        raise DataError(f"features have {x.shape[1]} numbers a row and the reference {y.shape[1]}")
    n = min(len(x), len(y))
    if n < 2:
        raise DataError("a kernel distance needs at least 2 examples on each side")
    # No example may decide which others it meets by its place in the file; rows are sorted by chance.
    chance = random(seed, 0x41D)
    x, y = x[chance.permutation(len(x))[:n]], y[chance.permutation(len(y))[:n]]
    blocks = -(-n // subset)
    total = 0.0
    influence: list[Array] = []
    for a, b in zip(np.array_split(x, blocks), np.array_split(y, blocks), strict=True):
        value, moved = _unbiased(a, b)
        total += value * len(a) / n
        influence.append(moved)
    return KernelDistance(total, np.concatenate(influence), n, min(subset, n))


def _unbiased(x: Array, y: Array) -> tuple[float, Array]:
    """Eq. 4 of Bińkowski et al.: pairs of an example with itself are left out; and the influences of x."""
    within_x, within_y, across = _cubic(x, x), _cubic(y, y), _cubic(x, y)
    n, m = len(x), len(y)
    own = (within_x.sum(1) - np.diagonal(within_x)) / (n - 1)  # (n,) mean kernel to the other samples
    other = across.mean(1)  # (n,) mean kernel to the references
    rest = (within_y.sum() - np.trace(within_y)) / (m * (m - 1))
    moved = 2 * (own - other)
    return float(own.mean() + rest - 2 * other.mean()), moved - moved.mean()


def _cubic(x: Array, y: Array) -> Array:
    return (x @ y.T / x.shape[1] + 1.0) ** 3
