"""Clips and shapes as pictures of many channels: the colours of every frame or layer beside each other.

Convolutions in three dimensions cost as many times more than those in two as a clip has frames. Folded, the
networks of :mod:`ganforge.networks.growing` see all of a clip at each place, and know each frame by its
channels: whole, and for clips of one length.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from ganforge.core.declared import CODECS, DiscriminatorTraits, GeneratorTraits
from ganforge.core.space import Space
from ganforge.networks.growing import GrowingDiscriminator, GrowingGenerator

__all__ = ["FoldedDiscriminator", "FoldedGenerator", "folded_space"]


def folded_space(space: Space) -> Space:
    """Of pictures whose channels are those of all frames: ``(C, T, H, W)`` → ``(C·T, H, W)``."""
    kind = next(name for name, codec in CODECS.items() if codec.picture_files)
    frames, *sides = space.spatial
    return replace(space, kind=kind, shape=(space.channels * frames, *sides), fitted=None, value_range=None)


class _Folded(nn.Module):
    """What both players share."""

    dims = (3,)
    smallest = 8

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.shape = space.shape

    def folded(self, x: Tensor) -> Tensor:
        """``(N, C, T, H, W)`` → ``(N, C·T, H, W)``."""
        return x.flatten(1, 2)


class FoldedGenerator(_Folded, GeneratorTraits):
    """Latent to sample: a :class:`~ganforge.networks.growing.GrowingGenerator` of the folded space.

    Args: as of that one.
    """

    name = "folded"
    usual_rate = 2e-3
    words = "a clip's frames, or a shape's layers, as channels, from coarse to fine"

    def __init__(
        self,
        *,
        space: Space,
        latent: int,
        condition: int = 0,
        width: int,
        depth: int,
        patch: int = 2,
        growth: float = 1.5,
        cap: float = 2.0,
        loudness: float = 0.1,
    ) -> None:
        super().__init__(space)
        self.inner = GrowingGenerator(
            space=folded_space(space),
            latent=latent,
            condition=condition,
            width=width,
            depth=depth,
            patch=patch,
            growth=growth,
            cap=cap,
            loudness=loudness,
        )

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.inner(z, condition).unflatten(1, self.shape[:2])


class FoldedDiscriminator(_Folded, DiscriminatorTraits):
    """Sample to logit: a :class:`~ganforge.networks.growing.GrowingDiscriminator` of the folded space.

    Args: as of that one.
    """

    name = "folded"
    usual_rate = 2e-3
    words = "a clip's frames, or a shape's layers, as channels, from coarse to fine"

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        patch: int = 2,
        growth: float = 1.5,
        cap: float = 2.0,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(space)
        self.inner = GrowingDiscriminator(
            space=folded_space(space),
            condition=condition,
            width=width,
            depth=depth,
            patch=patch,
            growth=growth,
            cap=cap,
            spectral_norm=spectral_norm,
        )

    @property
    def examples_are_independent(self) -> bool:
        return self.inner.examples_are_independent

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.inner.features(self.folded(x))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.inner(self.folded(x), condition)
