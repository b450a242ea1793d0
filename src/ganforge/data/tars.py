"""Tar archives, packed or not, listed and read with limits."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import tempfile
import threading
import weakref
import zlib
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO

from ganforge.core.errors import DataError
from ganforge.data.cache import cache_folder, disk_errors
from ganforge.data.files import MAX_FILE, Entry, Listing, UnreadableError, leads_out, listed, printable
from ganforge.data.raw import Skipped

__all__ = ["list_tar"]

_MAX_UNPACKED = 64 << 30
_MAX_RATIO = 200  # of a packed archive that is larger than 64 MiB unpacked
_BLOCK = 512
_PACKED = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
_BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError, RecursionError)


def list_tar(path: Path) -> Listing:
    """The members of a tar archive, sorted by name.

    A packed one is unpacked once, as one nameless temporary file: its members can then be read in any order.

    Raises:
        DataError: it is damaged, cut off, or unpacks beyond measure.
        MachineError: the disk is full.
    """
    found = path.stat()
    return _listing(str(path.resolve()), path, (found.st_size, found.st_mtime_ns, found.st_ino))


@lru_cache(maxsize=2)  # several parts of one reading ask for the same archive
def _listing(_place: str, path: Path, _stamp: tuple[int, int, int]) -> Listing:
    file = _plain(path)
    try:
        with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
            members = archive.getmembers()
            end = archive.offset
    except _BROKEN as error:
        file.close()
        raise DataError(f"{path} is not a readable tar archive ({error}); pack it again") from None
    if not _ends_well(file, end):
        file.close()
        raise DataError(f"{path} is damaged or cut off after {len(members):,} members; fetch or pack it anew")
    skipped: list[Skipped] = []
    places: dict[str, tarfile.TarInfo] = {}
    for member in members:
        if member.isdir():
            continue
        name = member.name.removeprefix("./")
        reason = _refuse(member)
        if reason is not None:
            skipped.append(Skipped(printable(name), reason))
        else:
            places[name] = member  # of two of one name, the later one counts, as where tar unpacks

    one_at_a_time = threading.Lock()

    def open_entry(entry: Entry) -> BinaryIO:
        member = places[entry.name]
        with one_at_a_time:
            file.seek(member.offset_data)
            content = file.read(member.size)
        if len(content) != member.size:
            raise UnreadableError("cut off in the archive")
        return io.BytesIO(content)

    entries = (Entry(name, member.size, int(member.mtime)) for name, member in places.items())
    listing = listed(path, entries, skipped, open_entry)
    weakref.finalize(listing, file.close)
    return listing


def _ends_well(file: IO[bytes], end: int) -> bool:
    """Whether nothing but zeros, and at least one block of them, follows the last member.

    The reader takes a damaged or missing header for the end: what follows it would be lost without a word.
    """
    file.seek(end)
    piece = file.read(_BLOCK)
    if len(piece) < _BLOCK:
        return False
    while piece:
        if any(piece):
            return False
        piece = file.read(1 << 20)
    return True


def _refuse(member: tarfile.TarInfo) -> str | None:
    """Why a member is not read, or None."""
    if leads_out(member.name):
        return "its name leads out of the archive"
    if not member.isreg() or member.issparse():
        return "a link" if member.issym() or member.islnk() else "no ordinary file"
    if not 0 <= member.size <= MAX_FILE:
        return f"larger than {MAX_FILE >> 20} MiB"
    return None


def _plain(path: Path) -> IO[bytes]:
    """The archive itself as a file, unpacked where it is packed."""
    file = open(path, "rb")  # closed with the listing that reads from it  # noqa: SIM115
    start = file.read(2)
    file.seek(0)
    opened = _PACKED.get(start)
    if opened is None:
        return file
    size = os.fstat(file.fileno()).st_size
    limit = min(_MAX_UNPACKED, max(64 << 20, _MAX_RATIO * size))
    folder = cache_folder()
    with disk_errors(folder), file:
        plain = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        try:
            with opened(file) as packed:
                _unpack(packed, plain, limit)
        except (EOFError, zlib.error, lzma.LZMAError, OSError, _BombError) as error:
            plain.close()
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's fault, not the archive's
            raise DataError(f"{path} cannot be unpacked ({error}); fetch or pack it again") from None
    return plain


class _BombError(Exception):
    pass


def _unpack(packed: bz2.BZ2File | gzip.GzipFile | lzma.LZMAFile, plain: IO[bytes], limit: int) -> None:
    while piece := packed.read(1 << 22):
        if plain.tell() + len(piece) > limit:
            raise _BombError(f"it would become more than {limit >> 20:,} MiB")
        plain.write(piece)
    plain.seek(0)
