"""Decoded examples on disk: written once, checksummed, read as memory maps.

::

    <cache>/<key>/
      examples.npy    uint8, float32 or float64 (N, *shape), in the order of the split
      labels.npy      int64 (N,), where there are labels
      inputs.npy      uint8 or float32 (N, *its shape), where there are pairs
      rows.npy        float32 (N, C), where there are labels or numbers beside a class
      texts.json      a list of captions for each example, where there are captions
      order.npy       int64 (N, 2): number in the source, and group of exact duplicates
      manifest.json   what the source was, what was found, size and SHA-256 of each file

A folder appears whole or not at all: it is written under another name, synced, and renamed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ganforge.core.errors import MachineError
from ganforge.data.raw import HEADER

__all__ = ["FORMAT", "OLD", "Decoded", "InPlace", "Large", "Stored", "cache_folder", "disk_errors"]
__all__ += ["read_stored", "scratch_folder", "write_stored"]
__all__ += ["entries", "prune"]

FORMAT = 10  # of the folder above; another number is another key
_WHOLE = 200 << 20  # bytes up to which a file is checked whole at every load
_SAMPLES, _SAMPLE = 64, 1 << 16  # else: so many pieces, of so many bytes
OLD = 90 * 86_400  # seconds after which nobody is expected to ask for an entry again
_MOST = 50 << 30  # bytes of all entries together
_STRAY = 86_400  # seconds after which a temporary folder belongs to a process that was killed


@dataclass(frozen=True, eq=False)
class Large:
    """An array to be written piece by piece: its rows in chunks, its whole shape, and its type."""

    chunks: Iterable[np.ndarray]
    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True, eq=False)
class InPlace:
    """An array whose file lies in the scratch folder already, ``HEADER`` bytes and then its rows.

    Attributes:
        file: it is changed and moved, so that no second copy takes room on the disk.
        finish: rows of ``before`` ``(N, …)`` to those that are kept, which take no more bytes; None keeps
            them as they are.
        order: ``(N,)`` the rows in their new order.
        shape, dtype: of the whole that is kept.
    """

    file: Path
    before: np.ndarray
    finish: Callable[[np.ndarray], np.ndarray] | None
    order: np.ndarray
    shape: tuple[int, ...]
    dtype: np.dtype


def _settle(array: InPlace) -> None:
    """Make a spooled file the .npy file that it shall be."""
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    with open(array.file, "r+b") as file:
        if array.finish is not None:
            step = max(1, (16 << 20) // max(1, array.before[:1].nbytes))
            for start in range(0, len(array.before), step):
                # A copy: what is written reaches no further than what has been read.
                rows = array.finish(np.array(array.before[start : start + step]))
                file.seek(HEADER + start * row)
                file.write(np.ascontiguousarray(rows, array.dtype).tobytes())
            file.truncate(HEADER + len(array.order) * row)
        file.flush()
        _reorder(file.fileno(), row, array.order.tolist())
        file.seek(0)
        _write_header(file, array)
        assert file.tell() == HEADER


def _reorder(handle: int, row: int, order: list[int]) -> None:
    """Rows of a file in a new order, in place, along the cycles of the permutation.

    Read and written, not stored through a memory map: a full disk must raise, not kill.
    """
    done = bytearray(len(order))
    for first in range(len(order)):
        if done[first] or order[first] == first:
            continue
        held, at = os.pread(handle, row, HEADER + first * row), first
        while (source := order[at]) != first:
            os.pwrite(handle, os.pread(handle, row, HEADER + source * row), HEADER + at * row)
            done[at], at = 1, source
        os.pwrite(handle, held, HEADER + at * row)
        done[at] = 1


def _write_header(file: BinaryIO, array: Large | InPlace) -> None:
    kind = np.lib.format.dtype_to_descr(array.dtype)
    header = {"descr": kind, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, header)


@dataclass(frozen=True, eq=False)
class Stored:
    """Examples in the order of the split: exact duplicates lie together.

    Attributes:
        values: ``(N, *shape)`` in declared units.
        labels: ``(N,)`` int64, or None.
        origin: ``(N,)`` int64, the example's number in the source.
        group: ``(N,)`` int64, equal for exact duplicates.
        inputs: ``(N, *its shape)`` in declared units, of pairs; or None.
        rows: ``(N, C)`` float32 labels or numbers, or None.
        texts: captions of each example, or None.
        meta: kind, shape, classes, columns, scan and fingerprint, as plain data.
    """

    values: np.ndarray
    labels: np.ndarray | None
    origin: np.ndarray
    group: np.ndarray
    meta: dict[str, Any]
    inputs: np.ndarray | None = None
    rows: np.ndarray | None = None
    texts: list[list[str]] | None = None


def cache_folder(wish: Path | None = None) -> Path:
    """``wish``, else $GANFORGE_CACHE, else the user's cache of this system, else a temporary folder.

    Raises:
        MachineError: a folder that was asked for cannot be written.
    """
    chosen = wish or (Path(os.environ["GANFORGE_CACHE"]) if os.environ.get("GANFORGE_CACHE") else None)
    if chosen is not None:
        if _writable(chosen):
            return chosen
        raise MachineError(f"the cache folder {chosen} cannot be written; name another with GANFORGE_CACHE")
    home = _users_own()
    if _writable(home):
        return home
    # Where users have no numbers, each has a temporary folder of its own.
    user = getattr(os, "getuid", lambda: None)()
    shared = Path(tempfile.gettempdir()) / ("ganforge-cache" if user is None else f"ganforge-cache-{user}")
    if _writable(shared) and user in (None, shared.stat().st_uid) and not shared.is_symlink():
        return shared
    return Path(tempfile.mkdtemp(prefix="ganforge-cache-"))  # another user has taken that name


def _users_own() -> Path:
    """Where this system keeps a user's caches."""
    try:
        from platformdirs import user_cache_dir
    except ImportError:  # it needs users with numbers, which not every system has
        return Path("~/.cache/ganforge").expanduser()
    return Path(user_cache_dir("ganforge", appauthor=False))


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def disk_errors(folder: Path):
    """Turn a full disk into a MachineError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(
                f"the disk of {folder} is full; free space there or name another folder with GANFORGE_CACHE"
            ) from None
        raise


@contextmanager
def scratch_folder(cache: Path):
    """A temporary folder inside ``cache``, removed afterwards; killed processes' old ones are removed too."""
    for stray in cache.glob(".writing-*"):
        if time.time() - stray.stat().st_mtime > _STRAY:
            shutil.rmtree(stray, ignore_errors=True)
    with disk_errors(cache):
        folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=cache))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Decoded:
    """Decoded examples in the cache.

    Attributes:
        folder: theirs.
        source: the path that they come from.
        count: how many they are.
        size: bytes.
        used: when they were last asked for, in seconds since 1970.
    """

    folder: Path
    source: str
    count: int
    size: int
    used: float

    def clear(self) -> None:
        """Remove it. Whoever reads it at the moment keeps what is mapped, where the system allows that."""
        shutil.rmtree(self.folder, ignore_errors=True)


