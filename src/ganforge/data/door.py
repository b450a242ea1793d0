"""The door: any source to a :class:`Dataset`, by way of one pass, one report and one cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.core.draw import permutation
from ganforge.core.errors import DataError, nearest
from ganforge.core.space import Space
from ganforge.data import builtin
from ganforge.data import cache as caches
from ganforge.data.arrays import read_arrays
from ganforge.data.cache import Stored
from ganforge.data.dataset import Dataset, Examples
from ganforge.data.duplicates import find_duplicates
from ganforge.data.idx import find_images, is_idx, labels_beside, read_idx
from ganforge.data.pictures import SUFFIXES, list_pictures, read_pictures
from ganforge.data.pixels import check_size
from ganforge.data.raw import Progress, Raw
from ganforge.data.report import Scan, make_scan
from ganforge.data.tables import read_table

__all__ = ["load", "scan", "usual_share"]

_DEAR = 1_000  # examples, up to which a tenth is all that can be spared
_ENOUGH = 500  # examples held out, with which copying can be told from chance
SPLIT_SEED = 0x5EED  # the same split for every run: their scores on held-out examples compare
MOST_HELD_OUT = 10_000
_HASHED = 256 << 20  # bytes up to which one source file is known by its content, not its date
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def load(
    what: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    standardise: bool = True,
    held_out: float | None = None,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read a source, from its cache where it was read before.

    Args:
        what: a built-in name, or the path of a folder or zip of pictures, an IDX, .npy, .npz or .csv file.
            A text that is a built-in name means that; write ``./digits`` as a Path for a folder so named.
        size: of pictures, ``(width, height)`` or the side of a square; inferred by default.
        channels: of pictures, 1, 3 or 4; inferred by default.
        standardise: give points' mean and deviation (of the training part) to the space.
        held_out: share that no game sees: at least 1 and at most 10,000 examples, if there are more than 10.
            None is a tenth, and of more than 1,000 examples 500 if that is more, up to a quarter. The same
            examples in every run; exact duplicates of a picture lie on one side.
        seed: of built-in points; it does not touch the split.
        cache: folder for decoded examples; by default $GANFORGE_CACHE or ~/.cache/ganforge.
        progress: called with (done, all) while files are read.

    Raises:
        DataError: there is nothing usable there, or more than 5 % of the files are bad.
        MachineError: the cache's disk is full, or its folder cannot be written.
    """
    if held_out is not None and not 0 <= held_out < 1:
        raise DataError(f"held_out is {held_out}; it must be at least 0 and less than 1")
    stored, words = _stored(what, size, channels, seed, cache, progress)
    found = Scan.from_json(stored.meta["scan"])
    if found.too_many_bad:
        first = "; ".join(f"{file.name}: {file.reason}" for file in found.skipped[:3])
        raise DataError(
            f"{len(found.skipped)} of {len(found.skipped) + found.count} files of {what} are bad, more than"
            f" 5 % ({first}); remove or mend them: gan data {what} lists them"
        )
    share = usual_share(len(stored.values)) if held_out is None else held_out
    return _split(stored, found, standardise=standardise, held_out=share, words=words)


