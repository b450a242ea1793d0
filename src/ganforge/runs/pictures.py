"""Films of samples, and inputs of a translation beside what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from torch import Tensor

from ganforge.codecs.clip.film import mp4
from ganforge.codecs.plots import grid
from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.runs.files import write_atomically

__all__ = [
    "FILM_FORMATS",
    "film",
    "film_of",
    "side_by_side",
]

FILM_FORMATS = (".gif", ".webp", ".mp4")


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
        three = [space.codec.picture(one) for one in triple]
        mode = mode or three[1].mode
        shown += [one.convert(mode).resize(three[1].size, Image.Resampling.NEAREST) for one in three]
    columns = 3 * max(1, round(math.sqrt(len(shown)) / 3))
    return grid(shown, columns=columns)


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
        write_atomically(path, mp4(frames, max(1, round(len(frames) / seconds))))
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
