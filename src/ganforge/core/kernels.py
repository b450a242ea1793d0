"""How alike each of some rows is to each other one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["centred_kernel"]


def centred_kernel(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Gaussian kernel of rows ``(N, D)``, as wide as their median distance, with rows and columns of mean
    0, ``(N, N)``."""
    away = ((values[:, None] - values[None]) ** 2).sum(axis=2)
    kernel = np.exp(-away / max(float(np.median(away)), 1e-9))
    kernel -= kernel.mean(axis=0)
    kernel -= kernel.mean(axis=1, keepdims=True)
    return kernel
