"""Folders of meshes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.codecs.shape.mesh import voxels
from ganforge.core.errors import DataError
from ganforge.data.files import Entry, Listing, UnreadableError, is_archive, printable
from ganforge.data.folders import at_least, counter, plainly
from ganforge.data.layouts import classes_from_folders
from ganforge.data.raw import Progress, Raw, Skipped, spool

__all__ = ["read_meshes"]

_SIDE = 32
_SIDES = (8, 128)


def read_meshes(
    path: Path,
    listing: Listing,
    *,
    size: tuple[int, int] | None,
    scratch: Path | None,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    **others: Any,
) -> Raw:
    """Voxels of every mesh.

    Args:
        path: of the folder or archive, for messages; ``listing``: its meshes.
        size: the side of the cube, twice; None takes 32.
        scratch: where they are kept until the caller has stored them; None keeps them in memory.
        only: names of the files to read; None reads all.
        others: wishes that only pictures have.

    Raises:
        DataError: nothing can be read, trimesh is missing, or a wish makes no sense of shapes.
    """
    if any(others.get(name) is not None for name in ("channels", "value_range")):
        raise DataError("shapes have no channels and no range to choose: leave that option out")
    side = _SIDE if size is None else size[0]
    if size is not None and (size[0] != size[1] or not _SIDES[0] <= side <= _SIDES[1]):
        raise DataError(f"--size of shapes is one side of a cube, from {_SIDES[0]} to {_SIDES[1]} voxels")
    entries = [entry for entry in listing.entries if only is None or printable(entry.name) in only]
    skipped = list(listing.skipped)
    done = counter(progress, len(entries))
    good: list[Entry] = []
    open_ones: list[str] = []

    def rows() -> Iterator[np.ndarray]:
        for entry in entries:
            found = plainly(entry, partial(_read, listing, entry, side))
            done(1)
            if isinstance(found, Skipped):
                skipped.append(found)
                continue
            good.append(entry)
            if not found[1]:
                open_ones.append(printable(entry.name))
            yield found[0][None, None]

    at_least(path, len(entries), skipped, "mesh")
    values = spool(rows(), scratch, (1, side, side, side))
    at_least(path, len(good), skipped, "mesh")
    labels, classes, about, warned = classes_from_folders([entry.name for entry in good], one="mesh")
    if open_ones:
        words = f"{len(open_ones):,} meshes have holes, so that perhaps only their surface is filled"
        warned = [*warned, f"{words}: {', '.join(open_ones[:3])}"]
    quicker = "" if size is not None else f"; --size {side // 2} is about eight times as quick"
    return Raw(
        kind="shapes",
        form="archive of meshes" if is_archive(path) else "folder of meshes",
        values=values,
        shape=(1, side, side, side),
        labels=labels,
        classes=classes,
        names=[printable(entry.name) for entry in good],
        modes=Counter(os.path.splitext(entry.name)[1].lower() for entry in good),
        skipped=tuple(skipped),
        notes=(f"the longest side of each fills {side} voxels{quicker}", *about),
        warnings=tuple(warned),
    )


def _read(listing: Listing, entry: Entry, side: int) -> tuple[np.ndarray, bool]:
    if not entry.size:
        raise UnreadableError("empty (0 bytes)")
    with listing.open(entry) as file:
        return voxels(file, os.path.splitext(entry.name)[1].lower(), side)