def entries(cache: Path) -> list[Decoded]:
    """What lies decoded in a cache, the last used first."""
    found: list[Decoded] = []
    for path in cache.glob("*/manifest.json"):
        try:
            manifest = json.loads(path.read_text("utf-8"))
            size = sum(file.stat().st_size for file in path.parent.iterdir())
            used = path.stat().st_mtime
            source, count = str(manifest.get("place") or manifest["source"]), int(manifest["scan"]["count"])
        except (OSError, ValueError, KeyError, TypeError):  # written or removed meanwhile, or none of ours
            continue
        if not path.parent.name.startswith("."):
            found.append(Decoded(path.parent, source, count, size, used))
    return sorted(found, key=lambda entry: -entry.used)


def prune(cache: Path) -> None:
    """Remove what nobody has asked for in 90 days, and beyond 50 GB what has not been for longest.

    What was used within a day stays: another process may read it.
    """
    now, whole = time.time(), 0
    for entry in entries(cache):
        whole += entry.size
        age = now - entry.used
        if age > OLD or (whole > _MOST and age > _STRAY):
            entry.clear()


def _digests(path: Path) -> dict[str, Any]:
    """Size, SHA-256 of the whole, and of evenly spread pieces."""
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 22):
            whole.update(piece)
        return {"size": file.tell(), "sha256": whole.hexdigest(), "sampled": _sampled(file)}


