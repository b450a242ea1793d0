"""Chance as a pure function of position: nothing to save, nothing to forget.

Every random number of a training round comes from a :class:`Rng` keyed by ``(seed, nimg, part)``, and
every latent of a sample from :func:`seeded_numbers`, keyed by ``(seed, index)``. There is no global
random state, so resuming is: go to nimg, and ask.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

__all__ = ["Rng", "key", "permutation", "seeded_numbers"]

_MASK = (1 << 64) - 1
_BLOCK = 1024  # latents of one block of pictures come from one stream


def key(*numbers: int) -> int:
    """Mix whole numbers into one of 64 bits (splitmix64's finaliser over a running sum)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state + (number & _MASK) * 0xBF58476D1CE4E5B9 + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


class Rng:
    """Random numbers of one part of one round.

    A round at ``nimg`` may be cut into ``parts`` equal parts whose gradients are added up. Each part
    then sees its own rows of the numbers that the whole round would have seen, so that four
    accumulated parts give the gradient of one big batch.

    Args:
        seed: the experiment's seed.
        nimg: examples seen before this round.
        part: index of the part, from 0.
        parts: number of parts.
        device: where the numbers are made.
    """

    def __init__(
        self, seed: int, nimg: int = 0, *, part: int = 0, parts: int = 1, device: torch.device | str = "cpu"
    ) -> None:
        self.seed = seed
        self.part = part
        self.parts = parts
        self.device = torch.device(device)
        self._generator = torch.Generator(self.device)
        self.move_to(nimg)

    def move_to(self, nimg: int) -> Rng:
        """Start the round at ``nimg`` anew; returns itself."""
        # torch's CPU engine keeps the low 32 bits of a seed only: the key has mixed all of them in.
        self._generator.manual_seed(key(self.seed, nimg))
        return self

    def _rows(self, x: Tensor, n: int) -> Tensor:
        return x if self.parts == 1 else x[self.part * n : (self.part + 1) * n]

    def normal(self, n: int, *shape: int) -> Tensor:
        """Standard normal, ``(n, *shape)``, float32."""
        full = torch.randn(n * self.parts, *shape, generator=self._generator, device=self.device)
        return self._rows(full, n)

    def uniform(self, n: int, *shape: int) -> Tensor:
        """Uniform on [0, 1), ``(n, *shape)``, float32."""
        full = torch.rand(n * self.parts, *shape, generator=self._generator, device=self.device)
        return self._rows(full, n)

    def integers(self, high: int, n: int, *shape: int) -> Tensor:
        """Uniform over 0 … high − 1, ``(n, *shape)``, int64."""
        full = torch.randint(high, (n * self.parts, *shape), generator=self._generator, device=self.device)
        return self._rows(full, n)


def permutation(n: int, *, seed: int, epoch: int) -> np.ndarray:
    """The order in which epoch ``epoch`` takes ``n`` examples, ``(n,)`` int64."""
    return np.random.Generator(np.random.Philox(key=key(seed, epoch))).permutation(n)


def seeded_numbers(
    n: int, size: int, *, seed: int, start: int = 0, kind: Literal["normal", "uniform"] = "normal"
) -> Tensor:
    """Latents ``start … start + n − 1`` of ``seed``, ``(n, size)`` float32, on the CPU.

    Row i depends on ``(seed, i)`` alone, never on ``n``: the same seed gives the same picture at any
    batch size, on any machine. ``uniform`` is on [−1, 1).
    """
    blocks = []
    for block in range(start // _BLOCK, (start + n + _BLOCK - 1) // _BLOCK):
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, start + n)
        # numpy's streams are sequential: the first rows of a block do not depend on how many follow.
        rng = np.random.Generator(np.random.Philox(key=key(seed, block)))
        if kind == "normal":
            rows = rng.standard_normal((last - first, size), dtype=np.float32)
        else:
            rows = 2.0 * rng.random((last - first, size), dtype=np.float32) - 1.0
        blocks.append(rows[max(start - first, 0) :])
    return torch.from_numpy(np.concatenate(blocks)) if blocks else torch.empty(0, size)
