"""Files of a folder or an archive, listed and read with limits. No member is ever extracted to disk."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from ganforge.core.errors import DataError
from ganforge.data.once import Once
from ganforge.data.raw import Skipped

__all__ = ["Entry", "Listing", "UnreadableError", "check_source", "is_archive", "list_files", "printable"]
__all__ += ["FOLDERS", "GIT_LFS", "MAX_FILE", "MAX_TOTAL", "STAND_IN", "leads_out", "listed", "names_in"]
__all__ += ["opener"]

MAX_FILE = 256 << 20  # bytes of one picture file, unpacked
_SMALL = 1 << 14  # bytes of a file that is read at once: readers ask for a few at a time
MAX_RATIO = 200  # of a packed file that is larger than 16 MiB unpacked: no picture packs so well
MAX_TOTAL = 1 << 40  # bytes of an archive, unpacked
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SHARDS = (".parquet", ".arrow")
GIT_LFS = b"version https://git-lfs"
STAND_IN = "a stand-in of Git LFS, which holds no data: git lfs pull brings the file itself"
ARCHIVES = (".zip", *TARS)
# What systems and programs leave among pictures: previews, bins, settings.
_GENERATED = frozenset(
    {"__MACOSX", "@eaDir", "#recycle", "@Recycle", "@Recently-Snapshot", "$RECYCLE.BIN", "RECYCLER"}
    | {"System Volume Information", "lost+found", "__pycache__", "Thumbs.db", "desktop.ini", "Icon\r"}
)
_RUN = "run.json"
FOLDERS = Once("folders")  # walked through, which several parts of one reading ask for
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class UnreadableError(Exception):
    """One file cannot be used; its text says why. It never leaves this room."""


class Entry(NamedTuple):
    """A file: its name from the top, with ``/`` between folders, its size, and a stamp that changes."""

    name: str
    size: int
    stamp: int


@dataclass(frozen=True, eq=False)
class Listing:
    """Files that can be read, and those that are left out for safety.

    ``open`` gives one entry as a file to be closed; it may be called from several threads. It raises
    UnreadableError for what is too large or damaged.

    Attributes:
        notes, warnings: on folders that are passed over: run folders, hidden ones, other programs' own.
        folders: of a folder, all that were walked through, each ending in ``/``; the first is "", itself.
    """

    entries: list[Entry]
    skipped: list[Skipped]
    open: Callable[[Entry], BinaryIO]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


class _Aside:
    """Names that a listing passes over."""

    def __init__(self) -> None:
        self.runs: set[str] = set()
        self.generated: set[str] = set()
        self.empty: set[str] = set()
        self._hidden: set[str] = set()

    def passes(self, name: str, *, folder: bool) -> bool:
        """Whether a file or folder is left aside for its own name; it is kept in mind where it matters."""
        base = name.rpartition("/")[2]
        if base in _GENERATED:
            if folder:
                self.generated.add(base)
            return True
        if not base.startswith("."):
            return False
        if not base.startswith(("._", ".DS_Store")) and (folder or os.path.splitext(base[1:])[1]):
            self._hidden.add(name)
        return True

    def notes(self) -> tuple[str, ...]:
        if not self.generated:
            return ()
        return (f"left aside, since other programs made them: {_few(self.generated)}",)

    def warnings(self) -> tuple[str, ...]:
        said: list[str] = []
        if self._hidden:
            said.append(f"hidden, and so not read: {_few(self._hidden)}; rename what you want to be read")
        if self.empty:
            said.append(f"there is nothing in the folders {_few(self.empty)}; classes need examples")
        if self.runs:
            said.append(f"run folders are no data and are not read: {_few(self.runs)}")
        return tuple(said)


def _few(names: set[str]) -> str:
    shown = ", ".join(printable(name) for name in sorted(names)[:3])
    return shown + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def printable(name: str) -> str:
    """A file's name with what is no valid text, or would move the cursor of a terminal, shown as escapes."""
    plain = name.encode("utf-8", "backslashreplace").decode()
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), plain)


