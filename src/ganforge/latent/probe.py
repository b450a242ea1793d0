"""What a discriminator has learned to see: its activations, read by a linear classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.rng import permutation

__all__ = ["Probe", "linear_probe", "pooled"]

_BATCH = 256
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_POOLS = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)

Array = NDArray[np.float64]


def pooled(stages: Callable[[Tensor], tuple[Tensor, ...]], x: Tensor, *, grid: int = 4) -> Tensor:
    """All stages' activations, each max-pooled to ``grid`` a side, in one row: ``(N, F)`` float32.

    Radford et al. 2015, section 5.1.

    Args:
        stages: ``(N, *shape)`` to activations ``(N, channels, *sides)`` or ``(N, units)`` of each stage.
        x: in model units.
    """
    rows: list[Tensor] = []
    with torch.no_grad():
        for part in x.split(_BATCH):
            found: list[Tensor] = []
            for stage in stages(part):
                dims = stage.dim() - 2
                if dims:
                    sides = [min(grid, side) for side in stage.shape[2:]]
                    stage = _POOLS[dims - 1](stage.float(), sides if dims > 1 else sides[0])
                found.append(stage.float().flatten(1).cpu())
            rows.append(torch.cat(found, 1))
    return torch.cat(rows)


@dataclass(frozen=True)
class Probe:
    """How well a linear classifier reads some features.

    Attributes:
        accuracy: mean over the draws of labelled examples, on the test examples, 0…1.
        each: one a draw.
        labels: labelled examples that it learned from.
        size: numbers in a feature row.
    """

    accuracy: float
    each: tuple[float, ...]
    labels: int
    size: int


def linear_probe(
    features: Tensor,
    labels: Tensor,
    test_features: Tensor,
    test_labels: Tensor,
    *,
    count: int,
    draws: int = 3,
    seed: int = 0,
) -> Probe:
    """Fit logistic regressions on ``count`` labelled rows, as many of each class, and test them.

    Features are standardised, and the strength of the L2 penalty is chosen among five by 5-fold
    cross-validation on the labelled rows alone, so that each kind of features gets its own.

    Args:
        features: ``(N, F)``; labels ``(N,)`` whole numbers.
        test_features: ``(M, F)``; test_labels ``(M,)``.
        count: labelled rows; at least 5 of each class.
        draws: how often other rows are drawn.

    Raises:
        UsageError: too few labels, or too few examples of a class.
    """
    y = labels.numpy()
    classes = np.unique(y)
    if count < 5 * len(classes):
        raise UsageError(f"{count} labels are too few for {len(classes)} classes; give {5 * len(classes)}")
    accuracies: list[float] = []
    for rng in range(draws):
        chosen = _balanced(y, classes, count, seed=seed, rng=rng)
        rows, held_labels = features.numpy()[chosen].astype(np.float64), y[chosen]
        mean, spread = rows.mean(0), rows.std(0)
        # A number that hardly moves among the labelled rows must not become huge among the others.
        spread = np.maximum(spread, 0.1 * spread.mean() + 1e-9)
        rows = (rows - mean) / spread

        scores = [_crossed(strength, rows, held_labels, len(classes)) for strength in _STRENGTHS]
        best = _fit(_STRENGTHS[int(np.argmax(scores))], rows, held_labels)
        test = (test_features.numpy().astype(np.float64) - mean) / spread
        accuracies.append(float(np.mean(np.equal(best.predict(test), test_labels.numpy()))))
    return Probe(float(np.mean(accuracies)), tuple(accuracies), count, features.shape[1])


def _crossed(strength: float, rows: Array, labels: NDArray[np.int64], classes: int) -> float:
    """Accuracy by 5-fold cross-validation; classes take turns in the rows, so each fold has all of them."""
    fold = np.arange(len(rows)) // classes % 5
    right = 0
    for k in range(5):
        model = _fit(strength, rows[fold != k], labels[fold != k])
        right += int(np.sum(model.predict(rows[fold == k]) == labels[fold == k]))
    return right / len(rows)


def _fit(strength: float, rows: Array, labels: NDArray[np.int64]) -> Any:
    from sklearn.linear_model import LogisticRegression  # slow to import, and needed here only

    return LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(rows, labels)


def _balanced(
    y: NDArray[np.int64], classes: NDArray[np.int64], count: int, *, seed: int, rng: int
) -> NDArray[np.int64]:
    """Indices of ``count`` rows, classes in turn."""
    order = permutation(len(y), seed=seed, epoch=rng)
    each = -(-count // len(classes))
    picked = [order[y[order] == one][:each] for one in classes]
    short = [str(one) for one, rows in zip(classes, picked, strict=True) if len(rows) < each]
    if short:
        raise UsageError(f"class {short[0]} has fewer than {each} examples; ask for fewer labels")
    return np.stack(picked, 1).reshape(-1)[:count]
