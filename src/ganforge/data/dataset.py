"""A loaded data set: two parts in declared units, their space, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganforge.core.condition import Condition
from ganforge.core.names import find_name
from ganforge.core.space import Space
from ganforge.data.report import Scan

__all__ = ["Dataset", "Examples"]


@dataclass(frozen=True, eq=False)
class Examples:
    """One part of a data set.

    Attributes:
        values: ``(n, *space.shape)`` in declared units: uint8 pictures and shapes, float32 or
            float64 points. It can be a read-only memory map.
        labels: ``(n,)`` int64 indices into ``space.classes``, or None.
        origin: ``(n,)`` int64, the number of each example in its source (row, or file in sorted order).
        rows: ``(n, K)`` what each example says of itself, as ``space.condition`` reads it: int32 numbers of
            phrases then −1, or float32 labels and numbers; None where there is no such condition.
        sources: ``(m, *space.source.shape)`` in declared units, inputs of a translation. Of pairs, row i
            belongs to ``values[i]``; of two domains, m is their own number. None where there are none, or
            where they are made from ``values`` when a batch is (``data.degrade``).
    """

    values: np.ndarray
    labels: np.ndarray | None
    origin: np.ndarray
    rows: np.ndarray | None = None
    sources: np.ndarray | None = None

    @property
    def n(self) -> int:
        return int(self.values.shape[0])

    def conditions(self, asks: Condition | None) -> np.ndarray | None:
        """What each example says of itself, ``(n, K)`` as ``asks`` reads it; None where it says nothing."""
        if asks is None:
            return None
        if asks.kind == "class" and self.labels is not None:
            return self.labels[:, None]
        return self.rows


@dataclass(frozen=True, eq=False)
class Dataset:
    """What ``load`` gives.

    Attributes:
        space: what one example is; it names the classes where there are labels, its condition where examples
            say more of themselves than a class, and its source where there are inputs of a translation.
        train: what a game sees.
        held_out: what no game sees; empty where none was asked for.
        manifest: for ``run.json``: ``fingerprint`` (SHA-256 of the content), source, counts and the split.
        scan: what was found on the way.
    """

    space: Space
    train: Examples
    held_out: Examples
    manifest: dict[str, Any]
    scan: Scan

    def with_classes(self, classes: tuple[str, ...]) -> Dataset:
        """The same with labels that index ``classes``, where each class of its own is one of them by name.

        Else the same as it is: whether that will do is the caller's to say.
        """
        found = [find_name(name, classes) for name in self.space.classes]
        if None in found or len(set(found)) < len(found):
            return self
        table = np.array(found, np.int64)
        parts = [
            replace(part, labels=None if part.labels is None else table[part.labels])
            for part in (self.train, self.held_out)
        ]
        space = replace(self.space, classes=classes)
        return replace(self, space=space, train=parts[0], held_out=parts[1])

    def under(self, space: Space) -> Dataset:
        """The same examples, as players that were made for ``space`` read them.

        Units, classes and sizes are the caller's to check.

        Raises:
            DataError: these examples say other things of themselves than ``space`` has names for.
        """
        from ganforge.data.words import as_known

        now, then = self.space.condition, space.condition
        train, held_out = self.train, self.held_out
        if now is not None and then is not None and train.rows is not None and held_out.rows is not None:
            train = replace(train, rows=as_known(train.rows, now, then))
            held_out = replace(held_out, rows=as_known(held_out.rows, now, then))
        return replace(self, space=space, train=train, held_out=held_out)
