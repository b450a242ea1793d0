"""Scores of points against what is known of their source: mixtures of Gaussians, and 1-D distributions.

The protocol of mixtures is PacGAN's (Lin et al. 2018, §4.1): a sample is of *high quality* if it lies
within 3 σ of its nearest centre; a mode is *covered* by one such sample. In two dimensions a perfect
sampler scores 1 − e^(−9/2) = 98.89 %, not 100 %: more means that the modes have shrunk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import erf, gammainc

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, Indices, rows

__all__ = [
    "Mixture",
    "ModeReport",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "kolmogorov_smirnov_normal",
    "mixture_report",
    "perfect_high_quality",
    "reverse_kl_uniform",
]

_WIDEST = 10.0  # a within-mode spread beyond this many σ cannot be read off samples within 3 σ


@dataclass(frozen=True)
class Mixture:
    """Isotropic Gaussians with equal shares: centres ``(M, D)`` and one σ a coordinate, or one a mode."""

    centres: Examples
    sigma: float | Examples


@dataclass(frozen=True)
class ModeReport:
    """How samples fall on the modes of a mixture with equal shares.

    Attributes:
        modes: how many the mixture has.
        covered: modes with at least ``least`` samples of high quality.
        high_quality: share of samples within ``within`` σ of their nearest centre, 0…1.
        high_quality_perfect: the same share for a perfect sampler (.9889 in two dimensions at 3 σ).
        reverse_kl: KL(histogram of nearest modes ‖ uniform) in nats; 0 is best, log(modes) is one mode.
        reverse_kl_floor: what a perfect sampler of this size expects, (modes − 1) / 2n.
        sigma_ratio: spread within the modes over the mixture's σ; 1 is right, below .8 has shrunk. NaN
            where no mode has two samples of high quality.
        counts: samples whose nearest centre is this one, by mode.
        n: samples.
    """

    modes: int
    covered: int
    high_quality: float
    high_quality_perfect: float
    reverse_kl: float
    reverse_kl_floor: float
    sigma_ratio: float
    counts: tuple[int, ...]
    n: int


def mixture_report(
    samples: Examples, centres: Examples, sigma: float | Examples, *, within: float = 3.0, least: int = 1
) -> ModeReport:
    """Where ``samples`` ``(N, D)`` fall on a mixture of isotropic Gaussians with equal shares.

    Args:
        centres: ``(M, D)``, in the units of the samples.
        sigma: deviation of a coordinate within a mode, one number or one a mode ``(M,)``.
        within: high quality ends at this many σ.
        least: samples of high quality that cover a mode (PacGAN: 1).

    Raises:
        DataError: dimensions differ, or a σ is not positive.
    """
    x, c = rows(samples, "samples"), rows(centres, "centres")
    if x.shape[1] != c.shape[1]:
        raise DataError(f"samples have {x.shape[1]} coordinates and centres {c.shape[1]}: give both the same")
    spread = np.broadcast_to(np.asarray(sigma, dtype=np.float64), (len(c),))
    if not (spread > 0).all():
        raise DataError("a mixture's sigma must be more than 0")
    nearest, distance = _nearest_mode(x, c)
    good = distance <= within * spread[nearest]
    counts = np.bincount(nearest, minlength=len(c))
    captured = np.bincount(nearest[good], minlength=len(c))
    return ModeReport(
        modes=len(c),
        covered=int((captured >= least).sum()),
        high_quality=float(good.mean()),
        high_quality_perfect=perfect_high_quality(x.shape[1], within),
        reverse_kl=reverse_kl_uniform(counts),
        reverse_kl_floor=(len(c) - 1) / (2 * len(x)),
        sigma_ratio=_sigma_ratio(x[good], nearest[good], spread, within),
        counts=tuple(int(count) for count in counts),
        n=len(x),
    )


def perfect_high_quality(dimensions: int, within: float = 3.0) -> float:
    """P(|x| ≤ within · σ) of an isotropic Gaussian: the chi-squared distribution function at within²."""
    return float(gammainc(dimensions / 2, within * within / 2))


def reverse_kl_uniform(counts: Examples) -> float:
    """KL(p ‖ uniform) in nats of a histogram ``(M,)`` of counts; 0 log 0 = 0."""
    p = rows(counts, "counts")[:, 0]
    assert p.min() >= 0
    assert p.sum() > 0
    p = p / p.sum()
    held = p[p > 0]
    return max(float((held * np.log(held * len(p))).sum()), 0.0)


def kolmogorov_smirnov_normal(samples: Examples, mean: float = 0.0, sigma: float = 1.0) -> float:
    """Largest gap, 0…1, between the samples' distribution function ``(N,)`` or ``(N, 1)`` and a normal's."""
    root = math.sqrt(2.0) * sigma

    def normal(x: Array) -> Array:
        return 0.5 * (1.0 + erf((x - mean) / root))

    return _gap(_line(samples), normal)


def kolmogorov_smirnov(samples: Examples, reference: Examples) -> float:
    """Largest gap, 0…1, between two samples' distribution functions, ``(N,)`` against ``(M,)``."""
    x, y = np.sort(_line(samples)), np.sort(_line(reference))
    both = np.concatenate([x, y])
    below_x = np.searchsorted(x, both, side="right") / len(x)
    below_y = np.searchsorted(y, both, side="right") / len(y)
    return float(np.abs(below_x - below_y).max())


