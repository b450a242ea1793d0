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
from ganforge.metrics.arrays import Array, Examples, Indices, random, rows, thumbnails
from ganforge.metrics.intervals import ends

__all__ = [
    "Memorisation",
    "Neighbours",
    "References",
    "memorisation",
    "nearest_by_parts",
    "nearest_examples",
    "nearest_neighbours",
]

_SHORT = 16  # numbers a row
_PART = 1 << 20  # numbers of examples that are prepared at once: 8 MB in float64, some three times over
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
    references: Examples | References,
    k: int = 1,
    *,
    exclude_self: bool = False,
    precision: Literal["float64", "float32"] = "float64",
) -> Neighbours:
    """The ``k`` nearest of ``references`` ``(M, ...)`` for each of ``queries`` ``(N, ...)``, exactly.

    Memory is flat in N and M. Ties go to the lower index.

    Args:
        references: where they were prepared already, with their own precision.
        exclude_self: queries and references are the same rows, and row i is no neighbour of itself.
        precision: of the search; float32 is about twice as fast and may confuse neighbours whose
            distances agree to some 1e-4 of their norm. The distances returned are float64 in both.

    Raises:
        DataError: there are fewer references than asked for, or dimensions differ.
    """
    x = rows(queries, "queries")
    known = references if isinstance(references, References) else References(references, precision)
    y = known.rows
    if x.shape[1] != y.shape[1]:
        raise DataError(f"queries have {x.shape[1]} numbers a row and references {y.shape[1]}")
    if k < 1 or k > len(y) - exclude_self:
        raise DataError(f"{k} neighbours were asked for, and there are {len(y) - exclude_self}")
    assert not exclude_self or len(x) == len(y)
    index = np.empty((len(x), k), dtype=np.int64)
    for start, squares in known.squares(x):
        if exclude_self:
            here = torch.arange(len(squares))
            squares[here, start + here] = torch.inf
        part = slice(start, start + len(squares))
        if k == 1:  # eight times as fast
            index[part, 0] = squares.numpy().argmin(axis=1)
        else:
            index[part] = torch.topk(squares, k, largest=False).indices.numpy()
    distance = np.empty((len(x), k))
    for column in range(k):
        for start in range(0, len(x), 4096):
            part = slice(start, start + 4096)
            difference = x[part] - y[index[part, column]]
            distance[part, column] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    order = np.lexsort((index, distance), axis=1)
    return Neighbours(np.take_along_axis(distance, order, 1), np.take_along_axis(index, order, 1))


class References:
    """Rows that neighbours are searched among, prepared once for many searches.

    Attributes:
        rows: ``(M, D)`` float64.

    Raises DataError where there are none, or some number is not finite.
    """

    def __init__(self, references: Examples, precision: Literal["float64", "float32"] = "float64") -> None:
        self.rows = rows(references, "references")
        self._dtype = torch.float64 if precision == "float64" else torch.float32
        # The formula of the squares loses digits far from the origin.
        self._centre = self.rows.mean(axis=0)
        self._centred = torch.from_numpy(self.rows - self._centre).to(self._dtype)
        self._norm = (self._centred * self._centred).sum(1)

    def __len__(self) -> int:
        return len(self.rows)

    def squares(self, x: Array) -> Iterator[tuple[int, Tensor]]:
        """Squared distances of ``(N, D)`` in blocks of rows: ``(first row, (n, M))``, never below 0."""
        a = torch.from_numpy(x - self._centre).to(self._dtype)
        # Short rows are soon multiplied: what counts then is that a block is still at hand when it is read.
        most = _BLOCK if self.rows.shape[1] > _SHORT else _BLOCK // 64
        step = max(1, min(4096, most // len(self)))
        for start in range(0, len(a), step):
            part = a[start : start + step]
            squares = torch.addmm(self._norm, part, self._centred.T, alpha=-2.0)
            squares.add_((part * part).sum(1, keepdim=True))
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
    samples: Examples,
    training: Examples | References,
    held_out: Examples | References,
    *,
    seed: int = 0,
    resamples: int = 1000,
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
    weight, n = (kept + apart) / (2 * apart), len(x)

    def share(held: Array) -> Array:
        return np.clip(1 - held * weight, 0, 1)

    chance = random(seed, 0x3E3)
    # A bootstrap of n of few different values is so often each of them.
    kinds, counts = np.unique(1 - nearer, return_counts=True)
    low, high = ends(share(chance.multinomial(n, counts / n, resamples) @ kinds / n))
    # How often each real example is the nearest: an honest sampler does not know which were held out.
    found = np.where(gap <= 0, near_index, kept + far_index)
    often, reals = np.unique(np.bincount(found, minlength=kept + apart), return_counts=True)
    held = chance.multivariate_hypergeometric(reals, apart, resamples, method="marginals")
    honest_low, honest_high = ends(share(held @ often / n))
    return Memorisation(
        share=float(share(1 - nearer.mean())),
        low=low,
        high=high,
        honest_low=honest_low,
        honest_high=honest_high,
        copies=float((near == 0).mean()),
        n=n,
        training=kept,
        held_out=apart,
        nearer=nearer,
    )


def nearest_by_parts(
    queries: Examples, references: Examples | References, size: int = 8192
) -> tuple[Array, Indices]:
    """Distance and index of the nearest reference, ``(N,)``; only ``size`` of them are float64 at a time.

    Those that were prepared already are searched at once.

    Raises:
        DataError: there are no references, or dimensions differ.
    """
    x = rows(queries, "queries")
    if len(references) == 0:
        raise DataError("a memorisation audit needs training and held-out examples: set some aside")
    if isinstance(references, References):
        found = nearest_neighbours(x, references)
        return found.distance[:, 0], found.index[:, 0]
    best, index = np.full(len(x), np.inf), np.zeros(len(x), dtype=np.int64)
    for start in range(0, len(references), size):
        found = nearest_neighbours(x, references[start : start + size])
        closer = found.distance[:, 0] < best
        best = np.where(closer, found.distance[:, 0], best)
        index = np.where(closer, start + found.index[:, 0], index)
    return best, index


def nearest_examples(training: Examples, *others: Examples) -> list[tuple[Array, Indices]]:
    """Of each of ``others`` ``(N, ...)``, distance and index ``(N,)`` of the nearest ``training`` example.

    Nearest by ``arrays.thumbnails``, which are made of a part of ``training`` at a time: memory is flat in
    their number. Errors: see :func:`nearest_by_parts`.
    """
    sought = [thumbnails(other, training) for other in others]
    parts = [(np.full(len(x), np.inf), np.zeros(len(x), dtype=np.int64)) for x in sought]
    step = max(256, _PART // max(sought[0].shape[1], 1)) if sought else 1
    for start in range(0, max(len(training), 1), step):
        known = References(thumbnails(training[start : start + step], training))
        for x, (distance, index) in zip(sought, parts, strict=True):
            found, at = nearest_by_parts(x, known)
            closer = found < distance
            distance[closer], index[closer] = found[closer], start + at[closer]
    return parts
