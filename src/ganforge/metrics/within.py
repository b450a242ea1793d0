"""How much samples vary that were asked for the same, beside real examples that say the same.

Where several real examples say the same, their variety is measured. Where each says something of its own, as
captions do, it is estimated: what a smooth function of the condition leaves unexplained of real examples is
their variety within a condition and what the function misses. Of samples both are known, since the same can
be asked for twice; so what the function misses is known, too, and is taken off.
"""

from __future__ import annotations

import numpy as np

from ganforge.core.kernels import centred_kernel
from ganforge.metrics.arrays import Array

__all__ = ["PAIRS", "Within"]

PAIRS = 128  # conditions, each of which is asked for twice
_RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
# Of the deviation of all real examples. A condition that explains less leaves open how alike examples of one
# condition are; and where less is left by estimate, a condition may say all there is.
_EXPLAINED, _LEFT = 0.8, 0.25


class Within:
    """The variety of samples within a condition over that of real examples.

    Args:
        conditions: of some real examples, ``(N, C)``.
        real: their features ``(N, D)``.
    """

    def __init__(self, conditions: Array, real: Array) -> None:
        kernel = centred_kernel(conditions)
        self._all = _size(real - real.mean(axis=0))
        fits = (_left_out(kernel, ridge) for ridge in _RIDGES)
        self._residuals = min(fits, key=lambda fit: _size(fit @ real))
        self._real = _size(self._residuals @ real)

    def __call__(self, one: Array, other: Array) -> float:
        """Of two samples of each condition, ``(N, D)``; NaN where real examples do not tell."""
        within = _size(one - other) / np.sqrt(2)
        left = np.sqrt((_size(self._residuals @ one) ** 2 + _size(self._residuals @ other) ** 2) / 2)
        explained = self._all**2 - self._real**2
        if self._real > _EXPLAINED * self._all or not explained > 0:
            return float("nan")
        # Samples that follow their condition less have less of what the function misses.
        whole = (_size(one - one.mean(axis=0)) ** 2 + _size(other - other.mean(axis=0)) ** 2) / 2
        followed = whole - left**2
        if not followed > 0:
            return float("nan")
        missed = max(left**2 - within**2, 0.0) * max(explained / followed, 1.0)
        real = self._real**2 - missed
        return float(within / np.sqrt(real)) if real > (_LEFT * self._all) ** 2 else float("nan")


def _left_out(kernel: Array, ridge: float) -> Array:
    """Ridge regression in a kernel: what takes values ``(N, D)`` to the errors at each, left out itself."""
    n = len(kernel)
    hat = kernel @ np.linalg.inv(kernel + ridge * np.eye(n)) + 1 / n
    return (np.eye(n) - hat) / np.clip(1 - np.diag(hat), 1e-6, None)[:, None]


def _size(values: Array) -> float:
    return float(np.sqrt((values**2).mean()))
