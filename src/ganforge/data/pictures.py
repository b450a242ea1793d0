"""A folder or a zip archive of pictures, of any Pillow mode and any size."""

from __future__ import annotations

import os
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.files import (
    GIT_LFS,
    SHARDS,
    STAND_IN,
    Entry,
    Listing,
    UnreadableError,
    list_files,
    printable,
)
from ganforge.data.folders import counter, plainly
from ganforge.data.kinds import without_pictures
from ganforge.data.layouts import classes_from_folders
from ganforge.data.matching import sides
from ganforge.data.pixels import (
    DEEP_MODES,
    GREY_MODES,
    Fit,
    as_bytes,
    choose_channels,
    deep_bytes,
    fit,
    has_alpha,
    normalise,
    to_channels,
)
from ganforge.data.ranges import Survey, choose_range
from ganforge.data.raw import Progress, Raw, Skipped, spool
from ganforge.data.related import are_related
from ganforge.data.sizes import choose_size, lost_by_shape

__all__ = ["SUFFIXES", "list_pictures", "open_picture", "open_upright", "picture_sizes", "read_pictures"]

# No other of Pillow's readers is ever run.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif", ".bmp", ".dib", ".gif"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
MAX_PIXELS = 64_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS, _PHOTOMETRIC, _SAMPLES = 258, 262, 339  # TIFF's tags
# Pillow's names for 16 bits a colour, each with the one that reads the other byte of every number.
_OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_WHOLE = ("RGB;", "RGBA;", "RGBX;")
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
_SIDES = (
    "all pictures are twice as wide as high: if each holds an input and its target side by side, --from left"
    " or --from right names the input"
)
_BOTH = (
    "the files' names come in pairs, as {} and {}: if one is an input and the other what it becomes, put each"
    " kind into a folder of its own, and name that of the inputs with --from"
)
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Header:
    """What a file says of itself before its pixels are read."""

    size: tuple[int, int]  # (width, height), upright
    mode: str
    alpha: bool
    frames: int = 1
    colours: bool = False  # 16 bits a colour, of which all are read
    halved: bool = False  # 16 bits a colour, of which the upper 8 are read

    @property
    def deep(self) -> bool:
        """Whether it has more than 8 bits a pixel or colour, and is read with all of them."""
        return self.mode in DEEP_MODES or self.colours

    @property
    def grey(self) -> bool:
        return self.mode in GREY_MODES and not self.alpha


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
        if start.startswith(_TIFF):
            raise UnreadableError(
                "a TIFF of a kind that is not read (float colours, 64 bits, …); save it as 16-bit TIFF or"
                " PNG, or all of them with numpy.save as (N, H, W, C)"
            ) from None
        if start.startswith(GIT_LFS):
            raise UnreadableError(STAND_IN) from None
        text = all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start)
        raise UnreadableError("text, not a picture" if text else "not a picture of a known format") from None
    if image.width * image.height > MAX_PIXELS:
        raise UnreadableError(
            f"too large: {image.width}×{image.height} is more than {MAX_PIXELS // 10**6} megapixels"
        )
    _check_tiff(image)
    return image


def _check_tiff(image: Image.Image) -> None:
    """UnreadableError for a TIFF that Pillow opens, and whose numbers it would take for others."""
    if image.format != "TIFF":
        return
    tags: Any = getattr(image, "tag_v2", {})
    bits = max(tags.get(_BITS, (1,)))
    if bits > 8 and image.mode not in DEEP_MODES and not all(";16" in name for name in _raw_modes(image)):
        raise UnreadableError(f"a TIFF of {bits} bits a colour in separate planes; save it as 16-bit PNG")
    if image.mode == "L" and 2 in tags.get(_SAMPLES, ()):
        raise UnreadableError("a TIFF of bytes with a sign; save it as 16-bit TIFF")


def _raw_modes(image: Image.Image) -> list[str]:
    """How Pillow names the form of the numbers in each part of a file."""
    found: list[Any] = [tile[3] for tile in getattr(image, "tile", [])]
    return [args if isinstance(args, str) else str(args[0] if args else "") for args in found]


def _colours(image: Image.Image) -> bool:
    """Whether it has 16 bits a colour, which :func:`_bands` reads whole."""
    names = _raw_modes(image)
    return bool(names) and all(name.startswith(_WHOLE) and name[-3:] in _OTHER_BYTE for name in names)


