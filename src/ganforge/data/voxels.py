"""Shapes of voxels in an array: brought to a smaller side, and without those that are empty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ganforge.core.errors import DataError
from ganforge.data.raw import Raw, Skipped, as_it_is, keep_rows

__all__ = ["of_side", "pooled", "solid", "without_empty"]

_QUARTER = 0.25  # of a block that is full: with half of it, limbs that are one voxel thick would vanish


def solid(shapes: np.ndarray) -> np.ndarray:
    """How full each voxel of ``(…, C, D, H, W)`` is: its transparency, or brightest channel."""
    channels = np.moveaxis(shapes, -4, 0)
    return channels[-1] if len(channels) in (2, 4) else channels.max(axis=0)


def pooled(shapes: np.ndarray, side: int) -> np.ndarray:
    """``(N, C, S, S, S)`` uint8 to ``(N, C, side, side, side)``; ``side`` divides S.

    Where voxels are full or empty, a block of them is full if a quarter of it is, in the mean colour of what
    is full in it. Where there is something between, it is their mean.
    """
    n, channels, step = *shapes.shape[:2], shapes.shape[2] // side
    blocks = shapes.reshape(n, channels, side, step, side, step, side, step).astype(np.float32)
    inside = (3, 5, 7)
    how_full = solid(shapes)
    if not np.isin(how_full, (0, 255)).all():
        return np.rint(blocks.mean(axis=inside)).astype(np.uint8)
    full = (how_full > 0).reshape(n, 1, side, step, side, step, side, step)
    share = full.mean(axis=inside)
    colours = (blocks * full).mean(axis=inside) / np.maximum(share, 1e-6)
    return np.where(share >= _QUARTER, np.rint(colours), 0).astype(np.uint8)


def of_side(raw: Raw, size: tuple[int, int]) -> Raw:
    """Shapes in cubes of ``size``, which is twice the side. DataError where it is no divisor of their own."""
    side, own = size[0], raw.shape[1]
    if size[0] != size[1] or own % side:
        divisors = [each for each in range(8, own + 1) if own % each == 0]
        raise DataError(
            f"--size of shapes of {own} voxels can be {', '.join(map(str, divisors))}, one side of a cube"
        )
    if side == own:
        return raw
    values = np.concatenate([pooled(raw.finish(raw.values[i : i + 1]), side) for i in range(raw.n)])
    words = f"{own} voxels a side are brought to {side}"
    return replace(
        raw,
        values=values,
        shape=values.shape[1:],
        finish=as_it_is,
        notes=(*raw.notes, words),
    )


def without_empty(raw: Raw) -> Raw:
    """Without shapes that have no full voxel. DataError where fewer than two are left."""
    full = np.array([bool(solid(raw.finish(raw.values[i : i + 1])).any()) for i in range(raw.n)])
    if full.sum() < 2:
        raise DataError(f"{raw.n - full.sum()} of {raw.n} shapes are empty; a GAN needs at least 2 others")
    gone = tuple(Skipped(f"shape {i}", "empty", bad=False) for i in np.flatnonzero(~full))
    kept = keep_rows(raw, np.flatnonzero(full), None)
    return replace(kept, skipped=(*raw.skipped, *gone))
