"""Drawing for kinds of data: grids of pictures, scatter plots, histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from ganforge.core.errors import UsageError

__all__ = ["cell_of", "displacements", "flat", "grid", "heat", "histogram", "png", "scatter", "words"]

_REAL = (150, 156, 166)
_FAKE = (214, 86, 24)
_INK = (60, 64, 72)


def flat(sample: np.ndarray) -> Image.Image:
    """One picture ``(C, H, W)`` uint8: grey, grey and transparency, RGB or RGBA; of more channels the first
    four."""
    channels = sample.shape[0]
    if channels == 1:
        return Image.fromarray(np.ascontiguousarray(sample[0]))
    if channels == 2:  # grey + alpha
        return Image.fromarray(np.concatenate([sample[:1]] * 3 + [sample[1:]]).transpose(1, 2, 0))
    return Image.fromarray(np.ascontiguousarray(sample[:4].transpose(1, 2, 0)))


def grid(pictures: Sequence[Image.Image], *, columns: int | None = None) -> Image.Image:
    """Equal pictures side by side, row by row; small ones are enlarged by whole pixels."""
    if not pictures:
        raise UsageError("a grid needs at least one picture")
    width, height = pictures[0].size
    columns = columns or min(len(pictures), max(1, round(math.sqrt(len(pictures) * height / width))))
    rows = math.ceil(len(pictures) / columns)
    factor, cell = _enlarged(width, height), cell_of(width, height)
    gap = cell[0] - width * factor
    mode = "RGBA" if pictures[0].mode == "RGBA" else "RGB"
    paper = (255, 255, 255, 0) if mode == "RGBA" else (255, 255, 255)
    sheet = Image.new(mode, (columns * cell[0] - gap, rows * cell[1] - gap), paper)
    for i, one in enumerate(pictures):
        big = one.convert(mode).resize((width * factor, height * factor), Image.Resampling.NEAREST)
        sheet.paste(big, ((i % columns) * cell[0], (i // columns) * cell[1]))
    return sheet


def cell_of(width: int, height: int) -> tuple[int, int]:
    """The place in a :func:`grid`, width and height, of pictures of this size, with the gap after it."""
    factor = _enlarged(width, height)
    gap = 1 if max(width, height) * factor < 48 else 2
    return width * factor + gap, height * factor + gap


def _enlarged(width: int, height: int) -> int:
    """How many times as large small pictures are shown."""
    return max(1, min(4, 96 // max(width, height)))


def png(image: Image.Image, *, quick: bool = False) -> bytes:
    """A PNG file; a ``quick`` one has the same pixels, costs a third of the time and is a little larger."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1 if quick else 6)
    return buffer.getvalue()


_SIDE = 480
_MARGIN = 28


def _frame(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), "white")
    return image, ImageDraw.Draw(image, "RGBA")


def _range(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """From the reals where there are some, so that the axes stand still through a film."""
    values = real if real.size else fake[np.isfinite(fake)]
    low, high = (float(values.min()), float(values.max())) if values.size else (-1.0, 1.0)
    pad = 0.15 * max(high - low, 1e-6)
    return low - pad, high + pad


def scatter(fake: np.ndarray, real: np.ndarray) -> Image.Image:
    """Real points in grey, generated ones in orange, ``(N, ≥2)`` each."""
    image, draw = _frame(_SIDE, _SIDE)
    ranges = [_range(real[:, axis], fake[:, axis]) for axis in (0, 1)]
    inner = _SIDE - 2 * _MARGIN

    def place(points: np.ndarray) -> np.ndarray:
        x = _MARGIN + inner * (points[:, 0] - ranges[0][0]) / (ranges[0][1] - ranges[0][0])
        y = _SIDE - _MARGIN - inner * (points[:, 1] - ranges[1][0]) / (ranges[1][1] - ranges[1][0])
        return np.stack([x, y], axis=1)

    draw.rectangle((_MARGIN, _MARGIN, _SIDE - _MARGIN, _SIDE - _MARGIN), outline=(225, 228, 232))
    for points, colour, alpha in ((real, _REAL, 120), (fake, _FAKE, 130)):
        for x, y in place(points[np.isfinite(points).all(axis=1)]):
            if _MARGIN <= x <= _SIDE - _MARGIN and _MARGIN <= y <= _SIDE - _MARGIN:
                draw.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=(*colour, alpha))
    _legend(draw, [f"x {_span(ranges[0])}   y {_span(ranges[1])}"])
    return image