def _bands(file: BinaryIO, side: int | None = None) -> list[Image.Image]:
    """A file's picture, upright: one of L, RGB, RGBA or F, or, of 16 bits a colour, an I;16 for each.

    Pillow has no mode for the latter: it reads the upper byte of each number, and here, in the name of the
    other byte order, the lower one.

    Args:
        side: a large JPEG is decoded at a half, quarter or eighth of its size, never below this.

    Raises:
        UnreadableError: it is none, or has pixels that are no numbers.
    """
    image = open_picture(file)
    turn = _TURNS.get(_orientation(image))
    colours = _colours(image)
    if side is not None:
        image.draft(None, (side, side))
    image.load()
    if colours:
        file.seek(0)
        below: Any = open_picture(file, checked=False)
        below.tile = [tile._replace(args=_other_byte(tile[3])) for tile in below.tile]
        below.load()
        bands = [_joined(*both) for both in zip(image.split(), below.split(), strict=True)]
    else:
        bands = [_white_last(image, normalise(image))]
    if bands[0].mode == "F" and not np.isfinite(np.asarray(bands[0])).all():
        raise UnreadableError("it has pixels that are not numbers")
    return bands if turn is None else [band.transpose(turn) for band in bands]


def _joined(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """Two L of the bytes of each number as an I;16."""
    return Image.fromarray(np.asarray(upper).astype(np.uint16) * 256 + np.asarray(lower))


def _white_last(image: Image.Image, whole: Image.Image) -> Image.Image:
    """A deep picture with white as its highest number: Pillow turns those of 8 bits alone where TIFF asks."""
    white_first = image.format == "TIFF" and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0
    if not white_first or not image.mode.startswith("I;16"):
        return whole
    return Image.fromarray(np.float32(65535) - np.asarray(whole))


def _numbers(bands: Sequence[Image.Image], way: _Way | None = None) -> np.ndarray:
    """Deep bands as ``(1 | 3 | 4, H, W)`` float32, at a size; transparency is 0 … 255 as of others."""
    found: list[np.ndarray] = []
    for band in bands:  # one after the other: a photo in float32 is large
        whole = normalise(band)
        found.append(np.asarray(whole if way is None else fit(whole, way.size, way.how)))
    if len(found) == 4:
        found[3] = found[3] / np.float32(257)
    return np.stack(found)


def _other_byte(args: Any) -> Any:
    name = args if isinstance(args, str) else args[0]
    other = name[:-3] + _OTHER_BYTE[name[-3:]]
    return other if isinstance(args, str) else (other, *args[1:])


def open_upright(file: BinaryIO, value_range: ValueRange | None) -> Image.Image:
    """A picture that is shown to a run, upright, as bytes: L, RGB or RGBA.

    Args:
        value_range: the run's, for pictures that are no plain bytes.

    Raises:
        UnreadableError: it is none, or its numbers are of another range.
    """
    bands = _bands(file)
    if len(bands) == 1:
        return as_bytes(bands[0], value_range, of_set=False)
    pixels = deep_bytes(_numbers(bands), value_range, of_set=False)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


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


def _header(listing: Listing, entry: Entry) -> _Header:
    with listing.open(entry) as file:
        image = open_picture(file, checked=False)
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        deep = image.mode in DEEP_MODES
        colours = _colours(image)
        halved = not deep and not colours and any(";16" in name for name in _raw_modes(image))
        alpha = has_alpha(image) and not deep
        return _Header((width, height), image.mode, alpha, _frames(image), colours, halved)


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
        channels: of the working pixels.
        deep: whether the numbers of deep pictures are kept; else they become bytes.
        how: see ``pixels.fit``.
        value_range: the set's, where its files are no plain bytes.
    """

    size: tuple[int, int]
    channels: int
    deep: bool
    how: Fit = "crop"
    value_range: ValueRange | None = None


def _decode(listing: Listing, way: _Way, entry: Entry) -> np.ndarray:
    """One picture, upright and of one size: ``(channels, H, W)`` uint8, or float32 of deep ones."""
    with listing.open(entry) as file:
        bands = _bands(file, 2 * max(way.size))
    if bands[0].mode in DEEP_MODES:
        pixels = _numbers(bands, way)
        if way.deep:
            return _in_channels(pixels, way.channels)
        pixels = deep_bytes(pixels, way.value_range)
    else:  # before resizing, so that masks of 0 and 1 get soft edges
        pixels = np.asarray(fit(as_bytes(bands[0], way.value_range), way.size, way.how))
        pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return to_channels(pixels[None], way.channels)[0] if len(pixels) != way.channels else pixels


def _in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """``(1 | 3 | 4, H, W)`` float32 in more channels, or without its transparency."""
    colours = pixels[:3]
    if channels >= 3 and len(colours) == 1:
        colours = np.repeat(colours, 3, axis=0)
    if channels < 4:
        return colours
    alpha = pixels[3:] if len(pixels) == 4 else np.full_like(pixels[:1], 255)
    return np.concatenate([colours, alpha])


def _each(
    work: Callable[[Entry], _T], entries: Sequence[Entry], done: Callable[[int], None]
) -> Iterator[_T | Skipped]:
    """``work`` on every file, in order, in a few threads: Pillow decodes without Python's lock."""

    def block(start: int) -> list[_T | Skipped]:
        return [plainly(entry, partial(work, entry)) for entry in entries[start : start + _BLOCK]]

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
    _at_least_two(path, len(entries), skipped, headers)
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
    grey = all(header.grey for header in headers)
    working = 1 if grey else 4 if any(header.alpha for header in headers) else 3
    way = _Way(size, working, deep, how, value_range)
    warn: list[str] = []
    some = any(header.deep for header in headers)
    if not deep and (some or (value_range is not None and value_range.of(deep=False))):
        way, about, warn = _range_first(listing, entries, headers, way)
        notes += about
    kept: list[int] = []

    def decoded() -> Iterator[np.ndarray]:
        for i, pixels in enumerate(_each(partial(_decode, listing, way), entries, done)):
            if isinstance(pixels, Skipped):
                skipped.append(pixels)
            else:
                kept.append(i)
                yield pixels[None]

    values = spool(decoded(), scratch, (working, size[1], size[0]))
    _at_least_two(path, len(kept), skipped)
    names = [entries[i].name for i in kept]
    seen = [headers[i] for i in kept]
    whole = not any(header.mode == "F" for header in seen)
    finish, channels, value_range, more, odd = choose_channels(
        values, channels, whole=whole, value_range=way.value_range
    )
    labels, classes, about, warned = classes_from_folders(
        names, related=lambda one, other: are_related(*(finish(values[at]) for at in (one, other)))
    )
    cut, lost = lost_by_shape([header.size for header in seen], size, how)
    if halves == (1, 1) and {header.size for header in seen} == {(2 * seen[0].size[1], seen[0].size[1])}:
        odd = [*odd, _SIDES]
    both = sides(names) if halves == (1, 1) else None
    if both is not None:
        odd = [*odd, _BOTH.format(*map(printable, both))]
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
        modes=Counter(header.mode + (";16" if header.colours else "") for header in seen),
        skipped=tuple(skipped),
        notes=(*notes, *about, *cut, *more),
        warnings=(*warned, *warn, *odd, *lost, *_unread(seen)),
    )