def check_source(path: Path) -> None:
    """Raises DataError for an empty file, a stand-in of Git LFS, and what is no file or folder.

    Reading the latter could wait for ever.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        return  # there is none; whoever reads it says so
    mode = found.st_mode
    if stat.S_ISREG(mode) and not found.st_size:
        raise DataError(f"{path} is empty (0 bytes): save or copy it again")
    if stat.S_ISREG(mode) and found.st_size < 1024:
        with open(path, "rb") as file:
            if file.read(len(GIT_LFS)) == GIT_LFS:
                raise DataError(f"{path} is {STAND_IN}")
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"))
    for is_one, what in (*kinds, (stat.S_ISBLK, "a device")):
        if is_one(mode):
            raise DataError(f"{path} is {what}, not a file; save what comes from it into a file first")


def is_archive(path: Path) -> bool:
    """Whether a path is called as a zip or tar archive is, or is a table of pictures."""
    if path.suffix.lower() in SHARDS and path.is_file():
        from ganforge.data import shards

        return shards.holds_pictures(path)
    return path.name.lower().endswith(ARCHIVES) and not path.is_dir()


def names_in(folder: Path) -> list[str]:
    """The names right in a folder, sorted; of millions none is looked at."""
    return FOLDERS(("names", folder.resolve()), lambda: sorted(os.listdir(folder)))


def list_files(path: Path) -> Listing:
    """The files of a folder or an archive, sorted by name.

    Raises:
        DataError: it is a run folder, or an archive that cannot be read.
    """
    if path.is_dir():
        return FOLDERS(("files", path.resolve()), lambda: _list_folder_or_shards(path))
    if path.suffix.lower() in SHARDS:
        return _list_folder_or_shards(path)
    if path.name.lower().endswith(TARS):
        from ganforge.data.tars import list_tar

        listing = list_tar(path)
        if any(entry.name.endswith(".cls") for entry in listing.entries):  # as WebDataset writes classes
            from ganforge.data import shards

            return shards.of_tars([path])
        return listing
    return list_zip(path)


def _list_folder_or_shards(folder: Path) -> Listing:
    from ganforge.data import shards

    return shards.list_shards(folder) if shards.holds_pictures(folder) else list_folder(folder)


def list_folder(folder: Path) -> Listing:
    """All files below ``folder``; hidden ones, links to folders and run folders are left out."""
    root = folder.resolve()
    if (root / _RUN).is_file():
        raise DataError(f"{folder} is a run folder, not data; to train on: gan train --resume {folder}")
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    aside = _Aside()

    def denied(error: OSError) -> None:
        name = os.path.relpath(str(error.filename), root).replace(os.sep, "/")
        skipped.append(Skipped(printable(name) + "/", f"a folder that cannot be opened: {error.strerror}"))

    # Millions of files: one look at each, and no path is put together for it.
    below = [(str(root), "")]
    walked: list[str] = []
    while below:
        where, inside = below.pop()
        walked.append(inside)
        try:
            with os.scandir(where) as found:
                items = list(found)
        except OSError as error:
            denied(error)
            continue
        if inside and any(item.name == _RUN and not item.is_dir() for item in items):
            aside.runs.add(inside[:-1])
            continue
        if inside and not items:
            aside.empty.add(inside[:-1])
        folders: list[str] = []
        for item in items:
            name = item.name
            link, is_folder = item.is_symlink(), _is_folder(item)
            if (name[0] == "." or name in _GENERATED) and aside.passes(inside + name, folder=is_folder):
                continue
            if is_folder and not link:
                folders.append(name)
                continue
            relative = inside + name
            if link and not Path(os.path.realpath(item.path)).is_relative_to(root):
                skipped.append(Skipped(printable(relative), "a link that leads out of the folder"))
                continue
            try:
                state = item.stat()
            except OSError as error:
                skipped.append(Skipped(printable(relative), f"cannot be opened: {error.strerror}"))
                continue
            if stat.S_ISREG(state.st_mode):
                entries.append(Entry(relative, state.st_size, state.st_mtime_ns))
            elif not stat.S_ISDIR(state.st_mode):  # no pipe or device is ever opened
                skipped.append(Skipped(printable(relative), "no file, but a pipe, a socket or a device"))
        below += [(os.path.join(where, name), f"{inside}{name}/") for name in sorted(folders, reverse=True)]

    entries.sort(key=lambda entry: entry.name)
    return Listing(entries, skipped, opener(root), aside.notes(), aside.warnings(), tuple(walked))


def opener(root: Path) -> Callable[[Entry], BinaryIO]:
    """How files below a folder are opened: see :class:`Listing`."""

    def open_entry(entry: Entry) -> BinaryIO:
        if entry.size > MAX_FILE:
            raise UnreadableError(f"larger than {MAX_FILE >> 20} MiB")
        place = os.path.join(root, entry.name)
        if entry.size > _SMALL:
            return open(place, "rb")
        with open(place, "rb", buffering=0) as file:
            return io.BytesIO(file.read(_SMALL + 1))

    return open_entry


def _is_folder(item: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one."""
    try:
        return item.is_dir()
    except OSError:
        return False


