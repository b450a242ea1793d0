"""Data at an address, as in ``s3://bucket/photos`` or ``hf://datasets/USER/NAME``, fetched by fsspec.

A file is fetched into the cache once, and again where its size or mark there has changed; what is gone there
goes here, too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ganforge.core.errors import DataError
from ganforge.data.cache import cache_folder, disk_errors
from ganforge.data.files import leads_out, printable

__all__ = ["fetched", "is_address"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://.")
_PACKAGES = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "hf": "huggingface_hub",
    "http": "aiohttp",
    "https": "aiohttp",
    "abfs": "adlfs",
    "az": "adlfs",
}
_MARKS = ("ETag", "etag", "md5Hash", "oid", "blob_id", "LastModified", "last_modified", "mtime", "created")


def is_address(what: str | Path) -> bool:
    """Whether data are named by an address and not by a path."""
    return isinstance(what, str) and _ADDRESS.match(what) is not None


def fetched(address: str) -> Path:
    """The file or folder at an address, here.

    Raises:
        DataError: there is nothing, it cannot be reached, or a package is missing.
        MachineError: the disk is full.
    """
    scheme = address.partition("://")[0].lower()
    try:
        from fsspec.core import url_to_fs  # pyright: ignore[reportMissingImports]

        system, place = url_to_fs(address)
        infos = _infos(system, place)
    except ImportError:
        package = _PACKAGES.get(scheme, "fsspec")
        raise DataError(f"{scheme}:// needs one more package: pip install {package}") from None
    except FileNotFoundError:
        raise DataError(f"there is nothing at {address}") from None
    except Exception as error:  # of any client
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{address} cannot be reached ({words})") from None
    cache = cache_folder()
    folder = cache / "fetched" / hashlib.sha256(address.encode()).hexdigest()[:16]
    target = folder / (place.rstrip("/").rpartition("/")[2] or "data")
    folder.mkdir(parents=True, exist_ok=True)
    known = _known(folder / "marks.json")
    marks = {name: _mark(info) for name, (_, info) in infos.items()}
    with disk_errors(cache):
        for name, (source, _) in infos.items():
            here = target / name if name else target
            if here.is_file() and known.get(name) == marks[name]:
                continue
            here.parent.mkdir(parents=True, exist_ok=True)
            _fetch(system, source, here, address)
        for name in known.keys() - marks.keys():
            (target / name).unlink(missing_ok=True)
        (folder / "marks.json").write_text(json.dumps(marks), "utf-8")
    return target


def _infos(system: Any, place: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each file by its name below the address, ``""`` for a single one: its place, and what is said of it."""
    if system.isfile(place):
        return {"": (place, system.info(place))}
    root = place.rstrip("/") + "/"
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for path, info in system.find(place, detail=True).items():
        name = str(path).removeprefix(root)
        if not leads_out(name) and ":" not in name:
            found[name] = str(path), info
    if not found:
        raise FileNotFoundError(place)
    return found


def _mark(info: dict[str, Any]) -> str:
    """What changes when the file does."""
    return " ".join(str(info[name]) for name in ("size", *_MARKS) if info.get(name) is not None)


def _known(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _fetch(system: Any, source: str, here: Path, address: str) -> None:
    """One file, whole or not at all."""
    handle, partial = tempfile.mkstemp(prefix=".fetching-", dir=here.parent)
    try:
        try:
            with system.open(source, "rb") as there, os.fdopen(handle, "wb") as file:
                shutil.copyfileobj(there, file, 1 << 22)
        except OSError as error:
            if error.errno is not None and error.filename is None:
                raise  # of this disk
            raise DataError(f"{printable(source)} of {address} could not be fetched ({error})") from None
        os.replace(partial, here)
    finally:
        Path(partial).unlink(missing_ok=True)
