"""Any source to a :class:`Dataset`, by way of one pass, one report and one cache."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError, nearest
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.core.value_range import ValueRange
from ganforge.data import builtin
from ganforge.data import cache as caches
from ganforge.data.cache import InPlace, Large, Stored
from ganforge.data.clips import SHORTEST, whole, windows
from ganforge.data.conditions import Wanted, attach, beside
from ganforge.data.dataset import Dataset
from ganforge.data.degrade import previous
from ganforge.data.duplicates import Duplicates, find_duplicates
from ganforge.data.facts import CAPTIONS
from ganforge.data.facts import SUFFIXES as FACT_SUFFIXES
from ganforge.data.files import FOLDERS, list_files
from ganforge.data.folders import aside_of, example_suffixes, kind_of_file, list_examples
from ganforge.data.idx import find_images, labels_beside
from ganforge.data.inputs import Way, two_domains, way_of, with_degraded, with_domain, with_manifest
from ganforge.data.listings import forget, list_again
from ganforge.data.pairs import HALVES, cut_in_two, read_pairs
from ganforge.data.pixels import Fit, check_size
from ganforge.data.raw import HEADER, Inputs, Progress, Raw
from ganforge.data.readers import Source, has_names, is_there, read
from ganforge.data.report import Scan, make_scan
from ganforge.data.split import split, split_order, usual_share
from ganforge.data.tables import tables_in

__all__ = ["has_columns", "load", "scan"]

_AXES = 6  # whose numbers fit into the room for an .npy file's header
_HASHED = 256 << 20  # bytes up to which one source file is known by its content, not its date


@dataclass(frozen=True)
class _Wish:
    """What decoded examples depend on beside the source itself.

    Attributes:
        size, channels: of pictures; None infers them.
        condition: see :func:`load`; none does not look for one.
        inputs: how they come about, see :data:`~ganforge.data.inputs.Way`.
        source: as it was asked for.
        how: pictures of another shape come to the size.
        value_range, source_range: what becomes 0 and 255, of the examples and of their inputs.
        table: how csv files are read.
        rate: samples or frames a second that sounds and films are brought to; None takes that of most.
        frames: of a whole clip; None infers them.
        films: whether clips are learned whole; None does so where they are found.
    """

    size: tuple[int, int] | None
    channels: int | None
    condition: Wanted | Literal["none"]
    inputs: Way
    source: str
    how: Fit = "crop"
    value_range: ValueRange | None = None
    source_range: ValueRange | None = None
    table: TableFormat = FOUND
    rate: float | None = None
    frames: int | None = None
    films: bool | None = None

    @property
    def ranges(self) -> list[dict[str, Any] | None]:
        """Both ranges as plain data."""
        return [found and found.to_json() for found in (self.value_range, self.source_range)]

    @property
    def stored(self) -> str:
        """The part of ``source`` that is decoded with the examples."""
        return self.source if self.inputs in ("side", "previous", "pairs") else ""


def load(
    what: str | Path,
    *,
    size: int | tuple[int, int] | tuple[int, int, int] | None = None,
    channels: int | None = None,
    fit: str = "crop",
    value_range: ValueRange | tuple[float, float] | None = None,
    source_range: ValueRange | None = None,
    condition: str = "auto",
    text_encoder: str = "",
    source: str = "",
    table: TableFormat = FOUND,
    paired: bool = True,
    standardise: bool = True,
    held_out: float | None = None,
    rate: float | None = None,
    films: bool | None = None,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read a source, from its cache where it was read before.

    Args:
        what: a built-in name, or the path of a folder or zip of pictures, an IDX, .npy, .npz or .csv file.
            A text that is a built-in name means that; write ``./digits`` as a Path for a folder so named.
        size: of pictures, ``(width, height)`` or the side of a square, of clips also ``(width, height,
            frames)``; inferred by default.
        channels: of pictures, 1, 3 or 4; inferred by default.
        fit: pictures of another shape than the size are ``crop``: covered and cut, or ``pad``: kept whole.
        value_range: of pictures and arrays that are no plain bytes, the numbers that become 0 and 255; one
            range is inferred for the whole set by default, and kept in ``space``.
        source_range: the same of a translation's inputs, where they come from another place.
        condition: what examples say of themselves: auto takes captions, labels or numbers that lie beside the
            files, else classes; class, labels, numbers and text take that kind; names takes file names as
            captions.
        text_encoder: the sentence encoder that reads captions (``core.sentences``); empty knows their words
            and pairs of words.
        source: of a translation, where inputs come from: a degradation (``data.degrade``) that is made when
            a batch is made; left, right, top or bottom of each picture; ``previous:K`` frames of a clip;
            or another built-in name or path.
        table: how csv files are read, where that is not to be found in them.
        paired: whether another place's inputs belong to the examples one by one. Else the two are domains.
        standardise: give points' mean and deviation (of the training part) to the space.
        held_out: share that no game sees: at least 1 and at most 10,000 examples, if there are more than 10.
            None is a tenth, and of more than 1,000 examples 500 if that is more, up to a quarter. The same
            examples in every run; exact duplicates of a picture lie on one side, and so does a clip.
        rate: samples or frames a second that sounds and films are brought to; by default that of most.
        films: whether clips are learned whole, and not as single frames; by default where they are found,
            unless ``table.what`` says otherwise.
        seed: of built-in points; it does not touch the split.
        cache: folder for decoded examples; by default $GANFORGE_CACHE or ~/.cache/ganforge.
        progress: called with (done, all) while files are read.

    Raises:
        DataError: there is nothing usable there, what was asked for is not there, or more than 5 % of the
            files are bad.
        MachineError: the cache's disk is full, or its folder cannot be written.
    """
    if held_out is not None and not 0 <= held_out < 1:
        raise DataError(f"held_out is {held_out}; it must be at least 0 and less than 1")
    wish = _wish(size, channels, condition, source, table, paired, fit, value_range, source_range)
    wish = replace(wish, rate=rate, films=wish.films if films is None else films)
    one = Source.of(what, seed)
    _check_table(one, table)
    folder = None if cache is None and one.path is None else caches.cache_folder(cache)
    with FOLDERS.kept():
        stored, words = _stored(one, wish, folder, progress)
    found = _usable(what, stored)
    share = usual_share(len(stored.values)) if held_out is None else held_out
    about: dict[str, Any] = {"standardise": standardise, "text_encoder": text_encoder, "fit": wish.how}
    dataset = split(stored, found, held_out=share, words=words, **about)
    if wish.inputs == "made":
        return with_degraded(dataset, wish.source)
    if wish.inputs == "domain":
        second, more = _domain(dataset.space.spatial, wish, seed, folder, progress)
        seen = _usable(wish.source, second)
        share = usual_share(len(second.values)) if held_out is None else held_out
        domain = split(second, seen, standardise=standardise, held_out=share, words=more)
        return two_domains(dataset, domain, wish.source)
    if wish.inputs != "none":
        mark = "" if wish.inputs == "pairs" else wish.source
        return with_manifest(dataset, {"source": wish.source, "paired": paired}, dataset.scan, mark)
    return dataset


