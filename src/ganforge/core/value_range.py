"""The numbers of a person's files that become 0 and 255: one range for a whole set, kept with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganforge.core.errors import DataError
from ganforge.core.fields import flag, mapping, only, real

__all__ = ["ValueRange"]


@dataclass(frozen=True)
class ValueRange:
    """What pictures and shapes are read by where their files are not plain bytes.

    Attributes:
        low, high: the numbers that become 0 and 255; what lies outside is cut off.
        deep: whether they are numbers of more than 8 bits. Files of bytes among those stay as they are.
            Else they are bytes themselves, as of masks whose pixels are 0 and 1. None where a person asks
            for them, before the files are seen.

    Raises:
        DataError: they are not finite, or not in order.
    """

    low: float
    high: float
    deep: bool | None = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise DataError(
                f"the range {self.words()} is none: it needs two numbers, the lower one first, as in 0,4095"
            )

    def words(self) -> str:
        """For a person: ``0 … 4095``."""
        return f"{self.low:.10g} … {self.high:.10g}"

    @property
    def option(self) -> str:
        """As the command line takes it."""
        return f"--range={self.low:.10g},{self.high:.10g}"

    def of(self, *, deep: bool) -> ValueRange | None:
        """What such files are read by: None for bytes, where deep ones are meant."""
        if self.deep and not deep:
            return None
        return self if self.deep is not None else ValueRange(self.low, self.high, deep)

    def to_bytes(self, values: np.ndarray) -> np.ndarray:
        """Numbers of a file to uint8 0…255 of the same shape, rounded and cut off."""
        far = max(abs(self.low), abs(self.high)) > 256 * (self.high - self.low)
        real = np.float64 if far or values.dtype.itemsize > 4 else np.float32
        scaled = (values.astype(real) - real(self.low)) * real(255.0 / (self.high - self.low))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)

    def of_bytes(self, pixels: np.ndarray) -> np.ndarray:
        """Bytes of an ordinary file, uint8, to the same. Of a range of bytes, pixels that exceed it are
        pictures in declared units already, such as samples that a run wrote."""
        if self.deep or pixels.size == 0 or pixels.max() > self.high:
            return pixels
        return self.to_bytes(pixels)

    def to_json(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "deep": self.deep}

    @classmethod
    def from_json(cls, fields: Any, where: str = "value_range") -> ValueRange:
        """The inverse of :meth:`to_json`. Raises ValueError, TypeError or KeyError for anything else."""
        fields = mapping(fields, where)
        only(fields, ("low", "high", "deep"), where)
        low, high = (real(fields[name], f"{where}.{name}") for name in ("low", "high"))
        return cls(low, high, None if fields["deep"] is None else flag(fields["deep"], f"{where}.deep"))
