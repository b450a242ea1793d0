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
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ganforge.core.errors import MachineError

__all__ = ["FORMAT", "Large", "Stored", "cache_folder", "disk_errors"]
__all__ += ["read_stored", "scratch_folder", "write_stored"]

FORMAT = 9  # of the folder above; another number is another key
_WHOLE = 200 << 20  # bytes up to which a file is checked whole at every load
_SAMPLES, _SAMPLE = 64, 1 << 16  # else: so many pieces, of so many bytes
_STRAY = 86_400  # seconds after which a temporary folder belongs to a process that was killed


@dataclass(frozen=True, eq=False)
class Large:
    """An array to be written piece by piece: its rows in chunks, its whole shape, and its type."""

    chunks: Iterable[np.ndarray]
    shape: tuple[int, ...]
    dtype: np.dtype


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
    asked = wish or (Path(os.environ["GANFORGE_CACHE"]) if os.environ.get("GANFORGE_CACHE") else None)
    if asked is not None:
        if _writable(asked):
            return asked
        raise MachineError(f"the cache folder {asked} cannot be written; name another with GANFORGE_CACHE")
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
    large: dict[str, Large],
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
        with open(folder / f"{part}.npy", "wb") as file:
            kind = np.lib.format.dtype_to_descr(array.dtype)
            header = {"descr": kind, "fortran_order": False, "shape": array.shape}
            np.lib.format.write_array_header_1_0(file, header)
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
    return Stored(values, origin=order[:, 0].copy(), group=order[:, 1].copy(), meta=manifest, **more)
