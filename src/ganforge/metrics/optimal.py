"""How far is a discriminator from the best one? In one and two dimensions that can be seen.

For a fixed generator the best discriminator is D*(x) = p_data(x) / (p_data(x) + p_g(x)) (Goodfellow et
al. 2014, proposition 1). p_g is estimated with Gaussian kernels, and so is p_data where it is no known
mixture; their width is chosen by likelihood, which keeps the blur small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, random, rows
from ganforge.metrics.points import Mixture

__all__ = ["Optimal", "bandwidth", "best_discriminator", "kernel_density", "mixture_density", "optimal"]

LEAST = 64  # examples of each side
_FITTED = 4_000  # examples that carry a kernel
_COMPARED = 2_000  # points of each side at which the discriminators are compared
_LOST = 0.003  # nats of likelihood that smoother kernels may cost
_GRID = {1: 400, 2: 160}  # points along each axis of the picture

Judge = Callable[[Array], Array]
"""Points ``(N, D)`` in declared units to probabilities of being real ``(N,)``."""


@dataclass(frozen=True, eq=False)
class Optimal:
    """A discriminator D beside the best one D*.

    Attributes:
        distance: mean |D − D*| under (p_data + p_g) / 2, at real examples and samples that carry no
            kernel; D calibrated. 0 is best.
        raw_distance: the same with σ of the discriminator's own logits.
        guess: the same for a D of ½ everywhere: what knowing nothing costs.
        floor: what a perfect D would seem to be off by: real examples in place of the samples, where D* is
            ½ exactly and all that is measured is the noise of the kernels.
        says: mean of D at the same points, reals and samples apart.
        bandwidth: deviation of the kernels of p_data (0 for a known mixture) and of p_g, in units of the
            coordinates' deviation.
        density: what p_data is: "known mixture" or "kernels on held-out examples".
        axes: of the picture, one ``(G,)`` a dimension.
        real, generated: p_data and p_g on the grid, ``(G,)`` or ``(G, G)`` with x first.
        told, raw_told, best: calibrated D, raw D and D* on the grid.
        known: where on the grid there is anything to know: a density above a thousandth of its peak.
    """

    distance: float
    raw_distance: float
    guess: float
    floor: float
    says: tuple[float, float]
    bandwidth: tuple[float, float]
    density: str
    axes: tuple[Array, ...]
    real: Array
    generated: Array
    calibrated: Array
    raw: Array
    best: Array
    known: NDArray[np.bool_]

    def to_json(self) -> dict[str, Any]:
        """The numbers without the grid."""
        return {
            "distance": self.distance,
            "raw_distance": self.raw_distance,
            "guess": self.guess,
            "floor": self.floor,
            "says": {"real": self.says[0], "fakes": self.says[1]},
            "bandwidth": self.bandwidth,
            "density": self.density,
        }


def best_discriminator(real: Array, generated: Array) -> Array:
    """D* from two densities of one shape; ½ where both vanish."""
    total = real + generated
    return np.where(total > 0, real / np.where(total > 0, total, 1.0), 0.5)


def optimal(
    real: Examples,
    samples: Examples,
    calibrated: Judge,
    raw: Judge,
    *,
    mixture: Mixture | None = None,
    seed: int = 0,
) -> Optimal:
    """Compare a discriminator with the best one for these samples.

    Args:
        real: examples ``(N, D)`` with D 1 or 2, that the discriminator was not trained on.
        samples: ``(M, D)``.
        calibrated, raw: the discriminator, with and without calibration.
        mixture: where the real examples come from, if that is known.

    Raises:
        DataError: more than 2 coordinates, or fewer than ``LEAST`` of a side.
    """
    x, y = rows(real, "real"), rows(samples, "samples")
    if x.shape[1] not in _GRID or x.shape[1] != y.shape[1]:
        raise DataError(f"the best discriminator is shown of points of 1 or 2 coordinates, not {x.shape[1]}")
    if min(len(x), len(y)) < LEAST:
        raise DataError(f"the best discriminator needs {LEAST} examples a side; there are {len(x)}, {len(y)}")
    chance = random(seed, 0x0B7)
    x, y = x[chance.permutation(len(x))], y[chance.permutation(len(y))]
    compared = [side[: min(_COMPARED, len(side) // 3)] for side in (x, y)]
    fitted = [side[len(points) :][:_FITTED] for side, points in zip((x, y), compared, strict=True)]
    # Kernels are round in units of each side's own spread.
    scale = [np.where(side.std(axis=0) > 0, side.std(axis=0), 1.0) for side in (x, y)]
    width = [bandwidth(side / unit) for side, unit in zip(fitted, scale, strict=True)]

    def p_data(points: Array) -> Array:
        if mixture is not None:
            return mixture_density(points, mixture)
        return kernel_density(points, fitted[0], width[0] * scale[0])

    def p_g(points: Array) -> Array:
        return kernel_density(points, fitted[1], width[1] * scale[1])

    points = np.concatenate(compared)
    best, judged, bold = best_discriminator(p_data(points), p_g(points)), calibrated(points), raw(points)
    # Half of the points are real ones: where their numbers differ, weights make up for it.
    weight = np.concatenate([np.full(len(side), 0.5 / len(side)) for side in compared])
    count = len(compared[0])
    axes = _axes(x, y)
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    shape, flat = nodes.shape[:-1], nodes.reshape(-1, x.shape[1])
    densities = p_data(flat).reshape(shape), p_g(flat).reshape(shape)
    return Optimal(
        distance=float(weight @ np.abs(judged - best)),
        raw_distance=float(weight @ np.abs(bold - best)),
        guess=float(weight @ np.abs(0.5 - best)),
        floor=_noise(compared[0], fitted[0], width[0] * scale[0], mixture),
        says=(float(judged[:count].mean()), float(judged[count:].mean())),
        bandwidth=(0.0 if mixture is not None else width[0], width[1]),
        density="known mixture" if mixture is not None else "kernels on held-out examples",
        axes=axes,
        real=densities[0],
        generated=densities[1],
        calibrated=calibrated(flat).reshape(shape),
        raw=raw(flat).reshape(shape),
        best=best_discriminator(*densities),
        known=np.any([density > 1e-3 * density.max() for density in densities], axis=0),
    )


def _noise(points: Array, fitted: Array, width: Array, mixture: Mixture | None) -> float:
    """Mean |D* − ½| where both sides are real examples, so that the true D* is ½."""
    if mixture is not None:
        one, other = mixture_density(points, mixture), fitted
    else:  # two halves: each has fewer kernels than p_data has, so the noise is over-stated rather
        half = len(fitted) // 2
        one, other = kernel_density(points, fitted[:half], width), fitted[half:]
    return float(np.abs(best_discriminator(one, kernel_density(points, other, width)) - 0.5).mean())


def _axes(x: Array, y: Array) -> tuple[Array, ...]:
    """Where the examples are, with a margin; the farthest hundredth of the samples may lie outside.

    Two coordinates of like ranges get one scale, so that circles are round.
    """
    low = np.minimum(x.min(axis=0), np.quantile(y, 0.005, axis=0))
    high = np.maximum(x.max(axis=0), np.quantile(y, 0.995, axis=0))
    reach = np.maximum(high - low, 1e-9)
    if reach.max() < 3 * reach.min():
        reach = np.full_like(reach, reach.max())
    middle, half = (low + high) / 2, 0.58 * reach
    count = _GRID[x.shape[1]]
    return tuple(np.linspace(a, b, count) for a, b in zip(middle - half, middle + half, strict=True))


def bandwidth(points: Array, *, choices: int = 24) -> float:
    """Deviation of the kernels for points ``(N, D)`` whose coordinates have a deviation of 1.

    Rules of thumb take the whole set's spread for that of a bump, and would blur eight narrow modes into
    one ring. Here half of the points are asked for under the kernels of the other half, and the widest
    kernels are taken that lose nearly nothing of the best mean likelihood.
    """
    candidates = np.geomspace(0.003, 0.7, choices)
    half = len(points) // 2
    queries, fitted = points[:half][:1000], points[half:][:2000]
    likelihood = np.empty(choices)
    for at, width in enumerate(candidates):
        # A point far from all kernels must not decide alone: its density ends at a small number.
        density = kernel_density(queries, fitted, np.full(points.shape[1], width))
        likelihood[at] = np.log(density + 1e-6).mean()
    return float(candidates[np.flatnonzero(likelihood >= likelihood.max() - _LOST)[-1]])


def kernel_density(points: Array, centres: Array, deviation: Array) -> Array:
    """Density at ``points (N, D)`` of equal Gaussians at ``centres (M, D)`` of ``deviation (D,)``."""
    a, b = torch.from_numpy(points / deviation), torch.from_numpy(centres / deviation)
    parts = [torch.cdist(part, b).square_().mul_(-0.5).exp_().mean(1) for part in a.split(512)]
    norm = float(np.prod(np.sqrt(2 * np.pi) * deviation))
    return torch.cat(parts).numpy() / norm


def mixture_density(points: Array, mixture: Mixture) -> Array:
    """Density at ``points (N, D)`` of a mixture with equal shares."""
    centres = rows(mixture.centres, "centres")
    sigma = np.broadcast_to(np.asarray(mixture.sigma, dtype=np.float64), (len(centres),))
    density = np.zeros(len(points))
    for centre, own in zip(centres, sigma, strict=True):
        exponent = -0.5 * ((points - centre) ** 2).sum(1) / own**2
        density += np.exp(exponent) / (math.sqrt(2 * math.pi) * own) ** points.shape[1] / len(centres)
    return density
