"""A U-Net from picture to picture.

Ronneberger et al. 2015, arXiv 1505.04597; Isola et al. 2017, arXiv 1611.07004, section 3.2; with residual
blocks.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ganforge.core.declared import TranslatorTraits
from ganforge.core.space import Space
from ganforge.networks.layers import CONV, Down, channels_at, leaky, normalise_weights
from ganforge.networks.layers import halvings as usual_halvings
from ganforge.networks.translating import (
    Conditioned,
    Enlarge,
    Normalisation,
    Translating,
    TranslationBlock,
    enlargement,
    factors,
)

__all__ = ["UnetTranslator"]


_HALF = 0.5**0.5  # two that are summed, each with half of the variance


def _linear(before: int, after: int, dims: int, *, kernel: int = 1, gain: float = 1.0) -> nn.Module:
    """A convolution without bias that multiplies deviations by ``gain``."""
    layer = CONV[dims](before, after, kernel, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    layer.weight.data.mul_(gain)
    return layer


class _Stage(nn.ModuleList):
    """The blocks of one stage."""

    def __init__(
        self, depth: int, channels: int, dims: int, condition: int, normalisation: Normalisation, blocks: int
    ) -> None:
        super().__init__(
            TranslationBlock(channels, dims, condition, normalisation=normalisation, blocks=blocks)
            for _ in range(depth)
        )

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        for block in self:
            x = block(x, condition)
        return x


class UnetTranslator(Translating, TranslatorTraits):
    """Down to a coarse grid and up again, each stage of the way up with what the way down saw there.

    Where the target is larger than the input, further stages without such a view follow.

    Args:
        space: of the results; ``space.source`` is that of the inputs.
        condition: numbers in a condition; 0 is none.
        width: channels of the input's own grid.
        depth: blocks a stage.
        halvings: how often the input's sides are halved; 0 is until the shortest is 4 to 7.
        normalisation: none, instance or group. Without, a picture's parts do not depend on what is far
            from them, so a large one can be translated in tiles; and levels are kept, which restoring needs.
        skip_input: whether the result is the input plus a learned change; for super-resolution,
            inpainting, denoising and next frames.
        weight_norm: whether each weight is a learned length times a direction, which stands higher rates.
        growth: channels grow by this factor each stage inwards …
        cap: … up to this multiple of ``width``.

    Raises:
        RecipeError: input and target do not fit each other.
    """

    name = "unet"
    words = "down and up again, with bridges at every size"
    dims = (1, 2, 3)
    smallest = 1

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        halvings: int = 0,
        normalisation: Normalisation = "none",
        skip_input: bool = False,
        weight_norm: bool = False,
        growth: float = 2.0,
        cap: float = 4.0,
    ) -> None:
        scale = enlargement(space)
        assert space.source is not None
        dims, source = space.dims, space.source
        count = halvings or usual_halvings(source.spatial)
        wide = [
            channels_at(level, width=width, growth=growth, cap=cap, multiple=8) for level in range(count + 1)
        ]
        super().__init__(space, grid=2**count, width=wide[0], kernel=3, skip_input=skip_input)
        rises = factors(scale)
        blocks = depth * (2 * count + 1 + len(rises))

        def stage(channels: int) -> _Stage:
            return _Stage(depth, channels, dims, condition, normalisation, blocks)

        self.entrance = _linear(source.channels, wide[0], dims, kernel=3)
        self.inwards = nn.ModuleList(stage(channels) for channels in wide)
        self.downs = nn.ModuleList(
            nn.Sequential(Down(before, dims), _linear(before, after, dims))
            for before, after in pairwise(wide)
        )
        self.ups = nn.ModuleList(Enlarge(after, before, dims) for before, after in pairwise(wide))
        self.skips = nn.ModuleList(_linear(channels, channels, dims, gain=_HALF) for channels in wide[:-1])
        self.outwards = nn.ModuleList(stage(channels) for channels in wide[:-1])
        self.rises = nn.ModuleList(Enlarge(wide[0], wide[0], dims, factor) for factor in rises)
        self.beyond = nn.ModuleList(stage(wide[0]) for _ in rises)
        self.last = Conditioned(wide[0], condition, normalisation)
        if weight_norm:
            normalise_weights(self)

    def body(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = self.inwards[0](self.entrance(x), condition)
        seen: list[Tensor] = []  # finest first
        for down, blocks in zip(self.downs, self.inwards[1:], strict=True):
            seen.append(x)
            x = blocks(down(x), condition)
        for level in reversed(range(len(seen))):
            # The sum of two linear maps is one of both, concatenated (as in the papers).
            x = self.ups[level](x) + self.skips[level](seen[level])
            x = self.outwards[level](x, condition)
        for rise, blocks in zip(self.rises, self.beyond, strict=True):
            x = blocks(rise(x), condition)
        return leaky(self.last(x, condition))
