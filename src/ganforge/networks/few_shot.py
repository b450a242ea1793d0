"""Networks for a few hundred pictures (Liu et al. 2021, 'Towards Faster and Stabilized GAN Training').

The generator lets its coarse grids gate the channels of its fine ones (skip-layer excitation, section
3.1); the discriminator must be able to rebuild a real picture from its own features (section 3.2).
The paper's noise inside the generator is left out: chance enters by the latent alone.
"""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.space import Space
from ganforge.networks.layers import (
    Head,
    LatentInput,
    centre_crop,
    channels_at,
    halvings,
    normalise_spectrally,
    sides_at,
    stagewise,
)

__all__ = ["FewShotDiscriminator", "FewShotGenerator"]

Normalisation = Literal["batch", "none"]

_GATE_SPAN = 4  # a grid gates the one that is 2⁴ times as fine: 4 → 64, 8 → 128, 16 → 256 (figure 3)
_DECODER_DOUBLINGS = 4  # 8 → 128 (section 3.2)


def _channels(width: int, level: int) -> int:
    return channels_at(level, width=width, growth=2, cap=8)


def _norm(channels: int, normalisation: Normalisation) -> nn.Module:
    return nn.BatchNorm2d(channels) if normalisation == "batch" else nn.Identity()


def _gated(before: int, after: int, normalisation: Normalisation) -> list[nn.Module]:
    """A 3×3 convolution whose channels gate themselves: half of them through a sigmoid (GLU)."""
    conv = nn.Conv2d(before, 2 * after, 3, padding=1, bias=normalisation == "none")
    return [conv, _norm(2 * after, normalisation), nn.GLU(1)]


def _doubled(before: int, after: int, normalisation: Normalisation) -> list[nn.Module]:
    return [nn.UpsamplingNearest2d(scale_factor=2), *_gated(before, after, normalisation)]


class _Excitation(nn.Module):
    """A coarse grid's ``(N, before, …)`` to a factor within 0…1 for each channel of a fine one."""

    def __init__(self, before: int, after: int, *, pool: int, grid: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AvgPool2d(pool),
            nn.Conv2d(before, after, (grid[0], grid[1])),
            nn.LeakyReLU(0.2),
            nn.Conv2d(after, after, 1),
            nn.Sigmoid(),
        )

    def forward(self, coarse: Tensor) -> Tensor:
        """→ ``(N, after, 1, 1)``."""
        return self.layers(coarse)


class FewShotGenerator(nn.Module, GeneratorTraits):
    """Latent to picture, from a grid of 4 to 7 a side.

    Args:
        width: channels of the finest grid; they double inwards, up to eightfold.
        depth: further convolutions a stage.
        normalisation: batch, as in the paper, or none.
    """

    name = "few_shot"
    words = "for fewer than a thousand pictures: coarse places steer fine ones"
    dims = (2,)
    smallest = 16

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
        self.space = space
        self.count = count = halvings(space.spatial)
        self.span = min(_GATE_SPAN, count)
        grid = sides_at(space.spatial, count)
        wide = _channels(width, count)
        self.input = LatentInput(latent, condition)
        self.first = nn.Sequential(
            nn.Linear(self.input.size, 2 * wide * math.prod(grid), bias=normalisation == "none"),
            nn.Unflatten(1, (2 * wide, *grid)),
            _norm(2 * wide, normalisation),
            nn.GLU(1),
        )
        self.stages = nn.ModuleList()
        self.gates = nn.ModuleList()
        for level in range(count - 1, -1, -1):
            before, wide = wide, _channels(width, level)
            stage = _doubled(before, wide, normalisation)
            for _ in range(depth):
                stage += _gated(wide, wide, normalisation)
            self.stages.append(nn.Sequential(*stage))
            source = level + self.span
            if source <= count:
                pool = 2 ** (count - source)
                self.gates.append(_Excitation(_channels(width, source), wide, pool=pool, grid=grid))
        self.output = nn.Conv2d(wide, space.channels, 3, padding=1)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        x = self.first(self.input(z, condition))
        grids = [x]  # coarsest first
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i + 1 >= self.span:
                source = i + 1 - self.span
                x = x * self.gates[source](grids[source])
            grids.append(x)
        return centre_crop(self.output(x), self.space.spatial).float().tanh()


