"""The finished generator, as every room that comes after training sees it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ganforge.core.prior import Prior
from ganforge.core.space import Space

__all__ = ["Sampler"]


class Sampler(Protocol):
    """A generator with its discriminator chopped off, from a run folder or an exported file."""

    space: Space
    prior: Prior

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        start: int = 0,
        condition: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """Samples ``start … start + n − 1`` of ``seed``, ``(n, *space.shape)`` in declared units.

        Args:
            condition: ``(n, C)`` or ``(1, C)``; None takes turns: the classes, or what examples say.
            truncation: 0…1; latents are drawn towards the prior's centre, which trades variety
                for typicality.
        """
        ...

    def generate(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latents ``(N, prior.size)`` to samples ``(N, *space.shape)`` in declared units."""
        ...
