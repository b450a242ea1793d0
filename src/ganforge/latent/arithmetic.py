"""Sums of latents: 'a smiling woman, less a neutral woman, plus a neutral man'."""

from __future__ import annotations

import torch
from torch import Tensor

from ganforge.core.prior import Prior
from ganforge.core.rng import key

__all__ = ["combine", "neighbours"]


def combine(prior: Prior, a: Tensor, b: Tensor, c: Tensor, *, renormalise: bool = False) -> Tensor:
    """mean(a) − mean(b) + mean(c), ``(L,)`` (Radford et al. 2015, section 6.3.2).

    With three examples of each, the sum of normal latents has the variance 3 · 1/3 = 1 that training
    knows; with more it is shorter, which ``renormalise`` mends by the length √L of a typical latent.
    Random bits are summed too, and their sum is rounded to one; at 0 it is c's first.

    Args:
        a, b, c: ``(N, L)`` each, N as it comes.
        renormalise: for normal numbers only.
    """
    total = a.double().mean(0) - b.double().mean(0) + c.double().mean(0)
    smooth = prior.size - prior.bits
    z, random_bits = total[:smooth], total[smooth:]
    if renormalise and prior.kind == "normal":
        z = z * (smooth**0.5 / z.norm().clamp_min(1e-12))
    if prior.kind == "uniform":
        z = z.clamp(-1.0, 1.0)
    random_bits = torch.where(random_bits.abs() < 1e-9, c[0, smooth:].double(), random_bits.sign())
    return torch.cat([z, random_bits]).float()


def neighbours(prior: Prior, z: Tensor, n: int = 8, *, spread: float = 0.25, seed: int = 0) -> Tensor:
    """``n`` latents around ``z (L,)``, ``(n, L)``, by uniform noise of ±``spread`` a number (the same paper).

    Coins stay as they are.
    """
    smooth = prior.size - prior.bits
    noise = Prior(prior.size, "uniform").seeded(n, seed=key(seed, 4)) * spread
    noise[:, smooth:] = 0.0
    moved = z + noise
    return moved.clamp(-1.0, 1.0) if prior.kind == "uniform" else moved
