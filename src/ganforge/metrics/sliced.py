"""Sliced Wasserstein distance: optimal transport along random lines (Rabin et al. 2011)."""

from __future__ import annotations

import numpy as np

from ganforge.metrics.arrays import Array, Examples, random, rows

__all__ = ["project", "sliced_wasserstein", "sorted_distance"]


def sliced_wasserstein(samples: Examples, reference: Examples, *, lines: int = 128, seed: int = 0) -> float:
    """Root of the mean over random lines of W₂² between ``(N, D)`` and ``(M, D)``; 0 is best.

    In the features' units: a shift by v of D-dimensional features gives |v| / √D.
    """
    return sorted_distance(*project(rows(samples), rows(reference), lines=lines, seed=seed))


def project(x: Array, y: Array, *, lines: int = 128, seed: int = 0) -> tuple[Array, Array]:
    """Both sets on the same random lines, ``(N, lines)`` and ``(M, lines)``; in 1-D on the line itself."""
    assert x.shape[1] == y.shape[1]
    if x.shape[1] == 1:
        return x, y
    directions = random(seed, 0x511CE).standard_normal((x.shape[1], lines))
    directions /= np.linalg.norm(directions, axis=0)
    return x @ directions, y @ directions


def sorted_distance(x: Array, y: Array) -> float:
    """Root of the mean W₂² of the columns of ``(N, L)`` and ``(M, L)``: sorted values are matched."""
    x, y = np.sort(x, axis=0), np.sort(y, axis=0)
    if len(x) != len(y):
        # Both quantile functions are steps: compare them between all of their jumps, exactly.
        cuts = np.union1d(np.arange(1, len(x) + 1) / len(x), np.arange(1, len(y) + 1) / len(y))
        width = np.diff(cuts, prepend=0.0)
        middle = cuts - width / 2
        x = x[np.minimum((middle * len(x)).astype(np.int64), len(x) - 1)]
        y = y[np.minimum((middle * len(y)).astype(np.int64), len(y) - 1)]
        return float(np.sqrt((width[:, None] * (x - y) ** 2).sum(0).mean()))
    return float(np.sqrt(((x - y) ** 2).mean()))
