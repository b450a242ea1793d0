"""Which reader reads which source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganforge.core.codec import Codec
from ganforge.core.declared import CODECS, READERS, ReaderTraits
from ganforge.core.errors import DataError
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.core.value_range import ValueRange
from ganforge.data import builtin
from ganforge.data.fetched import fetched, is_address
from ganforge.data.files import Listing, check_source, is_archive, printable
from ganforge.data.folders import kind_of_file, list_examples, moving, one_file
from ganforge.data.idx import find_images, is_idx, read_idx
from ganforge.data.kinds import what_to_do
from ganforge.data.npz import read_arrays
from ganforge.data.pixels import Fit
from ganforge.data.raw import Progress, Raw
from ganforge.data.shards import holds_pictures
from ganforge.data.tables import SHEETS, TABLES, read_table, tables_in

__all__ = ["Ask", "Reader", "Source", "has_names", "is_there", "names_of", "read"]


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
        if is_address(what):
            return cls(fetched(str(what)), str(what), seed)
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
    if not path.is_dir():
        return is_archive(path)
    if tables_in(path):
        return holds_pictures(path)
    return find_images(path) is None


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
    rate: float | None = None,
    films: bool | None = False,
    small: bool = False,
    translated: bool = False,
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
        rate: samples or frames a second that sounds and films are brought to; None takes that of most.
        films: whether pictures that move, and folders of frames, are read frame by frame as clips; None does
            so where they are found to be.
        small: whether the frames of films are made as small as whole clips are.
        translated: whether examples are inputs or targets of a translation.
        value_range: what becomes 0 and 255 where pictures or arrays are no plain bytes; None infers it.

    Raises:
        DataError: there is nothing usable there.
    """
    path = source.path
    ask = Ask(size, channels, scratch, progress, only, halves, clips, how, value_range, table, rate, films)
    ask = replace(ask, small=small, translated=translated)
    if path is None:
        if value_range is not None:
            raise DataError(f"{source.name} is built in and has no range to be chosen; leave --range out")
        return builtin.read_builtin(source.name, seed=source.seed, size=ask.whole, channels=channels)
    for reader in READERS.values():
        if reader.reads(path):
            return reader.read(path, ask)
    known = what_to_do(path) or "is of no known kind"
    raise DataError(f"{path} {known}; what is read: {', '.join(each.words for each in READERS.values())}")


@dataclass(frozen=True)
class Ask:
    """How a source is wanted: the arguments of :func:`read`, which says what they are."""

    size: tuple[int, int] | None = None
    channels: int | None = None
    scratch: Path | None = None
    progress: Progress | None = None
    only: Collection[str] | None = None
    halves: tuple[int, int] = (1, 1)
    clips: bool = False
    how: Fit = "crop"
    value_range: ValueRange | None = None
    table: TableFormat = FOUND
    rate: float | None = None
    films: bool | None = False
    small: bool = False
    translated: bool = False

    @property
    def whole(self) -> tuple[int, int] | None:
        """The size of a picture before it is cut into parts."""
        return None if self.size is None else (self.size[0] * self.halves[0], self.size[1] * self.halves[1])

    @property
    def ways(self) -> dict[str, Any]:
        """What every reader of pictures takes."""
        return {"channels": self.channels, "how": self.how, "value_range": self.value_range}

    def files(self, path: Path, listing: Listing, kind: type[Codec]) -> Raw:
        """Files of this kind, read."""
        if self.translated and kind.translated:
            kind = CODECS[kind.translated]
        wishes = {
            **({"small": self.small} if kind.of_frames else {}),
            "size": self.size,
            "scratch": self.scratch,
            "progress": self.progress,
            "only": self.only,
            "halves": self.halves,
            **({} if self.rate is None else {"rate": self.rate}),
            **self.ways,
        }
        return kind.read_files(path, listing, **wishes)


class Reader(ReaderTraits, ABC):
    """Reads one kind of file or folder. The first one that says so takes a path; plugins come last."""

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether ``path`` is of this kind; it is there."""
        return path.is_file() and path.name.lower().endswith(cls.suffixes)

    @classmethod
    @abstractmethod
    def read(cls, path: Path, ask: Ask) -> Raw:
        """The examples. Raises DataError where there is nothing usable."""


class Files(Reader):
    name = "named-files"
    words = "folders, zip and tar archives of pictures, films or sounds"

    @classmethod
    def reads(cls, path: Path) -> bool:
        return has_names(path)

    @classmethod
    def read(cls, path: Path, ask: Ask) -> Raw:
        kind, listing = list_examples(path, ask.films)
        return ask.files(path, listing, kind)


class Table(Reader):
    name = "csv-table"
    words = ".csv, .tsv and .parquet files, and folders of such with one line of names"
    suffixes = TABLES

    @classmethod
    def reads(cls, path: Path) -> bool:
        return super().reads(path) or bool(tables_in(path))

    @classmethod
    def read(cls, path: Path, ask: Ask) -> Raw:
        if (ask.size, ask.channels, ask.value_range) != (None, None, None):
            raise DataError(f"{path} is a table of points; size, channels and range are for pictures only")
        if ask.table.what:
            CODECS.find(ask.table.what)  # its name, or the nearest one
        codecs = sorted(CODECS.values(), key=lambda codec: -codec.precedence)
        with SHEETS.kept():
            others = (codec.read_table(path, ask.table) for codec in codecs)
            return next((found for found in others if found is not None), None) or read_table(path, ask.table)


class Arrays(Reader):
    name = "numpy-arrays"
    words = ".npy and .npz files"
    suffixes = (".npy", ".npz")

    @classmethod
    def read(cls, path: Path, ask: Ask) -> Raw:
        more = {"clips": ask.clips, "scratch": ask.scratch, "rate": ask.rate, "translated": ask.translated}
        return read_arrays(path, size=ask.whole, **more, **ask.ways)


class Single(Reader):
    name = "single-file"
    words = "one file that holds many examples"

    @classmethod
    def reads(cls, path: Path) -> bool:
        return kind_of_file(path) is not None

    @classmethod
    def read(cls, path: Path, ask: Ask) -> Raw:
        kind = kind_of_file(path)
        assert kind is not None
        kind = moving(path, kind, one_file(path), ask.films)
        if not kind.cuts_up:
            raise DataError(f"{path} is one {kind.one}; a GAN needs many: give the folder that they lie in")
        return ask.files(path, one_file(path), kind)


class Idx(Reader):
    name = "idx-files"
    words = "IDX files and folders of them"

    @classmethod
    def reads(cls, path: Path) -> bool:
        return path.is_dir() or (path.is_file() and is_idx(path))

    @classmethod
    def read(cls, path: Path, ask: Ask) -> Raw:
        return read_idx(path, size=ask.whole, **ask.ways)


def names_of(path: Path) -> list[str]:
    """Names of the examples of a folder or zip, in order, as :attr:`Raw.names` has them."""
    return [printable(entry.name) for entry in list_examples(path)[1].entries]
