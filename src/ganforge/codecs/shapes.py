"""Shapes of voxels in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganforge.codecs import plots
from ganforge.codecs.pictures import Levels

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

__all__ = ["Shapes"]


class Shapes(Levels):
    """``(C, D, H, W)``, 0 where a voxel is empty."""

    name = "shapes"
    words = "shapes of voxels in bytes"
    one = "shape"
    dims = 3

    def describe(self) -> str:
        sides = "×".join(str(side) for side in reversed(self.space.spatial))
        return f"{sides} voxels, {self.space.channels} channel(s)"

    def picture(self, sample: np.ndarray) -> Image:
        """Its shadow from the front, seen along the depth."""
        return plots.flat(sample.max(axis=1))

    def attributes(self) -> tuple[str, ...]:
        return ("full",)

    def measure(self, x: Tensor) -> list[Tensor]:
        """``full``: the mean."""
        return [x.flatten(1).mean(1)]
