"""What every reader returns: examples in the source's order, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ganforge.core.value_range import ValueRange

__all__ = [
    "HEADER",
    "Inputs",
    "Progress",
    "Raw",
    "Skipped",
    "Stated",
    "as_it_is",
    "count_labels",
    "keep_rows",
    "name_classes",
    "spool",
    "stated_of",
]

HEADER = 128  # bytes of the header of an .npy file of few axes

Progress = Callable[[int, int], None]
"""Called now and then with (files or examples done, all of them)."""


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why, in plain words.

    ``bad`` says that something is wrong with the file itself; too many of those stop a training.
    """

    name: str
    reason: str
    bad: bool = True


def as_it_is(chunk: np.ndarray) -> np.ndarray:
    return chunk


@dataclass(frozen=True, kw_only=True, eq=False)
class Stated:
    """What examples say of themselves beside a class, in the examples' order.

    Attributes:
        kind: labels, numbers or text.
        names: of the labels or the numbers.
        rows: ``(N, C)`` float32 labels or numbers; None for text.
        texts: of text, each example's captions.
    """

    kind: Literal["labels", "numbers", "text"]
    names: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    texts: Sequence[tuple[str, ...]] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """Inputs of a translation, row by row with the examples: as :class:`Raw` has its values."""

    values: np.ndarray
    shape: tuple[int, ...]
    finish: Callable[[np.ndarray], np.ndarray] = as_it_is
    value_range: ValueRange | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Raw:
    """Examples as a source keeps them.

    Attributes:
        kind: points, pictures or shapes.
        form: the kind of source in words, such as ``folder of pictures``.
        values: ``(N, …)`` in the source's order, possibly a memory map and possibly not yet in
            declared units.
        shape: one example's shape after ``finish``.
        finish: rows of ``values`` to declared units, ``(n, *shape)`` uint8 or float32.
        labels: ``(N,)`` int64 indices into ``classes``, or None.
        classes: the classes' names, where there are labels.
        columns: the coordinates' names, where points have any.
        said: what examples say of themselves beside their class, or None.
        inputs: of pairs, what the examples are to be made from, or None.
        clips: ``(N,)`` int64, the clip that each example is a frame of, frames in order; None for no clips.
        found: on conditions, pairs and clips, a line each as :class:`~ganforge.data.report.Scan` shows it.
        value_range: of pictures and shapes that were no plain bytes, what became 0 and 255.
        about: plain data for the codec, which its ``fit`` is given.
        names: the files' names; empty where examples are rows.
        sizes: ``"width×height"`` to the number of pictures of that size, before resizing.
        modes: Pillow's mode (or the array's type) to the number of examples.
        skipped: files that were left out.
        ignored: how many other files lay beside them.
        notes: what was decided, one sentence each.
        warnings: what a person should look at before training.
    """

    kind: str
    form: str
    values: np.ndarray
    shape: tuple[int, ...]
    finish: Callable[[np.ndarray], np.ndarray] = as_it_is
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    stated: Stated | None = None
    inputs: Inputs | None = None
    clips: np.ndarray | None = None
    found: tuple[str, ...] = ()
    value_range: ValueRange | None = None
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    names: Sequence[str] = ()
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    modes: Mapping[str, int] = field(default_factory=dict[str, int])
    skipped: tuple[Skipped, ...] = ()
    ignored: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        return int(self.values.shape[0])

    @property
    def dtype(self) -> np.dtype:
        """Of the finished examples."""
        return self.finish(self.values[:1]).dtype


def name_classes(labels: np.ndarray, names: Sequence[str] = ()) -> tuple[np.ndarray, tuple[str, ...]]:
    """Whole numbers or words ``(N,)`` to indices ``(N,)`` int64 and the classes' names.

    ``names`` are used where the labels are numbers that index them.
    """
    kinds, indices = np.unique(labels, return_inverse=True)
    if names and np.issubdtype(labels.dtype, np.integer) and kinds[0] >= 0 and kinds[-1] < len(names):
        return labels.astype(np.int64), tuple(names)
    return indices.reshape(-1).astype(np.int64), tuple(str(kind) for kind in kinds)


def count_labels(labels: np.ndarray | None, classes: Sequence[str]) -> dict[str, int]:
    """How many examples each class has."""
    if labels is None:
        return {}
    counts = np.bincount(labels, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True)}


def spool(chunks: Iterable[np.ndarray], place: Path | None, shape: tuple[int, ...]) -> np.ndarray:
    """Chunks of uint8 or float32 rows, put together in a new file, or in memory where there is none.

    ``shape`` is one row's; the file is read back as a memory map. Of no rows there is no file's map. The file
    begins with room for the header of an .npy file, so that it can become one where it lies.
    """
    if place is None:
        return np.concatenate([np.asarray(chunk) for chunk in chunks] or [np.empty((0, *shape), np.uint8)])
    n, kind = 0, np.dtype(np.uint8)
    with open(place, "wb") as file:
        file.write(bytes(HEADER))
        for chunk in chunks:
            # Written, not stored through a memory map: a full disk must raise, not kill.
            file.write(np.ascontiguousarray(chunk).tobytes())
            n, kind = n + len(chunk), chunk.dtype
    return np.memmap(place, kind, "r", HEADER, (n, *shape)) if n else np.empty((0, *shape), kind)


def stated_of(stated: Stated | None, index: np.ndarray) -> Stated | None:
    """What some examples say, in the order of ``index``."""
    if stated is None:
        return None
    rows = None if stated.rows is None else stated.rows[index]
    return replace(stated, rows=rows, texts=[stated.texts[i] for i in index] if stated.texts else ())


def keep_rows(raw: Raw, index: np.ndarray, place: Path | None) -> Raw:
    """Some examples of ``raw``, in the order of ``index``; their values are copied to ``place``.

    What was counted over all of them (sizes, modes) stays. Only for what has no inputs yet.
    """
    assert raw.inputs is None
    if len(index) == raw.n and (index == np.arange(raw.n)).all():
        return raw
    step = max(1, (16 << 20) // max(1, raw.values[:1].nbytes))
    chunks = (raw.values[index[i : i + step]] for i in range(0, len(index), step))
    return replace(
        raw,
        values=spool(chunks, place, raw.values.shape[1:]),
        labels=None if raw.labels is None else raw.labels[index],
        clips=None if raw.clips is None else raw.clips[index],
        names=[raw.names[i] for i in index] if raw.names else (),
        stated=stated_of(raw.stated, index),
    )
