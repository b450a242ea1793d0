"""A folder or a zip archive of pictures, of any Pillow mode and any size."""

from __future__ import annotations

import os
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.files import Entry, Listing, UnreadableError, list_files, printable
from ganforge.data.folders import counter
from ganforge.data.kinds import without_pictures
from ganforge.data.layouts import classes_from_folders
from ganforge.data.pixels import (
    DEEP_MODES,
    GREY_MODES,
    Fit,
    as_bytes,
    choose_channels,
    fit,
    has_alpha,
    normalise,
    to_channels,
)
from ganforge.data.ranges import Survey, choose_range
from ganforge.data.raw import Progress, Raw, Skipped
from ganforge.data.sizes import choose_size, lost_by_shape

__all__ = ["SUFFIXES", "list_pictures", "open_picture", "picture_sizes", "read_pictures"]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # no other of Pillow's readers is ever run
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
MAX_PIXELS = 64_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
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
    frames: int = 1
    halved: bool = False  # 16 bits a colour, of which Pillow reads the upper 8

    @property
    def deep(self) -> bool:
        """Whether it has more than 8 bits a pixel, and is read with all of them."""
        return self.mode in DEEP_MODES


def list_pictures(path: Path) -> tuple[Listing, list[str]]:
    """The pictures of a folder or archive by their suffix, and the names of the other files."""
    listing = list_files(path)
    entries = [entry for entry in listing.entries if _suffix(entry.name) in SUFFIXES]
    others = [entry.name for entry in listing.entries if _suffix(entry.name) not in SUFFIXES]
    skipped = [file for file in listing.skipped if _suffix(file.name) in SUFFIXES | {""}]
    return replace(listing, entries=entries, skipped=skipped), others


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def open_picture(file: BinaryIO, *, checked: bool = True) -> Image.Image:
    """A picture whose pixels are not decoded yet.

    Args:
        checked: whether the checksums of a PNG are compared, which Pillow leaves to us.

    Raises:
        UnreadableError: it is none, damaged, or a bomb.
    """
    start = file.read(64)
    if not start:
        raise UnreadableError("empty (0 bytes)")
    if checked and start.startswith(_PNG):
        file.seek(len(_PNG))
        _check_png(file)
    file.seek(0)
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


def _check_png(file: BinaryIO) -> None:
    """Walk through the chunks of a PNG. UnreadableError where one is not what its checksum says."""
    while True:
        head = file.read(8)
        length = int.from_bytes(head[:4], "big")
        body, checksum = file.read(length), file.read(4)
        if len(head) < 8 or len(body) < length or len(checksum) < 4:
            raise UnreadableError("truncated")
        if zlib.crc32(head[4:] + body) != int.from_bytes(checksum, "big"):
            raise UnreadableError("damaged (a checksum is wrong)")
        if head[4:] == b"IEND":
            return


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
        image = open_picture(file, checked=False)
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        halved = image.mode not in DEEP_MODES and any(
            ";16" in str(tile[3]) for tile in getattr(image, "tile", [])
        )
        return _Header((width, height), image.mode, has_alpha(image), _frames(image), halved)


def _frames(image: Image.Image) -> int:
    """Pages or frames that a file has; 1 where that cannot be told."""
    try:
        return int(getattr(image, "n_frames", 1)) if getattr(image, "is_animated", False) else 1
    except Exception:  # of what is damaged behind the first page, which is the one that is read
        return 1


@dataclass(frozen=True)
class _Way:
    """How each picture is decoded.

    Attributes:
        size: ``(width, height)``.
        channels: of the working pixels; 0 keeps those of deep pictures as they are.
        how: see ``pixels.fit``.
        value_range: the set's, where its files are no plain bytes.
    """

    size: tuple[int, int]
    channels: int
    how: Fit = "crop"
    value_range: ValueRange | None = None


