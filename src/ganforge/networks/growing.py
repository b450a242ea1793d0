"""Networks that grow from coarse to fine while they are trained, and that are cheap at every size.

A generator makes a coarse picture first, and each finer stage adds what is missing to the enlarged picture of
the stage before (the skips of Karras et al. 2020, arXiv 1912.04958, section 4.1). A discriminator looks at
the picture in several sizes, and each finer stage adds what it found to the coarser one. What a new stage
adds begins at zero in both, so growing changes no sample and no logit. Growth itself: Karras et al. 2018,
arXiv 1710.10196.

Whatever the level, samples and what is judged have the sides of the space: a coarse sample is enlarged, and
what is judged is averaged down. So penalties keep their meaning: at half the sides, the squared gradient with
respect to the pixels of the space is a quarter.

The finest level costs little: with ``patch`` 2 a discriminator's works on the grid of half the sides, each of
whose places holds 2 × 2 pixels (as the wavelets of SWAGAN: Gal et al. 2021, arXiv 2102.06108), and so does a
generator's, or it has a few channels only at the whole size (``thin``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.errors import RecipeError
from ganforge.core.levels import first_level, grids, levels_of
from ganforge.core.space import Space
from ganforge.networks.layers import (
    CONV,
    Head,
    LatentInput,
    Soften,
    channels_at,
    held,
    leaky,
    normalise_spectrally,
)

__all__ = [
    "Growing",
    "GrowingDiscriminator",
    "GrowingGenerator",
    "begins",
    "growing",
    "levels",
]

_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
_POOL: dict[int, Callable[..., Tensor]] = {
    1: F.adaptive_avg_pool1d,
    2: F.adaptive_avg_pool2d,
    3: F.adaptive_avg_pool3d,
}


class Growing(nn.Module):
    """What both players share: the sides of each level, and at which level a parameter begins.

    Attributes:
        sides: of the picture of each level, coarsest first; the last are the space's.
        first: the level at which growth begins.
        level: the level that is made or judged now; the last one, until :meth:`grow` says otherwise.
    """

    grown: Tensor
    finest: nn.Module | None

    def __init__(self, spatial: Sequence[int], patch: int) -> None:
        super().__init__()
        if patch not in (1, 2, 4):
            raise RecipeError(f"patch is {patch}; it can be 1, 2 or 4")
        self.spatial, self.patch = tuple(spatial), patch
        self.grids = grids([-(-side // patch) for side in spatial])
        self.sides = levels_of(spatial, patch)
        self.level = len(self.sides) - 1
        self.first = first_level(self.sides)
        # In the state, so that whoever loads it makes what was trained.
        self.register_buffer("grown", torch.tensor(self.level))
        self.register_load_state_dict_post_hook(_level_from_state)

    @property
    def levels(self) -> int:
        """How many levels are trained one after the other."""
        return len(self.sides) - self.first

    def grow(self, step: int) -> None:
        """Make or judge pictures of level ``first + step``; beyond the last it is the last."""
        self.level = min(self.first + step, len(self.sides) - 1)
        self.grown.fill_(self.level)

    def seen(self, x: Tensor, level: int) -> Tensor:
        """Examples ``(N, C, *spatial)`` as coarse as those of a level; of clips ``(N, C, T, H, W)`` each
        frame of its own where ``spatial`` are two."""
        leading = x.shape[1 : x.dim() - len(self.spatial)]
        x = _averaged(x.flatten(1, len(leading)), self.sides[level])
        for sides in self.sides[level + 1 :]:
            x = _enlarged(x, sides, smooth=True)
        return x.unflatten(1, leading)

    def begins(self, name: str) -> int:
        """The step of growth, from 0, at which the parameter of this name is first used."""
        parts = name.split(".")
        level = int(parts[1]) if parts[0] == "stages" else len(self.sides) - 1 if parts[0] == "finest" else 0
        return max(level - self.first, 0)


def _level_from_state(module: Any, _: Any) -> None:
    if not module.grown.is_meta:
        module.level = int(module.grown)


def growing(network: nn.Module) -> list[Growing]:
    """The parts of a network that grow."""
    return [module for module in network.modules() if isinstance(module, Growing)]


def levels(network: nn.Module) -> int:
    """How many levels of a network are trained one after the other; 1 where nothing grows."""
    return max((part.levels for part in growing(network)), default=1)


def begins(network: nn.Module) -> list[int]:
    """The step of growth at which each of the network's parameters is first used, in their order."""
    steps = {
        id(parameter): part.begins(name)
        for part in growing(network)
        for name, parameter in part.named_parameters()
    }
    return [steps.get(id(parameter), 0) for parameter in network.parameters()]