def listed(
    path: Path, entries: Iterable[Entry], skipped: list[Skipped], opened: Callable[[Entry], BinaryIO]
) -> Listing:
    """Members of an archive as a listing: sorted, without what a folder's listing would pass over.

    Raises:
        DataError: it would unpack beyond measure, or is a packed run folder.
    """
    entries = list(entries)
    if sum(entry.size for entry in entries) > MAX_TOTAL:
        raise DataError(f"{path} would unpack to more than {MAX_TOTAL >> 30:,} GiB; it is not read")
    aside = _Aside()
    if any(entry.name == _RUN for entry in entries):
        raise DataError(f"{path} is a packed run folder, not data")
    aside.runs |= {entry.name.rpartition("/")[0] for entry in entries if entry.name.endswith(f"/{_RUN}")}
    kept: list[Entry] = []
    for entry in entries:
        parts = entry.name.split("/")
        above = ["/".join(parts[: i + 1]) for i in range(len(parts) - 1)]
        passed = any(name in aside.runs or aside.passes(name, folder=True) for name in above)
        if not passed and not aside.passes(entry.name, folder=False):
            kept.append(entry)
    kept.sort(key=lambda entry: entry.name)
    return Listing(kept, skipped, opened, aside.notes(), aside.warnings())


def list_zip(path: Path) -> Listing:
    """The members of a zip archive, sorted by name. DataError where it is none, or too large unpacked."""
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    # Damaged directories raise nearly anything: struct's errors, UnicodeDecodeError, NotImplementedError.
    except Exception as error:
        if isinstance(error, PermissionError):
            raise
        raise DataError(f"{path} {_no_zip(path, error)}") from None
    skipped: list[Skipped] = []
    members: dict[str, zipfile.ZipInfo] = {}
    for member in infos:
        name = member.filename.replace("\\", "/")  # as some programs of Windows part folders
        if name.endswith("/"):
            continue
        reason = _refuse(member, name)
        if reason is not None:
            skipped.append(Skipped(printable(member.filename) or "a member without a name", reason))
        else:
            members[name] = member

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
            ValueError,
        ) as error:
            raise UnreadableError(f"damaged in the archive ({error})") from None
        if len(content) != entry.size:
            raise UnreadableError("damaged in the archive (its size is not as stated)")
        return io.BytesIO(content)

    entries = (Entry(name, member.file_size, member.CRC) for name, member in members.items())
    return listed(path, entries, skipped, open_entry)


def _no_zip(path: Path, error: Exception) -> str:
    """What a file is that is called .zip and cannot be opened as such, and what to do."""
    with open(path, "rb") as file:
        start = file.read(512)
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "is a web page, not a zip archive: the download gave an answer in place of the file"
    if start.startswith((b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b")):
        return "is an archive of another kind than zip: unpack it, and give the folder"
    if start.startswith(b"PK\x03\x04"):
        return f"is a zip archive that breaks off or is damaged ({error}); download or copy it again"
    return f"is not a readable zip archive ({error}); pack it again"


def leads_out(name: str) -> bool:
    """Whether a member's name would be written elsewhere than below its archive."""
    return ".." in PurePosixPath(name).parts or name.startswith("/") or "\\" in name or name[1:2] == ":"


def _refuse(member: zipfile.ZipInfo, name: str) -> str | None:
    """Why a member of an archive, with / between folders, is not read, or None."""
    if not name or leads_out(name):
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
