"""Pictures of any kind to bytes: modes, ranges, sizes and channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import numpy as np
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.files import UnreadableError
from ganforge.data.ranges import Survey, choose_range, nominal_range

__all__ = [
    "DEEP_MODES",
    "GREY_MODES",
    "Fit",
    "as_bytes",
    "check_size",
    "choose_channels",
    "deep_bytes",
    "fit",
    "fit_array",
    "has_alpha",
    "normalise",
    "survey_of",
    "to_channels",
]

Fit = Literal["crop", "pad"]
"""How a picture of another shape is brought to a size: its edges cut off, or filled up beside it."""

SMALLEST = 8  # pixels; networks halve a picture until 4 pixels are left
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
GREY_MODES = frozenset({"1", "L", "LA", "La"}) | DEEP_MODES
_FOREIGN = 0.1  # share of a picture's pixels outside a range, above which it is of another one
_DIM = 6553  # brightest whole number up to which a picture was hardly written in 16 bits
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
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _with_palette_alpha(image: Image.Image) -> Image.Image:
    """PA to RGBA: colours from the palette, transparency from the second band."""
    alpha = image.getchannel("A")
    colours = image.convert("RGB")
    colours.putalpha(alpha)
    return colours


def fit(image: Image.Image, size: tuple[int, int], how: Fit = "crop") -> Image.Image:
    """Bring a picture to ``size`` (width, height): Lanczos, after a box reduction if far larger.

    ``crop`` covers it and cuts the centre out; ``pad`` keeps the whole and fills up with the middle shade of
    the picture's border, or with nothing where it has transparency.
    """
    if image.size == size:
        return image
    if image.mode == "F":  # Lanczos overshoots, which bytes cannot
        low, high = np.asarray(image).min(), np.asarray(image).max()
        return Image.fromarray(np.clip(np.asarray(_fitted(image, size, how)), low, high))
    return _fitted(image, size, how)


def _fitted(image: Image.Image, size: tuple[int, int], how: Fit) -> Image.Image:
    width, height = image.size
    filters: dict[str, Any] = {"resample": Image.Resampling.LANCZOS, "reducing_gap": 3.0}
    if how == "pad" and width * size[1] != height * size[0]:
        scale = min(size[0] / width, size[1] / height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        whole = Image.new(image.mode, size, _border(image))
        whole.paste(image.resize(inner, **filters), ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
        return whole
    scale = max(size[0] / width, size[1] / height)
    wide, high = size[0] / scale, size[1] / scale  # of the part that is kept
    left, top = (width - wide) / 2, (height - high) / 2
    box = (max(left, 0.0), max(top, 0.0), min(left + wide, width), min(top + high, height))
    return image.resize(size, box=box, **filters)


def _border(image: Image.Image) -> tuple[int, ...] | float:
    """The middle shade of the outermost pixels of L, F, RGB or RGBA: one that is there, not a mean."""
    if image.mode == "RGBA":
        return (255, 255, 255, 0)
    pixels = np.asarray(image)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    middle = np.sort(edge, axis=0)[len(edge) // 2]
    if pixels.ndim == 3:
        return tuple(int(shade) for shade in middle)
    return float(middle) if image.mode == "F" else int(middle)


def fit_array(pictures: np.ndarray, size: tuple[int, int], how: Fit = "crop") -> np.ndarray:
    """``(N, C, H, W)`` uint8 to another ``size`` (width, height), as :func:`fit` does."""
    n, channels = pictures.shape[:2]
    if pictures.shape[2:] == (size[1], size[0]):
        return pictures
    out = np.empty((n, channels, size[1], size[0]), np.uint8)
    for i, picture in enumerate(pictures):
        if channels == 4:  # resized together: Pillow weighs colours by alpha
            image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
            out[i] = np.asarray(fit(image, size, how)).transpose(2, 0, 1)
        else:
            for c in range(channels):
                out[i, c] = np.asarray(fit(Image.fromarray(np.ascontiguousarray(picture[c])), size, how))
    return out


def as_bytes(image: Image.Image, value_range: ValueRange | None, *, of_set: bool = True) -> Image.Image:
    """A picture from :func:`normalise` as bytes: L, RGB or RGBA.

    A deep picture without a range is read by what its numbers were most likely written in.

    Args:
        value_range: its set's, or that of the run that it is shown to.
        of_set: whether it is one of the set; else it can also be a sample that such a run wrote.

    Raises:
        UnreadableError: it has pixels that are not finite, or, being none of the set, many outside the range.
    """
    if image.mode == "F":
        return Image.fromarray(deep_bytes(np.asarray(image)[None], value_range, of_set=of_set)[0])
    if value_range is None or value_range.deep:
        return image
    pixels = np.array(image)
    colours = pixels[..., :3] if image.mode == "RGBA" else pixels
    colours[...] = value_range.to_bytes(colours) if of_set else value_range.of_bytes(colours)
    return Image.fromarray(pixels)


def deep_bytes(pixels: np.ndarray, value_range: ValueRange | None, *, of_set: bool = True) -> np.ndarray:
    """The numbers of a deep picture, ``(1 | 3 | 4, H, W)`` float32, as uint8; a fourth channel is 0 … 255.

    Args and errors are those of :func:`as_bytes`.
    """
    colours = pixels[:3]
    if not np.isfinite(colours).all():
        raise UnreadableError("it has pixels that are not numbers")
    found = value_range or _own_range(colours)
    outside = ((colours < found.low) | (colours > found.high)).mean()
    if not of_set and outside > _FOREIGN:
        raise UnreadableError(
            f"of another range of values: {colours.min():g} … {colours.max():g}, where {found.words()} is"
            " known; rescale it"
        )
    return _deep_chunk(pixels[None], found)[0]


def _deep_chunk(pixels: np.ndarray, value_range: ValueRange) -> np.ndarray:
    """``(N, C, H, W)`` float32 to uint8: colours by the range; transparency is 0 … 255 already."""
    colours = value_range.to_bytes(pixels[:, :3])
    if pixels.shape[1] < 4:
        return colours
    return np.concatenate([colours, np.clip(np.rint(pixels[:, 3:]), 0, 255).astype(np.uint8)], axis=1)


def _own_range(pixels: np.ndarray) -> ValueRange:
    low, high = float(pixels.min()), float(pixels.max())
    whole = bool((pixels == np.rint(pixels)).all())
    if whole and low >= 0 and high > _DIM:
        return ValueRange(0.0, 65535.0)
    low, high = nominal_range(low, high, whole=whole)
    return ValueRange(low, high if low < high else low + 1)


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


def survey_of(values: np.ndarray) -> Survey:
    """The extent of pictures ``(N, C, H, W)``, without their transparency."""
    colours = 3 if values.shape[1] == 4 else values.shape[1]
    survey = Survey(len(values), values[:, :colours].size)
    for chunk in _chunks(values):
        survey.add(chunk[:, :colours])
    return survey


def choose_channels(
    values: np.ndarray, wish: int | None, *, whole: bool, value_range: ValueRange | None = None
) -> tuple[Callable[[np.ndarray], np.ndarray], int, ValueRange | None, list[str], list[str]]:
    """How to finish working pixels ``(N, W, H, W)``, in how many channels, with notes and warnings.

    Float32 ones are brought to bytes by ``value_range``, or by one that fits them all: it comes third.
    """
    chosen = None
    if values.dtype != np.uint8:
        chosen = choose_range(survey_of(values), whole=whole, deep=True, wish=value_range)
    seen = value_range if chosen is None else chosen.value_range
    grey, clear, unseen, flat = _look(values, ValueRange(0, 255) if seen is None else seen)
    n = len(values)
    notes: list[str] = [] if chosen is None else [*chosen.notes]
    warn: list[str] = [] if chosen is None else [*chosen.warnings]
    if unseen:
        warn.append(
            f"{unseen} of {n} pictures are transparent everywhere: nothing can be seen of their colours; save"
            " them without transparency, or move them away"
        )
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
        warn.append(f"{grey} of {n} pictures are grey, the others in colour: samples will be in colour")
    if 0.05 * n <= flat < n:
        words = "0 … 255" if seen is None else seen.words()
        warn.append(
            f"{flat} of {n} pictures use less than a tenth of {words}, as masks of 0 and 1 among others of 0"
            " and 255 do: they are nearly of one shade; rescale them, or move them away if they show nothing"
        )
    if chosen is not None:
        assert chosen.value_range is not None
        finish = partial(_deep, chosen.value_range, channels)
        return finish, channels, chosen.value_range, notes, warn
    if value_range is None:
        warn += choose_range(survey_of(values), whole=True, deep=False).warnings
    return partial(to_channels, channels=channels), channels, value_range, notes, warn


def _deep(value_range: ValueRange, channels: int, chunk: np.ndarray) -> np.ndarray:
    return to_channels(_deep_chunk(chunk, value_range), channels)


def _look(values: np.ndarray, value_range: ValueRange) -> tuple[int, int, int, int]:
    """How many of ``(N, C, H, W)`` are grey, transparent somewhere, or everywhere, or nearly of one shade."""
    grey = clear = unseen = flat = 0
    least = 0.1 * (value_range.high - value_range.low)
    for chunk in _chunks(values):
        axes = (1, 2, 3)
        if chunk.shape[1] == 4:
            see_through = (chunk[:, 3:] < 250).any(axis=axes)
            clear += int(see_through.sum())
            unseen += int((chunk[:, 3:] == 0).all(axis=axes).sum())
            colours = np.where(chunk[:, 3:] == 0, chunk.dtype.type(255), chunk[:, :3])
        else:
            colours = chunk
        grey += int((colours == colours[:, :1]).all(axis=axes).sum())
        extent = colours.max(axis=axes).astype(np.float32) - colours.min(axis=axes)
        flat += int((extent < least).sum())
    return grey, clear, unseen, flat


def _chunks(values: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, (16 << 20) // max(1, values[0].nbytes))
    for start in range(0, len(values), step):
        yield np.asarray(values[start : start + step])
