"""A loaded data set: two parts in declared units, their space, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganforge.core.space import Space
from ganforge.data.report import Scan

__all__ = ["Dataset", "Examples"]


@dataclass(frozen=True, eq=False)
class Examples:
    """One part of a data set.

    Attributes:
        values: ``(n, *space.shape)`` in declared units: uint8 pictures and shapes, float32 points. It
            can be a read-only memory map.
        labels: ``(n,)`` int64 indices into ``space.classes``, or None.
        origin: ``(n,)`` int64, the number of each example in its source (row, or file in sorted order).
    """

    values: np.ndarray
    labels: np.ndarray | None
    origin: np.ndarray

    @property
    def n(self) -> int:
        return int(self.values.shape[0])


@dataclass(frozen=True, eq=False)
class Dataset:
    """What ``load`` gives.

    Attributes:
        space: what one example is; it names the classes where there are labels.
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
