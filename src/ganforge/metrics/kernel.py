"""Kernel distance: the squared maximum mean discrepancy with a cubic kernel (Bińkowski et al. 2018, KID).

k(x, y) = (x·y / D + 1)³. The estimate is unbiased: it is 0 on average between equal distributions, at
any number of examples, and so it may be a little below 0. That makes it the headline for small data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, random, rows

__all__ = ["KernelDistance", "KernelReference", "kernel_distance"]


_BLOCK = 128  # rows of a kernel that are computed at once, so that they are still at hand when they are read


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
    return KernelReference(y, len(x), subset=subset, seed=seed).distance(x)


class KernelReference:
    """A reference set that many sets of as many features are compared with: its own side is computed once.

    Args:
        reference: ``(M, D)``, at least 2.
        n: how many features each set will have, at least 2.
        subset, seed: see :func:`kernel_distance`.
    """

    def __init__(self, reference: Examples, n: int, *, subset: int = 1000, seed: int = 0) -> None:
        y = rows(reference, "reference")
        self.n, self.subset = min(n, len(y)), subset
        # No example may decide which others it meets by its place in the file; rows are sorted by chance.
        chance = random(seed, 0x41D)
        self._order = chance.permutation(n)[: self.n]
        y = y[chance.permutation(len(y))[: self.n]]
        self._blocks = np.array_split(y, -(-self.n // subset))
        self._within = [_within(block) for block in self._blocks]

    def distance(self, features: Examples) -> KernelDistance:
        """The distance of ``features`` ``(n, D)``, as :func:`kernel_distance` gives it."""
        x = rows(features, "features")[self._order]
        total = 0.0
        influence: list[Array] = []
        blocks = np.array_split(x, len(self._blocks))
        for a, b, rest in zip(blocks, self._blocks, self._within, strict=True):
            value, moved = _unbiased(a, b, rest)
            total += value * len(a) / self.n
            influence.append(moved)
        return KernelDistance(total, np.concatenate(influence), self.n, min(self.subset, self.n))


def _unbiased(x: Array, y: Array, rest: float) -> tuple[float, Array]:
    """Eq. 4 of Bińkowski et al.: pairs of an example with itself are left out; and the influences of x.

    ``rest`` is the mean kernel within y.
    """
    n = len(x)
    own, other = np.empty(n), np.empty(n)  # mean kernel to the other samples, and to the references
    for start in range(0, n, _BLOCK):
        part = slice(start, start + _BLOCK)
        within, rows_of_it = _cubic(x[part], x), np.arange(start, min(start + _BLOCK, n))
        own[part] = (within.sum(1) - within[rows_of_it - start, rows_of_it]) / (n - 1)
        other[part] = _cubic(x[part], y).mean(1)
    moved = 2 * (own - other)
    return float(own.mean() + rest - 2 * other.mean()), moved - moved.mean()


def _within(y: Array) -> float:
    """Mean kernel of two different rows."""
    kernel, m = _cubic(y, y), len(y)
    return (kernel.sum() - np.trace(kernel)) / (m * (m - 1))


def _cubic(x: Array, y: Array) -> Array:
    # By torch, because numpy is slow where x is y; and no power, which costs ten products.
    kernel = (torch.from_numpy(x) @ torch.from_numpy(y).T).div_(x.shape[1]).add_(1.0)
    return kernel.square().mul_(kernel).numpy()
