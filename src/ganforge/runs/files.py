"""Files that are there whole or not at all, and show by themselves whether they are as they were written.

JSON files carry ``own_sha256``, a checksum of all their other fields, and each line of a log ``crc32``, one
of what stands before it (of tensors: ``runs.tensors``). What has none was written by an earlier ganforge, or
by hand, and is taken as it is.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import shutil
import warnings
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any, cast

from ganforge.core.errors import DamageWarning, MachineError, RunError

__all__ = [
    "append_line",
    "damaged_lines",
    "encoded",
    "machine_faults",
    "parse_line",
    "read_lines",
    "read_sealed",
    "sealed",
    "sha256",
    "unsealed",
    "write_atomically",
    "write_folder",
]

_SEAL = "own_sha256"
_TICK: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("nimg", "rounds", "refused", "since_rounds", "since_refused", "growth"), int),
    **dict.fromkeys(("seconds", "progress"), (int, float, NoneType)),
    **dict.fromkeys(("examination", "since"), dict),
}
_LINES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "log.jsonl": lambda record: (
        "nimg" in record
        and "event" not in record
        and all(isinstance(record[name], kind) for name, kind in _TICK.items() if name in record)
    ),
    "events.jsonl": lambda record: isinstance(record.get("event"), str),
}
"""What a record must have to be a line of a file of this name."""
_LINE_SEAL = re.compile(rb'(?:, )?"crc32": "([0-9a-f]{8})"\}$')


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
    if os.name == "nt":  # where folders cannot be opened, and a rename is on the disk when it returns
        return
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


def encoded(text: str) -> bytes:
    """UTF-8. Of a path that is not, characters that no text may have become ``\\\\udc…``, as in JSON."""
    return text.encode(errors="backslashreplace")


def write_atomically(path: Path, content: bytes | str, *, lasting: bool = True) -> None:
    """Write ``path`` so that a reader sees the old content or the new one, also after a power cut.

    What is not ``lasting`` is not waited for until the disk has it: a power cut may then lose or cut it.

    Raises MachineError where the disk is full or refuses.
    """
    data = encoded(content) if isinstance(content, str) else content
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


# -- JSON with a checksum of its own ------------------------------------------------------------------


def _own(record: Mapping[str, Any]) -> str:
    return sha256(json.dumps(record, sort_keys=True).encode())


def sealed(record: Mapping[str, Any]) -> str:
    """JSON text of ``record`` with a checksum of its own."""
    # Tuples and keys that are numbers are others when they are read: the checksum is of what will be read.
    fields = json.loads(json.dumps(record))
    return json.dumps({**fields, _SEAL: _own(fields)}, indent=1, ensure_ascii=False)


def read_sealed(path: Path) -> tuple[dict[str, Any], bool | None]:
    """A JSON file, and whether it is as it was written; None where it has no checksum.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no JSON object.
    """
    try:
        record = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("brackets without end") from None
    if not isinstance(record, dict):
        raise ValueError("it holds no JSON object")
    fields = cast(dict[str, Any], record)
    return fields, unsealed(fields)


def unsealed(fields: dict[str, Any]) -> bool | None:
    """Take the checksum out of what :func:`sealed` wrote: whether it matches; None where there is none."""
    seal = fields.pop(_SEAL, None)
    return None if seal is None else seal == _own(fields)


# -- logs: a JSON object a line -----------------------------------------------------------------------


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line. A line is written by one call, so a reader never sees two mixed.

    What a full disk or a kill cut short stays a line of its own, which readers leave out.

    Numbers that are not finite become null, because JSON has none.
    """
    line = encoded(json.dumps(_finite(record), allow_nan=False, ensure_ascii=False))
    line = line[:-1] + b', "crc32": "%08x"}\n' % zlib.crc32(line)
    with machine_faults(path), open(path, "ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read() == b"\n" else b"\n" + line
        file.write(line)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def parse_line(line: bytes) -> dict[str, Any] | str:
    """A line's record, or what is wrong with the line."""
    line = line.strip()
    seal = _LINE_SEAL.search(line)
    if seal is not None:
        crc, line = int(seal[1], 16), line[: seal.start()] + b"}"
        if crc != zlib.crc32(line):
            return "its checksum does not match"
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return "it is cut, or no JSON"
    return cast(dict[str, Any], record) if isinstance(record, dict) else "it is no JSON object"


def _lines(path: Path) -> list[dict[str, Any] | str]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    fits = _LINES.get(path.name, lambda _: True)
    found = [parse_line(line) for line in content.split(b"\n") if line.strip()]
    return [line if isinstance(line, str) or fits(line) else f"it is none of {path.name}" for line in found]


def damaged_lines(path: Path) -> list[tuple[int, str]]:
    """Number, from 1, and fault of each line that cannot be read; empty lines are not counted."""
    return [(i, what) for i, what in enumerate(_lines(path), 1) if isinstance(what, str)]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of ``path``; empty where there is no file.

    A line that is cut, damaged or of another file is left out, with a :class:`DamageWarning`. Raises RunError
    where the file cannot be read.
    """
    try:
        found = _lines(path)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror})") from None
    faults = [(i, what) for i, what in enumerate(found, 1) if isinstance(what, str)]
    if faults:
        first, what = faults[0]
        many = "a line is damaged and left out" if len(faults) == 1 else f"{len(faults)} lines are left out"
        warnings.warn(f"{path}: {many} (line {first}: {what})", DamageWarning, stacklevel=2)
    return [record for record in found if not isinstance(record, str)]
