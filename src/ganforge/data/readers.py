"""Which reader reads which source."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ganforge.core.errors import DataError
from ganforge.data import builtin
from ganforge.data.arrays import read_arrays
from ganforge.data.files import printable
from ganforge.data.idx import find_images, is_idx, read_idx
from ganforge.data.pictures import SUFFIXES, list_pictures, read_pictures
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
        """A text that is a built-in name means that."""
        if isinstance(what, str) and what in builtin.NAMES:
            return cls(None, what, seed)
        path = Path(what).expanduser()
        return cls(path, str(path), seed)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; a name that is too long is none."""
    try:
        return path.exists()
    except OSError:
        return False


def has_names(path: Path | None) -> bool:
    """Whether examples are files with names: a folder or a zip of pictures."""
    if path is None:
        return False
    return find_images(path) is None if path.is_dir() else path.name.lower().endswith(".zip")


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
) -> Raw:
    """Read a source whole.

    Args:
        size: ``(width, height)`` of pictures, of one part where they will be cut; None infers it.
        channels: 1, 3 or 4; None infers it.
        scratch: a new file for decoded pictures; None for built-in sets only.
        only: names of the pictures to read, where :func:`has_names`.
        halves: into how many parts pictures will be cut, across and down.
        clips: whether an array of five dimensions, or of four where that can be, holds clips for certain.

    Raises:
        DataError: there is nothing usable there.
    """
    path = source.path
    whole = None if size is None else (size[0] * halves[0], size[1] * halves[1])
    if path is None:
        return builtin.read_builtin(source.name, seed=source.seed, size=whole, channels=channels)
    name = path.name.lower()
    if (path.is_dir() and find_images(path) is None) or name.endswith(".zip"):
        assert scratch is not None
        return read_pictures(
            path, size=size, channels=channels, scratch=scratch, progress=progress, only=only, halves=halves
        )
    if path.is_dir():
        return read_idx(path, size=whole, channels=channels)
    if name.endswith(TABLES):
        if size is not None or channels is not None:
            raise DataError(f"{path} is a table of points; size and channels are for pictures only")
        return read_table(path)
    if name.endswith((".npy", ".npz")):
        return read_arrays(path, size=whole, channels=channels, clips=clips)
    if path.suffix.lower() in SUFFIXES:
        raise DataError(f"{path} is one picture; a GAN needs many: give the folder that they lie in")
    if path.is_file() and is_idx(path):
        return read_idx(path, size=whole, channels=channels)
    raise DataError(
        f"{path} is of no known kind; give a folder or zip of pictures, or an IDX, .npy, .npz or .csv file"
    )


def names_of(path: Path) -> list[str]:
    """Names of the pictures of a folder or zip, in order, as :attr:`Raw.names` has them."""
    return [printable(entry.name) for entry in list_pictures(path)[0].entries]
