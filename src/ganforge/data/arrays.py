"""Arrays of numbers in .npy and .npz files: pictures, shapes (voxels) or points."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.core.errors import DataError
from ganforge.data.pixels import fit_array, to_bytes, to_channels, value_range
from ganforge.data.raw import Raw, Said, name_classes, said_of

__all__ = ["interpret", "read_arrays"]

_CHANNELS = (1, 3, 4)
_EXAMPLES = ("x_train", "train_images", "train_x", "images", "x", "X", "data", "rgba", "arr_0")
_LABELS = ("y_train", "train_labels", "train_y", "labels", "y", "Y", "targets", "target", "arr_1")
_NAMES = ("classes", "class_names", "label_names")
_TEXTS = ("captions", "texts")
_ASIDE = ("x_test", "test_images", "test_x", "x_val")


def read_arrays(
    path: Path, *, size: tuple[int, int] | None, channels: int | None, clips: bool = False
) -> Raw:
    """Read a .npy file, or the training examples and labels of an .npz file.

    With ``clips``, four dimensions without an axis of channels are clips of grey frames.

    Raises:
        DataError: the file is damaged or pickled, or no array of it can be read as examples.
    """
    if path.suffix.lower() == ".npy":
        values = _load(path)
        assert isinstance(values, np.ndarray)
        return interpret(values, form=".npy file", source=path, size=size, channels=channels, clips=clips)
    _no_bomb(path)
    archive = _load(path)
    if isinstance(archive, np.ndarray):
        return interpret(archive, form=".npy file", source=path, size=size, channels=channels, clips=clips)
    with archive:
        name = _pick(archive, path)
        values = _member(archive, name, path)
        labels = _find_labels(archive, values, name, path)
        given = next((n for n in _NAMES if n in archive.files), None)
        names = _member(archive, given, path) if given else np.array([])
        said = _find_said(archive, len(values), name, [str(word) for word in names.reshape(-1)], path)
        notes = [f"examples from {name!r}"]
        aside = [n for n in _ASIDE if n in archive.files and n != name]
        if aside:
            notes.append(f"{', '.join(aside)} left aside")
    if labels is None and said is None and (set(_LABELS) & set(archive.files)):
        notes.append("its labels do not fit one to one, and are not used")
    class_names = [str(word) for word in names.reshape(-1)] if labels is not None else []
    raw = interpret(
        values,
        labels,
        class_names,
        form=".npz file",
        source=path,
        size=size,
        channels=channels,
        notes=notes,
        clips=clips,
    )
    return replace(raw, said=said if raw.clips is None else said_of(said, raw.clips))


def _load(path: Path) -> Any:
    """An array or an archive of arrays; nothing pickled is ever read."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise DataError(_explain(path, error)) from None


def _explain(path: Path, error: Exception) -> str:
    if "pickle" in str(error) or "Object arrays" in str(error):
        return f"{path} holds Python objects, which are never read; save plain numbers: np.save(path, array)"
    return f"{path} is damaged ({error}); save it again"


def _member(archive: Any, name: str, path: Path) -> np.ndarray:
    try:
        return archive[name]
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"array {name!r} of {path} holds Python objects, which are never read; save plain numbers"
            ) from None
        raise DataError(f"array {name!r} of {path} is damaged ({error}); save it again") from None


