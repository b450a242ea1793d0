"""Is the discriminator's word worth anything? Its logits as probabilities, fitted on held-out examples.

σ(a·D + b) is fitted by maximum likelihood (Platt 1999; with equal numbers of reals and fakes b is no
prior). Where the objective leaves the level free (relativistic, Wasserstein), b takes the constant away;
everywhere, a says whether the logits are too bold (a < 1) or too shy (a > 1). It is judged on examples
that it was not fitted to.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganforge.core.errors import DataError
from ganforge.core.logistic import fit_logistic, sigmoid
from ganforge.metrics.arrays import Array, Examples, random, rows
from ganforge.metrics.score import plain

__all__ = ["Bin", "Calibration", "calibrate", "expected_calibration_error", "logistic_fit", "reliability"]

LEAST = 16  # reals and as many fakes, below which nothing is fitted
_RIDGE = 1e-6  # keeps the slope finite where reals and fakes are told apart perfectly


@dataclass(frozen=True)
class Bin:
    """Examples whose predicted probability lies within ``low … high``.

    Attributes:
        predicted: mean predicted probability of being real; NaN where the bin is empty.
        observed: share that is real; NaN where the bin is empty.
        count: examples, reals and fakes.
    """

    low: float
    high: float
    predicted: float
    observed: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """How a discriminator's logits relate to the odds of being real.

    Attributes:
        slope, offset: a and b of σ(a·D + b).
        slope_error, offset_error: standard errors, from the curvature of the likelihood.
        error, raw_error: expected calibration error of σ(a·D + b) and of σ(D), 0…1; 0 is best.
        loss, raw_loss: mean −log likelihood of both in nats; log 2 = .693 is a random guess.
        accuracy: of σ(a·D + b) ≥ ½, 0…1; ½ is a random guess.
        bins, raw_bins: reliability curves of both.
        n: reals, and as many fakes, that it was judged on; as many were fitted to.
    """

    slope: float
    offset: float
    slope_error: float
    offset_error: float
    error: float
    raw_error: float
    loss: float
    raw_loss: float
    accuracy: float
    bins: tuple[Bin, ...]
    raw_bins: tuple[Bin, ...]
    n: int

    def probability(self, logits: Examples) -> Array:
        """Calibrated probability of being real for logits ``(N,)``."""
        return sigmoid(self.slope * rows(logits, "logits")[:, 0] + self.offset)

    def to_json(self) -> dict[str, Any]:
        return plain(asdict(self))


def calibrate(real: Examples, fake: Examples, *, bins: int = 10, seed: int = 0) -> Calibration:
    """Fit on half of the logits ``real (N,)`` and ``fake (M,)``, judge on the other half.

    Both are cut to one number, so that ½ is what an undecided discriminator should say. The reals must
    be held-out ones: on its own training examples a discriminator is bolder than it is right.

    Raises:
        DataError: fewer than ``LEAST`` of a side, or numbers that are not finite.
    """
    r, f = rows(real, "logits of reals")[:, 0], rows(fake, "logits of fakes")[:, 0]
    n = min(len(r), len(f)) // 2
    if 2 * n < LEAST:
        raise DataError(
            f"a calibration needs at least {LEAST} held-out examples and as many samples; "
            f"there are {len(r)} and {len(f)}"
        )
    chance = random(seed, 0xCA1)
    r, f = r[chance.permutation(len(r))[: 2 * n]], f[chance.permutation(len(f))[: 2 * n]]
    label = np.repeat([1.0, 0.0], n)
    fitted, judged = np.concatenate([r[:n], f[:n]]), np.concatenate([r[n:], f[n:]])
    (slope, offset), errors = logistic_fit(fitted, label)
    p, raw = sigmoid(slope * judged + offset), sigmoid(judged)
    curve, raw_curve = reliability(p, label, bins=bins), reliability(raw, label, bins=bins)
    return Calibration(
        slope=slope,
        offset=offset,
        slope_error=errors[0],
        offset_error=errors[1],
        error=expected_calibration_error(curve),
        raw_error=expected_calibration_error(raw_curve),
        loss=_log_loss(slope * judged + offset, label),
        raw_loss=_log_loss(judged, label),
        accuracy=float(((p >= 0.5) == (label > 0)).mean()),
        bins=curve,
        raw_bins=raw_curve,
        n=n,
    )


def logistic_fit(x: Array, label: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Slope and offset of the most likely σ(a·x + b) of ``label`` ``(N,)`` 0 or 1; and their standard errors.

    x is brought to mean 0 and deviation 1 for it. Logits that are all equal give a slope of 0.
    """
    centre, scale = float(x.mean()), float(x.std())
    if scale <= 1e-12 * (1.0 + abs(centre)):
        share = float(label.mean())
        return (0.0, math.log(share / (1 - share))), (math.nan, math.nan)
    z = np.stack([(x - centre) / scale, np.ones_like(x)], axis=1)  # (N, 2)
    found = fit_logistic(z, label, np.full(len(x), 1 / len(x)), np.array([_RIDGE, 0.0]))
    # Back to the units of x: a = w₀ / s and b = w₁ − w₀ m / s, and their covariance with them.
    back = np.array([[1 / scale, 0.0], [-centre / scale, 1.0]])
    covariance = back @ np.linalg.inv(found.curvature * len(x)) @ back.T
    slope, offset = back @ found.weights
    errors = np.sqrt(np.diagonal(covariance))
    return (float(slope), float(offset)), (float(errors[0]), float(errors[1]))


def reliability(probability: Array, label: Array, *, bins: int = 10) -> tuple[Bin, ...]:
    """What is said against what is so, in ``bins`` of equal width; the counts say what each bin is worth."""
    where = np.clip((probability * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(where, minlength=bins)
    with np.errstate(invalid="ignore"):
        said = np.bincount(where, weights=probability, minlength=bins) / count
        so = np.bincount(where, weights=label, minlength=bins) / count
    return tuple(
        Bin(at / bins, (at + 1) / bins, float(said[at]), float(so[at]), int(count[at])) for at in range(bins)
    )


def expected_calibration_error(curve: tuple[Bin, ...]) -> float:
    """Mean over examples of |predicted − observed| of their bin (Guo et al. 2017, equation 5)."""
    total = sum(one.count for one in curve)
    return sum(one.count / total * abs(one.predicted - one.observed) for one in curve if one.count)


def _log_loss(logits: Array, label: Array) -> float:
    """Mean of sp(−x) for reals and sp(x) for fakes."""
    return float(np.logaddexp(0.0, np.where(label > 0, -logits, logits)).mean())
