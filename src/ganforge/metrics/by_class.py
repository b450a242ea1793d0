"""Which class lags? Each class's share, how it is read, and how much of it is covered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganforge.metrics.arrays import Array, Indices
from ganforge.metrics.manifold import manifold
from ganforge.metrics.score import plain

__all__ = ["ClassLine", "class_lines", "lagging"]

_FAR = 3.0  # standard errors that count as behind: of 20 comparisons, 1 in 40 is so by chance


@dataclass(frozen=True, kw_only=True)
class ClassLine:
    """One class. What cannot be said is NaN.

    Attributes:
        name: of the class.
        share: of the samples that the referee reads as this class, 0…1.
        share_real: share of the class in the training data.
        read: share of the samples asked to be this class that are read as it.
        read_real: the same of real held-out examples: the floor.
        coverage: share of the class's real examples near which there is a sample.
        coverage_real: the same with other real examples in place of the samples: the floor.
        asked: samples asked to be of this class; 0 where none was asked.
        real: real examples of the class that were compared with.
    """

    name: str
    share: float
    share_real: float
    read: float
    read_real: float
    coverage: float
    coverage_real: float
    asked: int
    real: int

    def to_json(self) -> dict[str, Any]:
        return plain(asdict(self))

    def behind(self) -> tuple[float, str]:
        """How far it is behind real examples in standard errors, and in what."""
        gaps = [
            (_behind(self.read, self.asked, self.read_real, self.real), "read"),
            (_behind(self.coverage, self.real, self.coverage_real, self.real), "coverage"),
        ]
        return max(gaps)


def class_lines(
    names: Sequence[str],
    *,
    predicted: Indices,
    wanted: Indices | None,
    training_labels: Indices,
    real_predicted: Indices,
    real_labels: Indices,
    features: Array,
    real_features: Array,
    other_features: Array,
) -> tuple[ClassLine, ...]:
    """A line for each class.

    Args:
        predicted: what a referee reads the samples as, ``(N,)``.
        wanted: what they were asked to be, ``(N,)``, or None.
        training_labels: ``(M,)``, for the shares.
        real_predicted, real_labels: what the referee reads held-out examples as, and what they are, ``(R,)``.
        features, real_features, other_features: of n samples, of the held-out examples ``(R, D)``, and
            of other real examples, as many as samples.
    """
    k = min(5, len(features) - 1, len(real_features) - 1, len(other_features) - 1)
    met = manifold(features, real_features, k=k).met if k > 0 else np.full(len(real_labels), np.nan)
    floor = manifold(other_features, real_features, k=k).met if k > 0 else met
    lines: list[ClassLine] = []
    for index, name in enumerate(names):
        own = (wanted == index) if wanted is not None else np.zeros(len(predicted), bool)
        here = real_labels == index
        lines.append(
            ClassLine(
                name=name,
                share=float((predicted == index).mean()),
                share_real=float((training_labels == index).mean()),
                read=_mean(predicted[own] == index),
                read_real=_mean(real_predicted[here] == index),
                coverage=_mean(met[here]),
                coverage_real=_mean(floor[here]),
                asked=int(own.sum()),
                real=int(here.sum()),
            )
        )
    return tuple(lines)


def lagging(lines: Sequence[ClassLine]) -> str:
    """The class that is furthest behind real examples, in a sentence; or that none is beyond chance."""
    if not lines:
        return ""
    worst = max(lines, key=lambda line: line.behind()[0])
    far, what = worst.behind()
    if not far > _FAR:
        return "no class lags beyond chance"
    if what == "read":
        return (
            f"{worst.name} lags: {worst.read:.0%} of the samples asked for are read as {worst.name}, "
            f"{worst.read_real:.0%} of real ones"
        )
    return (
        f"{worst.name} lags: samples cover {worst.coverage:.0%} of its real examples, other real ones "
        f"{worst.coverage_real:.0%}"
    )


def _mean(values: Array | Indices) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _behind(value: float, n: int, floor: float, m: int) -> float:
    """z of two shares, with Agresti and Caffo's two added successes and failures; −inf where not known."""
    if not (math.isfinite(value) and math.isfinite(floor)):
        return -math.inf
    p, q = (value * n + 1) / (n + 2), (floor * m + 1) / (m + 2)
    return (q - p) / math.sqrt(p * (1 - p) / (n + 2) + q * (1 - q) / (m + 2))
