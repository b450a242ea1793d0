"""Points: a few numbers each, which are looked at many together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ganforge.codecs import plots
from ganforge.core.codec import Codec

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.core.space import Space

__all__ = ["Points"]


class Points(Codec):
    """Rows of numbers in the data's own coordinates, ``(D,)``; a network sees them without mean and scale."""

    name = "points"
    words = "rows of a few numbers, with mean and deviation taken out"
    one = "point"
    small = True
    pictured = False
    keeps_alike = False  # whole numbers and categories repeat by right
    # The kernel is a polynomial of degree 3: of a few coordinates it sees three moments, and no modes.
    headline = "sliced_wasserstein"
    extractor = "standardised"
    recipe = "points"

    @property
    def dtype(self) -> Literal["float32", "float64"]:
        return "float64" if self.space.is_fine else "float32"

    def describe(self) -> str:
        return f"{self.space.channels}-D points"

    def units(self) -> str:
        return f"{self.dtype}, in the data's own coordinates"

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        from ganforge.data.precision import offset_and_scale  # what is shipped needs no reader

        if not standardise:
            return self.space
        mean, deviation = offset_and_scale(train)
        return replace(
            self.space, offset=tuple(map(float, mean)), scale=tuple(float(number) for number in deviation)
        )

    def encode(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """Of float64 the offset is taken out before anything is rounded."""
        import torch

        if not self.space.scale:
            return x.float()
        if x.dtype != torch.float64:
            x = x.float()
        return ((x - x.new_tensor(self.space.offset)) / x.new_tensor(self.space.scale)).float()

    def open(self, x: Tensor) -> Tensor:
        x = x.float()
        if not self.space.scale:
            return x
        if self.space.is_fine:  # not every device has float64
            x = x.cpu().double()
        return x * x.new_tensor(self.space.scale) + x.new_tensor(self.space.offset)

    def unit(self, like: Tensor) -> Tensor | float:
        return like.new_tensor(self.space.scale) if self.space.scale else 1.0

    @property
    def step(self) -> float:
        """A fiftieth of the deviation."""
        return 0.02 * float(np.mean(self.space.scale or (1.0,)))

    def picture(self, sample: np.ndarray) -> Image:
        """Its numbers, since a point alone is no picture."""
        return plots.words(", ".join(f"{value:.3g}" for value in sample.tolist()[:6]))

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        """Drawn over ``real`` ones: as histograms in 1-D, as a scatter plot in 2-D, and of their first two
        coordinates in more."""
        real = samples[:0] if real is None else real
        return plots.histogram(samples, real) if self.space.channels == 1 else plots.scatter(samples, real)

    def displacements(self, before: Tensor, after: Tensor) -> Image:
        """Each pair joined by a line, grey before, orange after: the first two coordinates, or one and its
        change."""
        import torch

        if self.space.channels == 1:
            before, after = (
                torch.cat([x, level], 1) for x, level in ((before, after * 0), (after, after - before))
            )
        return plots.displacements(before[:, :2].numpy(), after[:, :2].numpy())

    @property
    def view(self) -> str:
        return {1: "line", 2: "plane"}.get(self.space.channels, "numbers")

    def attributes(self) -> tuple[str, ...]:
        return self.space.columns or tuple(f"x{i}" for i in range(self.space.channels))

    def measure(self, x: Tensor) -> list[Tensor]:
        """Each coordinate."""
        return list(x.unbind(1))
