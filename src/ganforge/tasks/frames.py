"""Pictures, and frames of clips, as a translation takes them in: whole, upright, as bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageSequence

from ganforge.core.errors import DataError, UsageError
from ganforge.core.value_range import ValueRange
from ganforge.data.files import Entry, Listing, UnreadableError, check_source, is_archive
from ganforge.data.pictures import SUFFIXES, list_pictures, open_picture, open_upright
from ganforge.data.pixels import as_bytes, fit, normalise
from ganforge.data.raw import Skipped

__all__ = [
    "CLIPS",
    "Size",
    "Still",
    "entries_outside",
    "is_clip",
    "natural",
    "read_clip",
    "read_still",
    "stills",
]

Size = int | tuple[int, int] | None
"""What a picture is brought to first: its longer side, or ``(width, height)`` covered and cut; or nothing."""

CLIPS = (".mp4", ".mov", ".mkv", ".webm")  # that need PyAV
_FRAMES = 2_000  # of one clip
_PIXELS = 1 << 29  # of one clip, as they will be kept


@dataclass(frozen=True)
class Still:
    """A picture that was found.

    Attributes:
        name: from the top of the folder or archive, with ``/`` between folders; of a file, its own.
        read: ``(C, H, W)`` uint8 in 1, 3 or 4 channels, or why there is none; of the range of values that
            the run's inputs had.
    """

    name: str
    read: Callable[[Size, ValueRange | None], np.ndarray | Skipped]


def is_clip(path: Path) -> bool:
    """Whether a file holds frames: a film, or an animated picture."""
    if not path.is_file():
        return False
    if path.suffix.lower() in CLIPS:
        return True
    if path.suffix.lower() not in SUFFIXES:
        return False
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = open_picture(file)
            # A camera's MPO is one photo with previews or depths behind it.
            return image.format != "MPO" and int(getattr(image, "n_frames", 1)) > 1
    except Exception:  # Pillow's readers raise nearly anything on damaged files; reading will say so
        return False


def stills(path: Path, without: Path | None = None) -> tuple[list[Still], list[Skipped]]:
    """The pictures of a file, folder or zip archive, sorted by name, and what is left out.

    Args:
        without: a folder whose pictures are not meant: results of an earlier time.

    Raises:
        DataError: there is no such path, or no picture there.
    """
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return [Still(path.name, partial(_safely, path.name, lambda: path.open("rb")))], []
    what = "a picture, a folder or archive of pictures, or a clip"
    if not path.exists():
        raise DataError(f"there is no {path}; give {what}")
    check_source(path)
    if not path.is_dir() and not is_archive(path):
        raise DataError(f"{path} is no picture that can be read; give {what}")
    listing, _ = list_pictures(path)
    skipped = list(listing.skipped)
    found = [
        Still(entry.name, partial(_safely, entry.name, partial(listing.open, entry)))
        for entry in entries_outside(listing, path, without)
    ]
    if not found:
        raise DataError(f"no pictures in {path}; put PNG, JPEG, WebP, BMP, GIF or TIFF files there")
    return found, skipped


def entries_outside(listing: Listing, path: Path, without: Path | None) -> list[Entry]:
    """The files of ``path`` but for those in its folder ``without``, where results of an earlier time are."""
    if without is None or path.resolve() not in without.resolve().parents:
        return list(listing.entries)
    inside = without.resolve().relative_to(path.resolve()).as_posix()
    return [entry for entry in listing.entries if not PurePosixPath(entry.name).is_relative_to(inside)]


def _safely(
    name: str, opened: Callable[[], BinaryIO], size: Size, value_range: ValueRange | None
) -> np.ndarray | Skipped:
    try:
        with opened() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd files; they are judged by whether they decode
            return read_still(file, size, value_range)
    except UnreadableError as error:
        return Skipped(name, str(error))
    except Exception as error:  # Pillow's readers raise nearly anything; each costs one file only
        truncated = "truncated" in str(error)
        return Skipped(name, "truncated" if truncated else f"damaged ({error or type(error).__name__})")


def read_still(file: BinaryIO, size: Size = None, value_range: ValueRange | None = None) -> np.ndarray:
    """``(C, H, W)`` uint8 in 1, 3 or 4 channels, turned upright. UnreadableError where it is no picture.

    ``value_range`` is the run's, for pictures that are no plain bytes.
    """
    return _planar(_sized(open_upright(file, value_range), size))


def pixels_of(image: Image.Image, size: Size = None, value_range: ValueRange | None = None) -> np.ndarray:
    """A picture of any mode: ``(C, H, W)`` uint8 in 1, 3 or 4 channels."""
    return _planar(_sized(as_bytes(normalise(image), value_range, of_set=False), size))


def _planar(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    planar = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.array(planar, order="C")  # writable, as torch wants it


def _sized(image: Image.Image, size: Size) -> Image.Image:
    if size is None:
        return image
    if isinstance(size, tuple):
        return fit(image, size)
    scale = size / max(image.size)
    width, height = (max(1, round(scale * side)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def read_clip(
    path: Path, size: Size = None, value_range: ValueRange | None = None
) -> tuple[list[np.ndarray], float]:
    """Frames ``(C, H, W)`` uint8 in order, up to 2,000, and how many seconds they last.

    Raises:
        UsageError: it cannot be read, or needs a package that is not installed.
    """
    frames: list[np.ndarray] = []
    seconds, kept = 0.0, 0
    try:
        for frame, duration in _film(path) if path.suffix.lower() in CLIPS else _animation(path):
            frames.append(pixels_of(frame, size, value_range))
            seconds += duration
            kept += frames[-1].size
            if len(frames) >= _FRAMES or kept >= 4 * _PIXELS:
                break
    except UsageError:
        raise
    except Exception as error:  # Pillow and ffmpeg raise nearly anything on damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path} cannot be read as a clip ({reason})") from None
    if not frames:
        raise DataError(f"{path} has no frames")
    return frames, seconds


def _animation(path: Path) -> Iterator[tuple[Image.Image, float]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for frame in ImageSequence.Iterator(open_picture(BytesIO(path.read_bytes()))):
            duration = frame.info.get("duration", 100)
            yield frame, (float(duration) if isinstance(duration, (int, float)) else 100.0) / 1000 or 0.1


def _film(path: Path) -> Iterator[tuple[Image.Image, float]]:
    try:
        import av  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError(
            f"{path.suffix} needs one more package: pip install 'ganforge[film]'; or give a .gif, or a "
            "folder of its frames"
        ) from None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 25)
        for frame in container.decode(stream):
            yield frame.to_image(), 1 / rate


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts frame2 before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
