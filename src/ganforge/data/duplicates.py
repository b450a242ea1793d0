"""Examples that repeat another one: exactly, or nearly as re-encoded and slightly edited pictures do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Duplicates", "find_duplicates", "grey"]

_HAMMING = 3  # bits of 64 in which the hashes of near duplicates may differ
_NEIGHBOURS = 8  # in sorted order, that each picture is compared with, in each of four sortings
_DISTANCE = 6.0  # root mean square difference of near duplicates, in steps of 0…255
_CONFIRMED = 50_000  # candidate pairs at most that are compared pixel by pixel
_PAIRS = 20  # kept as examples


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Attributes:
    group: ``(N,)`` int64; equal numbers are exact duplicates.
    exact: examples that equal an earlier one.
    near: further examples that nearly equal an earlier one.
    pairs: a few of them by index, first the exact ones.
    """

    group: np.ndarray
    exact: int
    near: int
    pairs: tuple[tuple[int, int], ...]


def find_duplicates(
    values: np.ndarray, finish: Callable[[np.ndarray], np.ndarray], *, pictures: bool
) -> Duplicates:
    """Look through examples ``(N, …)``; ``finish`` brings rows to declared units.

    Near duplicates are looked for among pictures only: pairs whose difference hashes (64 bits, Krawetz
    2013, 'Kind of like that') differ in at most 3 bits, found by sorting the hashes in four rotations,
    and whose pixels then differ little. That is fast and can miss some, never many.
    """
    n = len(values)
    if values.ndim == 2:  # points: the rows themselves are small enough to be compared
        return _equal_rows(values)
    step = max(1, (16 << 20) // max(1, values[:1].nbytes))
    digests = np.empty((n, 2), np.uint64)
    hashes = np.empty(n, np.uint64)
    for start in range(0, n, step):
        chunk = np.ascontiguousarray(finish(np.asarray(values[start : start + step])))
        for i, row in enumerate(chunk.reshape(len(chunk), -1).view(np.uint8), start):
            digests[i] = np.frombuffer(hashlib.blake2b(row.data, digest_size=16).digest(), np.uint64)
        if pictures:
            hashes[start : start + len(chunk)] = _difference_hash(chunk)
    _, first, group = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    repeats = np.flatnonzero(first[group] != np.arange(n))
    pairs = [(int(first[group[i]]), int(i)) for i in repeats[:_PAIRS]]
    near = 0
    if pictures and len(first) > 1:
        close = _near_pairs(values, finish, np.sort(first), hashes)
        near = len(np.unique(close[:, 1]))
        pairs += [(int(i), int(j)) for i, j in close[: _PAIRS - len(pairs)]]
    return Duplicates(group, len(repeats), near, tuple(pairs))


def _equal_rows(points: np.ndarray) -> Duplicates:
    rows = np.ascontiguousarray(points).view([("", f"V{points[:1].nbytes}")]).reshape(-1)
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    repeats = np.flatnonzero(first[group] != np.arange(len(rows)))
    pairs = tuple((int(first[group[i]]), int(i)) for i in repeats[:_PAIRS])
    return Duplicates(group.reshape(-1).astype(np.int64), len(repeats), 0, pairs)


def grey(pictures: np.ndarray) -> np.ndarray:
    """``(N, C, H, W)`` uint8 to ``(N, H, W)`` float32; transparent parts are white."""
    if pictures.shape[1] == 4:
        alpha = pictures[:, 3].astype(np.float32) / 255
        return pictures[:, :3].mean(axis=1, dtype=np.float32) * alpha + 255 * (1 - alpha)
    return pictures.mean(axis=1, dtype=np.float32)


def _difference_hash(pictures: np.ndarray) -> np.ndarray:
    """Of ``(N, C, H, W)``: whether each of 8×9 cells is darker than its right neighbour, ``(N,)`` uint64."""
    light = grey(pictures)
    height, width = light.shape[1:]
    rows, columns = np.arange(8) * height // 8, np.arange(9) * width // 9
    cells = np.add.reduceat(np.add.reduceat(light, rows, axis=1), columns, axis=2)  # (N, 8, 9) sums
    cells /= np.diff([*columns, width]).clip(1)
    bits = (cells[:, :, 1:] > cells[:, :, :-1]).reshape(len(light), 64)
    return np.packbits(bits, axis=1).view(np.uint64).reshape(-1)


def _near_pairs(
    values: np.ndarray, finish: Callable[[np.ndarray], np.ndarray], index: np.ndarray, hashes: np.ndarray
) -> np.ndarray:
    """Pairs ``(P, 2)`` of distinct pictures ``index`` that nearly agree, sorted."""
    own = hashes[index]
    found: list[np.ndarray] = []
    for turn in (0, 16, 32, 48):
        # Two hashes that differ in 3 bits agree in one of four runs of 16: sorted by it, they lie close.
        key = own if turn == 0 else (own << np.uint64(turn)) | (own >> np.uint64(64 - turn))
        order = np.argsort(key, kind="stable")
        for away in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            one, other = order[:-away], order[away:]
            close = np.bitwise_count(own[one] ^ own[other]) <= _HAMMING
            found.append(np.stack([one[close], other[close]], axis=1))
    pairs = np.unique(np.sort(index[np.concatenate(found)], axis=1), axis=0)[:_CONFIRMED]
    keep = np.zeros(len(pairs), bool)
    step = max(1, (16 << 20) // max(1, values[:1].nbytes))
    for start in range(0, len(pairs), step):
        some = pairs[start : start + step]
        one = finish(np.asarray(values[some[:, 0]])).astype(np.float32)
        other = finish(np.asarray(values[some[:, 1]])).astype(np.float32)
        keep[start : start + step] = ((one - other) ** 2).mean(axis=(1, 2, 3)) <= _DISTANCE**2
    return pairs[keep]
