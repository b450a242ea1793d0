"""A residual translator.

Johnson et al. 2016, arXiv 1603.08155; Zhu et al. 2017, arXiv 1703.10593, section 7.

Most of its work is done on a grid a quarter of the picture's, so it is small and fast enough to run on a
phone. It has no short way for the picture's own detail, so it is free to draw anew: for styles, not for
restoring.
"""

from __future__ import annotations

from torch import Tensor, nn

from ganforge.core.declared import TranslatorTraits
from ganforge.core.space import Space
from ganforge.networks.layers import CONV, channels_at, leaky
from ganforge.networks.translating import (
    Conditioned,
    Enlarge,
    Normalisation,
    Translating,
    TranslationBlock,
    enlargement,
    factors,
)

__all__ = ["ResidualTranslator"]

_GAIN = nn.init.calculate_gain("leaky_relu", 0.2)  # what the rectifier that follows takes


class _Step(nn.Module):
    """A convolution, then normalisation, condition and rectifier."""

    def __init__(self, layer: nn.Module, channels: int, condition: int, normalisation: Normalisation) -> None:
        super().__init__()
        self.layer = layer
        self.exit = Conditioned(channels, condition, normalisation)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return leaky(self.exit(self.layer(x), condition))


class ResidualTranslator(Translating, TranslatorTraits):
    """A 7-wide convolution, halvings, residual blocks on the coarse grid, doublings, a 7-wide convolution.

    Args:
        space: of the results; ``space.source`` is that of the inputs.
        condition: numbers in a condition; 0 is none.
        width: channels of the picture's own grid; they double with each halving.
        depth: residual blocks.
        halvings: the blocks' grid is the target's, halved so often (Johnson's 2). A smaller input needs
            fewer: one of a quarter of the target's sides is not halved at all.
        normalisation: none, instance or group. Instance normalisation takes the levels of what it sees
            away, as styles want it; for restoring, none is better.
        skip_input: whether the result is the input plus a learned change; for super-resolution,
            inpainting, denoising and next frames.

    Raises:
        RecipeError: input and target do not fit each other.
    """

    name = "translator"
    words = "residual blocks at a quarter of the size"
    dims = (1, 2, 3)
    smallest = 1

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        halvings: int = 2,
        normalisation: Normalisation = "instance",
        skip_input: bool = False,
    ) -> None:
        scale = enlargement(space)
        assert space.source is not None
        dims, source = space.dims, space.source
        down = max(0, halvings - (scale.bit_length() - 1))
        rises = [2] * down + factors(scale)
        wide = [
            channels_at(level, width=width, growth=2, cap=4, multiple=8) for level in range(len(rises) + 1)
        ]
        first = len(rises) - down  # the input's own level, counted from the target's
        super().__init__(space, grid=2**down, width=wide[0], kernel=7, skip_input=skip_input)
        entrance = CONV[dims](source.channels, wide[first], 7, padding=3, padding_mode="reflect")
        steps = [_Step(entrance, wide[first], condition, normalisation)]
        for level in range(first, len(rises)):
            halving = CONV[dims](wide[level], wide[level + 1], 3, stride=2, padding=1)
            steps.append(_Step(halving, wide[level + 1], condition, normalisation))
        for step in steps:
            layer = step.layer
            assert isinstance(layer.weight, Tensor)
            assert isinstance(layer.bias, Tensor)
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)
        self.inwards = nn.ModuleList(steps)
        self.blocks = nn.ModuleList(
            TranslationBlock(wide[-1], dims, condition, normalisation=normalisation, blocks=depth)
            for _ in range(depth)
        )
        self.outwards = nn.ModuleList(
            _Step(
                Enlarge(wide[level + 1], wide[level], dims, factor, gain=_GAIN),
                wide[level],
                condition,
                normalisation,
            )
            for level, factor in zip(reversed(range(len(rises))), rises, strict=True)
        )

    def body(self, x: Tensor, condition: Tensor | None) -> Tensor:
        for part in (*self.inwards, *self.blocks, *self.outwards):
            x = part(x, condition)
        return x