def jensen_shannon(samples: Examples, reference: Examples, *, bins: int = 50) -> float:
    """Jensen–Shannon divergence in bits, 0…1, between histograms of points of 1 to 3 coordinates.

    The ``bins`` of each coordinate span the reference's range; what falls outside is counted in the
    outermost bins, so that stray samples cannot change the grid.

    Raises:
        DataError: more than 3 coordinates, where histograms are empty nearly everywhere.
    """
    x, y = rows(samples, "samples"), rows(reference, "reference")
    if x.shape[1] != y.shape[1] or x.shape[1] > 3:
        raise DataError("histograms need points of 1 to 3 coordinates, the same number on both sides")
    low, high = y.min(axis=0), y.max(axis=0)
    width = np.where(high > low, high - low, 1.0) / bins

    def histogram(points: Array) -> Array:
        cells = np.clip((points - low) / width, 0, bins - 1).astype(np.int64)
        flat = np.ravel_multi_index(tuple(cells.T), (bins,) * points.shape[1])
        return np.bincount(flat, minlength=bins ** points.shape[1]) / len(points)

    p, q = histogram(x), histogram(y)
    middle = (p + q) / 2
    return 0.5 * (_kl_bits(p, middle) + _kl_bits(q, middle))


def _kl_bits(p: Array, q: Array) -> float:
    held = p > 0
    return float((p[held] * np.log2(p[held] / q[held])).sum())


def _line(x: Examples) -> Array:
    array = rows(x, "samples")
    if array.shape[1] != 1:
        raise DataError(f"Kolmogorov–Smirnov needs points of 1 coordinate, not {array.shape[1]}")
    return array[:, 0]


def _gap(x: Array, cdf: Callable[[Array], Array]) -> float:
    """sup |F_n − F|: it is reached just before or at one of the samples."""
    value = cdf(np.sort(x))
    n = len(x)
    above = np.arange(1, n + 1) / n - value
    below = value - np.arange(n) / n
    return float(max(above.max(), below.max()))


def _nearest_mode(x: Array, centres: Array, chunk: int = 65_536) -> tuple[Indices, Array]:
    """Index of the nearest centre and the distance to it, ``(N,)`` each."""
    index = np.empty(len(x), dtype=np.int64)
    distance = np.empty(len(x))
    for start in range(0, len(x), chunk):
        part = x[start : start + chunk]
        squares = sum((part[:, None, i] - centres[None, :, i]) ** 2 for i in range(x.shape[1]))
        squares = np.asarray(squares)  # (n, M)
        best = squares.argmin(axis=1)
        index[start : start + chunk] = best
        distance[start : start + chunk] = np.sqrt(squares[np.arange(len(part)), best])
    return index, distance


def _sigma_ratio(good: Array, nearest: Indices, sigma: Array, within: float) -> float:
    """Spread about each mode's own mean over σ, corrected for the cut at ``within`` σ.

    A Gaussian of spread s (in units of σ) cut at radius R keeps, a coordinate, the second moment
    s² · P(D/2 + 1, R²/2s²) / P(D/2, R²/2s²), with P the incomplete gamma function. The measured moment
    is solved for s, which rises with it, so that a perfect sampler gives 1 and a wide one more than 1.
    """
    dimensions = good.shape[1]
    total, freedom = 0.0, 0
    for mode in np.unique(nearest):
        inside = good[nearest == mode]
        if len(inside) > 1:
            total += float(((inside - inside.mean(axis=0)) ** 2).sum() / sigma[mode] ** 2)
            freedom += dimensions * (len(inside) - 1)
    if freedom == 0:
        return math.nan
    moment, limit = total / freedom, within * within / 2

    def cut_moment(s: float) -> float:
        a, x = dimensions / 2, limit / (s * s)
        return float(s * s * gammainc(a + 1, x) / gammainc(a, x))

    low, high = 0.0, _WIDEST
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if cut_moment(middle) < moment else (low, middle)
    return (low + high) / 2
