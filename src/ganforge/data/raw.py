"""What every kind of source hands to the door: examples in the source's order, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ganforge.core.space import Kind

__all__ = ["Progress", "Raw", "Skipped", "count_labels", "name_classes"]

Progress = Callable[[int, int], None]
"""Called now and then with (files or examples done, all of them)."""


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why, in plain words."""

    name: str
    reason: str


def _as_it_is(chunk: np.ndarray) -> np.ndarray:
    return chunk


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
        names: the files' names; empty where examples are rows.
        sizes: ``"width×height"`` to the number of pictures of that size, before resizing.
        modes: Pillow's mode (or the array's type) to the number of examples.
        skipped: files that were left out.
        ignored: how many other files lay beside them.
        notes: what was decided, one sentence each.
        warnings: what a person should look at before training.
    """

    kind: Kind
    form: str
    values: np.ndarray
    shape: tuple[int, ...]
    finish: Callable[[np.ndarray], np.ndarray] = _as_it_is
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
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
        return np.dtype(np.float32 if self.kind in ("points", "sound") else np.uint8)


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
