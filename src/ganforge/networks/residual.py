"""Residual networks without normalisation: the modern default.

The topology is R3GAN's (Huang et al. 2024, 'The GAN is dead; long live the GAN!', section 3): residual
blocks of leaky rectifiers, binomial resampling, a learned basis at the coarsest grid, and the fix-up
initialisation of Zhang et al. 2019 in place of normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.levels import grids
from ganforge.core.space import Space
from ganforge.networks.layers import (
    CONV,
    Down,
    Head,
    LatentInput,
    Up,
    channels_at,
    halvings,
    held,
    leaky,
    normalise_spectrally,
    sides_at,
    stagewise,
)

__all__ = ["Block", "ResidualDiscriminator", "ResidualGenerator", "ResidualTrunk"]

Block = Literal["dense", "bottleneck"]
Halved = Literal["together", "apart"]

_GROUP = 16  # channels a group of a bottleneck's 3-wide convolution (as in ResNeXt)
_EXPANSION = 2  # a bottleneck's inner channels (inverted: wider inside)


class _Block(nn.Module):
    """``x + f(x)``, where f is zero at the start.

    ``dense``: two 3-wide convolutions, each after a rectifier. ``bottleneck``: 1-wide, grouped 3-wide,
    1-wide, with rectifiers between them; fewer operations, and slower on a CPU.

    Args:
        blocks: how many blocks the network has. The convolutions before the last are scaled by
            ``blocks^(−1/(2m−2))`` with m convolutions a block (Zhang et al. 2019, section 3, rule 2);
            the last is 0.
    """

    def __init__(self, channels: int, dims: int, *, block: Block, blocks: int) -> None:
        super().__init__()
        conv = CONV[dims]
        if block == "dense":
            self.before = True
            layers = [
                conv(channels, channels, 3, padding=1),
                conv(channels, channels, 3, padding=1, bias=False),
            ]
        else:
            self.before = False
            inner = max(_GROUP, _EXPANSION * channels // _GROUP * _GROUP)
            layers = [
                conv(channels, inner, 1),
                conv(inner, inner, 3, padding=1, groups=inner // _GROUP),
                conv(inner, channels, 1, bias=False),
            ]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            layer.weight.data.mul_(blocks ** (-1 / (2 * len(layers) - 2)))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        nn.init.zeros_(layers[-1].weight)
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for i, layer in enumerate(self.layers):
            h = layer(leaky(h) if i or self.before else h)
        return x + h


def _linear_conv(before: int, after: int, dims: int, *, bias: bool = False) -> nn.Module:
    """A 1-wide convolution that keeps the variance."""
    layer = CONV[dims](before, after, 1, bias=bias)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _grids(spatial: Sequence[int], halved: Halved) -> list[tuple[int, ...]]:
    """The sides of each level, the finest first."""
    if halved == "apart":
        return grids(spatial)[::-1]
    return [sides_at(spatial, level) for level in range(halvings(spatial) + 1)]


def _along(fine: tuple[int, ...], coarse: tuple[int, ...]) -> list[bool]:
    """Which sides differ between two levels."""
    return [a != b for a, b in zip(fine, coarse, strict=True)]


class ResidualGenerator(nn.Module, GeneratorTraits):
    """Latent to sample. The latent weighs a learned basis of the coarsest grid, 4 to 7 a side.

    It ends in ``layers.held`` and not in a tanh, which passes no gradient where it is flat: on pictures that
    are mostly black, a generator that once had gone all black stayed so for good. Without any bound, the
    discriminator would live on how far from black the background is.

    Args:
        width: channels of the finest grid.
        depth: blocks a stage.
        block: dense (fast on a CPU) or bottleneck (grouped; for accelerators and large widths).
        growth: channels grow by this factor each stage inwards …
        cap: … up to this multiple of ``width``.
        styles: whether the latent enters every further stage too, as a factor 1 + Az of each channel of
            its input (after Karras et al. 2019, arXiv 1812.04948, section 2, without their normalisation).
        loudness: of a condition beside the latent, at the start. As loud as the latent, it drowned it: one
            picture a class came of it (benchmarks/results/residual.md). Quieter keeps variety, and is obeyed
            later.
        halved: the sides ``together``, until the shortest is 4 to 7, or each ``apart``, until it is 4 to 7
            itself: else the coarsest grid of what is long has no whole.
    """

    name = "residual"
    words = "residual blocks without normalisation"
    dims = (1, 2, 3)
    smallest = 8
    usual_rate = 0.0005

    def __init__(
        self,
        *,
        space: Space,
        latent: int,
        condition: int = 0,
        width: int,
        depth: int,
        block: Block = "dense",
        growth: float = 1.5,
        cap: float = 2.0,
        styles: bool = False,
        loudness: float = 0.1,
        halved: Halved = "together",
    ) -> None:
        super().__init__()
        dims, sides = space.dims, _grids(space.spatial, halved)
        count = len(sides) - 1
        blocks = (count + 1) * depth
        wide = channels_at(count, width=width, growth=growth, cap=cap, multiple=8)
        self.input = LatentInput(latent, condition, loudness=loudness)
        self.mix = nn.Linear(self.input.size, wide, bias=False)
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="linear")
        self.basis = nn.Parameter(torch.randn(wide, *sides[count]))
        self.stages, self.styles = nn.ModuleList(), nn.ModuleList()
        for level in range(count, -1, -1):
            stage: list[nn.Module] = []
            if level < count:
                before, wide = wide, channels_at(level, width=width, growth=growth, cap=cap, multiple=8)
                if styles:
                    self.styles.append(_silent(nn.Linear(self.input.size, before)))
                # The linear map first: it then works on the coarser grid.
                stage += [_linear_conv(before, wide, dims)] if wide != before else []
                stage.append(Up(wide, sides[level], _along(sides[level], sides[level + 1])))
            stage += [_Block(wide, dims, block=block, blocks=blocks) for _ in range(depth)]
            self.stages.append(nn.Sequential(*stage))
        self.output = _linear_conv(wide, space.channels, dims, bias=True)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        entered = self.input(z, condition)
        weights = self.mix(entered)  # (N, C)
        x = self.basis * _over_grid(weights, self.basis.dim() - 1)
        for place, stage in enumerate(self.stages):
            if place and len(self.styles):
                x = x * (1.0 + _over_grid(self.styles[place - 1](entered), self.basis.dim() - 1))
            x = stage(x)
        return held(self.output(x).float())


def _over_grid(channels: Tensor, dims: int) -> Tensor:
    """``(N, C)`` → ``(N, C, 1, …)``, to be multiplied with ``(N, C, *sides)``."""
    return channels.reshape(*channels.shape, *(1 for _ in range(dims)))


def _silent(linear: nn.Linear) -> nn.Linear:
    """The same, beginning with zeros."""
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


class ResidualTrunk(nn.Module):
    """Sample to the activations of each stage, finest first; the last is ``(N, channels, *sides)``.

    Args: as :class:`ResidualDiscriminator`.
    """

    def __init__(
        self,
        *,
        space: Space,
        width: int,
        depth: int,
        block: Block,
        growth: float,
        cap: float,
        halved: Halved = "together",
    ) -> None:
        super().__init__()
        dims, sides = space.dims, _grids(space.spatial, halved)
        count = len(sides) - 1
        blocks = (count + 1) * depth
        wide = channels_at(0, width=width, growth=growth, cap=cap, multiple=8)
        self.stages = nn.ModuleList()
        entrance: list[nn.Module] = [_linear_conv(space.channels, wide, dims, bias=True)]
        for level in range(count + 1):
            if level:
                before, wide = wide, channels_at(level, width=width, growth=growth, cap=cap, multiple=8)
                entrance = [Down(before, dims, _along(sides[level - 1], sides[level]))]
                entrance += [_linear_conv(before, wide, dims)] if wide != before else []
            body = [_Block(wide, dims, block=block, blocks=blocks) for _ in range(depth)]
            self.stages.append(nn.Sequential(*entrance, *body))
        self.channels = wide
        self.sides = sides[count]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return stagewise(self.stages, x)


class ResidualDiscriminator(nn.Module, DiscriminatorTraits):
    """Sample to logit. A learned basis of the coarsest grid weighs each channel's last activations.

    Args:
        width, depth, block, growth, cap, halved: as in :class:`ResidualGenerator`.
        spectral_norm: whether each weight is divided by its largest singular value.
    """

    name = "residual"
    words = "residual blocks without normalisation"
    dims = (1, 2, 3)
    smallest = 8
    usual_rate = 0.0005

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        block: Block = "dense",
        growth: float = 1.5,
        cap: float = 2.0,
        spectral_norm: bool = False,
        halved: Halved = "together",
    ) -> None:
        super().__init__()
        self.trunk = ResidualTrunk(
            space=space,
            width=width,
            depth=depth,
            block=block,
            growth=growth,
            cap=cap,
            halved=halved,
        )
        sides = self.trunk.sides
        self.basis = nn.Parameter(torch.randn(self.trunk.channels, *sides))
        self.scale = self.basis[0].numel() ** -0.5  # keeps the variance of the sum over the grid
        self.head = Head(self.trunk.channels, condition)
        self.examples_are_independent = not spectral_norm
        if spectral_norm:
            normalise_spectrally(self)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.trunk(x)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        last = leaky(self.trunk(x)[-1].float())
        phi = (last * self.basis).flatten(2).sum(2) * self.scale  # (N, channels): a depthwise convolution
        return self.head(phi, condition)
