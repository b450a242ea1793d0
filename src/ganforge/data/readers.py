"""Which reader reads which source."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.core.value_range import ValueRange
from ganforge.data import builtin
from ganforge.data.files import check_source, is_archive, printable
from ganforge.data.folders import kind_of_file, list_examples, one_file
from ganforge.data.idx import find_images, is_idx, read_idx
from ganforge.data.kinds import what_to_do
from ganforge.data.npz import read_arrays
from ganforge.data.pixels import Fit
from ganforge.data.raw import Progress, Raw
from ganforge.data.tables import read_table

__all__ = ["TABLES", "Source", "has_names", "is_there", "names_of", "read"]

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


@dataclass(frozen=True)
class Source:
    """Where examples are: a path, or a built-in set made from ``seed``.

    Attributes:
        path: None for a built-in set.
        name: of the built-in set, else the path as it was written.
    """

    path: Path | None
    name: str
    seed: int = 0

    @classmethod
    def of(cls, what: str | Path, seed: int = 0) -> Source:
        """A text that is a built-in name means that. DataError for a pipe, a device or a socket."""
        if isinstance(what, str) and what in builtin.NAMES:
            return cls(None, what, seed)
        path = Path(what).expanduser()
        check_source(path)
        return cls(path, str(path), seed)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; a name that is too long is none."""
    try:
        return path.exists()
    except OSError:
        return False


def has_names(path: Path | None) -> bool:
    """Whether examples are files with names: a folder or an archive of them."""
    if path is None:
        return False
    return find_images(path) is None if path.is_dir() else is_archive(path)


def read(
    source: Source,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    scratch: Path | None,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    halves: tuple[int, int] = (1, 1),
    clips: bool = False,
    how: Fit = "crop",
    value_range: ValueRange | None = None,
    table: TableFormat = FOUND,
) -> Raw:
    """Read a source whole.

    Args:
        size: ``(width, height)`` of pictures, of one part where they will be cut; None infers it.
        channels: 1, 3 or 4; None infers it.
        scratch: a new file for decoded pictures; None for built-in sets only.
        only: names of the pictures to read, where :func:`has_names`.
        halves: into how many parts pictures will be cut, across and down.
        table: how a csv file is read.
        clips: whether an array of five dimensions, or of four where that can be, holds clips for certain.
        how: pictures of another shape come to the size.
        value_range: what becomes 0 and 255 where pictures or arrays are no plain bytes; None infers it.

    Raises:
        DataError: there is nothing usable there.
    """
    path = source.path
    whole = None if size is None else (size[0] * halves[0], size[1] * halves[1])
    if path is None:
        if value_range is not None:
            raise DataError(f"{source.name} is built in and has no range to be chosen; leave --range out")
        return builtin.read_builtin(source.name, seed=source.seed, size=whole, channels=channels)
    ways: dict[str, Any] = {"channels": channels, "how": how, "value_range": value_range}
    files = {"scratch": scratch, "progress": progress, "only": only, "halves": halves}
    if has_names(path):
        kind, listing = list_examples(path)
        return kind.read_files(path, listing, size=size, **files, **ways)
    name = path.name.lower()
    if path.is_dir():
        return read_idx(path, size=whole, **ways)
    if name.endswith(TABLES):
        if size is not None or channels is not None or value_range is not None:
            raise DataError(f"{path} is a table of points; size, channels and range are for pictures only")
        if table.what:
            CODECS.find(table.what)  # its name, or the nearest one
        asked = sorted(CODECS.values(), key=lambda codec: -codec.precedence)
        others = (found for codec in asked if (found := codec.read_table(path, table)) is not None)
        return next(others, None) or read_table(path, table)
    if name.endswith((".npy", ".npz")):
        return read_arrays(path, size=whole, clips=clips, **ways)
    kind = kind_of_file(path)
    if kind is not None and kind.cuts_up:
        return kind.read_files(path, one_file(path), size=size, **files, **ways)
    if kind is not None:
        raise DataError(f"{path} is one {kind.one}; a GAN needs many: give the folder that they lie in")
    if path.is_file() and is_idx(path):
        return read_idx(path, size=whole, **ways)
    known = what_to_do(path)
    raise DataError(
        f"{path} {known or 'is of no known kind'}; what is read: folders, zip and tar archives of pictures"
        " or sounds, IDX, .npy, .npz and .csv files"
    )


def names_of(path: Path) -> list[str]:
    """Names of the examples of a folder or zip, in order, as :attr:`Raw.names` has them."""
    return [printable(entry.name) for entry in list_examples(path)[1].entries]
