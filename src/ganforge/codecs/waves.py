"""Waves as they are, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganforge.codecs import plots
from ganforge.core.codec import Codec

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

__all__ = ["Waves"]


class Waves(Codec):
    """Waves ``(C, T)``, float32 from −1 to 1."""

    name = "waves"
    words = "sounds as waves from -1 to 1"
    one = "wave"
    dims = 1
    limits = (-1.0, 1.0)
    augmentations = ("translation", "cutout")

    def describe(self) -> str:
        channels, samples = self.space.shape
        return f"{samples} samples at {self.space.sample_rate} Hz, {channels} channel(s)"

    def units(self) -> str:
        return f"float32, −1 to 1, at {self.space.sample_rate} Hz"

    @property
    def view(self) -> str:
        return "drawn"

    def picture(self, sample: np.ndarray) -> Image:
        """The envelope of its first channel."""
        return plots.wave(sample)

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        return plots.grid([self.picture(sample) for sample in samples])

    def attributes(self) -> tuple[str, ...]:
        return ("loud", "bright")

    def measure(self, x: Tensor) -> list[Tensor]:
        """``loud`` (deviation) and ``bright`` (power of the differences over the power)."""
        power = x.square().flatten(1).mean(1).clamp_min(1e-9)
        return [x.flatten(1).std(1), x.diff(dim=2).square().flatten(1).mean(1) / power]