class _DownBlock(nn.Module):
    """Halve each side by two ways, a convolved and an averaged one, and take their mean."""

    def __init__(self, before: int, after: int, *, depth: int, normalisation: Normalisation) -> None:
        super().__init__()
        bias = normalisation == "none"
        main = [nn.Conv2d(before, after, 4, stride=2, padding=1, bias=bias), _norm(after, normalisation)]
        main.append(nn.LeakyReLU(0.2))
        for _ in range(depth):
            main += [nn.Conv2d(after, after, 3, padding=1, bias=bias), _norm(after, normalisation)]
            main.append(nn.LeakyReLU(0.2))
        self.main = nn.Sequential(*main)
        self.direct = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Conv2d(before, after, 1, bias=bias),
            _norm(after, normalisation),
            nn.LeakyReLU(0.2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return (self.main(x) + self.direct(x)) / 2


class FewShotDiscriminator(nn.Module, DiscriminatorTraits):
    """Picture to logit, with a small decoder that must rebuild reals from the features 8 to 15 a side.

    The decoder learns only where ``reconstruction_loss`` is part of the loss.

    Args:
        width: channels of the first stage; they double inwards, up to eightfold.
        depth: 3×3 convolutions a stage, after the one that halves; the paper has 1.
        normalisation: batch, as in the paper, or none.
        spectral_norm: whether each weight is divided by its largest singular value.
    """

    name = "few_shot"
    words = "for fewer than a thousand pictures: it also rebuilds what it sees"
    dims = (2,)
    smallest = 16

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        normalisation: Normalisation = "batch",
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        self.examples_are_independent = normalisation == "none" and not spectral_norm
        count = halvings(space.spatial)
        wide = _channels(width, 0)
        first = nn.Conv2d(space.channels, wide, 4, stride=2, padding=1)
        self.stages = nn.ModuleList([nn.Sequential(first, nn.LeakyReLU(0.2))])
        sides = tuple(side // 2 for side in space.spatial)
        for level in range(1, count):
            before, wide = wide, _channels(width, level)
            self.stages.append(_DownBlock(before, wide, depth=depth, normalisation=normalisation))
            sides = tuple(side // 2 for side in sides)
        self.head = Head(wide * math.prod(sides), condition)
        # From the last grid but one, 8 to 15 a side, to half the picture's sides or less.
        wide = _channels(width, count - 2)
        decoder: list[nn.Module] = []
        for _ in range(min(_DECODER_DOUBLINGS, count - 2)):
            decoder += _doubled(wide, width, normalisation)
            wide = width
        self.decoder = nn.Sequential(*decoder, nn.Conv2d(wide, space.channels, 3, padding=1))
        if spectral_norm:
            normalise_spectrally(self)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return stagewise(self.stages, x)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.features(x)[-1].flatten(1), condition)

    def reconstruct(self, x: Tensor) -> Tensor:
        """``(N, *space.shape)`` → ``(N, C, *reduced)``, at half the sides or less, in model units."""
        for stage in self.stages[:-1]:
            x = stage(x)
        return self.decoder(x).float().tanh()

    def reconstruction_loss(self, x: Tensor) -> Tensor:
        """Mean absolute difference to the averaged-down picture, ``(N,)`` (section 3.2, with L1)."""
        rebuilt = self.reconstruct(x)
        wanted = F.adaptive_avg_pool2d(x.float(), (rebuilt.shape[2], rebuilt.shape[3]))
        return (rebuilt - wanted).abs().flatten(1).mean(1)