def _decode(listing: Listing, way: _Way, entry: Entry) -> np.ndarray:
    """One picture, upright and of one size: ``(channels, H, W)`` uint8, or float32 for channels 0."""
    with listing.open(entry) as file:
        image = open_picture(file)
        turn = _TURNS.get(_orientation(image))
        # A large JPEG is decoded at a half, quarter or eighth of its size, never below twice the target.
        side = 2 * max(way.size)
        image.draft(None, (side, side))
        image.load()
    if turn is not None:
        image = image.transpose(turn)
    whole = normalise(image)
    if whole.mode == "F" and not np.isfinite(np.asarray(whole)).all():
        raise UnreadableError("it has pixels that are not numbers")
    if whole.mode != "F":  # before resizing, so that masks of 0 and 1 get soft edges
        whole = as_bytes(whole, way.value_range)
    upright = fit(whole, way.size, way.how)
    if way.channels == 0:
        return np.asarray(upright)[None]
    pixels = np.asarray(as_bytes(upright, way.value_range) if upright.mode == "F" else upright)
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return to_channels(pixels[None], way.channels)[0] if len(pixels) != way.channels else pixels


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
    how: Fit = "crop",
    value_range: ValueRange | None = None,
) -> Raw:
    """Decode every picture once, into the file ``scratch``.

    Args:
        path: a folder or an archive.
        size: ``(width, height)``, or None to infer it.
        channels: 1, 3 or 4, or None to infer it.
        scratch: where decoded pixels are kept until the caller has stored them.
        only: names of the pictures to read, as :attr:`Raw.names` has them; None reads all.
        halves: into how many parts a picture will be cut, across and down; ``size`` is one part's.
        how: pictures of another shape come to that size.
        value_range: what becomes 0 and 255; None infers it.

    Raises:
        DataError: there are no pictures, or only one.
    """
    listing, others = list_pictures(path)
    if not listing.entries:
        raise DataError(_no_pictures(path, listing, others))
    if only is not None:
        listing.entries[:] = [entry for entry in listing.entries if printable(entry.name) in only]
    done = counter(progress, 2 * len(listing.entries))
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
        notes.append(f"brought to {size[0]}×{size[1]}")

    deep = all(header.deep for header in headers)
    grey = all(header.mode in GREY_MODES and not header.alpha for header in headers)
    working = 0 if deep else 1 if grey else 4 if any(header.alpha for header in headers) else 3
    way = _Way(size, working, how, value_range)
    warn: list[str] = []
    some = any(header.deep for header in headers)
    if not deep and (some or (value_range is not None and value_range.of(deep=False))):
        way, about, warn = _range_first(listing, entries, headers, way)
        notes += about
    kept: list[int] = []
    with open(scratch, "wb") as file:
        for i, pixels in enumerate(_each(partial(_decode, listing, way), entries, done)):
            if isinstance(pixels, Skipped):
                skipped.append(pixels)
            else:
                file.write(pixels.tobytes())  # not through the memory map: a full disk must raise, not kill
                kept.append(i)
    _at_least_two(path, len(kept), skipped)
    names = [entries[i].name for i in kept]
    labels, classes, about, warned = classes_from_folders(names)
    values = np.memmap(
        scratch, np.float32 if deep else np.uint8, "r", shape=(len(kept), working or 1, size[1], size[0])
    )
    seen = [headers[i] for i in kept]
    whole = not any(header.mode == "F" for header in seen)
    finish, channels, value_range, more, odd = choose_channels(
        values, channels, whole=whole, value_range=way.value_range
    )
    cut, lost = lost_by_shape([header.size for header in seen], size, how)
    return Raw(
        kind="pictures",
        form=_form(path),
        values=values,
        shape=(channels, size[1], size[0]),
        finish=finish,
        labels=labels,
        classes=classes,
        value_range=value_range,
        names=[printable(name) for name in names],
        sizes=Counter("{}×{}".format(*header.size) for header in seen),
        modes=Counter(header.mode for header in seen),
        skipped=tuple(skipped),
        notes=(*notes, *about, *cut, *more),
        warnings=(*warned, *warn, *odd, *lost, *_unread(seen)),
    )


def _form(path: Path) -> str:
    if path.is_dir():
        return "folder of pictures"
    return f"{'zip' if path.suffix.lower() == '.zip' else 'tar'} archive of pictures"


def _range_first(
    listing: Listing, entries: Sequence[Entry], headers: Sequence[_Header], way: _Way
) -> tuple[_Way, list[str], list[str]]:
    """The range of those pictures that one is needed for, in a pass of its own, with notes and warnings.

    Deep pictures among those of 8 bits have one range of their own, and bytes stay as they are: both are
    then read as going from black to white.
    """
    some = [i for i, header in enumerate(headers) if header.deep]
    deep = bool(some)
    some = some or list(range(len(headers)))
    survey = Survey(len(some), len(some) * way.size[0] * way.size[1] * (1 if deep else 3))
    plain = replace(way, channels=0 if deep else 3, value_range=None)
    for pixels in _each(partial(_decode, listing, plain), [entries[i] for i in some], lambda n: None):
        if not isinstance(pixels, Skipped):  # what cannot be decoded is listed by the pass that keeps pixels
            survey.add(pixels)
    if not np.isfinite(survey.low):
        return way, [], []
    whole = not any(headers[i].mode == "F" for i in some)
    chosen = choose_range(survey, whole=whole, deep=deep, wish=way.value_range)
    warn = [*chosen.warnings]
    if deep:
        assert chosen.value_range is not None
        warn.append(
            f"{len(some):,} pictures of more than 8 bits lie among {len(headers) - len(some):,} of 8 bits,"
            f" which stay as they are: {chosen.value_range.words()} of the former is taken for 0 … 255 of the"
            " latter; --range=LOW,HIGH says otherwise"
        )
    return replace(way, value_range=chosen.value_range), chosen.notes, warn


def _unread(headers: Sequence[_Header]) -> list[str]:
    """Warnings on what lies in the picture files and is not read."""
    said: list[str] = []
    more = [header.frames - 1 for header in headers if header.frames > 1]
    if more:
        files = f"{len(more):,} files have {sum(more):,} further pages or frames"
        if len(more) == 1:
            files = f"one file has {more[0]:,} further pages or frames"
        said.append(
            f"{files}, of which none is read: save each as a file of its own; of films, --recipe next-frame"
            " reads all"
        )
    halved = sum(header.halved for header in headers)
    if halved:
        said.append(
            f"{halved:,} pictures have 16 bits a colour, of which the upper 8 are read; finer differences are"
            " lost"
        )
    return said


def _no_pictures(path: Path, listing: Listing, others: Sequence[str]) -> str:
    if listing.skipped:
        first = listing.skipped[0]
        return (
            f"no picture in {path} can be used: {first.name} is {first.reason}"
            f" ({len(listing.skipped)} such files); put the pictures themselves there"
        )
    aside = f" ({'; '.join(listing.warnings)})" if listing.warnings else ""
    return without_pictures(path, others) + aside


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