def _conv(
    before: int, after: int, dims: int, width: int = 3, *, zero: bool = False, bias: bool = True
) -> nn.Module:
    layer = CONV[dims](before, after, width, padding=width // 2, bias=bias)
    if zero:
        nn.init.zeros_(layer.weight)
    else:
        nn.init.kaiming_normal_(layer.weight, a=0.2)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _enlarged(x: Tensor, sides: Sequence[int], *, smooth: bool) -> Tensor:
    if tuple(x.shape[2:]) == tuple(sides):
        return x
    if not smooth:
        return F.interpolate(x, size=list(sides), mode="nearest")
    return F.interpolate(x, size=list(sides), mode=_LINEAR[len(sides)], align_corners=False)


def _averaged(x: Tensor, sides: Sequence[int]) -> Tensor:
    return x if tuple(x.shape[2:]) == tuple(sides) else _POOL[len(sides)](x, list(sides))


def _to_places(x: Tensor, patch: int, grid: Sequence[int]) -> Tensor:
    """Pixels ``(N, C, *sides)`` to places ``(N, C · patch^dims, *grid)``; edges are repeated to fit."""
    dims = len(grid)
    missing = [place * patch - side for place, side in zip(grid, x.shape[2:], strict=True)]
    if any(missing):
        x = F.pad(x, [n for m in reversed(missing) for n in (0, m)], mode="replicate")
    n, c = x.shape[:2]
    x = x.reshape(n, c, *(number for place in grid for number in (place, patch)))
    within = [3 + 2 * axis for axis in range(dims)]
    return x.permute(0, 1, *within, *(2 + 2 * axis for axis in range(dims))).reshape(
        n, c * patch**dims, *grid
    )


def _to_pixels(x: Tensor, patch: int, sides: Sequence[int]) -> Tensor:
    """The inverse of :func:`_to_places`, cut to ``sides``."""
    dims, grid = len(sides), x.shape[2:]
    n, c = x.shape[0], x.shape[1] // patch**dims
    x = x.reshape(n, c, *[patch] * dims, *grid)
    x = x.permute(0, 1, *(axis for d in range(dims) for axis in (2 + dims + d, 2 + d)))
    x = x.reshape(n, c, *(place * patch for place in grid))
    for axis, side in enumerate(sides):
        x = x.narrow(2 + axis, 0, side) if x.shape[2 + axis] != side else x
    return x


class _GeneratorStage(nn.Module):
    """A stage of the generator, and what it adds to the picture.

    The convolution that changes the channels works on the grid before, where it costs a quarter.
    """

    def __init__(
        self,
        space: Space,
        entered: int,
        before: int,
        after: int,
        *,
        depth: int,
        first: bool,
        smooth: bool,
        body_styles: bool,
    ) -> None:
        super().__init__()
        dims = space.dims
        self.smooth = smooth
        self.style = None if first else _style(entered, before)
        self.body_style = _style(entered, after) if body_styles else None
        self.change = _conv(before, after, dims)
        self.body = nn.ModuleList(_conv(after, after, dims) for _ in range(depth))
        self.picture = _conv(after, space.channels, dims, 1, zero=not first)

    def forward(self, x: Tensor, entered: Tensor, sides: Sequence[int]) -> Tensor:
        x = _weighed(x, self.style, entered)
        x = _enlarged(leaky(self.change(x)), sides, smooth=self.smooth)
        x = _weighed(x, self.body_style, entered)
        for layer in self.body:
            x = leaky(layer(x))
        return x


class _Thin(nn.Module):
    """What the whole size adds to the picture: a few channels, of features that are enlarged linearly."""

    def __init__(self, before: int, width: int, space: Space) -> None:
        super().__init__()
        self.change = _conv(before, width, space.dims, 1)
        self.body = _conv(width, width, space.dims)
        self.picture = _conv(width, space.channels, space.dims, zero=True)

    def forward(self, x: Tensor, sides: Sequence[int]) -> Tensor:
        x = _enlarged(leaky(self.change(x)), sides, smooth=True)
        return self.picture(leaky(self.body(x))).float()


def _style(entered: int, channels: int) -> nn.Linear:
    """From the latent to a factor less 1 for each channel; 0 at the start."""
    style = nn.Linear(entered, channels)
    nn.init.zeros_(style.weight)
    nn.init.zeros_(style.bias)
    return style


def _weighed(x: Tensor, style: nn.Module | None, entered: Tensor) -> Tensor:
    return x if style is None else x * (1.0 + _over_grid(style(entered), x.dim() - 2))


def _over_grid(channels: Tensor, dims: int) -> Tensor:
    """``(N, C)`` → ``(N, C, 1, …)``."""
    return channels.reshape(*channels.shape, *(1 for _ in range(dims)))


class GrowingGenerator(Growing, GeneratorTraits):
    """Latent to sample, from coarse to fine. The latent weighs a learned basis and enters every stage.

    Args:
        width: channels of the finest grid.
        depth: convolutions a stage, beside the one that changes the channels.
        patch: sides of the square of pixels that one place of the finest grid holds: 1, 2 or 4.
        thin: channels at the whole size, where ``patch`` is not 1. With 0 each place of the finest grid gives
            its pixels at once, and a filter that takes the grid away takes the finest details too.
        growth, cap: channels grow by this factor each stage inwards, up to this multiple of ``width``.
        loudness: of a condition beside the latent, at the start.
        smooth: features are enlarged linearly, not repeated: outlines without steps, and no fine grid.
        body_styles: the latent enters each stage twice, also behind the enlargement.
    """

    name = "growing"
    usual_rate = 2e-3
    words = "from coarse to fine: stages join while it learns"
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
        patch: int = 2,
        thin: int = 0,
        growth: float = 1.5,
        cap: float = 2.0,
        loudness: float = 0.1,
        smooth: bool = False,
        body_styles: bool = False,
    ) -> None:
        super().__init__(space.spatial, patch)
        self.input = LatentInput(latent, condition, loudness=loudness)
        wide = _channels(len(self.grids), width, growth, cap)
        self.mix = nn.Linear(self.input.size, wide[0], bias=False)
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="linear")
        self.basis = nn.Parameter(torch.randn(wide[0], *self.grids[0]))
        self.stages = nn.ModuleList(
            _GeneratorStage(
                space,
                self.input.size,
                wide[max(i - 1, 0)],
                wide[i],
                depth=depth,
                first=i == 0,
                smooth=smooth,
                body_styles=body_styles,
            )
            for i in range(len(wide))
        )
        self.finest = None
        if patch > 1 and thin:
            self.finest = _Thin(wide[-1], thin, space)
        elif patch > 1:
            places = space.channels * patch**space.dims
            self.finest = _conv(wide[-1], places, space.dims, zero=True)
            self.soften = Soften(space.channels, space.dims)

    @property
    def styles(self) -> list[nn.Module]:
        """Where the latent enters after the coarsest grid: linear maps to factors of channels."""
        finer = [
            stage for stage in self.stages if isinstance(stage, _GeneratorStage) and stage.style is not None
        ]
        return [style for stage in finer for style in (stage.style, stage.body_style) if style is not None]

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        entered = self.input(z, condition)
        x = self.basis * _over_grid(self.mix(entered), self.basis.dim() - 1)
        picture = x.new_zeros(())
        for level, stage in enumerate(self.stages):
            if level > self.level:
                break
            assert isinstance(stage, _GeneratorStage)
            x = stage(x, entered, self.sides[level])
            added: Tensor = stage.picture(x).float()
            picture = _enlarged(picture, self.sides[level], smooth=True) + added if level else added
        for sides in self.sides[self.level + 1 :]:
            picture = _enlarged(picture, sides, smooth=True)
        if self.finest is not None and self.level == len(self.sides) - 1:
            picture = _enlarged(picture, self.spatial, smooth=True) + self._finest(x)
        return held(picture)

    def _finest(self, x: Tensor) -> Tensor:
        """What the whole size adds."""
        if isinstance(self.finest, _Thin):
            return self.finest(x, self.spatial)
        assert self.finest is not None
        return self.soften(_to_pixels(self.finest(x), self.patch, self.spatial))


