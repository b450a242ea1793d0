"""What scores need to know of series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["SeriesFacts"]


@dataclass(frozen=True, eq=False)
class SeriesFacts:
    """What is known of the columns of series.

    Attributes:
        features: names of what changes within series.
        numbers: whether each of them is a number.
        attributes: names of what stays the same through each.
        classes: places among the attributes that are a few words.
        values: codes ``(N, K, T)`` to features ``(N, F, T)``, NaN where nothing is.
        lasting: codes to attributes ``(N, A)``.
        say: an attribute's place and a code to the cell that it stands for.
    """

    features: tuple[str, ...]
    numbers: tuple[bool, ...]
    attributes: tuple[str, ...]
    classes: tuple[int, ...]
    values: Callable[[np.ndarray], np.ndarray]
    lasting: Callable[[np.ndarray], np.ndarray]
    say: Callable[[int, float], str]
