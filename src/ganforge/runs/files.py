"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganforge.core.errors import MachineError

__all__ = ["append_line", "machine_faults", "read_lines", "sha256", "write_atomically", "write_folder"]


@contextmanager
def machine_faults(path: Path) -> Generator[None]:
    """Turn the operating system's refusals to write into a :class:`MachineError` that names the fix."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(
                f"the disk is full: could not write {path}; what was saved before is intact. "
                "Free some space and do it again; a training goes on with gan train --resume"
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOENT):
            raise MachineError(
                f"cannot write {path}: {error.strerror}; choose another place for it"
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            raise MachineError(
                f"cannot write {path}: {error.filename or path} is in the way ({error.strerror}); "
                "choose another place for it"
            ) from error
        if error.errno == errno.ENAMETOOLONG:
            raise MachineError(f"the path is too long: {path}; choose a shorter one") from error
        raise


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, content: bytes, *, lasting: bool = True) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        if lasting:
            os.fsync(file.fileno())


def write_atomically(path: Path, content: bytes | str, *, lasting: bool = True) -> None:
    """Write ``path`` so that a reader sees the old content or the new one, also after a power cut.

    What is not ``lasting`` is not waited for until the disk has it: a power cut may then lose or cut it.

    Raises MachineError where the disk is full or refuses.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.parent / f".tmp-{os.getpid()}-{path.name}"
    with machine_faults(path):
        try:
            _write(temporary, data, lasting=lasting)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if lasting:
            _fsync_folder(path.parent)


def write_folder(path: Path, files: dict[str, bytes]) -> None:
    """Write a folder of ``files`` whole or not at all: a temporary folder, fsync, rename, fsync.

    Raises MachineError where the disk is full or refuses; nothing is left behind then.
    """
    temporary = path.parent / f".tmp-{os.getpid()}-{path.name}"
    with machine_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            for name, content in files.items():
                _write(temporary / name, content)
            _fsync_folder(temporary)
            os.rename(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _fsync_folder(path.parent)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line. A line is written by one call, so a reader never sees two mixed.

    What a full disk or a kill cut short stays a line of its own, which readers leave out.

    Numbers that are not finite become null, because JSON has none.
    """
    line = json.dumps(_finite(record), allow_nan=False, ensure_ascii=False) + "\n"
    with machine_faults(path), open(path, "ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read() == b"\n" else "\n" + line
        file.write(line.encode())


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of ``path``; a line that is cut or damaged is left out. Empty where there is no file."""
    records: list[dict[str, Any]] = []
    if not path.is_file():
        return records
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records
