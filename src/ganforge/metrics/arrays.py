"""The door of this room: examples of any shape become finite float64 rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganforge.core.draw import key as mixed
from ganforge.core.errors import DataError

__all__ = ["Array", "Examples", "Indices", "numpy_of", "random", "rows"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Examples = Tensor | NDArray[Any]


def numpy_of(x: Examples) -> NDArray[Any]:
    """The same numbers on the CPU, any dtype numpy knows; bfloat16 becomes float32."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        x = x.float() if x.dtype.is_floating_point and x.dtype.itemsize == 2 else x
        return x.numpy()
    return np.asarray(x)


def rows(x: Examples, name: str = "examples") -> Array:
    """Examples ``(N, ...)`` as float64 rows ``(N, D)``; ``(N,)`` becomes ``(N, 1)``.

    Raises:
        DataError: there are none, or some number is not finite.
    """
    array = numpy_of(x)
    if array.ndim == 0 or array.size == 0:
        raise DataError(f"{name} are empty: give at least one example")
    array = np.ascontiguousarray(array.reshape(len(array), -1), dtype=np.float64)
    if not np.isfinite(array).all():
        raise DataError(f"{name} hold numbers that are not finite: leave those rows out, or repair them")
    return array


def random(*key: int) -> np.random.Generator:
    """A stream of chance of its own for ``key``: the same key, the same numbers, on any machine."""
    return np.random.Generator(np.random.Philox(key=mixed(*key)))