def _form(path: Path) -> str:
    if path.is_dir():
        return "folder of pictures"
    if path.suffix.lower() in SHARDS:
        return "table of pictures"
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
    channels = 1 if deep and all(headers[i].grey for i in some) else 3
    survey = Survey(len(some), len(some) * way.size[0] * way.size[1] * channels)
    plain = replace(way, channels=channels, deep=deep, value_range=None)
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
            f"{halved:,} pictures have 16 bits a colour in a form of which the upper 8 are read; finer"
            " differences are lost: save them as 16-bit RGB PNG"
        )
    return said


def _no_pictures(path: Path, listing: Listing, others: Sequence[str]) -> str:
    if listing.skipped:
        first = listing.skipped[0]
        return (
            f"no picture in {path} can be used ({first.name}: {first.reason}; {len(listing.skipped):,} such"
            " files); put the pictures themselves there"
        )
    aside = f" ({'; '.join(listing.warnings)})" if listing.warnings else ""
    return without_pictures(path, others) + aside


def _at_least_two(path: Path, n: int, skipped: Sequence[Skipped], headers: Sequence[_Header] = ()) -> None:
    if n >= 2:
        return
    more = sum(header.frames - 1 for header in headers)
    if more:
        raise DataError(
            f"only one picture in {path}, with {more:,} further pages or frames, of which none is read: save"
            " each as a file of its own; of films, --recipe next-frame reads all"
        )
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
