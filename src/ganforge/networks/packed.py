"""PacGAN: a discriminator that judges several examples together (Lin et al. 2018)."""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from ganforge.core.space import Space
from ganforge.networks.protocols import Discriminator

__all__ = ["Packed", "packed_space"]


def packed_space(space: Space, packing: int) -> Space:
    """The space of ``packing`` examples of ``space``, joined along their channels."""
    return dataclasses.replace(
        space,
        shape=(packing * space.channels, *space.spatial),
        offset=space.offset * packing,
        scale=space.scale * packing,
        columns=(),
    )


class Packed(nn.Module):
    """Each ``packing`` consecutive examples of a batch, judged as one by ``inner``.

    Args:
        inner: a discriminator of ``packed_space(space, packing)`` and of conditions ``packing`` times
            as long.
        packing: examples judged together; a batch must be a multiple of it.
    """

    def __init__(self, inner: Discriminator, *, packing: int) -> None:
        super().__init__()
        assert isinstance(inner, nn.Module)
        self.inner = inner
        self.packing = packing

    @property
    def examples_are_independent(self) -> bool:
        # Packs do not see each other: whole batches of reals and of fakes may still be concatenated.
        return self.inner.examples_are_independent

    def pack(self, x: Tensor) -> Tensor:
        """``(N, C, …)`` → ``(N / packing, packing · C, …)``."""
        assert x.shape[0] % self.packing == 0, f"a batch of {x.shape[0]} cannot be packed by {self.packing}"
        return x.reshape(x.shape[0] // self.packing, self.packing * x.shape[1], *x.shape[2:])

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The inner discriminator's, one row a pack."""
        return self.inner.features(self.pack(x))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` → logits ``(N / packing,)``."""
        return self.inner(self.pack(x), None if condition is None else self.pack(condition))
