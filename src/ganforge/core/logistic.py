"""Logistic regression by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogisticFit", "fit_logistic", "sigmoid"]

Array = NDArray[np.float64]

_SMALLEST = 1e-6  # part of a step, below which it is taken whatever becomes of the loss


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """Attributes:
    weights: ``(K,)``: σ(rows · weights) is the probability.
    curvature: ``(K, K)``: second derivatives of what was minimised, where it ended.
    """

    weights: Array
    curvature: Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), without overflow."""
    return np.exp(-np.logaddexp(0.0, -x))


def fit_logistic(
    rows: Array, target: Array, weight: Array, ridge: Array, *, most: int = 100, near: float = 1e-10
) -> LogisticFit:
    """The minimum of Σ weight · cross-entropy(σ(rows · w), target) + ½ Σ ridge · w².

    Newton's method (iterated reweighted least squares) from w = 0, with halved steps where a whole one would
    not help: without them it does not end where both sides are told apart perfectly.

    Args:
        rows: ``(N, K)``; a column of ones gives an offset.
        target: ``(N,)``, 0…1.
        weight: ``(N,)``, at least 0, of each row.
        ridge: ``(K,)``, at least 0, of each column.
        most: steps.
        near: the change of a weight at which it ends.
    """

    def loss(w: Array) -> float:
        x = rows @ w
        entropy = target * np.logaddexp(0.0, -x) + (1 - target) * np.logaddexp(0.0, x)
        return float(weight @ entropy + 0.5 * ridge @ (w * w))

    w = np.zeros(rows.shape[1])
    curvature = np.diag(ridge)
    for _ in range(most):
        p = sigmoid(rows @ w)
        gradient = rows.T @ (weight * (p - target)) + ridge * w
        curvature = (rows.T * (weight * p * (1 - p))) @ rows + np.diag(ridge + 1e-12)
        step = np.linalg.solve(curvature, gradient)
        size, here = 1.0, loss(w)
        while loss(w - size * step) > here and size > _SMALLEST:
            size /= 2
        w = w - size * step
        if float(np.abs(size * step).max()) < near:
            break
    return LogisticFit(w, curvature)
