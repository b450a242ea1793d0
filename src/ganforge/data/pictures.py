"""A folder or a zip archive of pictures, of any Pillow mode and any size."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganforge.core.errors import DataError
from ganforge.data.files import Entry, Listing, UnreadableError, list_folder, list_zip, printable
from ganforge.data.pixels import (
    DEEP_MODES,
    GREY_MODES,
    choose_channels,
    fit,
    has_alpha,
    normalise,
    to_bytes,
    to_channels,
    value_range,
)
from ganforge.data.raw import Progress, Raw, Skipped, name_classes

__all__ = ["SUFFIXES", "choose_size", "list_pictures", "open_picture", "picture_sizes", "read_pictures"]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # no other of Pillow's readers is ever run
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
MAX_PIXELS = 64_000_000
LARGEST_SIDE = 256  # of a size that we choose
_SPLITS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})
_ORIENTATION = 0x0112  # Exif's tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BLOCK = 16  # files a task of the pool
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Header:
    """What a file says of itself before its pixels are read."""

    size: tuple[int, int]  # (width, height), upright
    mode: str
    alpha: bool


def list_pictures(path: Path) -> tuple[Listing, int]:
    """The pictures of a folder or archive by their suffix, and how many other files lie there."""
    listing = list_folder(path) if path.is_dir() else list_zip(path)
    entries = [entry for entry in listing.entries if _suffix(entry.name) in SUFFIXES]
    skipped = [file for file in listing.skipped if _suffix(file.name) in SUFFIXES | {""}]
    return Listing(entries, skipped, listing.open), len(listing.entries) - len(entries)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def open_picture(file: BinaryIO) -> Image.Image:
    """A picture whose pixels are not decoded yet. UnreadableError where it is none, or a bomb."""
    start = file.read(64)
    if not start:
        raise UnreadableError("empty (0 bytes)")
    try:
        image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise UnreadableError(f"too large: more than {MAX_PIXELS // 10**6} megapixels") from None
    except UnidentifiedImageError:
        text = all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start)
        raise UnreadableError("text, not a picture" if text else "not a picture of a known format") from None
    if image.width * image.height > MAX_PIXELS:
        raise UnreadableError(
            f"too large: {image.width}×{image.height} is more than {MAX_PIXELS // 10**6} megapixels"
        )
    return image


def _orientation(image: Image.Image) -> int:
    # For PNG, getexif decodes the whole picture in search of a late chunk, which the header pass must not.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(_ORIENTATION, 1))


def _plainly(work: Callable[[Entry], _T], entry: Entry) -> _T | Skipped:
    """A file's result, or why it has none."""
    try:
        return work(entry)
    except UnreadableError as error:
        return Skipped(printable(entry.name), str(error))
    # Pillow's readers raise nearly any exception on damaged or hostile files; each costs one file only.
    except Exception as error:
        reason = "truncated" if "truncated" in str(error) else f"damaged ({error or type(error).__name__})"
        return Skipped(printable(entry.name), reason)


def _header(listing: Listing, entry: Entry) -> _Header:
    with listing.open(entry) as file:
        image = open_picture(file)
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        return _Header((width, height), image.mode, has_alpha(image))


def _decode(listing: Listing, size: tuple[int, int], channels: int, entry: Entry) -> np.ndarray:
    """One picture, upright and cut to ``size``: ``(channels, H, W)`` uint8, or float32 for channels 0."""
    with listing.open(entry) as file:
        image = open_picture(file)
        turn = _TURNS.get(_orientation(image))
        # A large JPEG is decoded at a half, quarter or eighth of its size, never below twice the target.
        side = 2 * max(size)
        image.draft(None, (side, side))
        image.load()
    if turn is not None:
        image = image.transpose(turn)
    upright = fit(normalise(image), size)
    pixels = np.asarray(upright)
    if channels == 0:
        if not np.isfinite(pixels).all():
            raise UnreadableError("it has pixels that are not numbers")
        return pixels[None]
    if pixels.dtype != np.uint8:  # a deep picture among ordinary ones: by its own range
        whole = image.mode != "F"
        pixels = to_bytes(pixels, *value_range(float(pixels.min()), float(pixels.max()), integer=whole))
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return to_channels(pixels[None], channels)[0] if len(pixels) != channels else pixels


