"""Spectrum gap: do samples have the fine structure of real examples? (Durall et al., CVPR 2020.)

Generators that upsample leave too little or too much power at high frequencies. The power spectrum is
averaged over directions and examples, and compared in decibels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, numpy_of

__all__ = ["Spectrum", "power_spectrum", "spectrum_gap"]


@dataclass(frozen=True)
class Spectrum:
    """Attributes:
    frequency: ``(B,)``, middle of each band in cycles a pixel, up to ½.
    power: ``(N, B)``, mean power of each example in each band.
    """

    frequency: Array
    power: Array


def power_spectrum(examples: Examples, *, chunk: int = 512) -> Spectrum:
    """Radial power of pictures ``(N, C, H, W)``, sound ``(N, C, T)`` or shapes, float64, units squared.

    The bands have the width of the longest side's resolution. The mean (frequency 0) is left out, and so
    are the corners beyond ½ cycle a pixel, where only diagonals reach.

    Raises:
        DataError: the examples have no spatial dimension, or none longer than 3.
    """
    x = numpy_of(examples)
    sides = x.shape[2:]
    if not sides or max(sides) < 4:
        raise DataError("a spectrum needs pictures, sound or shapes with a side of at least 4")
    axes = [np.fft.fftfreq(side) for side in sides[:-1]] + [np.fft.rfftfreq(sides[-1])]
    grid = np.meshgrid(*axes, indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in grid))
    bands = max(sides) // 2
    band = np.rint(radius * 2 * bands).astype(np.int64)  # 0 is the mean; 1 … bands is up to ½
    held = (band >= 1) & (band <= bands)
    # rfft keeps one of two conjugate halves: its inner columns stand for two.
    last = np.full(axes[-1].shape, 2.0)
    last[0] = 1.0
    if sides[-1] % 2 == 0:
        last[-1] = 1.0
    weight = np.broadcast_to(last, radius.shape)[held]
    where = band[held] - 1
    total = np.bincount(where, weights=weight, minlength=bands)
    rings = [np.flatnonzero(where == at) for at in range(bands)]
    power = np.empty((len(x), bands))
    spatial = tuple(range(2, x.ndim))
    for start in range(0, len(x), chunk):
        part = x[start : start + chunk].astype(np.float64)
        squares = np.abs(np.fft.rfftn(part, axes=spatial, norm="ortho")) ** 2
        kept = (squares.mean(axis=1)[:, held] * weight).T  # (coefficients, n)
        for at, coefficients in enumerate(rings):
            power[start : start + len(part), at] = kept[coefficients].sum(axis=0)
    seen = total > 0  # very oblong pictures leave bands empty
    frequency = np.arange(1, bands + 1) / (2 * bands)
    return Spectrum(frequency[seen], power[:, seen] / total[seen])


def spectrum_gap(samples: Array, real: Array) -> float:
    """Root mean square over bands of the difference in decibels between the mean powers ``(N, B)``.

    0 is best. Power below 10⁻⁵ of the real mean counts as none, for there is only rounding.
    """
    a, b = samples.mean(axis=0), real.mean(axis=0)
    least = 1e-5 * b.mean() + 1e-300
    gap = 10 * (np.log10(a + least) - np.log10(b + least))
    return float(np.sqrt((gap**2).mean()))
