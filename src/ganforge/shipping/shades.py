"""A posted picture in the range of values that a model's data had."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ganforge.core.value_range import ValueRange
from ganforge.shipping.limits import Refused

__all__ = ["in_bytes"]

_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_FOREIGN = 0.1  # share of the pixels outside the range, above which a picture is of another one


def in_bytes(image: Image.Image, value_range: ValueRange | None) -> Image.Image:
    """A decoded picture of any mode to one of bytes. Raises Refused (422) where the range does not fit it."""
    if image.mode in _DEEP:
        if value_range is None or not value_range.deep:
            raise Refused(422, "the picture has more than 8 bits a channel; send one of 8")
        pixels = np.asarray(image)
        if not ((pixels >= value_range.low) & (pixels <= value_range.high)).mean() >= 1 - _FOREIGN:
            raise Refused(422, f"the picture is of another range of values than {value_range.words()}")
        return Image.fromarray(value_range.to_bytes(pixels))
    if value_range is None or value_range.deep:
        return image
    plain = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGBA")
    pixels = np.array(plain)
    colours = pixels[..., :3] if plain.mode == "RGBA" else pixels
    colours[...] = value_range.of_bytes(colours)
    return Image.fromarray(pixels)
