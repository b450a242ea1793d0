"""Files of a folder or a zip archive, listed and read with limits. Nothing is ever extracted to disk."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ganforge.core.errors import DataError
from ganforge.data.raw import Skipped

__all__ = ["Entry", "Listing", "UnreadableError", "list_folder", "list_zip", "printable"]

MAX_FILE = 256 << 20  # bytes of one picture file, unpacked
MAX_RATIO = 200  # of a packed file that is larger than 16 MiB unpacked: no picture packs so well
MAX_TOTAL = 1 << 40  # bytes of an archive, unpacked
_JUNK = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


class UnreadableError(Exception):
    """One file cannot be used; its text says why. It never leaves this room."""


@dataclass(frozen=True)
class Entry:
    """A file: its name from the top, with ``/`` between folders, its size, and a stamp that changes."""

    name: str
    size: int
    stamp: int


@dataclass(frozen=True, eq=False)
class Listing:
    """Files that can be read, and those that are left out for safety.

    ``open`` gives one entry as a file to be closed; it may be called from several threads. It raises
    UnreadableError for what is too large or damaged.
    """

    entries: list[Entry]
    skipped: list[Skipped]
    open: Callable[[Entry], BinaryIO]


def printable(name: str) -> str:
    """A file's name with what is no valid text shown as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _junk(name: str) -> bool:
    return any(part in _JUNK or part.startswith(".") for part in name.split("/"))


def list_folder(folder: Path) -> Listing:
    """All files below ``folder``, sorted by name; hidden ones and links to folders are left out."""
    root = folder.resolve()
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for where, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not _junk(name))
        for name in [*files, *(f for f in folders if os.path.islink(os.path.join(where, f)))]:
            path = os.path.join(where, name)
            relative = os.path.relpath(path, root).replace(os.sep, "/")
            if _junk(relative):
                continue
            if os.path.islink(path) and not Path(os.path.realpath(path)).is_relative_to(root):
                skipped.append(Skipped(printable(relative), "a link that leads out of the folder"))
                continue
            try:
                found = os.stat(path)
            except OSError as error:
                skipped.append(Skipped(printable(relative), f"cannot be opened: {error.strerror}"))
                continue
            if stat.S_ISREG(found.st_mode):  # no pipe or device is ever opened
                entries.append(Entry(relative, found.st_size, found.st_mtime_ns))

    def open_entry(entry: Entry) -> BinaryIO:
        if entry.size > MAX_FILE:
            raise UnreadableError(f"larger than {MAX_FILE >> 20} MiB")
        return open(os.path.join(root, entry.name), "rb")

    entries.sort(key=lambda entry: entry.name)
    return Listing(entries, skipped, open_entry)


def list_zip(path: Path) -> Listing:
    """The members of a zip archive, sorted by name. DataError where it is none, or too large unpacked."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path} is not a readable zip archive ({error}); pack it again") from None
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    members: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for member in archive.infolist():
        name = member.filename
        if member.is_dir() or _junk(name.replace("../", "")):
            continue
        reason = _refuse(member)
        if reason is not None:
            skipped.append(Skipped(printable(name), reason))
            continue
        total += member.file_size
        members[name] = member
    if total > MAX_TOTAL:
        raise DataError(f"{path} would unpack to {total >> 30} GiB; ganforge reads at most {MAX_TOTAL >> 30}")
    entries.extend(Entry(name, member.file_size, member.CRC) for name, member in members.items())

    def open_entry(entry: Entry) -> BinaryIO:
        try:
            with archive.open(members[entry.name]) as file:
                content = file.read(MAX_FILE)
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise UnreadableError(f"damaged in the archive ({error})") from None
        if len(content) != entry.size:
            raise UnreadableError("damaged in the archive (its size is not as stated)")
        return io.BytesIO(content)

    entries.sort(key=lambda entry: entry.name)
    return Listing(entries, skipped, open_entry)


def _refuse(member: zipfile.ZipInfo) -> str | None:
    """Why a member of an archive is not read, or None."""
    name = member.filename
    if ".." in PurePosixPath(name).parts or name.startswith("/") or "\\" in name or name[1:2] == ":":
        return "its name leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    if member.flag_bits & 1:
        return "encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed by another method than deflate"
    if member.file_size > MAX_FILE:
        return f"larger than {MAX_FILE >> 20} MiB"
    if member.file_size > 16 << 20 and member.file_size > MAX_RATIO * member.compress_size:
        return f"a zip bomb: it unpacks to more than {MAX_RATIO} times its size"
    return None
