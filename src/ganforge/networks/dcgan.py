"""DCGAN (Radford, Metz & Chintala 2015, sections 3 and 4), for any size and for 1 to 3 dimensions.

At 64×64, width 64, latent 100 and depth 0 these are the paper's networks, weight for weight. Maps from
and to a 1×1 grid, which the paper writes as convolutions, are written as the matrix products they are.
"""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.space import Space
from ganforge.networks.layers import (
    BATCH_NORM,
    CONV,
    CONV_TRANSPOSED,
    Head,
    LatentInput,
    centre_crop,
    channels_at,
    halvings,
    normalise_spectrally,
    sides_at,
    stagewise,
)

__all__ = ["DcganDiscriminator", "DcganGenerator"]

Normalisation = Literal["batch", "none"]


def _channels(width: int, level: int) -> int:
    return channels_at(level, width=width, growth=2, cap=8)


def _norm(channels: int, dims: int, normalisation: Normalisation) -> list[nn.Module]:
    return [BATCH_NORM[dims](channels)] if normalisation == "batch" else []


def _initialise(network: nn.Module) -> None:
    """Weights N(0, 0.02); scales of normalisations N(1, 0.02) (section 4; the scales as commonly done)."""
    for module in network.modules():
        if isinstance(module, (nn.Linear, *CONV.values(), *CONV_TRANSPOSED.values())):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, tuple(BATCH_NORM.values())):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


class DcganGenerator(nn.Module, GeneratorTraits):
    """Latent to sample by transposed 4-wide convolutions of stride 2, from a grid of 4 to 7 a side.

    Args:
        width: channels of the last hidden stage; they double inwards, up to eightfold.
        depth: further 3-wide convolutions a stage; the paper has 0.
        normalisation: batch, as in the paper, or none.
    """

    name = "dcgan"
    words = "plain convolutions that double, and batch statistics"
    dims = (1, 2, 3)
    smallest = 8

    def __init__(
        self,
        *,
        space: Space,
        latent: int,
        condition: int = 0,
        width: int,
        depth: int,
        normalisation: Normalisation = "batch",
    ) -> None:
        super().__init__()
        dims, count = space.dims, halvings(space.spatial)
        plain = normalisation == "none"
        self.space = space
        self.start = (_channels(width, count - 1), *sides_at(space.spatial, count))
        self.input = LatentInput(latent, condition)
        self.first = nn.Linear(self.input.size, math.prod(self.start), bias=plain)
        stages: list[nn.Module] = []
        for level in range(count - 1, -1, -1):
            wide = _channels(width, level)
            stages += [*_norm(wide, dims, normalisation), nn.ReLU()]
            for _ in range(depth):
                stages += [CONV[dims](wide, wide, 3, padding=1, bias=plain)]
                stages += [*_norm(wide, dims, normalisation), nn.ReLU()]
            following = _channels(width, level - 1) if level else space.channels
            stages.append(CONV_TRANSPOSED[dims](wide, following, 4, stride=2, padding=1, bias=plain))
        self.stages = nn.Sequential(*stages)
        _initialise(self)
        if self.input.embed is not None:
            nn.init.normal_(self.input.embed.weight)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        x = self.first(self.input(z, condition)).unflatten(1, self.start)
        return centre_crop(self.stages(x), self.space.spatial).float().tanh()


class DcganDiscriminator(nn.Module, DiscriminatorTraits):
    """Sample to logit by 4-wide convolutions of stride 2.

    Args:
        width: channels of the first stage; they double inwards, up to eightfold.
        depth: further 3-wide convolutions a stage; the paper has 0.
        normalisation: batch, as in the paper (not in the first stage), or none. Gradient penalties
            and one pass for reals and fakes want none.
        spectral_norm: whether each weight is divided by its largest singular value.
    """

    name = "dcgan"
    words = "plain convolutions that halve, and batch statistics"
    dims = (1, 2, 3)
    smallest = 8

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        normalisation: Normalisation = "batch",
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        dims, plain = space.dims, normalisation == "none"
        self.examples_are_independent = plain and not spectral_norm
        self.stages = nn.ModuleList()
        wide, sides = space.channels, space.spatial
        for level in range(halvings(space.spatial)):
            before, wide = wide, _channels(width, level)
            layers: list[nn.Module] = [CONV[dims](before, wide, 4, stride=2, padding=1, bias=plain)]
            layers += [*(_norm(wide, dims, normalisation) if level else []), nn.LeakyReLU(0.2)]
            for _ in range(depth):
                layers += [CONV[dims](wide, wide, 3, padding=1, bias=plain)]
                layers += [*_norm(wide, dims, normalisation), nn.LeakyReLU(0.2)]
            self.stages.append(nn.Sequential(*layers))
            sides = tuple(side // 2 for side in sides)
        self.head = Head(wide * math.prod(sides), condition, bias=plain)
        _initialise(self)
        if spectral_norm:
            normalise_spectrally(self)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return stagewise(self.stages, x)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.features(x)[-1].flatten(1), condition)
