"""Samples as pictures a person can look at: grids, scatter plots, histograms, waves, and films of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.runs.files import machine_faults, write_atomically

__all__ = [
    "FILM_FORMATS",
    "cell_of",
    "film",
    "film_of",
    "grid",
    "picture",
    "png",
    "show",
    "side_by_side",
]

FILM_FORMATS = (".gif", ".webp", ".mp4")

_REAL = (150, 156, 166)
_FAKE = (214, 86, 24)
_PAPER = (255, 255, 255)
_INK = (60, 64, 72)


def show(samples: np.ndarray, space: Space, *, real: np.ndarray | None = None) -> Image.Image:
    """One picture of many samples, ``(N, *space.shape)`` in declared units.

    Pictures, shapes and sounds stand in a grid. Points are drawn over ``real`` ones: as histograms in
    1-D, as a scatter plot in 2-D, and of their first two coordinates in more.
    """
    if space.kind == "points":
        real = samples[:0] if real is None else real
        return _histogram(samples, real) if space.channels == 1 else _scatter(samples, real)
    return grid([picture(sample, space) for sample in samples])


def picture(sample: np.ndarray, space: Space) -> Image.Image:
    """One sample ``space.shape`` in declared units as a picture: of a shape, its shadow from the front;
    of a sound, its wave."""
    if space.kind == "sound":
        return _wave(sample)
    if space.kind == "shapes":
        sample = sample.max(axis=1)  # (C, D, H, W) seen along D
    channels = sample.shape[0]
    if channels == 1:
        return Image.fromarray(np.ascontiguousarray(sample[0]))
    if channels == 2:  # grey + alpha
        return Image.fromarray(np.concatenate([sample[:1]] * 3 + [sample[1:]]).transpose(1, 2, 0))
    return Image.fromarray(np.ascontiguousarray(sample[:4].transpose(1, 2, 0)))


def side_by_side(source: Tensor, made: Tensor, target: Tensor, space: Space) -> Image.Image:
    """Inputs, what is made of them, and what they should become, in threes: ``(N, C, *sides)`` uint8.

    Of an input with more channels than the examples, such as frames one after another or a mask with its
    picture, the last ones are shown.
    """
    channels = space.channels
    if source.shape[1] > channels:
        source = source[:, -channels:]
    shown: list[Image.Image] = []
    mode = "RGB" if channels == 3 else None
    for triple in zip(source.numpy(), made.numpy(), target.numpy(), strict=True):
        three = [picture(one, space) for one in triple]
        mode = mode or three[1].mode
        shown += [one.convert(mode).resize(three[1].size, Image.Resampling.NEAREST) for one in three]
    columns = 3 * max(1, round(math.sqrt(len(shown)) / 3))
    return grid(shown, columns=columns)


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


def film(frames: Sequence[Image.Image], path: Path, *, seconds: float, rest: float = 1.5) -> None:
    """Write ``frames`` as a film of ``seconds``: GIF, WebP, or MP4 (which needs the extra ``film``).

    The last picture of a GIF or WebP stands for ``rest`` seconds at least.

    Raises UsageError for another suffix, for no frames, or where MP4 is not installed.
    """
    if path.suffix.lower() not in FILM_FORMATS:
        raise UsageError(
            f"a film ends in {', '.join(FILM_FORMATS)}, not {path.suffix or 'nothing'!r}: {path}"
        )
    if not frames:
        raise UsageError(f"there are no pictures to make {path.name} of")
    if path.suffix.lower() == ".mp4":
        _mp4(frames, path, seconds)
        return
    write_atomically(path, film_of(frames, path.suffix, seconds=seconds, rest=rest))


def film_of(frames: Sequence[Image.Image], suffix: str, *, seconds: float, rest: float = 1.5) -> bytes:
    """A film as the bytes of a ``.gif`` or ``.webp``; see :func:`film`."""
    duration = max(20, round(1000 * seconds / len(frames)))
    still = [frame.convert("RGB") for frame in frames]
    durations = [duration] * (len(still) - 1) + [max(duration, round(1000 * rest))]
    buffer = BytesIO()
    still[0].save(
        buffer,
        suffix[1:].upper(),
        save_all=True,
        append_images=still[1:],
        duration=durations,
        loop=0,
    )
    return buffer.getvalue()


def _mp4(frames: Sequence[Image.Image], path: Path, seconds: float) -> None:
    try:
        import av  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError("MP4 needs one more package: pip install 'ganforge[film]', or write .gif") from None
    width, height = (side + side % 2 for side in frames[0].size)  # the codec wants even sides
    with machine_faults(path), av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=max(1, round(len(frames) / seconds)))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            still = Image.new("RGB", (width, height), _PAPER)
            still.paste(frame.convert("RGB"))
            for packet in stream.encode(av.VideoFrame.from_image(still)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


_SIDE = 480
_MARGIN = 28


def _frame(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), _PAPER)
    return image, ImageDraw.Draw(image, "RGBA")


def _range(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """From the reals where there are some, so that the axes stand still through a film."""
    values = real if real.size else fake[np.isfinite(fake)]
    low, high = (float(values.min()), float(values.max())) if values.size else (-1.0, 1.0)
    pad = 0.15 * max(high - low, 1e-6)
    return low - pad, high + pad


def _scatter(fake: np.ndarray, real: np.ndarray) -> Image.Image:
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


def _histogram(fake: np.ndarray, real: np.ndarray) -> Image.Image:
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


def _wave(sample: np.ndarray) -> Image.Image:
    """Sound ``(C, T)`` as the envelope of its first channel."""
    width, height = 192, 64
    image, draw = _frame(width, height)
    pieces = np.array_split(np.nan_to_num(sample[0]), min(width, sample.shape[1]))
    for x, piece in enumerate(pieces):
        middle, half = height / 2, height / 2 - 2
        draw.line((x, middle - half * piece.max(), x, middle - half * piece.min() + 1), fill=_FAKE)
    return image