def histogram(fake: np.ndarray, real: np.ndarray) -> Image.Image:
    """Densities of 1-D points: real as grey bars, generated as an orange line, ``(N, 1)`` each."""
    height = _SIDE * 2 // 3
    image, draw = _frame(_SIDE, height)
    low, high = _range(real, fake)
    bins = 60
    densities = [
        np.histogram(points[np.isfinite(points)], bins=bins, range=(low, high), density=True)[0]
        if np.isfinite(points).any()
        else np.zeros(bins)
        for points in (real, fake)
    ]
    densities = [np.nan_to_num(density) for density in densities]
    top = 1.15 * max(float(densities[0].max()), 0.5 * float(densities[1].max()), 1e-9)
    inner_width, inner_height = _SIDE - 2 * _MARGIN, height - 2 * _MARGIN
    edges = _MARGIN + inner_width * np.arange(bins + 1) / bins
    floor = height - _MARGIN
    heights = [np.minimum(density / top, 1.0) * inner_height for density in densities]
    for i in range(bins):
        draw.rectangle((edges[i], floor - heights[0][i], edges[i + 1] - 1, floor), fill=(*_REAL, 140))
    line = [(float(edges[i] + edges[i + 1]) / 2, float(floor - heights[1][i])) for i in range(bins)]
    draw.line(line, fill=_FAKE, width=2)
    draw.line((_MARGIN, floor, _SIDE - _MARGIN, floor), fill=_INK)
    _legend(draw, [f"{_span((low, high))}"])
    return image


def _span(ends: tuple[float, float]) -> str:
    # As many digits as set the ends apart: times and places differ in their last ones only.
    width = max(ends[1] - ends[0], 1e-300)
    digits = 3 + max(0, math.ceil(math.log10(max(abs(end) for end in ends) / width or 1.0)))
    return f"{ends[0]:.{digits}g} to {ends[1]:.{digits}g}"


def _legend(draw: ImageDraw.ImageDraw, words: list[str]) -> None:
    draw.text((_MARGIN, 8), "real", fill=_REAL)
    draw.text((_MARGIN + 36, 8), "generated", fill=_FAKE)
    draw.text((_MARGIN + 110, 8), "   ".join(words), fill=_INK)


def displacements(before: np.ndarray, after: np.ndarray, *, side: int = 480) -> Image.Image:
    """Places ``(N, 2)`` and where they went, each pair joined by a line: grey before, orange after."""
    ends = np.stack([before, after], 1).astype(np.float64)  # (N, 2, 2)
    low, high = ends.min((0, 1)), ends.max((0, 1))
    pad = 0.1 * np.maximum(high - low, 1e-6)
    place = (ends - low + pad) / (high - low + 2 * pad)
    image, draw = _frame(side, side)
    for (x, y), (u, v) in (place * side).tolist():
        draw.line((x, side - y, u, side - v), fill=_FAKE)
        draw.ellipse((x - 2, side - y - 2, x + 2, side - y + 2), fill=_REAL)
        draw.ellipse((u - 2, side - v - 2, u + 2, side - v + 2), fill=_FAKE)
    draw.text((8, 4), "before", fill=_REAL)
    draw.text((56, 4), "after", fill=_FAKE)
    return image


def words(text: str) -> Image.Image:
    """A line of text."""
    image = Image.new("RGB", (max(56, 6 * len(text) + 4), 18), "white")
    ImageDraw.Draw(image).text((2, 2), text, fill=_INK)
    return image


# Magma's colours at equal steps, from silence to loud (matplotlib, CC0).
_HEAT = (
    (0, 0, 4),
    (40, 17, 89),
    (114, 31, 129),
    (183, 55, 121),
    (241, 96, 93),
    (254, 176, 120),
    (252, 253, 191),
)


def heat(levels: np.ndarray) -> Image.Image:
    """Levels ``(H, W)`` uint8 in colours from black by red to pale."""
    steps = np.linspace(0, 255, len(_HEAT))
    table = np.stack([np.interp(np.arange(256), steps, band) for band in zip(*_HEAT, strict=True)], axis=1)
    return Image.fromarray(np.rint(table).astype(np.uint8)[levels])