def _each(
    work: Callable[[Entry], _T], entries: Sequence[Entry], done: Callable[[int], None]
) -> Iterator[_T | Skipped]:
    """``work`` on every file, in order, in a few threads: Pillow decodes without Python's lock."""
    safe = partial(_plainly, work)

    def block(start: int) -> list[_T | Skipped]:
        return [safe(entry) for entry in entries[start : start + _BLOCK]]

    workers = min(8, os.cpu_count() or 1)
    ahead = _BLOCK * workers * 4  # results wait in memory: never more than a few blocks
    # Pillow warns of odd files in many ways; they are judged here by whether they decode.
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        warnings.simplefilter("ignore")
        for first in range(0, len(entries), ahead):
            for results in pool.map(block, range(first, min(first + ahead, len(entries)), _BLOCK)):
                yield from results
                done(len(results))


def read_pictures(
    path: Path,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    scratch: Path,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    halves: tuple[int, int] = (1, 1),
) -> Raw:
    """Decode every picture once, into the file ``scratch``.

    Args:
        path: a folder or a zip archive.
        size: ``(width, height)``, or None to infer it.
        channels: 1, 3 or 4, or None to infer it.
        scratch: where decoded pixels are kept until the caller has stored them.
        only: names of the pictures to read, as :attr:`Raw.names` has them; None reads all.
        halves: into how many parts a picture will be cut, across and down; ``size`` is one part's.

    Raises:
        DataError: there are no pictures, or only one.
    """
    listing, ignored = list_pictures(path)
    if not listing.entries:
        raise DataError(_no_pictures(path, listing, ignored))
    if only is not None:
        listing.entries[:] = [entry for entry in listing.entries if printable(entry.name) in only]
    done = _counter(progress, 2 * len(listing.entries))
    skipped = list(listing.skipped)

    headers: list[_Header] = []
    entries: list[Entry] = []
    for entry, header in zip(
        listing.entries, _each(partial(_header, listing), listing.entries, done), strict=True
    ):
        if isinstance(header, Skipped):
            skipped.append(header)
        else:
            headers.append(header)
            entries.append(entry)
    done(len(listing.entries) - len(entries))  # what has no header is not decoded
    _at_least_two(path, len(entries), skipped)
    notes: list[str] = []
    given = size is not None
    if size is None:
        across, down = halves
        size, why = choose_size([(header.size[0] // across, header.size[1] // down) for header in headers])
        notes.append(why if halves == (1, 1) else f"{why}, after the cut")
    size = (size[0] * halves[0], size[1] * halves[1])
    if given and any(header.size != size for header in headers):
        notes.append(f"resized to cover {size[0]}×{size[1]}, centre cut out")

    deep = all(header.mode in DEEP_MODES for header in headers)
    grey = all(header.mode in GREY_MODES and not header.alpha for header in headers)
    working = 0 if deep else 1 if grey else 4 if any(header.alpha for header in headers) else 3
    work = partial(_decode, listing, size, working)
    kept: list[int] = []
    with open(scratch, "wb") as file:
        for i, pixels in enumerate(_each(work, entries, done)):
            if isinstance(pixels, Skipped):
                skipped.append(pixels)
            else:
                file.write(pixels.tobytes())  # not through the memory map: a full disk must raise, not kill
                kept.append(i)
    _at_least_two(path, len(kept), skipped)
    names = [entries[i].name for i in kept]
    labels, classes, about = classes_from_folders(names)
    notes += about
    values = np.memmap(
        scratch, np.float32 if deep else np.uint8, "r", shape=(len(kept), working or 1, size[1], size[0])
    )
    finish, channels, more, warn = choose_channels(values, channels, whole=headers[0].mode != "F")
    return Raw(
        kind="pictures",
        form="folder of pictures" if path.is_dir() else "zip archive of pictures",
        values=values,
        shape=(channels, size[1], size[0]),
        finish=finish,
        labels=labels,
        classes=classes,
        names=[printable(name) for name in names],
        sizes=Counter("{}×{}".format(*headers[i].size) for i in kept),
        modes=Counter(headers[i].mode for i in kept),
        skipped=tuple(skipped),
        ignored=ignored,
        notes=(*notes, *more),
        warnings=(*warn, *_aspect_warning([headers[i].size for i in kept])),
    )


def _counter(progress: Progress | None, total: int) -> Callable[[int], None]:
    state = 0

    def done(more: int) -> None:
        nonlocal state
        state += more
        if progress is not None:
            progress(state, total)

    return done


def _no_pictures(path: Path, listing: Listing, ignored: int) -> str:
    if listing.skipped:
        first = listing.skipped[0]
        return (
            f"no picture in {path} can be used: {first.name} is {first.reason}"
            f" ({len(listing.skipped)} such files); put the pictures themselves there"
        )
    others = f"{ignored} other files" if ignored > 1 else "one other file" if ignored else "no files at all"
    return f"no pictures in {path}, which has {others}; put PNG, JPEG, WebP, BMP, GIF or TIFF files there"


def _at_least_two(path: Path, n: int, skipped: Sequence[Skipped]) -> None:
    if n >= 2:
        return
    bad = f" ({len(skipped)} could not be read; {skipped[0].name}: {skipped[0].reason})" if skipped else ""
    found = "only one picture" if n else "no readable picture"
    raise DataError(f"{found} in {path}{bad}; a GAN needs many examples, at least 2 and better 100 or more")


def picture_sizes(path: Path, only: Collection[str]) -> dict[str, tuple[int, int]]:
    """Width and height of some pictures by name, from their headers; what cannot be read is missing."""
    listing, _ = list_pictures(path)
    entries = [entry for entry in listing.entries if printable(entry.name) in only]
    found = _each(partial(_header, listing), entries, lambda n: None)
    return {
        printable(entry.name): header.size
        for entry, header in zip(entries, found, strict=True)
        if isinstance(header, _Header)
    }


def choose_size(sizes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], str]:
    """The size ``(width, height)`` to train at, and the reason in words. DataError below 8 pixels."""
    if len(set(sizes)) == 1:
        width, height = sizes[0]
        if min(width, height) < 8:
            raise DataError(f"the pictures are {width}×{height}; give --size 8 or more, to enlarge them")
        return (width, height), f"all pictures are {width}×{height}"
    wide, high = median(width for width, _ in sizes), median(height for _, height in sizes)
    aspect = wide / high
    alike = sum(abs(width / height / aspect - 1) < 0.15 for width, height in sizes)
    why = "the median size"
    if alike < 0.8 * len(sizes):
        # Portraits among landscapes have no common shape: the square loses least.
        wide = high = median(min(size) for size in sizes)
        why = "a square, since their shapes differ"
    scale = min(1.0, LARGEST_SIDE / max(wide, high))
    width, height = (max(8, round(side * scale / 8) * 8) for side in (wide, high))
    return (width, height), f"sizes differ: resized to cover {width}×{height}, {why}, centre cut out"


def classes_from_folders(names: Sequence[str]) -> tuple[np.ndarray | None, tuple[str, ...], list[str]]:
    """Class indices ``(N,)`` and names from the top folders of ``a/b/c.png`` names, and a note.

    Folders that all names share are left out first, and so are folders called train, test, … Classes
    need every picture in a folder, and two folders or more.
    """
    folders = [name.split("/")[:-1] for name in names]
    notes: list[str] = []
    while all(folders) and len(tops := {folder[0] for folder in folders}) >= 1:
        split = {top.lower() for top in tops} <= _SPLITS
        if len(tops) > 1 and not split:
            break
        if len(tops) > 1:
            notes.append(f"the folders {', '.join(sorted(tops))} are taken together")
        folders = [folder[1:] for folder in folders]
    if not all(folders):
        loose = sum(not folder for folder in folders)
        if loose < len(folders):
            where = f"{loose:,} {'picture lies' if loose == 1 else 'pictures lie'} beside the subfolders"
            notes.append(f"no classes: {where}; move {'it' if loose == 1 else 'them'} into one for classes")
        return None, (), notes
    labels, classes = name_classes(np.array([folder[0] for folder in folders]))
    if len(labels) < 2 * len(classes):
        return None, (), [*notes, f"{len(classes)} subfolders of about one picture each are no classes"]
    classes = tuple(printable(name) for name in classes)
    return labels, classes, [*notes, f"{len(classes)} classes from subfolders"]


def _aspect_warning(sizes: Sequence[tuple[int, int]]) -> list[str]:
    aspects = sorted(width / height for width, height in sizes)
    low, high = aspects[len(aspects) // 20], aspects[-1 - len(aspects) // 20]
    if high <= 1.3 * low:
        return []
    return [f"shapes differ (width / height from {low:.2f} to {high:.2f}): edges are cut off"]
