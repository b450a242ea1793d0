"""Scores of shapes, by how far full voxels overlap: 1 − intersection over union."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ganforge.codecs.shape.mesh import solid
from ganforge.metrics.arrays import Array, random
from ganforge.metrics.context import Context, Raw, scores
from ganforge.metrics.score import Score

__all__ = ["coverage", "floaters", "nearest_own", "overlap_distance", "shapes"]

_MOST = 500  # shapes a side
_HALF = 127
_COMPONENTS = 64  # of the Gaussian that shapes are held against

Full = NDArray[np.bool_]


def full(x: Raw) -> Full:
    """Shapes ``(N, C, D, H, W)`` uint8 to whether each voxel is more than half full, ``(N, D, H, W)``."""
    return np.stack([solid(one) > _HALF for one in x])


def overlap_distance(a: Full, b: Full) -> Array:
    """1 − intersection over union of ``(N, D, H, W)`` and ``(M, D, H, W)``, ``(N, M)``; two empty ones: 0."""
    x, y = (one.reshape(len(one), -1).astype(np.float32) for one in (a, b))
    both = (x @ y.T).astype(np.float64)
    either = x.sum(1, dtype=np.float64)[:, None] + y.sum(1, dtype=np.float64)[None] - both
    return np.where(either > 0, 1.0 - both / np.maximum(either, 1.0), 0.0)


def nearest_own(a: Full, b: Full) -> NDArray[np.bool_]:
    """Of all shapes of both sides, whether the nearest other one is of the same side, ``(N + M,)``.

    The mean is the accuracy of a nearest neighbour's vote, .5 where the sides cannot be told apart and 1
    where they can (Lopez-Paz and Oquab 2017; of shapes Yang et al. 2019, section 5.1).
    """
    whole = np.concatenate([a, b])
    distance = overlap_distance(whole, whole)
    np.fill_diagonal(distance, np.inf)
    side = np.arange(len(whole)) < len(a)
    return side[distance.argmin(1)] == side


def coverage(samples: Full, real: Full) -> float:
    """Share of the real shapes that are the nearest real one of some sample (Achlioptas et al. 2018)."""
    return len(np.unique(overlap_distance(samples, real).argmin(1))) / len(real)


def floaters(x: Full) -> Array:
    """Share of each shape's full voxels that do not hang together with most of them, ``(N,)``.

    Voxels hang together by their faces. An empty shape has none.
    """
    shares = np.zeros(len(x))
    for i, one in enumerate(x):
        parts = np.asarray(cast(Any, ndimage.label(one))[0])
        sizes = np.bincount(parts.reshape(-1))[1:]
        if len(sizes) > 1:
            shares[i] = 1.0 - sizes.max() / sizes.sum()
    return shares


def _gaussian(training: Raw, n: int, seed: int) -> Full:
    """Shapes of one Gaussian over principal components, full where it is above the half."""
    rng = random(seed, 0x5A9E)
    some = full(training[np.sort(rng.permutation(len(training))[: 4 * _MOST])])
    x = some.reshape(len(some), -1).astype(np.float64)
    mean = x.mean(0)
    _, weights, axes = np.linalg.svd(x - mean, full_matrices=False)
    spread = weights[:_COMPONENTS] / np.sqrt(max(1, len(x) - 1))
    drawn = rng.standard_normal((n, len(spread))) * spread
    return (drawn @ axes[: len(spread)] + mean > 0.5).reshape(n, *some.shape[1:])


@scores
def shapes(c: Context) -> list[Score]:
    """Whether shapes of voxels overlap as real ones do, cover them, and hang together."""
    if c.samples.ndim != 5 or c.samples.dtype != np.uint8 or c.given.of_frames:
        return []
    made, real, other = (full(x[:_MOST]) for x in (c.samples, c.real, c.others[0]))
    drawn = _gaussian(c.training, len(made), c.seed)
    own = nearest_own(made, real)
    loose = floaters(made)

    def row(key: str, name: str, *numbers: float, **more: object) -> Score:
        value, floor, opponent = numbers
        direction = "higher" if key == "shape_coverage" else "lower"
        interval = more.get("interval")
        assert interval is None or isinstance(interval, tuple)
        return c.score(
            key,
            name,
            value,
            floor,
            direction,
            interval=interval,
            raw=True,
            n=len(made),
            gaussian=round(opponent, 4),
        )

    return [
        row(
            "nearest_own",
            "nearest shape is of the own side",
            float(own.mean()),
            float(nearest_own(other, real).mean()),
            float(nearest_own(drawn, real).mean()),
            interval=c.mean_interval(own.astype(np.float64)),
        ),
        row(
            "shape_coverage",
            "real shapes that are nearest to a sample",
            coverage(made, real),
            coverage(other, real),
            coverage(drawn, real),
        ),
        row(
            "floaters",
            "voxels that hang together with nothing",
            float(loose.mean()),
            float(floaters(real).mean()),
            float(floaters(drawn).mean()),
            interval=c.mean_interval(loose),
        ),
    ]