def _sampled(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    digest = hashlib.sha256()
    for i in range(_SAMPLES):
        file.seek((size - _SAMPLE) * i // (_SAMPLES - 1) if size > _SAMPLE else 0)
        digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def _intact(path: Path, expected: dict[str, Any]) -> bool:
    try:
        if path.stat().st_size != expected["size"]:
            return False
        if expected["size"] <= _WHOLE:
            return _digests(path)["sha256"] == expected["sha256"]
        with open(path, "rb") as file:
            return _sampled(file) == expected["sampled"]
    except OSError:
        return False


def _sync(path: Path) -> None:
    if os.name == "nt":  # where folders cannot be opened
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_stored(
    cache: Path,
    name: str,
    *,
    scratch: Path,
    large: dict[str, Large | InPlace],
    small: dict[str, np.ndarray | None],
    texts: list[list[str]] | None,
    meta: dict[str, Any],
) -> None:
    """Write the folder ``cache/name``: arrays that come in chunks, arrays that are at hand, and captions.

    Raises:
        MachineError: the disk is full.
    """
    folder = scratch / "whole"
    folder.mkdir()
    for part, array in large.items():
        if isinstance(array, InPlace):
            _settle(array)
            os.rename(array.file, folder / f"{part}.npy")
            continue
        with open(folder / f"{part}.npy", "wb") as file:
            _write_header(file, array)
            for chunk in array.chunks:
                # Written, not stored through a memory map: a full disk must raise, not kill.
                file.write(np.ascontiguousarray(chunk, array.dtype).tobytes())
    for part, values in small.items():
        if values is not None:
            np.save(folder / f"{part}.npy", values, allow_pickle=False)
    if texts is not None:
        (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
    files = {path.name: _digests(path) for path in sorted(folder.iterdir())}
    content = hashlib.sha256(
        "".join(digest["sha256"] for name, digest in files.items() if name != "order.npy").encode()
    )
    manifest = {"format": FORMAT, "files": files, **meta, "fingerprint": content.hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), "utf-8")
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)
    target = cache / name
    if target.exists():  # damaged, or written by another process meanwhile
        os.rename(target, scratch / "former")
    try:
        os.rename(folder, target)
    except OSError:
        if not target.exists():
            raise
    _sync(cache)


def read_stored(cache: Path, name: str) -> Stored | None:
    """The folder ``cache/name`` as memory maps, or None where it is missing or damaged."""
    folder = cache / name
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        if not all(_intact(folder / file, expected) for file, expected in manifest["files"].items()):
            return None
        values = np.load(folder / "examples.npy", mmap_mode="r", allow_pickle=False)
        order = np.load(folder / "order.npy", allow_pickle=False)
        more: dict[str, Any] = {"labels": None, "inputs": None, "rows": None, "texts": None}
        for part in ("labels", "rows"):
            if f"{part}.npy" in manifest["files"]:
                more[part] = np.load(folder / f"{part}.npy", allow_pickle=False)
        if "inputs.npy" in manifest["files"]:
            more["inputs"] = np.load(folder / "inputs.npy", mmap_mode="r", allow_pickle=False)
        if "texts.json" in manifest["files"]:
            more["texts"] = json.loads((folder / "texts.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    with suppress(OSError):  # of another user's
        os.utime(folder / "manifest.json")
    return Stored(values, origin=order[:, 0].copy(), group=order[:, 1].copy(), meta=manifest, **more)
