"""Pictures of any kind to bytes: modes, ranges, sizes and channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image

from ganforge.core.errors import DataError

__all__ = [
    "DEEP_MODES",
    "GREY_MODES",
    "check_size",
    "choose_channels",
    "fit",
    "fit_array",
    "has_alpha",
    "normalise",
    "to_bytes",
    "to_channels",
    "value_range",
]

SMALLEST = 8  # pixels; networks halve a picture until 4 pixels are left
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
GREY_MODES = frozenset({"1", "L", "LA", "La"}) | DEEP_MODES
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


def check_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """A wish for a size as ``(width, height)``; one number is a square. DataError below 8 pixels."""
    if size is None:
        return None
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < SMALLEST:
        wish = f"{width}" if width == height else f"{width}×{height}"
        raise DataError(f"size {wish} is too small: pictures need at least {SMALLEST} pixels a side")
    if max(width, height) > 4096:
        raise DataError(f"size {max(width, height)} is too large: at most 4096 pixels a side")
    return width, height


def has_alpha(image: Image.Image) -> bool:
    """Whether the picture can be transparent anywhere."""
    return image.mode in _ALPHA_MODES or "transparency" in image.info


def normalise(image: Image.Image) -> Image.Image:
    """Any Pillow mode to one of L, RGB, RGBA, or F for more than 8 bits a pixel."""
    if image.mode in DEEP_MODES:
        # 16-bit modes reach F by way of I, whatever their byte order.
        return image if image.mode == "F" else image.convert("I").convert("F")
    if has_alpha(image):
        if image.mode == "La":
            image = image.convert("LA")
        elif image.mode == "PA":
            image = _with_palette_alpha(image)
        return image.convert("RGBA")
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image.convert("RGB")


def _with_palette_alpha(image: Image.Image) -> Image.Image:
    """PA to RGBA: colours from the palette, transparency from the second band."""
    alpha = image.getchannel("A")
    colours = image.convert("RGB")
    colours.putalpha(alpha)
    return colours


def fit(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Cover ``size`` (width, height) and cut its centre out: Lanczos, after a box reduction if far larger."""
    if image.size == size:
        return image
    width, height = image.size
    scale = max(size[0] / width, size[1] / height)
    wide, high = size[0] / scale, size[1] / scale  # of the part that is kept
    left, top = (width - wide) / 2, (height - high) / 2
    box = (max(left, 0.0), max(top, 0.0), min(left + wide, width), min(top + high, height))
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def fit_array(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``(N, C, H, W)`` uint8 to another ``size`` (width, height), as :func:`fit` does."""
    n, channels = pictures.shape[:2]
    if pictures.shape[2:] == (size[1], size[0]):
        return pictures
    out = np.empty((n, channels, size[1], size[0]), np.uint8)
    for i, picture in enumerate(pictures):
        if channels == 4:  # resized together: Pillow weighs colours by alpha
            image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
            out[i] = np.asarray(fit(image, size)).transpose(2, 0, 1)
        else:
            for c in range(channels):
                out[i, c] = np.asarray(fit(Image.fromarray(np.ascontiguousarray(picture[c])), size))
    return out


def value_range(low: float, high: float, *, integer: bool) -> tuple[float, float]:
    """The range that numbers between ``low`` and ``high`` were most likely written in.

    Whole numbers: 0 to the next 2^k − 1, or to ``high`` itself where there are fewer than 64 levels.
    Fractions: 0…1, −1…1 or 0…255 where they fit, else from ``low`` to ``high``.
    """
    if integer:
        top = high if high < 64 else float(2 ** int(high).bit_length() - 1)
        return min(low, 0.0), top
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if low >= -1 and high <= 1:
        return -1.0, 1.0
    if low >= 0 and 127 < high <= 255:
        return 0.0, 255.0
    return low, high


def to_bytes(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """``low … high`` to 0 … 255, rounded, uint8."""
    scale = 255.0 / (high - low) if high > low else 0.0
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(scale)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def to_channels(pictures: np.ndarray, channels: int) -> np.ndarray:
    """``(N, 1 | 3 | 4, H, W)`` uint8 to ``channels`` (1, 3 or 4).

    Alpha is composited over white where it goes. Where it stays, colours that cannot be seen become
    white, since a network would otherwise learn them.
    """
    have = pictures.shape[1]
    if have == channels and channels != 4:
        return pictures
    if channels == 4:
        alpha = pictures[:, 3:] if have == 4 else np.full_like(pictures[:, :1], 255)
        colours = _repeat(pictures[:, :3])
        return np.concatenate([np.where(alpha == 0, np.uint8(255), colours), alpha], axis=1)
    if have == 4:
        alpha = pictures[:, 3:].astype(np.uint16)
        # 255 at least: the products of two bytes fit in 16 bits.
        over = pictures[:, :3].astype(np.uint16) * alpha + 255 * (255 - alpha)
        pictures = ((over.astype(np.uint32) + 127) // 255).astype(np.uint8)
    if channels == 3:
        return _repeat(pictures)
    if pictures.shape[1] == 1:
        return pictures
    if (pictures[:, :1] == pictures).all():
        return pictures[:, :1]
    # ITU-R BT.601 luma in 16-bit fixed point, as Pillow's own "L".
    red, green, blue = (pictures[:, i : i + 1].astype(np.uint32) for i in range(3))
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)


def _repeat(pictures: np.ndarray) -> np.ndarray:
    """Grey to three equal channels; three stay."""
    return np.repeat(pictures, 3, axis=1) if pictures.shape[1] == 1 else pictures


def choose_channels(
    values: np.ndarray, wish: int | None, *, whole: bool
) -> tuple[Callable[[np.ndarray], np.ndarray], int, list[str], list[str]]:
    """How to finish working pixels ``(N, W, H, W)``, in how many channels, with notes and warnings."""
    if values.dtype != np.uint8:
        low = min(float(chunk.min()) for chunk in _chunks(values))
        high = max(float(chunk.max()) for chunk in _chunks(values))
        low, high = value_range(low, high, integer=whole)
        note = f"more than 8 bits a pixel: {low:g} … {high:g} becomes 0 … 255"
        return partial(_deep, low, high, wish or 1), wish or 1, [note], []
    grey, clear = _look(values)
    n = len(values)
    notes: list[str] = []
    warn: list[str] = []
    channels = wish
    if channels is None:
        channels = 4 if 2 * clear >= n else 1 if grey == n else 3
        if clear and channels != 4:
            notes.append(f"{clear} of {n} are transparent somewhere: shown over white")
        elif clear:
            notes.append(f"RGBA, since {clear} of {n} are transparent somewhere")
        if channels == 1 and values.shape[1] > 1:
            notes.append("stored in colour, but all are grey: one channel")
    elif clear and channels != 4:
        notes.append(f"{clear} of {n} are transparent somewhere: shown over white")
    if channels >= 3 and n > grey >= 0.5 * n:
        warn.append(f"{grey} of {n} pictures are grey though stored with colours; 1 channel may do")
    return partial(to_channels, channels=channels), channels, notes, warn


def _deep(low: float, high: float, channels: int, chunk: np.ndarray) -> np.ndarray:
    return to_channels(to_bytes(chunk, low, high), channels)


def _look(values: np.ndarray) -> tuple[int, int]:
    """How many of ``(N, C, H, W)`` are grey, and how many are transparent somewhere."""
    grey = clear = 0
    for chunk in _chunks(values):
        axes = (1, 2, 3)
        if chunk.shape[1] == 4:
            see_through = (chunk[:, 3:] < 250).any(axis=axes)
            clear += int(see_through.sum())
            colours = np.where(chunk[:, 3:] == 0, np.uint8(255), chunk[:, :3])
        else:
            colours = chunk
        grey += int((colours == colours[:, :1]).all(axis=axes).sum())
    return grey, clear


def _chunks(values: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, (16 << 20) // max(1, values[0].nbytes))
    for start in range(0, len(values), step):
        yield np.asarray(values[start : start + step])
