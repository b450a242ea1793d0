"""Pictures in bytes, grey or in colour, with or without transparency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ganforge.codecs import plots
from ganforge.core.codec import PNG, Codec
from ganforge.data.pictures import SUFFIXES, read_pictures

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.data.files import Listing
    from ganforge.data.raw import Raw

__all__ = ["Levels", "Pictures"]

_COLOURS = ("red", "green", "blue")


class Levels(Codec):
    """Numbers in 256 levels, uint8: 0 is −1 and 255 is 1 in model units."""

    limits = (0.0, 255.0)
    empty = -1.0
    augmentations = ("translation", "cutout", "color")

    @property
    def dtype(self) -> Literal["uint8"]:
        return "uint8"

    def units(self) -> str:
        known = self.space.value_range
        return "uint8, 0 to 255" + (f", which stand for {known.words()} in the data's files" if known else "")

    def encode(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        return x.float() if x.dtype.is_floating_point else x.float().div_(127.5).sub_(1.0)

    def open(self, x: Tensor) -> Tensor:
        return (x.float() + 1.0) * 127.5

    def close(self, x: Tensor) -> Tensor:
        return x.round().clamp_(0, 255).byte()

    def unit(self, like: Tensor) -> float:
        return 127.5

    @property
    def step(self) -> float:
        """8 of 255 levels."""
        return 8.0

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        return plots.grid([self.picture(sample) for sample in samples])


class Pictures(Levels):
    """``(C, H, W)``: grey, grey and transparency, RGB, RGBA, or any other number of channels."""

    name = "pictures"
    words = "pictures in bytes, grey or in colour"
    one = "picture"
    counted = "images"
    dims = 2
    picture_files = True
    suffixes = tuple(sorted(SUFFIXES))
    mirrors = True
    recipe = "growing"

    @property
    def suffix(self) -> str:
        return ".png" if self.space.channels <= 4 else ".npy"

    @property
    def media(self) -> str:
        return PNG if self.space.channels <= 4 else "application/octet-stream"

    def describe(self) -> str:
        height, width = self.space.spatial
        channels = {1: "grey", 2: "grey + alpha", 3: "RGB", 4: "RGBA"}
        return f"{width}×{height} {channels.get(self.space.channels, f'{self.space.channels} channels')}"

    @classmethod
    def read_files(cls, path: Path, listing: Listing, **wishes: Any) -> Raw:
        del listing  # it lists them itself, for what it says where there are none
        return read_pictures(path, **wishes)

    def reread(self) -> dict[str, Any]:
        height, width = self.space.spatial
        channels = self.space.channels
        return {"size": (width, height), "channels": channels if channels in (1, 3, 4) else None}

    @property
    def colours(self) -> int:
        """Two or four channels are a grey or a colour with transparency."""
        return self.space.channels - (self.space.channels in (2, 4))

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        return plots.png(self.picture(sample)) if self.space.channels <= 4 else super().file(sample)

    def picture(self, sample: np.ndarray) -> Image:
        return plots.flat(sample)

    @property
    def view(self) -> str:
        return "pictures" if self.space.channels <= 4 else "numbers"

    def attributes(self) -> tuple[str, ...]:
        plain = ("light", "contrast", "slant", "wide", "tall", "left", "top")
        return plain + (_COLOURS if self.space.channels >= 3 else ())

    def measure(self, x: Tensor) -> list[Tensor]:
        """``light`` (mean), ``contrast`` (deviation), ``slant`` (how far the bright parts lean to the right,
        going up), ``wide`` and ``tall`` (their spread in pixels), ``left`` and ``top`` (where their middle
        lies); with colour also ``red``, ``green`` and ``blue`` (above the mean of the three)."""
        flat = x.flatten(1)
        values = [flat.mean(1), flat.std(1), *_moments(x)]
        if self.space.channels >= 3:
            colours = x[:, :3].flatten(2).mean(2)  # (N, 3)
            values += list((colours - colours.mean(1, keepdim=True)).unbind(1))
        return values


def _moments(x: Tensor) -> list[Tensor]:
    """Slant, width, height, and how far left and up the bright parts of pictures ``(N, C, H, W)`` are."""
    ink = x.mean(1)  # (N, H, W)
    ink = ink - ink.amin((1, 2), keepdim=True)
    total = ink.sum((1, 2)).clamp_min(1e-6)
    import torch

    rows = torch.arange(ink.shape[1]).float().reshape(1, -1, 1)
    columns = torch.arange(ink.shape[2]).float().reshape(1, 1, -1)
    row, column = (ink * rows).sum((1, 2)) / total, (ink * columns).sum((1, 2)) / total
    down, across = rows - row.reshape(-1, 1, 1), columns - column.reshape(-1, 1, 1)
    tall = (ink * down.square()).sum((1, 2)) / total
    wide = (ink * across.square()).sum((1, 2)) / total
    lean = -(ink * down * across).sum((1, 2)) / total / tall.clamp_min(1e-6)
    return [lean, wide.sqrt(), tall.sqrt(), -column, -row]