def scan(
    what: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Report on a source. It is decoded on the way, so that a later :func:`load` is quick.

    Raises:
        DataError: there is nothing usable there. Many bad files are reported, not raised.
        MachineError: as :func:`load`.
    """
    stored, _ = _stored(what, size, channels, seed, cache, progress)
    return Scan.from_json(stored.meta["scan"])


def _stored(
    what: str | Path,
    size: int | tuple[int, int] | None,
    channels: int | None,
    seed: int,
    cache: Path | None,
    progress: Progress | None,
) -> tuple[Stored, list[str]]:
    """The decoded examples, from the cache where it has them, and words on what was done."""
    wide = check_size(size)
    if channels not in (None, 1, 3, 4):
        raise DataError(f"channels is {channels}; it can be 1 (grey), 3 (RGB) or 4 (RGBA)")
    if isinstance(what, str) and what in builtin.NAMES:
        raw = builtin.read_builtin(what, seed=seed, size=wide, channels=channels)
        return _keep_in_memory(what, raw), []
    path = Path(what).expanduser()
    try:
        there = path.exists()
    except OSError:  # a name that is too long
        there = False
    if not there:
        raise DataError(_missing(str(what), path))
    folder = caches.cache_folder(cache)
    try:
        return _through_cache(path, wide, channels, folder, progress)
    except PermissionError as error:
        raise DataError(f"{error.filename or path} may not be read by you; change its permissions") from None


def _through_cache(
    path: Path,
    wide: tuple[int, int] | None,
    channels: int | None,
    folder: Path,
    progress: Progress | None,
) -> tuple[Stored, list[str]]:
    """A file's or folder's examples by way of the cache ``folder``, and words on what was done."""
    name = _key(path, wide, channels)
    stored = caches.read_stored(folder, name)
    if stored is not None:
        return stored, []
    words = ["the cache was damaged and has been made anew"] if (folder / name).exists() else []
    with caches.scratch_folder(folder) as scratch:
        raw = _read(path, wide, channels, scratch / "pixels", progress)
        meta, order, group = _describe(str(path), raw)
        caches.write_stored(
            folder,
            name,
            scratch=scratch,
            chunks=_gather(raw, order),
            shape=(raw.n, *raw.shape),
            dtype=raw.dtype,
            labels=None if raw.labels is None else raw.labels[order],
            order=np.stack([order, group[order]], axis=1),
            meta=meta,
        )
        del raw  # its memory map lies in the scratch folder
    stored = caches.read_stored(folder, name)
    if stored is None:
        raise DataError(f"the cache {folder / name} was changed while it was written; run it again")
    return stored, words


def _missing(what: str, path: Path) -> str:
    """No such path: with the nearest built-in name or neighbour."""
    try:
        beside = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    except OSError:
        beside = []
    hint = nearest(path.name, [*beside, *builtin.NAMES]) if len(what) < 200 else ""
    return f"there is no {what[:200]!r}: neither a path nor one of {', '.join(builtin.NAMES)}.{hint}"


def _read(
    path: Path, size: tuple[int, int] | None, channels: int | None, scratch: Path, progress: Progress | None
) -> Raw:
    """Choose the reader by what is there."""
    name = path.name.lower()
    if path.is_dir():
        if find_images(path) is not None:
            return read_idx(path, size=size, channels=channels)
        return read_pictures(path, size=size, channels=channels, scratch=scratch, progress=progress)
    if name.endswith(_TABLES):
        if size is not None or channels is not None:
            raise DataError(f"{path} is a table of points; size and channels are for pictures only")
        return read_table(path)
    if name.endswith((".npy", ".npz")):
        return read_arrays(path, size=size, channels=channels)
    if name.endswith(".zip"):
        return read_pictures(path, size=size, channels=channels, scratch=scratch, progress=progress)
    if path.suffix.lower() in SUFFIXES:
        raise DataError(f"{path} is one picture; a GAN needs many: give the folder that they lie in")
    if path.is_file() and is_idx(path):
        return read_idx(path, size=size, channels=channels)
    raise DataError(
        f"{path} is of no known kind; give a folder or zip of pictures, or an IDX, .npy, .npz or .csv file"
    )


def _key(path: Path, size: tuple[int, int] | None, channels: int | None) -> str:
    """What decoded examples depend on, as one name: place, content or dates, wishes, format."""
    digest = hashlib.sha256(json.dumps([caches.FORMAT, str(path.resolve()), size, channels]).encode())
    if path.is_dir():
        if find_images(path) is not None:
            files = sorted((p.name, p.stat()) for p in path.iterdir() if p.is_file())
            stamps = [(name, found.st_size, found.st_mtime_ns) for name, found in files]
        else:
            listing, ignored = list_pictures(path)
            stamps = [(entry.name, entry.size, entry.stamp) for entry in listing.entries]
            stamps += [(file.name, ignored, 0) for file in listing.skipped]
        for stamp in stamps:
            digest.update(repr(stamp).encode())
    elif path.stat().st_size <= _HASHED:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    else:
        digest.update(repr((path.stat().st_size, path.stat().st_mtime_ns)).encode())
    labels = labels_beside(path) if path.is_file() else None
    if labels is not None:
        digest.update(repr((labels.name, labels.stat().st_size, labels.stat().st_mtime_ns)).encode())
    return digest.hexdigest()[:32]


def _describe(source: str, raw: Raw) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Plain data on a source, the order to keep it in, and each example's group of duplicates."""
    duplicates = find_duplicates(raw.values, raw.finish, pictures=raw.kind == "pictures")
    # Points often repeat by right (whole numbers, categories): only repeated pictures must stay together.
    group = duplicates.group if raw.kind in ("pictures", "shapes") else np.arange(raw.n)
    order = _split_order(group)
    meta = {
        "source": source,
        "kind": raw.kind,
        "shape": list(raw.shape),
        "classes": list(raw.classes),
        "columns": list(raw.columns),
        "scan": make_scan(source, raw, duplicates).to_json(),
    }
    return meta, order, group


def _split_order(group: np.ndarray) -> np.ndarray:
    """Indices ``(N,)`` shuffled, with equal groups side by side: any cut between groups is a fair split.

    Groups of more than 1 % go last, where the training part is, so that no cut has to move far.
    """
    n = len(group)
    place = np.empty(n, np.int64)
    place[permutation(n, seed=SPLIT_SEED, epoch=0)] = np.arange(n)
    rank = np.full(n, n, np.int64)
    np.minimum.at(rank, group, place)
    large = np.bincount(group, minlength=n) > max(1, n // 100)
    return np.lexsort((place, rank[group], large[group]))


def _gather(raw: Raw, order: np.ndarray) -> Iterator[np.ndarray]:
    """Finished examples in the given order, a few megabytes at a time."""
    step = max(1, (16 << 20) // max(1, raw.values[:1].nbytes))
    for start in range(0, len(order), step):
        yield raw.finish(np.asarray(raw.values[order[start : start + step]]))


def _keep_in_memory(name: str, raw: Raw) -> Stored:
    """Built-in examples as if they came from a cache."""
    meta, order, group = _describe(name, raw)
    values = np.concatenate(list(_gather(raw, order)))
    labels = None if raw.labels is None else raw.labels[order]
    content = hashlib.sha256(values.tobytes())
    content.update(b"" if labels is None else labels.tobytes())
    return Stored(values, labels, order, group[order], {**meta, "fingerprint": content.hexdigest()})


def usual_share(n: int) -> float:
    """The share of ``n`` examples that is held out where nothing was said.

    Scores need some hundred examples: under 500 of them, whether samples lean towards the training set
    cannot be told from chance. Sets of up to 1,000 are too dear for that.
    """
    return 0.1 if n <= _DEAR else max(0.1, min(0.25, _ENOUGH / n))


def _split(stored: Stored, found: Scan, *, standardise: bool, held_out: float, words: list[str]) -> Dataset:
    """Cut the front off as held out, between two groups of duplicates."""
    n = len(stored.values)
    cut = _cut(stored.group, held_out)
    held, train = (
        Examples(
            stored.values[part],
            None if stored.labels is None else stored.labels[part],
            stored.origin[part],
        )
        for part in (slice(0, cut), slice(cut, n))
    )
    meta = stored.meta
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    if meta["kind"] == "points" and standardise:
        mean = train.values.mean(axis=0, dtype=np.float64)
        deviation = train.values.std(axis=0, dtype=np.float64)
        offset = tuple(float(number) for number in mean)
        scale = tuple(float(number) if number > 1e-12 else 1.0 for number in deviation)
    space = Space(
        kind=meta["kind"],
        shape=tuple(meta["shape"]),
        offset=offset,
        scale=scale,
        classes=tuple(meta["classes"]),
        columns=tuple(meta["columns"]),
    )
    manifest: dict[str, Any] = {
        "source": meta["source"],
        "form": found.form,
        "fingerprint": meta["fingerprint"],
        "n": n,
        "train": train.n,
        "held_out": held.n,
        "held_out_share": held_out,
        "split_seed": SPLIT_SEED,
        "skipped": len(found.skipped),
        "space": space.to_json(),
        "notes": [*found.notes, *words],
    }
    return Dataset(space, train, held, manifest, found)


def _cut(group: np.ndarray, share: float) -> int:
    """How many of the first examples are held out: never through a group of duplicates."""
    n = len(group)
    if share == 0 or n <= 10:
        return 0
    wish = min(max(1, round(share * n)), MOST_HELD_OUT)
    starts = np.flatnonzero(np.diff(group)) + 1  # cuts that part no group
    if len(starts) == 0:
        return 0
    below = starts[starts <= wish]
    return int(below[-1] if len(below) else starts[0])
