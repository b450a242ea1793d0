"""What samples leave out: the real examples in regions, and how much of each the samples meet.

Coverage is a mean: where one of eight modes is missing it is still .87. Coverage by regions says which part
is left out (as bins of k-means do for Richardson & Weiss 2018, 'On GANs and GMMs', section 3).
"""

from __future__ import annotations

import numpy as np

from ganforge.metrics.arrays import Array, Indices, random
from ganforge.metrics.features import groups

__all__ = ["Regions"]

_EACH = 16  # real examples a region, on average
_MOST = 32  # regions
_LEAST = 8  # real examples, below which nothing is said of a region
_MET = 0.5  # of a region's examples must be met by other real ones: what they miss says nothing of samples
_LEFT_OUT = 0.1  # of what other real examples meet


class Regions:
    """Regions of real examples, each of them well met by other real examples.

    Args:
        features: of the real examples, ``(M, D)``.
        met: which of them other real examples come near to, ``(M,)`` 0 or 1 (``manifold.Manifold.met``).
        seed: of the first centres.
    """

    def __init__(self, features: Array, met: Array, seed: int) -> None:
        count = min(len(features) // _EACH, _MOST)
        self._regions: list[tuple[Indices, float]] = []
        if count < 2:
            return
        member = groups(features, _spread_out(features, count, random(seed, 0x4E6)))
        for at in range(count):
            own = np.flatnonzero(member == at)
            if len(own) >= _LEAST and met[own].mean() >= _MET:
                self._regions.append((own, float(met[own].mean())))

    def missed(self, met: Array) -> float:
        """Share of the real examples, 0…1, that lie in regions that samples leave out; NaN without regions.

        ``met`` is which real examples the samples come near to, ``(M,)``.
        """
        if not self._regions:
            return float("nan")
        left_out = sum(len(own) for own, real in self._regions if met[own].mean() < _LEFT_OUT * real)
        return left_out / sum(len(own) for own, _ in self._regions)


def _spread_out(points: Array, count: int, chance: np.random.Generator) -> Array:
    """First centres ``(count, D)``: far from each other are likelier (k-means++: Arthur & Vassilvitskii)."""
    chosen = [int(chance.integers(len(points)))]
    squares = ((points - points[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count and squares.sum() > 0:
        chosen.append(int(chance.choice(len(points), p=squares / squares.sum())))
        squares = np.minimum(squares, ((points - points[chosen[-1]]) ** 2).sum(1))
    return points[chosen]
