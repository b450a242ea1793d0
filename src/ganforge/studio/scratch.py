"""A folder for what lives as long as the studio does; what studios that died have left behind goes first."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["Scratch"]

_NAME, _BEGUN = "ganforge-studio-", "ganforge-begun-"
_LOCK = ".lock"
_OLD = 3600.0  # seconds after which a folder without a lock is nobody's


class Scratch:
    """A folder in the system's place for temporary files, locked while this process lives.

    All that the studio and its workers write for a while lies in it, so that it can go as a whole.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock: FileLock | None = None

    @property
    def folder(self) -> Path:
        """The folder, made when it is first asked for; then the folders of dead studios are removed."""
        if self._folder is None:
            place = Path(tempfile.gettempdir())
            _sweep(place)
            begun = Path(tempfile.mkdtemp(prefix=_BEGUN, dir=place))
            self._lock = FileLock(begun / _LOCK)
            self._lock.acquire(timeout=0)
            # Only now it has the name that others look for: whoever finds it finds it locked.
            self._folder = begun.rename(place / begun.name.replace(_BEGUN, _NAME))
        return self._folder

    def close(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
        self._folder = self._lock = None


def _sweep(place: Path) -> None:
    for folder in [*place.glob(f"{_NAME}*"), *place.glob(f"{_BEGUN}*")]:
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether it is one of this user's, and its process has died."""
    try:
        found = folder.lstat()
        own = getattr(os, "getuid", None)  # Windows has no such numbers
        mine = own is None or found.st_uid == own()
        if folder.is_symlink() or not folder.is_dir() or not mine:
            return False
        if not (folder / _LOCK).is_file():
            return time.time() - found.st_mtime > _OLD
        with FileLock(folder / _LOCK, timeout=0):
            return True
    except (OSError, Timeout):
        return False
