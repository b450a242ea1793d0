"""IDX files, the form of MNIST (http://yann.lecun.com/exdb/mnist/), gzipped or not."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.arrays import interpret
from ganforge.data.files import names_in
from ganforge.data.pixels import Fit
from ganforge.data.raw import Raw

__all__ = ["find_images", "is_idx", "labels_beside", "read_idx", "read_idx_array"]

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_BYTES = 64 << 30


def _open(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else open(path, "rb")


def is_idx(path: Path) -> bool:
    """Whether a file starts as IDX files do."""
    try:
        with _open(path) as file:
            magic = file.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in _TYPES and 1 <= magic[3] <= 5


def read_idx_array(path: Path) -> np.ndarray:
    """One IDX file as an array. DataError where it is damaged, or would unpack beyond measure."""
    try:
        with _open(path) as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
                raise DataError(f"{path} is not an IDX file; its first bytes are {magic.hex() or 'missing'}")
            shape = struct.unpack(f">{magic[3]}I", file.read(4 * magic[3]))
            dtype = np.dtype(_TYPES[magic[2]])
            need = math.prod(shape) * dtype.itemsize
            packed = path.stat().st_size
            if need > _MAX_BYTES or (need > 256 << 20 and need > 1100 * packed):
                # Deflate packs 1,032 : 1 at best: more is a lie of the header.
                raise DataError(f"{path} claims {need >> 20} MiB in {packed} bytes; it is not read")
            content = _read_exactly(file, need)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{path} is damaged ({error}); fetch it again") from None
    if len(content) != need:
        raise DataError(f"{path} is truncated: {len(content)} of {need} bytes; fetch it again")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_exactly(file: BinaryIO, need: int) -> bytes:
    """Up to ``need`` bytes, in pieces: memory grows with what is there, not with what is claimed."""
    pieces: list[bytes] = []
    left = need
    while left > 0 and (piece := file.read(min(left, 1 << 24))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def find_images(folder: Path) -> Path | None:
    """The images file of a folder: the training part's where there are several."""
    called = [name for name in names_in(folder) if "images" in name and "idx" in name]
    names = [path for name in called if (path := folder / name).is_file()]
    named = [path for path in names if "train" in path.name]
    return next(iter([*named, *names]), None)


def labels_beside(images: Path) -> Path | None:
    """The labels file that belongs to an images file, by its name, or None."""
    name = images.name.replace("images", "labels")
    if name == images.name:
        return None
    stem = name.removesuffix(".gz")
    for candidate in (stem, stem.replace("idx3", "idx1"), stem.replace("idx4", "idx1")):
        for suffix in ("", ".gz"):
            path = images.with_name(candidate + suffix)
            if path.is_file():
                return path
    return None


def read_idx(
    path: Path,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    how: Fit = "crop",
    value_range: ValueRange | None = None,
) -> Raw:
    """Read an images file, or a folder's, with the labels beside it.

    Raises:
        DataError: a file is damaged, or labels and pictures differ in number.
    """
    images = path
    if path.is_dir():
        found = find_images(path)
        assert found is not None
        images = found
    values = read_idx_array(images)
    notes = [f"pictures from {images.name}"] if path.is_dir() else []
    beside = labels_beside(images)
    labels = None
    if beside is not None:
        labels = read_idx_array(beside)
        if labels.shape != (len(values),):
            raise DataError(
                f"{os.fspath(beside)} has labels of shape {labels.shape} for {len(values)} pictures;"
                " fetch the pair again"
            )
        notes.append(f"labels from {beside.name}")
    return interpret(
        values,
        labels,
        form="IDX file",
        source=images,
        size=size,
        channels=channels,
        how=how,
        value_range=value_range,
        notes=notes,
    )
