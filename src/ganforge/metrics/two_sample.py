"""Classifier two-sample test (Lopez-Paz & Oquab 2017): can a fresh classifier tell samples from data?

½ is indistinguishable *to this classifier*; 1 is told apart at once. Unlike the discriminator it has
never seen the generator, and it is asked about examples that it was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, numpy_of, random
from ganforge.metrics.classifier import train_classifier

__all__ = ["TwoSample", "two_sample_test"]


@dataclass(frozen=True)
class TwoSample:
    """Attributes:
    accuracy: share of the test half that is told right, 0…1.
    right: ``(2n,)`` 0 or 1 for each example of the test half.
    n: examples of each side in the test half.
    """

    accuracy: float
    right: Array
    n: int


def two_sample_test(samples: Examples, real: Examples, *, kimg: float = 20.0, seed: int = 0) -> TwoSample:
    """Train a small classifier on one half of both sets, and ask it about the other half.

    The sets are cut to the same size, and the halves are frozen by ``seed``.

    Args:
        samples, real: ``(N, ...)`` and ``(M, ...)`` of one shape and one type, in the same units.
        kimg: thousands of examples shown to the classifier, and none more than 100 times.

    Raises:
        DataError: fewer than 4 examples on a side, or shapes differ.
    """
    x, y = numpy_of(samples), numpy_of(real)
    if x.shape[1:] != y.shape[1:]:
        raise DataError(f"samples have the shape {x.shape[1:]} and real examples {y.shape[1:]}")
    if x.dtype != y.dtype:  # a difference of type is not one that a classifier should find
        kind = np.result_type(x, y, np.float32)
        x, y = x.astype(kind), y.astype(kind)
    n = min(len(x), len(y)) // 2
    if n < 2:
        raise DataError("a two-sample test needs at least 4 examples on each side")
    chance = random(seed, 0xC257)
    x, y = x[chance.permutation(len(x))[: 2 * n]], y[chance.permutation(len(y))[: 2 * n]]
    labels = np.repeat([1, 0], n)
    kimg = min(kimg, 0.1 * 2 * n)
    referee = train_classifier(np.concatenate([x[:n], y[:n]]), labels, classes=2, kimg=kimg, seed=seed)
    predicted = referee.probabilities(np.concatenate([x[n:], y[n:]])).argmax(1)
    right = (predicted == labels).astype(np.float64)
    return TwoSample(float(right.mean()), right, n)
