"""Voxels as they look from above at a corner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganforge.data.voxels import solid

__all__ = ["shaded"]

_CLAY = np.array((214, 160, 110), np.float64)
_PAPER = (255, 255, 255)
_SIDE = 128  # pixels, about
# A face's direction (down, right, depth), how bright it is, and its corners in the same axes.
_FACES = (
    ((-1, 0, 0), 1.0, ((0, 0, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1))),  # the upper one
    ((0, 0, -1), 0.8, ((0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 0))),  # towards the viewer's left
    ((0, 1, 0), 0.6, ((0, 1, 0), (0, 1, 1), (1, 1, 1), (1, 1, 0))),  # towards the right
)


def shaded(sample: NDArray[np.uint8]) -> Image.Image:
    """``(C, D, H, W)`` drawn face by face from behind to the front; empty where nothing is half full."""
    full = np.moveaxis(solid(sample), 0, 2) > 127  # (down, right, depth)
    colours = np.moveaxis(sample[:3], 1, 3) if len(sample) >= 3 else None
    high, wide, deep = full.shape
    cell = max(1, _SIDE // (high + (wide + deep) // 2))
    size = (cell * (wide + deep), cell * high + cell * (wide + deep) // 2 + 1)
    image = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(image)
    padded = np.pad(full, 1)
    places = np.argwhere(full)
    # Far ones first: deep, left, low.
    for down, right, depth in places[np.lexsort((-places[:, 0], places[:, 1] - places[:, 2]))]:
        own = _CLAY if colours is None else colours[:, down, right, depth]
        for step, light, corners in _FACES:
            if padded[down + 1 + step[0], right + 1 + step[1], depth + 1 + step[2]]:
                continue
            outline = [
                (
                    cell * (right + b + depth + c),
                    cell * (down + a) + cell * (right + b + deep - depth - c) // 2,
                )
                for a, b, c in corners
            ]
            draw.polygon(outline, fill=tuple(int(light * band) for band in own))
    return image
