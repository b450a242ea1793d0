"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

Balls around examples, up to their k-th neighbour in the same set, stand for the manifold of that set.
Between *equal* distributions precision and recall are about .7 to .8, not 1: read them beside their
floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, rows
from ganforge.metrics.neighbours import References, nearest_neighbours

__all__ = ["Balls", "Manifold", "manifold"]


@dataclass(frozen=True)
class Manifold:
    """The four shares and, for intervals, what each example adds to them.

    Attributes:
        precision: share of samples within some real ball: are they like real ones?
        recall: share of real examples within some sample's ball: is everything reproduced?
        density: mean number of real balls around a sample, over k; about 1 for equal sets, may exceed 1.
        coverage: share of real balls that hold a sample.
        k: neighbours.
        in_real: ``(N,)`` 0 or 1, whose mean is the precision.
        in_samples: ``(M,)`` 0 or 1, whose mean is the recall.
        crowd: ``(N,)``, whose mean is the density.
        met: ``(M,)`` 0 or 1, whose mean is the coverage.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    k: int
    in_real: Array
    in_samples: Array
    crowd: Array
    met: Array


def manifold(samples: Examples, real: Examples, *, k: int = 5) -> Manifold:
    """Compare features of ``samples`` ``(N, D)`` with those of ``real`` examples ``(M, D)``.

    Give both the same number of examples: balls shrink as examples are added.

    Raises:
        DataError: k is not less than the number of examples on each side.
    """
    return Balls(real, k).compare(samples)


class Balls:
    """Balls around real examples ``(M, D)``, that many sets of samples are compared with.

    Raises DataError where k is not less than the number of examples.
    """

    def __init__(self, real: Examples, k: int = 5) -> None:
        self.k = k
        self._real = References(real)
        self._check(len(self._real))
        y = self._real.rows
        self._radius = nearest_neighbours(y, self._real, k, exclude_self=True).distance[:, -1] ** 2

    def compare(self, samples: Examples) -> Manifold:
        """As :func:`manifold`. Raises DataError where there are not more than k samples."""
        x, k = rows(samples, "samples"), self.k
        self._check(len(x))
        sample_radius = nearest_neighbours(x, x, k, exclude_self=True).distance[:, -1] ** 2
        crowd, in_samples, met = np.zeros(len(x)), np.zeros(len(self._real)), np.zeros(len(self._real))
        for start, block in self._real.squares(x):
            squares = block.numpy()  # (n, M)
            part = slice(start, start + len(squares))
            inside = squares <= self._radius
            crowd[part] = inside.sum(1)
            met = np.maximum(met, inside.any(0))
            in_samples = np.maximum(in_samples, (squares <= sample_radius[part, None]).any(0))
        in_real = (crowd > 0).astype(np.float64)
        return Manifold(
            precision=float(in_real.mean()),
            recall=float(in_samples.mean()),
            density=float(crowd.mean() / k),
            coverage=float(met.mean()),
            k=k,
            in_real=in_real,
            in_samples=in_samples,
            crowd=crowd / k,
            met=met,
        )

    def _check(self, n: int) -> None:
        if self.k >= n:
            words = f"{self.k} neighbours need more than {self.k} examples on each side"
            raise DataError(f"{words}: give more, or a smaller k")