def scan(
    what: str | Path,
    *,
    size: int | tuple[int, int] | tuple[int, int, int] | None = None,
    channels: int | None = None,
    fit: str = "crop",
    value_range: ValueRange | tuple[float, float] | None = None,
    condition: str = "auto",
    source: str = "",
    table: TableFormat = FOUND,
    paired: bool = True,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Report on a source. It is decoded on the way, so that a later :func:`load` is quick.

    Raises:
        DataError: there is nothing usable there. Many bad files are reported, not raised.
        MachineError: as :func:`load`.
    """
    wish = _wish(size, channels, condition, source, table, paired, fit, value_range, None)
    one = Source.of(what, seed)
    _check_table(one, table)
    folder = None if cache is None and one.path is None else caches.cache_folder(cache)
    with FOLDERS.kept():
        stored, _ = _stored(one, wish, folder, progress)
    found = Scan.from_json(stored.meta["scan"])
    if wish.inputs == "made":
        return with_degraded(split(stored, found, standardise=False, held_out=0, words=[]), wish.source).scan
    if wish.inputs == "domain":
        second, _ = _domain(stored.values.shape[2:], wish, seed, folder, progress)
        return with_domain(found, Scan.from_json(second.meta["scan"]), wish.source)
    return found


def _wish(
    size: int | tuple[int, int] | tuple[int, int, int] | None,
    channels: int | None,
    condition: str,
    source: str,
    table: TableFormat,
    paired: bool,
    fit: str,
    value_range: ValueRange | tuple[float, float] | None,
    source_range: ValueRange | None,
) -> _Wish:
    """Check what was asked for, before anything is read."""
    frames = None
    if isinstance(size, tuple) and len(size) == 3:
        frames, size = size[2], size[:2]
        if frames < SHORTEST:
            raise DataError(f"{frames} frames are too few: clips need at least {SHORTEST}")
    wide = check_size(size)
    if channels not in (None, 1, 3, 4):
        raise DataError(f"channels is {channels}; it can be 1 (grey), 3 (RGB) or 4 (RGBA)")
    kinds: tuple[str, ...] = get_args(Wanted)
    if condition not in kinds:
        raise DataError(
            f"condition is {condition!r}; it can be {', '.join(kinds)}.{nearest(condition, kinds)}"
        )
    if fit not in get_args(Fit):
        raise DataError(f"fit is {fit!r}; it can be {' or '.join(get_args(Fit))}")
    if isinstance(value_range, tuple):
        value_range = ValueRange(*value_range, deep=None)
    way = way_of(source, paired)
    wanted = cast(Wanted, condition)
    films = {"": None, **{name: True for name, kind in CODECS.items() if kind.of_frames}}.get(
        table.what, False
    )
    films = films if way == "none" else False
    ranges = value_range, source_range
    return _Wish(wide, channels, wanted, way, source, cast(Fit, fit), *ranges, table, None, frames, films)


def has_columns(path: Path | None) -> bool:
    """Whether columns with names can be wished for: not of built-in sets, which are None, and arrays."""
    return path is not None and not path.name.lower().endswith((".npy", ".npz"))


def _check_table(source: Source, table: TableFormat) -> None:
    """DataError for a wish on the columns of what has none, which would be passed over."""
    if has_columns(source.path):
        return
    said = {name for name, value in asdict(table).items() if value not in ("", None)} - {"what"}
    if said:
        options = ", ".join(sorted("--column" if name == "kinds" else f"--{name}" for name in said))
        raise DataError(f"{source.name} is no table with names of columns; leave {options} out")


def _usable(what: str | Path, stored: Stored) -> Scan:
    """What was found in a source. DataError where too much of it is bad."""
    found = Scan.from_json(stored.meta["scan"])
    if found.too_many_bad:
        bad = [file for file in found.skipped if file.bad]
        first = "; ".join(f"{file.name}: {file.reason}" for file in bad[:3])
        raise DataError(
            f"{len(bad)} of {len(bad) + found.count} files of {what} are bad, more than"
            f" 5 % ({first}); remove or mend them: gan data {what} lists them"
        )
    return found


def _domain(
    spatial: tuple[int, ...], wish: _Wish, seed: int, folder: Path | None, progress: Progress | None
) -> tuple[Stored, list[str]]:
    """The other domain; pictures in the size of the first."""
    size = (spatial[1], spatial[0]) if len(spatial) == 2 else None
    second = _Wish(size, None, "none", "none", "", wish.how, wish.source_range, table=wish.table, films=False)
    other = Source.of(wish.source, seed)
    if folder is None and other.path is not None:
        folder = caches.cache_folder(None)
    return _stored(other, second, folder, progress)


def _stored(
    source: Source, wish: _Wish, folder: Path | None, progress: Progress | None
) -> tuple[Stored, list[str]]:
    """The decoded examples, from the cache where it has them, and words on what was done."""
    path = source.path
    if path is not None and not is_there(path):
        raise DataError(_missing(source.name, path))
    try:
        if path is None:
            return _beside_a_namesake(_keep_in_memory(source, wish, folder), source.name), []
        assert folder is not None
        list_again(path, folder)
        return _through_cache(source, wish, folder, progress)
    except PermissionError as error:
        raise DataError(f"{error.filename or path} may not be read by you; change its permissions") from None


def _beside_a_namesake(stored: Stored, name: str) -> Stored:
    """A built-in set, with words on a file or folder that has its name."""
    if not Path(name).exists():
        return stored
    found = Scan.from_json(stored.meta["scan"])
    words = f"{name} is the built-in set, and no file or folder of that name: for that write ./{name}"
    found = replace(found, warnings=(*found.warnings, words))
    return replace(stored, meta={**stored.meta, "scan": found.to_json()})


def _through_cache(
    source: Source, wish: _Wish, folder: Path, progress: Progress | None
) -> tuple[Stored, list[str]]:
    """A file's or folder's examples by way of the cache ``folder``, and words on what was done."""
    name = _key(source, wish)
    stored = caches.read_stored(folder, name)
    if stored is not None:
        return _with_aside(stored, source, wish), []
    words = ["the cache was damaged and has been made anew"] if (folder / name).exists() else []
    with caches.scratch_folder(folder) as scratch:
        raw = _read(source, wish, scratch, progress)
        meta, order, group = _describe(source.name, raw)
        assert source.path is not None
        meta["place"] = str(source.path.resolve())  # for whoever lists the cache
        _write(folder, name, raw, meta, order, group, scratch)
        del raw  # its memory map lies in the scratch folder
    caches.prune(folder)
    forget(folder, caches.OLD)
    stored = caches.read_stored(folder, name)
    if stored is None:
        raise DataError(f"the cache {folder / name} was changed while it was written; run it again")
    return _with_aside(stored, source, wish), words


def _with_aside(stored: Stored, source: Source, wish: _Wish) -> Stored:
    """With words on what else lies beside the pictures: what is not read makes no other examples."""
    found = Scan.from_json(stored.meta["scan"])
    places = [("", source.path)]
    if wish.inputs == "pairs":
        places.append(("of the inputs: ", Source.of(wish.source).path))
    for mark, path in places:
        if path is not None and has_names(path):
            notes, warnings, ignored = aside_of(list_files(path), CODECS[found.kind])
            found = replace(
                found,
                notes=(*found.notes, *(mark + note for note in notes)),
                warnings=(*found.warnings, *(mark + words for words in warnings)),
                ignored=found.ignored + ignored,
            )
    return replace(stored, meta={**stored.meta, "scan": found.to_json()})


def _write(
    folder: Path,
    name: str,
    raw: Raw,
    meta: dict[str, Any],
    order: np.ndarray,
    group: np.ndarray,
    scratch: Path,
) -> None:
    """Put examples into the cache, in ``order``."""
    large = {"examples": _large(raw, order, raw.dtype, scratch)}
    if raw.inputs is not None:
        large["inputs"] = _large(raw.inputs, order, raw.dtype, scratch)
    rows, texts = _conditions(raw, order)
    caches.write_stored(
        folder,
        name,
        scratch=scratch,
        large=large,
        small={
            "labels": None if raw.labels is None else raw.labels[order],
            "order": np.stack([order, group[order]], axis=1),
            "rows": rows,
        },
        texts=texts,
        meta=meta,
    )


def _large(rows: Raw | Inputs, order: np.ndarray, dtype: np.dtype, scratch: Path) -> Large | InPlace:
    """Rows in a new order: where they lie, if all of a file of ours is theirs, else copied."""
    shape, values = (len(order), *rows.shape), rows.values
    before, after = values[:1].nbytes, math.prod(rows.shape) * dtype.itemsize
    # Windows moves no file that is mapped.
    if isinstance(values, np.memmap) and after <= before and len(shape) <= _AXES and os.name != "nt":
        file = Path(str(values.filename))
        whole = values.offset == HEADER and file.stat().st_size == HEADER + values.nbytes
        if whole and file.parent == scratch.resolve() and len(order) == len(values):
            places = [some.__array_interface__["data"] for some in (rows.finish(values[:1]), values[:1])]
            as_it_is = before == after and places[0] == places[1]
            return InPlace(file, values, None if as_it_is else rows.finish, order, shape, dtype)
    return Large(_gather(rows, order), shape, dtype)


def _conditions(raw: Raw, order: np.ndarray) -> tuple[np.ndarray | None, list[list[str]] | None]:
    """Labels or numbers ``(N, C)``, and captions, in ``order``."""
    stated = raw.stated
    if stated is None:
        return None, None
    rows = None if stated.rows is None else stated.rows[order].astype(np.float32)
    return rows, [list(stated.texts[i]) for i in order] if stated.texts else None


def _missing(what: str, path: Path) -> str:
    """No such path: with the nearest built-in name or neighbour."""
    try:
        near = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    except OSError:
        near = []
    hint = nearest(path.name, [*near, *builtin.NAMES]) if len(what) < 200 else ""
    return f"there is no {what[:200]!r}: neither a path nor one of {', '.join(builtin.NAMES)}.{hint}"


def _read(source: Source, wish: _Wish, scratch: Path | None, progress: Progress | None) -> Raw:
    """Examples as they were asked for, with what they say and their inputs."""

    def reader(one: Source, **options: Any) -> Raw:
        options["table"] = wish.table
        if wish.condition == "none":
            return read(one, **options)
        extra = beside(one, wish.condition, options.get("only"), wish.table)
        if extra is not None and extra.names is not None:
            options["only"] = extra.names
        return attach(read(one, **options), extra, wish.condition)

    plain: dict[str, Any] = {"size": wish.size, "channels": wish.channels, "progress": progress}
    plain |= {"how": wish.how, "value_range": wish.value_range}
    plain |= {} if wish.rate is None else {"rate": wish.rate}
    pixels = scratch and scratch / "pixels"
    if wish.inputs == "pairs":
        other = Source.of(wish.source)
        plain |= {"source_range": wish.source_range, "table": wish.table}
        return _clips(read_pairs(source, other, **plain, scratch=scratch, reader=reader), wish, scratch)
    if wish.inputs == "side":
        return cut_in_two(reader(source, **plain, scratch=pixels, halves=HALVES[wish.source]), wish.source)
    if wish.inputs == "previous":
        frames = previous(wish.source)
        assert frames is not None
        return windows(reader(source, **plain, scratch=pixels, clips=True, films=True), frames, scratch)
    if wish.inputs == "none":
        plain |= {"clips": wish.films is True, "films": wish.films, "small": wish.films is not False}
    elif wish.inputs == "made":
        plain |= {"translated": True}
    return _clips(reader(source, **plain, scratch=pixels), wish, scratch)


def _clips(raw: Raw, wish: _Wish, scratch: Path | None) -> Raw:
    """Frames as whole clips; with a warning where they stay single pictures. DataError for a wish in vain."""
    if raw.clips is None or not CODECS[raw.kind].picture_files:
        if wish.films is True:
            raise DataError(
                f"there are no clips in this {raw.form}: they are films, a subfolder of numbered frames for"
                " each, or an array (N, frames, H, W, C)"
            )
        if wish.frames is not None:
            raise DataError(f"{raw.kind} have no frames: give --size WIDTHxHEIGHT")
        return raw
    if wish.films is False:
        words = (
            f"{len(np.unique(raw.clips)):,} clips become {raw.n:,} single frames, without their order; whole"
            " clips: leave --what out; the next frame of a clip: --recipe next-frame"
        )
        return replace(raw, warnings=(*raw.warnings, words))
    kind = next(name for name, codec in CODECS.items() if codec.of_frames)
    place = scratch and scratch / "clips"
    return whole(raw, kind, frames=wish.frames, size=wish.size, how=wish.how, place=place)


def _key(source: Source, wish: _Wish) -> str:
    """What decoded examples depend on, as one name: place, content or dates, wishes, format."""
    assert source.path is not None
    place = str(source.path.resolve())
    wishes = [caches.FORMAT, place, wish.size, wish.channels, wish.condition, wish.stored]
    wishes += [wish.how, wish.ranges, astuple(wish.table)]
    wishes += [] if wish.rate is None else [wish.rate]
    wishes += ["clips", wish.frames, wish.films]
    if wish.inputs == "made":  # of pictures, the same as without inputs
        kind = list_examples(source.path)[0] if has_names(source.path) else kind_of_file(source.path)
        wishes += ["translated"] if kind is None or kind.translated else []
    digest = hashlib.sha256(json.dumps(wishes).encode())
    for path in [source.path, Source.of(wish.source).path if wish.inputs == "pairs" else None]:
        if path is not None:
            digest.update(_stamp(path))
    return digest.hexdigest()[:32]


def _stamp(path: Path) -> bytes:
    """A file's content, or the names, sizes and dates of a folder's files."""
    digest = hashlib.sha256()
    if path.is_dir():
        if find_images(path) is not None or tables_in(path):
            files = sorted((p.name, p.stat()) for p in path.iterdir() if p.is_file())
            stamps = [(name, found.st_size, found.st_mtime_ns) for name, found in files]
        else:
            listing, suffixes = list_files(path), (*example_suffixes(), *FACT_SUFFIXES, *CAPTIONS)
            ours = [entry for entry in listing.entries if entry.name.lower().endswith(suffixes)]
            stamps = [(entry.name, entry.size, entry.stamp) for entry in ours]
            stamps += [(file.name, 0, 0) for file in listing.skipped]
        digest.update("".join(map(repr, stamps)).encode())
    elif path.stat().st_size <= _HASHED:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    else:
        digest.update(repr((path.stat().st_size, path.stat().st_mtime_ns)).encode())
    labels = labels_beside(path) if path.is_file() else None
    if labels is not None:
        digest.update(repr((labels.name, labels.stat().st_size, labels.stat().st_mtime_ns)).encode())
    return digest.digest()


def _describe(source: str, raw: Raw) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Plain data on a source, the order to keep it in, and each example's group of duplicates."""
    if raw.clips is not None:  # neighbouring frames are alike by right, and stay together
        clips = np.unique(raw.clips, return_index=True, return_inverse=True)
        duplicates = Duplicates(clips[1][clips[2].reshape(-1)], 0, 0, ())
    elif raw.form == "drawn":  # at random: there are none
        duplicates = Duplicates(np.arange(raw.n), 0, 0, ())
    else:
        duplicates = find_duplicates(raw.values, raw.finish, pictures=CODECS[raw.kind].picture_files)
    group = duplicates.group if CODECS[raw.kind].keeps_alike else np.arange(raw.n)
    order = split_order(group)
    meta: dict[str, Any] = {
        "source": source,
        "kind": raw.kind,
        "shape": list(raw.shape),
        "classes": list(raw.classes),
        "columns": list(raw.columns),
        "scan": make_scan(source, raw, duplicates).to_json(),
        "value_range": raw.value_range and raw.value_range.to_json(),
    }
    if raw.about:
        meta["about"] = dict(raw.about)
    if raw.inputs is not None:
        meta["input_range"] = raw.inputs.value_range and raw.inputs.value_range.to_json()
    if raw.stated is not None:
        meta["said"] = {"kind": raw.stated.kind, "names": list(raw.stated.names)}
    return meta, order, group


def _gather(rows: Any, order: np.ndarray) -> Iterator[np.ndarray]:
    """Finished examples, or inputs, in the given order, a few megabytes at a time."""
    step = max(1, (16 << 20) // max(1, rows.values[:1].nbytes))
    for start in range(0, len(order), step):
        yield rows.finish(np.asarray(rows.values[order[start : start + step]]))


def _keep_in_memory(source: Source, wish: _Wish, folder: Path | None) -> Stored:
    """Built-in examples as if they came from a cache."""
    raw = _read(source, wish, None, None)
    meta, order, group = _describe(source.name, raw)
    values = np.concatenate(list(_gather(raw, order)))
    labels = None if raw.labels is None else raw.labels[order]
    rows, texts = _conditions(raw, order)
    inputs = None if raw.inputs is None else np.concatenate(list(_gather(raw.inputs, order)))
    content = hashlib.sha256(values.tobytes())
    for part in (labels, inputs, rows):
        content.update(b"" if part is None else part.tobytes())
    if texts is not None:
        content.update(json.dumps(texts).encode())
    meta["fingerprint"] = content.hexdigest()
    return Stored(values, labels, order, group[order], meta, inputs, rows, texts)
