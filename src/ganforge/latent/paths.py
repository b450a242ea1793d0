"""Walks between latents, and how far the samples move along them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganforge.core.prior import Prior, spherical
from ganforge.core.rng import key

__all__ = ["PathLength", "Way", "between", "bilinear", "path_length"]

Way = Literal["spherical", "linear"]
_BATCH = 64


def between(prior: Prior, a: Tensor, b: Tensor, t: Tensor, *, way: Way = "spherical") -> Tensor:
    """Latents on the way from ``a`` to ``b``, ``(N, T, L)``.

    Normal numbers go along the great circle or the straight line. Uniform numbers fill a cube, which has
    no circles: they always go straight, and stay within it. Random bits are −1 or 1 in training and nothing
    in between, so they do not fade: those that differ switch one after the other, at equal distances along
    the way, and every latent on it is one that training could have drawn.

    Args:
        a, b: ``(N, L)``.
        t: ``(T,)``, 0 is a and 1 is b.
    """
    smooth = prior.size - prior.bits
    x, y, steps = a[:, None, :smooth], b[:, None, :smooth], t.reshape(1, -1, 1)
    if way == "spherical" and prior.kind == "normal":
        path = spherical(x, y, steps)
    else:
        path = (1 - steps) * x + steps * y
    path = path.expand(len(a), len(t), smooth)
    if not prior.bits:
        return path
    first, last = a[:, smooth:], b[:, smooth:]
    differs = first != last  # (N, bits)
    order = differs.cumsum(1).to(t.dtype)
    moment = order / (differs.sum(1, keepdim=True) + 1)  # the j-th of m switches at j / (m + 1)
    switched = t.reshape(1, -1, 1) >= moment.unsqueeze(1)
    random_bits = torch.where(switched & differs.unsqueeze(1), last.unsqueeze(1), first.unsqueeze(1))
    return torch.cat([path, random_bits], 2)


def bilinear(prior: Prior, corners: Tensor, rows: int, columns: int, *, way: Way = "spherical") -> Tensor:
    """A sheet of latents between four corners, ``(rows · columns, L)``, row by row.

    Args:
        corners: ``(4, L)``: top left, top right, bottom left, bottom right.
    """
    assert corners.shape[0] == 4
    down, across = torch.linspace(0, 1, rows), torch.linspace(0, 1, columns)
    edges = between(prior, corners[:2], corners[2:], down, way=way)  # (2, rows, L)
    return between(prior, edges[0], edges[1], across, way=way).flatten(0, 1)


@dataclass(frozen=True)
class PathLength:
    """A perceptual path length.

    Attributes:
        value: mean squared distance of features per squared step of the path; less is smoother.
        error: standard error of the mean.
        pairs: pairs of latents that it was measured on.
    """

    value: float
    error: float
    pairs: int


def path_length(
    read: Callable[[Tensor], Tensor],
    prior: Prior,
    *,
    pairs: int = 256,
    way: Way = "spherical",
    step: float = 1e-3,
    seed: int = 0,
) -> PathLength:
    """How fast the samples change along random walks (Karras et al. 2019, section 4.1, eq. 2).

    E[ d(G(z(t)), G(z(t + ε))) / ε² ], with d the squared distance of features, z(t) on the way between two
    random latents, and t uniform on [0, 1). The two ends of a walk share their random bits, which only jump.

    Args:
        read: latents ``(N, L)`` to features ``(N, ...)`` of their samples, not rounded to whole grey levels.
        pairs: at least 2.
        step: ε; features in float32 need about 1e-3.
    """
    assert pairs >= 2
    smooth = prior.size - prior.bits
    a, b = prior.seeded(pairs, seed=key(seed, 1)), prior.seeded(pairs, seed=key(seed, 2))
    b = torch.cat([b[:, :smooth], a[:, smooth:]], 1)
    t = (Prior(1, "uniform").seeded(pairs, seed=key(seed, 3)) + 1) / 2 * (1 - step)
    squares: list[Tensor] = []
    for i in range(0, pairs, _BATCH):
        rows = slice(i, i + _BATCH)
        ends = torch.cat([_at(prior, a[rows], b[rows], t[rows] + shift, way) for shift in (0.0, step)])
        features = read(ends).double().flatten(1)
        here, there = features.chunk(2)
        squares.append((here - there).square().sum(1) / step**2)
    each = torch.cat(squares)
    return PathLength(each.mean().item(), each.std().item() / math.sqrt(pairs), pairs)


def _at(prior: Prior, a: Tensor, b: Tensor, t: Tensor, way: Way) -> Tensor:
    """Each pair's own place on its way: ``(N, L)``, ``(N, L)``, ``(N, 1)`` → ``(N, L)``."""
    smooth = prior.size - prior.bits
    if way == "spherical" and prior.kind == "normal":
        path = spherical(a[:, :smooth], b[:, :smooth], t)
    else:
        path = (1 - t) * a[:, :smooth] + t * b[:, :smooth]
    return torch.cat([path, a[:, smooth:]], 1)