def _no_bomb(path: Path) -> None:
    """Refuse an archive that would unpack to far more than it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        return  # numpy says what is wrong with it
    if total > 256 << 20 and total > 200 * path.stat().st_size:
        raise DataError(f"{path} would unpack to {total >> 20} MiB, 200 times its size; it is not read")


def _pick(archive: Any, path: Path) -> str:
    """The name of the array of examples."""
    for name in _EXAMPLES:
        if name in archive.files:
            return name
    if len(archive.files) == 1:
        return archive.files[0]
    many: list[str] = []
    listed: list[str] = []
    for name in archive.files:
        try:
            values = archive[name]
        except ValueError:
            listed.append(f"{name} (Python objects)")
            continue
        listed.append(f"{name} {values.shape}")
        if values.ndim >= 2 and np.issubdtype(values.dtype, np.number):
            many.append(name)
    if len(many) == 1:
        return many[0]
    if listed and all("Python objects" in item for item in listed):
        raise DataError(f"{path} holds Python objects, which are never read; save plain arrays of numbers")
    raise DataError(
        f"no array of {path} is clearly the examples; it has {', '.join(listed)}; name yours 'images' or 'x'"
    )


def _find_labels(archive: Any, values: np.ndarray, name: str, path: Path) -> np.ndarray | None:
    """Labels ``(N,)`` of whole numbers or words; one-hot rows become numbers."""
    for candidate in _LABELS:
        if candidate not in archive.files or candidate == name:
            continue
        labels = _member(archive, candidate, path)
        if labels.ndim == 2 and len(labels) == len(values):
            if labels.shape[1] == 1:
                labels = labels[:, 0]
            elif ((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all():
                labels = labels.argmax(axis=1)
        whole = labels.dtype.kind in "iuUb"
        if labels.shape == (len(values),) and whole:
            return labels.astype(np.int64) if labels.dtype.kind == "b" else labels
    return None


def _find_said(archive: Any, n: int, examples: str, names: Sequence[str], path: Path) -> Said | None:
    """Captions ``(N,)`` of words, else labels ``(N, C)`` of 0 and 1 of which several can hold."""
    for candidate in _TEXTS:
        if candidate in archive.files:
            texts = _member(archive, candidate, path)
            if texts.shape == (n,) and texts.dtype.kind == "U":
                return Said(kind="text", texts=[(str(text),) for text in texts])
    for candidate in ("attributes", *_LABELS):
        if candidate not in archive.files or candidate == examples:
            continue
        rows = _member(archive, candidate, path)
        if rows.ndim == 2 and len(rows) == n and rows.shape[1] > 1 and rows.dtype.kind in "iufb":
            if ((rows == 0) | (rows == 1)).all() and not (rows.sum(axis=1) == 1).all():
                words = names if len(names) == rows.shape[1] else [str(i) for i in range(rows.shape[1])]
                return Said(kind="labels", names=tuple(words), rows=rows.astype(np.float32))
    return None


def interpret(
    values: np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    *,
    form: str,
    source: Path,
    size: tuple[int, int] | None,
    channels: int | None,
    notes: Sequence[str] = (),
    clips: bool = False,
) -> Raw:
    """Read an array's shape: (N,) and (N, D) are points, (N, H, W), (N, H, W, C) and (N, C, H, W) pictures,
    (N, S, S, S) and (N, S, S, S, C) shapes, (N, T, H, W, C) and (N, T, C, H, W) clips, with C of 1, 3 or 4.

    Raises:
        DataError: the shape or the type fits none of them, or a number is not finite.
    """
    if values.dtype.kind not in "biuf":
        raise DataError(f"{source} holds {values.dtype}, not numbers; save it as uint8 or float32")
    if values.ndim == 0 or len(values) < 2:
        raise DataError(f"{source} has shape {values.shape}; a GAN needs at least 2 examples, along axis 0")
    if values.ndim <= 2:
        if size is not None or channels is not None:
            raise DataError(f"{source} holds points; size and channels are for pictures only")
        return _points(values, labels, class_names, form=form, source=source, notes=notes)
    frames = _frames(values, clips)
    if frames is not None:
        flat, each, note = frames
        many = None if labels is None else np.repeat(labels, each)
        raw = interpret(
            flat,
            many,
            class_names,
            form=form,
            source=source,
            size=size,
            channels=channels,
            notes=[*notes, note],
        )
        return replace(raw, clips=np.repeat(np.arange(len(flat) // each), each))
    axes, channel_count = _layout(values.shape, source)
    planar = values.transpose(axes) if channel_count else values[:, None]
    low, high = _extent(values, source)
    whole = values.dtype.kind != "f"
    if values.dtype == np.uint8 and high > 1:
        low, high = 0.0, 255.0
    else:
        low, high = value_range(low, high, integer=whole)
    kept = [*notes]
    if (low, high) != (0.0, 255.0):
        kept.append(f"{values.dtype} {low:g} … {high:g} becomes 0 … 255")
    indices, classes = (None, ()) if labels is None else name_classes(labels, class_names)
    modes = {str(values.dtype): len(values)}
    if planar.ndim == 5:
        if size is not None or channels is not None:
            raise DataError("size and channels can be chosen for pictures only, not for shapes")
        finish = partial(_finish, low=low, high=high, channels=planar.shape[1], recolour=False)
        return Raw(
            kind="shapes",
            form=form,
            values=planar,
            shape=planar.shape[1:],
            finish=finish,
            labels=indices,
            classes=classes,
            modes=modes,
            notes=tuple(kept),
        )
    wide, high_side = planar.shape[3], planar.shape[2]
    if size is None and min(wide, high_side) < 8:
        raise DataError(f"the pictures of {source} are {wide}×{high_side}; give --size 8 or more, to enlarge")
    finish = partial(_finish, low=low, high=high, channels=channels or planar.shape[1], recolour=True)
    if size is not None and size != (wide, high_side):
        step = 1024
        blocks = [fit_array(finish(planar[i : i + step]), size) for i in range(0, len(planar), step)]
        planar = np.concatenate(blocks)
        finish = partial(to_channels, channels=channels or planar.shape[1])
        kept.append(f"resized to cover {size[0]}×{size[1]}, centre cut out")
    return Raw(
        kind="pictures",
        form=form,
        values=planar,
        shape=(channels or planar.shape[1], *planar.shape[2:]),
        finish=finish,
        labels=indices,
        classes=classes,
        sizes={f"{wide}×{high_side}": len(values)},
        modes=modes,
        notes=tuple(kept),
    )


def _finish(chunk: np.ndarray, *, low: float, high: float, channels: int, recolour: bool) -> np.ndarray:
    """Rows ``(n, C, …)`` in the array's own range to uint8 ``(n, channels, …)``."""
    if chunk.dtype != np.uint8 or (low, high) != (0.0, 255.0):
        chunk = to_bytes(chunk, low, high)
    return to_channels(chunk, channels) if recolour else chunk