class _Judged(nn.Module):
    """A stage of the discriminator: what enters of the picture, convolutions, what the next grid gets."""

    def __init__(
        self, channels: int, here: int, after: int, dims: int, *, depth: int, silent: bool, last: bool
    ) -> None:
        super().__init__()
        self.picture = _conv(channels, here, dims, 1)
        self.body = nn.ModuleList(_conv(here, here, dims) for _ in range(depth))
        self.change = _conv(here, after, dims)
        self.skip = None if last else _conv(here, after, dims, 1, bias=False)
        self.join = None if last else _conv(after, after, dims, 1, bias=False, zero=silent)

    def forward(self, x: Tensor, sides: Sequence[int]) -> Tensor:
        h = x
        for layer in self.body:
            h = leaky(layer(h))
        h = leaky(self.change(_averaged(h, sides)))
        return h if self.skip is None else (h + self.skip(_averaged(x, sides))) * 0.5**0.5


def _channels(count: int, width: int, growth: float, cap: float) -> list[int]:
    """Channels of ``count`` grids, coarsest first."""
    return [
        channels_at(level, width=width, growth=growth, cap=cap, multiple=8)
        for level in range(count - 1, -1, -1)
    ]


class GrowingDiscriminator(Growing, DiscriminatorTraits):
    """Sample to logit: each grid sees the picture in its own size, and what the finer ones found.

    Args:
        width, depth, patch, growth, cap: as in :class:`GrowingGenerator`.
        spectral_norm: whether each weight is divided by its largest singular value.
    """

    name = "growing"
    usual_rate = 2e-3
    words = "from coarse to fine: stages join while it learns"
    dims = (1, 2, 3)
    smallest = 8

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
        super().__init__(space.spatial, patch)
        dims = space.dims
        wide = _channels(len(self.grids), width, growth, cap)
        self.stages = nn.ModuleList(
            _Judged(
                space.channels,
                wide[i],
                wide[max(i - 1, 0)],
                dims,
                depth=depth,
                silent=i > self.first,
                last=i == 0,
            )
            for i in range(len(wide))
        )
        self.finest = None
        if patch > 1:
            self.finest = _conv(space.channels * patch**dims, wide[-1], dims, zero=True)
        self.head = Head(wide[0] * math.prod(self.grids[0]), condition)
        self.examples_are_independent = not spectral_norm
        if spectral_norm:
            normalise_spectrally(self)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self._stages(x))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        *_, last = self._stages(x)
        return self.head(last.float().flatten(1), condition)

    def _stages(self, x: Tensor) -> Iterator[Tensor]:
        """The activations of each stage that judges now, finest first."""
        found: Tensor | None = None
        picture = x
        if self.finest is not None and self.level == len(self.sides) - 1:
            found = self.finest(_to_places(x, self.patch, self.grids[-1]))
        for level in range(min(self.level, len(self.grids) - 1), -1, -1):
            stage = self.stages[level]
            assert isinstance(stage, _Judged)
            picture = _averaged(picture, self.grids[level])
            here = stage.picture(picture)
            here = leaky(here if found is None else here + found)
            h = stage(here, self.grids[max(level - 1, 0)])
            yield h
            if stage.join is not None:
                found = stage.join(h)
