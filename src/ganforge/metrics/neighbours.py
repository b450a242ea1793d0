"""Nearest neighbours without a big matrix, and the question whether samples are copies.

Distances are found with |a − b|² = |a|² + |b|² − 2ab in blocks, and those that are kept are computed
anew as a difference, so that a copy is at distance 0 exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, Indices, random, rows

__all__ = [
    "Memorisation",
    "Neighbours",
    "blocks_of_squares",
    "memorisation",
    "nearest_by_parts",
    "nearest_neighbours",
]

_BLOCK = 4_194_304  # squared distances held at once: 32 MB in float64


@dataclass(frozen=True)
class Neighbours:
    """The nearest references of each query, nearest first.

    Attributes:
        distance: ``(N, k)`` float64, Euclidean.
        index: ``(N, k)`` int64 into the references.
    """

    distance: Array
    index: Indices


def nearest_neighbours(
    queries: Examples,
    references: Examples,
    k: int = 1,
    *,
    exclude_self: bool = False,
    precision: Literal["float64", "float32"] = "float64",
) -> Neighbours:
    """The ``k`` nearest of ``references`` ``(M, ...)`` for each of ``queries`` ``(N, ...)``, exactly.

    Memory is flat in N and M. Ties go to the lower index.

    Args:
        exclude_self: queries and references are the same rows, and row i is no neighbour of itself.
        precision: of the search; float32 is about twice as fast and may confuse neighbours whose
            distances agree to some 1e-4 of their norm. The distances returned are float64 in both.

    Raises:
        DataError: there are fewer references than asked for, or dimensions differ.
    """
    x, y = rows(queries, "queries"), rows(references, "references")
    if x.shape[1] != y.shape[1]:
        raise DataError(f"queries have {x.shape[1]} numbers a row and references {y.shape[1]}")
    if k < 1 or k > len(y) - exclude_self:
        raise DataError(f"{k} neighbours were asked for, and there are {len(y) - exclude_self}")
    assert not exclude_self or len(x) == len(y)
    index = np.empty((len(x), k), dtype=np.int64)
    for start, squares in blocks_of_squares(x, y, precision):
        if exclude_self:
            here = torch.arange(len(squares))
            squares[here, start + here] = torch.inf
        index[start : start + len(squares)] = torch.topk(squares, k, largest=False).indices.numpy()
    distance = np.empty((len(x), k))
    for column in range(k):
        for start in range(0, len(x), 4096):
            part = slice(start, start + 4096)
            difference = x[part] - y[index[part, column]]
            distance[part, column] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    order = np.lexsort((index, distance), axis=1)
    return Neighbours(np.take_along_axis(distance, order, 1), np.take_along_axis(index, order, 1))


def blocks_of_squares(
    x: Array, y: Array, precision: Literal["float64", "float32"] = "float64"
) -> Iterator[tuple[int, Tensor]]:
    """Squared distances in blocks of rows of x: ``(first row, (n, len(y)))``, never below 0.

    Both sides are centred on y's mean first, because the formula loses digits far from the origin.
    """
    centre = y.mean(axis=0)
    dtype = torch.float64 if precision == "float64" else torch.float32
    a, b = torch.from_numpy(x - centre).to(dtype), torch.from_numpy(y - centre).to(dtype)
    norm = (b * b).sum(1)
    step = max(1, min(4096, _BLOCK // len(y)))
    for start in range(0, len(a), step):
        part = a[start : start + step]
        squares = torch.addmm(norm, part, b.T, alpha=-2.0).add_((part * part).sum(1, keepdim=True))
        yield start, squares.clamp_(min=0.0)


@dataclass(frozen=True)
class Memorisation:
    """Are the samples nearer to what was trained on than to what was not?

    Attributes:
        share: of samples nearer to a training example than to one of an equally large held-out set;
            honest is about .5, copies are 1.
        low, high: bootstrap interval of 95 % over the samples.
        honest_low, honest_high: where 95 % of honest samplers' shares fall, found by drawing anew which
            of the real examples were held out: a share above is evidence of copying.
        copies: share of samples whose nearest training example is at distance 0.
        n, training, held_out: the sizes used.
        nearer: ``(N,)``, for each sample 1 if its nearest real example is a training one, 0 if it is a
            held-out one, ½ for a tie.
    """

    share: float
    low: float
    high: float
    honest_low: float
    honest_high: float
    copies: float
    n: int
    training: int
    held_out: int
    nearer: Array


def memorisation(
    samples: Examples, training: Examples, held_out: Examples, *, seed: int = 0, resamples: int = 1000
) -> Memorisation:
    """Share of ``samples`` nearer to ``training`` than to as many ``held_out`` examples.

    The idea is that of the data-copying tests (Meehan et al. 2020; FLD, Jiralerspong et al. 2023). Sets
    of unequal size are made equal by weight and not by leaving training examples out, for that would
    hide the copies of those left out. With N training and M held-out examples an honest sample's
    nearest real example is held-out with probability M / (N + M); so with h the share where it is,
    1 − h · (N + M) / 2M is ½ for honest samples, 1 for copies and (1 + c) / 2 where a share c is copied,
    as it is for N = M. It is clamped to 0…1.
    """
    x, kept, apart = rows(samples, "samples"), len(training), len(held_out)
    near, near_index = nearest_by_parts(x, training)
    far, far_index = nearest_by_parts(x, held_out)
    gap = near - far
    nearer = 0.5 - 0.5 * np.sign(gap)  # 1 training, 0 held-out, ½ a tie
    weight = (kept + apart) / (2 * apart)
    chance = random(seed, 0x3E3)

    def share(held: float) -> float:
        return float(np.clip(1 - held * weight, 0, 1))

    n = len(x)
    spread = [share(1 - nearer[chance.integers(n, size=n)].mean()) for _ in range(resamples)]
    # How often each real example is the nearest: an honest sampler does not know which were held out.
    found = np.where(gap <= 0, near_index, kept + far_index)
    hits = np.bincount(found, minlength=kept + apart) / n
    honest = [share(chance.permutation(hits)[:apart].sum()) for _ in range(resamples)]
    low, high = np.quantile(spread, [0.025, 0.975])
    honest_low, honest_high = np.quantile(honest, [0.025, 0.975])
    return Memorisation(
        share=share(1 - nearer.mean()),
        low=float(low),
        high=float(high),
        honest_low=float(honest_low),
        honest_high=float(honest_high),
        copies=float((near == 0).mean()),
        n=n,
        training=kept,
        held_out=apart,
        nearer=nearer,
    )


def nearest_by_parts(queries: Examples, references: Examples, size: int = 8192) -> tuple[Array, Indices]:
    """Distance and index of the nearest reference, ``(N,)``; only ``size`` of them are float64 at a time.

    Raises:
        DataError: there are no references, or dimensions differ.
    """
    x = rows(queries, "queries")
    if len(references) == 0:
        raise DataError("a memorisation audit needs training and held-out examples: set some aside")
    best, index = np.full(len(x), np.inf), np.zeros(len(x), dtype=np.int64)
    for start in range(0, len(references), size):
        found = nearest_neighbours(x, references[start : start + size])
        closer = found.distance[:, 0] < best
        best = np.where(closer, found.distance[:, 0], best)
        index = np.where(closer, start + found.index[:, 0], index)
    return best, index