def _layout(shape: tuple[int, ...], source: Path) -> tuple[tuple[int, ...], bool]:
    """The axes in the order (N, C, …), and whether there is an axis of channels."""
    cube = len(set(shape[1:4])) == 1
    if len(shape) == 3:
        return (0, 1, 2), False
    if len(shape) == 4:
        last = shape[3] in _CHANNELS and min(shape[1:3]) > 4
        first = shape[1] in _CHANNELS and min(shape[2:4]) > 4
        if last != first:
            return ((0, 3, 1, 2) if last else (0, 1, 2, 3)), True
        if cube and min(shape[1:]) > 4:
            return (0, 1, 2, 3), False
    if len(shape) == 5 and cube and shape[4] in _CHANNELS:
        return (0, 4, 1, 2, 3), True
    if len(shape) == 5 and shape[1] in _CHANNELS and len(set(shape[2:])) == 1:
        return (0, 1, 2, 3, 4), True
    raise DataError(
        f"{source} has shape {shape}; it can be (N, D) points, (N, H, W), (N, H, W, C) or (N, C, H, W)"
        " pictures, (N, S, S, S, C) shapes, or (N, frames, H, W, C) clips, with C of 1, 3 or 4"
    )


def _frames(values: np.ndarray, clips: bool) -> tuple[np.ndarray, int, str] | None:
    """Clips as frames ``(N·T, …)``, how many each has, and a note; None where the array holds no clips."""
    shape = values.shape
    cube = len(set(shape[1:4])) == 1
    if len(shape) == 4 and clips:
        last = shape[3] in _CHANNELS and min(shape[1:3]) > 4
        first = shape[1] in _CHANNELS and min(shape[2:4]) > 4
        if last or first or min(shape[2:]) <= 4:
            return None
        if shape[1] >= 1000 and shape[1] >= 10 * shape[0]:  # as moving MNIST comes
            values = values.transpose(1, 0, 2, 3)
            shape = values.shape
    elif len(shape) == 5 and (clips or not cube):
        last = shape[4] in _CHANNELS and min(shape[2:4]) > 4
        first = shape[2] in _CHANNELS and min(shape[3:5]) > 4
        shapes = shape[1] in _CHANNELS and len(set(shape[2:])) == 1
        if not (last or first) or (shapes and not clips):
            return None
    else:
        return None
    note = f"{shape[0]:,} clips of {shape[1]} frames"
    return values.reshape(-1, *shape[2:]), shape[1], note


def _extent(values: np.ndarray, source: Path) -> tuple[float, float]:
    """Least and greatest number. DataError where one is not finite."""
    step = max(1, (32 << 20) // max(1, values[:1].nbytes))
    low, high = np.inf, -np.inf
    for start in range(0, len(values), step):
        chunk = values[start : start + step]
        if chunk.dtype.kind == "f" and not np.isfinite(chunk).all():
            row = start + int(np.flatnonzero(~np.isfinite(chunk.reshape(len(chunk), -1)).all(axis=1))[0])
            raise DataError(
                f"{source} has a number that is not finite in example {row}; remove or replace it"
            )
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
    return low, high


def _points(
    values: np.ndarray,
    labels: np.ndarray | None,
    class_names: Sequence[str],
    *,
    form: str,
    source: Path,
    notes: Sequence[str],
) -> Raw:
    points = values[:, None] if values.ndim == 1 else values
    if points.shape[1] < 1:
        raise DataError(f"{source} has shape {values.shape}: no columns")
    _extent(points, source)
    indices, classes = (None, ()) if labels is None else name_classes(labels, class_names)
    modes = {str(values.dtype): len(values)}
    with np.errstate(over="ignore"):
        points = points.astype(np.float32)
    if not np.isfinite(points).all():
        raise DataError(f"{source} has numbers beyond ±3e38; rescale them")
    return Raw(
        kind="points",
        form=form,
        values=points,
        shape=points.shape[1:],
        modes=modes,
        labels=indices,
        classes=classes,
        notes=tuple(notes),
    )
