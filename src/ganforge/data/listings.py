"""Listings of folders of very many files, kept beside the cache, so that a warm start looks at few of them.

A folder's own date changes whenever a file in it is added, removed, renamed or replaced by another. What it
does not tell is a file that was written over in its place: of those, some of every listing are looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ganforge.data.files import FOLDERS, Entry, Listing, list_files, opener

__all__ = ["forget", "list_again"]

_MANY = 20_000  # files, below which each is looked at
_LOOKED_AT = 1_000  # of more files
_SETTLED = 2 * 10**9  # nanoseconds, after which another change of a folder has another date


def list_again(path: Path, cache: Path) -> None:
    """Have the files of a folder at hand for the reading that is going on, from ``cache`` where they are.

    A listing of many files that had to be made is kept there.
    """
    if not path.is_dir():
        return
    root, kept = path.resolve(), _place(path, cache)
    listing = _kept(root, kept)
    if listing is not None:
        FOLDERS(("files", root), lambda: listing)
        return
    before = time.time_ns()
    listing = list_files(path)
    if len(listing.entries) < _MANY or not listing.folders or listing.skipped:
        return
    dates = _dates(root, listing.folders)
    # What is changed while it is listed may keep its date.
    if dates is None or max(dates) > before - _SETTLED:
        return
    names, sizes, stamps = zip(*listing.entries, strict=True)
    found = {"names": names, "sizes": sizes, "stamps": stamps, "notes": listing.notes}
    found |= {"warnings": listing.warnings, "folders": listing.folders, "dates": dates}
    beside = kept.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # it is made again the next time
        beside.write_text(json.dumps(found), "utf-8")
        os.replace(beside, kept)


def forget(cache: Path, older: float = 0.0) -> None:
    """Remove the listings that are older than so many seconds."""
    for file in cache.glob("listing-*"):
        with suppress(OSError):
            if time.time() - file.stat().st_mtime >= older:
                file.unlink()


def _place(path: Path, cache: Path) -> Path:
    return cache / f"listing-{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.json"


def _kept(root: Path, file: Path) -> Listing | None:
    """The listing as it was kept; None where there is none, or it is true no more."""
    try:
        found = json.loads(file.read_text("utf-8"))
        if _dates(root, found["folders"]) != found["dates"]:
            return None
        entries = list(map(Entry, found["names"], found["sizes"], found["stamps"]))
        for entry in entries[:: max(1, len(entries) // _LOOKED_AT)]:
            state = os.stat(os.path.join(root, entry.name))
            if (state.st_size, state.st_mtime_ns) != (entry.size, entry.stamp):
                return None
        os.utime(file)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    words = (tuple(found["notes"]), tuple(found["warnings"]))
    return Listing(entries, [], opener(root), *words, folders=tuple(found["folders"]))


def _dates(root: Path, folders: Sequence[str]) -> list[int] | None:
    """When each folder was changed last, in nanoseconds; None where one is there no more."""
    try:
        return [os.stat(os.path.join(root, name)).st_mtime_ns for name in folders]
    except OSError:
        return None
