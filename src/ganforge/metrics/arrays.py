"""What every score reads: examples of any shape become finite float64 rows, or pictures small enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ganforge.core.errors import DataError
from ganforge.core.rng import key as mixed

__all__ = [
    "Array",
    "Examples",
    "Indices",
    "numpy_of",
    "random",
    "rows",
    "shrunk",
    "tensor_of",
    "thumbnails",
    "unit",
]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Examples = Tensor | NDArray[Any]

_POOLS: dict[int, Callable[[Tensor, Any], Tensor]] = {
    3: F.adaptive_avg_pool1d,
    4: F.adaptive_avg_pool2d,
    5: F.adaptive_avg_pool3d,
}


def numpy_of(x: Examples) -> NDArray[Any]:
    """The same numbers on the CPU, any dtype numpy knows; bfloat16 becomes float32."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        x = x.float() if x.dtype.is_floating_point and x.dtype.itemsize == 2 else x
        return x.numpy()
    return np.asarray(x)


def tensor_of(x: Examples) -> Tensor:
    """The same numbers as a tensor on the CPU; what is read-only or runs backwards is copied."""
    if isinstance(x, Tensor):
        return x.detach().cpu()
    array = np.ascontiguousarray(x)
    # An axis of one example may keep a negative stride and count as contiguous all the same.
    usable = array.flags.writeable and min(array.strides, default=0) >= 0
    return torch.from_numpy(array if usable else array.copy())


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


def unit(x: Tensor) -> Tensor:
    """Bytes 0…255 as float32 −1…1; other numbers as float."""
    return (
        x.float() / 127.5 - 1.0
        if x.dtype == torch.uint8
        else x.to(torch.promote_types(x.dtype, torch.float32))
    )


def shrunk(x: Tensor, side: int) -> Tensor:
    """Examples ``(N, C, *spatial)`` averaged down until no side is above ``side``; smaller ones as they are.

    Sound keeps ``side²`` samples. What is shrunk becomes float32, in units of −1…1 for bytes.
    """
    limit = side * side if x.ndim == 3 else side
    if x.ndim < 3 or max(x.shape[2:]) <= limit:
        return x
    pool = _POOLS[x.ndim]
    sides = tuple(min(size, limit) for size in x.shape[2:])
    return torch.cat([pool(unit(part), sides) for part in x.split(512)])


def thumbnails(x: Examples, training: Examples, *, side: int = 32) -> NDArray[np.floating]:
    """The numbers themselves as rows ``(N, D)``, for nearest neighbours.

    Pictures, sound and shapes have at most ``side`` numbers a side, float32; points are divided by the
    deviation of each coordinate of ``training``, for its columns may have any units. They are float64, so
    that what differs by its last bit does not become a copy.
    """
    if len(x.shape) > 2:
        parts = [tensor_of(x[start : start + 4096]) for start in range(0, len(x), 4096)]
        return torch.cat([unit(shrunk(part, side)).flatten(1).float() for part in parts]).numpy()
    scale = numpy_of(training).std(axis=0, dtype=np.float64)
    return numpy_of(x).astype(np.float64) / np.where(scale > 0, scale, 1.0)
